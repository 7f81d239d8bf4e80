"""Which neurons to keep: interpolation indices of a basis."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh, lu, qr

from .._checks import as_integer
from ._checks import as_modes


def deim_indices(modes: ArrayLike) -> np.ndarray:
    """Selects one neuron per mode with the greedy of DEIM.

    The greedy interpolates mode j by the modes before it at the neurons chosen so far,
    and takes the neuron where the error is largest. That error is what Gaussian
    elimination leaves of column j after j - 1 steps (the multiples of earlier columns
    that vanish at the earlier pivots), and partial pivoting takes its largest entry:
    the indices are the row pivots of the LU decomposition.

    Args:
        modes: Shape (M, k), linearly independent columns, k <= M. Their order matters.

    Returns:
        k distinct indices into the M neurons, in the order of selection.

    Raises:
        ValueError: If `modes` is empty, not 2-D or not finite, has more columns than
            rows, or linearly dependent columns.

    Source: Chaturantabut, Sorensen, "Nonlinear model reduction via discrete empirical
    interpolation", SIAM J. Sci. Comput. 32 (2010), Algorithm 1.
    """
    modes = as_modes(modes)
    # modes = L[rows] @ U: the i-th pivot is the row that L's i-th row went to.
    rows, _, upper = lu(modes, p_indices=True)
    _check_independent(np.abs(np.diag(upper)), modes)
    return np.argsort(rows)[: modes.shape[1]]


def qdeim_indices(modes: ArrayLike) -> np.ndarray:
    """Selects one neuron per mode by QR with column pivoting of ``modes.T``.

    Unlike DEIM's, the choice depends on the span of the modes only, not on their basis
    or order, and its `condition` is usually smaller.

    Args:
        modes: Shape (M, k), orthonormal columns, k <= M.

    Returns:
        k distinct indices into the M neurons, in the order of selection.

    Raises:
        ValueError: As in `deim_indices`.

    Source: Drmac, Gugercin, "A new selection operator for the discrete empirical
    interpolation method", SIAM J. Sci. Comput. 38 (2016).
    """
    modes = as_modes(modes)
    upper, pivots = qr(modes.T, mode="r", pivoting=True)
    _check_independent(np.abs(np.diag(upper)), modes)
    return pivots[: modes.shape[1]].astype(np.intp)


def oversampled_indices(modes: ArrayLike, size: int) -> np.ndarray:
    """Selects more neurons than modes, so that the modes are determined robustly.

    Starts with `qdeim_indices` and adds one neuron at a time, the one that promises the
    largest growth of the smallest singular value of ``modes[indices]``, whose inverse
    is what amplifies noise and truncation error (`condition`).

    Args:
        modes: Shape (M, k), orthonormal columns, k <= M.
        size: Number of indices, k <= size <= M.

    Returns:
        `size` distinct indices into the M neurons, in the order of selection: the first
        m of them are the choice of size m, for every m >= k.

    Raises:
        ValueError: As in `deim_indices`, or if `size` is not in k, ..., M.

    Source: Peherstorfer, Drmac, Gugercin, "Stability of discrete empirical
    interpolation and gappy proper orthogonal decomposition with randomized and
    deterministic sampling points", SIAM J. Sci. Comput. 42 (2020), arXiv 1808.10473,
    "GappyPOD+E".
    """
    modes = as_modes(modes)
    width, number = modes.shape
    size = as_integer("size", size)
    if not number <= size <= width:
        raise ValueError(
            f"size is {size}; it must be at least the number of modes, {number}, and "
            f"at most the number of neurons, {width}."
        )
    indices = np.empty(size, dtype=np.intp)
    indices[:number] = qdeim_indices(modes)
    taken = np.zeros(width, dtype=bool)
    taken[indices[:number]] = True
    gram = modes[indices[:number]].T @ modes[indices[:number]]
    lengths = np.sum(modes**2, axis=1)
    for position in range(number, size):
        gains = np.where(taken, -np.inf, _gains(modes, gram, lengths))
        best = np.argmax(gains)
        indices[position] = best
        taken[best] = True
        gram += np.outer(modes[best], modes[best])
    return indices


def _gains(modes: np.ndarray, gram: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Ranks every neuron by how far it lifts the smallest eigenvalue of `gram`.

    Adding the row u of `modes` to the selection adds u^T u to `gram`, with eigenvalues
    ... >= e_2 >= e_1 and the eigenvector v of e_1. With the gap g = e_2 - e_1, a = g +
    |u|^2 and p = (v.u)^2, e_1 grows by at least (a - sqrt(a^2 - 4 g p)) / 2 (Ipsen,
    Nadler, "Refined perturbation bounds for eigenvalues of Hermitian and non-Hermitian
    matrices", SIAM J. Matrix Anal. Appl. 31 (2009)). One small eigenproblem and one
    product with `modes` serve all neurons.
    """
    if len(gram) == 1:
        return lengths
    values, vectors = eigh(gram, subset_by_index=[0, 1])
    gap = values[1] - values[0]
    along = (modes @ vectors[:, 0]) ** 2
    if gap <= 1e-12 * values[1]:
        # The smallest eigenvalue is double: no neuron alone can lift it. The longest
        # along v opens a gap, so that the next one can.
        return along
    total = gap + lengths
    # The bound over 2 g, which all neurons share: no difference of close numbers left.
    return along / (total + np.sqrt(np.maximum(total**2 - 4 * gap * along, 0)))


def _check_independent(pivots: np.ndarray, modes: np.ndarray) -> None:
    if pivots.min() <= len(modes) * np.finfo(float).eps * pivots.max():
        raise ValueError(
            f"modes has pivots from {pivots.max():.1e} down to {pivots.min():.1e}; it "
            "must have linearly independent columns. Use fewer modes."
        )
