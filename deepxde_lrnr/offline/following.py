"""Fronts: random features that follow the solution, at points of large residuals.

What training misses of a front is steep in x, and smooth as a function of x and of the
trained network's N, which is steep at nearly the same place.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._workspace import Workspace
from ..data.collocation import Collocation
from ..fast_phase.error_estimate import RESOLVED
from ..fast_phase.gauss_newton import minimise
from ..fast_phase.points import fast_collocations, num_points
from ..fast_phase.refinement import candidates, draw
from .choice import VERY_MANY_UNKNOWNS, Chooser, up_to
from .family import Family, Found

# Random features, and residuals for each unknown: where points are dense at a front,
# fewer are left for everything else.
_COUNTS, _PER_UNKNOWN = (128, 512), 6
# Points held out, as a share of those fitted.
_HELD_OUT = 4
# So often the points are drawn anew for all neurons, then once more with the features.
_REFINEMENTS, _STEPS = 2, 8


def follow_solution(family: Family, mu, errors) -> Found | None:
    """All neurons, random features of f(x) and N, and points where residuals are large.

    Args:
        family: What is reduced.
        mu: Shape (n, p). By the solutions where the error is large points are drawn.
        errors: Relative errors of u there, as they are estimated to be without.

    Returns:
        The space; ``None`` if the features do not help, or would be too many, or there
        is no PDE by whose residual points could be drawn.
    """
    if family.data.problem.pde is None:
        return None
    mu, own = mu[~(errors <= RESOLVED)], family.own
    layers, network, space = family.all_neurons()
    counts = up_to(VERY_MANY_UNKNOWNS, space, _COUNTS)
    if not counts:
        return None
    size = space.size + space.num_outputs * counts[-1]
    count = num_points(size, family.expansion.num_equations, _PER_UNKNOWN)
    points = fast_collocations(family.data, count, count // _HELD_OUT)
    for seed in range(_REFINEMENTS):
        points = refined(family, space, mu, points, seed + 1)
    chooser = Chooser(family.equations(own, points), own, family.rtol, mu)
    best = chooser.ratio(space, "all neurons, at points where residuals are large")
    features = space.features(points[0].pde_points, with_solution=True)
    random, _ = chooser.enrich(space, features, counts, best, " and N")
    if random is None:
        return None
    space = space.with_random(random)
    points = refined(family, space, mu, points, _REFINEMENTS + 1)
    return Found(layers, network, random, tuple(chooser.lines), points)


def refined(
    family: Family, space, mu, points, seed, equations=None, workspace=None
) -> tuple[Collocation, Collocation]:
    """The same collocations, with points of the PDE drawn by what solutions leave.

    Args:
        family: What is reduced.
        space: Trial space in which the solutions are found.
        mu: Of the solutions, shape (n, p).
        points: Two ``Collocation``, fitted and held out.
        seed: Of the random numbers.
        equations: ``Family.equations``, or what remembers some of them.
        workspace: ``Workspace``, if there is one.
    """
    geom, (fitted, held_out) = family.data.geom, points
    equations, workspace = equations or family.equations, workspace or Workspace()
    at_points = equations(space, points)
    readouts = [
        minimise(at_points.at(m, workspace), space.start(m), _STEPS, 0.1).unknowns
        for m in mu
    ]
    total = len(fitted.pde_points) + len(held_out.pde_points)
    new = candidates(geom, fitted.pde_points, 2 * total, seed)
    few = replace(fitted, pde_points=fitted.pde_points[:8])
    there = equations(space, (few, replace(held_out, pde_points=new)))
    residuals = []
    for m, w in zip(mu, readouts, strict=True):
        errors = there.at(m, workspace)(w).held_out
        # Those of all equations of the PDE come first.
        errors = errors[: family.expansion.num_equations * len(new)].reshape(
            -1, len(new)
        )
        residuals.append(np.linalg.norm(errors, axis=0))
    chosen = new[draw(geom, new, np.array(residuals), total, seed)]
    parts = np.split(chosen, [len(fitted.pde_points)])
    return tuple(replace(c, pde_points=p) for c, p in zip(points, parts, strict=True))
