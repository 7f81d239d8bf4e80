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

from .._tracing import traced
from . import programs
from .programs import CONSTANT, OPERATIONS, Node, NotStorable, Program, pick

# Arguments that ``tf.raw_ops`` names otherwise than the graph does.
_RENAMED = {
    "reduction_indices": "axis",
    "squeeze_dims": "axis",
    "split_dim": "axis",
    ("ExpandDims", "dim"): "axis",
    ("Select", "t"): "x",
    ("Select", "e"): "y",
}


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
        concrete = traced(function).get_concrete_function(*specs)
        output = concrete.graph.outputs
    # Errors of the user's code, of any type.
    except Exception as error:
        reason = (str(error).strip() or repr(error)).splitlines()[-1].strip()
        raise NotStorable(
            f"it could not be traced for an unknown number of rows ({reason})"
        ) from error
    if len(output) != 1 or not tf.is_tensor(concrete.structured_outputs):
        raise NotStorable("it does not return one Tensor")
    (output,) = output
    if output.op.type == "Identity":  # which TensorFlow puts at the end of a graph
        (output,) = output.op.inputs
    return _Writer(concrete.graph, len(specs)).write(output)


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
        if op.type == CONSTANT:
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
        return [CONSTANT, _base_name(op), key, {}]

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


class _TensorFlow:
    """TensorFlow, for ``programs.parse``."""

    @staticmethod
    def arguments(kind: str) -> set[str]:
        return set(inspect.signature(getattr(tf.raw_ops, kind)).parameters) - {"name"}

    @staticmethod
    def dtype(name: str) -> tf.DType:
        dtype = tf.as_dtype(name)
        if not (dtype.is_floating or dtype.is_integer or dtype.is_bool):
            raise ValueError(f"{dtype.name} is no dtype of numbers")
        return dtype


def parse(program: dict, constants: dict[str, np.ndarray]) -> Program:
    """``programs.parse`` for TensorFlow."""
    return programs.parse(program, constants, _TensorFlow)


def call(node: Node, arguments: dict, attributes: dict, **more):
    """Results of an operation for some arguments, as ``tf.raw_ops`` returns them."""
    return getattr(tf.raw_ops, node.kind)(**arguments, **attributes, **more)


def rebuild(program: dict | Program, constants: dict[str, np.ndarray] | None = None):
    """The function that ``trace`` wrote down.

    Args:
        program: From ``trace``, or from ``parse``.
        constants: From ``trace``.

    Returns:
        Function of as many Tensors.

    Raises:
        ValueError: As ``parse``.
    """
    if not isinstance(program, Program):
        program = parse(program, constants)

    # Autograph has nothing to convert in here.
    @tf.autograph.experimental.do_not_convert
    def run(*inputs):
        values = [[tensor] for tensor in inputs]

        for node in program.nodes:
            if node.kind == CONSTANT:
                values.append([tf.constant(node.arguments, name=node.name)])
                continue
            given = {
                key: pick(values, reference)
                for key, reference in node.arguments.items()
            }
            result = call(node, given, node.attributes, name=node.name)
            values.append(tf.nest.flatten(result))
        return pick(values, program.output)

    return run
