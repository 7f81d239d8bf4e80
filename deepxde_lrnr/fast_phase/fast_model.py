"""The reduced model: solves for new mu and keeps the way back to the full LRNR."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import deepxde as dde
import numpy as np

from .._checks import as_path, as_verbose, shown
from ..data.residual import Residual
from ..io import container
from ..nn import FastLRNR
from ..prediction import Predictor
from ..reduction import ReducedLayer
from .file import KIND, pack_fast_model
from .gauss_newton import GaussNewton
from .learned_jacobian import LearnedJacobian
from .outcome import Outcome
from .pointwise import is_pointwise
from .problem import ProblemRecord
from .report import Report, count_flops
from .solution import Solution

# mu solved in one compiled call: one, a few, many. Others are padded up to the next
# size, so that no number of mu needs a compilation of its own. Larger batches leave the
# caches; more of them at once, one for each core, are faster.
_BATCHES = (1, 4, 16)


class FastModel:
    """A trained family, reduced. Made by ``Model.reduce`` or ``load_fast``.

    Attributes:
        full: The LRNR itself, frozen: a ``FastLRNR`` with every neuron kept.
        reduced: ``FastLRNR`` of the selected neurons.
        layers: ``ReducedLayer`` of each hidden layer.
        residual: Residual at the points of the fast phase.
        held_out: Residual at other points, which watch over it.
        seconds: Time of each offline step.
        dropped: Indices of the coefficients s that are zero over the whole box.
        num_nodes: Number of mu at which the Jacobian is computed if it is learned.
        choices: What a ``GaussNewton`` that leaves choices to the program got, its
            source of the Jacobian and its damping, by solver.
    """

    def __init__(
        self,
        full: FastLRNR,
        reduced: FastLRNR,
        layers: list[ReducedLayer],
        residual: Residual,
        held_out: Residual,
        num_nodes: int = 60,
        seconds: dict[str, float] | None = None,
        choices: dict[GaussNewton, tuple[str, float]] | None = None,
        learned_jacobian: LearnedJacobian | None = None,
        problem_record: ProblemRecord | None = None,
    ):
        self.full = full
        self.reduced = reduced
        self.layers = layers
        self.residual = residual
        self.held_out = held_out
        self.seconds = dict(seconds or {})
        self.num_nodes = num_nodes
        self.choices = dict(choices or {})
        if learned_jacobian is not None:
            self.learned_jacobian = learned_jacobian
        if problem_record is not None:
            self.problem_record = problem_record
        self.parameter_space = full.parameter_space
        self.dropped = np.setdiff1d(np.arange(full.full_size), full.kept)
        # A model loaded without its problem has no geometry.
        geom = getattr(residual.data, "geom", None)
        time = isinstance(geom, dde.geometry.TimeDomain) or hasattr(geom, "timedomain")
        dim = residual.collocation.points.shape[1]
        self._predictor = Predictor(full, dim, time)
        self._solvers = {}
        self._verbose = 1

    @cached_property
    def pointwise(self) -> bool:
        """Whether each entry of the residual depends on u about its own point only.

        Then one pass of reverse mode gives all derivatives. Found out by changing the
        network at other points; integrals and means over the points are not pointwise.
        """
        mu = self.parameter_space.sample(1, "Halton")
        return is_pointwise(self.residual, self.full, mu)

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """Entries for each point, of each error of the PDE."""
        lengths = self.residual.block_lengths(self.full)
        num_points = max(len(self.residual.collocation.pde_points), 1)
        errors = lengths[: len(lengths) - len(self.residual.data.conditions)]
        return tuple(length // num_points for length in errors)

    @cached_property
    def learned_jacobian(self) -> LearnedJacobian:
        """Jacobian learned over the box; computed when it is first needed."""
        learned = LearnedJacobian.compute(
            self.residual,
            self.full,
            self.num_nodes,
            self.pointwise,
            self._verbose,
        )
        self.seconds["learned Jacobian"] = learned.seconds
        return learned

    @property
    def has_learned_jacobian(self) -> bool:
        """Whether ``learned_jacobian`` has been computed."""
        return "learned_jacobian" in self.__dict__

    @cached_property
    def problem_record(self) -> ProblemRecord:
        """What a file keeps of the problem, to know it again."""
        return ProblemRecord.of(self.residual, self.full)

    def report(self) -> Report:
        """Sizes, errors and offline times of the reduction."""
        return Report(
            layers=tuple(self.layers),
            widths=self.full.stack.widths,
            flops=count_flops(self.full),
            fast_flops=count_flops(self.reduced),
            num_coefficients=self.full.layout.size,
            dropped=self.dropped,
            seconds=dict(self.seconds),
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
            OutsideParameterSpaceWarning: If a mu is not in the box.
        """
        space = self.parameter_space
        single = space.is_single(mu)
        mu = space.check(mu, stacklevel=3)
        return self._predictor(x, mu, self.full.coefficients(mu), single, operator)

    def save(self, path) -> str:
        """Saves the model to one file, for ``deepxde_lrnr.load_fast``.

        The file holds the networks, the reduction, the points and weights of the fast
        phase, the learned Jacobian and the choices of ``GaussNewton`` as far as they
        have been made; the transforms as operations, if they are made of mathematical
        ones alone; but not the problem itself, which is Python code.

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

    def solve(self, mu, solver=None, verbose: int = 1) -> Solution:
        """The fast phase: solves for new mu.

        Args:
            mu: A dictionary of numbers, an array of shape (p,), or several mu: a
                dictionary of arrays or an array of shape (n, p). Outside the box there
                is a warning.
            solver: Solver object, by default ``fast_phase.GaussNewton()``.
            verbose: 0 draws no bar while the Jacobian is learned, at the first mu;
                there is none without a terminal either.

        Returns:
            ``Solution``.

        Raises:
            RuntimeError: If the model was loaded without its problem.
            TypeError: If ``mu`` is not made of real numbers, or ``solver`` is no
                solver.
            ValueError: If ``mu`` does not fit the parameter space or is not finite, or
                ``verbose`` is not an integer >= 0.

        Warns:
            OutsideParameterSpaceWarning: If a mu is not in the box.
        """
        verbose = as_verbose(verbose)
        if self.residual.data is None:
            raise RuntimeError(
                "solve() needs the problem, whose residual it minimises: load the "
                "model with load_fast(path, data), data being the ParametricPDE. "
                "Without it, predict(x, mu) gives the hypernetwork's solution."
            )
        space = self.parameter_space
        single = space.is_single(mu)
        mu = space.check(mu, stacklevel=3).astype(dde.config.real(np))
        solver = GaussNewton() if solver is None else solver
        check_solver(solver)
        if solver not in self._solvers:
            self._verbose = verbose
            self._solvers[solver] = solver.prepare(self)
        outcome = self._in_batches(self._solvers[solver], mu)
        index = 0 if single else slice(None)
        return Solution(mu=mu[index], **outcome.rows(index), _predictor=self._predictor)

    @staticmethod
    def _in_batches(solve, mu) -> Outcome:
        largest = min(solve.max_batch, _BATCHES[-1])

        def solve_chunk(start) -> Outcome:
            chunk = mu[start : start + largest]
            size = next((b for b in _BATCHES if len(chunk) <= b <= largest), largest)
            padded = np.vstack([chunk, np.repeat(chunk[:1], size - len(chunk), axis=0)])
            return Outcome(**solve(padded).rows(slice(len(chunk))))

        # The first one alone, since it may compile.
        first, *others = range(0, len(mu), largest)
        outcomes = [solve_chunk(first)]
        compiled = getattr(solve, "compiled", None)
        if others and compiled is not None and compiled.uses_xla:
            with ThreadPoolExecutor(min(len(others), os.cpu_count() or 1)) as pool:
                outcomes += pool.map(solve_chunk, others)
        else:
            outcomes += map(solve_chunk, others)
        return Outcome.concatenate(outcomes)


def check_solver(solver) -> None:
    """Checks that it is a solver object.

    Raises:
        TypeError: If not.
    """
    if isinstance(solver, type) or not hasattr(solver, "prepare"):
        raise TypeError(
            f"solver is {shown(solver)}; it must be a solver object, e.g. "
            "lrnr.fast_phase.GaussNewton()."
        )
