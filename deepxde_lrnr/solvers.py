"""The solvers of a reduced model: each made ready once, and which are tried."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial

import numpy as np

from ._checks import as_number, shown
from .fast_phase.error_estimate import ErrorEstimate
from .fast_phase.least_squares import LeastSquares
from .fast_phase.stages import Stage
from .reduced_basis.gradient import gradient
from .reduced_basis.solver import BasisLeastSquares


class Solvers:
    """Solvers of a model.

    Args:
        model: ``FastModel``.
    """

    def __init__(self, model):
        self._model, self._stages = model, {}

    def stage(self, solver) -> Stage:
        """Makes a solver ready for the model, which it does once.

        Args:
            solver: Solver object.
        """
        if solver not in self._stages:
            self._stages[solver] = self._ready(solver)
        return self._stages[solver]

    def _ready(self, solver) -> Stage:
        model, name, by_mu = self._model, type(solver).__name__, None
        solve = solver.prepare(model)

        def estimate(*args):
            return self._error_estimate(*args)

        if isinstance(solver, LeastSquares):
            name = "trial space"
        elif isinstance(solver, BasisLeastSquares):
            name, estimate = "reduced basis", model.basis.estimate_errors
            by_mu = partial(gradient, model.basis.equations)
        return Stage(name, solve, model.predictor_of(solve.network), estimate, by_mu)

    @cached_property
    def _error_estimate(self) -> ErrorEstimate:
        return ErrorEstimate(self._model)

    def forget_basis(self) -> None:
        """Forgets those that solve in the reduced basis, which is another one now."""
        for solver in list(self._stages):
            if isinstance(solver, BasisLeastSquares):
                del self._stages[solver]

    def plan(self, solver, tolerance) -> tuple[list[Stage], float, bool]:
        """Arguments of ``solve_in_stages`` for those of ``FastModel.solve``."""
        check_solver_and_tolerance(solver, tolerance)
        if solver is not None:
            return [self.stage(solver)], np.inf, False
        own = self.stage(LeastSquares())
        model, basis = self._model, self._model.basis
        if tolerance is None:
            if basis is None or not basis.usable:
                return [own], np.inf, False
            return [self.stage(BasisLeastSquares()), own], basis.limit, False
        stages = [] if basis is None else [self.stage(BasisLeastSquares())]
        stages.append(own)
        if model.all_neurons is not model:
            larger = model.all_neurons.solvers.stage(LeastSquares())
            stages.append(replace(larger, name="all neurons"))
        return stages, tolerance, True


def check_solver_and_tolerance(solver, tolerance) -> None:
    """Checks ``solver`` and ``tolerance`` of ``FastModel.solve``.

    Raises:
        TypeError: If ``solver`` is no solver object.
        ValueError: If ``tolerance`` is not > 0, or both are given.
    """
    if tolerance is not None:
        as_number("tolerance", tolerance, "a number > 0", lambda v: v > 0)
    if solver is None:
        return
    if isinstance(solver, type) or not hasattr(solver, "prepare"):
        raise TypeError(
            f"solver is {shown(solver)}; it must be a solver object, e.g. "
            "lrnr.fast_phase.LeastSquares()."
        )
    if tolerance is not None:
        raise ValueError(
            "solver and tolerance are both given; a tolerance chooses among "
            "solvers by itself."
        )
