"""A DeepXDE problem over a box of parameters."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace

import deepxde as dde
import numpy as np
from deepxde.data.sampler import BatchSampler

from .._checks import (
    as_choice,
    as_flag,
    as_function,
    as_integer,
    as_points,
    is_integer,
    num_args,
    shown,
)
from .._point_major import repeated, rows_of
from ..parameters.sampling import DISTRIBUTIONS
from ..parameters.space import check_space
from .collocation import Collocation, FrozenPoints
from .conditions import Condition
from .deformation import DeformedPoints, row_weights
from .errors import Errors
from .losses import Losses
from .point_sets import ParametricPointSetBC
from .reference_geometry import locate, make_deformation

# Above this, a step without ``batch_size`` is likely to be an oversight.
_MANY_ROWS = 200_000


class ParametricPDE(dde.data.Data):
    """An ordinary DeepXDE problem whose PDE, or IC/BC, depend on parameters mu.

    The problem keeps its geometry, its points and its IC/BC objects:

    .. code-block:: python

        def pde(x, u, mu):
            u_xx = dde.grad.hessian(u, x, i=0, j=0)
            return mu[:, 0:1] * u_xx + 1

        problem = dde.data.PDE(geom, pde, bc, num_domain=200, num_boundary=20)
        space = lrnr.ParameterSpace(kappa=(0.1, 2))
        data = lrnr.data.ParametricPDE(problem, space, num_parameters=64)

    ``pde`` is called with Tensors x (rows, d), u (rows, number of components) and mu
    (rows, p). Value functions of IC/BC take ``x`` or ``(x, mu)``, NumPy arrays of
    (n, d) and (n, p); that of a ``RobinBC`` ``(x, y)`` or ``(x, y, mu)``; that of an
    ``OperatorBC`` ``(inputs, outputs, X)`` or ``(inputs, outputs, X, mu)``, mu being a
    Tensor of (rows, p) in the last two. They are evaluated afresh for each batch, so
    that resampled points and new mu never meet stale values. Parameters that have a
    default are the user's own: they keep it, and do not count.

    Inputs of the network are ``(mu, x)``, mu (P, p) and x (N P, d) in point-major rows
    (x_1, mu_1), (x_1, mu_2), ..., (x_N, mu_P). ``batch_size`` of ``Model.train`` is the
    number of mu in a step, or a tuple: number of mu, and number of points of the PDE
    (of each IC/BC the same share).

    Args:
        problem: ``dde.data.PDE`` or ``dde.data.TimePDE``.
        parameter_space: ``deepxde_lrnr.ParameterSpace``.
        num_parameters (int): Number of mu to train on.
        parameter_distribution (string): As DeepXDE's ``train_distribution``: "uniform",
            "pseudo", "LHS", "Halton", "Hammersley", or "Sobol".
        num_test (int): Number of mu, other than those trained on, for the test loss.
        solution: Reference solution for the metrics of ``Model.compile``, a function of
            ``(x, mu)`` or of ``x``, NumPy arrays of (n, d) and (n, p), that returns an
            array of shape (n, number of components). By default the ``solution`` of
            ``problem``, which cannot depend on mu.
        deformation: ``None``, or a map Phi of the geometry of ``problem``, which is
            then the reference: a function of Tensors xi (rows, d) and mu (rows, p) to
            physical points x = Phi(xi; mu) (rows, d), smooth and one to one. With time
            xi has it as its last column, and so has x. ``pde``, value functions,
            operators, ``solution`` and output transforms see physical points, and
            derivatives by them; normals are those of the physical boundary. What is
            said of the reference geometry is: ``on_boundary``, feature transforms (the
            network is a function of xi), and points of conditions that hold for every
            mu, as of a ``PointSetBC``. Squared residuals are averaged over the
            physical geometry, wherever the reference points are.

    Attributes:
        train_mu: Array of shape (``num_parameters``, p).
        test_mu: Array of shape (``num_test``, p).
        num_bcs: Number of points of each IC/BC at the start.
        measured: ``ParametricPointSetBC`` with mu of their own, by their places among
            the IC/BC. Their points are physical ones.
        deformation: ``None``, or the ``Deformation``.
        errors: ``Errors`` of a batch.
        losses: ``Losses`` of the meta phase.

    Raises:
        DeformationError: If ``deformation`` folds the geometry at a point for a mu of
            the box.
        TypeError: If ``problem`` or ``parameter_space`` is of another type.
        ValueError: If nothing in the problem takes mu, a function takes the wrong
            number of arguments, the PDE or an IC/BC has no points, a number is not an
            integer >= 1, ``parameter_distribution`` is unknown, or ``deformation`` is
            not as above.
    """

    def __init__(
        self,
        problem,
        parameter_space,
        num_parameters: int,
        parameter_distribution: str = "LHS",
        num_test: int = 16,
        solution=None,
        deformation=None,
    ):
        _check_problem(problem)
        check_space(parameter_space)
        for name, value in (("num_parameters", num_parameters), ("num_test", num_test)):
            as_integer(name, value)
        as_choice("parameter_distribution", parameter_distribution, DISTRIBUTIONS)
        self.problem = problem
        self.parameter_space = parameter_space
        self.parameter_distribution = parameter_distribution
        self.solution = problem.soln if solution is None else solution
        # Measurements hold at their own mu only: a loss of the meta phase, and no
        # condition of the problem for every mu. By their places among the IC/BC.
        self.measured = {
            i: bc
            for i, bc in enumerate(problem.bcs)
            if isinstance(bc, ParametricPointSetBC) and bc.is_measured
        }
        for i, bc in self.measured.items():
            parameter_space.check(bc.mu, f"mu of {_bc_name(i, bc)}", stacklevel=3)
        self.conditions = [
            Condition(bc, _bc_name(i, bc))
            for i, bc in enumerate(problem.bcs)
            if i not in self.measured
        ]
        self._given_deformation = deformation
        self._check_arguments()

        self.train_mu = self._sample(num_parameters, parameter_distribution)
        self.test_mu = self._sample(num_test, "pseudo")
        self._mu_sampler = BatchSampler(self.num_parameters, shuffle=True)
        self._source, self._collocation = (None, None), None
        self._follow_problem()
        # PDEPointResampler stops if this changes, because DeepXDE's own compiled loss
        # would be wrong. Here other numbers of points make another trace, no more.
        self.num_bcs = list(self._collocation.counts)
        self._test_points = None
        if problem.num_test is not None:
            points = problem.test_points()[len(problem.train_x_bc) :]
            self._test_points = self._pde_points(points)
        self.deformation, located = None, {}
        if deformation is not None:
            self.deformation = make_deformation(deformation, problem, parameter_space)
            located = {
                i: locate(
                    bc,
                    _bc_name(i, bc),
                    self.deformation,
                    problem.geom,
                    dde.config.real(np),
                )
                for i, bc in self.measured.items()
            }
        self.errors = Errors(problem, self.conditions, self.deformation)
        self.losses = Losses(self.errors, self.bc_names, self.measured, located)

    def _check_arguments(self) -> None:
        """Checks the number of arguments of the user's functions."""
        pde, solution = self.problem.pde, self.solution
        takes_mu = bool(self.measured) or any(c.takes_mu for c in self.conditions)
        takes_mu |= self._given_deformation is not None
        if pde is not None:
            as_function("pde", pde, (2, 3), "(x, u, mu)")
            takes_mu = takes_mu or num_args(pde) == 3
        if not takes_mu:
            raise ValueError(
                "pde takes no mu, and neither does an IC/BC: write pde(x, u, mu), mu "
                "being a Tensor of shape (rows, p). If mu enters through the network's "
                "transforms only, let pde take mu all the same and ignore it."
            )
        if pde is None and not self.conditions:
            raise ValueError(
                "problem has measurements only; it needs a pde or a condition that "
                "holds for every mu, e.g. lrnr.data.ParametricPointSetBC of a function."
            )
        if solution is not None:
            as_function("solution", solution, (1, 2), "(x, mu) or (x)")

    @property
    def bc_names(self) -> list[str]:
        """Names of the IC/BC of the problem in messages, in its order."""
        return [_bc_name(i, bc) for i, bc in enumerate(self.problem.bcs)]

    # Parameters

    @property
    def num_parameters(self) -> int:
        """Number of mu to train on; a uniform grid may have more than asked for."""
        return len(self.train_mu)

    def _sample(self, n: int, distribution: str) -> np.ndarray:
        mu = self.parameter_space.sample(n, distribution)
        return mu.astype(dde.config.real(np))

    def resample_train_parameters(self, mu=None) -> None:
        """Replaces the mu to train on.

        Args:
            mu: Array of shape (n, p), or whatever ``ParameterSpace.as_array`` takes;
                n becomes ``num_parameters``. If ``None``, as many as before are drawn
                anew: by ``parameter_distribution`` if that is random ("pseudo", "LHS"),
                else "pseudo", since the others are the same in every call.

        Raises:
            TypeError: If ``mu`` is not made of real numbers.
            ValueError: If ``mu`` does not fit the parameter space.

        Warns:
            OutsideParameterSpaceWarning: If a given mu is not in the box.
        """
        if mu is None:
            distribution = self.parameter_distribution
            if distribution not in ("pseudo", "LHS"):
                distribution = "pseudo"
            mu = self._sample(self.num_parameters, distribution)
        else:
            mu = self.parameter_space.check(mu, stacklevel=3)
        self.train_mu = mu.astype(dde.config.real(np))
        self._mu_sampler = BatchSampler(self.num_parameters, shuffle=True)

    # Points

    @property
    def geom(self):
        """Geometry of the problem."""
        return self.problem.geom

    @property
    def train_collocation(self) -> Collocation:
        """Points trained on: those that ``problem`` has now, whoever changed them."""
        self._follow_problem()
        return self._collocation

    def _follow_problem(self) -> None:
        problem, (old_bc, old_all) = self.problem, self._source
        if problem.train_x_bc is not old_bc:
            ends = np.cumsum(problem.num_bcs)[:-1]
            blocks = np.split(problem.train_x_bc, ends) if problem.bcs else []
            blocks = [b for i, b in enumerate(blocks) if i not in self.measured]
            self._collocation = self._new_collocation(blocks, problem.train_x_all)
        elif problem.train_x_all is not old_all:
            self._collocation = replace(
                self._collocation, pde_points=self._pde_points(problem.train_x_all)
            )
        self._source = (problem.train_x_bc, problem.train_x_all)

    def resample_train_points(self, pde_points=True, bc_points=True) -> None:
        """Resamples the points for the PDE and/or IC/BC, as DeepXDE's problems do.

        Args:
            pde_points (bool): Whether those of the PDE are.
            bc_points (bool): Whether those of the IC/BC are.

        Raises:
            ValueError: If one of them is no bool.
        """
        self.problem.resample_train_points(
            as_flag("pde_points", pde_points), as_flag("bc_points", bc_points)
        )

    def collocation(self, points: np.ndarray) -> Collocation:
        """Collocation at points other than those trained on.

        Args:
            points: Points of the PDE, array of shape (n, d), among which each IC/BC
                picks its own.

        Raises:
            TypeError: If ``points`` is not made of real numbers.
            ValueError: If ``points`` has another shape or is not finite, or an IC/BC
                finds no point.
        """
        points = as_points("points", points, self.geom.dim)
        picked = [c.bc.collocation_points(points) for c in self.conditions]
        return self._new_collocation(picked, points)

    def collocation_of(self, condition_points, points: np.ndarray) -> Collocation:
        """Collocation at given points of each IC/BC.

        Args:
            condition_points: For each IC/BC its points, shape (n_i, d), and ``None`` or
                their places among all of its points.
            points: Points of the PDE, shape (n, d).
        """
        blocks = [block for block, _ in condition_points]
        selections = [places for _, places in condition_points]
        return self._new_collocation(blocks, points, selections)

    def draw_collocation(self, num_points: int) -> Collocation:
        """Draws ``num_points`` of the PDE's training points, and a share of the others.

        IC/BC whose functions look at NumPy points keep all of theirs, so that the
        compiled step stays valid; so do those that take means over their points.
        """
        return self.train_collocation.subset(
            num_points,
            [c.keeps_all_points for c in self.conditions],
            [c.paired for c in self.conditions],
        )

    def _new_collocation(self, blocks, points, selections=None) -> Collocation:
        """Collocation from points of the IC/BC, ``blocks``, and of the PDE."""
        blocks = tuple(np.asarray(b, dde.config.real(np)) for b in blocks)
        for condition, block in zip(self.conditions, blocks, strict=True):
            if len(block) == 0:
                raise ValueError(
                    f"{condition.name} has no points: its on_boundary or on_initial "
                    f"function is true at none of the {len(points)} points. Give "
                    "points there (num_boundary or num_initial of the problem), or "
                    "correct the function."
                )
            if condition.paired and len(block) % 2:
                raise ValueError(
                    f"{condition.name} has {len(block)} points, which cannot be "
                    "paired: both edges must have the same number of points."
                )
        if selections is None:
            selections = (None,) * len(blocks)
        return Collocation(
            blocks, self._pde_points(points), tuple(selections), FrozenPoints(blocks)
        )

    def _pde_points(self, points) -> np.ndarray:
        points = np.asarray(points, dde.config.real(np))
        if self.problem.pde is None:
            return points[:0]
        if len(points) == 0:
            raise ValueError(
                "pde has no points; give num_domain, num_boundary or anchors of the "
                "problem."
            )
        return points

    # Batches

    def batch(self, mu: np.ndarray, collocation: Collocation, dtype=None):
        """Inputs and auxiliary variables for every mu at every point.

        Args:
            mu: Array of shape (P, p).
            collocation: N points in all.
            dtype: Of all arrays; by default DeepXDE's default float.

        Returns:
            ``(mu, x)`` with x of shape (N P, d), and the auxiliary variables that
            ``errors`` needs.
        """
        dtype = dde.config.real(np) if dtype is None else dtype
        mu, points = np.asarray(mu, dtype), np.asarray(collocation.points, dtype)
        deformed = self.deformed(points, mu)
        all_points = (
            any(c.keeps_all_points for c in self.conditions) and deformed is None
        )
        auxiliary = {
            "counts": collocation.counts,
            "frozen": collocation.frozen if all_points else None,
            "targets": self.targets(mu, collocation, deformed),
        }
        if deformed is None:
            return (mu, repeated(points, len(mu))), auxiliary
        x, reference, inverse = (
            a.astype(dtype) for a in (deformed.x, deformed.xi, deformed.inverse)
        )
        return (mu, x, reference, inverse), auxiliary

    def deformed(self, points: np.ndarray, mu: np.ndarray) -> DeformedPoints | None:
        """Reference points (N, d) for every mu (P, p), if there is a deformation."""
        if self.deformation is None:
            return None
        return self.deformation.at(points, mu)

    def physical(self, points: np.ndarray, mu: np.ndarray) -> np.ndarray:
        """Physical points of reference points (N, d), for one mu of shape (p,)."""
        deformed = self.deformed(points, np.reshape(mu, (1, -1)))
        return points if deformed is None else deformed.x

    def targets(
        self, mu: np.ndarray, collocation: Collocation, deformed=None
    ) -> list[dict]:
        """Values and normals of each IC/BC for every mu at its points.

        Args:
            mu: Array of shape (P, p), in whose precision they are returned.
            collocation: The points.
            deformed: ``None``, or ``deformed`` of all of its points. Then there are
                weights of the rows as well, and one more entry for the PDE.
        """
        ends = np.cumsum([0, *collocation.counts, len(collocation.pde_points)])
        parts = [None] * len(self.conditions)
        if deformed is not None:
            parts = [deformed[a:b] for a, b in itertools.pairwise(map(int, ends))]
        found = [
            condition.targets(points.astype(mu.dtype), mu, selection, part)
            for condition, points, selection, part in zip(
                self.conditions,
                collocation.condition_points,
                collocation.selections,
                parts,
                strict=deformed is None,
            )
        ]
        if deformed is not None:
            for targets, condition, points, part in zip(
                found,
                self.conditions,
                collocation.condition_points,
                parts,
                strict=False,
            ):
                sizes = condition.sizes(points.astype(mu.dtype), part)
                targets["weights"] = row_weights(sizes, len(mu)).astype(mu.dtype)
            of_pde = row_weights(parts[-1].volumes, len(mu))
            found.append({"weights": of_pde.astype(mu.dtype)})
        return found

    def train_next_batch(self, batch_size=None):
        num_mu, num_points = self._batch_sizes(batch_size)
        mu, collocation = self.train_mu, self.train_collocation
        if num_mu is not None:
            mu = mu[self._mu_sampler.get_next(num_mu)]
        if num_points is not None:
            collocation = self.draw_collocation(num_points)
        inputs, auxiliary = self.batch(mu, collocation)
        if len(inputs[1]) > _MANY_ROWS:
            warnings.warn(
                f"One training step has {len(inputs[1])} rows ({len(mu)} mu); pass "
                "batch_size=16 or batch_size=(16, 128) to Model.train for steps of 16 "
                "mu (with 128 points each).",
                stacklevel=2,
            )
        auxiliary["measurements"] = self.losses.measurements(len(inputs[1]))
        return inputs, None, auxiliary

    def _batch_sizes(self, batch_size):
        """Number of mu and number of points of a step; ``None`` means all of them."""
        sizes = batch_size if isinstance(batch_size, (tuple, list)) else (batch_size,)
        if len(sizes) not in (1, 2) or not all(
            s is None or is_integer(s) for s in sizes
        ):
            raise ValueError(
                f"batch_size is {shown(batch_size)}; it must be the number of mu, or a "
                "tuple: the number of mu and the number of points."
            )
        limits = (
            ("mu, but num_parameters is", self.num_parameters),
            (
                "points, but those of the PDE are",
                len(self.train_collocation.pde_points),
            ),
        )
        for size, (what, limit) in zip(sizes, limits, strict=False):
            if size is not None and size > limit:
                raise ValueError(
                    f"batch_size is {batch_size!r}: it asks for {size} {what} {limit}."
                )
        return (*sizes, None)[:2]

    def test(self):
        collocation = self.train_collocation
        if self._test_points is not None:
            collocation = replace(collocation, pde_points=self._test_points)
        inputs, auxiliary = self.batch(self.test_mu, collocation)
        auxiliary["measurements"] = self.losses.measurements()
        return inputs, self._reference(*inputs[:2]), auxiliary

    def _reference(self, mu, x) -> np.ndarray | None:
        """Values of ``solution`` for the rows of a batch."""
        if self.solution is None:
            return None
        arguments = (x, rows_of(mu, x))[: num_args(self.solution)]
        values = np.asarray(self.solution(*arguments), dde.config.real(np))
        if values.ndim != 2 or len(values) != len(x):
            raise ValueError(
                f"solution returned an array of shape {values.shape} for {len(x)} "
                f"points; it must be ({len(x)}, number of components)."
            )
        return values


def _bc_name(i: int, bc) -> str:
    return f"bcs[{i}] ({type(bc).__name__})"


def _check_problem(problem) -> None:
    # Their pde takes an integral or a fractional matrix where ours takes mu.
    unsupported = (dde.data.FPDE, dde.data.IDE)
    if not isinstance(problem, dde.data.PDE) or isinstance(problem, unsupported):
        integral = isinstance(problem, dde.data.IDE)
        raise TypeError(
            f"problem is a {type(problem).__name__}; it must be a dde.data.PDE or "
            "dde.data.TimePDE."
            + " Write the integral in pde, with lrnr.data.values_at."
            * integral
        )
    for i, bc in enumerate(problem.bcs):
        if isinstance(bc, (list, tuple)):
            raise ValueError(
                f"bcs[{i}] of problem is a {type(bc).__name__}; bcs must be one list "
                "of conditions, without lists in it."
            )
    if problem.auxiliary_var_fn is not None:
        raise ValueError(
            "problem has an auxiliary_var_function; the third argument of pde is mu "
            "here, and functions of x can be computed in pde itself."
        )
