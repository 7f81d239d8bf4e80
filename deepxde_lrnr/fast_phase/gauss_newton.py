"""Nonlinear least squares for the readout, in double precision.

Pure NumPy and SciPy: it knows residuals and their Jacobians, and no network.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from ..taylor.workspace import Workspace

# Columns of J are scaled to unit length; those that are combinations of others but for
# this share carry no information in double precision.
RCOND = 1e-12
# Shares that are tried, and how much larger a residual may be with one that leaves out
# more. Those functions need readouts of up to its inverse, which cost as many digits
# wherever the solution is evaluated.
_RCONDS = (1e-8, 1e-10, RCOND)
_NO_MATTER = 1.1
# Steps of a comparison.
_STEPS = 4
# The estimate of the smallest singular value is at most so many times too large.
_ESTIMATED = 2
# Columns that LAPACK's factorisations take at a time.
_BLOCK = 32
_INVERSE_ITERATIONS = 3
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

    def project(self, r: np.ndarray) -> np.ndarray:
        """Q^T r; the first ``rank`` coordinates are what a step can remove."""
        if not self.rank:
            return r
        projected = _apply(self._qr, self._tau, np.asfortranarray(r[:, None]))
        if self._second is not None:
            k = len(self._upper)
            projected[:k] = _apply(*self._second, projected[:k])
        return projected[:, 0]

    def step(self, projected: np.ndarray) -> np.ndarray:
        """The least squares step, from ``project``."""
        step = np.zeros(len(self._scale))
        if self.rank:
            upper = self._upper[: self.rank, : self.rank]
            solved, _ = lapack.dtrtrs(upper, projected[: self.rank])
            step[self._pivots[: self.rank]] = -solved
        return step / self._scale


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


def minimise(
    evaluate, start: np.ndarray, iterations: int, rtol: float, rcond: float = RCOND
) -> Minimum:
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
        rcond: As for ``Factors``.
    """
    at, unknowns = evaluate(start), start
    f = _squared(at.fitted)
    history, held_out = [f], [_squared(at.held_out)]
    # By how much, relatively, the Jacobian changed since it was factored.
    factors, count, change = None, 0, 0.0
    projected = None

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
            factors, count, change = Factors(J, rcond), count + 1, 0.0
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
            expected, projected = projected, factors.project(at.fitted)
            # A residual that is affine is where it was expected.
            bent = _squared(projected - expected) / (share**2 * removable)
            change += 2 * bent**0.5
            left = _squared(projected[: factors.rank])
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


def residuals_after(equations, mu, rcond: float = RCOND) -> np.ndarray:
    """Held-out residuals (root of the sum of squares) after a few steps.

    Args:
        equations: ``JetEquations`` or ``NetworkEquations``.
        mu: Array of shape (n, p).
        rcond: As for ``Factors``.
    """
    start, workspace = equations.space.start(), Workspace()
    found = [
        minimise(equations.at(m, workspace), start, _STEPS, 0.1, rcond) for m in mu
    ]
    return np.sqrt([minimum.held_out[-1] for minimum in found])


def choose_rcond(equations, mu) -> float:
    """Which functions are taken for combinations of others, as in ``Factors``.

    The fewest that leave hardly more of the residual.

    Args:
        equations: ``JetEquations``.
        mu: Array of shape (n, p).
    """
    after = np.array([residuals_after(equations, mu, rcond) for rcond in _RCONDS])
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.exp(np.mean(np.log(after), axis=1))
    # A comparison with NaN is false.
    good = means <= _NO_MATTER * np.nanmin([*means, np.inf])
    return next((r for r, ok in zip(_RCONDS, good, strict=True) if ok), RCOND)


def _squared(r: np.ndarray) -> float:
    return float(r @ r)
