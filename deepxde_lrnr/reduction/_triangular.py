"""The triangular factor of a wide matrix, one block of columns at a time."""

import numpy as np
from scipy.linalg import lapack

# Columns taken in one step. The time hardly depends on it (500 to 10,000 were tried).
BLOCK = 2048


def triangular_factor(matrix: np.ndarray) -> np.ndarray:
    """Computes R of the QR decomposition of the transpose, without Q.

    The small R carries all that least squares and singular values need of the wide
    `matrix`, as ``R.T @ R = matrix @ matrix.T``. Unlike that Gram matrix, R knows the
    singular values to machine precision relative to the largest, not to its root.

    Args:
        matrix: Shape (M, n), float64; meant for n > M, right for any n.

    Returns:
        Array of shape (M, M), upper triangular, up to the signs of its rows.

    Source: sequential TSQR of Demmel, Grigori, Hoemmen, Langou, "Communication-optimal
    parallel and sequential QR and LU factorizations", SIAM J. Sci. Comput. 34 (2012).
    """
    size = matrix.shape[0]
    factor = np.zeros((size, size), order="F")
    for start in range(0, matrix.shape[1], BLOCK):
        rows = np.array(matrix[:, start : start + BLOCK].T, order="F")
        # tpqrt factors [R; rows] knowing that R is triangular: half the work of a QR
        # of the stack, and no copy of it. It fails on wrong shapes only.
        factor, *_ = lapack.dtpqrt(
            0, min(32, size), factor, rows, overwrite_a=1, overwrite_b=1
        )
    return factor
