"""Points spread evenly over any of DeepXDE's geometries."""

from __future__ import annotations

import deepxde as dde
import numpy as np
from deepxde.geometry.sampler import sample

from .._deepxde import has_timedomain
from .collocation import bounding_box

# Points of the bounding box looked at for a geometry that fills little of it.
_MOST_TRIED = 100_000


def spread_points(geom, num_points: int, sequence: str, skip: int = 0) -> np.ndarray:
    """The points of a low-discrepancy sequence over the bounding box that are inside.

    ``geom.random_points`` would start the sequence anew for CSG geometries until there
    are enough points, so that they are the same few again and again, and does not use
    it at all for polygons.

    Args:
        geom: DeepXDE geometry, time included or not.
        num_points: Number of points.
        sequence: "Halton", "Hammersley", or "Sobol".
        skip: Number of points inside that are left out at the beginning.

    Returns:
        Array of shape (``num_points``, d), no point twice. If the geometry fills so
        little of its bounding box that they are not found (a point cloud fills none),
        points of ``geom.random_points(..., "pseudo")``.
    """
    low, high = (b.astype(dde.config.real(np)) for b in bounding_box(geom))
    wanted = tried = skip + num_points
    while tried <= _MOST_TRIED:
        points = low + (high - low) * sample(tried, len(low), sequence)
        points = points[inside(geom, points)][skip:]
        if len(points) >= num_points:
            # The first ones alone would be on one side: in Hammersley's sequence one
            # coordinate increases.
            return points[np.linspace(0, len(points) - 1, num_points).astype(int)]
        share = (skip + len(points)) / tried
        tried = int(min(max(1.02 * wanted / max(share, 1e-9), tried + 8), 8 * tried))
    return geom.random_points(wanted, random="pseudo")[skip:]


def inside(geom, points) -> np.ndarray:
    """Whether points (n, d) are in the geometry, at whatever time: shape (n,)."""
    if has_timedomain(geom):
        geom, points = geom.geometry, points[:, :-1]
    return np.asarray(geom.inside(points)).reshape(len(points))
