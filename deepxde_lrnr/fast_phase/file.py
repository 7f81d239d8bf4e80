"""A reduced model as header and arrays, and back."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import tensorflow as tf

from ..data.collocation import Collocation, FrozenPoints
from ..data.residual import Residual
from ..io.networks import (
    Packed,
    below,
    pack_functions,
    pack_weights,
    unpack_fast,
    unpack_functions,
)
from ..parameter_space import ParameterSpace
from ..reduction import ReducedLayer
from .gauss_newton import GaussNewton
from .learned_jacobian import LearnedJacobian
from .problem import ProblemRecord

KIND = "fast model"
_LAYER_ARRAYS = ("indices", "map", "singular_values")
_LAYER_NUMBERS = ("modes", "condition", "error_values", "error_derivatives")
_LEARNED_ARRAYS = ("entries", "factors", "directions")
_LEARNED_NUMBERS = ("error", "seconds")
_RECORD_ARRAYS = ("low", "high", "mu", "residuals")


def pack_fast_model(fast, stacklevel: int) -> Packed:
    """Header and arrays of a ``FastModel``.

    Args:
        fast: The model.
        stacklevel: As for ``warnings.warn``.

    Warns:
        UserWarning: If a function of the user's cannot be saved.
    """
    full, record = fast.full, fast.problem_record
    packed = pack_functions(full, len(record.low), stacklevel + 1)
    packed.header = {
        "parameter_space": fast.parameter_space.to_dict(),
        "dtype": full.compute_dtype,
        "functions": packed.header,
        "full_size": full.full_size,
        "layers": [
            {name: _number(getattr(layer, name)) for name in _LAYER_NUMBERS}
            for layer in fast.layers
        ],
        "loss_weights": fast.residual.loss_weights,
        "num_nodes": fast.num_nodes,
        "seconds": {name: float(value) for name, value in fast.seconds.items()},
        "conditions": list(record.conditions),
        "choices": [
            {"solver": asdict(solver), "jacobian": source, "damping": damping}
            for solver, (source, damping) in fast.choices.items()
        ],
        "learned_jacobian": None,
    }
    arrays = packed.arrays
    arrays["kept"] = full.kept
    arrays |= pack_weights(full, "full") | pack_weights(fast.reduced, "reduced")
    for i, layer in enumerate(fast.layers):
        arrays |= {f"layer_{i}/{name}": getattr(layer, name) for name in _LAYER_ARRAYS}
    arrays |= {f"problem/{name}": getattr(record, name) for name in _RECORD_ARRAYS}
    arrays |= _pack_collocation(fast.residual.collocation, "points")
    arrays |= _pack_collocation(fast.held_out.collocation, "held_out")
    if fast.has_learned_jacobian:
        learned = fast.learned_jacobian
        packed.header["learned_jacobian"] = {
            name: _number(getattr(learned, name)) for name in _LEARNED_NUMBERS
        }
        arrays |= {
            f"learned/{name}": getattr(learned, name) for name in _LEARNED_ARRAYS
        }
        arrays["learned/nodes"] = learned.interpolator.y
        arrays["learned/values"] = np.asarray(learned.values)
        arrays["learned/row_factors"] = learned.residual.row_factors
        arrays |= _pack_collocation(learned.residual.collocation, "learned/points")
    return packed


def unpack_fast_model(header: dict, arrays: dict, given: dict, data=None) -> dict:
    """Arguments of ``FastModel``.

    Args:
        header: From ``pack_fast_model``.
        arrays: The same.
        given: Functions of the user's, as for ``unpack_functions``.
        data: ``None``, or the ``ParametricPDE``.
    """
    space = ParameterSpace.from_dict(header["parameter_space"])
    functions = unpack_functions(header["functions"], arrays, given)
    full, reduced = (
        unpack_fast(
            space,
            functions,
            below(arrays, name),
            arrays["kept"],
            int(header["full_size"]),
        )
        for name in ("full", "reduced")
    )
    layers = [
        ReducedLayer(**numbers, **below(arrays, f"layer_{i}"))
        for i, numbers in enumerate(header["layers"])
    ]
    record = ProblemRecord(
        conditions=tuple(header["conditions"]), **below(arrays, "problem")
    )
    weights, number = header["loss_weights"], len(record.conditions)
    points = _unpack_collocation(below(arrays, "points"), number)
    held_out = _unpack_collocation(below(arrays, "held_out"), number)
    learned = None
    if header["learned_jacobian"] is not None:
        stored = below(arrays, "learned")
        few = _unpack_collocation(below(stored, "points"), number, points.frozen)
        learned = LearnedJacobian(
            LearnedJacobian.interpolate(stored["nodes"]),
            tf.constant(stored["values"], full.compute_dtype),
            Residual(data, few, weights, stored["row_factors"]),
            **{name: stored[name] for name in _LEARNED_ARRAYS},
            **{name: header["learned_jacobian"][name] for name in _LEARNED_NUMBERS},
        )
    return {
        "full": full,
        "reduced": reduced,
        "layers": layers,
        "residual": Residual(data, points, weights),
        "held_out": Residual(data, held_out, weights),
        "num_nodes": int(header["num_nodes"]),
        "seconds": header["seconds"],
        "learned_jacobian": learned,
        "problem_record": record,
        "choices": {
            GaussNewton(**choice["solver"]): (choice["jacobian"], choice["damping"])
            for choice in header["choices"]
        },
    }


def _number(value):
    return int(value) if isinstance(value, (int, np.integer)) else float(value)


def _pack_collocation(collocation: Collocation, prefix: str) -> dict[str, np.ndarray]:
    arrays = {f"{prefix}/pde": collocation.pde_points}
    for i, (points, selection) in enumerate(
        zip(collocation.condition_points, collocation.selections, strict=True)
    ):
        arrays[f"{prefix}/condition_{i}"] = points
        if selection is not None:
            arrays[f"{prefix}/selection_{i}"] = selection
    return arrays


def _unpack_collocation(arrays: dict, number: int, frozen=None) -> Collocation:
    points = tuple(arrays[f"condition_{i}"] for i in range(number))
    return Collocation(
        points,
        arrays["pde"],
        tuple(arrays.get(f"selection_{i}") for i in range(number)),
        FrozenPoints(points) if frozen is None else frozen,
    )
