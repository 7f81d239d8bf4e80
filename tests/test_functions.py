"""A function written down as operations is the function, and can be nothing worse."""

import inspect
import json

import deepxde_lrnr  # noqa: F401  (chooses the backend)
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.io.functions import OPERATIONS, NotStorable, rebuild, trace

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
