"""TensorFlow's mathematical operations in NumPy: shapes, parts, and arrays that grow.

As in ``numpy_operations``, values only.
"""

from __future__ import annotations

import math

import numpy as np

from .numpy_operations import Table
from .numpy_sums import axes

SHAPING = Table()
# Parts that an array may be taken into.
_MAX_PARTS = 2**12


@SHAPING.operation("Shape")
def _shape(input, out_type="int32"):
    return np.array(input.shape, out_type)


@SHAPING.operation("ShapeN")
def _shape_n(input, out_type="int32"):
    return [np.array(v.shape, out_type) for v in input]


@SHAPING.operation("Size")
def _size(input, out_type="int32"):
    return np.array(input.size, out_type)


@SHAPING.operation("Rank")
def _rank(input):
    return np.array(input.ndim, "int32")


@SHAPING.operation("Reshape")
def _reshape(tensor, shape):
    return tensor.reshape(axes(shape))


@SHAPING.operation("Squeeze")
def _squeeze(input, axis=()):
    return np.squeeze(input, tuple(axis) or None)


@SHAPING.operation("ExpandDims")
def _expand_dims(input, axis):
    return np.expand_dims(input, int(axis))


@SHAPING.operation("Transpose")
def _transpose(x, perm):
    return np.transpose(x, axes(perm))


def _together(values, **_) -> int:
    return sum(v.size for v in values)


@SHAPING.operation("ConcatV2", entries=_together)
def _concat(values, axis):
    return np.concatenate(values, int(axis))


@SHAPING.operation("Pack", entries=_together)
def _pack(values, axis=0):
    return np.stack(values, axis)


def _check_number(parts: int) -> None:
    if not 0 < parts <= _MAX_PARTS:
        raise ValueError(f"an array is taken into {parts} parts")


@SHAPING.operation("Unpack")
def _unpack(value, num, axis=0):
    _check_number(num)
    if value.shape[axis] != num:
        raise ValueError(f"there are {value.shape[axis]} parts of {num}")
    return list(np.moveaxis(value, axis, 0))


@SHAPING.operation("Split")
def _split(axis, value, num_split):
    _check_number(num_split)
    return np.split(value, num_split, int(axis))


@SHAPING.operation("SplitV")
def _split_v(value, size_splits, axis, num_split):
    _check_number(num_split)
    sizes, size = list(axes(size_splits)), value.shape[int(axis)]
    if -1 in sizes:
        sizes[sizes.index(-1)] = size - sum(sizes) - 1
    if sum(sizes) != size or min(sizes) < 0 or len(sizes) != num_split:
        raise ValueError(f"size_splits is {sizes}")
    return np.split(value, np.cumsum(sizes)[:-1], int(axis))


@SHAPING.operation("Slice")
def _slice(input, begin, size):
    begin, size = axes(begin), axes(size)
    return input[
        tuple(
            slice(b, None if s == -1 else b + s)
            for b, s in zip(begin, size, strict=True)
        )
    ]


@SHAPING.operation("StridedSlice")
def _strided_slice(
    input,
    begin,
    end,
    strides,
    begin_mask=0,
    end_mask=0,
    ellipsis_mask=0,
    new_axis_mask=0,
    shrink_axis_mask=0,
):
    index = []
    for i, (b, e, s) in enumerate(
        zip(axes(begin), axes(end), axes(strides), strict=True)
    ):
        bit = 1 << i
        if ellipsis_mask & bit:
            index.append(Ellipsis)
        elif new_axis_mask & bit:
            index.append(None)
        elif shrink_axis_mask & bit:
            index.append(b)
        else:
            first = None if begin_mask & bit else b
            index.append(slice(first, None if end_mask & bit else e, s))
    return input[tuple(index)]


def _gathered_entries(params, indices, axis, **_) -> int:
    size = max(1, params.shape[int(axis)])
    return indices.size * (params.size // size)


@SHAPING.operation("GatherV2", entries=_gathered_entries)
def _gather(params, indices, axis, batch_dims=0):
    if batch_dims:
        raise NotImplementedError("a gather with batch_dims")
    return np.take(params, indices, int(axis))


def _gathered_nd_entries(params, indices, **_) -> int:
    depth = indices.shape[-1]
    return math.prod(indices.shape[:-1]) * math.prod(params.shape[depth:])


@SHAPING.operation("GatherNd", entries=_gathered_nd_entries)
def _gather_nd(params, indices, bad_indices_policy=""):
    return params[tuple(np.moveaxis(indices, -1, 0))]


# Arrays that grow


def _product(sizes) -> int:
    return math.prod(max(int(n), 1) for n in np.ravel(sizes))


@SHAPING.operation(
    "Tile", entries=lambda input, multiples: max(input.size, 1) * _product(multiples)
)
def _tile(input, multiples):
    return np.tile(input, axes(multiples))


@SHAPING.operation("BroadcastTo", entries=lambda input, shape: _product(shape))
def _broadcast_to(input, shape):
    return np.broadcast_to(input, axes(shape))


@SHAPING.operation("Fill", entries=lambda dims, value, **_: _product(dims))
def _fill(dims, value, index_type=None):
    return np.full(axes(dims), value)


def _range_entries(start, limit, delta) -> float:
    step = float(delta)
    return abs((float(limit) - float(start)) / step) if step else math.inf


@SHAPING.operation("Range", entries=_range_entries)
def _range(start, limit, delta):
    return np.arange(start, limit, delta, start.dtype)


@SHAPING.operation("LinSpace", entries=lambda start, stop, num: _product(num))
def _linspace(start, stop, num):
    return np.linspace(start, stop, int(num), dtype=start.dtype)


def _one_hot_entries(indices, depth, **_) -> int:
    return max(indices.size, 1) * _product(depth)


@SHAPING.operation("OneHot", entries=_one_hot_entries)
def _one_hot(indices, depth, on_value, off_value, axis=-1):
    if axis != -1:
        raise NotImplementedError("OneHot along another axis than the last")
    return np.where(indices[..., None] == np.arange(int(depth)), on_value, off_value)


def _padded_entries(paddings, input, **_) -> int:
    if np.min(paddings, initial=0) < 0:
        raise ValueError("a padding is negative")
    # In Python's integers, which do not overflow.
    return math.prod(
        size + int(before) + int(after)
        for size, (before, after) in zip(input.shape, paddings, strict=True)
    )


@SHAPING.operation("Pad", entries=_padded_entries)
def _pad(input, paddings):
    return np.pad(input, paddings)


@SHAPING.operation("PadV2", entries=_padded_entries)
def _pad_v2(input, paddings, constant_values):
    return np.pad(input, paddings, constant_values=constant_values)
