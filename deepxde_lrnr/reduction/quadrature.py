"""Hyper-reduction: few weighted points that stand for all, for least squares."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.optimize

from ._checks import as_reals, as_size

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

    Raises:
        ValueError: If an array is not finite or has another shape, ``point_of_row``
            does not count points from 0, ``num_rows`` is not an integer >= 1, or
            ``always`` is none of the points.

    References:
        `Z. Drmac, & S. Gugercin. A new selection operator for the discrete empirical
        interpolation method. SIAM Journal on Scientific Computing, 38(2), A631-A648,
        2016 <https://doi.org/10.1137/15M1019271>`_.

        `C. Farhat, P. Avery, T. Chapman, & J. Cortial. Dimensional reduction of
        nonlinear finite element dynamic models with finite rotations and energy-based
        mesh sampling and weighting. International Journal for Numerical Methods in
        Engineering, 98(9), 625-662, 2014 <https://doi.org/10.1002/nme.4668>`_.
    """
    jacobians, point_of_row, always = _checked(jacobians, point_of_row, always)
    num_rows = as_size("num_rows", num_rows)
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


def _checked(jacobians, point_of_row, always):
    """The arguments of ``select_points`` as arrays, found to fit each other."""
    jacobians = as_reals("jacobians", jacobians).astype(float)
    if jacobians.ndim != 3 or jacobians.size == 0:
        raise ValueError(
            f"jacobians must have shape (m, n, k), none of them 0, got "
            f"{jacobians.shape}."
        )
    if not np.isfinite(jacobians).all():
        raise ValueError("jacobians must be finite, got NaN or infinite entries.")
    n = jacobians.shape[1]
    rows = as_reals("point_of_row", point_of_row)
    if rows.shape != (n,) or rows.dtype.kind not in "iu" or rows.min() < 0:
        raise ValueError(
            f"point_of_row must be {n} integers >= 0, one for each residual of "
            f"jacobians, got shape {rows.shape} and dtype {rows.dtype}."
        )
    if not rows.max() < n:
        raise ValueError(
            f"point_of_row must count the points from 0, so that they are at most "
            f"{n}, got {rows.max()}."
        )
    always = as_reals("always", always)
    wrong = always.ndim != 1 or (always.size > 0 and always.dtype.kind not in "iu")
    if wrong or not np.isin(always, rows).all():
        raise ValueError(
            f"always must be some of the points of point_of_row, got {always}."
        )
    return jacobians, rows, always.astype(int)


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
