"""Reduced maps: linear functions of a whole layer, from a few of its neurons.

The next layer needs of a hidden state h (M,) only ``target.T @ h``, shape (q,). A
reduced map is a matrix C (q, m) with ``target.T @ h ~ C @ h[indices]``.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import svd

from .._checks import as_number
from ._checks import as_matrix, as_modes, as_reals
from ._triangular import triangular_factor

# Candidates for the ridge, relative: singular values down to 1e-7 of the largest, the
# rounding of snapshots in single precision, are kept by the smallest.
RIDGES = np.logspace(-14, 0, 57)


def interpolation_map(
    modes: ArrayLike, indices: ArrayLike, target: ArrayLike
) -> np.ndarray:
    """Computes the map that is exact on the span of the modes.

    ``C = target.T @ modes @ pinv(modes[indices])``: interpolation if there are as many
    indices as modes (EIM, DEIM), least squares if there are more (gappy POD).

    Args:
        modes: Shape (M, k).
        indices: Shape (m,), m >= k.
        target: Shape (M, q).

    Returns:
        C, shape (q, m).

    Raises:
        ValueError: If `indices` are fewer than the modes, out of range, or do not
            determine the modes; if the shapes do not fit; or if an array is not finite.

    Source: Barrault, Maday, Nguyen, Patera, "An empirical interpolation method", C. R.
    Math. 339 (2004); Chaturantabut, Sorensen (2010), see `deim_indices`.
    """
    modes = as_modes(modes)
    indices = _as_indices(indices, modes)
    target = as_matrix("target", target, rows=len(modes))
    left, sigma, right = svd(modes[indices], full_matrices=False)
    if sigma[-1] <= len(indices) * np.finfo(float).eps * sigma[0]:
        raise ValueError(
            f"modes[indices] has singular values from {sigma[0]:.1e} down to "
            f"{sigma[-1]:.1e}; indices must determine the modes. Select other neurons "
            "or use fewer modes."
        )
    return ((target.T @ modes) @ right.T / sigma) @ left.T


def condition(modes: ArrayLike, indices: ArrayLike) -> float:
    """Computes the error constant of interpolation, ``||pinv(modes[indices])||_2``.

    For orthonormal modes Xi, the interpolation error of any h is at most `condition`
    times the error of its best approximation ``h - Xi @ Xi.T @ h``, and noise in the
    selected neurons is amplified at most by it. 1 is the best possible value.

    Args:
        modes: Shape (M, k).
        indices: Shape (m,), m >= k.

    Returns:
        The constant; infinite if the indices do not determine the modes.

    Raises:
        ValueError: If `indices` are fewer than the modes or out of range.

    Source: Chaturantabut, Sorensen (2010), Lemma 3.2, see `deim_indices`.
    """
    modes = as_modes(modes)
    sigma = svd(modes[_as_indices(indices, modes)], compute_uv=False)
    return float(1 / sigma[-1]) if sigma[-1] > 0 else float("inf")


def fitted_map(
    selected: ArrayLike, targets: ArrayLike, ridge: float | None = None
) -> np.ndarray:
    """Computes the map that fits the snapshots best, by ridge regression.

    Minimises ``||C @ selected - targets||_F^2 + ridge * e * ||C||_F^2``, where e is the
    largest eigenvalue of ``selected @ selected.T``: `ridge` has no unit and damps the
    directions whose singular value is below sqrt(ridge) times the largest.

    Args:
        selected: Shape (m, n), the snapshots at the selected neurons.
        targets: Shape (q, n), what the map shall give for each snapshot.
        ridge: >= 0; 0 is plain least squares (of minimal norm if that is not unique).
            None chooses it in 1e-14, ..., 1 by generalised cross-validation: the
            largest within 1 % of the smallest score, as the score is flat and a larger
            ridge makes a smaller, more robust map.

    Returns:
        C, shape (q, m).

    Raises:
        ValueError: If the numbers of snapshots differ, `ridge` is negative or not
            finite, or an array is empty, not 2-D or not finite.

    Source: Golub, Heath, Wahba, "Generalized cross-validation as a method for choosing
    a good ridge parameter", Technometrics 21 (1979).
    """
    selected = as_matrix("selected", selected)
    targets = as_matrix("targets", targets)
    size, number = selected.shape
    if targets.shape[1] != number:
        raise ValueError(
            f"selected has {number} columns (snapshots), targets has "
            f"{targets.shape[1]}; they must have the same number."
        )
    check_ridge(ridge)

    # QR by blocks, not the normal equations: a ridge of 1e-14 lies below what a Gram
    # matrix in float64 can hold, and the factor of both arrays together holds the
    # residual too. It costs twice the Gram matrix, once for all candidates.
    factor = triangular_factor(np.vstack([selected, targets]))
    left, sigma, right = svd(factor[:, :size], full_matrices=False)
    count = min(size, number)  # What is beyond holds rounding errors only.
    left, sigma, right = left[:, :count], sigma[:count], right[:count]
    observed = factor[:, size:]
    coefficients = left.T @ observed
    if ridge is None:
        unreachable = np.sum((observed - left @ coefficients) ** 2)
        ridge = _cross_validated(sigma, coefficients, unreachable, number)
    floor = max(size, number) * np.finfo(float).eps * sigma[0]
    kept = sigma > (floor if ridge == 0 else 0)
    gains = np.zeros_like(sigma)
    gains[kept] = sigma[kept] / (sigma[kept] ** 2 + ridge * sigma[0] ** 2)
    return (coefficients.T * gains) @ right


def _cross_validated(
    sigma: np.ndarray, coefficients: np.ndarray, unreachable: float, number: int
) -> float:
    """Chooses the relative ridge by generalised cross-validation.

    Args:
        sigma: Shape (p,), singular values of the selected snapshots.
        coefficients: Shape (p, q), the targets in the left singular vectors.
        unreachable: Squared norm of what of the targets no map can fit.
        number: Number n of snapshots.
    """
    if sigma[0] == 0:
        return 0.0
    penalties = RIDGES[:, None] * sigma[0] ** 2
    damping = penalties / (sigma**2 + penalties)
    residuals = unreachable + damping**2 @ np.sum(coefficients**2, axis=1)
    # n minus the trace of the smoother, in a form without cancellation.
    freedom = number - len(sigma) + damping.sum(axis=1)
    scores = residuals / freedom**2
    return float(RIDGES[np.flatnonzero(scores <= 1.01 * scores.min())[-1]])


def check_ridge(ridge: float | None) -> None:
    """Checks that a ridge is None or a number >= 0."""
    if ridge is not None:
        as_number("ridge", ridge, "None or a number >= 0", lambda v: v >= 0)


def _as_indices(indices: ArrayLike, modes: np.ndarray) -> np.ndarray:
    indices = as_reals("indices", indices)
    if indices.ndim != 1 or not np.issubdtype(indices.dtype, np.integer):
        raise ValueError(
            f"indices has shape {indices.shape} and dtype {indices.dtype}; it must be "
            "a 1-D array of integers."
        )
    width, number = modes.shape
    if len(indices) < number:
        raise ValueError(
            f"indices has {len(indices)} entries; it must have at least as many as "
            f"there are modes, {number}."
        )
    if indices.min() < 0 or indices.max() >= width:
        raise ValueError(
            f"indices has values from {indices.min()} to {indices.max()}; they must be "
            f"in 0, ..., {width - 1}."
        )
    return indices
