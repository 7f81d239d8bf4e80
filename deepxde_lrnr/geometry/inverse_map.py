"""The inverse of a map of points that depends on mu, by Newton's method, in NumPy."""

from __future__ import annotations

import numpy as np

# Steps, and halvings of one of them.
_STEPS, _HALVINGS = 40, 8
# Candidates tried as a start for each point, the nearest first.
_NUM_STARTS = 4
# Differences in the image, relative to its size, that are rounding.
_RTOL = 1e-12
# Steps of differences, relative to the sides of the box of the candidates.
_DIFFERENCE = 1e-6


class InverseMap:
    """Solves Phi(xi; mu) = x for xi.

    Args:
        evaluate: Function of arrays xi (n, d) and mu (n, p) to Phi, shape (n, d), and
            its derivatives dPhi_i/dxi_j, shape (n, d, d).
        candidates: Points xi from which the search starts, those whose images are
            nearest: spread over the reference geometry, shape (m, d).
    """

    def __init__(self, evaluate, candidates: np.ndarray):
        self._evaluate = evaluate
        self.candidates = np.asarray(candidates, float)
        self._low, self._high = self.candidates.min(axis=0), self.candidates.max(axis=0)
        self._last = None, None

    def __call__(self, x: np.ndarray, mu: np.ndarray) -> np.ndarray:
        """The points xi for every mu.

        Args:
            x: Points, shape (N, d).
            mu: Array of shape (P, p).

        Returns:
            Array of shape (P, N, d); NaN where there is none, or none is found.
        """
        x, mu = np.asarray(x, float), np.asarray(mu, float)
        key = x.shape, x.tobytes(), mu.tobytes()
        known, found = self._last
        if known != key:
            found = np.stack([self._of_one(x, m) for m in mu])
            # A prediction asks twice: where points are, and whether they are inside.
            self._last = key, found
        return found

    def _of_one(self, x, mu) -> np.ndarray:
        # Only here: it takes longer to import than a surrogate to predict.
        from scipy.spatial import cKDTree

        images, _ = self._of_rows(self.candidates, mu)
        size = np.ptp(images, axis=0)
        size[size == 0] = 1
        count = min(_NUM_STARTS, len(images))
        _, nearest = cKDTree(images / size).query(x / size, count)
        nearest = nearest.reshape(len(x), count)
        found = np.full(x.shape, np.nan)
        left = np.arange(len(x))
        for start in nearest.T:
            own = self._newton(self.candidates[start[left]], x[left], mu, size)
            # The map may have the same image elsewhere, outside of the geometry: that
            # is taken if nothing better is found.
            better = np.isnan(found[left]).any(axis=1) | self._in_box(own)
            found[left[better]] = own[better]
            left = left[~self._in_box(found[left])]
            if not len(left):
                break
        return found

    def _in_box(self, xi) -> np.ndarray:
        margin = 1e-2 * (self._high - self._low)
        return ((xi >= self._low - margin) & (xi <= self._high + margin)).all(axis=1)

    def _of_rows(self, xi, mu):
        return self._evaluate(xi, np.broadcast_to(mu, (len(xi), len(mu))))

    def _newton(self, xi, x, mu, size) -> np.ndarray:
        """Damped Newton steps for each point on its own."""
        xi = xi.copy()
        images, slopes = self._of_rows(xi, mu)
        errors = images - x
        distances = np.abs(errors / size).max(axis=1)
        rows = np.arange(len(x))
        for _ in range(_STEPS):
            rows = rows[distances[rows] > 0]
            if not len(rows):
                break
            steps = _solve_each(slopes[rows], errors[rows])
            moving = rows
            for halving in range(_HALVINGS):
                tried = xi[moving] - steps / 2**halving
                images, own = self._of_rows(tried, mu)
                off = images - x[moving]
                far = np.abs(off / size).max(axis=1)
                good = far < distances[moving]
                some = moving[good]
                xi[some], slopes[some] = tried[good], own[good]
                errors[some], distances[some] = off[good], far[good]
                moving, steps = moving[~good], steps[~good]
                if not len(moving) or (distances[moving] < _RTOL).all():
                    break
            # What no step brings nearer has arrived, or never will.
            rows = np.setdiff1d(rows, moving)
        xi[~(distances < _RTOL)] = np.nan
        return xi


def _solve_each(matrices, vectors) -> np.ndarray:
    """Solutions of many small systems; NaN where there is none."""
    try:
        return np.linalg.solve(matrices, vectors[..., None])[..., 0]
    except np.linalg.LinAlgError:  # one of them is singular
        pass
    found = np.full_like(vectors, np.nan)
    for i, (matrix, vector) in enumerate(zip(matrices, vectors, strict=True)):
        try:
            found[i] = np.linalg.solve(matrix, vector)
        except np.linalg.LinAlgError:
            continue
    return found


def by_differences(function, low: np.ndarray, high: np.ndarray):
    """The function that ``InverseMap`` evaluates, for a map without derivatives.

    Args:
        function: Function of arrays xi (n, d) and mu (n, p) to Phi, shape (n, d).
        low: Lower corner of the reference geometry.
        high: Upper corner.
    """
    steps = _DIFFERENCE * (np.asarray(high) - low)

    def evaluate(xi, mu):
        columns = []
        for j, step in enumerate(steps):
            shift = np.zeros_like(steps)
            shift[j] = step
            ahead, behind = function(xi + shift, mu), function(xi - shift, mu)
            columns.append((ahead - behind) / (2 * step))
        return function(xi, mu), np.stack(columns, axis=2)

    return evaluate
