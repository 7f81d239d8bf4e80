"""What a fast phase returns."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np


@dataclass(frozen=True)
class Solution:
    """Solution of the PDE for one mu, or for several.

    For several mu all arrays have a leading axis of length n.

    Attributes:
        mu: Array of shape (p,) or (n, p).
        coefficients: Coefficients found, shape (q,) or (n, q).
        initial_coefficients: Those of the hypernetwork.
        initial_residual: Root mean square of the exact residual (of the full LRNR,
            weighted as the loss, in the norm of the solver: see
            ``GaussNewton.smoothing``) at held-out points before the fast phase, float
            or shape (n,).
        residual: The same afterwards: an indicator of the error.
        initial_objective: Sum of squares of that residual before the fast phase at the
            points that its steps look at: the selected ones, weighted, or all (with
            ``Adam``: its own objective, of its own network).
        objective: The same afterwards.
        history: Objective before the first step and after each, shape
            (iterations + 1,) or (n, iterations + 1) with the solver's ``iterations``;
            constant after the last step.
        steps: Number of steps taken, int or array of shape (n,).
        status: Why it stopped, str or array of shape (n,).
    """

    mu: np.ndarray
    coefficients: np.ndarray
    initial_coefficients: np.ndarray
    initial_residual: np.ndarray
    residual: np.ndarray
    initial_objective: np.ndarray
    objective: np.ndarray
    history: np.ndarray
    steps: np.ndarray
    status: np.ndarray
    _predictor: object = field(repr=False)

    @property
    def parameter_space(self):
        """``ParameterSpace`` that mu belongs to."""
        return self._predictor.network.parameter_space

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates of points: x, y, z, as far as there are, and t."""
        return self._predictor.coordinates

    def __getitem__(self, index) -> Solution:
        """Solution for the mu at ``index``, an integer or a slice, of several mu."""
        if self.mu.ndim == 1:
            raise IndexError("the solution is that of one mu; it has no index.")
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.repr}
        return replace(self, **{name: a[index] for name, a in arrays.items()})

    def predict(self, x, operator=None) -> np.ndarray:
        """The solution, from the full LRNR at the coefficients found.

        Args:
            x: Points, array of shape (N, d).
            operator: ``None``, or a function of Tensors ``(x, u)`` or ``(x, u, mu)``,
                such as the PDE, whose result is returned instead of u.

        Returns:
            Array of shape (N, number of components) for one mu, (n, N, number of
            components) for several; a list of them if ``operator`` returns a list.

        Raises:
            TypeError: If ``x`` is not made of real numbers.
            ValueError: If ``x`` or ``operator`` is not as above.
        """
        single = self.mu.ndim == 1
        return self._predictor(
            x,
            np.atleast_2d(self.mu),
            np.atleast_2d(self.coefficients),
            single,
            operator,
        )
