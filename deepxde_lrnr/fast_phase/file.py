"""A reduced model as header and arrays, and back."""

from __future__ import annotations

import numpy as np

from ..data.collocation import Collocation, FrozenPoints
from ..data.problem_record import ProblemRecord
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
from ..taylor.jets import MultiIndices
from ..taylor.precision import Precision
from .expansion import Expansion
from .trial_space import RandomFeatures

KIND = "fast model"
# No PDE has derivatives of a higher order in one variable.
_HIGHEST = 12
# Of the first design, whose files have none, there is no fast phase any more.
_DESIGN = 2
_LAYER_ARRAYS = ("indices", "map", "singular_values")
_LAYER_NUMBERS = ("modes", "condition", "error_values", "error_derivatives")
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
        "seconds": {name: float(value) for name, value in fast.seconds.items()},
        "conditions": list(record.conditions),
        "design": _DESIGN,
        "expansion": _pack_expansion(fast),
        "single_precision": fast.precision.single,
        "choice": list(fast.choice),
        "watches_start": fast.__dict__.get("watches_start"),
        "rcond": fast.__dict__.get("rcond"),
        "error_per_residual": fast.error_per_residual,
    }
    arrays = packed.arrays
    arrays["kept"] = full.kept
    arrays |= pack_weights(full, "full") | pack_weights(fast.reduced, "reduced")
    for i, layer in enumerate(fast.layers):
        arrays |= {f"layer_{i}/{name}": getattr(layer, name) for name in _LAYER_ARRAYS}
    arrays |= {f"problem/{name}": getattr(record, name) for name in _RECORD_ARRAYS}
    arrays |= _pack_collocation(fast.residual.collocation, "points")
    arrays |= _pack_collocation(fast.held_out.collocation, "held_out")
    arrays["random/weights"] = fast.space.random.weights
    arrays["random/shifts"] = fast.space.random.shifts
    return packed


def unpack_fast_model(header: dict, arrays: dict, given: dict, data=None) -> dict:
    """Arguments of ``FastModel``.

    Args:
        header: From ``pack_fast_model``.
        arrays: The same.
        given: Functions of the user's, as for ``unpack_functions``.
        data: ``None``, or the ``ParametricPDE``.

    Raises:
        ValueError: If the header contradicts itself, or is that of the first design.
    """
    if header.get("design") != _DESIGN:
        raise OldDesign
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
    precision = Precision(full)
    precision.single |= {str(k): str(v) for k, v in header["single_precision"].items()}
    expansion, watches = header["expansion"], header["watches_start"]
    rcond = header["rcond"]
    if rcond is not None and not 0 < rcond < 1:
        raise ValueError(f"rcond is {rcond!r}")
    per_residual = header.get("error_per_residual")
    if per_residual is not None and not 0 <= per_residual < np.inf:
        raise ValueError(f"error_per_residual is {per_residual!r}")
    if expansion is not None:
        expansion = _unpack_expansion(expansion, len(record.low))
    return {
        "full": full,
        "reduced": reduced,
        "layers": layers,
        "residual": Residual(data, points, weights),
        "held_out": Residual(data, held_out, weights),
        "precision": precision,
        "random": RandomFeatures(**below(arrays, "random")),
        "expansion": expansion,
        "seconds": header["seconds"],
        "choice": tuple(map(str, header["choice"])),
        "watches_start": None if watches is None else bool(watches),
        "rcond": None if rcond is None else float(rcond),
        "problem_record": record,
        "error_per_residual": None if per_residual is None else float(per_residual),
    }


class OldDesign(ValueError):
    """The file holds what the fast phase of the first design needed."""


def _pack_expansion(fast) -> dict | None:
    expansion = fast.__dict__.get("expansion")
    if expansion is None:
        return None
    indices = expansion.indices
    return {
        "indices": None if indices is None else [list(i) for i in indices.indices],
        "num_equations": expansion.num_equations,
    }


def _unpack_expansion(packed: dict, dim: int) -> Expansion:
    indices = packed["indices"]
    if indices is not None:
        indices = [tuple(map(int, index)) for index in indices]
        most = max(max(index, default=0) for index in indices)
        if any(len(i) != dim or min(i) < 0 for i in indices) or most > _HIGHEST:
            raise ValueError(f"the derivatives are {packed['indices']!r}")
        indices = MultiIndices(indices)
    return Expansion(indices, int(packed["num_equations"]))


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
