"""Checks of arguments, made where the user's arrays enter."""

import numpy as np
from numpy.typing import ArrayLike


def as_matrix(name: str, array: ArrayLike, rows: int | None = None) -> np.ndarray:
    """Returns `array` as a finite, nonempty float64 matrix, or says what is wrong.

    Args:
        name: Name of the argument, for the message.
        array: What the user gave.
        rows: The number of rows (neurons) it must have, if that is known.

    Raises:
        ValueError: If `array` is not made of real numbers, not 2-D, is empty, has
            another number of rows, or holds NaN or infinite numbers.
    """
    array = as_reals(name, array)
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}; it must be a 2-D array.")
    if array.size == 0:
        raise ValueError(f"{name} is empty, of shape {array.shape}.")
    if rows is not None and array.shape[0] != rows:
        raise ValueError(
            f"{name} has shape {array.shape}; it must have {rows} rows, one per "
            "neuron, as snapshots or modes have."
        )
    array = array.astype(np.float64, copy=False)
    # One pass instead of a mask as large as the array: a sum is finite only if every
    # term is. The mask is needed only to tell an overflow of the sum from bad entries.
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(array.sum())
    if not finite and not np.isfinite(array).all():
        bad = np.count_nonzero(~np.isfinite(array))
        raise ValueError(
            f"{name} has {bad} NaN or infinite entries of {array.size}; it must be "
            "finite."
        )
    return array


def as_reals(name: str, array: ArrayLike) -> np.ndarray:
    """Returns `array` as an array of real numbers, or says what is wrong."""
    try:
        array = np.asarray(array)
    except ValueError:
        raise ValueError(
            f"{name} has rows of different lengths; it must be a rectangular array."
        ) from None
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} has dtype {array.dtype}; it must be real numbers.")
    return array


def as_modes(modes: ArrayLike) -> np.ndarray:
    """Returns `modes` as a matrix with at most as many columns as rows."""
    modes = as_matrix("modes", modes)
    if modes.shape[1] > modes.shape[0]:
        raise ValueError(
            f"modes has shape {modes.shape}; it must be (neurons, modes) with no more "
            "modes than neurons."
        )
    return modes
