"""Reduction: what is kept, what is dropped, where the fast phase looks."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import Adam
from deepxde_lrnr.fast_phase.trial_space import TrialSpace
from deepxde_lrnr.nn import FastLRNR
from deepxde_lrnr.offline import choice, reduce_model
from deepxde_lrnr.offline import snapshots as snapshots_module
from deepxde_lrnr.offline.reduce import nonzero_coefficients
from deepxde_lrnr.offline.snapshots import draw_snapshots, snapshot_points
from deepxde_lrnr.reduction import deim_indices, pod
from deepxde_lrnr.taylor.jets import MultiIndices
from deepxde_lrnr.taylor.precision import Precision
from pymor.algorithms.ei import deim as pymor_deim
from pymor.vectorarrays.numpy import NumpyVectorSpace

SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
TIME = dde.geometry.TimeDomain(0, 1)
PLANE = dde.geometry.GeometryXTime(dde.geometry.Interval(0, 2), TIME)
SETTINGS = {"points": 20, "rank": 3, "num_parameters": 12}
SETTINGS["method"] = "eim"  # the quickest


@pytest.fixture(autouse=True)
def _without_xla(monkeypatch):
    """XLA compiles for seconds."""
    monkeypatch.setattr(Compiled, "uses_xla", False)


def family(geom=TIME, points=2, initial=lambda _, on: on):
    """Decay u_t = -k u from u = a at t = 0, at every x."""

    def pde(x, u, mu):
        return dde.grad.jacobian(u, x, i=0, j=geom.dim - 1) + mu[:, 0:1] * u

    ic = dde.icbc.IC(geom, lambda x, mu: mu[:, 1:2], initial)
    if geom.dim == 1:
        problem = dde.data.PDE(geom, pde, [ic], 10, points)
    else:
        problem = dde.data.TimePDE(geom, pde, [ic], 10, 0, points)
    return lrnr.data.ParametricPDE(problem, SPACE, 8)


def network(dim=1, **kwargs):
    net = lrnr.nn.HyperLRNR(
        [dim, 8, 8, 8, 1],
        "tanh",
        "Glorot normal",
        rank=3,
        bias_rank=1,
        parameter_space=SPACE,
        hypernetwork=(8,),
        **kwargs,
    )
    net((np.ones((1, 2), np.float32), np.ones((1, dim), np.float32)))
    return net


# Coefficients that are zero


def kill(net, scales):
    """Puts the ReLU of coefficients s to sleep for every mu."""
    bias = net.hypernetwork.biases[-1]
    value = bias.numpy()
    value[scales] = -100
    bias.assign(value)


def test_coefficients_zero_over_the_box_are_dropped_and_nothing_changes():
    data, net = family(), network()
    kill(net, [1, 3, 4])
    fast = reduce_model(data, net, **SETTINGS)
    np.testing.assert_array_equal(fast.dropped, [1, 3, 4])
    assert str([1, 3, 4]) in str(fast.report())
    kept = np.delete(np.arange(net.layout.size), [1, 3, 4])
    np.testing.assert_array_equal(fast.full.kept, kept)
    mu = SPACE.sample(3, "Halton")
    z = net.coefficients(mu).numpy()
    assert not z[:, fast.dropped].any()
    np.testing.assert_allclose(fast.full.coefficients(mu), z[:, kept], atol=1e-6)
    inputs = (tf.constant(mu), tf.constant(np.repeat([[0.3], [0.8]], 3, 0), tf.float32))
    np.testing.assert_allclose(fast.full(inputs), net(inputs), rtol=1e-5, atol=1e-6)
    # The fast phase moves the others only.
    s = fast.solve(mu, Adam(20, 1e-2, "MSE", 0, "full"))
    assert s.coefficients.shape == (3, len(kept))
    assert (s.history[:, -1] < s.history[:, 0]).any()
    z[:, kept] = s.coefficients
    np.testing.assert_allclose(
        s.predict([[0.3], [0.8]]).transpose(1, 0, 2).reshape(-1, 1),
        net.evaluate(*inputs, tf.constant(z)),
        rtol=1e-5,
        atol=1e-6,
    )


def test_without_zeros_nothing_is_dropped():
    fast = reduce_model(family(), network(), **SETTINGS)
    assert fast.dropped.shape == (0,)
    assert fast.full.layout.size == fast.full.full_size


def test_each_layer_keeps_a_coefficient():
    net = network()
    kill(net, [0, 1, 2])
    kept = nonzero_coefficients(net)
    assert kept[:3].sum() == 1
    assert kept[3:].all()


def test_a_coefficient_that_is_seldom_not_zero_is_kept():
    net = network()
    kill(net, [1, 2])
    mu = SPACE.sample(2000, "pseudo")
    hyper = net.hypernetwork
    scaled = SPACE.scale(mu)
    hidden = np.tanh(scaled @ hyper.kernels[0].numpy() + hyper.biases[0].numpy())
    values = hidden @ hyper.kernels[-1].numpy()[:, 1]
    bias = hyper.biases[-1].numpy()
    bias[1] = -np.quantile(values, 0.98)
    hyper.biases[-1].assign(bias)
    assert np.mean(net.coefficients(mu).numpy()[:, 1] > 0) < 0.05
    kept = nonzero_coefficients(net)
    assert kept[1] and not kept[2]


# Points


@pytest.mark.parametrize(
    "geom, points",
    [(TIME, 20), (PLANE, 30), (TIME, np.linspace(0, 1, 7)[:, None])],
)
def test_held_out_points_are_others(geom, points):
    """In one dimension the sequences of Hammersley and Halton are the same."""
    data, net = family(geom), network(geom.dim)
    fast = reduce_model(data, net, **{**SETTINGS, "points": points})
    fitted = fast.residual.collocation.pde_points
    watched = fast.held_out.collocation.pde_points
    n = points if isinstance(points, int) else len(points)
    assert fitted.shape == (n, geom.dim)
    assert watched.shape == (64, geom.dim)
    distance = np.abs(fitted[:, None] - watched[None]).max(axis=2)
    assert (distance > 1e-6).mean() > 0.999
    # They are all over the domain.
    for j in range(geom.dim):
        low, high = (0, 2) if geom.dim == 2 and j == 0 else (0, 1)
        counts, _ = np.histogram(watched[:, j], 4, (low, high))
        assert (counts > 64 / 8).all() and counts.sum() == 64


def test_conditions_pick_their_own_among_the_points_given():
    grid = np.stack(np.meshgrid([0, 1, 2], [0, 0.5, 1]), axis=-1).reshape(-1, 2)
    fast = reduce_model(family(PLANE, 4), network(2), **{**SETTINGS, "points": grid})
    collocation = fast.residual.collocation
    np.testing.assert_array_equal(collocation.pde_points, grid)
    (initial,) = collocation.condition_points
    np.testing.assert_array_equal(initial, [[0, 0], [1, 0], [2, 0]])


def test_loss_weights_reach_the_residual():
    data, net = family(), network()
    plain, weighted = (
        reduce_model(data, net, weights, **SETTINGS) for weights in (None, [4, 9])
    )
    mu = SPACE.sample(1)
    z = plain.full.coefficients(mu)

    def vector(fast):
        inputs, auxiliary = fast.residual.batch(mu)

        @tf.function
        def compute(z, inputs, targets):
            return fast.residual(
                fast.full, z, inputs, {**auxiliary, "targets": targets}
            )

        return compute(z, inputs, auxiliary["targets"]).numpy()[0]

    r, weighted = vector(plain), vector(weighted)
    np.testing.assert_allclose(weighted[:20], 2 * r[:20], rtol=1e-5)
    np.testing.assert_allclose(weighted[20:], 3 * r[20:], rtol=1e-5)
    assert len(r) > 20


# Layers


@pytest.mark.parametrize("method", ["fitted", "qdeim", "eim"])
def test_methods_and_sizes_are_those_asked_for(method):
    fast = reduce_model(
        family(), network(), **{**SETTINGS, "method": method, "rank": 2}
    )
    assert fast.reduced.stack.widths == (2,) * 3
    assert fast.space.size == 3 * 2 + 1
    assert fast.full.stack.widths == (8,) * 3
    assert [layer.modes for layer in fast.layers] == [2, 2, 2]


def test_a_tolerance_sets_the_sizes_and_what_is_left_of_the_residual():
    data, net = family(), network()
    mu = SPACE.sample(4, "Halton")
    sizes, left = [], []
    for rank in (1, 6):
        fast = reduce_model(data, net, **{**SETTINGS, "points": 60, "rank": rank})
        solution = fast.solve(mu)
        sizes.append(fast.space.size)
        left.append(np.max(solution.residual / solution.initial_residual))
    assert sizes == [4, 19]
    assert left[1] < 0.1 * left[0]


def test_the_seed_makes_it_reproducible():
    data, net = family(), network()
    maps = []
    for seed in (0, 0, 1):
        np.random.seed(len(maps))
        fast = reduce_model(data, net, **SETTINGS, seed=seed)
        maps.append(fast.reduced.stack.W_out.numpy())
    np.testing.assert_array_equal(maps[0], maps[1])
    assert np.abs(maps[0] - maps[2]).max() > 0


def space_of(net):
    full = FastLRNR(net)
    return TrialSpace(full, Precision(full))


def test_snapshots_are_hidden_states_and_their_derivatives(monkeypatch):
    net = network(2)
    monkeypatch.setattr(snapshots_module, "_PERTURBATION", 0.0)
    x, mu = np.random.uniform(0, 1, (5, 2)), SPACE.sample(1).astype(float)
    rng = np.random.default_rng(0)
    snapshots = draw_snapshots(space_of(net), MultiIndices.up_to(2, 2), x, mu, rng)
    # All five points, in whatever order.
    x = x[np.random.default_rng(0).permutation(5)]
    z = net.coefficients(mu).numpy()
    bias = net.stack.b[0] + z[:, 6:7] @ net.stack.B[0].numpy().T
    W = net.stack.W_in.numpy()

    def first_layer(x):
        return np.tanh(x @ W + bias).T

    # Sorted by the points, which may have been drawn in another order.
    order = np.argsort(snapshots.values[0][0]), np.argsort(first_layer(x)[0])
    x = x[order[1]]
    h = first_layer(x)
    values = snapshots.values[0][:, order[0]]
    np.testing.assert_allclose(values, h, rtol=1e-4, atol=1e-6)
    assert len(snapshots.derivatives[0]) == 5
    indices = MultiIndices.up_to(2, 2).indices[1:]
    for index, found in zip(indices, snapshots.derivatives[0], strict=True):
        weights = np.prod([W[j] ** n for j, n in enumerate(index)], axis=0)[:, None]
        factor = (1 - h**2) if sum(index) == 1 else -2 * h * (1 - h**2)
        # Taylor coefficients.
        expected = factor * weights / (2 if max(index) == 2 else 1)
        np.testing.assert_allclose(found[:, order[0]], expected, rtol=1e-3, atol=1e-5)


def test_on_hidden_states_of_a_trained_network_deim_is_that_of_pymor():
    model = lrnr.Model(family(), network())
    model.compile("SOAP", lr=1e-2, verbose=0)
    model.train(iterations=100, batch_size=4, display_every=10**9, verbose=0)
    x, mu = np.linspace(0, 1, 20)[:, None], SPACE.sample(10)
    rng = np.random.default_rng(0)
    space, indices = space_of(model.net), MultiIndices.up_to(1, 0)
    snapshots = draw_snapshots(space, indices, x, mu, rng)
    assert snapshots.derivatives == [None] * 3
    for states in snapshots.values:
        assert states.shape == (8, 200)
        modes, _ = pod(states, rank=5)
        theirs, _, _ = pymor_deim(NumpyVectorSpace.from_numpy(modes), pod=False)
        np.testing.assert_array_equal(deim_indices(modes), theirs)


def test_shifted_points_go_both_ways_along_each_coordinate():
    points = snapshot_points(family(PLANE), np.array([[1.0, 0.0]]), shifted=True)
    expected = [[1, 0], [1.02, 0], [1, 0.01], [0.98, 0], [1, -0.01]]
    # The point, which is that of the IC as well.
    np.testing.assert_allclose(np.unique(points, axis=0), np.unique(expected, axis=0))


# Bad input


def test_reduction_comes_after_training():
    with pytest.raises(RuntimeError, match="train"):
        lrnr.Model(family(), network()).reduce()


@pytest.mark.parametrize(
    "argument, value, message",
    [
        ("rank", 9, "rank is 9, larger than the narrowest hidden layer, 8"),
        ("rank", 0, "rank is 0; it must be an integer >= 1"),
        ("rank", 2.5, "rank is 2.5; it must be an integer"),
        ("rtol", -1, "rtol"),
        ("rtol", float("nan"), "rtol"),
        ("method", "deim", "method is 'deim'; it must be one of"),
        ("oversampling", 0.5, "oversampling is 0.5; it must be a number >= 1"),
        ("oversampling", float("nan"), "oversampling is nan"),
        ("points", 0, "points is 0"),
        ("points", -3, "points is -3"),
        ("points", np.ones((4, 2)), r"points has shape \(4, 2\).*\(N, 1\)"),
        ("points", np.ones(4), r"points has shape \(4,\)"),
        ("points", np.ones((0, 1)), r"points has shape \(0, 1\)"),
        ("points", [[0.0], [np.nan]], "points .* NaN"),
        ("points", [[0.5], [1.0]], r"bcs\[0\] \(IC\) has no points"),
        ("num_parameters", 0, "num_parameters is 0"),
        ("num_parameters", 2.5, "num_parameters is 2.5"),
        ("mu", [1, 2, 3], r"mu has shape .* must be \(2,\) or \(n, 2\)"),
        ("mu", {"k": 1}, "mu lacks a"),
        ("random_features", -1, "random_features is -1"),
        ("random_features", 2.5, "random_features is 2.5"),
    ],
)
def test_bad_arguments_are_named(argument, value, message):
    with pytest.raises(ValueError, match=message):
        reduce_model(family(), network(), **{**SETTINGS, argument: value})


def test_there_are_no_more_modes_than_snapshots():
    settings = {"points": np.zeros((1, 1)), "rank": 7, "num_parameters": 1}
    with pytest.raises(ValueError, match="rank"):
        reduce_model(family(), network(), method="qdeim", **settings)


def test_weights_must_be_those_of_least_squares():
    with pytest.raises(ValueError, match="loss_weights"):
        reduce_model(family(), network(), [1, -1], **SETTINGS)


@pytest.mark.parametrize("given", [True, False], ids=["given", "by default"])
def test_sizes_are_chosen_where_the_user_says(given, monkeypatch):
    """A distribution may be far from the corners of the box, which are hard."""
    looked_at, after = [], choice.residuals_after

    def recorded(equations, mu, **options):
        looked_at.extend(map(tuple, np.asarray(mu)))
        return after(equations, mu, **options)

    monkeypatch.setattr(choice, "residuals_after", recorded)
    mu = {"k": [1.0, 1.25, 2.0], "a": 1.0}
    reduce_model(family(), network(), num_parameters=12, mu=mu if given else None)
    named = {(k, 1.0) for k in mu["k"]}
    assert looked_at and (set(looked_at) == named) is given
    assert ((0.5, 0.5) in looked_at) is not given


def test_mu_outside_of_the_box_is_warned_of():
    with pytest.warns(lrnr.OutsideParameterSpaceWarning, match="k = 9"):
        reduce_model(family(), network(), **SETTINGS, mu=[9, 1])
