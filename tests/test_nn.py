"""LRNR and HyperLRNR: low rank networks that are ordinary DeepXDE networks."""

import math
import pickle

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.nn.regularizers import orthogonality, sparsity
from hypothesis import given, settings
from hypothesis import strategies as st

SPACE = lrnr.ParameterSpace(beta=(1, 3), nu=(0.02, 0.2, "log"))


@pytest.fixture
def float64():
    dde.config.set_default_float("float64")


def make(layer_sizes=(2, 9, 8, 7, 1), activation="tanh", regularization=None, **kwargs):
    """A HyperLRNR, its weights made."""
    kwargs = {"rank": 3, "parameter_space": SPACE, "hypernetwork": (8,), **kwargs}
    net = lrnr.nn.HyperLRNR(
        layer_sizes, activation, "Glorot normal", regularization, **kwargs
    )
    net((draw_mu(1), draw_x(1, layer_sizes[0])))
    return net


def draw_mu(n):
    return tf.constant(SPACE.sample(n), dde.config.real(tf))


def draw_x(n, dim=2):
    return tf.constant(np.random.uniform(-1, 1, (n, dim)), dde.config.real(tf))


def point_major(x, mu):
    """Every point with every mu: (x_1, mu_1), (x_1, mu_2), ..."""
    return np.repeat(x, len(mu), axis=0)


def shake(net, size=0.5):
    """Moves all weights away from their start, where biases are zero."""
    for w in net.weights:
        w.assign(w + size * np.random.standard_normal(w.shape))


def dense_network(stack, s, c, x, act=np.tanh):
    """The low rank network as a dense one: NumPy, every weight a full matrix."""
    U, V = [np.asarray(u) for u in stack.U], [np.asarray(v) for v in stack.V]
    bias = [np.asarray(b) for b in stack.b]
    if c is not None:
        bias = [
            b + np.asarray(B) @ ci for b, B, ci in zip(bias, stack.B, c, strict=True)
        ]
    h = act(np.asarray(x) @ np.asarray(stack.W_in) + bias[0])
    for level in range(len(U)):
        W = U[level] @ np.diag(s[level]) @ V[level].T
        h = act(h @ W.T + bias[level + 1])
    return h @ np.asarray(stack.W_out) + np.asarray(stack.b_out)


def relative(a, b):
    return np.max(np.abs(a - b)) / np.max(np.abs(b))


# The low rank network is a dense one


@settings(deadline=None, max_examples=12)
@given(
    widths=st.lists(st.integers(3, 9), min_size=2, max_size=5),
    rank=st.integers(1, 3),
    dim=st.integers(1, 3),
    outputs=st.integers(1, 3),
)
def test_lrnr_is_the_dense_network_with_weights_u_s_v(widths, rank, dim, outputs):
    net = lrnr.nn.LRNR([dim, *widths, outputs], "tanh", "Glorot normal", rank=rank)
    x = draw_x(5, dim)
    net(x)
    shake(net)
    s = np.asarray(net.scales).reshape(len(widths) - 1, rank)
    assert relative(net(x), dense_network(net.stack, s, None, x)) < 1e-5


@settings(deadline=None, max_examples=12)
@given(
    widths=st.lists(st.integers(3, 9), min_size=2, max_size=4),
    rank=st.integers(1, 3),
    bias_rank=st.integers(0, 3),
    outputs=st.integers(1, 2),
)
def test_hyper_lrnr_is_a_dense_network_for_each_mu(widths, rank, bias_rank, outputs):
    net = make([2, *widths, outputs], rank=rank, bias_rank=bias_rank)
    shake(net)
    mu, x = draw_mu(3), draw_x(4)
    u = net((mu, point_major(x, mu))).numpy().reshape(4, 3, outputs)
    num_scales = rank * (len(widths) - 1)
    for i, z in enumerate(net.coefficients(mu).numpy()):
        assert len(z) == num_scales + bias_rank * len(widths)
        s = z[:num_scales].reshape(-1, rank)
        c = z[num_scales:].reshape(len(widths), bias_rank) if bias_rank else None
        # Single precision, and terms that cancel.
        assert relative(u[:, i], dense_network(net.stack, s, c, x)) < 1e-4


@pytest.mark.parametrize(
    ("activation", "functions"),
    [
        ("sin", [np.sin] * 3),
        (["sin", "tanh", "relu", "tanh"], [np.sin, np.tanh, lambda x: x * (x > 0)]),
        (tf.math.erf, [np.vectorize(math.erf)] * 3),
    ],
    ids=["name", "list", "function"],
)
def test_activation_is_read_as_fnn_reads_it(activation, functions):
    net = lrnr.nn.LRNR([1, 6, 6, 6, 1], activation, "Glorot normal", rank=4)
    x = draw_x(5, 1)
    net(x)
    shake(net)
    s = np.asarray(net.scales).reshape(2, 4)
    hidden = iter(functions)
    expected = dense_network(net.stack, s, None, x, lambda h: next(hidden)(h))
    assert relative(net(x), expected) < 1e-5


def test_number_of_parameters_grows_with_width_times_rank():
    net = lrnr.nn.LRNR([2, 50, 50, 50, 1], "tanh", "Glorot normal", rank=6)
    net(draw_x(1))
    layer = 2 * 50 * 6 + 6 + 50
    assert net.num_trainable_parameters() == (2 * 50 + 50) + 2 * layer + (50 + 1)


def test_number_of_parameters_is_not_known_before_the_first_call():
    net = lrnr.nn.LRNR([2, 5, 5, 1], "tanh", "Glorot normal", rank=2)
    with pytest.warns(UserWarning, match="no weights before its first call"):
        assert net.num_trainable_parameters() == 0


# Rows: every point with every mu


@settings(deadline=None, max_examples=8)
@given(num_points=st.integers(1, 5), num_mu=st.integers(1, 5))
def test_rows_of_many_mu_are_the_rows_of_each_mu(num_points, num_mu):
    net = make(bias_rank=2)
    shake(net)
    mu, x = draw_mu(num_mu), draw_x(num_points)
    together = net((mu, point_major(x, mu))).numpy().reshape(num_points, num_mu, 1)
    for i in range(num_mu):
        alone = net((mu[i : i + 1], x))
        np.testing.assert_allclose(together[:, i], alone, rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=5)
@given(st.permutations(range(5)))
def test_permuted_mu_give_permuted_outputs(order):
    net = make()
    mu, x = draw_mu(5), draw_x(3)
    u = net((mu, point_major(x, mu))).numpy().reshape(3, 5)
    permuted = net((tf.gather(mu, order), point_major(x, mu))).numpy().reshape(3, 5)
    np.testing.assert_allclose(permuted, u[:, order], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
def test_hypernetwork_sees_each_mu_once(monkeypatch, compiled):
    net = make()
    seen = []
    call = lrnr.nn.hypernetwork.Hypernetwork.call

    def counting(self, mu):
        seen.append(mu.shape[0])
        return call(self, mu)

    monkeypatch.setattr(lrnr.nn.hypernetwork.Hypernetwork, "call", counting)
    mu, x = draw_mu(4), draw_x(50)
    (tf.function(net) if compiled else net)((mu, point_major(x, mu)))
    assert seen == [4]


def test_rows_may_be_unknown_while_tracing():
    net = make(bias_rank=2)
    rows = tf.TensorSpec((None, 2), tf.float32)
    traced = tf.function(net.evaluate).get_concrete_function(
        rows, rows, tf.TensorSpec((None, net.layout.size), tf.float32)
    )
    mu, x = draw_mu(3), draw_x(4)
    rows = tf.constant(point_major(x, mu))
    np.testing.assert_allclose(
        traced(mu, rows, net.coefficients(mu)), net((mu, rows)), rtol=1e-5, atol=1e-6
    )


# Coefficients


def test_coefficients_take_mu_in_every_form():
    net = make()
    expected = net.coefficients(tf.constant([[2.0, 0.1]])).numpy()
    for mu in ({"beta": 2, "nu": 0.1}, [2, 0.1], np.array([[2, 0.1]])):
        np.testing.assert_allclose(net.coefficients(mu), expected, rtol=1e-6)
    several = net.coefficients({"beta": [1, 2], "nu": 0.1})
    assert several.shape == (2, net.layout.size)
    np.testing.assert_allclose(several[1:], expected, rtol=1e-6)


def test_layout_splits_coefficients_into_those_of_the_layers():
    net = make((2, 9, 8, 7, 1), bias_rank=4)
    s, c = net.layout.split(np.arange(net.layout.size)[None, :])
    np.testing.assert_array_equal(np.hstack([*s, *c])[0], np.arange(net.layout.size))
    assert [a.shape for a in s] == [(1, 3)] * 2
    assert [a.shape for a in c] == [(1, 4)] * 3


def test_s_can_be_exactly_zero_but_never_negative_and_c_has_both_signs():
    net = make(rank=4)
    shake(net, 2.0)
    z = net.coefficients(draw_mu(200)).numpy()
    s, c = np.split(z, [net.layout.num_scales], axis=1)
    assert np.all(s >= 0) and np.any(s == 0) and np.any(s > 0)
    assert np.any(c < 0) and np.any(c > 0)


def test_inputs_of_the_hypernetwork_are_scaled_from_the_box():
    wide = lrnr.ParameterSpace(beta=(-1e6, 1e6), nu=(1e-9, 1e-3, "log"))
    net = make(parameter_space=wide)
    z = net.coefficients(wide.sample(20)).numpy()
    assert np.std(z, axis=0).max() > 1e-2 and np.abs(z).max() < 10


@pytest.mark.parametrize("bias_rank", [0, 3])
def test_first_layer_depends_on_mu_by_its_bias_only(bias_rank):
    net = make(bias_rank=bias_rank)
    mu = tf.constant([[1.0, 0.02], [3.0, 0.2]])
    x = point_major(draw_x(4), mu)
    h = net.stack.hidden_states(x, net.coefficients(mu))
    first, second = (a.numpy().reshape(4, 2, -1) for a in h[:2])
    assert np.allclose(first[:, 0], first[:, 1]) == (bias_rank == 0)
    assert not np.allclose(second[:, 0], second[:, 1])


def test_biases_depend_on_mu_by_default():
    net = lrnr.nn.HyperLRNR(
        [2, 20, 20, 1], "tanh", "Glorot normal", parameter_space=SPACE
    )
    assert min(net.layout.bias_ranks) > 0


# Transforms


def test_lrnr_transforms_features_and_outputs_as_fnn_does():
    net = lrnr.nn.LRNR([3, 6, 6, 1], "tanh", "Glorot normal", rank=2)
    net.apply_feature_transform(lambda x: tf.concat([x, x[:, :1] ** 2], 1))
    net.apply_output_transform(lambda x, u: x[:, 1:] * u + 7)
    x = draw_x(5)
    u = net(x)
    features = np.hstack([x, x[:, :1] ** 2])
    s = np.asarray(net.scales)
    plain = dense_network(net.stack, s, None, features)
    np.testing.assert_allclose(u, x[:, 1:] * plain + 7, rtol=1e-5)


def test_features_of_x():
    net = lrnr.nn.HyperLRNR(
        [3, 6, 6, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    net.apply_feature_transform(lambda x: tf.concat([tf.sin(x), x[:, :1]], 1))
    mu, x = draw_mu(3), draw_x(4)
    rows = tf.constant(point_major(x, mu))
    u = net((mu, rows))
    features = tf.concat([tf.sin(rows), rows[:, :1]], 1)
    np.testing.assert_allclose(u, net.stack(features, net.coefficients(mu)), rtol=1e-5)


def test_features_of_x_and_mu():
    net = lrnr.nn.HyperLRNR(
        [2, 6, 6, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    net.apply_feature_transform(lambda x, mu: x[:, :1] - mu[:, :1] * x[:, 1:])
    mu, x = draw_mu(3), draw_x(4)
    u = net((mu, point_major(x, mu))).numpy().reshape(4, 3)
    for i, m in enumerate(mu):
        features = x[:, :1] - m[0] * x[:, 1:]
        alone = net.stack(features, net.coefficients(m[None]))
        np.testing.assert_allclose(u[:, i], alone[:, 0], rtol=1e-5, atol=1e-6)


def test_output_transform_is_given_mu_row_by_row():
    net = make()
    mu, x = draw_mu(3), draw_x(4)
    plain = net((mu, point_major(x, mu))).numpy().reshape(4, 3)

    def transform(inputs, outputs):
        mu_rows, x_rows = inputs
        return mu_rows[:, :1] * x_rows[:, 1:] * outputs + mu_rows[:, 1:]

    net.apply_output_transform(transform)
    u = net((mu, point_major(x, mu))).numpy().reshape(4, 3)
    beta, nu = mu.numpy().T
    np.testing.assert_allclose(
        u, beta * x.numpy()[:, 1:] * plain + nu, rtol=1e-5, atol=1e-6
    )


# The start


@pytest.mark.parametrize("width", [20, 80])
def test_u_and_v_start_orthonormal(width):
    net = make((2, width, width, width, 1), rank=10)
    for factor in (*net.stack.U, *net.stack.V):
        np.testing.assert_allclose(
            factor.numpy().T @ factor.numpy(), np.eye(10), atol=1e-5
        )


def sizes_at_start(kind, activation, initializer, **kwargs):
    """Mean squares of u, u_x and u_xx, over points and 30 components.

    The median over networks: their logarithms, not they, are spread evenly.
    """
    draw = dde.nn.initializers.get(initializer)

    def anew(shape, dtype=None):  # FNN would draw the same numbers for each layer
        return draw.clone()(shape, dtype)

    dde.config.set_random_seed(0)
    x = tf.constant(np.linspace(-1, 1, 11)[:, None], dde.config.real(tf))
    squares = []
    for _ in range(9):
        net = kind([1, 60, 80, 60, 30], activation, anew, **kwargs)
        with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as outer:
            with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as inner:
                u = net(x)
            u_x = inner.jvp(u)
        squares.append([tf.reduce_mean(v**2) for v in (u, u_x, outer.jvp(u_x))])
    return np.median(squares, axis=0)


@pytest.mark.parametrize("rank", [None, 20])
@pytest.mark.parametrize(
    "activation, initializer",
    [("tanh", "Glorot normal"), ("sin", "Glorot uniform"), ("swish", "He uniform")],
)
def test_lrnr_starts_with_the_variance_of_fnn(activation, initializer, rank):
    dense = sizes_at_start(dde.nn.FNN, activation, initializer)
    low_rank = sizes_at_start(lrnr.nn.LRNR, activation, initializer, rank=rank)
    ratios = low_rank / dense
    assert 0.5 < ratios.min() and ratios.max() < 2


def test_the_default_rank_is_three_quarters_of_the_narrower_width():
    net = lrnr.nn.LRNR([2, 50, 20, 31, 1, 1], "tanh", "Glorot normal")
    assert net.layout.ranks == (15, 15, 1)


def test_at_half_the_width_as_rank_there_are_as_many_parameters_as_in_fnn():
    net = lrnr.nn.LRNR([2] + [20] * 3 + [1], "tanh", "Glorot normal", rank=10)
    net(draw_x(3))
    dense = 3 * 20 + 2 * 21 * 20 + 21
    assert net.num_trainable_parameters() == dense + 2 * 10


@pytest.mark.parametrize("widths", [[9, 9, 9], [9, 12], [12, 9]])
def test_lrnr_starts_as_a_dense_weight_of_sums_of_groups(widths):
    drawn = []

    def initializer(shape, dtype=None):
        drawn.append(tf.random.normal(shape, dtype=dtype))
        return drawn[-1]

    rank = min(widths)
    net = lrnr.nn.LRNR([2, *widths, 1], "tanh", initializer, rank=rank)
    net(draw_x(3))
    np.testing.assert_allclose(net.scales, np.ones((1, net.layout.size)), rtol=1e-6)
    _, *hidden, _ = map(np.asarray, drawn)
    factors = zip(hidden, map(np.asarray, net.stack.U), net.stack.V, strict=True)
    for dense, U, V in factors:
        V = np.asarray(V)
        np.testing.assert_allclose(V.T @ V, np.eye(rank), atol=1e-6)
        assert np.all(np.count_nonzero(V, axis=1) == 1)
        np.testing.assert_allclose(U.T / math.sqrt(len(V) / rank), dense[:rank])
        if len(V) == rank:  # as FNN
            signs = V.sum(axis=1, keepdims=True)
            np.testing.assert_allclose(V @ U.T, signs * dense, rtol=1e-5)


def test_a_step_of_adam_moves_the_factors_of_lrnr_by_shares_of_its_rate():
    net = lrnr.nn.LRNR([1] + [20] * 3 + [1], "tanh", "Glorot normal")
    net(draw_x(1, 1))

    def weights():
        return [np.array(w) for w in (*net.stack.U, *net.stack.V, net.scales)]

    model, before = dde.Model(poisson(), net), weights()
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=1, verbose=0)
    rates = [np.abs(b - a).max() for a, b in zip(before, weights(), strict=True)]
    expected = [1e-3, 1e-3, 0.02e-3, 0.02e-3, 0.02e-3]
    np.testing.assert_allclose(rates, expected, rtol=1e-2)


def test_hidden_states_neither_vanish_nor_saturate():
    net = lrnr.nn.LRNR([2] + [200] * 5 + [1], "tanh", "Glorot normal", rank=10)
    x = draw_x(200)
    net(x)
    states = net.stack.hidden_states(2 * x, tf.convert_to_tensor(net.scales))
    sizes = [np.sqrt(np.mean(h**2)) for h in states]
    assert 0.02 < min(sizes) and max(sizes) < 0.9


def test_no_two_weights_start_alike():
    # Keras 3 lets an unseeded initializer draw the same numbers again and again.
    nets = [
        lrnr.nn.LRNR([1, 8, 8, 8, 1], "tanh", "Glorot normal", rank=1) for _ in range(2)
    ]
    for net in nets:
        net(draw_x(1, 1))
    vectors = [
        np.ravel(w)
        for net in nets
        for w in (net.stack.W_in, *net.stack.U, net.stack.W_out)
    ]
    correlations = np.corrcoef(vectors) - np.eye(len(vectors))
    assert np.max(np.abs(correlations)) < 0.99


def test_dde_seed_makes_the_start_reproducible():
    starts = []
    for seed in (1, 1, 2):
        dde.config.set_random_seed(seed)
        starts.append([w.numpy() for w in make().weights])
    assert all(np.array_equal(a, b) for a, b in zip(*starts[:2], strict=True))
    assert not np.array_equal(starts[0][0], starts[2][0])


# Regularisation


def test_r_ortho_is_the_formula_of_the_paper():
    factor = np.random.standard_normal((9, 4))
    expected = np.linalg.norm(factor.T @ factor - np.eye(4)) / 4**2
    np.testing.assert_allclose(orthogonality(tf.constant(factor)), expected, rtol=1e-9)


def test_r_ortho_can_be_differentiated_where_training_starts():
    for factor in (tf.eye(6, 3), tf.linalg.qr(tf.random.normal((6, 3)))[0]):
        with tf.GradientTape() as tape:
            tape.watch(factor)
            value = orthogonality(factor)
        assert value < 1e-5
        assert np.all(np.isfinite(tape.gradient(value, factor)))


def test_r_sparse_is_the_formula_of_the_paper():
    s = [np.random.uniform(0, 1, (5, r)) for r in (4, 7)]
    expected = np.mean(
        [
            sum(
                max(0, 1.25 * layer[mu, i + 1] - layer[mu, i])
                for layer in s
                for i in range(layer.shape[1] - 1)
            )
            for mu in range(5)
        ]
    )
    np.testing.assert_allclose(
        sparsity([tf.constant(layer) for layer in s]), expected, rtol=1e-9
    )


def test_r_sparse_goes_along_the_index_of_the_coefficients_not_along_mu():
    decaying = 1.3 ** -np.arange(6.0)
    growing_with_mu = np.outer([1, 10, 100], decaying)
    assert sparsity([tf.constant(growing_with_mu)]) == 0
    growing_with_index = np.outer([1, 1, 1], decaying[::-1])
    assert sparsity([tf.constant(growing_with_index)]) > 1


def test_r_sparse_of_lrnr_is_blind_to_the_sign_of_s():
    net = lrnr.nn.LRNR([1, 6, 6, 1], "tanh", "Glorot normal", {"sparsity": 1}, rank=3)
    net(draw_x(1, 1))
    (variable,) = [w for w in net.weights if w.name == "s"]
    variable.assign(np.array([-1.0, -2.0, 4.0]) / net.scales[0] * variable)
    net(draw_x(1, 1))
    expected = (1.25 * 2 - 1) + (1.25 * 4 - 2)
    np.testing.assert_allclose(sum(net.losses), expected, rtol=1e-6)


def test_r_ortho_of_lrnr_is_that_of_its_factors():
    net = lrnr.nn.LRNR(
        [1, 6, 6, 6, 1], "tanh", "Glorot normal", {"orthogonality": 0.7}, rank=3
    )
    net(draw_x(1, 1))
    shake(net)
    net(draw_x(1, 1))
    factors = map(np.asarray, (*net.stack.U, *net.stack.V))
    expected = 0.7 * sum(np.linalg.norm(f.T @ f - np.eye(3)) / 9 for f in factors)
    np.testing.assert_allclose(sum(net.losses), expected, rtol=1e-5)


def parametric_problem(pde=None, **kwargs):
    """u_x = beta in [0, 1], u(0) = 0."""
    interval = dde.geometry.Interval(0, 1)

    def u_x_is_beta(x, u, mu):
        return dde.grad.jacobian(u, x, i=0, j=0) - mu[:, 0:1]

    bc = dde.icbc.DirichletBC(
        interval, lambda x: 0, lambda x, on: on and np.isclose(x[0], 0)
    )
    problem = dde.data.PDE(
        interval, pde or u_x_is_beta, bc, num_domain=10, num_boundary=2
    )
    return lrnr.data.ParametricPDE(problem, SPACE, num_parameters=6, **kwargs)


def test_regularisation_reaches_the_loss_of_a_model():
    weights = {"orthogonality": 0.3, "sparsity": 0.7}
    net = make((1, 8, 8, 8, 1), regularization=weights, rank=3)
    shake(net)
    data = parametric_problem()
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0, loss_weights=[1, 1, 10])
    model.train(iterations=2, verbose=0)
    stack = net.stack
    r_ortho = sum(
        np.linalg.norm(f.T @ f - np.eye(3)) / 9
        for f in map(np.asarray, (*stack.U, *stack.V))
    )
    for mu, losses in (
        (data.train_mu, model.train_state.loss_train),
        (data.test_mu, model.train_state.loss_test),
    ):
        s = net.coefficients(mu).numpy()[:, :6].reshape(-1, 2, 3)
        rise = np.maximum(0, 1.25 * s[..., 1:] - s[..., :-1])
        r_sparse = np.mean(np.sum(rise, axis=(1, 2)))
        assert len(losses) == 3
        np.testing.assert_allclose(
            losses[-1], 10 * (0.3 * r_ortho + 0.7 * r_sparse), rtol=1e-4
        )


def test_training_lowers_the_regularisation():
    net = make((1, 20, 20, 20, 1), regularization={"sparsity": 1.0}, rank=6)
    model = lrnr.Model(parametric_problem(), net)
    model.compile("adam", lr=1e-2, verbose=0)
    losses, _ = model.train(iterations=80, display_every=40, verbose=0)
    assert losses.loss_train[-1][-1] < 0.3 * losses.loss_train[0][-1]
    s = net.coefficients(SPACE.sample(50)).numpy()[:, :6]
    assert s[:, -1].mean() < 0.5 * s[:, 0].mean()


@pytest.mark.parametrize("regularization", [None, [], {}, {"sparsity": 0}])
def test_no_regularisation_adds_no_term_to_the_loss(regularization):
    net = make(regularization=regularization)
    assert net.regularizer is None and net.losses == []


def test_l2_regularises_the_kernels_as_in_fnn():
    net = lrnr.nn.LRNR([1, 6, 6, 1], "tanh", "Glorot normal", ["l2", 0.1], rank=3)
    net(draw_x(1, 1))
    stack = net.stack
    kernels = (stack.W_in, *stack.U, *stack.V, stack.W_out)
    expected = 0.1 * sum(np.sum(np.square(w)) for w in kernels)
    np.testing.assert_allclose(sum(net.losses), expected, rtol=1e-5)


# Float type


def test_float64_also_after_a_float32_network():
    make()
    dde.config.set_default_float("float64")
    net = make(bias_rank=2)
    mu, x = draw_mu(3), draw_x(4)
    assert {w.dtype for w in net.weights} == {"float64"}
    assert net((mu, point_major(x, mu))).dtype == tf.float64
    plain = lrnr.nn.LRNR([2, 6, 6, 1], "tanh", "Glorot normal", rank=2)
    assert plain(x).dtype == tf.float64
    assert {w.dtype for w in plain.weights} == {"float64"}


def test_float64_has_its_precision(float64):
    net = make(bias_rank=2)
    shake(net)
    mu, x = draw_mu(1), draw_x(4)
    z = net.coefficients(mu).numpy()[0]
    expected = dense_network(net.stack, z[:6].reshape(2, 3), z[6:].reshape(3, 2), x)
    assert relative(net((mu, x)), expected) < 1e-13


# In a plain dde.Model


def poisson():
    """u'' = -pi^2 sin(pi x) in [-1, 1], u = 0 at both ends."""
    interval = dde.geometry.Interval(-1, 1)

    def pde(x, u):
        return dde.grad.hessian(u, x) + np.pi**2 * tf.sin(np.pi * x)

    bc = dde.icbc.DirichletBC(interval, lambda x: 0, lambda x, on: on)
    return dde.data.PDE(
        interval,
        pde,
        bc,
        num_domain=16,
        num_boundary=2,
        solution=lambda x: np.sin(np.pi * x),
        num_test=50,
    )


@pytest.fixture
def short_l_bfgs():
    maxiter = dde.optimizers.LBFGS_options["maxiter"]
    dde.optimizers.set_LBFGS_options(maxiter=10)
    yield
    dde.optimizers.set_LBFGS_options(maxiter=maxiter)


def test_lrnr_trains_with_l_bfgs_in_a_plain_dde_model(short_l_bfgs):
    net = lrnr.nn.LRNR([1] + [20] * 3 + [1], "tanh", "Glorot uniform", rank=6)
    model = dde.Model(poisson(), net)
    model.compile("L-BFGS", verbose=0)
    losses, _ = model.train(verbose=0)
    assert sum(losses.loss_train[-1]) < 0.5 * sum(losses.loss_train[0])
    assert model.predict(np.zeros((3, 1))).shape == (3, 1)


def test_hyper_lrnr_trains_with_l_bfgs(short_l_bfgs):
    data = parametric_problem()
    model = lrnr.Model(data, make((1, 20, 20, 1), rank=4))
    model.compile("L-BFGS", verbose=0)
    losses, _ = model.train(verbose=0)
    assert sum(losses.loss_train[-1]) < 0.1 * sum(losses.loss_train[0])
    mu, x = data.test_mu, np.linspace(0, 1, 9, dtype="float32")[:, None]
    u = model.predict(x, mu)[..., 0].T
    assert np.max(np.abs(u - x * mu[:, 0])) < 0.5


@pytest.mark.slow
def test_lrnr_replaces_fnn_in_a_script_of_adam_and_l_bfgs(short_l_bfgs):
    dde.optimizers.set_LBFGS_options(maxiter=200)
    net = lrnr.nn.LRNR([1] + [20] * 3 + [1], "tanh", "Glorot uniform", rank=6)
    model = dde.Model(poisson(), net)
    model.compile("adam", lr=1e-3, metrics=["l2 relative error"], verbose=0)
    model.train(iterations=300, verbose=0)
    model.compile("L-BFGS", metrics=["l2 relative error"], verbose=0)
    _, state = model.train(verbose=0)
    assert state.metrics_test[0] < 2e-3


@pytest.mark.parametrize("network", ["LRNR", "HyperLRNR"])
def test_save_and_restore_give_back_every_weight(tmp_path, network):
    if network == "LRNR":
        model = dde.Model(
            poisson(), lrnr.nn.LRNR([1, 9, 8, 1], "tanh", "He normal", rank=3)
        )
    else:
        model = lrnr.Model(parametric_problem(), make((1, 9, 8, 7, 1), bias_rank=2))
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=1, verbose=0)
    shake(model.net)
    before = [w.numpy() for w in model.net.weights]
    path = model.save(tmp_path / "model")
    shake(model.net)
    model.restore(path)
    for old, new in zip(before, model.net.weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_state_dict_names_every_weight_and_can_be_pickled(tmp_path):
    net = make()
    model = lrnr.Model(parametric_problem(), net)
    assert len(model.state_dict()) == len(net.weights)
    with open(model.save(tmp_path / "model", protocol="pickle"), "rb") as file:
        weights = pickle.load(file)
    assert sum(w.size for w in weights.values()) == net.num_trainable_parameters()


# What a user may do wrong


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer_sizes": [2, 10, 1]}, "at least two hidden layers"),
        ({"layer_sizes": [2, 10, 0, 1]}, "all sizes must be integers >= 1"),
        ({"layer_sizes": [2, 10, 10.0, 1]}, "all sizes must be integers >= 1"),
        ({"rank": 11}, "rank is 11, larger than the narrowest hidden layer.*10"),
        ({"rank": 0}, "rank is 0; it must be an integer >= 1"),
        ({"rank": 2.5}, "rank is 2.5; it must be an integer >= 1"),
        ({"activation": ["tanh", "tanh"]}, "activation has 2 entries.*3 here"),
        ({"regularization": {"sparse": 1}}, "unknown term 'sparse'"),
        ({"regularization": {"sparsity": -1}}, r"regularization\['sparsity'\] is -1"),
        ({"regularization": {"sparsity": "1"}}, r"regularization\['sparsity'\] is '1'"),
        ({"regularization": {"orthogonality": np.nan}}, "must be a finite number >= 0"),
        ({"bias_rank": -1}, "bias_rank is -1; it must be an integer >= 0"),
        ({"bias_rank": 1.5}, "bias_rank is 1.5; it must be an integer >= 0"),
        ({"hypernetwork": 64}, "hypernetwork is 64; it must be a list of the sizes"),
        ({"hypernetwork": [64, 0]}, r"hypernetwork is \[64, 0\]"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    defaults = {
        "layer_sizes": [2, 10, 12, 1],
        "activation": "tanh",
        "kernel_initializer": "Glorot normal",
    }
    with pytest.raises(ValueError, match=message):
        lrnr.nn.HyperLRNR(**{**defaults, "parameter_space": SPACE, **arguments})
    if not {"bias_rank", "hypernetwork"} & set(arguments):
        with pytest.raises(ValueError, match=message):
            lrnr.nn.LRNR(**{**defaults, **arguments})


@pytest.mark.parametrize("space", [None, {"nu": (0, 1)}])
def test_a_hyper_lrnr_without_parameter_space_is_refused(space):
    with pytest.raises(TypeError, match="must be a ParameterSpace"):
        lrnr.nn.HyperLRNR([2, 9, 9, 1], "tanh", "zeros", parameter_space=space, rank=2)


def test_layer_sizes_that_do_not_fit_the_points_are_refused():
    net = lrnr.nn.LRNR([3, 9, 9, 1], "tanh", "Glorot normal", rank=2)
    with pytest.raises(ValueError, match=r"layer_sizes\[0\] is 3.*dimension 2"):
        net(draw_x(4))
    net = lrnr.nn.HyperLRNR(
        [4, 9, 9, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    with pytest.raises(ValueError, match=r"layer_sizes must begin with 2"):
        net((draw_mu(1), draw_x(4)))
    net.apply_feature_transform(lambda x: tf.concat([x, x, x], 1))
    with pytest.raises(ValueError, match=r"features after the transform: 6"):
        net((draw_mu(1), draw_x(4)))


def test_rows_that_are_not_every_point_with_every_mu_are_refused():
    with pytest.raises(ValueError, match="7 rows for 3 rows of mu.*point-major"):
        make()((draw_mu(3), draw_x(7)))


def test_mu_of_another_dimension_is_refused():
    with pytest.raises(ValueError, match=r"\(beta, nu\)"):
        make()((tf.ones((3, 1)), draw_x(6)))


def test_inputs_of_the_other_network_are_refused():
    with pytest.raises(ValueError, match=r"takes the tuple \(mu, x\).*use LRNR"):
        make()(draw_x(4))
    net = lrnr.nn.LRNR([2, 9, 9, 1], "tanh", "Glorot normal", rank=2)
    with pytest.raises(ValueError, match="use HyperLRNR"):
        net((draw_mu(1), draw_x(4)))


def test_layout_refuses_to_drop_what_cannot_be_dropped():
    layout = lrnr.nn.CoefficientLayout(ranks=(2, 2), bias_ranks=(0, 1, 1))
    assert layout.keep(np.array([1, 0, 1, 1, 1, 1], bool)).ranks == (1, 2)
    with pytest.raises(ValueError, match="bias coefficients"):
        layout.keep(np.array([1, 1, 1, 1, 0, 1], bool))
    with pytest.raises(ValueError, match="all coefficients of low rank layer 2"):
        layout.keep(np.array([1, 1, 0, 0, 1, 1], bool))
    with pytest.raises(ValueError, match=r"boolean array of shape \(6,\)"):
        layout.keep(np.arange(6))
