"""Factors of the Jacobian of a least squares problem, by LAPACK."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

# Columns of J are scaled to unit length; those that are combinations of others but for
# this share carry no information in double precision.
RCOND = 1e-12
# The estimate of the smallest singular value is at most so many times too large.
_ESTIMATED = 2
# Columns that LAPACK's factorisations take at a time.
_BLOCK = 32
_INVERSE_ITERATIONS = 3


class Factors:
    """QR factors of a Jacobian with scaled columns, with pivoting where it matters.

    The triangular factor of a QR without pivoting, which takes half the time, has the
    singular values of the Jacobian. Only if they say that columns may have to be left
    out it is factored again, with pivoting.

    Args:
        J: The Jacobian; it is overwritten.
        rcond: Columns that are combinations of others but for this share are left out.

    Attributes:
        rank: Number of columns that are not.

    References:
        `G. H. Golub, & C. F. Van Loan. Matrix computations, 4th edition. Johns Hopkins
        University Press, 2013`_, section 5.5.
    """

    def __init__(self, J: np.ndarray, rcond: float = RCOND):
        m, n = J.shape
        scale = np.sqrt(np.einsum("ij,ij->j", J, J))
        self._scale = np.where(scale > 0, scale, 1)
        J /= self._scale
        work, _ = lapack.dgeqrf_lwork(m, n)
        self._qr, self._tau, _, _ = lapack.dgeqrf(J, lwork=int(work), overwrite_a=True)
        # A copy: LAPACK would make one in each call.
        self._upper = np.asfortranarray(self._qr[:n])
        self._pivots, self.rank, self._second = np.arange(n), n, None
        # No diagonal entry of a pivoted factor is below the smallest singular value.
        if m < n or _smallest_singular_value(self._upper) < _ESTIMATED * rcond:
            upper = np.asfortranarray(np.triu(self._upper))
            work = 2 * n + (n + 1) * _BLOCK
            self._upper, pivots, tau, _, _ = lapack.dgeqp3(
                upper, lwork=work, overwrite_a=True
            )
            self._pivots, self._second = pivots - 1, (self._upper, tau)
            diagonal = np.abs(np.diagonal(self._upper))
            self.rank = int(np.sum(diagonal > rcond * diagonal[0]))

    def project(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Q^T r, of which a step can remove ``rank`` coordinates, and that step."""
        if not self.rank:
            return r, np.zeros(len(self._scale))
        projected = _apply(self._qr, self._tau, np.asfortranarray(r[:, None]))
        if self._second is not None:
            k = len(self._upper)
            projected[:k] = _apply(*self._second, projected[:k])
        projected = projected[:, 0]
        upper = self._upper[: self.rank, : self.rank]
        solved, _ = lapack.dtrtrs(upper, projected[: self.rank])
        step = np.zeros(len(self._scale))
        step[self._pivots[: self.rank]] = -solved
        return projected, step / self._scale


def _apply(qr: np.ndarray, tau: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Q^T r, for r of shape (m, 1)."""
    product, _, _ = lapack.dormqr("L", "T", qr[:, : len(tau)], tau, r, _BLOCK)
    return product


def _smallest_singular_value(upper: np.ndarray) -> float:
    """An estimate from above, by inverse iteration."""
    v, size = np.ones(len(upper)), np.sqrt(len(upper))
    for _ in range(_INVERSE_ITERATIONS):
        for transposed in (1, 0):
            v, singular = lapack.dtrtrs(upper, v / size, trans=transposed)
            # The largest entry first: its square may be too large a number.
            size = np.abs(v).max()
            if singular or not np.isfinite(size):
                return 0.0
            size *= np.linalg.norm(v / size)
    return 1 / size


def qr_factors(at, rcond: float = RCOND) -> Factors | None:
    """``Factors`` of the Jacobian of a ``Linearised``, ``None`` if it is not finite."""
    J = at.jacobian()
    return Factors(J, rcond) if np.isfinite(J).all() else None
