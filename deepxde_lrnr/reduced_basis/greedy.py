"""The greedy choice of a basis: always the mu that is solved worst."""

from __future__ import annotations

import copy

import numpy as np
import tensorflow as tf

from .._point_major import rows_of
from ..data.residual import Residual
from ..fast_phase.gauss_newton import minimise_each
from ..fast_phase.least_squares import LeastSquares
from ..fast_phase.parallel import ForEachMu
from ..fast_phase.points import fast_collocations, num_points
from .equations import BasisEquations
from .functions import BasisFunctions, solution_jets
from .jacobians import basis_factors
from .solver import BasisLeastSquares

_SOLVER = BasisLeastSquares()

# A solution that is a combination of the basis but for this share adds nothing to it.
_DEPENDENT = 1e-12


class Greedy:
    """A basis that grows by the solution of one mu after the other.

    Args:
        fast: ``FastModel`` by which they are solved.
        max_size: Largest number of basis functions of which solutions are made; their
            number decides how many points there are.
        capacity: Largest number of solutions.

    Attributes:
        size: Number of basis functions so far.
        parameter_space: The box.
        equations: The residual in the basis so far.
        residual: Residual at the points fitted.
        held_out: At the points held out.

    References:
        `A. Quarteroni, A. Manzoni, & F. Negri. Reduced basis methods for partial
        differential equations. Springer, 2016
        <https://doi.org/10.1007/978-3-319-15431-2>`_, chapter 7.
    """

    def __init__(self, fast, max_size: int, capacity: int):
        self._fast, self._space = fast, fast.space
        self.parameter_space = fast.parameter_space
        data, weights = fast.residual.data, fast.residual.loss_weights
        count = num_points(max_size, fast.expansion.num_equations)
        self.residual, self.held_out = (
            Residual(data, collocation, weights)
            for collocation in fast_collocations(data, count)
        )
        indices = fast.expansion.indices
        num_outputs = self._space.num_outputs
        self._equations = BasisEquations(
            self.residual, self.held_out, fast.precision, num_outputs, indices
        )
        points = self._equations.points
        self._functions = self._space.at_points(indices, points)
        self._shape = len(indices), num_outputs, len(points)
        self.mu, self.readouts = [], []
        self.size = 0
        self._jets = np.zeros((*self._shape[:2], capacity, self._shape[2]))
        # The basis as combinations of the solutions, and these in the basis.
        self._transform, self._solutions = np.zeros((2, capacity, capacity))
        self._scales = None

    @property
    def equations(self) -> BasisEquations:
        """The residual in the basis so far."""
        return self._equations.of(self._jets[:, :, : self.size])

    def functions(self) -> BasisFunctions:
        """The basis so far."""
        transform = self._transform[: len(self.mu), : self.size]
        return BasisFunctions(self._space, self.mu, self.readouts, transform)

    def solve(self, mu: np.ndarray) -> list[np.ndarray | None]:
        """Readouts of the fast phase for mu of (n, p), ``None`` where it found none."""
        solution = self._fast.solve(mu, LeastSquares())
        return [None if z[-1] else z[:-1] for z in solution.coefficients]

    def begin(self, mu: np.ndarray, readouts) -> None:
        """Takes the first solutions, from which the scales of derivatives follow."""
        jets = [self._solution(m, w) for m, w in zip(mu, readouts, strict=True)]
        sizes = np.sqrt(np.mean(np.square(jets), axis=(0, 3)))
        self._scales = np.divide(
            1, sizes, out=np.zeros_like(sizes), where=sizes > 1e-14 * sizes.max()
        )[..., None] / np.sqrt(np.prod(self._shape))
        for m, w in zip(mu, readouts, strict=True):
            self.add(m, w)

    def _solution(self, mu, readout) -> np.ndarray:
        """Jets of a solution at all points."""
        functions = self._functions(np.asarray(mu, float)[None])
        return solution_jets(functions, readout, self._shape[1])

    def add(self, mu: np.ndarray, readout: np.ndarray) -> bool:
        """Orthonormalises a solution against the basis, and takes it.

        Returns:
            Whether it adds anything.
        """
        k, jets = self.size, self._solution(mu, readout)
        combination = np.zeros(k + 1)
        combination[k] = 1
        length = np.linalg.norm(self._scales * jets)
        # Twice, as one round leaves as much as there is cancellation.
        for _ in range(2):
            scaled = (self._scales**2 * jets)[:, :, None]
            h = np.sum(scaled * self._jets[:, :, :k], axis=(0, 1, 3))
            jets = jets - np.tensordot(h, self._jets[:, :, :k], (0, 2))
            combination[:k] -= self._transform[:k, :k] @ h
            self._solutions[:k, k] += h
        left = np.linalg.norm(self._scales * jets)
        if not left > _DEPENDENT * length:
            self._solutions[:, k] = 0
            return False
        self._jets[:, :, k] = jets / left
        self._transform[: k + 1, k] = combination / left
        self._solutions[k, k] = left
        self.mu.append(mu)
        self.readouts.append(readout)
        self.size += 1
        return True

    def copy(self) -> Greedy:
        """The same basis, which grows apart from this one."""
        other = copy.copy(self)
        other.mu, other.readouts = list(self.mu), list(self.readouts)
        other._jets = self._jets.copy()
        other._transform = self._transform.copy()
        other._solutions = self._solutions.copy()
        return other

    def compressed(self, size: int) -> Greedy:
        """The basis of a number of functions that fits the solutions best.

        By proper orthogonal decomposition (POD): the sum over the solutions of what
        the basis leaves of them, relative squares in the norm of the basis, is the
        least. It grows no further.
        """
        n, other = self.size, copy.copy(self)
        solutions = self._solutions[:n, :n]
        solutions = solutions / np.linalg.norm(solutions, axis=0)
        directions = np.linalg.svd(solutions)[0][:, :size]
        other._jets = np.matmul(directions.T, self._jets[:, :, :n])
        other._transform = self._transform[:n, :n] @ directions
        other.size = directions.shape[1]
        return other

    def reduced(self, mu: np.ndarray, starts: np.ndarray):
        """Solves in the basis so far.

        Args:
            mu: Shape (P, p).
            starts: Coefficients to start from, shape (P, at most ``size``).

        Returns:
            Coefficients, shape (P, ``size``), and root mean square residuals at the
            held-out points, shape (P,).
        """
        equations = self.equations

        def solve_some(mu, starts, workspace):
            at = equations.at_each(mu, workspace)
            return minimise_each(
                at, starts, _SOLVER.iterations, _SOLVER.rtol, basis_factors
            )

        # The candidates come again and again.
        equations.prepare_many(mu[0])
        starts = np.pad(starts, ((0, 0), (0, self.size - starts.shape[1])))
        found = ForEachMu(solve_some)(mu, starts)
        residuals = np.sqrt([minimum.held_out[-1] for minimum in found])
        return (
            np.array([minimum.unknowns for minimum in found]),
            np.nan_to_num(residuals, nan=np.inf),
        )

    def error(self, mu, coefficients, readout) -> float:
        """Relative L2 difference of u in the basis from that of a readout."""
        block = self._equations.blocks[0]
        rows = block.rows if block.condition is None else slice(None)
        points = self._equations.points[rows]
        exact = self._solution(mu, readout)[0, :, rows]
        found = coefficients @ self._jets[0, :, : self.size, rows]
        u, v = (self._u(mu, points, values.T) for values in (exact, found))
        # Where u is zero everywhere there is no relative error.
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.linalg.norm(u - v) / np.linalg.norm(u))

    def _u(self, mu, points, values) -> np.ndarray:
        points = self.residual.data.physical(points, mu)
        arguments = rows_of(mu[None], points), points, values
        transform = self._fast.precision.output_transform
        return transform(*map(tf.constant, arguments)).numpy()
