"""Points where there is no equation: a network says something there all the same."""

from __future__ import annotations

import deepxde as dde
import numpy as np

from .._deepxde import space_of
from ..geometry.outside import MARGIN, outside_box, warn_of_points
from .collocation import bounding_box


def warn_outside(geom, x: np.ndarray, stacklevel: int) -> None:
    """Warns of points outside of a geometry.

    Args:
        geom: DeepXDE geometry, time included or not.
        x: Array of shape (n, d).
        stacklevel: As for ``warnings.warn``.

    Warns:
        OutsideGeometryWarning: If there are any (among 10,000, if there are more).
    """
    warn_of_points(lambda points: outside(geom, points), x, stacklevel + 1)


def outside(geom, x) -> np.ndarray:
    """Whether points are outside of a geometry by more than rounding.

    Args:
        geom: DeepXDE geometry, time included or not.
        x: Array of shape (n, d).

    Returns:
        Array of shape (n,).
    """
    low, high = bounding_box(geom)
    found, margin = outside_box(low, high, x), MARGIN * (high - low)
    space = space_of(geom)
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
