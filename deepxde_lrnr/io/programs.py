"""Functions as lists of mathematical operations: what a file may say of them.

``functions`` writes them down and runs them by TensorFlow, ``numpy_functions`` runs
them by NumPy. Nothing here needs either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Operations without state and without side effects, as ``tf.raw_ops`` names them.
OPERATIONS = frozenset(
    """
    Abs Acos Acosh Add AddN AddV2 All Any ArgMax ArgMin Asin Asinh Atan Atan2 Atanh
    BatchMatMulV2 BatchMatMulV3 BesselI0 BesselI0e BesselI1 BesselI1e BesselJ0 BesselJ1
    BiasAdd BiasAddGrad BroadcastGradientArgs BroadcastTo Cast Ceil ClipByValue ConcatV2
    Cos Cosh Cross Cumprod Cumsum Digamma Div DivNoNan Einsum Elu EluGrad Equal Erf Erfc
    Erfinv EuclideanNorm Exp ExpandDims Expm1 Fill Floor FloorDiv FloorMod GatherNd
    GatherV2 Greater GreaterEqual Identity IdentityN Igamma Igammac Inv InvGrad
    InvertPermutation IsFinite IsInf IsNan L2Loss LeakyRelu LeakyReluGrad Less LessEqual
    Lgamma LinSpace Log Log1p LogicalAnd LogicalNot LogicalOr LogSoftmax MatMul
    MatrixDiagPartV3 MatrixDiagV3 Max Maximum Mean Min Minimum MirrorPad Mod Mul
    MulNoNan Neg NotEqual OneHot OnesLike Pack Pad PadV2 Polygamma Pow PreventGradient
    Prod Range Rank RealDiv Reciprocal ReciprocalGrad Relu Relu6 Relu6Grad ReluGrad
    Reshape ReverseV2 Rint Roll Round Rsqrt RsqrtGrad Select SelectV2 Selu SeluGrad
    Shape ShapeN Sigmoid SigmoidGrad Sign Sin Sinh Size Slice Softmax Softplus
    SoftplusGrad Softsign SoftsignGrad Split SplitV Sqrt SqrtGrad Square
    SquaredDifference Squeeze StopGradient StridedSlice StridedSliceGrad Sub Sum Tan
    Tanh TanhGrad Tile Transpose TruncateDiv TruncateMod Unpack UnsortedSegmentSum Xdivy
    Xlog1py Xlogy ZerosLike Zeta
    """.split()
)
CONSTANT = "Const"
# Of a function. Tracing takes time for each, and more for its derivatives.
MAX_OPERATIONS = 4096
_MAX_ARGUMENTS = 4 * MAX_OPERATIONS
# Entries of a result: for each row, and at all.
_FOR_EACH_ROW, _AT_ALL = 2**14, 2**18
# All results together, in units of what one may have.
ALL_RESULTS = 16


class NotStorable(ValueError):
    """A function is not made of mathematical operations alone; the message says why."""


@dataclass(frozen=True)
class Node:
    """An operation.

    Attributes:
        kind: Its name in ``OPERATIONS``, or ``CONSTANT``.
        name: Its name in the graph.
        arguments: References to results by the names of arguments; of a constant, the
            array.
        attributes: Values by the names of attributes.
    """

    kind: str
    name: str
    arguments: object
    attributes: dict


@dataclass(frozen=True)
class Program:
    """A function that was written down, found to be well-formed.

    Attributes:
        num_inputs: Number of its arguments.
        nodes: Its operations, in their order.
        output: Reference to its result.
    """

    num_inputs: int
    nodes: tuple[Node, ...]
    output: tuple[int, int]

    def most_entries(self, rows: int) -> int:
        """Entries that a result may have, which a row of points is enough for.

        Args:
            rows: Number of rows of the inputs.
        """
        stored = sum(np.size(n.arguments) for n in self.nodes if n.kind == CONSTANT)
        return _AT_ALL + stored + _FOR_EACH_ROW * rows


def parse(program: dict, constants: dict[str, np.ndarray], library) -> Program:
    """Reads what ``functions.trace`` wrote down.

    Args:
        program: From ``functions.trace``.
        constants: The same.
        library: What runs the operations: ``library.arguments(kind)`` is the set of the
            names of an operation's arguments and attributes, ``library.dtype(name)``
            the dtype of a name, or an error if it is none of numbers.

    Raises:
        ValueError: If ``program`` has another operation than those in ``OPERATIONS``,
            or too many, or is not what ``trace`` writes.
    """
    num_inputs = int(program["inputs"])
    if not 0 <= num_inputs <= 3:
        raise ValueError(f"a function has {num_inputs} arguments")
    written = program["nodes"]
    if len(written) > MAX_OPERATIONS:
        raise NotStorable(
            f"it has {len(written)} operations; {MAX_OPERATIONS} can be saved"
        )
    nodes = tuple(
        _checked_node(node, num_inputs + i, constants, library)
        for i, node in enumerate(written)
    )
    used = sum(
        len(reference) if isinstance(reference, list) else 1
        for node in nodes
        if node.kind != CONSTANT
        for reference in node.arguments.values()
    )
    if used > _MAX_ARGUMENTS:
        raise NotStorable(
            f"its operations have {used} arguments; {_MAX_ARGUMENTS} can be saved"
        )
    output = _checked_reference(program["output"], num_inputs + len(nodes))
    return Program(num_inputs, nodes, output)


def _checked_node(node, number: int, constants, library) -> Node:
    kind, name, arguments, attributes = node
    if kind == CONSTANT:
        return Node(CONSTANT, str(name), constants[arguments], {})
    if kind not in OPERATIONS:
        raise ValueError(f"{kind!r} is no mathematical operation")
    known = library.arguments(kind)
    if not known >= {*arguments, *attributes}:
        raise ValueError(f"{kind} has other arguments than {sorted(known)}")
    references = {
        key: [_checked_reference(r, number) for r in value]
        if not value or isinstance(value[0], list)
        else _checked_reference(value, number)
        for key, value in arguments.items()
    }
    checked = {key: _checked(value, library) for key, value in attributes.items()}
    return Node(kind, str(name), references, checked)


def _checked_reference(reference, number: int) -> tuple[int, int]:
    """Output j of an operation before the one with this number."""
    i, j = reference
    if not (type(i) is int and type(j) is int and 0 <= i < number and 0 <= j):
        raise ValueError(f"an operation refers to {reference!r}")
    return i, j


def _checked(value, library):
    """An attribute: a number, a string, a list of integers, or a dtype of numbers."""
    if isinstance(value, dict):
        return library.dtype(value["dtype"])
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, (bool, int, float, str)) for item in items):
        raise ValueError(f"{value!r} is no attribute")
    return value


def pick(values: list[list], reference):
    """What a node refers to.

    Args:
        values: Outputs of the operations so far, a list for each.
        reference: Operation and output, or a list of these.
    """
    if isinstance(reference, list):
        return [values[i][j] for i, j in reference]
    i, j = reference
    return values[i][j]
