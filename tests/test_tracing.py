"""TensorFlow warns of functions traced again and again, not of several models."""

import functools
import logging

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled, CompiledOnce, traced
from deepxde_lrnr._workspace import Workspace
from deepxde_lrnr.fast_phase import LeastSquares


@pytest.fixture
def warned():
    """Messages of TensorFlow about retracing."""
    messages = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = tf.get_logger()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING)
    yield messages
    logger.removeHandler(handler)
    logger.setLevel(level)


def multiplied(decorate, factor):
    @decorate
    def function(x):
        # As users may write it: AutoGraph makes a tf.cond of it.
        if tf.reduce_sum(x) > 0:
            return factor * x
        return -x

    return function


def test_functions_of_the_same_code_are_counted_apart(warned):
    for i in range(6):
        doubled = multiplied(traced, i)(tf.constant([1.0, 2.0]))
        np.testing.assert_array_equal(doubled, [i, 2 * i])
        np.testing.assert_array_equal(multiplied(traced, i)(-tf.ones(1)), [1])
    assert warned == []
    # The test can fail.
    for i in range(6):
        multiplied(tf.function, i)(tf.ones(1))
    assert "retracing" in warned[0]


def test_a_function_traced_again_and_again_is_reported(warned):
    one = multiplied(traced, 2)
    for i in range(6):
        one(tf.ones(i + 1))
    assert "retracing" in warned[0]
    with_options = multiplied(functools.partial(traced, reduce_retracing=True), 2)
    for i in range(6):
        with_options(tf.ones(i + 1))
    assert with_options.experimental_get_tracing_count() == 2


@pytest.mark.slow
def test_several_reductions_are_no_reason_to_warn(warned, monkeypatch, tmp_path):
    monkeypatch.setattr(Compiled, "uses_xla", False)
    space = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
    time = dde.geometry.TimeDomain(0, 1)
    for _ in range(6):
        fast = families.decay(time, space, method="fitted")
        solution = fast.solve([1, 1], LeastSquares(3))
        solution.predict([[0.5]])
        solution.predict([[0.5]], lambda x, u: u * x)
        fast.save(tmp_path / "fast.npz")
    assert not [message for message in warned if "retracing" in message]


@pytest.mark.parametrize("xla", [True, False])
@pytest.mark.parametrize("aligned", [True, False])
def test_what_was_read_from_an_array_stays_when_it_is_written_again(xla, aligned):
    def function(a, factor):
        return a, tf.reshape(a, (6,)), tf.stack([a]), factor * a

    compiled = CompiledOnce(function, xla)
    array = Workspace().empty("a", (2, 3)) if aligned else np.empty(7)[1:].reshape(2, 3)
    for value in (1.0, 2.0):
        array[...] = value
        results = compiled.read(array, tf.constant(3.0, tf.float64))
        array[...] = np.nan
        for result, expected in zip(results, (1, 1, 1, 3), strict=True):
            np.testing.assert_array_equal(np.asarray(result), expected * value)
