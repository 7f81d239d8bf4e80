"""Nonlinear least squares for the readout, in double precision.

Pure NumPy and SciPy: it knows residuals and their Jacobians, and no network.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from .._workspace import Workspace
from .factors import RCOND, qr_factors
from .status import Status

# Shares that are tried, and how much larger a residual may be with one that leaves out
# more. Those functions need readouts of up to its inverse, which cost as many digits
# wherever the solution is evaluated.
_RCONDS = (1e-8, 1e-10, RCOND)
_NO_MATTER = 1.1
# Steps of a comparison.
_STEPS = 4
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
        status: How it ended.
    """

    unknowns: np.ndarray
    history: list[float]
    held_out: list[float]
    factorisations: int
    status: Status


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

    def evaluate_one(_, unknowns):
        return [evaluate(unknowns[0])]

    factorise = partial(qr_factors, rcond=rcond)
    return minimise_each(evaluate_one, [start], iterations, rtol, factorise)[0]


def minimise_each(
    evaluate, starts, iterations: int, rtol: float, factorise
) -> list[Minimum]:
    """``minimise`` for several problems side by side, evaluated together.

    Args:
        evaluate: Function of the numbers of some of the problems and a list of their
            unknowns to a list of ``Linearised``.
        starts: The unknowns of each problem at the start.
        iterations: As for ``minimise``.
        rtol: The same.
        factorise: Function of a ``Linearised`` to the ``Factors``, or the like, of its
            Jacobian, ``None`` if that is not finite.
    """
    runs = [_minimisation(start, iterations, rtol, factorise) for start in starts]
    waiting = {i: next(run) for i, run in enumerate(runs)}
    found = [None] * len(runs)
    while waiting:
        numbers = list(waiting)
        results = evaluate(numbers, list(waiting.values()))
        for i, at in zip(numbers, results, strict=True):
            try:
                waiting[i] = runs[i].send(at)
            except StopIteration as end:
                found[i] = end.value
                del waiting[i]
    return found


def _minimisation(start, iterations, rtol, factorise):
    """Yields unknowns, is sent ``Linearised``, and returns a ``Minimum``."""
    at, unknowns = (yield start), start
    f = _squared(at.fitted)
    history, held_out = [f], [_squared(at.held_out)]
    # By how much, relatively, the Jacobian changed since it was factored.
    factors, count, change = None, 0, 0.0
    projected = step = None

    def ended(status):
        return Minimum(unknowns, history, held_out, count, status)

    if not np.isfinite([f, held_out[0]]).all():
        return ended(Status.NOT_FINITE)
    while True:
        fresh = factors is None
        if fresh:
            factors, count, change = factorise(at), count + 1, 0.0
            if factors is None:
                return ended(Status.NOT_FINITE)
            projected, step = at.projected(factors)
        removable = _squared(projected[: factors.rank])
        if removable <= max(rtol**2 * f, _ROUNDING**2 * history[0]):
            if fresh or change <= max(rtol, _ROUNDING):
                return ended(Status.CONVERGED)
            # Another Jacobian sees as much more of the residual as it has changed.
            factors = None
            continue
        if len(history) > iterations:
            return ended(Status.ITERATIONS_DONE)
        share, new = yield from _backtrack(unknowns, step, f, 6 if fresh else 0)
        if new is None and fresh:
            return ended(Status.NO_DESCENT)
        left = removable
        if new is not None:
            unknowns, at, f = unknowns + share * step, new, _squared(new.fitted)
            history.append(f)
            held_out.append(_squared(at.held_out))
            projected[: factors.rank] *= 1 - share
            expected = projected
            projected, step = at.projected(factors)
            # A residual that is affine is where it was expected.
            bent = _squared(projected - expected) / (share**2 * removable)
            change += 2 * bent**0.5
            left = _squared(projected[: factors.rank])
        if left > _SLOW**2 * removable:
            factors = None


def _backtrack(unknowns, step, f: float, halvings: int):
    """The first share 1, 1/2, 1/4, ... of a step that lowers the sum of squares."""
    for share in 0.5 ** np.arange(halvings + 1):
        new = yield unknowns + share * step
        # A comparison with NaN is false.
        if _squared(new.fitted) < f:
            return share, new
    return 0.0, None


def residuals_after(equations, mu, rcond=RCOND, workspace=None) -> np.ndarray:
    """Held-out residuals (root of the sum of squares) after a few steps.

    Args:
        equations: ``JetEquations`` or ``NetworkEquations``.
        mu: Array of shape (n, p).
        rcond: As for ``Factors``, or several, an array of shape (m,).
        workspace: ``Workspace``, if there is one.

    Returns:
        Array of shape (n,), or (m, n) of several ``rcond``.
    """
    start, workspace = equations.space.start, workspace or Workspace()
    found = []
    for m in mu:
        at = equations.at(m, workspace)
        found.append(
            [minimise(at, start(m), _STEPS, 0.1, r) for r in np.atleast_1d(rcond)]
        )
    squares = np.array([[minimum.held_out[-1] for minimum in row] for row in found])
    return np.sqrt(squares.T.reshape(*np.shape(rcond), len(mu)))


def choose_rcond(equations, mu) -> float:
    """Which functions are taken for combinations of others, as in ``Factors``.

    The fewest that leave hardly more of the residual.

    Args:
        equations: ``JetEquations``.
        mu: Array of shape (n, p).
    """
    after = residuals_after(equations, mu, _RCONDS)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.exp(np.mean(np.log(after), axis=1))
    # A comparison with NaN is false.
    good = means <= _NO_MATTER * np.nanmin([*means, np.inf])
    return next((r for r, ok in zip(_RCONDS, good, strict=True) if ok), RCOND)


def _squared(r: np.ndarray) -> float:
    return float(r @ r)
