"""Points of the fast phase: fitted ones, and held out ones to judge the result by.

Fewer than three residuals for each unknown let the residual vanish at the points fitted
and grow between them.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
from deepxde import icbc

from .._checks import as_integer, as_reals
from .._deepxde import has_timedomain
from ..data import ParametricPDE
from ..data.collocation import Collocation
from ..data.residual import Residual
from ..data.spread_points import spread_points

# Residuals fitted for each unknown. Where random features are needed the residual is
# rough: fewer points would be fitted without being solved between.
PER_UNKNOWN, PER_UNKNOWN_RANDOM = 3, 4
# However few unknowns there are.
_FEWEST_POINTS = 128
# Points held out take time in each solve as the fitted ones do.
_FITTED_PER_HELD_OUT, _FEWEST_HELD_OUT = 8, 64
# Candidates on the boundary are doubled at most so many times until an IC/BC that
# holds on a small part of it has its points.
_DOUBLINGS = 6
# IC/BC whose points are given, or paired in a way that fresh ones need not be.
_WITH_OWN_POINTS = (icbc.PointSetBC, icbc.PointSetOperatorBC, icbc.Interface2DBC)


def num_points(
    num_unknowns: int, num_equations: int, per_unknown: int = PER_UNKNOWN
) -> int:
    """Points of the PDE that give so many residuals for each unknown."""
    return -(-per_unknown * num_unknowns // num_equations)


def enough_points(space, num_equations: int) -> int:
    """Points of the PDE that give enough residuals for each unknown.

    Args:
        space: ``TrialSpace``.
        num_equations: Residuals of the PDE at a point.
    """
    ratio = PER_UNKNOWN_RANDOM if len(space.random) else PER_UNKNOWN
    return max(_FEWEST_POINTS, num_points(space.size, num_equations, ratio))


def check_enough(
    residual: Residual, num_equations: int, num_unknowns: int, low_rank: bool
) -> None:
    """Checks that there are enough points to determine the readout.

    Args:
        residual: At the points fitted.
        num_equations: Residuals of the PDE at a point.
        num_unknowns: Size of the trial space.
        low_rank: Whether the network has coefficients s, which ``Adam`` moves.

    Raises:
        ValueError: If not.
    """
    collocation, conditions = residual.collocation, residual.data.conditions
    count = num_equations * len(collocation.pde_points) + sum(
        condition.count(n)
        for condition, n in zip(conditions, collocation.counts, strict=True)
    )
    if count < num_unknowns:
        others = "; solver=lrnr.fast_phase.Adam() moves coefficients instead"
        raise ValueError(
            f"There are {num_unknowns} unknowns (the readout of all hidden states "
            f"kept), but only {count} residuals at the points of the fast phase; "
            "LeastSquares needs more of them than unknowns. Reduce with about "
            f"points={num_points(num_unknowns, num_equations)}, as reduce() does by "
            f"default, or with a smaller rank{others if low_rank else ''}."
        )


def fast_collocations(
    data: ParametricPDE, points, num_held_out: int | None = None, seed: int = 0
) -> tuple[Collocation, Collocation]:
    """Points fitted by the fast phase, and points at which its result is judged.

    Both are drawn anew: those trained on may be too few to tell whether a condition
    holds between them.

    Args:
        data: The parametric problem.
        points: An array of shape (n, d), among which each IC/BC picks its own, or the
            number of points of the PDE, spread over the geometry; each IC/BC then gets
            a quarter of that number.
        num_held_out: Number of points of the PDE that are held out; each IC/BC gets a
            quarter of it. By default an eighth of those fitted, 64 at least.
        seed: Of the points of the IC/BC.

    Raises:
        TypeError: If ``points`` is not made of real numbers.
        ValueError: If it has another shape or is not finite, or an IC/BC finds none.
    """
    given = np.ndim(as_reals("points", points)) != 0
    count = len(points) if given else as_integer("points", points)
    if num_held_out is None:
        num_held_out = max(_FEWEST_HELD_OUT, count // _FITTED_PER_HELD_OUT)
    num_fitted = 0 if given else max(16, count // 4)
    fitted, held_out = [], []
    for i, condition in enumerate(data.conditions):
        trained = data.train_collocation.condition_points[i]
        few = max(16, num_held_out // 4)
        for blocks, block in zip(
            (fitted, held_out),
            _condition_points(condition, trained, num_fitted, few, seed + i),
            strict=True,
        ):
            blocks.append(block)
    # In one dimension the sequences of Hammersley and Halton are the same: the held-out
    # points begin where those of the fast phase end.
    watched = spread_points(data.geom, num_held_out, "Halton", count)
    if given:
        return data.collocation(points), data.collocation_of(held_out, watched)
    inside = spread_points(data.geom, count, "Hammersley")
    return data.collocation_of(fitted, inside), data.collocation_of(held_out, watched)


def _condition_points(condition, trained, num_fitted: int, num_held_out: int, seed):
    """Points of an IC/BC, fitted and held out: (points, places among its own)."""
    bc = condition.bc
    if (
        isinstance(bc, _WITH_OWN_POINTS)
        or not hasattr(bc, "geom")
        or condition.mixes_points
    ):
        # Data are fitted all, and judged where they are; a quadrature has its points.
        places = np.arange(len(trained))
        return (trained, places), (trained, places)
    wanted, found = num_fitted + num_held_out, trained[:0]
    with _seeded(seed):
        for doubling in range(_DOUBLINGS):
            candidates = _on_boundary(bc.geom, wanted * 2**doubling)
            found = np.asarray(bc.collocation_points(candidates))
            if len(found) >= wanted * (2 if condition.paired else 1):
                break
    if len(found) == 0:
        found = trained
    halves = np.split(found, 2) if condition.paired else [found]
    # The two ends of an interval are no more than two points.
    _, unique = np.unique(halves[0], axis=0, return_index=True)
    order = np.random.default_rng(seed).permutation(np.sort(unique))
    if len(order) <= max(4, num_held_out):
        chosen = order, order
    else:
        share = len(order) * num_fitted // max(wanted, 1)
        chosen = order[:share][:num_fitted], order[share:][:num_held_out]
    return tuple((np.vstack([h[c] for h in halves]), None) for c in chosen)


def _on_boundary(geom, count: int) -> np.ndarray:
    """Points of the boundary, and of the initial time."""
    points = [geom.random_boundary_points(count)]
    if has_timedomain(geom):
        points.append(geom.random_initial_points(count))
    return np.vstack(points)


@contextmanager
def _seeded(seed: int):
    """NumPy's global generator, which DeepXDE samples with, from a seed of its own."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
