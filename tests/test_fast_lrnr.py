"""FastLRNR: with every neuron it is the LRNR; with some, a small network of its own."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.nn import FastLRNR
from hypothesis import given, settings
from hypothesis import strategies as st

SPACE = lrnr.ParameterSpace(beta=(1, 3), nu=(0.02, 0.2, "log"))


def trained(layer_sizes=(2, 9, 8, 7, 1), transforms=False, **kwargs):
    """A HyperLRNR with weights as far from their start as training may take them."""
    kwargs = {
        "rank": 3,
        "bias_rank": 2,
        "parameter_space": SPACE,
        "hypernetwork": (8,),
        **kwargs,
    }
    net = lrnr.nn.HyperLRNR(layer_sizes, "tanh", "Glorot normal", **kwargs)
    if transforms:
        net.apply_feature_transform(
            lambda x, mu: tf.concat([tf.sin(x), mu[:, :1] * x[:, :1]], 1)
        )
        net.apply_output_transform(lambda inputs, u: inputs[1][:, 1:] * u + inputs[0])
    net((draw_mu(1), draw_x(1)))
    for w in net.weights:
        w.assign(w + 0.3 * np.random.standard_normal(w.shape))
    return net


def draw_mu(n):
    return tf.constant(SPACE.sample(n), dde.config.real(tf))


def draw_x(n):
    return tf.constant(np.random.uniform(-1, 1, (n, 2)), dde.config.real(tf))


def point_major(x, mu):
    return tf.repeat(x, len(mu), axis=0)


def drop(net, scales):
    """Makes coefficients s exactly zero over the whole box; marks the others."""
    bias = net.hypernetwork.biases[-1].numpy()
    kernel = net.hypernetwork.kernels[-1].numpy()
    kernel[:, scales], bias[scales] = 0, -1
    net.hypernetwork.kernels[-1].assign(kernel)
    net.hypernetwork.biases[-1].assign(bias)
    kept = np.ones(net.layout.size, bool)
    kept[scales] = False
    return kept


def derivatives(net, mu, x):
    """Each component with its first and second derivatives, by DeepXDE's own means."""

    @tf.function
    def evaluate(mu, x):
        u = net((mu, x))
        components = range(u.shape[1])
        return [
            u,
            *(dde.grad.jacobian(u, x, i=i) for i in components),
            *(
                dde.grad.hessian(u, x, component=i, i=j, j=k)
                for i in components
                for j in range(2)
                for k in range(2)
            ),
        ]

    result = evaluate(mu, x)
    dde.grad.clear()
    return [d.numpy() for d in result]


# Every neuron


@pytest.mark.parametrize("transforms", [False, True])
def test_with_every_neuron_it_is_the_lrnr_up_to_second_derivatives(transforms):
    sizes = (3, 9, 8, 7, 2) if transforms else (2, 9, 8, 7, 1)
    net = trained(sizes, transforms)
    mu, x = draw_mu(3), draw_x(5)
    x = point_major(x, mu)
    for fast, full in zip(
        derivatives(FastLRNR(net), mu, x), derivatives(net, mu, x), strict=True
    ):
        np.testing.assert_allclose(fast, full, rtol=1e-5, atol=1e-6)


def test_identity_holds_in_float64():
    dde.config.set_default_float("float64")
    net = trained((3, 9, 8, 7, 2), transforms=True)
    fast = FastLRNR(net)
    assert {w.dtype for w in fast.weights} == {"float64"}
    mu, x = draw_mu(3), draw_x(5)
    x = point_major(x, mu)
    for a, b in zip(derivatives(fast, mu, x), derivatives(net, mu, x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)


@settings(deadline=None, max_examples=8)
@given(
    widths=st.lists(st.integers(3, 9), min_size=2, max_size=4),
    rank=st.integers(1, 3),
    bias_rank=st.integers(0, 2),
    outputs=st.integers(1, 3),
)
def test_with_every_neuron_it_is_the_lrnr(widths, rank, bias_rank, outputs):
    net = trained([2, *widths, outputs], rank=rank, bias_rank=bias_rank)
    mu, x = draw_mu(3), draw_x(4)
    rows = point_major(x, mu)
    np.testing.assert_array_equal(FastLRNR(net)((mu, rows)), net((mu, rows)))


# Selected neurons


@settings(deadline=None, max_examples=8)
@given(st.data())
def test_selected_neurons_with_any_maps_follow_the_formula(data):
    widths, rank, outputs = (9, 8, 7), 3, 2
    net = trained((2, *widths, outputs), rank=rank)
    indices = [
        data.draw(st.lists(st.integers(0, w - 1), min_size=1, unique=True))
        for w in widths
    ]
    maps = [
        np.random.standard_normal((rows, len(i)))
        for rows, i in zip((rank, rank, outputs), indices, strict=True)
    ]
    fast = FastLRNR(net, indices, maps)
    mu, x = draw_mu(1), draw_x(6)

    stack = net.stack
    z = net.coefficients(mu).numpy()[0]
    s, c = z[: 2 * rank].reshape(2, rank), z[2 * rank :].reshape(3, 2)
    bias = [
        (np.asarray(b) + np.asarray(B) @ ci)[i]
        for b, B, ci, i in zip(stack.b, stack.B, c, indices, strict=True)
    ]
    h = np.tanh(x.numpy() @ np.asarray(stack.W_in)[:, indices[0]] + bias[0])
    for level in range(2):
        U = np.asarray(stack.U[level])[indices[level + 1]]
        h = np.tanh(h @ maps[level].T * s[level] @ U.T + bias[level + 1])
    expected = h @ maps[-1].T + np.asarray(stack.b_out)
    np.testing.assert_allclose(fast((mu, x)), expected, rtol=1e-4, atol=1e-5)
    assert [h.shape[1] for h in fast.stack.hidden_states(x, z[None])] == [
        len(i) for i in indices
    ]


def test_neurons_that_repeat_others_can_be_left_out_without_loss():
    net = trained((2, 8, 8, 8, 1))
    stack = net.stack
    for rows in (*stack.U, *stack.b, *stack.B):
        rows.assign(np.concatenate([rows[:4], rows[:4]]))
    stack.W_in.assign(np.tile(np.asarray(stack.W_in)[:, :4], 2))
    indices = [np.arange(4)] * 3
    maps = [np.asarray(w[:4] + w[4:]).T for w in (*stack.V, stack.W_out)]
    mu, x = draw_mu(3), draw_x(5)
    rows = point_major(x, mu)
    for fast, full in zip(
        derivatives(FastLRNR(net, indices, maps), mu, rows),
        derivatives(net, mu, rows),
        strict=True,
    ):
        np.testing.assert_allclose(fast, full, rtol=1e-4, atol=1e-5)


def test_transforms_and_components_are_carried_along():
    net = trained((3, 9, 8, 7, 2), transforms=True)
    indices = [np.arange(4)] * 3
    maps = [np.zeros((3, 4)), np.zeros((3, 4)), np.zeros((2, 4))]
    mu, x = draw_mu(3), draw_x(5)
    rows = point_major(x, mu)
    u = FastLRNR(net, indices, maps)((mu, rows))
    # Of such a network only b_out is left, and what the transform makes of it.
    expected = rows[:, 1:] * np.asarray(net.stack.b_out) + np.tile(mu, (5, 1))
    np.testing.assert_allclose(u, expected, rtol=1e-5)


# Dropped coefficients


def test_dropping_coefficients_that_are_zero_changes_nothing():
    net = trained()
    kept = drop(net, [1, 3, 4])
    fast = FastLRNR(net, kept=kept)
    mu, x = draw_mu(3), draw_x(5)
    rows = point_major(x, mu)
    assert fast.layout.ranks == (2, 1)
    assert fast.layout.size == net.layout.size - 3 and fast.full_size == net.layout.size
    np.testing.assert_array_equal(fast.kept, np.flatnonzero(kept))
    np.testing.assert_allclose(
        fast.coefficients(mu), net.coefficients(mu).numpy()[:, kept], rtol=1e-5
    )
    for a, b in zip(
        derivatives(fast, mu, rows), derivatives(net, mu, rows), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_maps_lose_the_rows_of_dropped_coefficients():
    net = trained()
    kept = drop(net, [0, 5])
    indices = [np.array([8, 2, 5]), np.array([1, 7]), np.array([0, 3])]
    maps = [np.random.standard_normal(s) for s in ((3, 3), (3, 2), (1, 2))]
    mu, x = draw_mu(3), draw_x(5)
    rows = point_major(x, mu)
    np.testing.assert_allclose(
        FastLRNR(net, indices, maps, kept)((mu, rows)),
        FastLRNR(net, indices, maps)((mu, rows)),
        rtol=1e-4,
        atol=1e-5,
    )


# A network of its own


def test_training_the_lrnr_afterwards_does_not_reach_it():
    net = trained()
    fast = FastLRNR(net)
    mu, x = draw_mu(3), draw_x(3)
    before, z = fast((mu, x)).numpy(), fast.coefficients(mu).numpy()
    for w in net.weights:
        w.assign(w + 1)
    np.testing.assert_array_equal(fast((mu, x)), before)
    np.testing.assert_array_equal(fast.coefficients(mu), z)


def test_it_is_a_dde_network_without_trainable_parameters():
    fast = FastLRNR(trained())
    assert isinstance(fast, dde.nn.NN)
    assert fast.num_trainable_parameters() == 0 and fast.trainable_variables == []
    mu, x = draw_mu(2), draw_x(2)
    assert fast((mu, x)).shape == (2, 1)


def test_coefficients_may_come_from_elsewhere():
    net = trained()
    fast = FastLRNR(net)
    mu, x = draw_mu(3), draw_x(5)
    rows = point_major(x, mu)
    z = tf.random.normal((3, net.layout.size))
    np.testing.assert_allclose(
        fast.evaluate(mu, rows, z), net.evaluate(mu, rows, z), rtol=1e-5
    )


def test_compiled_with_xla_it_is_the_same():
    net = trained((3, 9, 8, 7, 2), transforms=True)
    fast = FastLRNR(net)
    mu, x = draw_mu(3), draw_x(5)
    rows = point_major(x, mu)
    compiled = tf.function(fast.evaluate, jit_compile=True)
    np.testing.assert_allclose(
        compiled(mu, rows, fast.coefficients(mu)), net((mu, rows)), rtol=1e-4, atol=1e-5
    )


# What a caller may do wrong


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"indices": None}, "indices is None; it must have one entry.*3 hidden"),
        ({"maps": None}, "maps is None; it must have one entry for each of the 3"),
        ({"indices": [[0, 1]] * 2}, "indices is of length 2"),
        ({"maps": [np.ones((3, 2))] * 2}, "maps is of length 2"),
        ({"indices": [[0, 9], [0, 1], [0, 1]]}, r"indices\[0\].*from 0 to 8"),
        ({"indices": [[0, 1], [0, -1], [0, 1]]}, r"indices\[1\].*from 0 to 7"),
        (
            {"maps": [np.ones((3, 2)), np.ones((3, 3)), np.ones((1, 2))]},
            r"maps\[1\] has shape \(3, 3\); for 2 indices it must be \(3, 2\)",
        ),
        ({"maps": [np.ones((3, 2))] * 3}, r"maps\[2\].*must be \(1, 2\)"),
        ({"kept": np.ones(5, bool)}, r"kept has shape \(5,\)"),
        ({"kept": np.arange(12) > 2}, "all coefficients of low rank layer 1"),
        ({"kept": np.arange(12) < 11}, "kept drops bias coefficients"),
    ],
)
def test_a_selection_that_does_not_fit_is_named(change, message):
    arguments = {
        "indices": [[0, 1]] * 3,
        "maps": [np.ones((3, 2)), np.ones((3, 2)), np.ones((1, 2))],
        **change,
    }
    with pytest.raises(ValueError, match=message):
        FastLRNR(trained(), **arguments)


def test_a_network_without_weights_is_refused():
    net = lrnr.nn.HyperLRNR(
        [2, 5, 5, 1], "tanh", "zeros", rank=2, parameter_space=SPACE
    )
    with pytest.raises(ValueError, match="net has no weights yet"):
        FastLRNR(net)
