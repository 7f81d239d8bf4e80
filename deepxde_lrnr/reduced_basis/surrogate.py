"""Solutions from a file alone: a reduced basis, its coefficients interpolated.

NumPy is all it needs: no problem, no TensorFlow, no DeepXDE, hence no seconds of
imports.
"""

from __future__ import annotations

import numpy as np

from .._checks import as_path, as_points
from ..geometry.inverse_map import InverseMap, by_differences
from ..geometry.outside import outside_box, warn_of_places, warn_of_points
from ..io import container
from ..io.container import FileFormatError
from ..io.kinds import FAST_MODEL
from ..io.numpy_functions import NotInNumPy
from ..io.numpy_transforms import unpack_transforms
from ..io.sizes import NotFinite, Sizes, below, check_finite, reference_points
from ..parameters import ParameterSpace
from ..taylor.anchors import unpack_anchors
from ..taylor.solution_values import SolutionValues
from .arrays import FUNCTIONS, check_arrays, is_usable
from .interpolation import Interpolation
from .values import BasisValues, combined

# Rows of points and mu that are computed at once.
_MAX_ROWS = 65_536


class Surrogate:
    """u(x; mu) without solving: interpolated over the box in the reduced basis.

    Made by ``load_surrogate``. The coefficients are those from which a solve in the
    basis starts; no residual is looked at, so that the error is only known by what it
    was at some mu of the box.

    Attributes:
        parameter_space: The box.
        low: Lower corner of the bounding box of the points, shape (d,); with a
            deformation of the reference points.
        high: Upper corner.
        size: Number of basis functions, n.
        errors: Estimated relative L2 errors of u at mu, spread over the box, that the
            interpolation does not know.
        usable: Whether the basis reaches its tolerance where it is solved in.

    References:
        `J. S. Hesthaven, & S. Ubbiali. Non-intrusive reduced order modeling of
        nonlinear problems using neural networks. Journal of Computational Physics, 363,
        55--78, 2018 <https://doi.org/10.1016/j.jcp.2018.02.037>`_. There a network
        takes the place of the radial functions.
    """

    def __init__(
        self,
        parameter_space: ParameterSpace,
        low: np.ndarray,
        high: np.ndarray,
        values: BasisValues,
        interpolation: Interpolation,
        output_transform,
        errors: np.ndarray,
        usable: bool,
        inverse: InverseMap | None = None,
    ):
        self.parameter_space = parameter_space
        self.low, self.high = low, high
        self.errors, self.usable = errors, usable
        self.size = interpolation.coefficients.shape[1]
        self._values, self._interpolation = values, interpolation
        self._transform, self._inverse = output_transform, inverse

    def __repr__(self):
        space = repr(self.parameter_space).partition("(")[2][:-1]
        return (
            "Surrogate(\n"
            f"  parameters: {space}\n"
            f"  functions: {self.size}\n"
            f"  estimated error at {len(self.errors)} mu: mean "
            f"{self.errors.mean():.1e}, max {self.errors.max():.1e}\n"
            ")"
        )

    def coefficients(self, mu) -> np.ndarray:
        """Interpolated coefficients in the basis.

        Args:
            mu: As for ``predict``.

        Returns:
            Array of shape (n,) for one mu, (P, n) for several.

        Raises:
            TypeError: If ``mu`` is not made of real numbers.
            ValueError: If ``mu`` does not fit the parameter space or is not finite.

        Warns:
            OutsideParameterSpaceWarning: If a mu is not in the box.
        """
        mu, single = self.parameter_space.read(mu, stacklevel=3)
        c = self._coefficients(mu)
        return c[0] if single else c

    def _coefficients(self, mu: np.ndarray) -> np.ndarray:
        return self._interpolation(self.parameter_space.scale(mu))

    def predict(self, x, mu) -> np.ndarray:
        """u at points, in double precision.

        Values of the basis are kept for points that come again.

        Args:
            x: Points, array of shape (N, d).
            mu: A dictionary of numbers, an array of shape (p,), or several mu: a
                dictionary of arrays or an array of shape (P, p). Outside the box there
                is a warning.

        Returns:
            Array of shape (N, number of components) for one mu, (P, N, number of
            components) for several.

        Raises:
            TypeError: If ``x`` or ``mu`` is not made of real numbers.
            ValueError: If ``mu`` does not fit the parameter space or is not finite, or
                ``x`` is not as above.

        Warns:
            OutsideGeometryWarning: If a point is not in the bounding box.
            OutsideParameterSpaceWarning: If a mu is not in the box.
        """
        x = as_points("x", x, len(self.low), float)
        mu, single = self.parameter_space.read(mu, stacklevel=3)
        if self._inverse is not None:
            u = self._deformed(x, mu)
            return u[0] if single else u
        warn_of_points(self._outside, x, 2)
        c, most = self._coefficients(mu), self._values.most_points
        parts = [
            self._at_points(x[i : i + most], mu, c) for i in range(0, len(x), most)
        ]
        u = np.concatenate(parts, axis=1)
        return u[0] if single else u

    def _outside(self, points) -> np.ndarray:
        return outside_box(self.low, self.high, points)

    def _deformed(self, x, mu) -> np.ndarray:
        """u on a geometry that depends on mu, each of which has its own points."""
        c, most = self._coefficients(mu), self._values.most_points
        places = self._inverse(x, mu)
        names = self.parameter_space.names
        warn_of_places(self._outside, x, mu, places, names, 3)
        return np.stack(
            [
                np.concatenate(
                    [
                        self._at_points(x[i : i + most], m, own, xi[i : i + most])
                        for i in range(0, len(x), most)
                    ],
                    axis=1,
                )[0]
                for m, own, xi in zip(mu[:, None], c[:, None], places, strict=True)
            ]
        )

    def _at_points(self, x, mu, coefficients, reference=None) -> np.ndarray:
        """u at points whose basis values fit into the memory."""
        points = x if reference is None else reference
        basis, step = self._values(points), max(1, _MAX_ROWS // len(x))
        transform = self._transform
        parts = [
            combined(x, mu[i : i + step], coefficients[i : i + step], basis, transform)
            for i in range(0, len(mu), step)
        ]
        return np.concatenate(parts)


def load_surrogate(path) -> Surrogate:
    """Loads what predicts from a file alone, if ``FastModel.build_basis`` was called.

    It imports neither TensorFlow nor DeepXDE. Loading never executes code from the
    file, whoever wrote it.

    Args:
        path: File that ``FastModel.save`` wrote.

    Raises:
        OSError: If the file cannot be read.
        FileFormatError: If it is damaged, foreign, of another kind, or newer.
        TypeError: If ``path`` is no path.
        ValueError: If the model was saved without a reduced basis, or a function of the
            user's is not in the file or not made of operations that NumPy has here
            (``load_fast`` goes on by TensorFlow).
    """
    path = as_path("path", path)
    return unpack_surrogate(path, *container.read(path, FAST_MODEL))


def unpack_surrogate(path, header: dict, arrays: dict) -> Surrogate:
    """As ``load_surrogate``, from what the file holds."""
    try:
        if header.get("basis") is None:
            raise NotInNumPy("it has no reduced basis; fast.build_basis() makes one")
        return _unpack(header, arrays)
    except NotInNumPy as error:
        raise NotInNumPy(f"{path}: {error}.") from None
    except NotFinite as error:
        raise FileFormatError(f"{path}: {error}.") from None
    # Of a file that is not damaged: someone else wrote it.
    except Exception as error:
        raise FileFormatError(f"{path} is not well-formed: {error!r}.") from error


def _unpack(header: dict, arrays: dict) -> Surrogate:
    space = ParameterSpace.from_dict(header["parameter_space"])
    weights, basis = below(arrays, "full"), below(arrays, "basis")
    low, high = (arrays[f"problem/{name}"].astype(float) for name in ("low", "high"))
    if low.ndim != 1 or low.shape != high.shape:
        raise ValueError(f"the corners have shapes {[low.shape, high.shape]}")
    sizes = Sizes.of(weights, space.dim)
    if any(w.dtype.kind != "f" for w in weights.values()):
        raise ValueError("there are weights that are no floats")
    check_finite(weights)
    random = arrays["random/weights"], arrays["random/shifts"]
    rows = sizes.features, sizes.features + sizes.outputs
    known = [(n, *random[1].shape) for n in rows]
    if random[0].shape not in known or random[1].ndim != 1:
        raise ValueError(
            f"the random features have the shapes {[a.shape for a in random]}"
        )
    if not all(np.isfinite(a).all() for a in random):
        raise ValueError("the random features have entries that are NaN or infinite")
    of_anchors = sizes.features, sizes.outputs, sum(sizes.widths)
    anchors = unpack_anchors(arrays, space, of_anchors)
    num_functions = sum(sizes.widths) + len(random[1]) + 1
    if anchors is not None:
        num_functions += sizes.outputs
    check_arrays(basis, num_functions * sizes.outputs, space.dim)
    transforms = unpack_transforms(
        header["functions"],
        arrays,
        len(low),
        space.dim,
        sizes,
        header["single_precision"],
    )
    inverse = None
    if transforms.deformation is not None:
        points = reference_points(arrays, len(low))
        evaluate = by_differences(transforms.deformation, low, high)
        inverse = InverseMap(evaluate, points)
    mu, readouts, transform = (basis[name].astype(float) for name in FUNCTIONS)
    solutions = SolutionValues(
        weights,
        transforms.activations,
        random,
        space.scale(mu),
        readouts,
        transforms.hypernetwork,
        anchors,
        mu,
    )
    return Surrogate(
        space,
        low,
        high,
        BasisValues(
            solutions, mu, transform, transforms.features, transforms.takes_parameters
        ),
        Interpolation(basis["nodes"], basis["coefficients"]),
        transforms.output_transform,
        basis["interpolation_errors"],
        is_usable(basis["errors"], float(header["basis"]["tolerance"])),
        inverse,
    )
