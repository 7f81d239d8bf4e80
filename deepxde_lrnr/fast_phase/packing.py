"""A reduced model as header and arrays, and back."""

from __future__ import annotations

import numpy as np

from ..data.collocation import Collocation
from ..data.problem_record import ProblemRecord
from ..data.residual import Residual
from ..io.networks import unpack_fast
from ..io.sizes import below
from ..io.user_functions import Packed, pack_functions, unpack_functions
from ..io.weights import pack_weights
from ..parameters import ParameterSpace
from ..reduction import ReducedLayer
from ..taylor.anchors import ARRAYS, Anchors, unpack_anchors
from ..taylor.precision import Precision
from .expansion import Expansion
from .random_features import RandomFeatures

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
    # What has not been looked at is not found out to be saved.
    expansion = fast.__dict__.get("expansion")
    packed = pack_functions(full, len(record.low), stacklevel + 1)
    packed.header = {
        "parameter_space": fast.parameter_space.to_dict(),
        "dtype": full.compute_dtype,
        "functions": packed.header,
        "full_size": full.full_size,
        "layers": [
            {name: np.asarray(getattr(layer, name)).item() for name in _LAYER_NUMBERS}
            for layer in fast.layers
        ],
        "loss_weights": fast.residual.loss_weights,
        "seconds": {name: float(value) for name, value in fast.seconds.items()},
        "conditions": list(record.conditions),
        "design": _DESIGN,
        "expansion": expansion.to_dict() if expansion else None,
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
    for prefix, residual in (("points", fast.residual), ("held_out", fast.held_out)):
        named = residual.collocation.to_arrays()
        arrays |= {f"{prefix}/{name}": array for name, array in named.items()}
    arrays["random/weights"] = fast.space.random.weights
    arrays["random/shifts"] = fast.space.random.shifts
    arrays |= pack_anchors(fast.space.anchors)
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
    kept = arrays["kept"], int(header["full_size"])
    full, reduced = (
        unpack_fast(space, functions, below(arrays, name), *kept)
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
    residual, held_out = (
        Residual(data, Collocation.from_arrays(below(arrays, name), number), weights)
        for name in ("points", "held_out")
    )
    precision = Precision(full)
    precision.single |= {str(k): str(v) for k, v in header["single_precision"].items()}
    watches, rcond = header["watches_start"], header["rcond"]
    if rcond is not None and not 0 < rcond < 1:
        raise ValueError(f"rcond is {rcond!r}")
    per_residual = header.get("error_per_residual")
    if per_residual is not None and not 0 <= per_residual < np.inf:
        raise ValueError(f"error_per_residual is {per_residual!r}")
    expansion = header["expansion"]
    if expansion is not None:
        expansion = Expansion.from_dict(expansion, len(record.low))
    return {
        "full": full,
        "reduced": reduced,
        "layers": layers,
        "residual": residual,
        "held_out": held_out,
        "precision": precision,
        "random": RandomFeatures(**below(arrays, "random")),
        "expansion": expansion,
        "seconds": header["seconds"],
        "choice": tuple(map(str, header["choice"])),
        "watches_start": None if watches is None else bool(watches),
        "rcond": None if rcond is None else float(rcond),
        "problem_record": record,
        "error_per_residual": None if per_residual is None else float(per_residual),
        "anchors": unpack_anchors(
            arrays,
            space,
            (full.stack.W_in.shape[0], full.stack.num_outputs, sum(full.stack.widths)),
        ),
    }


def pack_anchors(anchors: Anchors | None) -> dict:
    """Arrays of a file; of no anchors none."""
    if anchors is None:
        return {}
    return {f"anchors/{name}": getattr(anchors, name) for name in ARRAYS}


class OldDesign(ValueError):
    """The file holds what the fast phase of the first design needed."""
