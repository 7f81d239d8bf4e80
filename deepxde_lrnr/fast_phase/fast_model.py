"""The reduced model: solves for new mu and keeps the way back to the full LRNR."""

from __future__ import annotations

import time
from functools import cached_property

import deepxde as dde
import numpy as np

from .._checks import as_integer, as_path, shown
from .._forks import check_fork
from ..data.missing import Box
from ..data.outside import warn_outside
from ..data.problem_record import ProblemRecord
from ..data.residual import Residual
from ..io import container
from ..nn import FastLRNR
from ..prediction import Predictor
from ..reduction import ReducedLayer
from ..taylor.precision import Precision
from .choice import choose_rcond, residuals_after
from .error_estimate import ErrorEstimate, error_per_residual
from .expansion import Expansion, find_expansion
from .file import KIND, pack_fast_model
from .gauss_newton import RCOND
from .jet_equations import JetEquations
from .least_squares import LeastSquares
from .network_equations import NetworkEquations
from .report import Report, count_flops
from .solution import Solution
from .trial_space import RandomFeatures, SolutionNetwork, TrialSpace

# The hypernetwork's solution is looked at for each mu unless, at so many mu of the box,
# its residual is ten times that of what the fast phase finds.
_NUM_COMPARED = 16
# So many of them tell which functions are combinations of others.
_NUM_FOR_RCOND = 8
# Solves for the time in a report, the first of which is not counted.
_NUM_TIMED = 6
_CLEARLY = 0.1


class FastModel:
    """A trained family, reduced. Made by ``Model.reduce`` or ``load_fast``.

    Attributes:
        full: The LRNR itself, frozen: a ``FastLRNR`` with every neuron kept.
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
        num_threads: Number of mu solved at once; ``None``: as many as there are cores.
    """

    num_threads: int | None = None

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
        self.space = TrialSpace(reduced, self.precision, random)
        # What is known already need not be found out again.
        known = {
            "expansion": expansion,
            "watches_start": watches_start,
            "rcond": rcond,
            "problem_record": problem_record,
        }
        self.__dict__.update({k: v for k, v in known.items() if v is not None})
        self.dropped = np.setdiff1d(np.arange(full.full_size), full.kept)
        # A model loaded without its problem has no geometry.
        geom = getattr(residual.data, "geom", None)
        self._time = isinstance(geom, dde.geometry.TimeDomain)
        self._time |= hasattr(geom, "timedomain")
        self._predictor = self._predict_with(full)
        self._solvers = {}
        self.estimated_errors = None
        self.error_per_residual = error_per_residual

    def __repr__(self):
        widths = ", ".join(
            f"{len(layer.indices)}/{width}"
            for layer, width in zip(self.layers, self.full.stack.widths, strict=True)
        )
        functions = f"{self.space.size} unknowns"
        if len(self.space.random):
            functions += f", {len(self.space.random)} random features"
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

    def _predict_with(self, network) -> Predictor:
        return Predictor(network, self.dim, self._time)

    @cached_property
    def expansion(self) -> Expansion:
        """Which derivatives of the network the residual uses."""
        residual = self.residual
        return find_expansion(residual.data, residual.loss_weights, self.precision)

    @cached_property
    def equations(self) -> JetEquations | NetworkEquations:
        """The residual as a function of the readout."""
        residuals = self.residual, self.held_out
        self._check_size()
        if self.expansion.indices is None:
            return NetworkEquations(*residuals, self.space)
        return JetEquations(*residuals, self.space, self.expansion.indices, xla=True)

    def _check_size(self) -> None:
        """Checks that there are enough points to determine the readout.

        Raises:
            ValueError: If not.
        """
        collocation, conditions = (
            self.residual.collocation,
            self.residual.data.conditions,
        )
        num_equations = self.expansion.num_equations
        count = num_equations * len(collocation.pde_points) + sum(
            n // 2 if condition.paired else n
            for condition, n in zip(conditions, collocation.counts, strict=True)
        )
        if count < self.space.size:
            needed = -(-3 * self.space.size // num_equations)
            raise ValueError(
                f"There are {self.space.size} unknowns (the readout of all hidden "
                f"states kept), but only {count} residuals at the points of the fast "
                "phase; LeastSquares needs more of them than unknowns. Reduce with "
                f"about points={needed}, as reduce() does by default, or with a "
                "smaller rank; solver=lrnr.fast_phase.Adam() moves coefficients "
                "instead."
            )

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
        r = self._own_equations.at(mu)(self._own_space.start()).held_out
        return float(r @ r)

    @cached_property
    def watches_start(self) -> bool:
        """Whether a solve has to look at the hypernetwork's solution as well.

        The trial space of all neurons has it in it. That of a few does not; but where
        the fast phase ends far below it at all mu of a sample, it need not be computed
        for each mu.
        """
        if self.reduced.stack.widths == self.full.stack.widths:
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

    @cached_property
    def _error_estimate(self) -> ErrorEstimate:
        return ErrorEstimate(self)

    def estimate_errors(self, count: int = 6, mu=None) -> np.ndarray:
        """Estimates the relative error of u after the fast phase over the box.

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
        solution = self.solve(mu)
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
        """Median time of a solve in the middle of the box, or ``None``."""
        if self.residual.data is None or self.expansion.indices is None:
            return None
        mu = self.parameter_space.sample(1, "uniform")
        try:
            check_fork("report()")
            solve, _ = self.prepare(LeastSquares())
        except (RuntimeError, ValueError):  # a forked process, too few points
            return None
        times = []
        for _ in range(_NUM_TIMED):
            start = time.perf_counter()
            solve(mu)
            times.append(time.perf_counter() - start)
        return float(np.median(times[1:]))

    def report(self) -> Report:
        """Sizes, errors and times of the reduction; the time of a solve is measured."""
        return Report(
            layers=tuple(self.layers),
            widths=self.full.stack.widths,
            flops=count_flops(self.full),
            fast_flops=count_flops(self.reduced),
            num_unknowns=self.space.size,
            num_points=(
                len(self.residual.collocation.pde_points),
                sum(self.residual.collocation.counts),
            ),
            num_random=len(self.space.random),
            residual=str(self.expansion) if "expansion" in self.__dict__ else None,
            single_precision=tuple(self.precision.single),
            choice=self.choice,
            dropped=self.dropped,
            errors=self.estimated_errors,
            seconds=dict(self.seconds),
            solve_seconds=self._solve_seconds,
        )

    def predict(self, x, mu, operator=None) -> np.ndarray:
        """The hypernetwork's solution, before any fast phase; as ``Model.predict``.

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
        warn_outside(self.geom, x, stacklevel=2)
        space = self.parameter_space
        single = space.is_single(mu)
        mu = space.check(mu, stacklevel=3)
        return self._predictor(x, mu, self.full.coefficients(mu), single, operator)

    def save(self, path) -> str:
        """Saves the model to one file, for ``deepxde_lrnr.load_fast``.

        The file holds the networks, the reduction, the trial space, the points, and
        what was found out about the problem; the transforms as operations, if they are
        made of mathematical ones alone; but not the problem, which is Python code.

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
        container.write(path, KIND, packed.header, packed.arrays)
        return path

    def solve(self, mu, solver=None) -> Solution:
        """The fast phase: solves for new mu.

        Args:
            mu: A dictionary of numbers, an array of shape (p,), or several mu: a
                dictionary of arrays or an array of shape (n, p). Outside the box there
                is a warning.
            solver: Solver object, by default ``fast_phase.LeastSquares()``.

        Returns:
            ``Solution``.

        Raises:
            RuntimeError: If the model was loaded without its problem.
            TypeError: If ``mu`` is not made of real numbers, or ``solver`` is no
                solver.
            ValueError: If ``mu`` does not fit the parameter space or is not finite, or
                there are more unknowns than residuals.

        Warns:
            OutsideParameterSpaceWarning: If a mu is not in the box.
            PrecisionWarning: At the first mu, if a function of the user's can only be
                computed in single precision.
        """
        check_fork("solve()")
        if self.residual.data is None:
            raise RuntimeError(
                "solve() needs the problem, whose residual it minimises: load the "
                "model with load_fast(path, data), data being the ParametricPDE. "
                "Without it, predict(x, mu) gives the hypernetwork's solution."
            )
        space = self.parameter_space
        single = space.is_single(mu)
        mu = space.check(mu, stacklevel=3)
        prepared, predictor = self.prepare(LeastSquares() if solver is None else solver)
        index = 0 if single else slice(None)
        return Solution(
            mu=mu[index],
            **prepared(mu).rows(index),
            _predictor=predictor,
            _model=self,
        )

    def prepare(self, solver):
        """Makes a solver ready for this model, which it does once.

        Args:
            solver: Solver object.

        Returns:
            Function of mu, shape (P, p), to an ``Outcome``, and the ``Predictor`` of
            its solutions.
        """
        check_solver(solver)
        if solver not in self._solvers:
            prepared = solver.prepare(self)
            self._solvers[solver] = prepared, self._predict_with(prepared.network)
        return self._solvers[solver]


def check_solver(solver) -> None:
    """Checks that it is a solver object.

    Raises:
        TypeError: If not.
    """
    if isinstance(solver, type) or not hasattr(solver, "prepare"):
        raise TypeError(
            f"solver is {shown(solver)}; it must be a solver object, e.g. "
            "lrnr.fast_phase.LeastSquares()."
        )
