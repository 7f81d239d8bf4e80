"""The six families on which peers are compared: problems, mu, references, solvers.

CDR and convection are those of ``_families``; the others are the examples of these
names, each of whose scripts runs until it would train. So problem, network, steps and
batch are the example's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import deepxde_lrnr as lrnr
import _examples  # noqa: F401, finds the references
import numpy as np
import reference_fem
from _classical import classical_solvers, reduced_bases
from _families import PAPER_POINTS, POINTS, Family, T, X, build
from _script import until_training
from deepxde_lrnr.data.spread_points import spread_points
from reference import relative_l1, relative_l2
from reference_burgers import moving_front
from reference_kovasznay import kovasznay
from reference_reaction_diffusion import allen_cahn

FAMILIES = {
    "cdr": Family(iterations=2000),
    "convection": Family("convection", 64, 48, 3000, (16, 64), bias_rank=12),
}
QUICK = {
    "cdr": Family(width=16, rank=3, iterations=30, batch=(8, 8)),
    "convection": Family("convection", 16, 3, 30, (8, 8)),
}
# The mu outside are beyond a face by so much of a side.
BEYOND = (0.02, 0.1)
# Points of the paper's method where there is no grid, of 4 x 3.
NUM_PAPER_POINTS = 12
# Layers and degree of the elements of Poisson's reference: finer than that of the
# example, which is one of the peers.
ELEMENTS, QUICK_ELEMENTS = (6, 8), (2, 4)
Y = np.linspace(-1, 1, 257)


@dataclass(frozen=True, eq=False)
class PeerFamily:
    """A family, its untrained network, and what its errors are taken against.

    Attributes:
        model: Compiled, not trained.
        iterations: Steps of its meta phase.
        batch: Number of mu and of points in a step.
        points: Where errors are taken, shape (N, d).
        places: The same for ``values`` of the classical solvers, its last arguments.
        exact: Function of mu, shape (p,), to the reference, shape (N, components).
        error: Function of values and reference to the relative error.
        norm: Of the errors.
        classical: Makers of classical solvers, by name.
        paper_points: Points of the paper's fast phase.
        only_above: Whether mu below the box make no sense.
    """

    model: lrnr.Model
    iterations: int
    batch: tuple
    points: np.ndarray
    places: tuple
    exact: Callable
    error: Callable
    norm: str
    classical: dict
    paper_points: np.ndarray
    only_above: bool = False

    @property
    def space(self) -> lrnr.ParameterSpace:
        return self.model.data.parameter_space

    def new_parameters(self, inside: int, outside: int) -> np.ndarray:
        """Mu not trained on, first those in the box, then those beside it.

        Uniform on the axes of the box, logarithmic ones too. Outside, one parameter
        after the other is beyond a bound, the upper and the lower in turns, by 2 to
        10 % of a side.
        """
        rng, space = np.random.default_rng(2024), self.space
        low, high = (
            np.log(b, where=space.log, out=np.array(b, float))
            for b in (space.low, space.high)
        )
        mu = rng.uniform(low, high, (inside + outside, space.dim))
        for i, row in enumerate(mu[inside:]):
            j = i % space.dim
            beyond = rng.uniform(*BEYOND) * (high[j] - low[j])
            below = i // space.dim % 2 and not self.only_above
            row[j] = low[j] - beyond if below else high[j] + beyond
        return np.exp(mu, where=space.log, out=mu)

    def errors(self, values, exact) -> np.ndarray:
        """Relative errors, shape (n,), of arrays of shape (n, N, components)."""
        return np.array([self.error(u, e) for u, e in zip(values, exact, strict=True)])


def _of_families(name: str, quick: bool) -> PeerFamily:
    family = (QUICK if quick else FAMILIES)[name]
    model = build(family)
    decay = ("cosine", family.iterations, 1e-3)
    model.compile("SOAP", lr=3e-3, decay=decay, verbose=0)
    return PeerFamily(
        model,
        family.iterations,
        family.batch,
        POINTS,
        (X, T),
        lambda mu: family.reference(mu[None])[0][:, None],
        relative_l1,
        "L1",
        classical_solvers(name, quick),
        PAPER_POINTS,
        only_above=name == "cdr",  # nu and rho would be negative
    )


def _in_time(name: str, quick: bool) -> PeerFamily:
    solve = {"burgers": moving_front, "allen_cahn": allen_cahn}[name]
    # Of a periodic problem x = 1 would be x = -1 once more.
    few = np.linspace(-1, 1, 4, endpoint=name == "allen_cahn")
    model, iterations, batch, _ = until_training(name, quick)
    return PeerFamily(
        model,
        iterations,
        batch,
        _grid(Y, T),
        (Y, T),
        lambda mu: solve(Y, T, *mu).reshape(-1, 1),
        relative_l1,
        "L1",
        classical_solvers(name, quick),
        _grid(few, np.linspace(0, 1, 3)),
    )


def _kovasznay(name: str, quick: bool) -> PeerFamily:
    points = _grid(np.linspace(-0.5, 1, 76), np.linspace(0, 1, 51))
    model, iterations, batch, _ = until_training(name, quick)

    def error(w, exact):
        return np.mean([relative_l2(w[:, j], exact[:, j]) for j in range(3)])

    return PeerFamily(
        model,
        iterations,
        batch,
        points,
        (points,),
        lambda mu: kovasznay(points, mu[0]),
        error,
        "L2 (mean of u, v, p)",
        classical_solvers(name, quick),
        _grid(np.linspace(-0.5, 1, 4), np.linspace(0, 1, 3, endpoint=False)),
    )


def _poisson(name: str, quick: bool) -> PeerFamily:
    model, iterations, batch, script = until_training("poisson_source", quick)
    hole = script["CENTER"], script["RADIUS"]

    def source(x, mu):
        return np.asarray(script["source"](x, mu))

    elements = QUICK_ELEMENTS if quick else ELEMENTS
    reference = reference_fem.DirichletProblem(
        reference_fem.disk_with_hole(*hole, *elements)
    )
    problem = source, *hole
    classical = classical_solvers(name, quick, problem)
    return PeerFamily(
        model,
        iterations,
        batch,
        reference.points,
        (reference.points,),
        lambda mu: reference.solve(lambda x: source(x, mu[None]))[:, None],
        lambda u, e: reference.relative_l2(u[:, 0], e[:, 0]),
        "L2",
        classical | reduced_bases(quick, problem, model.data.parameter_space),
        spread_points(model.data.geom, NUM_PAPER_POINTS, "Hammersley"),
    )


def _grid(x, y) -> np.ndarray:
    """All pairs, shape (number of them, 2)."""
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


# In the order of the page: functions of the name, and of whether networks and steps are
# tiny, to the family.
FAMILY_OF = {
    "cdr": _of_families,
    "convection": _of_families,
    "burgers": _in_time,
    "allen_cahn": _in_time,
    "kovasznay": _kovasznay,
    "poisson": _poisson,
}


def family_of(name: str, quick: bool) -> PeerFamily:
    """A family, its network untrained.

    Args:
        name: One of ``FAMILY_OF``.
        quick: Whether networks and steps are tiny.
    """
    return FAMILY_OF[name](name, quick)
