"""Coefficients of the basis as functions of mu."""

from __future__ import annotations

import itertools
import math

import numpy as np

# Degree of the polynomial beside the cubic radial functions, as far as there are
# several nodes for each of its terms.
_DEGREES = (3, 2, 1)
_NODES_PER_TERM = 2


class Interpolation:
    """Interpolates coefficients over the box by cubic radial functions.

    The function is that of ``scipy.interpolate.RBFInterpolator``, whose rounding varies
    with the number of mu at once; and it is needed where SciPy is not imported.

    Args:
        nodes: Scaled mu (``ParameterSpace.scale``), shape (m, p).
        coefficients: Theirs, shape (m, n).

    Attributes:
        degree: Of the polynomial beside the radial functions.

    References:
        `G. E. Fasshauer. Meshfree approximation methods with MATLAB. World Scientific,
        2007 <https://doi.org/10.1142/6437>`_, chapters 6 to 8.
    """

    def __init__(self, nodes: np.ndarray, coefficients: np.ndarray):
        self.nodes, self.coefficients = nodes, coefficients
        dim = nodes.shape[1]
        self.degree = next(
            (
                d
                for d in _DEGREES
                if _NODES_PER_TERM * math.comb(d + dim, dim) <= len(nodes)
            ),
            1,
        )
        self._center = nodes.mean(axis=0)
        self._powers = _exponents(dim, self.degree)
        kernel, terms = self._kernel(nodes), self._terms(nodes)
        zeros = np.zeros((terms.shape[1], terms.shape[1]))
        matrix = np.block([[kernel, terms], [terms.T, zeros]])
        values = np.pad(coefficients, ((0, terms.shape[1]), (0, 0)))
        self._weights = np.linalg.solve(matrix, values)

    def _kernel(self, y: np.ndarray) -> np.ndarray:
        squares = sum(
            (a[:, None] - b) ** 2 for a, b in zip(y.T, self.nodes.T, strict=True)
        )
        return squares * np.sqrt(squares)

    def _terms(self, y: np.ndarray) -> np.ndarray:
        return np.prod((y - self._center)[:, None] ** self._powers, axis=2)

    def __call__(self, y: np.ndarray) -> np.ndarray:
        """Coefficients at scaled mu of shape (P, p): shape (P, n)."""
        functions = np.hstack([self._kernel(y), self._terms(y)])
        # A product for each mu, so that it is the same whatever mu are beside it.
        return np.matmul(functions[:, None], self._weights)[:, 0]


def _exponents(dim: int, degree: int) -> np.ndarray:
    """Those of the monomials up to a degree, shape (number of them, ``dim``)."""
    places = itertools.chain.from_iterable(
        itertools.combinations_with_replacement(range(dim), d)
        for d in range(degree + 1)
    )
    return np.array([np.bincount(np.array(p, int), minlength=dim) for p in places])
