"""The reduced model: solves for new mu and keeps the way back to the full LRNR."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ._checks import as_integer, as_path
from ._forks import check_fork
from .data.missing import Box
from .data.problem_record import ProblemRecord
from .data.residual import Residual
from .fast_phase.error_estimate import ErrorEstimate, error_per_residual
from .fast_phase.expansion import Equations, Expansion, find_expansion
from .fast_phase.factors import RCOND
from .fast_phase.gauss_newton import choose_rcond, residuals_after
from .fast_phase.least_squares import LeastSquares
from .fast_phase.packing import pack_fast_model
from .fast_phase.points import check_enough, enough_points, fast_collocations
from .fast_phase.random_features import RandomFeatures
from .fast_phase.solution import Solution
from .fast_phase.stages import solve_in_stages
from .fast_phase.trial_space import SolutionNetwork, TrialSpace
from .fast_phase.unresolved import (
    estimate_doubtful,
    name_above,
    name_unresolved,
)
from .io import container
from .io.kinds import FAST_MODEL
from .nn import FastLRNR
from .prediction import Predictor
from .reduced_basis.build import build_basis, warn_of_slow_decay
from .reduced_basis.functions import BasisFunctions
from .reduced_basis.model import ReducedBasis
from .reduced_basis.packing import pack_basis
from .reduced_basis.prediction import BasisPredictor
from .reduction import ReducedLayer
from .report import Report, seconds_of_solve
from .solvers import Solvers
from .taylor.anchors import Anchors
from .taylor.precision import Precision

# The hypernetwork's solution is looked at for each mu unless, at so many mu of the box,
# its residual is ten times that of what the fast phase finds.
_NUM_COMPARED = 16
# So many of them tell which functions are combinations of others.
_NUM_FOR_RCOND = 8
_CLEARLY = 0.1


class FastModel:
    """A trained family, reduced. Made by ``Model.reduce`` or ``load_fast``.

    Attributes:
        full: The network itself, frozen: a ``FastLRNR`` with every neuron kept.
        reduced: ``FastLRNR`` of the selected neurons.
        layers: ``ReducedLayer`` of each hidden layer.
        residual: Residual at the points of the fast phase.
        held_out: Residual at other points, which watch over it.
        space: Trial space of ``LeastSquares``: what ``reduced`` computes.
        seconds: Time of each offline step.
        dropped: Indices of the coefficients s that are zero over the whole box.
        choice: How the size of the trial space was chosen, lines of the report.
        estimated_errors: ``None``, or estimates of the relative error of u after the
            fast phase at a few mu of the box, by ``estimate_errors``.
        error_per_residual: ``None``, or the largest of them over its residual: where a
            solve leaves more than that allows for an error of a per cent, its status is
            "not resolved".
        basis: ``None``, or the ``ReducedBasis`` that ``build_basis`` made.
        solvers: The ``Solvers`` by which ``solve`` goes on.
    """

    def __init__(
        self,
        full: FastLRNR,
        reduced: FastLRNR,
        layers: list[ReducedLayer],
        residual: Residual,
        held_out: Residual,
        precision: Precision | None = None,
        random: RandomFeatures | None = None,
        expansion: Expansion | None = None,
        seconds: dict[str, float] | None = None,
        choice: tuple[str, ...] = (),
        watches_start: bool | None = None,
        rcond: float | None = None,
        problem_record: ProblemRecord | None = None,
        error_per_residual: float | None = None,
        anchors: Anchors | None = None,
    ):
        self.full = full
        self.reduced = reduced
        self.layers = layers
        self.residual = residual
        self.held_out = held_out
        self.seconds = dict(seconds or {})
        self.choice = tuple(choice)
        self.parameter_space = full.parameter_space
        self.precision = precision or Precision(full)
        self.space = TrialSpace(reduced, self.precision, random, anchors=anchors)
        # What is known already need not be found out again.
        known = {
            "expansion": expansion,
            "watches_start": watches_start,
            "rcond": rcond,
            "problem_record": problem_record,
        }
        self.__dict__.update({k: v for k, v in known.items() if v is not None})
        self.dropped = np.setdiff1d(np.arange(full.full_size), full.kept)
        self._predictor = self.predictor_of(full)
        self.solvers = Solvers(self)
        self.estimated_errors = None
        self.basis = None
        self.error_per_residual = error_per_residual

    def __repr__(self):
        widths = ", ".join(
            f"{len(layer.indices)}/{width}"
            for layer, width in zip(self.layers, self.full.stack.widths, strict=True)
        )
        functions = f"{self.space.size} unknowns"
        if len(self.space.random):
            functions += f", {len(self.space.random)} random features"
        if self.space.anchors is not None:
            functions += f", which follow {len(self.space.anchors)} solutions"
        collocation = self.residual.collocation
        points = f"{len(collocation.pde_points)} of the PDE"
        points += f", {sum(collocation.counts)} of the IC/BC"
        if self.residual.data is None:
            points += "; no problem, load_fast(path, data) gives one"
        return (
            "FastModel(\n"
            f"  parameters: {repr(self.parameter_space).partition('(')[2][:-1]}\n"
            f"  neurons kept: {widths}\n"
            f"  fast phase: {functions}\n"
            f"  points: {points}\n"
            ")"
        )

    @property
    def dim(self) -> int:
        """Dimension of the points, time included."""
        return self.residual.collocation.points.shape[1]

    @property
    def geom(self):
        """Geometry of the problem; without the problem, its bounding box."""
        data = self.residual.data
        if data is not None:
            return data.geom
        return Box(self.problem_record.low, self.problem_record.high)

    def predictor_of(self, network) -> Predictor:
        """Predicts with a network on the geometry of the model."""
        kind = BasisPredictor if isinstance(network, BasisFunctions) else Predictor
        return kind(network, self.geom, self.full.deformation)

    def estimate(self, mu, coefficients, residuals, predictor) -> np.ndarray:
        """Errors in the trial space: ``ErrorEstimate``, made when it is first asked."""
        return self._error_estimate(mu, coefficients, residuals, predictor)

    @cached_property
    def _error_estimate(self) -> ErrorEstimate:
        return ErrorEstimate(self)

    @cached_property
    def expansion(self) -> Expansion:
        """Which derivatives of the network the residual uses."""
        residual = self.residual
        return find_expansion(residual.data, residual.loss_weights, self.precision)

    @cached_property
    def equations(self) -> Equations:
        """The residual as a function of the readout."""
        num_equations = self.expansion.num_equations
        low_rank = self.full.layout.num_scales > 0
        check_enough(self.residual, num_equations, self.space.size, low_rank)
        residuals = self.residual, self.held_out
        return self.expansion.equations(*residuals, self.space, xla=True)

    @cached_property
    def network(self) -> SolutionNetwork:
        """What solutions of ``LeastSquares`` are predicted with."""
        return SolutionNetwork(self.space, self._own_space)

    @cached_property
    def _own_space(self) -> TrialSpace:
        return TrialSpace(self.full, self.precision)

    @cached_property
    def _own_equations(self):
        return self.equations.of(self._own_space)

    def residual_of_hypernetwork(self, mu: np.ndarray) -> float:
        """Held-out sum of squares of the hypernetwork's solution, for mu of (p,)."""
        r = self._own_equations.at(mu)(self._own_space.start(mu)).held_out
        return float(r @ r)

    @cached_property
    def watches_start(self) -> bool:
        """Whether a solve has to look at the hypernetwork's solution as well.

        The trial space of all neurons begins with it, unless it follows other
        solutions. That of a few does not; but where the fast phase ends far below it at
        all mu of a sample, it need not be computed for each mu.
        """
        all_neurons = self.reduced.stack.widths == self.full.stack.widths
        if all_neurons and self.space.anchors is None:
            return False
        mu = self.parameter_space.sample(_NUM_COMPARED, "Halton").astype(float)
        after = residuals_after(self.equations, mu, self.rcond)
        before = np.array([self.residual_of_hypernetwork(m) for m in mu])
        return not np.all(after < _CLEARLY * np.sqrt(before))

    @cached_property
    def rcond(self) -> float:
        """Trial functions that are combinations of others but for this share are left
        out: chosen by the residual at held-out points.
        """
        if self.expansion.indices is None:
            return RCOND
        mu = self.parameter_space.sample(_NUM_FOR_RCOND, "Halton").astype(float)
        return choose_rcond(self.equations, mu)

    def estimate_errors(self, count: int = 6, mu=None) -> np.ndarray:
        """Estimates the relative error of u in the trial space over the box.

        From then on ``Solution.status`` is "not resolved" where the residual allows for
        more than a per cent. (``reduce`` asks for it where there is reason to look.)

        Args:
            count: Number of mu, the first of a Halton sequence.
            mu: ``None``, or mu in place of these, as for ``solve``.

        Returns:
            ``Solution.error`` at these mu, shape (``count``,).

        Raises:
            RuntimeError: If the model was loaded without its problem.
            TypeError: If ``mu`` is not made of real numbers.
            ValueError: If ``count`` is not an integer >= 1, ``mu`` does not fit the
                parameter space or is not finite, or there are more unknowns than
                residuals.
        """
        count, space = as_integer("count", count), self.parameter_space
        if mu is None:
            mu = space.sample(count, "Halton").astype(float)
        solution = self.solve(mu, LeastSquares())
        errors, residuals = map(np.atleast_1d, (solution.error, solution.residual))
        self.estimated_errors = errors
        self.error_per_residual = error_per_residual(errors, residuals)
        return self.estimated_errors

    @cached_property
    def problem_record(self) -> ProblemRecord:
        """What a file keeps of the problem, to know it again."""
        return ProblemRecord.of(self.residual, self.full)

    @cached_property
    def _solve_seconds(self) -> float | None:
        return seconds_of_solve(self)

    def report(self) -> Report:
        """Sizes, errors and times of the reduction; the time of a solve is measured."""
        return Report.of(self)

    def predict(self, x, mu, operator=None) -> np.ndarray:
        """The trained network's solution, before any fast phase; as ``Model.predict``.

        Args:
            x: Points, array of shape (N, d).
            mu: As for ``solve``.
            operator: ``None``, or a function of Tensors ``(x, u)`` or ``(x, u, mu)``,
                such as the PDE, whose result is returned instead of u.

        Returns:
            Array of shape (N, number of components) for one mu, (n, N, number of
            components) for several; a list of them if ``operator`` returns a list.

        Raises:
            TypeError: If ``x`` or ``mu`` is not made of real numbers.
            ValueError: If ``mu`` does not fit the parameter space or is not finite, or
                ``x`` or ``operator`` is not as above.

        Warns:
            OutsideGeometryWarning: If a point is not in the geometry, or its time not
                in the time domain; without the problem, not in the bounding box.
            OutsideParameterSpaceWarning: If a mu is not in the box.
        """
        x = self._predictor.check_points(x)
        mu, single = self.parameter_space.read(mu, stacklevel=3)
        self._predictor.warn_outside(x, mu, stacklevel=2)
        return self._predictor(x, mu, self.full.coefficients(mu), single, operator)

    def warn_outside(self, x: np.ndarray, mu: np.ndarray, stacklevel: int) -> None:
        """Warns of points outside of the geometry, for ``sweep``.

        Args:
            x: Array of shape (N, d).
            mu: Array of shape (P, p), of which some are looked at if the geometry
                depends on it.
            stacklevel: As for ``warnings.warn``.
        """
        some = np.unique(np.linspace(0, len(mu) - 1, _NUM_COMPARED).astype(int))
        self._predictor.warn_outside(x, mu[some], stacklevel + 1)

    def save(self, path) -> str:
        """Saves the model to one file, for ``deepxde_lrnr.load_fast``.

        The file holds the networks, the reduction, the trial space, the reduced basis,
        the points, and what was found out about the problem; the transforms as
        operations, if they are made of mathematical ones alone; but not the problem,
        which is Python code.

        Args:
            path: The file. What was there is replaced in one step.

        Returns:
            ``path``.

        Raises:
            OSError: If it cannot be written; what was there before is unchanged.
            TypeError: If ``path`` is no path.
            ValueError: If ``path`` has a null character.

        Warns:
            UserWarning: If a transform or an activation cannot be saved. It has to be
                passed again to ``load_fast``.
        """
        path = as_path("path", path)
        packed = pack_fast_model(self, stacklevel=2)
        packed.header["basis"], arrays = pack_basis(self.basis)
        packed.arrays |= arrays
        container.write(path, FAST_MODEL, packed.header, packed.arrays)
        return path

    def build_basis(
        self,
        tolerance: float = 1e-5,
        max_size: int = 60,
        num_candidates: int = 200,
        verbose: int = 1,
    ) -> ReducedBasis:
        """Makes a reduced basis, by which ``solve`` takes about a millisecond.

        A greedy choice: of many mu of the box, the one at which the residual is largest
        in the basis so far is solved by the fast phase with all neurons, and joins it.
        It ends where the estimated relative error of u is below the tolerance at all of
        them, or where it cannot be reached. From then on ``solve`` takes the basis.

        Args:
            tolerance: Relative L2 error of u that is to be reached over the box.
            max_size: Largest number of basis functions. The time of a solve grows with
                its square.
            num_candidates: Number of mu to choose from.
            verbose: 0 draws no bar of progress.

        Returns:
            The basis, from now on ``self.basis``.

        Raises:
            RuntimeError: If the model was loaded without its problem, or the fast phase
                finds nothing at any of the first mu.
            ValueError: If an argument is out of its range, or the residual is not a
                function of derivatives at one point at a time.

        Warns:
            SlowDecayWarning: If the tolerance is not reached. ``solve`` then goes on
                with the trial space.
        """
        self._require_problem("build_basis()")
        basis = build_basis(self, tolerance, max_size, num_candidates, verbose)
        self.solvers.forget_basis()
        self.basis = basis
        warn_of_slow_decay(basis, stacklevel=2)
        return basis

    @cached_property
    def all_neurons(self) -> FastModel:
        """The same family with the trial space of the full network."""
        if self.reduced.stack.widths == self.full.stack.widths:
            return self
        space = self.all_neurons_space
        count = enough_points(space, self.expansion.num_equations)
        fitted, held_out = fast_collocations(self.residual.data, count)
        data, weights = self.residual.data, self.residual.loss_weights
        return FastModel(
            self.full,
            self.full,
            self.layers,
            Residual(data, fitted, weights),
            Residual(data, held_out, weights),
            self.precision,
            space.random,
            self.expansion,
            anchors=space.anchors,
        )

    @cached_property
    def all_neurons_space(self) -> TrialSpace:
        """The trial space of ``all_neurons``."""
        random, anchors = self.space.random, self.space.anchors
        return TrialSpace(self.full, self.precision, random, anchors=anchors)

    def _require_problem(self, what: str) -> None:
        if self.residual.data is None:
            raise RuntimeError(
                f"{what} needs the problem, whose residual it minimises: load the "
                "model with load_fast(path, data), data being the ParametricPDE. "
                "Without it, predict(x, mu) gives the trained network's solution."
            )

    def solve(self, mu, solver=None, tolerance: float | None = None) -> Solution:
        """The fast phase: solves for new mu.

        By default in the reduced basis, if there is one that reaches its tolerance, and
        where the estimated error is above twice that (outside of the box, for example)
        in the trial space; without a basis always in the trial space.

        Args:
            mu: A dictionary of numbers, an array of shape (p,), or several mu: a
                dictionary of arrays or an array of shape (n, p). Outside the box there
                is a warning.
            solver: Solver object, e.g. ``fast_phase.LeastSquares()``; by default as
                above.
            tolerance: ``None``, or the relative L2 error of u that is to be reached:
                tried in this order are the reduced basis, the trial space, and that of
                all neurons, until ``Solution.error`` is below it. Where none reaches it
                the status is "not resolved".

        Returns:
            ``Solution``.

        Raises:
            RuntimeError: If the model was loaded without its problem.
            TypeError: If ``mu`` is not made of real numbers, or ``solver`` is no
                solver.
            ValueError: If ``mu`` does not fit the parameter space or is not finite, or
                there are more unknowns than residuals, ``tolerance`` is not > 0, or
                both ``solver`` and ``tolerance`` are given.

        Warns:
            OutsideParameterSpaceWarning: If a mu is not in the box.
            PrecisionWarning: At the first mu, if a function of the user's can only be
                computed in single precision.
        """
        check_fork("solve()")
        self._require_problem("solve()")
        mu, single = self.parameter_space.read(mu, stacklevel=3)
        solvers, limit, last_estimated = self.solvers.plan(solver, tolerance)
        found = solve_in_stages(solvers, mu, limit, last_estimated)
        likely = None
        if self.error_per_residual is not None:
            likely = self.error_per_residual * found.residual
        if tolerance is not None:
            found = name_above(tolerance, found)
        else:
            if solver is None and likely is not None:
                found = estimate_doubtful(found, likely)
            found = name_unresolved(found, likely)
        return found[0] if single else found
