"""A function written down as operations is the function, and can be nothing worse."""

import inspect
import json
import time

import deepxde_lrnr  # noqa: F401  (chooses the backend)
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.io.bounds import TooLarge, check_sizes
from deepxde_lrnr.io.functions import parse, rebuild, trace
from deepxde_lrnr.io.programs import MAX_OPERATIONS, OPERATIONS, NotStorable

X = np.random.default_rng(0).uniform(0.1, 0.9, (7, 2))
OUTSIDE = np.array([[1.0, -2.0], [0.5, 3.0]])


def periodic(x):
    return tf.concat([tf.cos(x[:, 0:1]), tf.sin(x[:, 0:1]), 2 * x[:, 1:2] - 1], axis=1)


def split(x):
    a, b = tf.split(x, 2, axis=1)
    c, d = tf.unstack(x, axis=1)
    rows = tf.cast(tf.shape(x)[0], x.dtype)
    return a / b + tf.stack([c, d], axis=1) * tf.ones_like(a) / rows


def branches(x):
    inside = tf.logical_and(x > 0.3, x < 0.8)
    y = tf.where(inside, x**2, tf.math.log(x)) + tf.maximum(x, 0.5)
    return y + tf.reduce_mean(x, axis=1, keepdims=True) * tf.sigmoid(x)


def shapes(x):
    y = tf.reshape(tf.tile(x[:, None, :], (1, 3, 1)), (-1, 6))
    y = tf.transpose(tf.squeeze(tf.expand_dims(tf.transpose(y), 0), 0))
    return tf.gather(y, [0, 3], axis=1) + tf.norm(x, axis=1, keepdims=True)


def matrices(x):
    features = tf.matmul(x, tf.constant(OUTSIDE, x.dtype))
    y = tf.einsum("ij,kj->ik", features, tf.ones((3, 2), x.dtype))
    return tf.exp(-(y**2)) + tf.nn.softplus(y) + tf.math.erf(y)


def derivative(x):
    return tf.gradients(tf.sin(x) * x[:, 0:1] ** 3, x)[0]


FUNCTIONS = [periodic, split, branches, shapes, matrices, derivative]


def stored(function, dtype, *shapes):
    """Through JSON, as in a file."""
    program, constants = trace(function, shapes or [(None, 2)], dtype)
    return rebuild(json.loads(json.dumps(program)), constants)


def values(function, x, **kwargs):
    """Value, second derivatives in reverse mode, and a derivative in forward mode."""

    @tf.function(**kwargs)
    def compute(x):
        with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
            y = function(x)
        forward = accumulator.jvp(y, unconnected_gradients="zero")
        first = tf.gradients(y[:, 0:1], x, unconnected_gradients="zero")[0]
        second = tf.gradients(first[:, 1:2], x, unconnected_gradients="zero")[0]
        return y, first, second, forward

    return [v.numpy() for v in compute(tf.constant(x))]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_values_and_derivatives_are_the_same_to_the_last_bit(function, dtype):
    x = X.astype(dtype)
    expected = values(function, x)
    actual = values(stored(function, dtype), x)
    assert np.abs(expected[1]).max() > 0
    for a, e in zip(actual[:3], expected[:3], strict=True):
        np.testing.assert_array_equal(a, e)
        assert a.dtype == dtype
    # TensorFlow orders the sums of forward mode as it likes.
    rtol = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(actual[3], expected[3], rtol, rtol)


@pytest.mark.parametrize("function", [periodic, branches, matrices])
def test_the_same_under_xla(function):
    x = X.astype("float32")
    expected = values(function, x, jit_compile=True)
    actual = values(stored(function, "float32"), x, jit_compile=True)
    for a, e in zip(actual[:3], expected[:3], strict=True):
        np.testing.assert_array_equal(a, e)
    np.testing.assert_allclose(actual[3], expected[3], 1e-5, 1e-5)


def test_several_arguments_and_any_number_of_rows():
    def transform(x, mu, y):
        return y * (1 - x[:, 1:2]) + mu[:, 0:1]

    again = stored(transform, "float64", (None, 2), (None, 3), (None, 1))
    for rows in (1, 2, 5):
        x, mu, y = (np.random.rand(rows, n) for n in (2, 3, 1))
        np.testing.assert_array_equal(again(x, mu, y), transform(x, mu, y))


def test_what_was_written_down_can_be_written_down_again():
    again = stored(stored(periodic, "float64"), "float64")
    np.testing.assert_array_equal(again(tf.constant(X)), periodic(tf.constant(X)))


def test_tensors_from_outside_become_constants():
    shift = tf.constant([[1.0, 2.0]])
    again = stored(lambda x: x + shift, "float32")
    np.testing.assert_array_equal(again(X.astype("f4")), X.astype("f4") + shift)


def test_a_compiled_function_is_its_python_function():
    again = stored(tf.function(periodic), "float64")
    np.testing.assert_array_equal(again(tf.constant(X)), periodic(tf.constant(X)))


@pytest.mark.parametrize("name", ["elu", "relu", "selu", "sigmoid", "sin"])
def test_activations_are_functions_too(name):
    function = dde.nn.activations.get(name)
    again = stored(function, "float64", (None, None))
    np.testing.assert_array_equal(again(X - 0.5), function(tf.constant(X - 0.5)))


VARIABLE = tf.Variable(2.0)


@tf.custom_gradient
def own_gradient(x):
    return tf.sin(x), lambda dy: 2 * dy


@pytest.mark.parametrize(
    "function, reason",
    [
        (lambda x: tf.py_function(lambda v: v, [x], tf.float32), "EagerPyFunc"),
        (lambda x: tf.numpy_function(np.sin, [x], tf.float32), "PyFunc"),
        (lambda x: x * VARIABLE, "variable"),
        (lambda x: x + tf.random.normal(tf.shape(x)), "Random"),
        (lambda x: own_gradient(x), "derivative of its own"),
        (
            lambda x: tf.while_loop(lambda v: v[0, 0] < 1, lambda v: [v + 1], [x])[0],
            "While",
        ),
        (lambda x: x[: x.shape[0] // 2], "could not be traced.*unsupported operand"),
        (lambda x: [x, x], "one Tensor"),
        (lambda x: x.numpy(), "could not be traced"),
    ],
)
def test_what_is_no_mathematics_is_refused_with_the_reason(function, reason):
    with pytest.raises(NotStorable, match=reason):
        trace(function, [(None, 2)], "float32")


def test_every_operation_is_known_without_state_and_pure():
    x = tf.TensorSpec((2,), tf.float32)
    graph = tf.function(tf.sin).get_concrete_function(x).graph
    assert {op.type for op in graph.get_operations()} >= {"Sin"}
    for name in OPERATIONS:
        parameters = inspect.signature(getattr(tf.raw_ops, name)).parameters
        assert parameters
        assert not any(word in name for word in ("Py", "File", "Call", "Var", "Random"))


GOOD = {"inputs": 1, "nodes": [["Sin", "y", {"x": [0, 0]}, {}]], "output": [1, 0]}


@pytest.mark.parametrize(
    "nodes",
    [
        [["PyFunc", "y", {"input": [[0, 0]]}, {"token": "x"}]],
        [["ReadFile", "y", {"filename": [0, 0]}, {}]],
        [["__class__", "y", {}, {}]],
        [["Sin", "y", {"x": [1, 0]}, {}]],
        [["Sin", "y", {"x": [-1, 0]}, {}]],
        [["Sin", "y", {"x": [0, 0.5]}, {}]],
        [["Sin", "y", {"y": [0, 0]}, {}]],
        [["Sin", "y", {"x": [0, 0]}, {"name": "x"}]],
        [["Cast", "y", {"x": [0, 0]}, {"DstT": {"dtype": "string"}}]],
        [["Cast", "y", {"x": [0, 0]}, {"DstT": {"dtype": "resource"}}]],
        [["Sum", "y", {"input": [0, 0], "axis": [0, 0]}, {"keep_dims": {}}]],
        [["Sin", "y", [0, 0], {}]],
        [["Const", "y", "missing", {}]],
        ["Sin"],
    ],
)
def test_a_file_cannot_ask_for_anything_else(nodes):
    np.testing.assert_array_equal(rebuild(GOOD, {})(X), tf.sin(X))
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        rebuild({**GOOD, "nodes": nodes}, {})


# Sizes


def node(kind, arguments, **attributes):
    return [kind, kind, arguments, attributes]


def const(name):
    return ["Const", name, name, {}]


def program(*nodes, output=None):
    """Of one input; the result is that of the last node."""
    return {"inputs": 1, "nodes": list(nodes), "output": output or [len(nodes), 0]}


def sizes_of(program, **constants):
    constants = {name: np.asarray(value) for name, value in constants.items()}
    parsed = parse(json.loads(json.dumps(program)), constants)
    return check_sizes(parsed, [2], "float32")


def interpolated(x):
    table = tf.constant(np.linspace(0, 1, 10**6), x.dtype)
    return tf.gather(table, tf.cast(x[:, 0:1] * 1000, tf.int32))


def kernels(x):
    centres = tf.constant(np.random.rand(300, 2), x.dtype)
    return tf.exp(-tf.reduce_sum((x[:, None, :] - centres[None]) ** 2, axis=-1))


def constant_columns(x):
    rows = tf.shape(x)[0]
    ones = tf.fill([rows, 2], tf.constant(1, x.dtype))
    return tf.concat([x, ones, tf.zeros((rows, 1), x.dtype)], axis=1)


def waves(x):
    for k in range(1, 100):
        x = x + tf.sin(k * x) / k
    return x


@pytest.mark.parametrize(
    "function", [*FUNCTIONS, interpolated, kernels, constant_columns, waves, tf.tanh]
)
def test_sizes_of_functions_as_users_write_them_are_fine(function):
    parsed = parse(*trace(function, [(None, 2)], "float32"))
    expected = tf.function(function)(tf.constant(X, "float32")).shape[1]
    assert check_sizes(parsed, [2], "float32") == expected


HUGE = [
    (node("Fill", {"dims": [1, 0], "value": [2, 0]}), [2**40, 2**40]),
    (node("Fill", {"dims": [1, 0], "value": [2, 0]}), [-(2**40), 2**40]),
    (node("BroadcastTo", {"input": [2, 0], "shape": [1, 0]}), [2**30, 2**30]),
    (node("Tile", {"input": [0, 0], "multiples": [1, 0]}), [2**40, 2**40]),
    (node("Reshape", {"tensor": [2, 0], "shape": [1, 0]}), [2**40, 2**40]),
    (node("Range", {"start": [2, 0], "limit": [1, 0], "delta": [3, 0]}), 1e30),
    (node("Range", {"start": [2, 0], "limit": [1, 0], "delta": [2, 0]}), 1),
    (node("LinSpace", {"start": [2, 0], "stop": [3, 0], "num": [1, 0]}), 2**40),
    (node("LinSpace", {"start": [2, 0], "stop": [3, 0], "num": [1, 0]}), -(2**40)),
    (
        node(
            "UnsortedSegmentSum",
            {"data": [0, 0], "segment_ids": [4, 0], "num_segments": [1, 0]},
        ),
        2**62,
    ),
    (
        node(
            "OneHot",
            {
                "indices": [4, 0],
                "depth": [1, 0],
                "on_value": [3, 0],
                "off_value": [2, 0],
            },
        ),
        2**30,
    ),
    (node("Pad", {"input": [0, 0], "paddings": [1, 0]}), [[2**62, 0], [0, 2**62]]),
    (node("Pad", {"input": [0, 0], "paddings": [1, 0]}), [[0, 2**20], [0, 2**20]]),
    (node("Unpack", {"value": [0, 0]}, num=2**31 - 1), 0),
    (node("Unpack", {"value": [0, 0]}, num=-1), 0),
    (node("Split", {"axis": [1, 0], "value": [0, 0]}, num_split=10**9), 0),
    # Of the number of rows squared.
    (node("MatMul", {"a": [0, 0], "b": [0, 0]}, transpose_b=True), 0),
]


@pytest.mark.parametrize("bad, size", HUGE)
def test_results_that_no_row_of_points_needs_are_refused_unseen(bad, size):
    consts = [const("size"), const("zero"), const("one"), const("zeros")]
    constants = {"zero": np.float32(0), "one": np.float32(1), "zeros": [0]}
    size = np.asarray(size, None if isinstance(size, (int, list)) else "float32")
    for more in ([], [node("Neg", {"x": [0, 0]})]):
        with pytest.raises(NotStorable):
            sizes_of(program(*consts, bad, *more), size=size, **constants)


def test_results_that_grow_on_the_way_are_refused():
    nodes = [const("shape"), const("flat")]
    last = 0
    for _ in range(40):
        column, row = len(nodes) + 1, len(nodes) + 2
        nodes += [
            node("Reshape", {"tensor": [last, 0], "shape": [1, 0]}),
            node("MatMul", {"a": [column, 0], "b": [column, 0]}, transpose_b=True),
            node("Reshape", {"tensor": [row, 0], "shape": [2, 0]}),
        ]
        last = len(nodes)
    with pytest.raises(TooLarge, match="more than"):
        sizes_of(program(*nodes), shape=[-1, 1], flat=[-1])


def test_a_size_that_depends_on_values_is_refused():
    nodes = [
        const("axes"),
        node("Max", {"input": [0, 0], "axis": [1, 0]}),
        node("Cast", {"x": [2, 0]}, DstT={"dtype": "int32"}),
        node("Pack", {"values": [[3, 0], [3, 0]]}),
        node("Fill", {"dims": [4, 0], "value": [2, 0]}),
    ]
    with pytest.raises(TooLarge, match="Fill depends on values"):
        sizes_of(program(*nodes), axes=[0, 1])
    # Through arithmetic on the number of rows that could hide anything.
    nodes = [
        const("power"),
        node("Shape", {"input": [0, 0]}),
        node("FloorMod", {"x": [2, 0], "y": [1, 0]}),
        node("ZerosLike", {"x": [0, 0]}),
        node("Tile", {"input": [4, 0], "multiples": [3, 0]}),
    ]
    with pytest.raises(TooLarge, match="Tile depends on values"):
        sizes_of(program(*nodes), power=np.int32(2))


def test_too_many_operations_are_refused_before_any_is_looked_at():
    chain = [node("Sin", {"x": [i, 0]}) for i in range(200_000)]
    started = time.perf_counter()
    with pytest.raises(NotStorable, match=f"200000 operations; {MAX_OPERATIONS} can"):
        parse(program(*chain), {})
    with pytest.raises(NotStorable, match="arguments"):
        parse(program(node("AddN", {"inputs": [[0, 0]] * 10**6})), {})
    assert time.perf_counter() - started < 20  # a traced chain takes many minutes


@pytest.mark.parametrize(
    "nodes, reason",
    [
        ([node("Shape", {"input": [0, 0]})], "makes int32 of shape"),
        ([node("Cast", {"x": [0, 0]}, DstT={"dtype": "float64"})], "makes float64"),
        ([const("ones")], r"makes float32 of shape \(2, 2\) of 1 rows"),
        ([node("MatMul", {"a": [0, 0], "b": [0, 0]})], "sizes cannot be found"),
        ([node("Sum", {"input": [0, 0]})], "sizes cannot be found"),
    ],
)
def test_what_is_no_row_for_each_row_is_refused(nodes, reason):
    with pytest.raises(NotStorable, match=reason):
        sizes_of(program(*nodes), ones=np.ones((2, 2), "float32"))


def test_a_program_has_as_many_arguments_as_it_is_given():
    parsed = parse(*trace(lambda x, mu: x * mu, [(None, 2), (None, 2)], "float32"))
    with pytest.raises(NotStorable, match="takes 2 arguments instead of 1"):
        check_sizes(parsed, [2], "float32")
