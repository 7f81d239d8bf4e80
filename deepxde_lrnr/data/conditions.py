"""IC/BC of the user's problem for many mu at once.

DeepXDE calls the value function of an IC/BC and the boundary normals while it traces
the compiled step: their values become constants of the graph, stale as soon as points
or mu change. Here they are computed in NumPy for each batch, fed as tensors, and handed
to DeepXDE's own ``error`` through a copy of the IC/BC object.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import deepxde as dde
import numpy as np
from deepxde import icbc

from .._checks import check_parameters, num_args, shown
from .._deepxde import keep_value_functions, space_of, users_function
from .._point_major import pairs, repeated, rows_of
from .._user_errors import calling
from .collocation import counted
from .deformation import DeformedPoints
from .point_sets import ParametricPointSetBC
from .rows import Rows

keep_value_functions()

# IC/BC whose value function DeepXDE calls as func(X, beg, end, aux_var).
_WITH_VALUE_FUNCTION = (
    icbc.DirichletBC,
    icbc.NeumannBC,
    icbc.IC,
    icbc.Interface2DBC,
    ParametricPointSetBC,
)
_WITH_POINT_VALUES = (icbc.PointSetBC, icbc.PointSetOperatorBC)
_WITH_OPERATOR = (icbc.OperatorBC, icbc.PointSetOperatorBC)
_WITH_NORMALS = (icbc.NeumannBC, icbc.RobinBC, icbc.Interface2DBC)
# IC/BC whose first half of points is paired with the second.
_PAIRED = (icbc.PeriodicBC, icbc.Interface2DBC)
# The same points are a Tensor, the network's input; most functions are content with it.
_ALL_POINTS_BY_FUNCTION = (icbc.RobinBC, icbc.OperatorBC, icbc.PointSetOperatorBC)
_NEVER_ALL_POINTS = (*_WITH_VALUE_FUNCTION, icbc.PointSetBC, icbc.PeriodicBC)


class Condition:
    """One IC/BC.

    Args:
        bc: ``dde.icbc`` object. Value functions take ``x`` or ``(x, mu)``, of shapes
            (n, d) and (n, p); the function of a ``RobinBC`` takes ``(x, y)`` or
            ``(x, y, mu)`` and that of an ``OperatorBC`` or ``PointSetOperatorBC``
            ``(inputs, outputs, X)`` or ``(inputs, outputs, X, mu)``. Parameters with a
            default do not count.
        name: For messages, e.g. ``"bcs[0] (DirichletBC)"``.

    Attributes:
        paired: Whether the first half of the points is paired with the second.
        keeps_all_points: Whether all points are in every batch: user code gets them as
            a NumPy array, which is a constant of the compiled step, or it takes means
            over them. ``may_be_drawn`` lets an examination find out that this is not
            so; until then it is assumed.
        may_be_drawn: Whether ``keeps_all_points`` depends on the user's function.
        mixes_points: Whether the function has been seen to take values of several
            points together (``per_parameter``).
        takes_mu: Whether the function takes mu.
        function: The user's function, or ``None`` if there is none.

    Raises:
        ValueError: If the function has the wrong number of arguments, or the values of
            a ``PointSetBC`` or ``PointSetOperatorBC`` the wrong shape.
    """

    def __init__(self, bc, name: str):
        self.bc = bc
        self.name = name
        self.paired = isinstance(bc, _PAIRED)
        # Not isinstance: a subclass may look at the points.
        self.keeps_all_points = type(bc) not in _NEVER_ALL_POINTS
        self.may_be_drawn = type(bc) in _ALL_POINTS_BY_FUNCTION
        self.mixes_points = False
        self.takes_mu = False
        self.function = users_function(getattr(bc, "func", None))
        if isinstance(bc, _WITH_VALUE_FUNCTION):
            self.takes_mu = self._count_arguments(1, "x")
        elif isinstance(bc, icbc.RobinBC):
            self.takes_mu = self._count_arguments(2, "x, y")
        elif isinstance(bc, _WITH_OPERATOR):
            self.takes_mu = self._count_arguments(3, "inputs, outputs, X")
        if isinstance(bc, _WITH_POINT_VALUES):
            self._check_point_values()

    def _count_arguments(self, without_mu: int, arguments: str) -> bool:
        what = f"The function of {self.name}"
        if self.function is None:
            raise ValueError(
                f"{what} must take ({arguments}) or ({arguments}, mu). DeepXDE has "
                "dropped it: with another number of parameters, such as (x, mu, i=i), "
                "import deepxde_lrnr before the condition is made."
            )
        check_parameters(what, self.function)
        count = num_args(self.function)
        if count not in (without_mu, without_mu + 1):
            given = "" if count is None else f", not {count} arguments"
            raise ValueError(
                f"{what} must take ({arguments}) or ({arguments}, mu){given} (those "
                "with a default do not count)."
            )
        return count == without_mu + 1

    def _check_point_values(self) -> None:
        shape, n = np.shape(self.bc.values), len(self.bc.points)
        if shape not in ((), (1, 1), (n, 1)):
            raise ValueError(
                f"The values of {self.name} have shape {shape} for {n} points; it must "
                f"be ({n}, 1), or a single number."
            )

    def count(self, num_points: int) -> int:
        """Number of points, or of rows, pairs counted once."""
        return counted(num_points, self.paired)

    def targets(
        self,
        points: np.ndarray,
        mu: np.ndarray,
        selection=None,
        deformed: DeformedPoints | None = None,
    ) -> dict:
        """Values and normals for the rows of ``points`` x ``mu``, in NumPy.

        Args:
            points: Array of shape (n, d).
            mu: Array of shape (P, p), in whose precision the targets are returned.
            selection: ``None``, or the indices of ``points`` among all of this IC/BC.
            deformed: ``None``, or the points where the geometry depends on mu.

        Returns:
            Those needed of ``"values"``, shape (n' P, 1), and ``"normals"``, shape
            (n P, d); n' is n/2 for ``Interface2DBC``, else n.

        Raises:
            ValueError: If the value function returns an array of the wrong shape.
        """
        targets = {}
        if isinstance(self.bc, _WITH_VALUE_FUNCTION):
            # Interface2DBC has values at the first of two paired points only.
            half = isinstance(self.bc, icbc.Interface2DBC)
            count = len(points) // 2 if half else len(points)
            if deformed is None:
                targets["values"] = self._values(points[:count], mu)
            else:
                x = deformed[:count].x.astype(points.dtype)
                targets["values"] = self._call(x, rows_of(mu, x))
        elif isinstance(self.bc, _WITH_POINT_VALUES):
            targets["values"] = self._point_values(selection, len(mu))
        if isinstance(self.bc, _WITH_NORMALS):
            normals = self._reference_normals(points, len(mu))
            if deformed is not None:
                normals, _ = deformed.normals(normals)
            targets["normals"] = normals
        return {name: array.astype(mu.dtype) for name, array in targets.items()}

    def _reference_normals(self, points, num_mu: int) -> np.ndarray:
        normals = np.asarray(self.bc.boundary_normal(points, 0, len(points), None))
        return repeated(normals, num_mu)

    def sizes(self, points: np.ndarray, deformed: DeformedPoints) -> np.ndarray:
        """Volume or surface of the image that each point stands for.

        Those of given points are 1; so are those of points in the interior at which
        another condition than an initial one holds.

        Args:
            points: Reference points, shape (n, d), where they are paired the partners
                last.
            deformed: The same.

        Returns:
            Array of shape (n' P, 1), n' being n/2 for paired points.
        """
        count = self.count(len(points))
        points, deformed = points[:count], deformed[:count]
        if isinstance(self.bc, icbc.IC):
            return deformed.volumes
        ones = np.ones_like(deformed.volumes)
        geom = getattr(self.bc, "geom", None)
        if geom is None or not np.all(geom.on_boundary(points)):
            return ones
        # A vertex has no normal; DeepXDE prints a warning for each call with one.
        smooth = ~_at_vertices(geom, points)
        if not smooth.any():
            return ones
        try:
            normals = self._reference_normals(points[smooth], 1)
        except NotImplementedError:  # a geometry without normals
            return ones
        every = np.full(points.shape, np.nan)
        every[smooth] = normals
        _, sizes = deformed.normals(repeated(every, deformed.num_mu))
        known = np.isfinite(sizes) & (sizes > 0)
        return np.where(known, sizes, sizes[known].mean() if known.any() else 1)

    def _values(self, points, mu) -> np.ndarray:
        if self.takes_mu:
            return self._call(*pairs(points, mu))
        return repeated(self._call(points, None), len(mu))

    def _call(self, x, mu) -> np.ndarray:
        with calling(f"The function of {self.name}", arrays=True):
            values = self.function(*((x, mu) if self.takes_mu else (x,)))
        values = np.asarray(values)
        if values.dtype.kind not in "iufb":
            raise ValueError(
                f"The function of {self.name} returned {shown(values)}; it must return "
                "real numbers."
            )
        if values.shape not in ((), (1, 1), (len(x), 1)):
            raise ValueError(
                f"The function of {self.name} returned an array of shape "
                f"{values.shape} for {len(x)} points; it must be ({len(x)}, 1), e.g. "
                "np.sin(x[:, 0:1])."
            )
        return np.broadcast_to(values, (len(x), 1))

    def _point_values(self, selection, num_mu: int) -> np.ndarray:
        values = np.broadcast_to(self.bc.values, (len(self.bc.points), 1))
        if selection is not None:
            values = values[selection]
        return repeated(values, num_mu)

    def rows(self, rows: Rows) -> Rows:
        """What ``known_rows`` says to the user's function, for its rows of a batch."""
        # That of a RobinBC gets its own rows, the others get all of them.
        everything = not isinstance(self.bc, icbc.RobinBC)
        return replace(rows, all_rows=everything, mixes_points=self._mix)

    def _mix(self) -> None:
        # Weights of a quadrature belong to all points.
        self.mixes_points = self.keeps_all_points = True

    def error(self, points, rows: Rows, outputs, targets):
        """DeepXDE's error of this IC/BC with the fed targets.

        Args:
            points: What DeepXDE hands to user code as NumPy points, shape (rows, d), if
                the condition keeps all its points; ``None`` where they depend on mu.
            rows: Those of this IC/BC, in a batch.
            outputs: Tensor of shape (rows, number of components), at all rows.
            targets: Tensors made from ``targets``.

        Raises:
            NotImplementedError: If DeepXDE cannot compute it with forward-mode
                autodiff.
        """
        self._check_autodiff()
        bc, x, mu, begin, end = (
            copy.copy(self.bc),
            rows.x,
            rows.mu,
            rows.begin,
            rows.end,
        )
        if "values" in targets:
            values = targets["values"]
            if isinstance(bc, _WITH_VALUE_FUNCTION):
                bc.func = lambda X, b, e, _: values
            else:
                bc.values = values
        if "normals" in targets:
            normals = targets["normals"]
            bc.boundary_normal = lambda X, b, e, _: normals[b - begin : e - begin]
        if self.takes_mu and isinstance(bc, icbc.RobinBC):
            bc.func = lambda x, y: self.function(x, y, mu[begin:end])
        elif self.takes_mu and isinstance(bc, _WITH_OPERATOR):
            bc.func = lambda x, u, X: self.function(x, u, X, mu)
        X = points if self.keeps_all_points and points is not None else x
        return bc.error(X, x, outputs, begin, end, aux_var=mu)

    def _check_autodiff(self) -> None:
        """DeepXDE hands its IC/BC a Tensor even where it needs a function."""
        bc = self.bc
        with_derivative = isinstance(bc, (icbc.NeumannBC, icbc.RobinBC)) or (
            isinstance(bc, icbc.PeriodicBC) and bc.derivative_order > 0
        )
        if with_derivative and dde.config.autodiff == "forward":
            raise NotImplementedError(
                f"DeepXDE does not compute the derivative in {self.name} by "
                'forward-mode autodiff; use dde.config.set_default_autodiff("reverse").'
            )


def _at_vertices(geom, points: np.ndarray) -> np.ndarray:
    """Whether points are on several faces of a box."""
    space = space_of(geom)
    if not isinstance(space, dde.geometry.Hypercube):
        return np.zeros(len(points), bool)
    x = points[:, : space.dim]
    faces = np.isclose(x, space.xmin) | np.isclose(x, space.xmax)
    return faces.sum(axis=1) > 1
