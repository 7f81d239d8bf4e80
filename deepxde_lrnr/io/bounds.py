"""How large the results of a saved function can get, before any of it is computed.

A file may be by someone who means harm: operations such as ``Fill`` take the size of
their result from a number, and 2^80 entries end the process, or the machine. So the
shape of every result is found first, from the shapes of the inputs alone, operation by
operation, and has to be what a row of points needs. A shape that depends on the values
of x, mu or u, not on their number, is refused: it could be anything.

Numbers that decide about shapes are computed on the way: constants, and what is made
of the number of rows by a few harmless operations (``_OF_SHAPES``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from .functions import call
from .programs import ALL_RESULTS, CONSTANT, NotStorable, Program

# Numbers of rows that are tried, up to those of a large prediction.
_ROWS = (1, 2, 100, 65_536)
# Entries of what decides about shapes: sizes, axes, indices.
_SMALL = 4096
_MAX_OUTPUTS = 2**12

# What gives the shape of its input, and what may be done with it, so that it can
# still decide about shapes.
_SHAPES = ("Shape", "ShapeN", "Size", "Rank")
_OF_SHAPES = frozenset(
    """
    Add AddV2 BroadcastGradientArgs Cast ConcatV2 ExpandDims GatherV2 Identity Maximum
    Minimum Mul Pack Prod Range Reshape Slice Squeeze StridedSlice Unpack
    """.split()
)
# Entry by entry, of arguments of one type: TensorFlow need not be asked for shapes.
_ENTRIES = frozenset(
    """
    Abs Add AddV2 Atan Cos Cosh DivNoNan Elu Erf Exp Identity Log Log1p Maximum Minimum
    Mul Neg Pow RealDiv Relu Rsqrt Selu Sigmoid Sign Sin Sinh Softplus Sqrt Square
    SquaredDifference Sub Tan Tanh
    """.split()
)
# Arguments that say how large a result is; the product of their entries bounds it, up
# to the size of the other arguments.
_SIZES = {
    "BroadcastTo": ("shape",),
    "Fill": ("dims",),
    "LinSpace": ("num",),
    "MatrixDiagV3": ("num_rows", "num_cols"),
    "OneHot": ("depth",),
    "Reshape": ("shape",),
    "StridedSliceGrad": ("shape",),
    "Tile": ("multiples",),
    "UnsortedSegmentSum": ("num_segments",),
}
_NUMBERS_OF_OUTPUTS = ("num", "num_split")


class TooLarge(NotStorable):
    """A function has results larger than a row of points needs, or of unknown size."""


@dataclass(frozen=True)
class _Result:
    """What is known of a result.

    Attributes:
        shape: Its shape.
        dtype: TensorFlow's type.
        value: Array, if it is known.
        rows: Whether it, or its shape, may depend on the number of rows.
    """

    shape: tuple[int, ...]
    dtype: tf.DType
    value: np.ndarray | None
    rows: bool

    @property
    def size(self) -> int:
        return math.prod(self.shape)


def check_sizes(program: Program, columns, dtype: str) -> int:
    """Checks that every result of a program has a size that a row of points needs.

    Args:
        program: From ``functions.parse``.
        columns: Number of columns of each input.
        dtype: Type of the inputs.

    Returns:
        Number of columns of its result.

    Raises:
        TooLarge: If a result is larger, or its size depends on values.
        NotStorable: If the program has another number of inputs, or does not return
            a row of numbers of this type for each row.
    """
    if program.num_inputs != len(columns):
        raise NotStorable(
            f"it takes {program.num_inputs} arguments instead of {len(columns)}"
        )
    known = {}
    try:
        found = {_columns(program, columns, dtype, rows, known) for rows in _ROWS}
    except NotStorable:
        raise
    # TensorFlow's, on operations that do not fit together, are of any type.
    except Exception as error:
        raise NotStorable(f"its sizes cannot be found ({error})") from error
    if len(found) > 1:
        raise NotStorable("the number of its columns depends on the number of rows")
    return found.pop()


def _columns(program, columns, dtype, rows: int, known: dict) -> int:
    """The same for one number of rows; ``known`` keeps what does not depend on it."""
    inputs = [_Result((rows, n), tf.as_dtype(dtype), None, True) for n in columns]
    results = [[result] for result in inputs]
    limit = program.most_entries(rows)
    left = ALL_RESULTS * limit
    graph = tf.Graph()
    for number, node in enumerate(program.nodes, len(inputs)):
        made = known.get(number)
        if made is None:
            made = _results(node, results, limit, graph)
            if not any(result.rows for result in made):
                known[number] = made
        left -= sum(result.size for result in made)
        if left < 0:
            raise TooLarge(
                "its results have together more entries than a row of points needs"
            )
        results.append(made)
    i, j = program.output
    output = results[i][j]
    if len(output.shape) != 2 or output.shape[0] != rows or output.dtype != dtype:
        raise NotStorable(
            f"it makes {output.dtype.name} of shape {output.shape} of {rows} rows of "
            f"{dtype}"
        )
    return output.shape[1]


def _results(node, results, limit: int, graph) -> list[_Result]:
    """What is known of the outputs of an operation, from its arguments.

    Args:
        node: The operation.
        results: Those of the inputs and of the operations before.
        limit: Number of entries that a result may have.
        graph: ``tf.Graph`` in which TensorFlow is asked for shapes.
    """
    if node.kind == CONSTANT:
        array = np.asarray(node.arguments)
        return [_Result(array.shape, tf.as_dtype(array.dtype), array, False)]

    def pick(reference) -> _Result | list[_Result]:
        if isinstance(reference, list):
            return [results[i][j] for i, j in reference]
        i, j = reference
        return results[i][j]

    arguments = {name: pick(reference) for name, reference in node.arguments.items()}
    flat = [a for given in arguments.values() for a in _listed(given)]
    _check_numbers(node, arguments, limit)
    rows = any(a.rows for a in flat)
    computed = all(a.value is not None and a.size <= _SMALL for a in flat)
    computed &= not rows or node.kind in _OF_SHAPES
    if node.kind in _ENTRIES and len({a.dtype for a in flat}) == 1:
        shape = np.broadcast_shapes(*(a.shape for a in flat))
        made = [_Result(shape, flat[0].dtype, None, rows)]
    else:
        with graph.as_default():
            outputs = call(node, _mapped(arguments, _stand_in), node.attributes)
        made = [
            _Result(_static(tensor, node, computed), tensor.dtype, None, rows)
            for tensor in tf.nest.flatten(outputs)
        ]
    if any(result.size > limit for result in made):
        raise _too_large(node, limit)
    if node.kind in _SHAPES:
        values = [np.array(_shape_of(node.kind, a), int) for a in flat]
    elif computed and all(result.size <= _SMALL for result in made):
        with tf.device("CPU"):
            outputs = call(node, _mapped(arguments, _tensor), node.attributes)
        values = [tensor.numpy() for tensor in tf.nest.flatten(outputs)]
    else:
        return made
    return [
        _Result(np.shape(v), m.dtype, np.asarray(v, m.dtype.as_numpy_dtype), rows)
        for v, m in zip(values, made, strict=True)
    ]


def _check_numbers(node, arguments: dict, limit: int) -> None:
    """Checks what sizes an operation is asked for, in arguments and attributes."""
    for name in _NUMBERS_OF_OUTPUTS:
        number = node.attributes.get(name, 0)
        if not (isinstance(number, int) and 0 <= number <= _MAX_OUTPUTS):
            raise TooLarge(f"{node.kind} has {number!r} results")
    size = 1
    for name in _SIZES.get(node.kind, ()):
        value = _value(node, arguments.get(name))
        size *= math.prod(max(int(n), 1) for n in value.ravel())
    if node.kind in ("Pad", "PadV2", "MirrorPad"):
        size = sum(abs(int(n)) for n in _value(node, arguments["paddings"]).ravel())
    if node.kind == "Range":
        start, stop, step = (
            float(_value(node, arguments[name])) for name in ("start", "limit", "delta")
        )
        size = abs((stop - start) / step) if step else math.inf
    if not size <= limit:
        raise _too_large(node, limit)


def _value(node, argument) -> np.ndarray:
    if argument is None or argument.value is None:
        raise TooLarge(f"the size of a result of {node.kind} depends on values")
    return argument.value


def _too_large(node, limit: int) -> TooLarge:
    return TooLarge(f"{node.kind} has a result of more than {limit} entries")


def _static(tensor, node, computed: bool) -> tuple[int, ...]:
    """The shape that TensorFlow knows before computing."""
    if tensor.shape.is_fully_defined():
        return tuple(tensor.shape)
    if computed:  # as many axes as there are, from BroadcastGradientArgs
        return ()
    raise TooLarge(f"the shape of a result of {node.kind} depends on values")


def _shape_of(kind: str, argument: _Result):
    if kind == "Size":
        return argument.size
    return len(argument.shape) if kind == "Rank" else argument.shape


def _listed(given) -> list:
    return given if isinstance(given, list) else [given]


def _mapped(arguments: dict, function) -> dict:
    return {
        name: [function(a) for a in given]
        if isinstance(given, list)
        else function(given)
        for name, given in arguments.items()
    }


def _stand_in(argument: _Result):
    """What TensorFlow finds shapes by: values where they may decide about them."""
    if argument.value is not None and argument.size <= _SMALL:
        return _tensor(argument)
    return tf.compat.v1.placeholder(argument.dtype, argument.shape)


def _tensor(argument: _Result):
    return tf.constant(argument.value, argument.dtype)
