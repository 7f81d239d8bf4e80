"""Hyper-reduction: few weighted points that stand for all, for least squares."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.optimize

# Directions in which the rows weaken by more than this, relative to the mean square,
# do not count.
_CUTOFF = 1e-3
# Weight of "all points weigh the same" in the fit of the weights.
_RIDGE = 0.3


def select_points(
    jacobians, point_of_row, num_rows: int, always=()
) -> tuple[np.ndarray, np.ndarray]:
    """Selects points and weights w >= 0 such that sums over them stand for all points.

    Sum over the selected of ``w_i J_i^T J_i`` approximates the sum over all, for each
    of the given Jacobians J, in the eigenvectors of J^T J. Points are the row pivots of
    a QR of these (as in Q-DEIM); weights come from nonnegative least squares (as in the
    empirical quadrature of Farhat et al.).

    Args:
        jacobians: Array of shape (m, n, k): m Jacobians of n residuals.
        point_of_row: Integer array of shape (n,): the point of each residual, counted
            from 0.
        num_rows: Points are added until those added have so many residuals.
        always: Points that are selected in any case, before any is added.

    Returns:
        Indices of the points, ascending, and their weights. All points, of weight 1, if
        they have no more than ``num_rows`` residuals.

    References:
        `Z. Drmac, & S. Gugercin. A new selection operator for the discrete empirical
        interpolation method. SIAM Journal on Scientific Computing, 38(2), A631-A648,
        2016 <https://doi.org/10.1137/15M1019271>`_.

        `C. Farhat, P. Avery, T. Chapman, & J. Cortial. Dimensional reduction of
        nonlinear finite element dynamic models with finite rotations and energy-based
        mesh sampling and weighting. International Journal for Numerical Methods in
        Engineering, 98(9), 625-662, 2014 <https://doi.org/10.1002/nme.4668>`_.
    """
    jacobians = np.asarray(jacobians, float)
    point_of_row = np.asarray(point_of_row)
    num_points = int(point_of_row.max()) + 1
    if len(point_of_row) <= num_rows:
        return np.arange(num_points), np.ones(num_points)
    rows = np.hstack([_whitened(J) for J in jacobians])
    (_, pivots) = scipy.linalg.qr(rows.T, mode="r", pivoting=True)
    rows_of_point = np.bincount(point_of_row, minlength=num_points)
    selected = dict.fromkeys(int(p) for p in always)
    count = 0
    for point in point_of_row[pivots]:
        if count >= num_rows:
            break
        if point not in selected:
            selected[int(point)] = None
            count += rows_of_point[point]
    selected = np.sort(np.array(list(selected), int))
    return selected, _weights(rows, point_of_row, selected)


def _whitened(J: np.ndarray) -> np.ndarray:
    """J in the eigenvectors of J^T J, all scaled to one size except the weak ones."""
    values, vectors = np.linalg.eigh(J.T @ J)
    floor = _CUTOFF * values.mean() + np.finfo(float).tiny
    return (J @ vectors) / np.sqrt(np.maximum(values, 0) + floor)


def _weights(rows, point_of_row, selected) -> np.ndarray:
    """Weights with which the squares of the columns sum up as over all points."""
    squares = np.zeros((point_of_row.max() + 1, rows.shape[1]))
    np.add.at(squares, point_of_row, rows**2)
    A, b = squares[selected].T, squares.sum(axis=0)
    ridge = _RIDGE * np.linalg.norm(A) / np.sqrt(len(selected))
    same = np.full(len(selected), len(squares) / len(selected))
    A = np.vstack([A, ridge * np.eye(len(selected))])
    weights, _ = scipy.optimize.nnls(A, np.concatenate([b, ridge * same]))
    return weights
