"""Covariances of random fields that have a name."""

from __future__ import annotations

import numpy as np


def distances(x: np.ndarray, y: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Distances of points in units of the correlation length.

    Args:
        x: Shape (n, d).
        y: Shape (m, d).
        length: One for each coordinate, shape (d,).

    Returns:
        Array of shape (n, m).
    """
    squares = sum(
        ((a[:, None] - b) / size) ** 2
        for a, b, size in zip(x.T, y.T, length, strict=True)
    )
    return np.sqrt(squares)


def _exponential(r):
    return np.exp(-r)


def _matern_3_2(r):
    return (1 + np.sqrt(3) * r) * np.exp(-np.sqrt(3) * r)


def _matern_5_2(r):
    return (1 + np.sqrt(5) * r + 5 / 3 * r**2) * np.exp(-np.sqrt(5) * r)


def _squared_exponential(r):
    return np.exp(-(r**2) / 2)


# Correlations as functions of the distance in correlation lengths.
CORRELATIONS = {
    "exponential": _exponential,
    "Matern 3/2": _matern_3_2,
    "Matern 5/2": _matern_5_2,
    "squared exponential": _squared_exponential,
}


class Stationary:
    """Covariance that depends on the distance of two points alone.

    Args:
        name: One of ``CORRELATIONS``.
        length: Correlation length along each coordinate, shape (d,).
        variance: Its value at distance 0.
    """

    def __init__(self, name: str, length: np.ndarray, variance: float):
        self._correlation = CORRELATIONS[name]
        self._length, self._variance = length, variance

    def __call__(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Covariances of the points x with the points y, shape (n, m)."""
        return self._variance * self._correlation(distances(x, y, self._length))
