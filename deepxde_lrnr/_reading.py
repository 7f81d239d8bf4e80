"""Parameters in any of the forms in which users write them, as arrays of columns."""

from __future__ import annotations

import numpy as np

from ._axes import normalized
from ._checks import as_reals


def numeric(value, name):
    """Returns a new float64 array of the real numbers in `value`."""
    return as_reals(name, value).astype(np.float64)


def from_mapping(names, mu, name: str) -> np.ndarray:
    """Array of shape (n, p) from a mapping of each name to a number or n of them.

    Args:
        names: Of the parameters.
        mu: The mapping.
        name: What messages call it.

    Raises:
        TypeError: If its values are not real numbers.
        ValueError: If names are missing or unknown, or a shape is wrong.
    """
    mu = normalized({key: mu[key] for key in mu.keys()}, name)
    missing = [key for key in names if key not in mu]
    unknown = [key for key in mu.keys() if key not in names]
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] if missing else []
        parts += [f"has unknown {', '.join(map(str, unknown))}"] if unknown else []
        raise ValueError(
            f"{name} {' and '.join(parts)}; the parameters are {', '.join(names)}."
        )
    columns = [numeric(mu[key], f"{name}[{key!r}]") for key in names]
    for key, column in zip(names, columns, strict=True):
        if column.ndim > 1:
            raise ValueError(
                f"{name}[{key!r}] must be a scalar or one-dimensional, "
                f"got shape {column.shape}."
            )
    try:
        columns = np.broadcast_arrays(*map(np.atleast_1d, columns))
    except ValueError:
        sizes = zip(names, (column.size for column in columns), strict=True)
        raise ValueError(
            f"the values in {name} must be of one length or scalar, got lengths "
            f"{', '.join(f'{key}: {size}' for key, size in sizes)}."
        ) from None
    return np.stack(columns, axis=1)


def from_array(names, mu, name: str) -> np.ndarray:
    """Array of shape (n, p) from one of that shape, or of (p,).

    Args:
        names: Of the parameters.
        mu: The array, or a number if p = 1.
        name: What messages call it.

    Raises:
        TypeError: If it does not consist of real numbers.
        ValueError: If the shape is another.
    """
    dim = len(names)
    array = numeric(mu, name)
    shape = array.shape
    if array.ndim == 0 and dim == 1:
        array = array[None]
    if array.ndim == 1 and array.size > 0:
        array = array[None, :]
    if array.ndim == 2 and array.shape[1] == dim:
        return array
    if array.size == 0:
        raise ValueError(
            f"{name} is empty, expected shape ({dim},) or (n, {dim}), "
            f"got shape {shape}."
        )
    raise ValueError(
        f"{name} must have shape ({dim},) or (n, {dim}), with columns "
        f"{', '.join(names)}, got shape {shape}."
    )
