"""What a sweep returns."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from ..fast_phase import Solution
from ..parameters import ParameterSpace


@dataclass(frozen=True)
class Sweep:
    """Result of a sweep over n mu, in their order.

    Attributes:
        mu: Array of shape (n, p).
        initial_residual: Root mean square of the residual at held-out points before the
            fast phase, shape (n,); see ``Solution``.
        residual: The same afterwards: an indicator of the error.
        estimated_error: Estimated relative L2 error of u, shape (n,), NaN where the
            solve makes no estimate: see ``Solution``.
        steps: Number of steps taken, shape (n,).
        status: Why the fast phase stopped, array of n strings.
        method: In what it was solved, array of n strings; see ``Solution``.
        x: Points, array of shape (N, d), or ``None``.
        values: Values at the points, shape (n, N, number of components), or ``None``
            without points. With an ``out`` they stay there: a Zarr array, or an array
            that is mapped from the .npz file.
        parameter_space: ``ParameterSpace`` of mu.
    """

    mu: np.ndarray
    initial_residual: np.ndarray
    residual: np.ndarray
    estimated_error: np.ndarray
    steps: np.ndarray
    status: np.ndarray
    method: np.ndarray
    x: np.ndarray | None
    values: np.ndarray | None = field(repr=False)
    parameter_space: ParameterSpace


def kept_of(solution: Solution) -> dict[str, np.ndarray]:
    """The attributes of a ``Solution`` that a ``Sweep`` has, too."""
    arrays = solution.arrays()
    return {f.name: arrays[f.name] for f in fields(Sweep) if f.name in arrays}
