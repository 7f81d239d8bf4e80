"""What a file has of a reduced basis, checked."""

from __future__ import annotations

import numpy as np

# Of the functions, in the order in which their constructors take them.
FUNCTIONS = ("mu", "readouts", "transform")
# The interpolation solves a system of this size.
_MAX_NODES = 2**13


def check_arrays(arrays: dict, size: int, num_parameters: int) -> None:
    """Checks the arrays of a basis against each other.

    Args:
        arrays: From ``pack_basis``, without "basis/" before their names.
        size: Number of unknowns of the trial space with all neurons.
        num_parameters: p.

    Raises:
        KeyError: If one is missing.
        ValueError: If they contradict each other.
    """
    count, p = len(arrays["mu"]), num_parameters
    n = arrays["transform"].shape[-1] if arrays["transform"].ndim else 0
    m, k = len(arrays["nodes"]), len(arrays["checked"])
    expected = {
        "mu": (count, p),
        "readouts": (count, size),
        "transform": (count, n),
        "checked": (k, p),
        "errors": (k,),
        "interpolation_errors": (k,),
        "residuals": (k,),
        "nodes": (m, p),
        "coefficients": (m, n),
    }
    for name, shape in expected.items():
        array = arrays[name]
        if array.shape != shape or array.dtype.kind != "f":
            raise ValueError(f"basis/{name} has the shape {array.shape}, not {shape}")
        # What could not be solved has no error.
        if not name.endswith("errors") and not np.isfinite(array).all():
            raise ValueError(f"basis/{name} has entries that are NaN or infinite")
    if not 0 < n <= count or not 0 < m <= _MAX_NODES:
        raise ValueError(f"the basis has {n} functions and {m} nodes")


def is_usable(errors: np.ndarray, tolerance: float) -> bool:
    """Whether a basis reaches its tolerance at the mu where its error is known."""
    # A comparison with NaN is false.
    return bool(np.all(errors <= tolerance))
