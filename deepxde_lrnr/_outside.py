"""Points where there is no equation: what is said of them."""

from __future__ import annotations

import warnings

import numpy as np

# What is no further outside, relative to the sides of the bounding box, is rounding.
MARGIN = 1e-4
# Points that are looked at.
MOST = 10_000


class OutsideGeometryWarning(UserWarning):
    """Points are not in the geometry of the problem, or not in its time."""


def outside_box(low: np.ndarray, high: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Whether points are outside of a box by more than rounding.

    Args:
        low: Lower corner, shape (d,).
        high: Upper corner.
        x: Array of shape (n, d).

    Returns:
        Array of shape (n,).
    """
    margin = MARGIN * (high - low)
    return ((x < low - margin) | (x > high + margin)).any(axis=1)


def warn_of_points(outside, x: np.ndarray, stacklevel: int) -> None:
    """Warns of points outside of a geometry.

    Args:
        outside: Function of points to whether they are outside.
        x: Array of shape (n, d).
        stacklevel: As for ``warnings.warn``.

    Warns:
        OutsideGeometryWarning: If there are any (among 10,000, if there are more).
    """
    n = len(x)
    x = x[np.linspace(0, n - 1, min(n, MOST)).astype(int)]
    bad = outside(x)
    if bad.any():
        first = ", ".join(f"{value:.6g}" for value in x[np.argmax(bad)])
        warnings.warn(
            f"{bad.sum()} of {len(x)} points x lie outside of the geometry, the first "
            f"one at ({first}). No equation was trained there: values mean nothing.",
            OutsideGeometryWarning,
            stacklevel=stacklevel + 1,
        )
