"""The status "not resolved", of solutions whose error is, or may be, too large."""

from __future__ import annotations

import numpy as np

from .error_estimate import RESOLVED

# Errors may be so many times larger for their residual than where that was looked at.
_DOUBTFUL = 5
_NAME = "not resolved"


def name_above(tolerance: float, found: dict, errors: np.ndarray) -> None:
    """Names solutions whose estimated error is above a tolerance, or not known.

    Args:
        tolerance: The largest relative error.
        found: Fields of a ``Solution`` beside mu, of which the status is written.
        errors: Estimates, NaN where there is none, shape (P,).
    """
    # A comparison with NaN is false.
    _name(found["status"], ~(errors <= tolerance))


def estimate_doubtful(stages, mu, found: dict, errors, likely: np.ndarray) -> None:
    """Estimates errors where the residual does not tell whether they are large.

    Args:
        stages: Those of the solve.
        mu: Shape (P, p).
        found: As for ``name_above``.
        errors: The same; what is estimated is written.
        likely: The errors that the residuals are likely to leave, shape (P,).
    """
    doubtful = (RESOLVED / _DOUBTFUL < likely) & (likely <= RESOLVED)
    doubtful &= np.isnan(errors) & (found["status"] != "not finite")
    for stage in stages:
        rows = np.flatnonzero(doubtful & (found["method"] == stage.name))
        if len(rows):
            z, residuals = found["coefficients"][rows], found["residual"][rows]
            errors[rows] = stage.errors(mu[rows], z, residuals)


def name_unresolved(found: dict, errors: np.ndarray, likely: np.ndarray | None) -> None:
    """Names solutions with an error above a per cent, estimated or else likely.

    Args:
        found: As for ``name_above``.
        errors: The same.
        likely: As for ``estimate_doubtful``, ``None`` if nothing is known.
    """
    known = errors if likely is None else np.where(np.isnan(errors), likely, errors)
    _name(found["status"], known > RESOLVED)


def _name(status: np.ndarray, rows: np.ndarray) -> None:
    status[rows & (status != "not finite")] = _NAME
