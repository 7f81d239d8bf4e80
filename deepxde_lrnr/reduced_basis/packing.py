"""A reduced basis as header and arrays, and back."""

from __future__ import annotations

from ..data.collocation import Collocation
from ..data.residual import Residual
from ..io.sizes import below
from .arrays import FUNCTIONS, check_arrays
from .functions import BasisFunctions
from .interpolation import Interpolation
from .model import ReducedBasis

_NUMBERS = (
    "checked",
    "errors",
    "interpolation_errors",
    "residuals",
    "sizes",
    "decay",
)
_POINTS = ("residual", "held_out")


def pack_basis(basis: ReducedBasis | None) -> tuple[dict | None, dict]:
    """Header and arrays; of no basis ``None`` and none."""
    if basis is None:
        return None, {}
    header = {
        "tolerance": basis.tolerance,
        "seconds": basis.seconds,
    }
    arrays = {name: getattr(basis.functions, name) for name in FUNCTIONS}
    arrays |= {name: getattr(basis, name) for name in _NUMBERS}
    arrays["nodes"] = basis.interpolation.nodes
    arrays["coefficients"] = basis.interpolation.coefficients
    for part in _POINTS:
        named = getattr(basis, part).collocation.to_arrays()
        arrays |= {f"{part}/{name}": array for name, array in named.items()}
    return header, {f"basis/{name}": array for name, array in arrays.items()}


def unpack_basis(header: dict, arrays: dict, fast) -> ReducedBasis:
    """The basis of a ``FastModel``.

    Args:
        header: From ``pack_basis``.
        arrays: The same, without "basis/" before their names.
        fast: The model that the rest of the file makes.

    Raises:
        ValueError: If the arrays contradict the model or each other.
    """
    space, data = fast.all_neurons_space, fast.residual.data
    check_arrays(arrays, space.size, fast.parameter_space.dim)
    if fast.expansion.indices is None:
        raise ValueError("the basis has no derivatives")
    weights, number = fast.residual.loss_weights, len(fast.problem_record.conditions)
    residual, held_out = (
        Residual(data, Collocation.from_arrays(below(arrays, part), number), weights)
        for part in _POINTS
    )
    return ReducedBasis(
        functions=BasisFunctions(space, *(arrays[name] for name in FUNCTIONS)),
        residual=residual,
        held_out=held_out,
        indices=fast.expansion.indices,
        interpolation=Interpolation(arrays["nodes"], arrays["coefficients"]),
        tolerance=float(header["tolerance"]),
        seconds=float(header["seconds"]),
        **{name: arrays[name] for name in _NUMBERS},
    )
