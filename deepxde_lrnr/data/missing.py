"""A stand-in for the problem of a model that was loaded without it."""

from __future__ import annotations

import numpy as np

from ..parameters import ParameterSpace


class Box:
    """All that is known of the geometry: its bounding box, time included.

    Args:
        low: Lower corner, shape (d,).
        high: Upper corner.
    """

    def __init__(self, low, high):
        self.bbox = (np.asarray(low), np.asarray(high))
        self.dim = len(low)

    def inside(self, x) -> np.ndarray:
        """Whether points (n, d) are in the box, shape (n,)."""
        low, high = self.bbox
        return ((x >= low) & (x <= high)).all(axis=1)


class MissingProblem:
    """Knows what a prediction needs, and nothing else of the problem.

    Args:
        parameter_space: Of the model.
        low: Lower corner of the geometry's bounding box, time included.
        high: Upper corner.
    """

    def __init__(self, parameter_space: ParameterSpace, low, high):
        self.parameter_space = parameter_space
        self.geom = Box(low, high)
