"""Choices of the fast phase, made from held-out residuals at mu of the box.

No reference solution enters: what is compared is the exact objective at held-out
points, after the solve, relative to the start.
"""

from __future__ import annotations

import time

import numpy as np

# Dampings compared, strongest first.
DAMPINGS = (1e-1, 1e-2, 1e-3, 1e-4)
# Choices within this factor of the best objective count as equally good.
_MARGIN = 1.1
_NUM_PARAMETERS = 8


def choose_damping(run, parameter_space) -> float:
    """The strongest damping whose objective is within 10 % of the best one's.

    Weak directions of the Jacobian hardly lower the residual, but move the solution;
    among equals the strongest damping moves it least.

    Args:
        run: Function of mu, array of shape (1, p), and of the damping, to an
            ``Outcome``.
        parameter_space: ``ParameterSpace``.
    """
    ratios = [held_out_ratio(run, parameter_space, damping)[0] for damping in DAMPINGS]
    best = min(ratios)
    return next(
        damping
        for damping, ratio in zip(DAMPINGS, ratios, strict=True)
        if ratio <= _MARGIN * best
    )


def choose_jacobian(runs: dict, parameter_space, damping: float = 1e-3) -> str:
    """The fastest source whose objective is within 10 % of the best one's.

    Args:
        runs: For each source a function as in ``choose_damping``.
        parameter_space: ``ParameterSpace``.
        damping: Damping of the comparison.
    """
    measured = {
        source: held_out_ratio(run, parameter_space, damping)
        for source, run in runs.items()
    }
    best = min(ratio for ratio, _ in measured.values())
    good = {
        s: seconds
        for s, (ratio, seconds) in measured.items()
        if ratio <= _MARGIN * best
    }
    return min(good, key=good.get)


def held_out_ratio(run, parameter_space, damping: float) -> tuple[float, float]:
    """Geometric mean of held-out objective after / before, and seconds for one mu."""
    mu = parameter_space.sample(_NUM_PARAMETERS, "Halton")
    run(mu[:1], damping)  # compiles
    start = time.perf_counter()
    outcomes = [run(one[None, :], damping) for one in mu]
    seconds = (time.perf_counter() - start) / len(mu)
    logs = [np.log(o.residual / o.initial_residual) for o in outcomes]
    return float(np.exp(np.mean(logs))), seconds
