"""Least squares for the coefficients of a reduced basis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..fast_phase.gauss_newton import minimise_each
from ..fast_phase.least_squares import check_steps, solution_of
from ..fast_phase.parallel import AT_ONCE, ForEachMu
from ..fast_phase.prepared import Prepared
from ..fast_phase.solution import Solution
from .gradient import gradient
from .jacobians import basis_factors

# After as many mu a compilation is worth its time.
MANY = 32 * AT_ONCE


@dataclass(frozen=True)
class BasisLeastSquares:
    """Gauss-Newton for the coefficients of the reduced basis, on the exact residual.

    The start is interpolated over the box. No network is evaluated: the jets of the
    basis functions at the points are constants.

    Args:
        iterations: Largest number of steps.
        rtol: Stops where no more than this share of the norm of the residual can be
            removed by a step. An interpolated start is off by smooth functions, which
            have small residuals.

    Raises:
        ValueError: If an argument is out of its range.

    References:
        `K. Carlberg, C. Bou-Mosleh, & C. Farhat. Efficient non-linear model reduction
        via a least-squares Petrov-Galerkin projection and compressive tensor
        approximations. International Journal for Numerical Methods in Engineering,
        86(2), 155--181, 2011 <https://doi.org/10.1002/nme.3050>`_.
    """

    iterations: int = 20
    rtol: float = 0.03

    def __post_init__(self):
        check_steps(self)

    def prepare(self, fast) -> Prepared:
        """As ``LeastSquares.prepare``.

        Raises:
            ValueError: If the model has no basis.
        """
        basis = fast.basis
        if basis is None:
            raise ValueError(
                "solver is BasisLeastSquares, but the model has no reduced basis; "
                "fast.build_basis() makes one."
            )
        equations, interpolation = basis.equations, basis.interpolation
        space = fast.parameter_space
        # Compiled here: what it finds out is not for several threads at once.
        equations.at(basis.mu[0])(np.zeros(basis.size))

        def solve_some(mu, workspace):
            starts = interpolation(space.scale(mu))
            at = equations.at_each(mu, workspace)
            minima = minimise_each(
                at, starts, self.iterations, self.rtol, basis_factors
            )
            return list(zip(starts, minima, strict=True))

        each, solved = ForEachMu(solve_some), 0

        def solve(mu) -> Solution:
            nonlocal solved
            solved += len(mu)
            if len(mu) >= AT_ONCE and solved >= MANY:
                equations.prepare_many(basis.mu[0])
            initial, minima = zip(*each(mu), strict=True)
            before = [m.held_out[0] for m in minima]
            found = np.array([m.unknowns for m in minima])
            solution = solution_of(
                mu, minima, before, found, np.array(initial), self.iterations
            )
            # Where the start cannot be improved on it is the solution all the same.
            ended = np.array([m.status for m in minima], object)
            status = np.where(solution.steps == 0, ended, solution.status)
            return replace(solution, status=status)

        return Prepared(
            "reduced basis",
            fast.predictor_of(basis.functions),
            solve,
            basis.estimate_errors,
            partial(gradient, equations),
        )
