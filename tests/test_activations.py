"""Taylor coefficients of activations: every name of DeepXDE's, and functions."""

import math
import warnings

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.fast_phase import PrecisionWarning
from deepxde_lrnr.offline import reduce_model
from deepxde_lrnr.taylor.activations import taylor_series

# DeepXDE has no "gelu" for the backend "tensorflow".
NAMES = ["elu", "relu", "selu", "sigmoid", "silu", "sin", "swish", "tanh"]
V = np.array([[-1.7, -0.4, 0.3], [0.9, 1.6, 2.5]])


def cubic(v):
    return v**3 - 2 * v


FUNCTIONS = {**{n: dde.nn.activations.get(n) for n in NAMES}, "a callable": cubic}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("order", [0, 1, 2, 4])
def test_series_are_those_of_autodiff(name, order):
    function = FUNCTIONS[name]
    found = taylor_series(function, order)(V)
    assert len(found) == order + 1

    def flat(x):
        return tf.reshape(function(x), (-1, 1))

    indices = [(k,) for k in range(order + 1)]
    expected = families.taylor_by_autodiff(flat, V.reshape(-1, 1), indices)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == float and one.shape == V.shape
        np.testing.assert_allclose(one.ravel(), other[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_series_is_the_function_nearby(name):
    """Without any autodiff: the error falls like the first power left out."""
    function, series = FUNCTIONS[name], taylor_series(FUNCTIONS[name], 4)(V)
    step = 1e-2
    found = sum(s * step**k for k, s in enumerate(series))
    expected = function(tf.constant(V + step)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=20 * step**5)


def test_series_of_tanh_by_hand():
    f = np.tanh(V)
    slope = 1 - f**2
    expected = [f, slope, -f * slope, (6 * f**2 - 2) * slope / math.factorial(3)]
    for one, other in zip(taylor_series(tf.tanh, 3)(V), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-14)


# In a network


def reduced(activation):
    space = lrnr.ParameterSpace(k=(0.5, 3))
    line = dde.geometry.TimeDomain(0, 1)
    data, _ = families.decay_network(line, space)
    net = lrnr.nn.HyperLRNR(
        [1, 8, 8, 1], activation, "Glorot normal", rank=2, parameter_space=space
    )
    net((data.train_mu[:1], data.train_collocation.points[:1]))
    return reduce_model(data, net, [1], points=64, rank=4, num_parameters=8)


@pytest.mark.parametrize("activation", ["silu", cubic, ["sin", cubic, None]])
def test_it_is_solved_with_any_of_them(activation):
    with warnings.catch_warnings():
        warnings.simplefilter("error", PrecisionWarning)
        s = reduced(activation).solve({"k": 1.3})
    assert s.residual < 0.1 * s.initial_residual


def test_an_activation_without_a_derivative_is_named():
    def steps(v):
        return tf.cast(tf.cast(v, tf.int32), v.dtype)

    with pytest.raises(ValueError, match="activation .*steps.* has no derivative"):
        reduced(steps)


def stubborn(v):
    return tf.tanh(v * tf.constant(1.1))


def test_constants_in_single_precision_are_told_once_and_work():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        s = reduced(stubborn).solve({"k": 1.3})
    ours = [w for w in caught if w.category is PrecisionWarning]
    assert len(ours) == 1 and "activation" in str(ours[0].message)
    assert s.residual < 0.1 * s.initial_residual


def test_only_the_layer_that_needs_it_is_in_single_precision():
    with pytest.warns(PrecisionWarning, match="hidden layer 1"):
        fast = reduced(["tanh", stubborn, None])
    series = fast.space.hidden._series
    exact = [s for (function, _), s in series.items() if function is tf.tanh]
    first = fast.space._activations[0]
    v = tf.constant(V)
    np.testing.assert_allclose(first(v), np.tanh(V), atol=1e-15)
    assert exact or first is dde.nn.activations.get("tanh")
