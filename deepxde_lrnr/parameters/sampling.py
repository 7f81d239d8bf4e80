"""Points of the unit cube, by distributions that DeepXDE knows."""

from __future__ import annotations

import numpy as np

DISTRIBUTIONS = ("uniform", "pseudo", "LHS", "Halton", "Hammersley", "Sobol")


def unit_points(n: int, dim: int, distribution: str) -> np.ndarray:
    """As ``ParameterSpace.sample``, of [0, 1]^dim."""
    if distribution == "uniform":
        return _unit_grid(n, dim)
    if distribution == "LHS":
        # DeepXDE's compares a thousand designs, whose distances take n ** 2 steps.
        cells = np.argsort(np.random.random((n, dim)), axis=0)
        return (cells + np.random.random((n, dim))) / n
    import deepxde as dde  # takes seconds, which what only reads files should not cost

    return dde.geometry.sampler.sample(n, dim, distribution).astype(np.float64)


def _unit_grid(n, dim):
    """The smallest equispaced grid of [0, 1]^dim with at least n points."""
    if n == 1:
        return np.full((1, dim), 0.5)
    m = 2
    while m**dim < n:
        m += 1
    axes = np.meshgrid(*[np.linspace(0, 1, m)] * dim, indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)


def round_into(mu, low, high, dtype):
    """Rounds to `dtype` without crossing the bounds, if they leave room for that."""
    rounded = np.clip(mu, low, high).astype(dtype)
    inward = np.nextafter(rounded, dtype(-np.inf))
    rounded = np.where((rounded > high) & (inward >= low), inward, rounded)
    inward = np.nextafter(rounded, dtype(np.inf))
    return np.where((rounded < low) & (inward <= high), inward, rounded)
