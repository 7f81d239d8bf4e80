"""Checks of arguments, made where the user's arrays enter."""

import math
from numbers import Integral, Real

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
        raise ValueError(f"{name} must be a 2-D array, got shape {array.shape}.")
    if array.size == 0:
        raise ValueError(f"{name} is empty: got shape {array.shape}.")
    if rows is not None and array.shape[0] != rows:
        raise ValueError(
            f"{name} must have {rows} rows, one per neuron, got shape {array.shape}; "
            f"snapshots or modes have {rows}."
        )
    array = array.astype(np.float64, copy=False)
    # One pass instead of a mask as large as the array: a sum is finite only if every
    # term is. The mask is needed only to tell an overflow of the sum from bad entries.
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(array.sum())
    if not finite and not np.isfinite(array).all():
        bad = np.count_nonzero(~np.isfinite(array))
        raise ValueError(
            f"{name} must be finite, got {bad} NaN or infinite entries of {array.size}."
        )
    return array


def as_reals(name: str, array: ArrayLike) -> np.ndarray:
    """Returns `array` as an array of real numbers, or says what is wrong."""
    try:
        array = np.asarray(array)
    except ValueError:
        raise ValueError(
            f"{name} must be a rectangular array, got rows of different lengths."
        ) from None
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{name} must be real numbers, got dtype {array.dtype}.")
    return array


def as_modes(modes: ArrayLike) -> np.ndarray:
    """Returns `modes` as a matrix with at most as many columns as rows."""
    modes = as_matrix("modes", modes)
    if modes.shape[1] > modes.shape[0]:
        raise ValueError(
            f"modes must have shape (neurons, modes) with no more modes than neurons, "
            f"got {modes.shape}."
        )
    return modes


def as_number(name: str, value: float, what: str, fits) -> float:
    """Returns `value` as a finite float in the range that `fits` tells, or says what is
    wrong.
    """
    number = isinstance(value, Real) and not isinstance(value, bool)
    try:
        number = number and math.isfinite(value) and fits(float(value))
    except OverflowError:  # an int beyond the range of floats
        number = False
    if not number:
        raise ValueError(f"{name} must be {what}, got {value!r}.")
    return float(value)


def as_size(name: str, value: int) -> int:
    """Returns `value` as an int of at least 1, or says what is wrong."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name} must be an integer, got {value!r}.")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}.")
    return int(value)
