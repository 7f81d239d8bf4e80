"""TensorFlow's mathematical operations in NumPy: sums and products.

As in ``numpy_operations``, values only.
"""

from __future__ import annotations

import math

import numpy as np

from .numpy_operations import Table

SUMS = Table()


# Along axes


def axes(axis) -> tuple[int, ...]:
    """Integers, or one, as NumPy takes axes and shapes."""
    return tuple(int(i) for i in np.ravel(axis))


def _reduction(function):
    def run(input, axis, keep_dims=False):
        # NumPy adds short integers in long ones.
        result = function(input, axis=axes(axis), keepdims=keep_dims)
        return np.asarray(result).astype(input.dtype)

    return run


for _name, _function in (
    ("All", np.all),
    ("Any", np.any),
    ("Max", np.max),
    ("Mean", np.mean),
    ("Min", np.min),
    ("Prod", np.prod),
    ("Sum", np.sum),
):
    SUMS.add(_name, _reduction(_function))


@SUMS.operation("EuclideanNorm")
def _euclidean_norm(input, axis, keep_dims=False):
    return np.sqrt(np.sum(np.square(input), axis=axes(axis), keepdims=keep_dims))


@SUMS.operation("L2Loss")
def _l2_loss(t):
    return np.sum(np.square(t)) / t.dtype.type(2)


@SUMS.operation("ArgMax")
def _argmax(input, dimension, output_type="int64"):
    return np.argmax(input, axis=int(dimension)).astype(output_type)


@SUMS.operation("ArgMin")
def _argmin(input, dimension, output_type="int64"):
    return np.argmin(input, axis=int(dimension)).astype(output_type)


@SUMS.operation("Softmax")
def _softmax(logits):
    e = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


@SUMS.operation("LogSoftmax")
def _log_softmax(logits):
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


def _accumulated(function, x, axis, exclusive, reverse):
    axis = int(axis)
    if exclusive:
        raise NotImplementedError("an exclusive sum or product")
    if reverse:
        x = np.flip(x, axis)
    x = function(x, axis=axis, dtype=x.dtype)
    return np.flip(x, axis) if reverse else x


@SUMS.operation("Cumsum")
def _cumsum(x, axis, exclusive=False, reverse=False):
    return _accumulated(np.cumsum, x, axis, exclusive, reverse)


@SUMS.operation("Cumprod")
def _cumprod(x, axis, exclusive=False, reverse=False):
    return _accumulated(np.cumprod, x, axis, exclusive, reverse)


@SUMS.operation("ReverseV2")
def _reverse(tensor, axis):
    return np.flip(tensor, axes(axis))


@SUMS.operation("Roll")
def _roll(input, shift, axis):
    return np.roll(input, axes(shift), axes(axis))


# Sums and products of arrays


@SUMS.operation("AddN")
def _add_n(inputs):
    if len({v.shape for v in inputs}) > 1:
        raise ValueError("the inputs have other shapes")
    return sum(inputs[1:], start=inputs[0])


def _swapped(matrix, swap: bool):
    return np.swapaxes(matrix, -1, -2) if swap else matrix


def _matrix_entries(a, b, transpose_a=False, transpose_b=False, **_) -> int:
    a, b = _swapped(a, transpose_a), _swapped(b, transpose_b)
    if a.ndim < 2 or b.ndim < 2:
        raise ValueError("a factor is no matrix")
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return math.prod(batch) * a.shape[-2] * b.shape[-1]


@SUMS.operation("MatMul", entries=_matrix_entries)
def _matmul(a, b, transpose_a=False, transpose_b=False, grad_a=False, grad_b=False):
    return _swapped(a, transpose_a) @ _swapped(b, transpose_b)


@SUMS.operation(
    "BatchMatMulV2",
    "BatchMatMulV3",
    entries=lambda x, y, adj_x=False, adj_y=False, **_: _matrix_entries(
        x, y, adj_x, adj_y
    ),
)
def _batch_matmul(
    x, y, Tout=None, adj_x=False, adj_y=False, grad_x=False, grad_y=False
):
    product = _swapped(x, adj_x) @ _swapped(y, adj_y)
    return product if Tout is None else product.astype(Tout)


@SUMS.operation("Cross")
def _cross(a, b):
    return np.cross(a, b)


@SUMS.operation("BiasAdd")
def _bias_add(value, bias, data_format="NHWC"):
    if data_format != "NHWC" or bias.shape != value.shape[-1:]:
        raise NotImplementedError("a bias of another axis than the last")
    return value + bias


def _einsum_work(inputs, equation) -> int:
    """Number of products that are added up, which bounds the result as well."""
    if "." in equation:
        raise NotImplementedError("an einsum with ...")
    parts = equation.replace(" ", "").partition("->")[0].split(",")
    sizes = {}
    for letters, array in zip(parts, inputs, strict=True):
        sizes |= dict(zip(letters, array.shape, strict=True))
    return math.prod(sizes.values())


@SUMS.operation("Einsum", entries=_einsum_work)
def _einsum(inputs, equation):
    return np.einsum(equation, *inputs)
