"""Least squares for the coefficients of a reduced basis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..fast_phase.gauss_newton import minimise
from ..fast_phase.least_squares import check_steps, fields_of
from ..fast_phase.parallel import ForEachMu


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

    def prepare(self, fast):
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

        def solve_one(mu, workspace):
            start = interpolation(space.scale(mu[None]))[0]
            at = equations.at(mu, workspace)
            return start, minimise(at, start, self.iterations, self.rtol)

        each = ForEachMu(solve_one)

        def solve(mu) -> dict[str, np.ndarray]:
            initial, minima = zip(*each(mu, num_threads=fast.num_threads), strict=True)
            before = [m.held_out[0] for m in minima]
            found = np.array([m.unknowns for m in minima])
            fields = fields_of(
                minima, before, found, np.array(initial), self.iterations
            )
            # Where the start cannot be improved on it is the solution all the same.
            unmoved = fields["steps"] == 0
            fields["status"][unmoved] = [m.status for m in minima if len(m.history) < 2]
            return fields

        solve.network = basis.functions
        return solve
