"""Points of the fast phase that are dense where solutions leave a residual.

Pure NumPy and SciPy, but for the geometry: it knows points and residuals there.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from ..data.collocation import bounding_box
from ..data.spread_points import inside, spread_points

# The density is that of the residual, relative to its mean, plus this (c of the paper).
_OFFSET = 1.0
# New points lie between a point and one of so many neighbours, give or take this share
# of their distance.
_NUM_NEIGHBOURS, _SPREAD = 6, 0.3


def candidates(geom, points: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Points among which new ones are drawn: half all over, half as dense as others.

    Args:
        geom: DeepXDE geometry, time included or not.
        points: Those that there are, shape (n, d).
        count: About so many.
        seed: Of those between others.

    Returns:
        Array of shape (at most ``count``, d).
    """
    everywhere = spread_points(geom, count // 2, "Halton", seed * count)
    return np.vstack([everywhere, points_like(geom, points, count // 2, seed)])


def points_like(geom, points: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Other points, about as dense as given ones everywhere.

    Args:
        geom: DeepXDE geometry, time included or not.
        points: Shape (n, d).
        count: Number of points; those outside of the geometry are left out.
        seed: Of the random numbers.
    """
    rng = np.random.default_rng(seed)
    low, high = bounding_box(geom)
    y = (points - low) / (high - low)
    k = min(_NUM_NEIGHBOURS, len(y) - 1)
    _, neighbours = cKDTree(y).query(y, k=k + 1)
    i = rng.integers(len(y), size=count)
    step = y[neighbours[i, rng.integers(1, k + 1, size=count)]] - y[i]
    between = y[i] + rng.uniform(0.2, 0.8, size=(count, 1)) * step
    size = np.linalg.norm(step, axis=1, keepdims=True)
    between += _SPREAD * size * rng.standard_normal(between.shape)
    new = (low + (high - low) * np.clip(between, 0, 1)).astype(points.dtype)
    return new[inside(geom, new)]


def draw(geom, points: np.ndarray, residuals: np.ndarray, count: int, seed: int):
    """Draws points with a density that grows with the residual.

    Args:
        geom: DeepXDE geometry, time included or not.
        points: Candidates, of whatever density, shape (n, d).
        residuals: Of a few solutions there, shape (P, n). For each point the largest
            counts, relative to the mean of its solution.
        count: Number of points.
        seed: Of the random numbers.

    Returns:
        Indices of ``count`` of the candidates, in random order.

    References:
        `C. Wu, M. Zhu, Q. Tan, Y. Kartha, & L. Lu. A comprehensive study of
        non-adaptive and residual-based adaptive sampling for physics-informed neural
        networks. Computer Methods in Applied Mechanics and Engineering, 403, 115671,
        2023 <https://doi.org/10.1016/j.cma.2022.115671>`_: the density, equation 2.
    """
    low, high = bounding_box(geom)
    y = (points - low) / (high - low)
    k = min(_NUM_NEIGHBOURS, len(y) - 1)
    distances, _ = cKDTree(y).query(y, k=k + 1)
    # What a candidate stands for, where others are near it.
    volumes = np.maximum(distances[:, -1], 1e-12) ** y.shape[1]
    sizes = np.abs(np.nan_to_num(residuals))
    means = sizes @ volumes / volumes.sum()
    density = np.max(sizes / np.where(means > 0, means, 1)[:, None], axis=0)
    mean = density @ volumes / volumes.sum()
    density = density / (mean if mean > 0 else 1) + _OFFSET
    # Without replacement, by exponential waiting times.
    waiting = np.random.default_rng(seed).exponential(size=len(y))
    return np.argsort(waiting / (density * volumes))[:count]
