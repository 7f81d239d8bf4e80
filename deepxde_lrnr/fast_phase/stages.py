"""Solvers one after the other, until the estimated error is small enough."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .prepared import Prepared
from .solution import Solution, joined


def solve_in_stages(
    solvers: list[Prepared], mu, tolerance: float, last_estimated: bool
) -> Solution:
    """Solves each mu by the first solver whose estimated error is small enough.

    Args:
        solvers: The cheapest first.
        mu: Shape (P, p).
        tolerance: Largest relative error.
        last_estimated: Whether the error of the last solver is estimated as well.

    Returns:
        For each mu what the last solver that it needed has found.
    """
    left, parts, numbers = np.arange(len(mu)), [], []
    for solver in solvers:
        last = solver is solvers[-1]
        found = solver(mu[left])
        good = np.ones(len(left), bool)
        if last_estimated or not last:
            errors = solver.errors(found.mu, found.coefficients, found.residual)
            found = replace(found, estimated_error=errors)
            good = (errors <= tolerance) | last
        parts.append(found[good])
        numbers.append(left[good])
        left = left[~good]
        if not len(left):
            break
    if len(parts) == 1:
        return parts[0]
    return joined(parts)[np.argsort(np.concatenate(numbers))]
