"""Coefficients of the basis as functions of mu."""

from __future__ import annotations

import math

import numpy as np
from scipy.interpolate import RBFInterpolator

# Degree of the polynomial beside the cubic radial functions, as far as there are
# several nodes for each of its terms.
_DEGREES = (3, 2, 1)
_NODES_PER_TERM = 2


class Interpolation:
    """Interpolates coefficients over the box by cubic radial functions.

    Args:
        nodes: Scaled mu (``ParameterSpace.scale``), shape (m, p).
        coefficients: Theirs, shape (m, n).

    References:
        `G. E. Fasshauer. Meshfree approximation methods with MATLAB. World Scientific,
        2007 <https://doi.org/10.1142/6437>`_, chapters 6 to 8.
    """

    def __init__(self, nodes: np.ndarray, coefficients: np.ndarray):
        self.nodes, self.coefficients = nodes, coefficients
        dim = nodes.shape[1]
        degree = next(
            (
                d
                for d in _DEGREES
                if _NODES_PER_TERM * math.comb(d + dim, dim) <= len(nodes)
            ),
            1,
        )
        self._function = RBFInterpolator(
            nodes, coefficients, kernel="cubic", degree=degree
        )

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """Coefficients at scaled mu of shape (P, p): shape (P, n)."""
        return self._function(y)
