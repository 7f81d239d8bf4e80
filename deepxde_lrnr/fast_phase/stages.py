"""Solvers one after the other, until the estimated error is small enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..prediction import Predictor


@dataclass(frozen=True, eq=False)
class Stage:
    """A solver, ready for a model.

    Attributes:
        name: What it solves in.
        solve: Function of mu, shape (P, p), to the fields of a ``Solution`` beside mu.
        predictor: Of its coefficients.
        estimate: Function of mu, shape (P, p), coefficients, residuals and the
            predictor, to the relative L2 errors of u, estimated, shape (P,).
        gradient: ``None``, or a function of the predictor, mu of (p,), coefficients and
            points to du/dmu there.
    """

    name: str
    solve: object
    predictor: Predictor
    estimate: object
    gradient: object = None

    def own(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients without the zeros that fill them up to those of others."""
        return coefficients[:, : getattr(self.predictor.network, "size", None)]

    def errors(self, mu, coefficients, residuals) -> np.ndarray:
        """Estimates for mu of shape (P, p)."""
        own = self.own(coefficients)
        return self.estimate(mu, own, residuals, self.predictor)


def solve_in_stages(stages: list[Stage], mu, tolerance: float, last_estimated: bool):
    """Solves each mu by the first stage whose estimated error is small enough.

    Args:
        stages: The cheapest first.
        mu: Shape (P, p).
        tolerance: Largest relative error.
        last_estimated: Whether the error after the last stage is estimated as well.

    Returns:
        Fields of a ``Solution`` beside mu, ``method`` among them, those of the last
        stage that was needed for each mu; and the estimates, NaN where there is none.
    """
    left, parts = np.arange(len(mu)), []
    errors = np.full(len(mu), np.nan)
    for stage in stages:
        last = stage is stages[-1]
        fields = stage.solve(mu[left])
        if last and not last_estimated:
            good = np.ones(len(left), bool)
        else:
            z, residuals = fields["coefficients"], fields["residual"]
            errors[left] = stage.errors(mu[left], z, residuals)
            good = (errors[left] <= tolerance) | last
        kept = {name: rows[good] for name, rows in fields.items()}
        kept["method"] = np.full(good.sum(), stage.name, object)
        parts.append((left[good], kept))
        left = left[~good]
        if not len(left):
            break
        errors[left] = np.nan
    if len(parts) == 1:
        return parts[0][1], errors
    order = np.argsort(np.concatenate([numbers for numbers, _ in parts]))
    names = parts[0][1]
    return {n: _joined([p[n] for _, p in parts])[order] for n in names}, errors


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """One array of all rows, shorter ones filled up with zeros."""
    if parts[0].ndim == 1:
        return np.concatenate(parts)
    width = max(part.shape[1] for part in parts)
    return np.vstack([np.pad(p, ((0, 0), (0, width - p.shape[1]))) for p in parts])
