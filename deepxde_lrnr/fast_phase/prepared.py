"""A solver that was made ready for a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..prediction import Predictor
from .solution import Solution


@dataclass(frozen=True, eq=False)
class Prepared:
    """What ``prepare`` of a solver returns.

    Attributes:
        method: In what it solves, ``Solution.method``.
        predictor: Of its coefficients.
        solve: Function of mu, shape (P, p), to a ``Solution`` as the solver makes it,
            without a method.
        estimate: Function of mu, shape (P, p), coefficients, residuals and the
            predictor, to the relative L2 errors of u, estimated, shape (P,).
        gradient: ``None``, or a function of the predictor, mu of (p,), coefficients and
            points to du/dmu there.
    """

    method: str
    predictor: Predictor
    solve: Callable[[np.ndarray], Solution]
    estimate: Callable[..., np.ndarray]
    gradient: Callable[..., np.ndarray] | None = None

    def __call__(self, mu: np.ndarray) -> Solution:
        """Solves for mu of shape (P, p)."""
        return replace(
            self.solve(mu),
            mu=mu,
            method=np.full(len(mu), self.method, object),
            estimated_error=np.full(len(mu), np.nan),
            _solvers={self.method: self},
        )

    def own(self, coefficients: np.ndarray) -> np.ndarray:
        """Coefficients without the zeros that fill them up to those of others."""
        return coefficients[:, : getattr(self.predictor.network, "size", None)]

    def errors(self, mu, coefficients, residuals) -> np.ndarray:
        """Estimates for mu of shape (P, p)."""
        own = self.own(coefficients)
        return self.estimate(mu, own, residuals, self.predictor)
