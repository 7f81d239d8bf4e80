"""One chunk of a sweep."""

from __future__ import annotations

import warnings

import numpy as np

from ..fast_model import FastModel
from ..parameters import OutsideParameterSpaceWarning
from .result import kept_of


class ChunkSolver:
    """Arrays of a ``Sweep`` for some mu.

    Args:
        fast: ``FastModel``.
        solving: Solver object and tolerance, as for ``FastModel.solve``.
        x: Points, or ``None``.
        operator: As in ``sweep``.
    """

    def __init__(self, fast: FastModel, solving: tuple, x=None, operator=None):
        self.fast, self.solving = fast, solving
        self.x, self.operator = x, operator
        self._functions = {}

    def __call__(self, mu: np.ndarray) -> dict[str, np.ndarray]:
        """Solves for mu, array of shape (n, p)."""
        with warnings.catch_warnings():
            # There was one for all mu.
            warnings.simplefilter("ignore", OutsideParameterSpaceWarning)
            solution = self.fast.solve(mu, *self.solving)
        arrays = kept_of(solution)
        if self.x is not None:
            values = solution.evaluate(self.x, self._function)
            if isinstance(values, list):
                raise ValueError(
                    f"operator returned a list of {len(values)}; for a sweep it must "
                    "return one Tensor, e.g. tf.concat(..., axis=1) of them."
                )
            arrays["values"] = values
        return arrays

    def _function(self, predictor):
        # Once: each function made of an operator is traced anew.
        if predictor not in self._functions:
            self._functions[predictor] = predictor.compile(self.operator)
        return self._functions[predictor]
