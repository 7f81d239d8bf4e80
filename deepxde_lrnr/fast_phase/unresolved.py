"""The status "not resolved", of solutions whose error is, or may be, too large."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .error_estimate import RESOLVED
from .solution import Solution
from .status import Status

# Errors may be so many times larger for their residual than where that was looked at.
_DOUBTFUL = 5


def name_above(tolerance: float, found: Solution) -> Solution:
    """Names solutions whose estimated error is above a tolerance, or not known.

    Args:
        tolerance: The largest relative error.
        found: For several mu.
    """
    # A comparison with NaN is false.
    return _named(found, ~(found.estimated_error <= tolerance))


def estimate_doubtful(found: Solution, likely: np.ndarray) -> Solution:
    """Estimates errors where the residual does not tell whether they are large.

    Args:
        found: For P mu.
        likely: The errors that the residuals are likely to leave, shape (P,).
    """
    doubtful = (RESOLVED / _DOUBTFUL < likely) & (likely <= RESOLVED)
    doubtful &= found.status != Status.NOT_FINITE
    return found.with_errors(doubtful)


def name_unresolved(found: Solution, likely: np.ndarray | None) -> Solution:
    """Names solutions with an error above a per cent, estimated or else likely.

    Args:
        found: For P mu.
        likely: As for ``estimate_doubtful``, ``None`` if nothing is known.
    """
    known = found.estimated_error
    if likely is not None:
        known = np.where(np.isnan(known), likely, known)
    return _named(found, known > RESOLVED)


def _named(found: Solution, rows: np.ndarray) -> Solution:
    status = found.status.copy()
    status[rows & (status != Status.NOT_FINITE)] = Status.NOT_RESOLVED
    return replace(found, status=status)
