"""Gaussian random fields with few parameters."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from scipy.linalg import LinAlgError, cholesky
from scipy.special import ndtr, ndtri

from .._checks import (
    as_choice,
    as_function,
    as_integer,
    as_number,
    as_points,
    as_reals,
    shown,
)
from .collocation import bounding_box
from .covariances import CORRELATIONS, Stationary
from .karhunen_loeve import MOST, as_polynomials, eigenpairs
from .outside import warn_outside
from .quadrature import nodes_of

# Nodes of the quadrature for 1, 2, 3 and more coordinates.
_NUM_POINTS = (256, 1024, 1728, 2401)
_MOST_POINTS = 10_000
# Of each coordinate.
_MOST_POLYNOMIALS = 64


class RandomField:
    """Gaussian random field on a geometry, of which few numbers are the parameters.

    The field is the Karhunen-Loeve expansion

        g(x; k) = mean + sum_j k_j sqrt(lambda_j) phi_j(x)

    of the modes with the largest eigenvalues of its covariance. For independent
    standard normal k_j it is Gaussian. So k is a vector of the parameter space, in a
    box that has most of the normal distribution, and the coefficient of a PDE a
    function of the field:

    .. code-block:: python

        field = lrnr.data.RandomField(geom, "squared exponential", 16, length=0.5)
        space = lrnr.ParameterSpace(k=(-3, 3, 16))


        def pde(x, u, mu):
            a = tf.exp(field(x, mu))
            flux = [a * dde.grad.jacobian(u, x, i=0, j=j) for j in range(2)]
            divergence = sum(dde.grad.jacobian(flux[j], x, i=0, j=j) for j in range(2))
            return divergence + 1

    ``space.sample`` draws uniformly from the box, as the training does by default;
    normal k inside of it come from ``sample``.

    The eigenvalue problem is solved at quadrature nodes (Nystrom method), and the modes
    become polynomials of the coordinates. So the field has all derivatives, and what a
    PDE gets is exactly the derivative of what a prediction gets. The modes do not
    depend on seeds, and neither on the order of equal eigenvalues, so that k means
    the same in every run.

    Args:
        geom: DeepXDE geometry, with time or without.
        covariance: "exponential", "Matern 3/2", "Matern 5/2" or "squared exponential"
            (exp(-r^2 / (2 length^2))); or a function of two NumPy arrays of points,
            (n, d) and (m, d), that returns the covariances, shape (n, m).
        num_modes (int): Number of modes, m.
        mean (float): Mean of the field.
        length: Correlation length of a covariance with a name, in the units of the
            coordinates: a number > 0, or one for each coordinate.
        variance (float): Variance of a covariance with a name.
        num_points: Number of quadrature nodes, by default 256 on an interval, 1,024 in
            the plane, some more in space.

    Attributes:
        num_modes (int): m.
        eigenvalues: Array of shape (m,), descending.
        explained_variance (float): Share of the variance, integrated over the geometry,
            that the modes have. The rest is cut off.

    Raises:
        TypeError: If ``geom`` is no geometry of DeepXDE's, or ``covariance`` or
            ``length`` is not made of real numbers.
        ValueError: If another argument is not as above; the covariance is not that of
            a field, or has fewer modes; or the modes are too fine for the nodes.

    References:
        `G. J. Lord, C. E. Powell, T. Shardlow. An introduction to computational
        stochastic PDEs. Cambridge University Press, 2014
        <https://doi.org/10.1017/CBO9781139017329>`_, sections 5.4 and 7.4.
    """

    def __init__(
        self,
        geom,
        covariance,
        num_modes: int,
        mean: float = 0.0,
        length=None,
        variance: float = 1.0,
        num_points: int | None = None,
    ):
        num_modes = as_integer("num_modes", num_modes)
        mean = as_number("mean", mean, "a finite number", lambda v: True)
        variance = as_number("variance", variance, "a number > 0", lambda v: v > 0)
        if num_points is None:
            dim = getattr(geom, "dim", 1)
            num_points = max(_NUM_POINTS[min(dim, 4) - 1], 4 * num_modes)
        num_points = as_integer("num_points", num_points)
        if num_points > _MOST_POINTS:
            raise ValueError(
                f"num_points is {num_points}; it must be at most {_MOST_POINTS}, for "
                "the matrix of their covariances."
            )
        points, weights = nodes_of(geom, num_points)
        if num_modes > len(points):
            raise ValueError(
                f"num_modes is {num_modes}, more than the {len(points)} nodes; take a "
                "larger num_points."
            )
        self.num_modes, self._mean, self._geom = num_modes, mean, geom
        low, high = (np.asarray(b, float) for b in bounding_box(geom))
        self._middle, self._half = (low + high) / 2, (high - low) / 2
        covariance = _as_covariance(covariance, len(low), length, variance)
        matrix = _matrix(covariance, points)
        scaled = self._scaled(points)
        eigenvalues, functions = eigenpairs(matrix, weights, scaled, num_modes)
        eigenvalues.setflags(write=False)
        self.eigenvalues = eigenvalues
        self.explained_variance = float(
            min(1.0, eigenvalues.sum() / (weights @ np.diag(matrix)))
        )
        # Two nodes for each polynomial.
        most = int((len(points) / 2) ** (1 / len(low)) + 1e-9)
        modes = functions * np.sqrt(eigenvalues)
        self._coefficients, error = as_polynomials(
            modes, weights, scaled, max(2, min(_MOST_POLYNOMIALS, most))
        )
        if error > MOST:
            raise ValueError(
                f"num_modes is {num_modes}; modes as fine as these need more than "
                f"{len(points)} quadrature nodes (the error is {error:.1%} of the "
                "field). Take fewer modes or a larger num_points."
            )

    def __call__(self, x, k):
        """Values of the field.

        Args:
            x: Points, Tensor or array of shape (rows, d), or (1, d), the same for all
                rows. In a problem with time a field on the geometry alone takes
                ``x[:, :d]``.
            k: Parameters, (rows, m), one for each row, or (1, m) or (m,), the same for
                all rows.

        Returns:
            Tensor if ``x`` or ``k`` is one, else array, of shape (rows, 1).

        Raises:
            TypeError: If ``x`` or ``k`` is not made of real numbers.
            ValueError: If ``x`` or ``k`` has another shape.

        Warns:
            OutsideGeometryWarning: If a point of an array is not in the geometry,
                where the modes mean nothing. (Tensors are not looked at.)
        """
        if tf.is_tensor(x) or tf.is_tensor(k):
            # The float type of the two is that of the Tensor, as everywhere in pde.
            dtype = x.dtype if tf.is_tensor(x) else k.dtype
            x, k = (v if tf.is_tensor(v) else tf.constant(v, dtype) for v in (x, k))
            modes = self._modes(x, stacklevel=3)
            k = self._checked(k, k.shape, x.shape[0])
            return self._mean + tf.reduce_sum(modes * k, axis=1, keepdims=True)
        modes = self._modes(x, stacklevel=3)
        k = as_reals("k", k)
        k = self._checked(k, k.shape, len(modes))
        return self._mean + np.sum(modes * k, axis=1, keepdims=True)

    def modes(self, x):
        """The modes, sqrt(lambda_j) phi_j(x).

        Args:
            x: As for the field.

        Returns:
            Tensor or array of shape (rows, m).

        Raises:
            TypeError: If ``x`` is not made of real numbers.
            ValueError: If it has another shape.

        Warns:
            OutsideGeometryWarning: As the field.
        """
        return self._modes(x, stacklevel=3)

    def _modes(self, x, stacklevel: int):
        dim = len(self._middle)
        if not tf.is_tensor(x):
            x = as_points("x", x, dtype=float)
        if len(x.shape) != 2 or x.shape[1] != dim:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; the field is on a geometry of "
                f"dimension {dim}, so it must be (rows, {dim}): in a problem with time "
                f"x[:, :{dim}]."
            )
        if not tf.is_tensor(x):
            warn_outside(self._geom, x, stacklevel)
        q = self._coefficients.shape[0]
        return _combined(_legendre(self._scaled(x), q), self._coefficients)

    def sample(self, n: int, bound: float = 3.0) -> np.ndarray:
        """Draws standard normal k, truncated to a box.

        NumPy's global generator draws them, as ``ParameterSpace.sample`` does.

        Args:
            n (int): How many.
            bound (float): The box is [-bound, bound]^m.

        Returns:
            Array of shape (n, m), float64.

        Raises:
            ValueError: If ``n`` is not an integer >= 1, or ``bound`` no number > 0.
        """
        n = as_integer("n", n)
        bound = as_number("bound", bound, "a number > 0", lambda v: v > 0)
        low = ndtr(-bound)
        unit = np.random.random((n, self.num_modes))
        return np.clip(ndtri(low + (1 - 2 * low) * unit), -bound, bound)

    def _scaled(self, x):
        if tf.is_tensor(x):
            middle, half = (tf.constant(v, x.dtype) for v in (self._middle, self._half))
            return (x - middle) / half
        return (x - self._middle) / self._half

    def _checked(self, k, shape, num_rows):
        """k as rows, if it has a shape that is allowed."""
        m = self.num_modes
        given, rank = tuple(shape), len(shape)
        if rank == 1:
            k, shape = k[None], (1, shape[0])
        fits = rank in (1, 2) and shape[1] == m
        # Numbers of rows may be unknown while a function is traced.
        if not fits or len({shape[0], num_rows} - {1, None}) > 1:
            raise ValueError(
                f"k has shape {given}; it must be ({num_rows}, {m}), one for each row "
                f"of x, or ({m},). Of mu with other parameters take those of the "
                "field, with ParameterSpace.split(mu)."
            )
        return k


def _as_covariance(covariance, dim: int, length, variance: float):
    """The covariance as a function of two arrays of points."""
    if callable(covariance):
        as_function("covariance", covariance, (2,), "(x, y), two arrays of points")
        if length is not None or variance != 1:
            name = "variance" if length is None else "length"
            raise ValueError(
                f"{name} is for a covariance with a name; a function has its own."
            )
        return covariance
    name = as_choice("covariance", covariance, tuple(CORRELATIONS))
    if length is None:
        raise ValueError(
            "length is None; a covariance with a name needs its correlation length."
        )
    sizes = as_reals("length", length).astype(float)
    fits = (
        sizes.shape in ((), (dim,)) and np.isfinite(sizes).all() and (sizes > 0).all()
    )
    if not fits:
        raise ValueError(
            f"length is {shown(length)}; it must be a number > 0, or {dim} of them, "
            "one for each coordinate."
        )
    return Stationary(name, np.broadcast_to(sizes, dim), variance)


def _matrix(covariance, points: np.ndarray) -> np.ndarray:
    """Covariances of the nodes; refuses what is none."""
    n = len(points)
    matrix = as_reals("covariance(x, y)", covariance(points, points)).astype(float)
    if matrix.shape != (n, n):
        raise ValueError(
            f"covariance returned an array of shape {matrix.shape} for {n} and {n} "
            f"points; it must be ({n}, {n})."
        )
    if not np.isfinite(matrix).all():
        raise ValueError("covariance returned numbers that are NaN or infinite.")
    size = np.abs(matrix).max()
    if np.abs(matrix - matrix.T).max() > 1e-6 * size:
        raise ValueError(
            "covariance is not symmetric: C(x, y) and C(y, x) must be the same."
        )
    matrix = (matrix + matrix.T) / 2
    try:
        cholesky(matrix + 1e-7 * size * np.eye(n), check_finite=False)
    except LinAlgError:
        raise ValueError(
            "covariance is that of no field: it has a negative eigenvalue."
        ) from None
    return matrix


def _legendre(scaled, q: int) -> list:
    """Legendre polynomials of each coordinate, d Tensors or arrays of (rows, q)."""
    if not tf.is_tensor(scaled):
        return [np.polynomial.legendre.legvander(column, q - 1) for column in scaled.T]
    values = [tf.ones_like(scaled), scaled]
    for n in range(1, q - 1):
        new = ((2 * n + 1) * scaled * values[-1] - n * values[-2]) / (n + 1)
        values.append(new)
    return tf.unstack(tf.stack(values[:q], axis=2), axis=1)


def _combined(functions: list, coefficients: np.ndarray):
    """Sums of products of the functions, shape (rows, m)."""
    if not tf.is_tensor(functions[0]):
        values = functions[0] @ coefficients.reshape(len(coefficients), -1)
        for function in functions[1:]:
            q = function.shape[1]
            values = np.einsum(
                "nq,nqr->nr", function, values.reshape(len(function), q, -1)
            )
        return values
    flat = tf.constant(coefficients.reshape(len(coefficients), -1), functions[0].dtype)
    values = tf.matmul(functions[0], flat)
    for function in functions[1:]:
        q = function.shape[1]
        values = tf.reshape(values, (-1, q, values.shape[1] // q))
        # Products and a sum: quicker than a matrix product for each row.
        values = tf.reduce_sum(function[:, :, None] * values, axis=1)
    return values
