"""Functions of Tensors, such as a user's transforms, as data instead of as code.

A function is traced once, and the operations of the graph are written down: a list of
names from a fixed list of mathematical operations, with their arguments. Reading it
back calls the same operations of TensorFlow in the same order. So values and
derivatives are those of the function, and a file can ask for arithmetic on the inputs
and for nothing else: no Python code, no files, no state.
"""

from __future__ import annotations

import inspect
import re

import numpy as np
import tensorflow as tf

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
# Arguments that ``tf.raw_ops`` names otherwise than the graph does.
_RENAMED = {
    "reduction_indices": "axis",
    "squeeze_dims": "axis",
    "split_dim": "axis",
    ("ExpandDims", "dim"): "axis",
    ("Select", "t"): "x",
    ("Select", "e"): "y",
}
_CONSTANT = "Const"
_PRECISIONS = ("float32", "float64")


class NotStorable(ValueError):
    """A function is not made of mathematical operations alone; the message says why."""


def trace(function, shapes, dtype: str) -> tuple[dict, dict[str, np.ndarray]]:
    """Writes a function down.

    Args:
        function: Function of Tensors, which returns one Tensor.
        shapes: Shape of each argument, ``None`` for a number of rows not known.
        dtype: Their dtype, e.g. "float32".

    Returns:
        What JSON can say, and the constants, for ``rebuild``.

    Raises:
        NotStorable: If that is not possible.
    """
    specs = [tf.TensorSpec(shape, dtype) for shape in shapes]
    # A function that is compiled already would be a single, opaque operation.
    function = getattr(function, "python_function", function)
    try:
        traced = tf.function(function).get_concrete_function(*specs)
        output = traced.graph.outputs
    # Errors of the user's code, of any type.
    except Exception as error:
        reason = (str(error).strip() or repr(error)).splitlines()[-1].strip()
        raise NotStorable(
            f"it could not be traced for an unknown number of rows ({reason})"
        ) from error
    if len(output) != 1 or not tf.is_tensor(traced.structured_outputs):
        raise NotStorable("it does not return one Tensor")
    (output,) = output
    if output.op.type == "Identity":  # which TensorFlow puts at the end of a graph
        (output,) = output.op.inputs
    program, constants = _Writer(traced.graph, len(specs)).write(output)
    return {**program, "dtype": dtype}, constants


class _Writer:
    """Goes through a graph from its output to its inputs.

    Args:
        graph: ``FuncGraph``.
        num_inputs: Number of its inputs that are arguments; the others are Tensors
            from outside, which become constants.
    """

    def __init__(self, graph, num_inputs: int):
        self.nodes = []
        self.constants = {}
        self.num_inputs = num_inputs
        self.outside = {inner.op.name: outer for outer, inner in graph.captures}
        # Numbers of the operations: first the inputs, then the nodes.
        self.numbers = {
            tensor.op.name: i for i, tensor in enumerate(graph.inputs[:num_inputs])
        }

    def write(self, output) -> tuple[dict, dict[str, np.ndarray]]:
        needed = _needed(output.op, self.numbers)
        # In the order of the function: that of the terms of a derivative follows it.
        for op in output.graph.get_operations():
            if op.name in needed:
                self.nodes.append(self._node(op))
                self.numbers[op.name] = self.num_inputs + len(self.nodes) - 1
        program = {
            "inputs": self.num_inputs,
            "nodes": self.nodes,
            "output": self._reference(output),
        }
        return program, self.constants

    def _reference(self, tensor) -> list[int]:
        return [self.numbers[tensor.op.name], tensor.value_index]

    def _node(self, op) -> list:
        if op.name in self.outside:
            outer = self.outside[op.name]
            if outer.dtype in (tf.resource, tf.variant) or not hasattr(outer, "numpy"):
                raise NotStorable("it uses a variable or other state")
            return self._constant(op, outer.numpy())
        if op.type == _CONSTANT:
            return self._constant(op, tf.make_ndarray(op.get_attr("value")))
        if op.type not in OPERATIONS:
            raise NotStorable(f"it uses the operation {op.type}")
        if any(name.startswith("_gradient_op_type") for name in op.node_def.attr):
            raise NotStorable(
                "it has a part with a derivative of its own (tf.custom_gradient)"
            )
        return [op.type, _base_name(op), self._arguments(op), _attributes(op)]

    def _constant(self, op, value) -> list:
        value = np.asarray(value)
        if value.dtype.kind not in "biuf":
            raise NotStorable(f"it has a constant of dtype {value.dtype}")
        key = f"constant_{len(self.constants)}"
        self.constants[key] = value
        return [_CONSTANT, _base_name(op), key, {}]

    def _arguments(self, op) -> dict:
        references = [self._reference(tensor) for tensor in op.inputs]
        arguments = {}
        for argument in op.op_def.input_arg:
            name = _RENAMED.get(argument.name, argument.name)
            name = _RENAMED.get((op.type, argument.name), name)
            if argument.number_attr or argument.type_list_attr:
                if argument.number_attr:
                    count = op.get_attr(argument.number_attr)
                else:
                    count = len(op.get_attr(argument.type_list_attr))
                arguments[name], references = references[:count], references[count:]
            else:
                arguments[name] = references.pop(0)
        return arguments


def _needed(last, known) -> set[str]:
    """Names of the operations that ``last`` needs, other than the known ones."""
    names, stack = set(), [last]
    while stack:
        op = stack.pop()
        if op.name not in names and op.name not in known:
            names.add(op.name)
            stack += [tensor.op for tensor in op.inputs]
    return names


def _base_name(op) -> str:
    """Name without the number that tells it from others in its graph.

    TensorFlow's optimizer orders sums by names: with others the last bit may differ.
    """
    return re.sub(r"_[0-9]+$", "", op.name)


def _attributes(op) -> dict:
    """Attributes other than defaults and those that follow from the arguments."""
    inferred = {
        name
        for a in op.op_def.input_arg
        for name in (a.type_attr, a.number_attr, a.type_list_attr)
    }
    attributes = {}
    for attribute in op.op_def.attr:
        name = attribute.name
        given = op.node_def.attr[name]
        if name in inferred or given == attribute.default_value:
            continue
        value = op.get_attr(name)
        if attribute.type == "type":
            value = {"dtype": tf.as_dtype(value).name}
        elif attribute.type == "string":
            value = value.decode()
        elif attribute.type not in ("int", "float", "bool", "list(int)"):
            raise NotStorable(f"it uses {op.type} with {name}")
        attributes[_RENAMED.get(name, name)] = value
    return attributes


def rebuild(program: dict, constants: dict[str, np.ndarray]):
    """The function that ``trace`` wrote down.

    It computes in the precision of its arguments, as the function did: constants of
    the precision of the trace, and conversions to it, follow the arguments'.

    Args:
        program: From ``trace``.
        constants: The same.

    Returns:
        Function of as many Tensors.

    Raises:
        ValueError: If ``program`` has another operation than those in ``OPERATIONS``,
            or is not what ``trace`` writes.
    """
    num_inputs = int(program["inputs"])
    nodes = [
        _checked_node(node, num_inputs + i, constants)
        for i, node in enumerate(program["nodes"])
    ]
    output = _checked_reference(program["output"], num_inputs + len(nodes))
    # Earlier files do not say it: then all of them follow.
    given = program.get("dtype")
    follow = [tf.as_dtype(d) for d in ([given] if given else _PRECISIONS)]

    # Autograph has nothing to convert in here.
    @tf.autograph.experimental.do_not_convert
    def run(*inputs):
        values = [[tensor] for tensor in inputs]
        dtype = inputs[0].dtype

        def followed(value):
            return dtype if isinstance(value, tf.DType) and value in follow else value

        def pick(reference):
            if isinstance(reference, list):
                return [values[i][j] for i, j in reference]
            i, j = reference
            return values[i][j]

        for operation, name, arguments, attributes in nodes:
            if operation is None:
                own = followed(tf.as_dtype(arguments.dtype))
                values.append([tf.constant(arguments, own, name=name)])
                continue
            given = {key: pick(reference) for key, reference in arguments.items()}
            kept = {key: followed(value) for key, value in attributes.items()}
            result = operation(**given, **kept, name=name)
            values.append(tf.nest.flatten(result))
        return pick(output)

    return run


def _checked_node(node, number: int, constants) -> tuple:
    """An operation, its name, arguments and attributes.

    For a constant the operation is ``None``, and the array is its argument.
    """
    kind, name, arguments, attributes = node
    if kind == _CONSTANT:
        return None, str(name), constants[arguments], {}
    if kind not in OPERATIONS:
        raise ValueError(f"{kind!r} is no mathematical operation")
    operation = getattr(tf.raw_ops, kind)
    known = set(inspect.signature(operation).parameters) - {"name"}
    if not known >= {*arguments, *attributes}:
        raise ValueError(f"{kind} has other arguments than {sorted(known)}")
    references = {
        key: [_checked_reference(r, number) for r in value]
        if not value or isinstance(value[0], list)
        else _checked_reference(value, number)
        for key, value in arguments.items()
    }
    checked = {key: _checked(value) for key, value in attributes.items()}
    return operation, str(name), references, checked


def _checked_reference(reference, number: int) -> tuple[int, int]:
    """Output j of an operation before the one with this number."""
    i, j = reference
    if not (type(i) is int and type(j) is int and 0 <= i < number and 0 <= j):
        raise ValueError(f"an operation refers to {reference!r}")
    return i, j


def _checked(value):
    """An attribute: a number, a string, a list of integers, or a dtype of numbers."""
    if isinstance(value, dict):
        dtype = tf.as_dtype(value["dtype"])
        if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
            raise ValueError(f"{dtype.name} is no dtype of numbers")
        return dtype
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, (bool, int, float, str)) for item in items):
        raise ValueError(f"{value!r} is no attribute")
    return value
