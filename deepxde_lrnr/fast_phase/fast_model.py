"""The reduced model: solves for new mu and keeps the way back to the full LRNR."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import deepxde as dde
import numpy as np

from ..data.residual import Residual
from ..nn import FastLRNR
from ..prediction import Predictor
from ..reduction import ReducedLayer
from .gauss_newton import GaussNewton
from .learned_jacobian import LearnedJacobian
from .outcome import Outcome
from .report import Report, count_flops
from .solution import Solution

# mu solved in one compiled call: one, a few, many. Others are padded up to the next
# size, so that no number of mu needs a compilation of its own. Larger batches leave the
# caches; more of them at once, one for each core, are faster.
_BATCHES = (1, 4, 16)


class FastModel:
    """A trained family, reduced. Made by ``Model.reduce``.

    Attributes:
        full: The LRNR itself, frozen: a ``FastLRNR`` with every neuron kept.
        reduced: ``FastLRNR`` of the selected neurons.
        layers: ``ReducedLayer`` of each hidden layer.
        residual: Residual at the points of the fast phase.
        held_out: Residual at other points, which watch over it.
        seconds: Time of each offline step.
        dropped: Indices of the coefficients s that are zero over the whole box.
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
    ):
        self.full = full
        self.reduced = reduced
        self.layers = layers
        self.residual = residual
        self.held_out = held_out
        self.seconds = dict(seconds or {})
        self._num_nodes = num_nodes
        self.parameter_space = full.parameter_space
        self.dropped = np.setdiff1d(np.arange(full.full_size), full.kept)
        geom = residual.data.geom
        time = isinstance(geom, dde.geometry.TimeDomain) or hasattr(geom, "timedomain")
        self._predictor = Predictor(full, geom.dim, time)
        self._solvers = {}

    @cached_property
    def learned_jacobian(self) -> LearnedJacobian:
        """Jacobian learned over the box; computed when it is first needed."""
        learned = LearnedJacobian.compute(self.residual, self.full, self._num_nodes)
        self.seconds["learned Jacobian"] = learned.seconds
        return learned

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

    def solve(self, mu, solver=None) -> Solution:
        """The fast phase: solves for new mu.

        Args:
            mu: A dictionary of numbers, an array of shape (p,), or several mu: a
                dictionary of arrays or an array of shape (n, p). Outside the box there
                is a warning.
            solver: Solver object, by default ``fast_phase.GaussNewton()``.

        Returns:
            ``Solution``.
        """
        space = self.parameter_space
        single = space.is_single(mu)
        mu = space.check(mu, stacklevel=3).astype(dde.config.real(np))
        solver = GaussNewton() if solver is None else solver
        if isinstance(solver, type) or not hasattr(solver, "prepare"):
            raise TypeError(
                f"solver is {solver!r}; it must be a solver object, e.g. "
                "lrnr.fast_phase.GaussNewton()."
            )
        if solver not in self._solvers:
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
