"""Points and weights that integrate over DeepXDE's geometries."""

from __future__ import annotations

import deepxde as dde
import numpy as np
from deepxde.geometry.sampler import sample

from .._checks import as_choice, as_integer, shown
from .._deepxde import space_of
from .collocation import bounding_box
from .spread_points import inside, spread_points

RULES = ("Gauss-Legendre", "low-discrepancy")
# Points of the bounding box that measure the volume of a geometry.
_MEASURED = 2**15


def quadrature(geom, num_points: int, rule: str | None = None):
    """Points x_i and weights w_i with sum_i w_i f(x_i) about the integral of f.

    The weights sum to the volume of the geometry (its length, its area, times the time
    if there is one). For a mean divide by ``weights.sum()``.

    Args:
        geom: DeepXDE geometry, with time or without.
        num_points: Number of points; that of "Gauss-Legendre" is rounded up to the same
            number along each axis.
        rule: "Gauss-Legendre" is very accurate for smooth functions, on boxes
            (interval, rectangle, with time or without) and disks. "low-discrepancy"
            spreads points of equal weight over any geometry, whose volume it measures
            to about 1e-3. By default the first where it can be.

    Returns:
        Points, array of shape (n, d), and weights, array of shape (n, 1).

    Raises:
        TypeError: If ``geom`` is no geometry of DeepXDE's.
        ValueError: If ``num_points`` is not an integer >= 1, ``rule`` is unknown, the
            geometry is none on which "Gauss-Legendre" is known, or it has no volume.
    """
    points, weights = nodes_of(geom, num_points, rule)
    real = dde.config.real(np)
    return points.astype(real), weights.reshape(-1, 1).astype(real)


def nodes_of(geom, num_points: int, rule: str | None = None):
    """As ``quadrature``, in double precision, with weights of shape (n,)."""
    known = (dde.geometry.geometry.Geometry, dde.geometry.GeometryXTime)
    if not isinstance(geom, known):
        raise TypeError(
            f"geom is {shown(geom)}; it must be a geometry of dde.geometry, with time "
            "or without."
        )
    num_points = as_integer("num_points", num_points)
    gauss = _of_space(geom) is not None
    if rule is None:
        rule = RULES[0] if gauss else RULES[1]
    if as_choice("rule", rule, RULES) == RULES[0]:
        if not gauss:
            raise ValueError(
                f"rule is {rule!r}, which is for boxes and disks; for a "
                f"{type(geom).__name__} it must be 'low-discrepancy'."
            )
        points, weights = _gauss(geom, num_points)
    else:
        points, weights = _low_discrepancy(geom, num_points)
    return points.astype(float), weights


def _of_space(geom):
    """ "box", "disk", or ``None`` for another one."""
    space = space_of(geom)
    boxes = (dde.geometry.Interval, dde.geometry.Hypercube)
    if isinstance(space, boxes):
        return "box"
    return "disk" if type(space) is dde.geometry.Disk else None


def _gauss(geom, num_points: int):
    low, high = bounding_box(geom)
    dim = len(low)
    n = int(np.ceil(num_points ** (1 / dim) - 1e-9))
    nodes, weights = np.polynomial.legendre.leggauss(n)
    axes = [a + (b - a) * (nodes + 1) / 2 for a, b in zip(low, high, strict=True)]
    sizes = [(b - a) / 2 * weights for a, b in zip(low, high, strict=True)]
    if _of_space(geom) == "disk":
        disk = space_of(geom)
        # In polar coordinates: r dr is d(r^2) / 2, and periodic in the angle.
        axes[0], sizes[0] = (nodes + 1) / 2, weights / 2
        axes[1], sizes[1] = 2 * np.pi * np.arange(n) / n, np.full(n, np.pi / n)
        sizes[0] = sizes[0] * disk.radius**2
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, dim)
    products = np.stack(np.meshgrid(*sizes, indexing="ij"), axis=-1).reshape(-1, dim)
    if _of_space(geom) == "disk":
        radius, angle = disk.radius * np.sqrt(points[:, :1]), points[:, 1:2]
        circle = np.hstack((np.cos(angle), np.sin(angle)))
        points[:, :2] = np.asarray(disk.center) + radius * circle
    return points, products.prod(axis=1)


def _low_discrepancy(geom, num_points: int):
    low, high = (b.astype(dde.config.real(np)) for b in bounding_box(geom))
    tried = low + (high - low) * sample(_MEASURED, len(low), "Hammersley")
    share = inside(geom, tried).mean()
    if share == 0:
        raise ValueError(
            f"geom is a {type(geom).__name__} without a volume, so that there is "
            "nothing to integrate over; take its points, and weights of your own."
        )
    points = spread_points(geom, num_points, "Hammersley")
    volume = share * np.prod((high - low).astype(float))
    return points, np.full(len(points), volume / len(points))
