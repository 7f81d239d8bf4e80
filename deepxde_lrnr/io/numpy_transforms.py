"""The transforms and activations of a saved network, by NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._point_major import rows_of
from .numpy_functions import NotInNumPy, rebuild
from .numpy_operations import ACTIVATIONS
from .sizes import Sizes, below


@dataclass(frozen=True)
class Transforms:
    """Functions of arrays in double precision.

    Attributes:
        feature_transform: ``None``, or a function of x, or of x and mu.
        takes_parameters: Whether it takes mu.
        output_transform: ``None``, or a function of mu, x and N.
        activations: For each hidden layer, a function of an array of shape (width, n),
            which it may overwrite.
        deformation: ``None``, or a function of reference points and mu to points.
        hypernetwork: Name of the activation of the hypernetwork.
    """

    feature_transform: object
    takes_parameters: bool
    output_transform: object
    activations: list
    deformation: object
    hypernetwork: str

    def features(self, x: np.ndarray, mu) -> np.ndarray:
        """Features of points, shape (m, N).

        Args:
            x: Shape (N, d).
            mu: Shape (1, p), or ``None`` if they do not depend on it.
        """
        if self.feature_transform is None:
            return x.T
        if self.takes_parameters:
            return self.feature_transform(x, rows_of(mu, x)).T
        return self.feature_transform(x).T


def unpack_transforms(
    header: dict, arrays: dict, dim: int, num_parameters: int, sizes: Sizes, single
) -> Transforms:
    """Reads what ``user_functions.pack_functions`` wrote of a network.

    Args:
        header: From there.
        arrays: The same, with the weights of the network.
        dim: Dimension d of the points.
        num_parameters: p.
        sizes: Of the network.
        single: Names of the functions that are computed in single precision, as
            ``Precision.single`` has them.

    Raises:
        NotInNumPy: If one of them cannot be computed by NumPy, or was not saved.
        ValueError: If they are not well-formed.
    """
    x, mu, y = dim, num_parameters, sizes.outputs
    dtype = arrays["full/W_in"].dtype.name

    def restore(key, program, columns, result=None, name=None):
        name = name or key
        try:
            if "missing" in program:
                raise NotInNumPy(f"it is not in the file ({program['missing']})")
            wanted = "float32" if name in single else "float64"
            place = key if wanted == dtype else f"{key}-double"
            one = program if wanted == dtype else program.get("double")
            if one is None or wanted not in (dtype, "float64"):
                raise NotInNumPy(f"it is not in the file in {wanted}")
            constants = below(arrays, f"functions/{place}")
            function = rebuild(one, constants, columns, wanted, result)
        except NotInNumPy as error:
            raise NotInNumPy(f"its {name} cannot be computed: {error}") from error
        if wanted == "float64":
            return function
        return lambda *v: function(*(a.astype("float32") for a in v)).astype(float)

    feature, takes_parameters = header["feature_transform"], False
    if feature is not None:
        columns = (x, mu)[: feature.get("inputs")]
        takes_parameters = len(columns) == 2
        feature = restore("feature_transform", feature, columns, sizes.features)
    elif sizes.features != dim:
        raise ValueError(f"there are {sizes.features} features of {dim} coordinates")
    output = header["output_transform"]
    if output is not None:
        output = restore("output_transform", output, (mu, x, y))
    activations = [
        _activation(stored)
        if isinstance(stored, str)
        else _of_columns(
            restore(
                f"activation-{i}",
                stored,
                (width,),
                width,
                f"activation of hidden layer {i}",
            )
        )
        for i, (stored, width) in enumerate(
            zip(header["activation"], sizes.widths, strict=True)
        )
    ]
    deformation = header.get("deformation")
    if deformation is not None:
        deformation = restore("deformation", deformation, (x, mu), x)
    return Transforms(
        feature,
        takes_parameters,
        output,
        activations,
        deformation,
        hypernetwork_activation(header),
    )


def hypernetwork_activation(header: dict) -> str:
    """Name of the activation of a hypernetwork; older files do not say it.

    Args:
        header: From ``user_functions.pack_functions``.

    Raises:
        ValueError: If it is no name of one.
    """
    name = header.get("hypernetwork", "tanh")
    _activation(name)
    return name


def _activation(name: str):
    if name not in ACTIVATIONS:
        raise ValueError(f"{name!r} is no activation")
    return ACTIVATIONS[name]


def _of_columns(function):
    """A function of rows as one of columns."""
    return lambda v: np.ascontiguousarray(function(v.T).T)
