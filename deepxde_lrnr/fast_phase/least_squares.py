"""The default fast phase: least squares for the readout, in double precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from .._checks import as_integer, as_number
from .gauss_newton import minimise
from .parallel import ForEachMu
from .prepared import Prepared
from .solution import Solution
from .status import Status


@dataclass(frozen=True)
class LeastSquares:
    """Gauss-Newton for the readout of all hidden states, on the exact residual.

    The trial functions, hidden states of all layers of the reduced network for mu, are
    as good as training made them; how they are combined, training leaves far from the
    best. Here the residual of the user's problem, in double precision, is minimised
    over their combinations, by steps of a pivoted QR factorisation with backtracking.
    What is returned has a lower residual than the start at the points fitted, *and* at
    held-out ones, fresh points of each IC/BC among them; otherwise the trained
    network's solution is returned.

    Args:
        iterations: Largest number of steps. Where the problem is linear there is one.
        rtol: Stops where no more than this share of the norm of the residual can be
            removed by a step.

    Raises:
        ValueError: If an argument is out of its range.

    References:
        `J. Nocedal, & S. J. Wright. Numerical optimization, 2nd edition. Springer,
        2006 <https://doi.org/10.1007/978-0-387-40065-5>`_, section 10.3.
        `S. Dong, & Z. Li. Local extreme learning machines and domain decomposition for
        solving linear and nonlinear partial differential equations. Computer Methods
        in Applied Mechanics and Engineering, 387, 114129, 2021
        <https://doi.org/10.1016/j.cma.2021.114129>`_: nonlinear least squares for the
        last layer of a random network.
    """

    iterations: int = 20
    rtol: float = 0.3

    def __post_init__(self):
        check_steps(self)

    def prepare(self, fast) -> Prepared:
        """Makes the solver ready for a ``FastModel``.

        Raises:
            ValueError: If there are more unknowns than residuals, or a function of the
                user's cannot be computed or differentiated.
        """
        start = fast.space.start
        equations = fast.equations
        with threadpool_limits(limits=1, user_api="blas"):
            # Compiled here: what it finds out is not for several threads at once.
            mu = fast.parameter_space.sample(1, "uniform")[0]
            equations.at(mu)(start(mu))
            rcond = fast.rcond
            watch = fast.residual_of_hypernetwork if fast.watches_start else None

        def solve_one(mu, workspace):
            at = equations.at(mu, workspace)
            minimum = minimise(at, start(mu), self.iterations, self.rtol, rcond)
            before = minimum.held_out[0] if watch is None else watch(mu)
            return minimum, before

        each = ForEachMu(lambda mu, workspace: [solve_one(m, workspace) for m in mu])

        def solve(mu) -> Solution:
            minima, before = zip(*each(mu), strict=True)
            readouts = np.array([[*m.unknowns, 0] for m in minima])
            initial = np.zeros_like(readouts)
            initial[:, -1] = 1
            return solution_of(mu, minima, before, readouts, initial, self.iterations)

        predictor = fast.predictor_of(fast.network)
        return Prepared("trial space", predictor, solve, fast.estimate)


def check_steps(solver) -> None:
    """Checks ``iterations`` and ``rtol`` of a least squares solver.

    Raises:
        ValueError: If one is out of its range.
    """
    iterations = as_integer("iterations", solver.iterations)
    rtol = as_number("rtol", solver.rtol, "a number in [0, 1)", lambda v: 0 <= v < 1)
    object.__setattr__(solver, "iterations", iterations)
    object.__setattr__(solver, "rtol", rtol)


def solution_of(mu, minima, before, found, initial, iterations: int) -> Solution:
    """What was found where it is better, otherwise the start.

    Args:
        mu: Shape (P, p).
        minima: A ``Minimum`` for each of them.
        before: Held-out sums of squares of the starts, shape (P,).
        found: Coefficients after the fast phase, shape (P, q).
        initial: Those of the starts.
        iterations: Largest number of steps.
    """
    before = np.array(before)
    after = np.array([m.held_out[-1] for m in minima])
    steps = np.array([len(m.history) - 1 for m in minima])
    size = iterations + 1
    history = np.array(
        [m.history + m.history[-1:] * (size - len(m.history)) for m in minima]
    )
    # Comparisons with NaN are false.
    better = (steps > 0) & (after < before)
    status = np.array([m.status for m in minima], object)
    status[~better & (status != Status.NOT_FINITE)] = Status.NO_IMPROVEMENT
    return Solution(
        mu=mu,
        coefficients=np.where(better[:, None], found, initial),
        initial_coefficients=initial,
        initial_residual=np.sqrt(before),
        residual=np.sqrt(np.where(better, after, before)),
        initial_objective=history[:, 0],
        objective=np.where(better, history[:, -1], history[:, 0]),
        history=history,
        steps=steps,
        status=status,
    )
