"""SOAP: Adam in coordinates of its own choice."""

import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.optimizers import SOAP


def rotation(n, rng):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def quadratic(left, right, target):
    """Loss ||left W right - target||^2 / 2 of a matrix W."""
    left, right, target = (tf.constant(a, tf.float64) for a in (left, right, target))
    return lambda w: tf.reduce_sum(tf.square(left @ w @ right - target)) / 2


def ill_conditioned(rng, n=6):
    """A quadratic whose axes are not those of the entries of W."""
    left, right = (
        rotation(n, rng) @ np.diag(np.logspace(0, -1.5, n)) @ rotation(n, rng)
        for _ in range(2)
    )
    return quadratic(left, right, left @ rng.standard_normal((n, n)) @ right)


def minimise(optimizer, loss, start, steps):
    """Weights and loss after so many steps, compiled."""
    w = tf.Variable(start)
    optimizer.build([w])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            value = loss(tf.convert_to_tensor(w))
        optimizer.apply_gradients([(tape.gradient(value, w), w)])
        return value

    for _ in range(steps):
        step()
    return w.numpy(), float(loss(tf.convert_to_tensor(w)))


def test_without_rotation_it_is_adam():
    rng = np.random.default_rng(0)
    loss, start = ill_conditioned(rng), rng.standard_normal((6, 6))
    betas = {"learning_rate": 0.03, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-12}
    soap, _ = minimise(SOAP(max_size=0, **betas), loss, start, 50)
    adam, _ = minimise(tf.keras.optimizers.Adam(**betas), loss, start, 50)
    # Keras rounds the betas to float32.
    np.testing.assert_allclose(soap, adam, rtol=1e-3, atol=1e-5)


def test_vectors_and_long_sides_are_not_rotated():
    optimizer = SOAP(max_size=4)
    shapes = [(3,), (), (3, 4), (3, 5), (6, 5), (1, 3), (2, 3, 4)]
    optimizer.build([tf.Variable(tf.ones(shape)) for shape in shapes])
    sides = [[side for side, *_ in s] for s in optimizer._sides]
    assert sides == [[], [], [0, 1], [0], [], [1], []]


def test_it_does_not_see_how_the_coordinates_are_rotated():
    rng = np.random.default_rng(1)
    left, right, target, start = rng.standard_normal((4, 5, 5))
    R, S = rotation(5, rng), rotation(5, rng)
    plain, rotated = start, R @ start @ S.T
    settings = {"learning_rate": 0.02, "frequency": 3}
    w, _ = minimise(SOAP(**settings), quadratic(left, right, target), plain, 40)
    v, _ = minimise(
        SOAP(**settings), quadratic(left @ R.T, S @ right, target), rotated, 40
    )
    np.testing.assert_allclose(v, R @ w @ S.T, atol=1e-5)
    adam = tf.keras.optimizers.Adam
    w, _ = minimise(adam(0.02), quadratic(left, right, target), plain, 40)
    v, _ = minimise(adam(0.02), quadratic(left @ R.T, S @ right, target), rotated, 40)
    assert np.max(np.abs(v - R @ w @ S.T)) > 1e-2


@pytest.mark.parametrize("seed", [0, 1])
def test_it_beats_adam_where_the_axes_of_the_loss_are_rotated(seed):
    rng = np.random.default_rng(seed)
    loss, start = ill_conditioned(rng), rng.standard_normal((6, 6))
    rate = tf.keras.optimizers.schedules.CosineDecay(0.05, 300)
    _, soap = minimise(SOAP(rate), loss, start, 300)
    _, adam = minimise(
        tf.keras.optimizers.Adam(rate, beta_1=0.95, beta_2=0.95), loss, start, 300
    )
    assert soap < adam / 10


def test_eigenbases_stay_orthogonal_and_diagonalise_the_averages():
    rng = np.random.default_rng(2)
    loss = ill_conditioned(rng, 4)
    optimizer = SOAP(0.01, frequency=1)
    minimise(optimizer, loss, rng.standard_normal((4, 4)), 200)
    for _, average, basis in optimizer._sides[0]:
        L, Q = average.numpy(), basis.numpy()
        np.testing.assert_allclose(Q.T @ Q, np.eye(4), atol=1e-12)
        D = Q.T @ L @ Q
        assert np.linalg.norm(D - np.diag(np.diag(D))) < 0.02 * np.linalg.norm(D)


def test_the_schedule_of_the_learning_rate_is_followed():
    # Where all gradients are alike, a step of Adam has the size of the learning rate.
    rate = tf.keras.optimizers.schedules.PiecewiseConstantDecay([4], [0.1, 0.01])
    w = tf.Variable([[1.0, 2.0]])
    optimizer = SOAP(rate, max_size=0)
    path = [w.numpy()]
    for _ in range(8):
        optimizer.apply_gradients([(tf.ones((1, 2)), w)])
        path.append(w.numpy())
    sizes = -np.diff(np.array(path)[:, 0, 0])
    np.testing.assert_allclose(sizes, [0.1] * 5 + [0.01] * 3, rtol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_and_weights_are_of_one_float_type(dtype):
    optimizer = SOAP(0.1)
    w = tf.Variable(np.ones((3, 2)), dtype=dtype)
    optimizer.apply_gradients([(tf.ones((3, 2), dtype), w)])
    average, basis = optimizer._sides[0][0][1:]
    assert w.dtype == dtype and average.dtype == basis.dtype == dtype
    assert np.all(np.isfinite(w)) and np.all(w.numpy() != 1)


def test_a_gradient_of_zero_moves_nothing():
    optimizer = SOAP(0.1)
    w = tf.Variable(np.ones((3, 2), "float32"))
    for _ in range(12):
        optimizer.apply_gradients([(tf.zeros((3, 2)), w)])
    np.testing.assert_array_equal(w, np.ones((3, 2)))


def test_config_makes_the_same_optimizer():
    schedule = tf.keras.optimizers.schedules.CosineDecay(0.1, 100, alpha=0.01)
    optimizer = SOAP(
        schedule, beta_1=0.8, beta_2=0.7, epsilon=1e-6, frequency=7, max_size=50
    )
    for copy in (
        SOAP.from_config(optimizer.get_config()),
        tf.keras.optimizers.deserialize(tf.keras.optimizers.serialize(optimizer)),
    ):
        assert isinstance(copy, SOAP)
        assert copy.get_config() == optimizer.get_config()


def test_saved_state_continues_the_same_path():
    rng = np.random.default_rng(3)
    loss, start = ill_conditioned(rng), rng.standard_normal((6, 6))
    whole, _ = minimise(SOAP(0.01), loss, start, 25)
    first = SOAP(0.01)
    half, _ = minimise(first, loss, start, 12)
    store = {}
    first.save_own_variables(store)
    second = SOAP(0.01)
    second.build([tf.Variable(half)])
    second.load_own_variables(store)
    rest, _ = minimise_further(second, loss, half, 13)
    np.testing.assert_allclose(rest, whole, rtol=1e-9)


def minimise_further(optimizer, loss, start, steps):
    w = optimizer._trainable_variables[0]
    w.assign(start)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            value = loss(tf.convert_to_tensor(w))
        optimizer.apply_gradients([(tape.gradient(value, w), w)])
    return w.numpy(), float(value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frequency": 0}, "frequency is 0; it must be an integer >= 1"),
        ({"frequency": 1.5}, "frequency is 1.5; it must be an integer >= 1"),
        ({"beta_1": 1}, r"beta_1 is 1; it must be in \[0, 1\)"),
        ({"beta_2": -0.1}, r"beta_2 is -0.1; it must be in \[0, 1\)"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        SOAP(**arguments)


def test_it_trains_a_dde_model():
    interval = dde.geometry.Interval(-1, 1)
    data = dde.data.Function(interval, lambda x: np.sin(3 * x), 30, 30)
    net = dde.nn.FNN([1, 20, 20, 1], "tanh", "Glorot normal")
    model = dde.Model(data, net)
    model.compile(SOAP(1e-2, clipnorm=1.0), verbose=0)
    _, state = model.train(iterations=100, verbose=0)
    assert state.loss_test.sum() < 2e-2
