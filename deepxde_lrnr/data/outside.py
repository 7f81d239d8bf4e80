"""Points where there is no equation: a network says something there all the same."""

from __future__ import annotations

import warnings

import deepxde as dde
import numpy as np

from .collocation import bounding_box

# What is no further outside, relative to the sides of the bounding box, is rounding.
_MARGIN = 1e-4
# Points that are looked at.
_MOST = 10_000


class OutsideGeometryWarning(UserWarning):
    """Points are not in the geometry of the problem, or not in its time."""


def warn_outside(geom, x: np.ndarray, stacklevel: int) -> None:
    """Warns of points outside of a geometry.

    Args:
        geom: DeepXDE geometry, time included or not.
        x: Array of shape (n, d).
        stacklevel: As for ``warnings.warn``.

    Warns:
        OutsideGeometryWarning: If there are any (among 10,000, if there are more).
    """
    n = len(x)
    x = x[np.linspace(0, n - 1, min(n, _MOST)).astype(int)]
    bad = outside(geom, x)
    if bad.any():
        first = ", ".join(f"{value:.6g}" for value in x[np.argmax(bad)])
        warnings.warn(
            f"{bad.sum()} of {len(x)} points x lie outside of the geometry, the first "
            f"one at ({first}). No equation was trained there: values mean nothing.",
            OutsideGeometryWarning,
            stacklevel=stacklevel + 1,
        )


def outside(geom, x) -> np.ndarray:
    """Whether points are outside of a geometry by more than rounding.

    Args:
        geom: DeepXDE geometry, time included or not.
        x: Array of shape (n, d).

    Returns:
        Array of shape (n,).
    """
    low, high = bounding_box(geom)
    margin = _MARGIN * (high - low)
    found = ((x < low - margin) | (x > high + margin)).any(axis=1)
    space = geom.geometry if hasattr(geom, "timedomain") else geom
    if isinstance(space, dde.geometry.PointCloud):
        return found
    points, margin = x[:, : space.dim], margin[: space.dim]
    # A point is on the boundary if it is inside when it is moved a little, somewhere.
    moves = (np.zeros_like(margin), *np.diag(margin), *-np.diag(margin))
    doubtful = ~found
    try:
        for move in moves:
            rows = np.flatnonzero(doubtful)
            if len(rows) == 0:
                break
            inside = np.asarray(space.inside(points[rows] + move)).reshape(len(rows))
            doubtful[rows] = ~inside.astype(bool)
    # A geometry of the user's own that cannot say it: no reason to refuse a prediction.
    except Exception:
        return found
    return found | doubtful
