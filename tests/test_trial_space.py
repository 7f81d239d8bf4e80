"""The trial functions: jets, values and readouts of hidden states."""

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.fast_phase.random_features import RandomFeatures, search_scales
from deepxde_lrnr.fast_phase.trial_space import SolutionNetwork, TrialSpace
from deepxde_lrnr.nn import FastLRNR
from deepxde_lrnr.taylor.feature_jets import FeatureJets
from deepxde_lrnr.taylor.jets import MultiIndices
from deepxde_lrnr.taylor.precision import Precision

SPACE = lrnr.ParameterSpace(k=(0.3, 1.2), a=(0.5, 1.5, "log"))
MU = np.array([[0.7, 1.3]])
X = np.random.default_rng(0).uniform(0, 1, (5, 2))
INDICES = MultiIndices([(4, 0), (2, 1), (0, 2)])


def of_x(x):
    return tf.concat([tf.sin(2 * np.pi * x[:, :1]), x[:, :1] * x[:, 1:], x[:, 1:]], 1)


def of_both(x, mu):
    return tf.concat([x[:, :1] - mu[:, :1] * x[:, 1:], tf.exp(-x * mu)], axis=1)


def output(inputs, y):
    mu, x = inputs
    return mu[:, 1:] + x[:, 1:] * y


FEATURES = {"none": None, "of x": of_x, "of x and mu": of_both}


def network(feature=None, outputs=2, activation="tanh", transform=output):
    net = lrnr.nn.HyperLRNR(
        [2 if feature is None else 3, 7, 6, outputs],
        activation,
        "Glorot normal",
        rank=3,
        bias_rank=1,
        parameter_space=SPACE,
        hypernetwork=(5,),
    )
    if feature is not None:
        net.apply_feature_transform(feature)
    if transform is not None:
        net.apply_output_transform(transform)
    net((MU.astype("f4"), X.astype("f4")))
    families.randomise(net, 0.7)
    return net


def space_of(net, num_random=0, **kwargs):
    full = FastLRNR(net, **kwargs)
    m = full.stack.W_in.shape[0]
    random = RandomFeatures.draw(spread(m), num_random)
    return TrialSpace(full, Precision(full), random)


def spread(num_features):
    """Features at some points."""
    return np.random.default_rng(0).uniform(-1, 1, (num_features, 50))


@pytest.mark.parametrize("name", FEATURES)
def test_jets_of_features_are_those_of_autodiff(name):
    feature = FEATURES[name]
    net = network(feature)
    jets = FeatureJets(Precision(net), INDICES, X)
    assert jets.takes_parameters == (name == "of x and mu")

    def function(x):
        if feature is None:
            return x
        return feature(x) if name == "of x" else feature(x, tf.tile(MU, (len(X), 1)))

    expected = families.taylor_by_autodiff(function, X, INDICES.indices)
    np.testing.assert_allclose(jets(MU), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.parametrize("activation", ["tanh", "silu"])
def test_jets_of_trial_functions_are_those_of_autodiff_of_their_values(
    name, activation
):
    space = space_of(network(FEATURES[name], 1, activation, None), num_random=4)
    found = space.at_points(INDICES, X)(MU)
    assert found.shape == (len(INDICES), 7 + 6 + 4 + 1, 5)

    # One combination of all of them: derivatives of a high order take long by autodiff.
    readout = np.random.default_rng(1).standard_normal((1, space.size))
    expected = families.taylor_by_autodiff(
        lambda x: space.evaluate(MU, x, readout), X, INDICES.indices
    )
    np.testing.assert_allclose(readout @ found, expected, rtol=1e-8, atol=1e-8)


def test_with_all_neurons_the_start_is_the_lrnr_values_and_derivatives():
    dde.config.set_default_float("float64")
    net = network(of_both)
    space = space_of(net)
    assert space.size == 2 * (7 + 6 + 1)
    w = space.start(MU)[None]
    np.testing.assert_allclose(
        space.hidden.coefficients(MU), net.coefficients(MU), rtol=1e-12, atol=1e-14
    )
    indices = MultiIndices.up_to(2, 2).indices
    one, other = (
        families.taylor_by_autodiff(f, X, indices)
        for f in (
            lambda x: space.evaluate(MU, x, w),
            lambda x: net.evaluate(tf.constant(MU), x, net.coefficients(MU)),
        )
    )
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)


def test_the_start_is_the_output_of_fast_lrnr():
    """Whatever its maps are; random features begin with nothing."""
    net = network()
    rng = np.random.default_rng(0)
    chosen = [np.array([0, 2, 5]), np.array([1, 3])]
    maps = [rng.standard_normal((3, 3)), rng.standard_normal((2, 2))]
    space = space_of(net, num_random=3, indices=chosen, maps=maps)
    assert space.num_functions == 3 + 2 + 3 + 1
    fast = FastLRNR(net, chosen, maps)
    mu, x = MU.astype("f4"), X.astype("f4")
    expected = fast((mu, x))
    found = space.evaluate(mu, x, space.start(MU)[None])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert found.dtype == tf.float64


@pytest.mark.parametrize("feature", [None, of_both])
def test_random_features_may_follow_the_trained_solution(feature):
    """Jets, values of TensorFlow and of NumPy are those of the same functions."""
    plain = space_of(network(feature))
    m, n_out = plain.num_features, plain.num_outputs
    random = RandomFeatures.draw(spread(m + n_out), 4)
    space = plain.with_random(random)
    assert space.follows_solution and not plain.follows_solution
    jets = space.at_points(INDICES, X)(MU)
    N = plain.start(MU).reshape(n_out, -1) @ plain.at_points(INDICES, X)(MU)[0]
    features = plain.features(X, MU, with_solution=True)
    np.testing.assert_allclose(features[m:], N, rtol=1e-12, atol=1e-14)
    expected = np.tanh(random.weights.T @ features + random.shifts[:, None])
    np.testing.assert_allclose(jets[0, -5:-1], expected, rtol=1e-12)
    readout = np.random.default_rng(1).standard_normal((2, space.size))
    by_autodiff = families.taylor_by_autodiff(
        lambda x: space.combine(tf.constant(MU), x, tf.constant(readout[:1])),
        X,
        INDICES.indices,
    )
    found = readout[0].reshape(n_out, -1) @ jets
    np.testing.assert_allclose(found, by_autodiff, rtol=1e-8, atol=1e-8)
    mu = np.vstack([MU, MU + 0.1])
    values = space.solution_values(mu, readout)
    given = [plain.features(X, m[None]) for m in mu]
    for i, u in enumerate(values(given)):
        functions = space.at_points(INDICES, X)(mu[i : i + 1])[0]
        expected = readout[i].reshape(n_out, -1) @ functions
        np.testing.assert_allclose(u, expected, rtol=1e-10, atol=1e-12)
    if feature is None:
        np.testing.assert_allclose(values(given[0]), values(given), atol=1e-12)


def test_several_mu_at_once_are_each_of_them():
    space = space_of(network(of_both), num_random=3)
    mu = SPACE.sample(4, "Halton").astype(float)
    readouts = np.random.default_rng(0).standard_normal((4, space.size))
    rows = np.repeat(X, 4, axis=0)
    whole = space.evaluate(mu, rows, readouts).numpy().reshape(5, 4, 2)
    for i in range(4):
        alone = space.evaluate(mu[i : i + 1], X, readouts[i : i + 1])
        np.testing.assert_allclose(whole[:, i], alone, rtol=1e-12, atol=1e-13)


def test_mu_is_not_rounded():
    space = space_of(network(of_both))
    readout = np.ones((1, space.size))
    step = 1e-10
    shifted = MU + [[step, 0]]
    difference = space.evaluate(shifted, X, readout) - space.evaluate(MU, X, readout)
    far = space.evaluate(MU + [[1e-5, 0]], X, readout) - space.evaluate(MU, X, readout)
    np.testing.assert_allclose(difference / step, far / 1e-5, rtol=1e-3, atol=1e-4)


def test_a_solution_is_a_readout_or_the_hypernetworks():
    net = network(of_x)
    first = [np.arange(3), np.arange(3)]
    few = space_of(net, indices=first, maps=[np.ones((3, 3)), np.ones((2, 3))])
    own = space_of(net)
    both = SolutionNetwork(few, own)
    assert both.size == few.size + 1
    readout = np.random.default_rng(0).standard_normal((1, few.size))
    found = both.evaluate(MU, X, np.hstack([readout, [[0]]]))
    np.testing.assert_allclose(found, few.evaluate(MU, X, readout), rtol=1e-12)
    start = both.evaluate(MU, X, np.eye(both.size)[-1:])
    np.testing.assert_allclose(
        start, own.evaluate(MU, X, own.start(MU)[None]), rtol=1e-12
    )


def test_random_features_are_the_same_for_the_same_seed():
    f = spread(3)
    a, b, other = (RandomFeatures.draw(f, 8, 2.0, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(a.weights, b.weights)
    assert np.abs(a.weights - other.weights).max() > 0.1 and len(a) == 8
    assert np.abs(a.scales(f)).max() <= 2 and a.weights.shape == (3, 8)
    # Fewer are the first of more.
    more = RandomFeatures.draw(f, 20, 2.0, 0)
    np.testing.assert_array_equal(more.weights[:, :8], a.weights)
    np.testing.assert_array_equal(more.shifts[:8], a.shifts)


def test_each_random_feature_is_steep_inside():
    """None is constant, however steep they are."""
    f = spread(2) * [[1], [100]] + [[5], [0]]
    random = RandomFeatures.draw(f, 64, [1, 30])
    zeros = np.abs(random.weights.T @ f + random.shifts[:, None]).min(axis=1)
    np.testing.assert_allclose(zeros, 0, atol=1e-12)
    scales = random.scales(f)
    assert 0.8 < scales[0] <= 1 and 24 < scales[1] <= 30


def test_the_search_finds_which_feature_is_steep():
    best = np.array([0.5, 8.0, 2.0])

    def residual_of(scales):
        return np.exp(np.abs(np.log(scales / best)).sum())

    scales, value = search_scales(residual_of, 3)
    np.testing.assert_allclose(scales, best)
    assert value == residual_of(best) == 1


def test_random_features_are_periodic_where_the_features_are():
    """Nothing else would keep them so: there is no boundary condition then."""
    space = space_of(network(of_waves, 1, transform=None), num_random=16)
    t = np.linspace(0, 1, 5)[:, None]
    left, right = (np.hstack([np.full_like(t, side), t]) for side in (0, 1))
    jets = [space.at_points(INDICES, x)(MU) for x in (left, right)]
    np.testing.assert_allclose(jets[0], jets[1], rtol=1e-9, atol=1e-9)


def of_waves(x):
    wave = 2 * np.pi * x[:, :1]
    return tf.concat([tf.sin(wave), tf.cos(wave), x[:, 1:]], axis=1)
