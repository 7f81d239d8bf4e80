"""Nested Python values as JSON and arrays, the two things that a file can hold."""

from __future__ import annotations

import math

import numpy as np

# An array dtype that a file can hold: bool, integers, unsigned integers, floats.
_KINDS = "biuf"


def pack(value):
    """Splits a nested value into what JSON can say and arrays.

    Args:
        value: ``None``, a bool, a number, a string, an array or scalar of NumPy, or a
            list, a tuple or a dictionary (with strings as keys) of such values.

    Returns:
        A value for JSON, and a dictionary of the arrays in it.

    Raises:
        TypeError: If a value is of another type.
    """
    arrays = {}
    return _pack(value, arrays), arrays


def unpack(packed, arrays: dict[str, np.ndarray]):
    """The value from which ``pack`` made ``packed`` and ``arrays``, exactly."""
    if isinstance(packed, list):
        return [unpack(item, arrays) for item in packed]
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    if kind == "float":
        return float(content)
    if kind == "array":
        return arrays[content]
    if kind == "scalar":
        return arrays[content][()]
    if kind == "rows":
        return list(arrays[content])
    if kind == "tuple":
        return tuple(unpack(item, arrays) for item in content)
    return {key: unpack(item, arrays) for key, item in content.items()}


def _pack(value, arrays):
    if isinstance(value, (np.ndarray, np.generic)):
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return {kind: _add(value, arrays)}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, list):
        # A loss history: one array, not one for each of thousands of steps.
        if len(value) > 1 and _are_rows(value):
            return {"rows": _add(np.stack(value), arrays)}
        return [_pack(item, arrays) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [_pack(item, arrays) for item in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _pack(item, arrays) for key, item in value.items()}}
    raise TypeError(f"A {type(value).__name__} cannot be written to a file.")


def _add(array, arrays) -> str:
    array = np.asarray(array)
    if array.dtype.kind not in _KINDS:
        raise TypeError(f"An array of dtype {array.dtype} cannot be written to a file.")
    name = f"array{len(arrays)}"
    arrays[name] = array
    return name


def _are_rows(values: list) -> bool:
    first = values[0]
    return all(
        isinstance(value, np.ndarray)
        and value.ndim > 0
        and (value.shape, value.dtype) == (first.shape, first.dtype)
        for value in values
    )
