"""Nonlinear least squares for the readout, in double precision.

Pure NumPy and SciPy: it knows residuals and their Jacobians, and no network.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

# Columns of J are scaled to unit length; those that are combinations of others but for
# this share carry no information in double precision.
_RCOND = 1e-12
# A step with the factors of an earlier Jacobian that leaves more than this share of
# the residual that can be removed is followed by one with a new Jacobian.
_SLOW = 0.1
# What is left of the start's residual is rounding.
_ROUNDING = 1e-12


class Minimum(NamedTuple):
    """Where the iteration ended.

    Attributes:
        unknowns: The unknowns.
        history: Sum of squares at the start and after each step.
        held_out: The same at held-out points.
        factorisations: Number of Jacobians that were factored.
        status: Why it stopped: "converged", "iterations done", "no further descent",
            or "not finite".
    """

    unknowns: np.ndarray
    history: list[float]
    held_out: list[float]
    factorisations: int
    status: str


class Factors:
    """QR factors, with pivoting, of a Jacobian with scaled columns.

    References:
        `G. H. Golub, & C. F. Van Loan. Matrix computations, 4th edition. Johns Hopkins
        University Press, 2013`_, section 5.5.
    """

    def __init__(self, J: np.ndarray):
        scale = np.sqrt(np.einsum("ij,ij->j", J, J))
        self._scale = np.where(scale > 0, scale, 1)
        J /= self._scale
        self._qr, pivots, self._tau, _, _ = lapack.dgeqp3(J, overwrite_a=True)
        self._pivots = pivots - 1
        diagonal = np.abs(np.diagonal(self._qr))
        self.rank = int(np.sum(diagonal > _RCOND * diagonal[0])) if diagonal[0] else 0

    def project(self, r: np.ndarray) -> np.ndarray:
        """Q^T r; the first ``rank`` coordinates are what a step can remove."""
        if not self.rank:
            return r
        qr, tau = self._qr[:, : self.rank], self._tau[: self.rank]
        work = np.asfortranarray(r[:, None])
        # A block of 32 columns at a time: LAPACK's own choice.
        product, _, _ = lapack.dormqr("L", "T", qr, tau, work, 32)
        return product[:, 0]

    def step(self, projected: np.ndarray) -> np.ndarray:
        """The least squares step, from ``project``."""
        step = np.zeros(len(self._scale))
        if self.rank:
            upper = self._qr[: self.rank, : self.rank]
            solved, _ = lapack.dtrtrs(upper, projected[: self.rank])
            step[self._pivots[: self.rank]] = -solved
        return step / self._scale


def minimise(evaluate, start: np.ndarray, iterations: int, rtol: float) -> Minimum:
    """Gauss-Newton steps with backtracking on the exact sum of squares.

    A Jacobian is factored once and used as long as its steps remove nine tenths of what
    they can (a chord method), and believed at the end if it has hardly changed since;
    where the residual is affine, one step is all.

    Args:
        evaluate: Function of the unknowns to ``Linearised``.
        start: The unknowns at the start.
        iterations: Largest number of steps.
        rtol: Stops where no more than this share of the norm of the residual can be
            removed.
    """
    at, unknowns = evaluate(start), start
    f = _squared(at.fitted)
    history, held_out = [f], [_squared(at.held_out)]
    # By how much, relatively, the Jacobian changed since it was factored.
    factors, count, change = None, 0, 0.0

    def ended(status):
        return Minimum(unknowns, history, held_out, count, status)

    if not np.isfinite([f, held_out[0]]).all():
        return ended("not finite")
    while True:
        fresh = factors is None
        if fresh:
            J = at.jacobian()
            if not np.isfinite(J).all():
                return ended("not finite")
            factors, count, change = Factors(J), count + 1, 0.0
        projected = factors.project(at.fitted)
        removable = _squared(projected[: factors.rank])
        if removable <= max(rtol**2 * f, _ROUNDING**2 * history[0]):
            if fresh or change <= max(rtol, _ROUNDING):
                return ended("converged")
            # Another Jacobian sees as much more of the residual as it has changed.
            factors = None
            continue
        if len(history) > iterations:
            return ended("iterations done")
        step = factors.step(projected)
        share, new = _backtrack(evaluate, unknowns, step, f, 6 if fresh else 0)
        if new is None and fresh:
            return ended("no further descent")
        left = removable
        if new is not None:
            unknowns, at, f = unknowns + share * step, new, _squared(new.fitted)
            history.append(f)
            held_out.append(_squared(at.held_out))
            projected[: factors.rank] *= 1 - share
            found = factors.project(at.fitted)
            # A residual that is affine is where it was expected.
            bent = _squared(found - projected) / (share**2 * removable)
            change += 2 * bent**0.5
            left = _squared(found[: factors.rank])
        if left > _SLOW**2 * removable:
            factors = None


def _backtrack(evaluate, unknowns, step, f: float, halvings: int):
    """The first share 1, 1/2, 1/4, ... of a step that lowers the sum of squares."""
    for share in 0.5 ** np.arange(halvings + 1):
        new = evaluate(unknowns + share * step)
        # A comparison with NaN is false.
        if _squared(new.fitted) < f:
            return share, new
    return 0.0, None


def _squared(r: np.ndarray) -> float:
    return float(r @ r)
