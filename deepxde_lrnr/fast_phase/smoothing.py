"""The norm of residuals: one that weighs them by what they do to the solution."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from ..data.collocation import bounding_box
from ..data.residual import Residual

# Weight left to a residual that averages to zero.
_FLOOR = 0.03
# Modes whose weight is less than this share of the floor are taken for none.
_NEGLIGIBLE = 1e-2
# More points than these are averaged by way of as many of them (Nystrom).
_MAX_CENTRES = 1024


class Smoothing:
    """Square root W of the metric in which the residual of the PDE is measured.

    The error of u is the residual as the inverse of the PDE's operator sees it, and
    that averages: a residual that changes its sign from point to point does little to
    u, one of the same mean square that keeps its sign does much. Least squares cannot
    tell them apart. So the residual r of each equation is measured by

        ||W r||^2 = r^T (K + floor I) r / (1 + floor),

    K the matrix of the Gaussian kernel exp(-|x - y|^2 / (2 length^2)) over the points,
    divided by its largest eigenvalue, and floor = 0.03: a norm of negative order, as
    far as the points resolve it. ||W r|| <= ||r||. Entries of IC/BC, which have fewer
    points and dimensions, stay as they are.

    Args:
        residual: The residual.
        columns: Its entries for each point, of each error of the PDE.
        length: In units of the sides of the bounding box, time included; 0 changes
            nothing, W = I.

    References:
        `S. Rojas, P. Maczuga, J. Munoz-Matute, D. Pardo, & M. Paszynski. Robust
        variational physics-informed neural networks. arXiv 2308.16910, 2024
        <https://arxiv.org/abs/2308.16910>`_, section 3: dual norms of residuals.
    """

    def __init__(self, residual: Residual, columns: tuple[int, ...], length: float):
        points = residual.collocation.pde_points
        self._columns = columns
        self._num_points = n = len(points)
        self._is_identity = length == 0 or n == 0 or not columns
        if self._is_identity:
            return
        low, high = bounding_box(residual.data.geom)
        factors = np.ones(n)
        if residual.row_factors is not None:
            # All entries of a point have the same factor.
            factors = residual.row_factors[: n * columns[0] : columns[0]]
        self._modes, self._gains = _modes(
            (points - low) / (length * (high - low)), factors
        )

    def __call__(self, a):
        """W a.

        Args:
            a: Residuals, Tensor of shape (P, n), or derivatives of them, of shape
                (P, n, k).
        """
        if self._is_identity:
            return a
        num_mu, n = a.shape[0], self._num_points
        floor = tf.constant(np.sqrt(_FLOOR / (1 + _FLOOR)), a.dtype)
        modes = tf.constant(self._modes, a.dtype)
        gains = tf.constant(self._gains, a.dtype)
        *blocks, rest = tf.split(
            a, [*(n * number for number in self._columns), -1], axis=1
        )
        smooth = []
        for block in blocks:
            rows = tf.reshape(block, (num_mu, n, -1))
            rows = floor * rows + tf.matmul(
                modes, gains * tf.matmul(modes, rows, transpose_a=True)
            )
            smooth.append(tf.reshape(rows, block.shape))
        return tf.concat([*smooth, rest], axis=1)


def _modes(scaled: np.ndarray, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leading eigenvectors of K, (n, k), and what W adds to its floor there, (k, 1).

    Args:
        scaled: Points, divided by the length, shape (n, d).
        factors: By which the residuals at these are multiplied, shape (n,).
    """
    n = len(scaled)
    # Of a sequence of points that fills the domain, evenly many from all of it.
    centres = np.linspace(0, n - 1, min(n, _MAX_CENTRES)).astype(int)
    K = np.exp(-0.5 * cdist(scaled, scaled[centres], "sqeuclidean"))
    K *= factors[:, None] * factors[centres]
    # On a machine that does other work as well, the threads of BLAS wait for each
    # other; one is never much slower.
    with threadpool_limits(limits=1, user_api="blas"):
        values, vectors = np.linalg.eigh(K[centres])
        kept = values > _NEGLIGIBLE * _FLOOR * values[-1]
        values, vectors = values[kept], vectors[:, kept]
        if len(centres) < n:
            vectors, roots, _ = np.linalg.svd(
                K @ (vectors / np.sqrt(values)), full_matrices=False
            )
            values = roots**2
    shares = values / values.max(initial=np.finfo(float).tiny)
    gains = np.sqrt(shares + _FLOOR) - np.sqrt(_FLOOR)
    return vectors, gains[:, None] / np.sqrt(1 + _FLOOR)
