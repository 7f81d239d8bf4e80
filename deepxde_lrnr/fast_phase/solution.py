"""What a fast phase returns."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np

from ..parameters.axes import shortened

# Mu whose residuals are shown.
_MOST_SHOWN = 10


@dataclass(frozen=True, repr=False)
class Solution:
    """Solution of the PDE for one mu, or for several.

    For several mu all arrays have a leading axis of length n.

    Attributes:
        mu: Array of shape (p,) or (n, p).
        coefficients: What the solver found, shape (q,) or (n, q). ``LeastSquares``: the
            readout of the trial functions, those of the first component first, and the
            weight of the hypernetwork's solution, 1 where nothing better was found,
            otherwise 0. ``BasisLeastSquares``: those of the basis functions. ``Adam``:
            coefficients of the LRNR.
        initial_coefficients: The same at the start: the hypernetwork's solution, or in
            a reduced basis what is interpolated over the box.
        initial_residual: Root mean square of the exact residual, weighted as the loss,
            at held-out points before the fast phase, float or shape (n,): of the
            reduced network, or of the full one where it has to be looked at.
        residual: The same afterwards: an indicator of the error.
        initial_objective: Sum of squares of the residual before the fast phase at the
            points fitted (with ``Adam``: its own objective, of its own network).
        objective: The same afterwards.
        history: Objective before the first step and after each, shape
            (iterations + 1,) or (n, iterations + 1) with the solver's ``iterations``;
            constant after the last step.
        steps: Number of steps taken, int or array of shape (n,).
        status: How it ended, a ``Status``, which is a string, or array of shape (n,).
        method: In what it was solved, str or array of shape (n,): "trial space"
            (``LeastSquares``), "reduced basis", "all neurons" (the trial space of the
            full network, where a tolerance asks for it), or the name of another solver.
            Of several methods the coefficients of the shorter ones end in zeros.
        estimated_error: ``error`` as far as the solve estimated it, float or shape
            (n,): in the reduced basis, and to a tolerance; otherwise NaN.
    """

    mu: np.ndarray
    coefficients: np.ndarray
    initial_coefficients: np.ndarray
    initial_residual: np.ndarray
    residual: np.ndarray
    initial_objective: np.ndarray
    objective: np.ndarray
    history: np.ndarray
    steps: np.ndarray
    status: np.ndarray
    method: np.ndarray | None = None
    estimated_error: np.ndarray | None = None
    _solvers: dict = field(default_factory=dict, repr=False)

    def __repr__(self):
        mu, residual = np.atleast_2d(self.mu), np.ravel(self.residual)
        initial, status = np.ravel(self.initial_residual), np.ravel(self.status)
        steps = np.broadcast_to(self.steps, status.shape)
        axes = self.parameter_space.axes

        def line(i):
            values = shortened(axes, mu[i])
            return (
                f"  {values}: residual {initial[i]:.1e} -> {residual[i]:.1e} "
                f"in {steps[i]} steps, {status[i]}"
            )

        lines = [line(i) for i in range(min(len(mu), _MOST_SHOWN))]
        if len(mu) > _MOST_SHOWN:
            lines.append(f"  ... and {len(mu) - _MOST_SHOWN} more mu")
        return "\n".join(["Solution(", *lines, ")"])

    @cached_property
    def error(self) -> np.ndarray:
        """Estimate of the relative L2 error of u, float or shape (n,).

        Computed when it is first asked for. In the trial space that takes several times
        the time of a solve: the problem is solved in a richer space, and what that
        changes, with what it cannot change, is the estimate. NaN where that cannot be
        solved. In the reduced basis it is the residual times the ratio of error and
        residual at the nearest of some mu, where both are known. Nothing is calibrated
        on a reference; where the family is not resolved it says so (errors above a few
        per cent), and how far off it is otherwise: ``benchmarks/fast_phase.py``.
        """
        found = self._errors(True)
        return found[0] if self.mu.ndim == 1 else found

    def with_errors(self, rows: np.ndarray) -> Solution:
        """The same with errors estimated at some of n mu, boolean, shape (n,)."""
        return replace(self, estimated_error=self._errors(rows))

    def _errors(self, wanted) -> np.ndarray:
        """Estimates, of which those that are missing are made where they are wanted."""
        mu, z = np.atleast_2d(self.mu), np.atleast_2d(self.coefficients)
        residual, found = np.atleast_1d(self.residual), np.array(self.estimated_error)
        found = np.atleast_1d(found)
        missing = np.isnan(found) & wanted
        for solver, rows in self._parts():
            rows = rows[missing[rows]]
            if len(rows):
                found[rows] = solver.errors(mu[rows], z[rows], residual[rows])
        return found

    def _parts(self):
        """Each solver, ``Prepared``, with the numbers of its mu."""
        method = np.atleast_1d(np.asarray(self.method, object))
        for name, solver in self._solvers.items():
            rows = np.flatnonzero(method == name)
            if len(rows):
                yield solver, rows

    @property
    def _predictor(self):
        return next(iter(self._solvers.values())).predictor

    @property
    def parameter_space(self):
        """``ParameterSpace`` that mu belongs to."""
        return self._predictor.network.parameter_space

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates of points: x, y, z, as far as there are, and t."""
        return self._predictor.coordinates

    def __getitem__(self, index) -> Solution:
        """Solution for the mu at ``index``, as of an array, of several mu."""
        if self.mu.ndim == 1:
            raise IndexError("the solution is that of one mu; it has no index.")
        return replace(self, **{name: a[index] for name, a in self.arrays().items()})

    def arrays(self) -> dict[str, np.ndarray]:
        """The attributes, by their names."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.repr}
        return {name: a for name, a in values.items() if a is not None}

    def predict(self, x, operator=None) -> np.ndarray:
        """The solution at points, in double precision if ``LeastSquares`` found it.

        Args:
            x: Points, array of shape (N, d).
            operator: ``None``, or a function of Tensors ``(x, u)`` or ``(x, u, mu)``,
                such as the PDE, whose result is returned instead of u.

        Returns:
            Array of shape (N, number of components) for one mu, (n, N, number of
            components) for several; a list of them if ``operator`` returns a list.

        Raises:
            TypeError: If ``x`` is not made of real numbers.
            ValueError: If ``x`` or ``operator`` is not as above.

        Warns:
            OutsideGeometryWarning: If a point is not in the geometry, or its time not
                in the time domain; without the problem, not in the bounding box.
        """
        x = self._predictor.check_points(x)
        mu = np.atleast_2d(self.mu)
        self._predictor.warn_outside(x, mu, stacklevel=2)
        return self.evaluate(x, lambda predictor: predictor.compile(operator))

    def reference_points(self, x) -> np.ndarray | None:
        """Points of the reference geometry, for pictures of one mu.

        Args:
            x: Points, array of shape (N, d).

        Returns:
            Array of shape (N, d), NaN where there are none; ``None`` if the geometry
            does not depend on mu.
        """
        places = self._predictor.places(x, np.atleast_2d(self.mu))
        return None if places is None else places[0]

    def evaluate(self, x, function_of):
        """As ``predict``, for a function of each ``Predictor`` that it compiled."""
        single = self.mu.ndim == 1
        mu, z = np.atleast_2d(self.mu), np.atleast_2d(self.coefficients)
        parts = []
        for solver, rows in self._parts():
            predictor, own = solver.predictor, solver.own(z[rows])
            function = function_of(predictor)
            values = predictor.evaluate(function, x, mu[rows], own, single)
            parts.append((rows, values))
        if len(parts) == 1:
            return parts[0][1]
        numbers = np.concatenate([rows for rows, _ in parts])
        order = np.argsort(numbers)
        if isinstance(parts[0][1], list):
            each = zip(*(values for _, values in parts), strict=True)
            return [np.concatenate(values)[order] for values in each]
        return np.concatenate([values for _, values in parts])[order]

    def gradient(self, x) -> np.ndarray:
        """Derivatives of u by the parameters, du/dmu, at points.

        Of solutions in the reduced basis (``FastModel.build_basis``), by the implicit
        function theorem from one linearisation, without further solves: for
        optimisation over the box, sensitivities and error bars. Where the geometry
        depends on the parameters the points stay where they are.

        Args:
            x: Points, array of shape (N, d).

        Returns:
            Array of shape (N, number of components, p) for one mu, with a first axis
            of length n for several.

        Raises:
            TypeError: If ``x`` is not made of real numbers.
            ValueError: If ``x`` is not as above, or a solution is not in the reduced
                basis.
        """
        x = self._predictor.check_points(x)
        single = self.mu.ndim == 1
        mu, z = np.atleast_2d(self.mu), np.atleast_2d(self.coefficients)
        found = [None] * len(mu)
        for solver, rows in self._parts():
            if solver.gradient is None:
                raise ValueError(
                    f"gradient() was asked of a solution in the {solver.method}; it "
                    "must be one in the reduced basis: fast.build_basis(), then solve."
                )
            own = solver.own(z[rows])
            for i, c in zip(rows, own, strict=True):
                found[i] = solver.gradient(solver.predictor, mu[i], c, x)
        return found[0] if single else np.array(found)


def joined(parts: list[Solution]) -> Solution:
    """One solution of the mu of several; rows of other lengths end in zeros."""
    arrays = [part.arrays() for part in parts]
    merged = {name: value for part in parts for name, value in part._solvers.items()}
    found = {name: _stacked([a[name] for a in arrays]) for name in arrays[0]}
    return Solution(**found, _solvers=merged)


def _stacked(parts: list[np.ndarray]) -> np.ndarray:
    if parts[0].ndim == 1:
        return np.concatenate(parts)
    width = max(part.shape[1] for part in parts)
    return np.vstack([np.pad(p, ((0, 0), (0, width - p.shape[1]))) for p in parts])
