"""What a ``ParametricPDE`` has drawn at random: mu, points, and what comes next."""

from __future__ import annotations

import copy

import deepxde as dde
import numpy as np
from deepxde.data.sampler import BatchSampler

from .._deepxde import restore_sampler, sampler_state
from .parametric_pde import ParametricPDE

_OF_PROBLEM = ("anchors", "train_x_all", "train_x_bc", "train_x", "train_y", "num_bcs")
_GEOMETRIES = (dde.geometry.geometry.Geometry, dde.geometry.GeometryXTime)


def data_state(data: ParametricPDE) -> dict:
    """Parameters, points and positions in them, as numbers, arrays and lists of them.

    Random generators are not part of it.
    """
    return {
        "train_mu": data.train_mu,
        "test_mu": data.test_mu,
        "test_points": data._test_points,
        "problem": {name: getattr(data.problem, name) for name in _OF_PROBLEM},
        "samplers": [sampler_state(s) for s in _samplers(data)],
    }


def restore_data(data: ParametricPDE, state: dict) -> None:
    """Sets ``data`` back to what ``data_state`` returned."""
    data.train_mu, data.test_mu = state["train_mu"], state["test_mu"]
    data._test_points = state["test_points"]
    for name, value in state["problem"].items():
        # Points that are the same remain the same objects, and what was compiled for
        # them stays valid.
        if not _equal(getattr(data.problem, name), value):
            setattr(data.problem, name, copy.copy(value))
    # Another number of mu has another sampler.
    data._mu_sampler = BatchSampler(data.num_parameters, shuffle=True)
    for sampler, saved in zip(_samplers(data), state["samplers"], strict=True):
        restore_sampler(sampler, saved)


def _equal(old, new) -> bool:
    if old is None or new is None:
        return old is new
    old, new = np.asarray(old), np.asarray(new)
    return old.dtype == new.dtype and np.array_equal(old, new)


def _samplers(data: ParametricPDE) -> list[BatchSampler]:
    """The sampler of mu, then those of the geometry (a ``PointCloud`` has some)."""
    found, seen = [data._mu_sampler], []
    todo = [data.problem.geom, *data.problem.bcs]
    while todo:
        owner = todo.pop()
        if any(owner is other for other in seen):
            continue
        seen.append(owner)
        for value in vars(owner).values():
            if isinstance(value, BatchSampler):
                found.append(value)
            elif isinstance(value, _GEOMETRIES):
                todo.append(value)
    return found
