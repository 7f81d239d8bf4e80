"""What a solver hands back to the ``FastModel``."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Outcome:
    """Result of a solver for P mu, as arrays with P rows; see ``Solution``."""

    initial_coefficients: np.ndarray
    coefficients: np.ndarray
    initial_residual: np.ndarray
    residual: np.ndarray
    initial_objective: np.ndarray
    objective: np.ndarray
    history: np.ndarray
    steps: np.ndarray
    status: np.ndarray

    @classmethod
    def make(
        cls,
        initial_coefficients,
        coefficients,
        history,
        steps,
        status,
        initial_residual,
        residual,
        initial_objective,
        objective,
    ) -> Outcome:
        """From tensors.

        Args:
            initial_coefficients: Shape (P, q).
            coefficients: Shape (P, q).
            history: Shape (P, steps + 1).
            steps: Shape (P,), or one number for all mu.
            status: P strings.
            initial_residual: Held-out objective before, shape (P,).
            residual: Held-out objective after, shape (P,).
            initial_objective: Objective before, shape (P,).
            objective: Objective after, shape (P,).
        """
        z = np.asarray(coefficients)
        return cls(
            np.asarray(initial_coefficients),
            z,
            np.sqrt(np.asarray(initial_residual)),
            np.sqrt(np.asarray(residual)),
            np.asarray(initial_objective),
            np.asarray(objective),
            np.asarray(history),
            np.broadcast_to(np.asarray(steps, int), (len(z),)),
            np.asarray(status, dtype=object),
        )

    def rows(self, index) -> dict[str, np.ndarray]:
        """Fields at ``index`` of the axis of mu."""
        return {f.name: getattr(self, f.name)[index] for f in fields(self)}

    @classmethod
    def concatenate(cls, outcomes) -> Outcome:
        """Joins chunks of mu."""
        return cls(
            *(
                np.concatenate([getattr(o, f.name) for o in outcomes])
                for f in fields(cls)
            )
        )
