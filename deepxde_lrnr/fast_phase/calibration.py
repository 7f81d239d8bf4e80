"""Choices of the fast phase, made from held-out residuals at mu of the box.

No reference solution enters: what is compared is the root mean square of the exact
residual at held-out points, after the solve, relative to the start.
"""

from __future__ import annotations

import numpy as np

# Dampings compared, strongest first.
DAMPINGS = (1e-1, 1e-2, 1e-3, 1e-4)
# Number of mu left out at the beginning of the sequence of those compared at.
_SKIP = 1024
# Number of mu compared at.
_NUM_PARAMETERS = 8
# Share of what the best source gains that is enough for a faster one to be taken.
_GOOD_ENOUGH = 0.98


def choose_damping(run, parameter_space, dampings=DAMPINGS) -> tuple[float, float]:
    """The strongest damping whose residual is within 2 % of the best one's.

    Weak directions of the Jacobian hardly lower the residual, but move the solution;
    among equals the strongest damping moves it least.

    Args:
        run: Function of mu, array of shape (1, p), and of the damping, to an
            ``Outcome``.
        parameter_space: ``ParameterSpace``.
        dampings: Those compared, strongest first.

    Returns:
        Damping, and its ``held_out_ratio``.
    """
    ratios = [held_out_ratio(run, parameter_space, d) for d in dampings]
    return next(
        (damping, ratio)
        for damping, ratio in zip(dampings, ratios, strict=True)
        if ratio <= 1.02 * min(ratios)
    )


def choose_jacobian(ratios: dict) -> str:
    """The first source that gains at least 98 % of what the best one does.

    What counts is by how much the held-out sum of squares falls. No time is taken: a
    choice that depends on it would differ from run to run.

    Args:
        ratios: ``held_out_ratio`` of each source, those that solve faster first.
    """
    gains = {source: 1 - ratio**2 for source, ratio in ratios.items()}
    enough = _GOOD_ENOUGH * max(gains.values())
    return next(source for source, gain in gains.items() if gain >= enough)


def held_out_ratio(run, parameter_space, damping: float) -> float:
    """Geometric mean of held-out residual after / before."""
    # Away from the beginning of the sequence, whose mu are, for p = 1, those at which
    # the learned Jacobian is exact.
    mu = parameter_space.sample(_SKIP + _NUM_PARAMETERS, "Halton")[_SKIP:]
    outcomes = [run(one[None, :], damping) for one in mu]
    before, after = (
        np.concatenate([getattr(o, name) for o in outcomes])
        for name in ("initial_residual", "residual")
    )
    # Where the PDE has no finite residual, or no residual, nothing can be compared.
    usable = np.isfinite(before) & (before > 0)
    if not usable.any():
        return 1.0
    # A residual of zero has no logarithm.
    ratios = np.maximum(after[usable] / before[usable], np.finfo(before.dtype).eps)
    return float(np.exp(np.mean(np.log(ratios))))
