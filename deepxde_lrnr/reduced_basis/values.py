"""Values of the functions of a reduced basis, and of their combinations, in NumPy."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from .._point_major import as_rows, by_parameter, pairs
from ..taylor.solution_values import SolutionValues

# Values that are computed at once, and kept for points that come again.
_MAX_COMPUTED, _MAX_KEPT = 2**24, 2**25


class BasisValues:
    """Values of Phi_1, ..., Phi_n (``BasisFunctions``).

    Args:
        solutions: Values of N(x; mu_j).
        mu: The mu_j, shape (m, p).
        transform: A, shape (m, n).
        features: Function of points, shape (N, d), and of a mu of shape (1, p), or
            ``None`` where they do not depend on it, to features of shape (q, N).
        takes_parameters: Whether they do.
    """

    def __init__(
        self,
        solutions: SolutionValues,
        mu: np.ndarray,
        transform: np.ndarray,
        features,
        takes_parameters: bool,
    ):
        self._solutions, self._mu, self._transform = solutions, mu, transform
        self._features, self._takes_parameters = features, takes_parameters
        self._kept = OrderedDict()

    @property
    def most_points(self) -> int:
        """Points whose values are kept."""
        return max(1, _MAX_KEPT // self._solutions.size)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The values, kept for points that come again.

        Args:
            points: Array of shape (N, d).

        Returns:
            Array of shape (number of components, n, N).
        """
        points = np.ascontiguousarray(points, dtype=float)
        key = points.shape, points.tobytes()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        step = max(1, _MAX_COMPUTED // self._solutions.size)
        values = np.concatenate(
            [self._of_some(points[i : i + step]) for i in range(0, len(points), step)],
            axis=2,
        )
        self._kept[key] = values
        while sum(v.size for v in self._kept.values()) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return values

    def _of_some(self, points: np.ndarray) -> np.ndarray:
        if self._takes_parameters:
            features = [self._features(points, mu[None]) for mu in self._mu]
        else:
            features = self._features(points, None)
        return self._transform.T @ self._solutions(features).transpose(1, 0, 2)


def combined(x, mu, coefficients, basis: np.ndarray, transform) -> np.ndarray:
    """u for several mu: the output transform of combinations of the basis.

    Args:
        x: Points, shape (N, d).
        mu: Shape (P, p).
        coefficients: Shape (P, n).
        basis: Values of the basis there, shape (number of components, n, N).
        transform: ``None``, or the output transform: function of arrays mu, x and N,
            with a row for each pair of a point and a mu.

    Returns:
        Array of shape (P, N, number of components of u).
    """
    # A product for each mu, so that it is the same whatever mu are beside it.
    values = np.matmul(coefficients[:, None, None], basis)[:, :, 0]
    if transform is None:
        return np.swapaxes(values, 1, 2)
    points, parameters = pairs(x, mu)
    u = transform(parameters, points, as_rows(np.swapaxes(values, 1, 2)))
    return by_parameter(u, len(mu))
