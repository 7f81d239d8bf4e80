"""Choices of the fast phase, made from held-out residuals at mu of the box.

No reference solution enters: what is compared is the root mean square of the exact
residual at held-out points, after the solve, relative to the start.
"""

from __future__ import annotations

import time

import numpy as np

# Dampings compared, strongest first.
DAMPINGS = (1e-1, 1e-2, 1e-3, 1e-4)
# Number of mu left out at the beginning of the sequence of those compared at.
_SKIP = 1024
# Damping at which the sources of the Jacobian are compared.
_COMMON_DAMPING = 1e-3
# Residual, relative to that of the best source, up to which the faster one is taken.
_GOOD_ENOUGH = 1.2


def choose_damping(run, parameter_space) -> float:
    """The strongest damping whose residual is within 2 % of the best one's.

    Weak directions of the Jacobian hardly lower the residual, but move the solution;
    among equals the strongest damping moves it least.

    Args:
        run: Function of mu, array of shape (1, p), and of the damping, to an
            ``Outcome``.
        parameter_space: ``ParameterSpace``.
    """
    ratios = [held_out_ratio(run, parameter_space, d, 8)[0] for d in DAMPINGS]
    return next(
        damping
        for damping, ratio in zip(DAMPINGS, ratios, strict=True)
        if ratio <= 1.02 * min(ratios)
    )


def choose_jacobian(runs: dict, parameter_space) -> str:
    """The fastest source whose held-out residual is at most 1.2 times the best one's.

    Args:
        runs: For each source a function as in ``choose_damping``.
        parameter_space: ``ParameterSpace``.
    """
    measured = {
        source: held_out_ratio(run, parameter_space, _COMMON_DAMPING, 4)
        for source, run in runs.items()
    }
    best = min(ratio for ratio, _ in measured.values())
    seconds = {
        source: seconds
        for source, (ratio, seconds) in measured.items()
        if ratio <= _GOOD_ENOUGH * best
    }
    return min(seconds, key=seconds.get)


def held_out_ratio(
    run, parameter_space, damping: float, num_parameters: int
) -> tuple[float, float]:
    """Geometric mean of held-out residual after / before, and seconds for one mu."""
    # Away from the beginning of the sequence, whose mu are, for p = 1, those at which
    # the learned Jacobian is exact.
    mu = parameter_space.sample(_SKIP + num_parameters, "Halton")[_SKIP:]
    run(mu[:1], damping)  # compiles
    start = time.perf_counter()
    outcomes = [run(one[None, :], damping) for one in mu]
    seconds = (time.perf_counter() - start) / len(mu)
    before, after = (
        np.concatenate([getattr(o, name) for o in outcomes])
        for name in ("initial_residual", "residual")
    )
    # Where the PDE has no finite residual, or no residual, nothing can be compared.
    usable = np.isfinite(before) & (before > 0)
    if not usable.any():
        return 1.0, seconds
    # A residual of zero has no logarithm.
    ratios = np.maximum(after[usable] / before[usable], np.finfo(before.dtype).eps)
    return float(np.exp(np.mean(np.log(ratios)))), seconds
