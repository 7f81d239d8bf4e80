"""Points where there is no equation: a network says something there all the same."""

from __future__ import annotations

import warnings

import deepxde as dde
import numpy as np

from .._outside import (
    MARGIN,
    MOST,
    OutsideGeometryWarning,
    outside_box,
    warn_of_points,
)
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


def warn_of_places(geom, x, mu, places, names, stacklevel: int) -> None:
    """Warns of points outside of a geometry that depends on mu.

    Args:
        geom: Reference geometry of DeepXDE.
        x: Physical points, shape (N, d).
        mu: Array of shape (P, p).
        places: Reference points of x for each mu, shape (P, N, d), NaN where there are
            none.
        names: Names of the parameters.
        stacklevel: As for ``warnings.warn``.

    Warns:
        OutsideGeometryWarning: If there are any (among 10,000, if there are more).
    """
    flat = places.reshape(-1, places.shape[-1])
    looked_at = np.linspace(0, len(flat) - 1, min(len(flat), MOST)).astype(int)
    flat = flat[looked_at]
    bad = ~np.isfinite(flat).all(axis=1)
    bad[~bad] = outside(geom, flat[~bad])
    if bad.any():
        first = looked_at[np.argmax(bad)]
        at, of = divmod(int(first), len(x))
        point = ", ".join(f"{value:.6g}" for value in x[of])
        where = ", ".join(f"{n} = {v:.6g}" for n, v in zip(names, mu[at], strict=True))
        warnings.warn(
            f"{bad.sum()} of {len(flat)} points x lie outside of the deformed geometry "
            f"of their mu, the first one at ({point}) for {where}. No equation was "
            "trained there: values mean nothing, and are NaN where the map has no "
            "inverse.",
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
    found, margin = outside_box(low, high, x), MARGIN * (high - low)
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
