"""A geometry that depends on mu: the image of a reference geometry.

The network and its trial functions are functions of points xi of the reference
geometry. What the user writes sees x = Phi(xi; mu). Derivatives by x come from one
differentiable inverse, xi(x), at points whose xi is known.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from .._checks import as_function
from .._point_major import by_point, pairs, rows_at, rows_of
from .._tracing import traced
from .._user_errors import UserFunctionError, calling
from ..geometry.inverse_map import InverseMap

# Highest order of derivatives by x that is looked for.
HIGHEST_ORDER = 8
# A derivative of Phi that is this small beside the others is zero.
_ROUNDING = 1e-6
_ADVICE = "it must be a function of Tensors, e.g. tf.concat([a, b], axis=1) of columns"


class DeformationError(ValueError):
    """A deformation folds: points near each other change places."""


class Deformation:
    """The map x = Phi(xi; mu) from the reference geometry.

    With time among the coordinates (the last one), Phi takes it and returns it as well.

    Args:
        function: The user's Phi, a function of Tensors xi (rows, d) and mu (rows, p) to
            x (rows, d).
        parameter_space: ``ParameterSpace`` of mu.
        candidates: Points of the reference geometry from which the inverse is looked
            for, shape (m, d).
        time: Whether the last coordinate is the time.

    Attributes:
        order: Order of the derivatives of u by x that the problem takes; ``None`` until
            it is known.
        single: ``None``, or why the function can only be computed in single precision.

    Raises:
        TypeError: If ``function`` is not a function of Tensors.
        ValueError: If it takes other arguments, or returns another shape.
    """

    def __init__(self, function, parameter_space, candidates, time: bool = False):
        self.function = as_function("deformation", function, (2,), "(x, mu)")
        self.names, self.time = parameter_space.names, time
        self.candidates = np.asarray(candidates, float)
        self.dim = self.candidates.shape[1]
        self.order = None
        self._sign = None
        self.single = None
        self._settle(parameter_space.sample(self.dim + 3, "Halton"))
        self._make_functions()

    def _make_functions(self) -> None:
        self._with_slopes = traced(self._values_and_slopes, reduce_retracing=True)
        self.inverse = InverseMap(self.evaluate, self.candidates)

    def __getstate__(self):
        # What TensorFlow has traced stays in its process.
        made = ("_with_slopes", "inverse")
        return {k: v for k, v in vars(self).items() if k not in made}

    def __setstate__(self, state):
        vars(self).update(state)
        self._make_functions()

    def _settle(self, mu: np.ndarray) -> None:
        """Finds out in which precision the function can be computed."""
        # Not as many rows as columns: those of another shape would fit.
        count = self.dim + 3
        xi, mu = np.resize(self.candidates, (count, self.dim)), mu[:count]

        def run(dtype):
            rows = (tf.constant(a, dtype) for a in (xi, mu))
            return traced(self._call)(*rows)

        try:
            found = run(tf.float64)
            if found.dtype != tf.float64:
                self.single = "it returns float32 for float64"
        # Of TensorFlow's many types.
        except Exception as error:
            try:
                run(tf.float32)
            except Exception:
                raise error from error.__cause__
            lines = str(error.__cause__ or error).strip().splitlines()
            self.single = (lines or [type(error).__name__])[-1].strip().rstrip(".")

    def _call(self, xi, mu_rows):
        """The user's function, whose result is looked at."""
        with calling("deformation"):
            try:
                x = self.function(xi, mu_rows)
            except (ValueError, tf.errors.InvalidArgumentError) as error:
                if "imensions" not in str(error):
                    raise
                raise ValueError(
                    "deformation joins Tensors of shapes that do not fit; take "
                    "columns as mu[:, 0:1], not mu[:, 0]."
                ) from error
            shape = getattr(x, "shape", None)
            if shape is None or not tf.is_tensor(x):
                raise UserFunctionError(
                    f"deformation returned a {type(x).__name__}; {_ADVICE}."
                )
        fits = shape.rank in (None, 2) and shape.is_compatible_with(
            [xi.shape[0], self.dim]
        )
        if not fits:
            raise ValueError(
                f"deformation returned shape {tuple(shape)} for {xi.shape[0]} points; "
                f"it must be ({xi.shape[0]}, {self.dim}), one physical point for each, "
                "the time included. Take columns as x[:, 0:1], not x[:, 0]."
            )
        return x

    def __call__(self, xi, mu_rows):
        """Phi(xi; mu) in the precision of xi.

        Args:
            xi: Tensor of shape (rows, d).
            mu_rows: Tensor of shape (rows, p).
        """
        dtype = tf.float32 if self.single else xi.dtype
        x = self._call(tf.cast(xi, dtype), tf.cast(mu_rows, dtype))
        return tf.cast(x, xi.dtype)

    def pull_back(self, mu_rows, x, xi, inverse, order: int | None = None):
        """xi(x) at points whose xi is known, with its derivatives by x.

        Chord iterations xi <- xi - J^-1 (Phi(xi; mu) - x) with J at the known xi. Each
        makes the derivatives of one more order right; the value is right from the
        start.

        Args:
            mu_rows: Tensor of shape (rows, p).
            x: Tensor of shape (rows, d), whose value is Phi(xi; mu).
            xi: Tensor of the known points, shape (rows, d).
            inverse: Tensor of J^-1 at these, shape (rows, d^2).
            order: Highest order of the derivatives by x; by default ``self.order``, or
                ``HIGHEST_ORDER`` as long as that is not known.

        Returns:
            Tensor of shape (rows, d).
        """
        if order is None:
            order = HIGHEST_ORDER if self.order is None else self.order
        xi, inverse = tf.stop_gradient(xi), tf.stop_gradient(inverse)
        # Sums of columns: XLA and forward mode know them, and their derivatives.
        columns = tf.split(inverse, self.dim, axis=1)
        for _ in range(order):
            off = self(xi, mu_rows) - x
            xi -= tf.concat(
                [tf.reduce_sum(c * off, axis=1, keepdims=True) for c in columns], axis=1
            )
        return xi

    # Values, in NumPy

    def _values_and_slopes(self, xi, mu_rows):
        x = self(xi, mu_rows)
        slopes = [
            tf.gradients(x[:, i], xi, unconnected_gradients="zero")[0]
            for i in range(self.dim)
        ]
        return x, tf.stack(slopes, axis=1)

    def inverse_slopes(self, xi, mu_rows):
        """J^-1 as ``pull_back`` takes it, for Tensors of the rows."""
        _, slopes = self._values_and_slopes(xi, mu_rows)
        return tf.reshape(tf.linalg.inv(slopes), (-1, self.dim**2))

    def evaluate(self, xi: np.ndarray, mu_rows: np.ndarray):
        """Phi and dPhi_i/dxi_j, arrays of shapes (n, d) and (n, d, d)."""
        rows = (np.ascontiguousarray(a, dtype=float) for a in (xi, mu_rows))
        x, slopes = self._with_slopes(*map(tf.constant, rows))
        return x.numpy(), slopes.numpy()

    def at(self, points: np.ndarray, mu: np.ndarray) -> DeformedPoints:
        """Reference points for every mu.

        Args:
            points: Array of shape (N, d).
            mu: Array of shape (P, p).

        Raises:
            DeformationError: If the map folds at one of them.
        """
        xi, mu_rows = pairs(np.asarray(points, float), np.asarray(mu, float))
        x, slopes = self.evaluate(xi, mu_rows)
        determinants = np.linalg.det(slopes) if len(x) else np.zeros(0)
        self._check_folds(xi, mu_rows, x, slopes, determinants)
        return DeformedPoints(xi, x, slopes, determinants, len(mu), self.time)

    def _check_folds(self, xi, mu_rows, x, slopes, determinants) -> None:
        finite = np.isfinite(x).all(axis=1) & np.isfinite(determinants)
        if not finite.all():
            self._refuse("is not finite", xi, mu_rows, np.argmin(finite), ValueError)
        # The largest that the determinant could be, by Hadamard's inequality.
        sizes = np.prod(np.linalg.norm(slopes, axis=2), axis=1)
        # A map may turn the geometry over as a whole.
        if self._sign is None:
            self._sign = np.sign(np.sum(np.sign(determinants))) or 1.0
        sign = self._sign
        bad = sign * determinants <= _ROUNDING * sizes
        if bad.any():
            # The most folded one says most.
            worst = np.argmin(np.where(bad, sign * determinants, np.inf))
            what = f"folds or is flat (its determinant is {determinants[worst]:.3g})"
            if not slopes.any():
                what = (
                    "has no derivatives by the points, as where NumPy computes it or "
                    "it does not depend on them,"
                )
            self._refuse(what, xi, mu_rows, worst, DeformationError)

    def _refuse(self, what, xi, mu_rows, row, kind):
        point = ", ".join(f"{v:.6g}" for v in xi[row])
        at = ", ".join(
            f"{n} = {v:.6g}" for n, v in zip(self.names, mu_rows[row], strict=True)
        )
        raise kind(
            f"deformation {what} at the point ({point}) for {at}; it must be a smooth "
            "map that is one to one, with a determinant that keeps its sign, for every "
            "mu of the parameter space."
        )

    def check(self, points: np.ndarray, mu: np.ndarray) -> None:
        """Checks the map at reference points for some mu.

        Args:
            points: Array of shape (N, d).
            mu: Array of shape (P, p).

        Raises:
            DeformationError: If it folds.
            ValueError: If it is not finite, or the time depends on the place.
        """
        for m in mu:
            slopes = self.at(points, m[None]).slopes
            if not self.time:
                continue
            of_time = np.abs(slopes[:, -1, :-1]).max(initial=0)
            if of_time > _ROUNDING * np.abs(slopes[:, -1, -1]).max(initial=0):
                raise ValueError(
                    "deformation gives a time that depends on the place; its last "
                    "column must be the time as it is, x[:, -1:], or a function of it "
                    "and mu."
                )


class DeformedPoints:
    """Reference points and their images, in point-major rows.

    Args:
        xi: The reference points, repeated for each mu, shape (N P, d).
        x: Their images, shape (N P, d).
        slopes: dPhi_i/dxi_j, shape (N P, d, d).
        determinants: Those of ``slopes``, shape (N P,).
        num_mu: P.
        time: Whether the last coordinate is the time.
    """

    def __init__(self, xi, x, slopes, determinants, num_mu: int, time: bool):
        self.xi, self.x, self.slopes = xi, x, slopes
        self.num_mu, self._time = num_mu, time
        self.volumes = np.abs(determinants).reshape(-1, 1)

    def __getitem__(self, points: slice) -> DeformedPoints:
        """Those of some of the reference points."""
        whole = slice(*points.indices(len(self.xi) // self.num_mu))
        rows = rows_at(whole, self.num_mu)
        parts = self.xi[rows], self.x[rows], self.slopes[rows], self.volumes[rows, 0]
        return DeformedPoints(*parts, self.num_mu, self._time)

    @property
    def inverse(self) -> np.ndarray:
        """J^-1, row after row, shape (N P, d^2)."""
        return np.linalg.inv(self.slopes).reshape(len(self.xi), -1)

    def normals(self, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Unit normals of the image, and what its surface is of that of the reference.

        Args:
            reference: Unit normals of the reference geometry, shape (N P, d), of which
                that of the time is zero.

        Returns:
            Arrays of shapes (N P, d) and (N P, 1).

        References:
            Nanson's formula: n da = det(J) J^-T N dA.
        """
        reference = np.asarray(reference, float)
        inverse = np.linalg.inv(self.slopes)
        # A wall that moves: the derivative along its normal is at one time.
        turned = np.einsum("nij,ni->nj", inverse, reference)
        if self._time:
            turned[:, -1] = 0
        with np.errstate(invalid="ignore", divide="ignore"):
            # DeepXDE's have length 1 up to its rounding, which the identity keeps.
            lengths, own = (
                np.linalg.norm(n, axis=1, keepdims=True) for n in (turned, reference)
            )
            ratio = lengths / own
            return turned / ratio, self.volumes * ratio


def pulled_back(deformation: Deformation | None, inputs, x, order=None) -> tuple:
    """Last arguments of a network's ``evaluate``, for the rows of a batch.

    Args:
        deformation: ``None``, or the map of the geometry.
        inputs: Tensors from ``ParametricPDE.batch``.
        x: Tensor of shape (rows, d), whose value is that of ``inputs``.
        order: As for ``Deformation.pull_back``.

    Returns:
        Nothing without a deformation; else a Tensor of shape (rows, d), the reference
        points of x.
    """
    if deformation is None:
        return ()
    mu, *_, reference, inverse = inputs
    return (deformation.pull_back(rows_of(mu, x), x, reference, inverse, order),)


def row_weights(sizes: np.ndarray, num_mu: int, num_first: int | None = None):
    """Factors of residuals, so that their mean square is that over the image.

    Args:
        sizes: Volume or surface that each row stands for, shape (N P, 1).
        num_mu: P.
        num_first: Points before those with a mean of their own; by default all.

    Returns:
        Array of shape (N P, 1): for each mu the root of the size over its mean.
    """
    table = by_point(sizes, num_mu)
    first = len(table) if num_first is None else num_first
    parts = [p / p.mean(axis=0) for p in (table[:first], table[first:]) if len(p)]
    return np.sqrt(np.concatenate(parts)).reshape(-1, 1) if parts else sizes
