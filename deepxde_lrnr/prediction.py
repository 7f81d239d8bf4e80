"""Values of a network, and of operators on it, at points and coefficients."""

from __future__ import annotations

from functools import partial

import deepxde as dde
import numpy as np
import tensorflow as tf

from ._checks import as_function, as_points, num_args
from ._deepxde import ends_in_time
from ._forks import check_fork
from ._point_major import as_rows, by_parameter, repeated, rows_of
from ._tracing import traced
from ._user_errors import calling
from .data.deformation import Deformation
from .data.orders import order_of
from .data.outside import outside, warn_outside
from .data.rows import Rows, known_rows, refuse_elsewhere
from .geometry.outside import warn_of_places

# Rows evaluated at once; bounds the memory of a prediction.
MAX_ROWS = 65_536


class Predictor:
    """Evaluates u(x; mu), or an operator on it, in chunks of bounded size.

    Args:
        network: ``ParametricNN``, or what has its ``evaluate``.
        geom: DeepXDE geometry of the points, time included or not; reference geometry
            if it depends on mu. ``None`` if points are not to be checked.
        deformation: ``None``, or the ``Deformation`` of the geometry.
    """

    def __init__(self, network, geom=None, deformation: Deformation | None = None):
        self.network = network
        self.geom = geom
        self.deformation = deformation
        # Where the network computes in double precision, mu and x are not rounded.
        self._dtype = getattr(network, "compute_dtype", "float64")
        self._values = traced(network.evaluate, reduce_retracing=True)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates of points."""
        time = ends_in_time(self.geom)
        space = self.geom.dim - time
        names = "xyz"[:space] if space <= 3 else [f"x{i}" for i in range(space)]
        return (*names, "t") if time else tuple(names)

    def __call__(self, x, mu, coefficients, single: bool, operator=None):
        """Evaluates.

        Args:
            x: Points, array of shape (N, d).
            mu: Array of shape (P, p).
            coefficients: Array or Tensor of shape (P, q).
            single: Whether the first axis of the result is dropped.
            operator: ``None``, or a function of ``(x, u)`` or ``(x, u, mu)``.

        Returns:
            Array of shape (P, N, number of components), or (N, number of components);
            a list of them if ``operator`` returns a list.

        Raises:
            TypeError: If ``x`` is not made of real numbers.
            ValueError: If ``x`` has the wrong shape or is not finite, or ``operator``
                takes the wrong number of arguments or does not return a row for each of
                its rows.
            RuntimeError: In a process forked from one in which TensorFlow was used.
        """
        return self.evaluate(self.compile(operator), x, mu, coefficients, single)

    def evaluate(self, function, x, mu, coefficients, single: bool):
        """As ``__call__``, for a function that ``compile`` made of the operator."""
        check_fork("predict()")
        x = self.check_points(x)
        mu = np.asarray(mu, self._dtype)
        x = np.asarray(x, self._dtype)
        most = self._max_rows()
        places = self.places(x, mu)
        parts = [slice(i, i + most) for i in range(0, len(mu), most)]
        blocks = [
            self._block(
                function,
                x,
                mu[part],
                coefficients[part],
                None if places is None else places[part],
            )
            for part in parts
        ]
        several = isinstance(blocks[0], list)
        if not several:
            blocks = [[block] for block in blocks]
        results = [np.concatenate(parts) for parts in zip(*blocks, strict=True)]
        if single:
            results = [values[0] for values in results]
        return results if several else results[0]

    def _max_rows(self) -> int:
        """Rows that the network takes at once."""
        return MAX_ROWS

    def places(self, x: np.ndarray, mu: np.ndarray) -> np.ndarray | None:
        """Reference points of physical ones (N, d) for each mu (P, p).

        Returns:
            Array of shape (P, N, d), NaN where there are none; ``None`` without a
            deformation.
        """
        return None if self.deformation is None else self.deformation.inverse(x, mu)

    def warn_outside(self, x, mu, stacklevel: int) -> None:
        """Warns of points outside of the geometry, which may depend on mu.

        Args:
            x: Array of shape (N, d).
            mu: Array of shape (P, p).
            stacklevel: As for ``warnings.warn``.

        Warns:
            OutsideGeometryWarning: If there are any among those looked at.
        """
        places = self.places(x, mu)
        if places is None:
            warn_outside(self.geom, x, stacklevel + 1)
            return
        names = self.network.parameter_space.names
        where = partial(outside, self.geom)
        warn_of_places(where, x, mu, places, names, stacklevel + 1)

    def _block(self, function, x, mu, coefficients, places=None):
        """Values for as many mu as one call can take, in chunks of the points."""
        num_mu = len(mu)
        step = max(1, self._max_rows() // num_mu)
        parts = []
        for start in range(0, len(x), step):
            rows = repeated(x[start : start + step], num_mu)
            more = []
            if places is not None:
                own = as_rows(places[:, start : start + step])
                more.append(tf.constant(own, self._dtype))
            result = function(tf.constant(mu), tf.constant(rows), coefficients, *more)
            several = isinstance(result, (list, tuple))
            parts.append(
                [_rows(r, len(rows)) for r in (result if several else [result])]
            )
        results = [
            by_parameter(np.concatenate(pieces), num_mu)
            for pieces in zip(*parts, strict=True)
        ]
        return results if several else results[0]

    def check_points(self, x) -> np.ndarray:
        """Points as an array of shape (N, d), or the errors of ``as_points``."""
        dim = None if self.geom is None else self.geom.dim
        return as_points("x", x, dim, self._dtype)

    def compile(self, operator=None):
        """Function of Tensors mu, x (rows of all mu) and coefficients."""
        if operator is None:
            return self._values
        as_function("operator", operator, (2, 3), "(x, u) or (x, u, mu)")
        count = num_args(operator)

        def apply(dtype, order, added, mu, x, coefficients, *known):
            x = tf.cast(x, dtype)

            def values(points):
                more = self._pulled_back(order, mu, points, *known)
                u = self.network.evaluate(mu, points, coefficients, *more)
                u = tf.cast(u, dtype)
                return u if added is None else u + added(points)

            u = values(x)
            if dde.config.autodiff == "forward":
                u = (u, values)
            elsewhere = refuse_elsewhere if known else values
            rows = Rows(x, None, 0, None, True, elsewhere)
            with calling("operator"), known_rows(rows):
                return operator(*(x, u, tf.cast(rows_of(mu, x), dtype))[:count])

        def in_precision(dtype):
            if self.deformation is None:
                return traced(partial(apply, dtype, None, None), reduce_retracing=True)
            return _AtPhysicalPoints(self.deformation, partial(apply, dtype), dtype)

        return _InPrecision(in_precision, self._dtype)

    def _pulled_back(self, order, mu, x, *known) -> tuple:
        """Last arguments of the network's ``evaluate``, for derivatives by x."""
        if not known:
            return ()
        (xi,) = known
        mu_rows = rows_of(mu, x)
        inverse = self.deformation.inverse_slopes(xi, mu_rows)
        x = tf.cast(x, xi.dtype)
        return (self.deformation.pull_back(mu_rows, x, xi, inverse, order),)


class _AtPhysicalPoints:
    """An operator on a geometry that depends on mu: its order is found out at first.

    Args:
        deformation: The ``Deformation``.
        apply: Function of the order, of what is added to u, and of the arguments of a
            call.
        dtype: Precision of the operator.
    """

    def __init__(self, deformation: Deformation, apply, dtype):
        self._deformation, self._apply, self._dtype = deformation, apply, dtype
        self._function = None

    def __call__(self, mu, x, coefficients, xi):
        if self._function is None:
            order = self._order(mu[:1], coefficients[:1], xi.dtype)
            function = partial(self._apply, order, None)
            self._function = traced(function, reduce_retracing=True)
        return self._function(mu, x, coefficients, xi)

    def _order(self, mu, coefficients, dtype) -> int:
        deformation = self._deformation
        few = deformation.candidates[:3]
        xi = tf.constant(few, dtype)
        points = deformation.at(few, np.asarray(mu, float)).x

        def evaluate(x, added):
            found = self._apply(1, added, mu, x, coefficients, xi)
            return list(found) if isinstance(found, (list, tuple)) else [found]

        sides = np.ptp(deformation.candidates, axis=0)
        points = points.astype(tf.as_dtype(self._dtype).as_numpy_dtype)
        return order_of(evaluate, points, sides)


class _InPrecision:
    """An operator in double precision, or in single where it has such constants."""

    def __init__(self, in_precision, dtype):
        self._in_precision = in_precision
        self._function = in_precision(dtype)
        self._may_change = dtype == "float64" != dde.config.default_float()

    def __call__(self, *args):
        try:
            return self._function(*args)
        # What user code raises on tensors of another precision is of many types.
        except Exception as error:
            if not self._may_change:
                raise
            function = self._in_precision("float32")
            try:
                result = function(*args)
            except Exception:
                raise error from error.__cause__
            self._function = function
            return result
        finally:
            self._may_change = False


def _rows(result, num_rows: int) -> np.ndarray:
    result = np.asarray(result)
    if result.ndim not in (1, 2) or len(result) != num_rows:
        raise ValueError(
            f"operator returned an array of shape {result.shape} for {num_rows} rows; "
            f"it must be ({num_rows}, number of components)."
        )
    return result.reshape(num_rows, -1)
