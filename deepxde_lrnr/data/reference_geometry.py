"""What a deformation is checked at when a problem is made, and where data lie in it."""

from __future__ import annotations

import itertools

import numpy as np
from deepxde import icbc

from .._deepxde import has_timedomain
from ..parameters import ParameterSpace
from .deformation import Deformation
from .outside import outside
from .spread_points import spread_points

# Points over the geometry, and as many of those of the problem at most.
_NUM_POINTS = 512
# mu in the box, and corners of it at most.
_NUM_PARAMETERS, _MOST_CORNERS = 32, 64


def make_deformation(function, problem, space: ParameterSpace) -> Deformation:
    """The deformation of the geometry of a problem, checked over the box.

    Args:
        function: The user's.
        problem: ``dde.data.PDE``.
        space: ``ParameterSpace``.

    Raises:
        DeformationError: If it folds.
        TypeError: If it is not a function of Tensors.
        ValueError: If it takes other arguments, returns another shape or what is not
            finite, or makes the time depend on the place; or if a condition has points
            outside of the reference geometry.
    """
    geom = problem.geom
    points = np.vstack([spread_points(geom, _NUM_POINTS, "Hammersley"), _own(problem)])
    points = np.unique(points.astype(float), axis=0)
    deformation = Deformation(function, space, points, has_timedomain(geom))
    deformation.check(points, some_parameters(space))
    for i, bc in enumerate(problem.bcs):
        given = getattr(bc, "points", None)
        if given is None or getattr(bc, "is_measured", False):
            continue
        bad = outside(geom, np.asarray(given, float))
        if bad.any():
            first = ", ".join(f"{v:.6g}" for v in np.asarray(given)[np.argmax(bad)])
            raise ValueError(
                f"bcs[{i}] ({type(bc).__name__}) has the point ({first}), which is "
                "outside of the reference geometry; with a deformation, points of a "
                "condition that holds for every mu must be reference points."
            )
    return deformation


def _own(problem) -> np.ndarray:
    """Some of the points of the problem, those of the conditions among them."""
    parts = [a for a in (problem.train_x_bc, problem.train_x_all) if a is not None]
    return np.vstack(
        [
            p[np.linspace(0, len(p) - 1, min(len(p), _NUM_POINTS)).astype(int)]
            for p in parts
        ]
    )


def some_parameters(space: ParameterSpace) -> np.ndarray:
    """Corners of the box, and mu inside of it."""
    ends = itertools.product(*zip(space.low, space.high, strict=True))
    corners = list(itertools.islice(ends, _MOST_CORNERS))
    return np.vstack([corners, space.sample(_NUM_PARAMETERS, "Halton")]).astype(float)


def locate(bc: icbc.BC, name: str, deformation: Deformation, geom, real) -> tuple:
    """Reference points of measurements, which are at physical ones, and J^-1 there.

    Args:
        bc: ``ParametricPointSetBC`` with mu of its own.
        name: Of it, for messages.
        deformation: The deformation.
        geom: The reference geometry.
        real: Float type.

    Raises:
        ValueError: If a point is outside of the geometry of its mu.
    """
    rows = zip(bc.points.astype(float), bc.mu.astype(float), strict=True)
    xi = np.stack([deformation.inverse(x[None], m[None])[0, 0] for x, m in rows])
    bad = ~np.isfinite(xi).all(axis=1)
    bad[~bad] = outside(geom, xi[~bad])
    if bad.any():
        i = int(np.argmax(bad))
        point = ", ".join(f"{v:.6g}" for v in bc.points[i])
        at = ", ".join(
            f"{n} = {v:.6g}" for n, v in zip(deformation.names, bc.mu[i], strict=True)
        )
        raise ValueError(
            f"{name} has a measurement at ({point}) for {at}, which is outside of the "
            "deformed geometry; measurements must be at physical points in it."
        )
    _, slopes = deformation.evaluate(xi, bc.mu)
    inverse = np.linalg.inv(slopes).reshape(len(xi), -1)
    return xi.astype(real), inverse.astype(real)
