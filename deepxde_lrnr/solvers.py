"""The solvers of a reduced model: each made ready once, and which are tried."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ._checks import as_number, shown
from .fast_phase.least_squares import LeastSquares
from .fast_phase.prepared import Prepared
from .reduced_basis.solver import BasisLeastSquares


class Solvers:
    """Solvers of a model.

    Args:
        model: ``FastModel``.
    """

    def __init__(self, model):
        self._model, self._prepared = model, {}

    def prepared(self, solver) -> Prepared:
        """Makes a solver ready for the model, which it does once.

        Args:
            solver: Solver object.
        """
        if solver not in self._prepared:
            self._prepared[solver] = solver.prepare(self._model)
        return self._prepared[solver]

    def forget_basis(self) -> None:
        """Forgets those that solve in the reduced basis, which is another one now."""
        for solver in list(self._prepared):
            if isinstance(solver, BasisLeastSquares):
                del self._prepared[solver]

    def plan(self, solver, tolerance) -> tuple[list[Prepared], float, bool]:
        """Arguments of ``solve_in_stages`` for those of ``FastModel.solve``."""
        check_solver_and_tolerance(solver, tolerance)
        if solver is not None:
            return [self.prepared(solver)], np.inf, False
        own = self.prepared(LeastSquares())
        model, basis = self._model, self._model.basis
        if tolerance is None:
            if basis is None or not basis.usable:
                return [own], np.inf, False
            return [self.prepared(BasisLeastSquares()), own], basis.limit, False
        stages = [] if basis is None else [self.prepared(BasisLeastSquares())]
        stages.append(own)
        if model.all_neurons is not model:
            larger = model.all_neurons.solvers.prepared(LeastSquares())
            stages.append(replace(larger, method="all neurons"))
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
