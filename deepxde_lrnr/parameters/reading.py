"""Parameters in any of the forms in which users write them, as arrays of columns."""

from __future__ import annotations

import numpy as np

from .._checks import as_reals
from .axes import Axis, normalized


def numeric(value, name):
    """Returns a new float64 array of the real numbers in `value`."""
    return as_reals(name, value).astype(np.float64)


def from_mapping(axes, mu, name: str) -> tuple[np.ndarray, bool]:
    """Reads a mapping of each name to one value or n of them.

    A value is a number, or for a vector an array of its entries. Instead of a vector
    there may be its columns, each by its own name, as tables have them.

    Args:
        axes: List of ``Axis``.
        mu: The mapping.
        name: What messages call it.

    Returns:
        Array of shape (n, p), and whether it was written as one parameter.

    Raises:
        TypeError: If its values are not real numbers.
        ValueError: If names are missing or unknown, or a shape is wrong.
    """
    mu = normalized({key: mu[key] for key in mu.keys()}, name)
    parts = [part for axis in axes for part in _written(axis, mu)]
    names = [part.name for part in parts]
    missing = [key for key in names if key not in mu]
    unknown = [key for key in mu.keys() if key not in names]
    if missing or unknown:
        clauses = [f"lacks {', '.join(missing)}"] if missing else []
        if unknown:
            clauses.append(f"has unknown {', '.join(map(str, unknown))}")
        raise ValueError(
            f"{name} {' and '.join(clauses)}; the parameters are "
            f"{', '.join(map(_with_size, axes))}."
        )
    blocks, single = [], True
    for part in parts:
        block, one = _block(part, mu[part.name], f"{name}[{part.name!r}]")
        blocks.append(block)
        single &= one
    lengths = {len(block) for block in blocks} - {1}
    if len(lengths) > 1:
        sizes = zip(names, map(len, blocks), strict=True)
        raise ValueError(
            f"{name} has values of the lengths "
            f"{', '.join(f'{key}: {size}' for key, size in sizes)}; they must be of "
            "one length, or scalars."
        )
    length = lengths.pop() if lengths else 1
    blocks = [np.broadcast_to(b, (length, b.shape[1])) for b in blocks]
    return np.concatenate(blocks, axis=1), single


def _with_size(axis: Axis) -> str:
    return axis.name if axis.size is None else f"{axis.name} ({axis.size} entries)"


def _written(axis: Axis, mu: dict) -> list[Axis]:
    """The axis, or its columns where these are what is written."""
    columns = [Axis(name, (), (), axis.log, None) for name in axis.columns]
    apart = axis.name not in mu and any(column.name in mu for column in columns)
    return columns if apart else [axis]


def _block(axis: Axis, value, name: str) -> tuple[np.ndarray, bool]:
    """Columns of one axis, shape (n, size), and whether n was not written."""
    array = numeric(value, name)
    if axis.size is None:
        if array.ndim > 1:
            raise ValueError(
                f"{name} has shape {array.shape}; it must be a scalar or one-"
                "dimensional."
            )
        return array.reshape(-1, 1), array.ndim == 0
    if array.ndim not in (1, 2) or array.shape[-1] != axis.size:
        raise ValueError(
            f"{name} has shape {array.shape}; it must be ({axis.size},) or "
            f"(n, {axis.size}), a vector of {axis.size} entries."
        )
    return array.reshape(-1, axis.size), array.ndim == 1


def from_array(names, mu, name: str) -> tuple[np.ndarray, bool]:
    """Reads an array of shape (n, p), or of (p,).

    Args:
        names: Of the columns.
        mu: The array, or a number if p = 1.
        name: What messages call it.

    Returns:
        Array of shape (n, p), and whether it was written as one parameter.

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
        return array, len(shape) < 2
    if array.size == 0:
        raise ValueError(
            f"{name} is empty, of shape {shape}; it must be ({dim},) or (n, {dim})."
        )
    raise ValueError(
        f"{name} has shape {shape}; it must be ({dim},) or (n, {dim}), with columns "
        f"{', '.join(names)}."
    )
