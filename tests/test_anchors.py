"""Random features that follow solutions at other mu, and how these are found."""

import warnings
from dataclasses import replace

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase.random_features import RandomFeatures
from deepxde_lrnr.fast_phase.trial_space import TrialSpace
from deepxde_lrnr.io import container
from deepxde_lrnr.io.kinds import FAST_MODEL
from deepxde_lrnr.nn import FastLRNR
from deepxde_lrnr.offline import continuation, reduce, reduce_model
from deepxde_lrnr.offline.family import Family
from deepxde_lrnr.taylor.anchors import TRAINED, Anchors
from deepxde_lrnr.taylor.jets import MultiIndices
from deepxde_lrnr.taylor.precision import Precision
from test_enrichment import MU as FAMILY_MU
from test_enrichment import advected
from test_following import plain_only

SPACE = lrnr.ParameterSpace(a=(0, 1), b=(1, 100, "log"))
POINTS = np.random.default_rng(0).uniform(size=(17, 2))
MU = np.array([[0.1, 2.0], [0.52, 11.0], [0.9, 90.0], [0.88, 85.0]])
NUM_RANDOM = 5


@pytest.fixture(scope="module", autouse=True)
def _without_xla():
    """XLA compiles for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "uses_xla", False)
        yield


def features(x):
    return tf.concat([tf.cos(x[:, :1]), x], axis=1)


@pytest.fixture(scope="module", params=[1, 2], ids=["scalar", "system"])
def space(request):
    """A trial space that follows a chain of three solutions, or the network's own."""
    outputs = request.param
    dde.config.set_random_seed(0)
    net = lrnr.nn.HyperLRNR(
        [3, 6, 6, outputs], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    net.apply_feature_transform(features)
    net((MU[:1].astype("f4"), POINTS[:1].astype("f4")))
    full = FastLRNR(net)
    precision = Precision(full)
    precision.settle_transforms(POINTS[:2], MU[:2], stacklevel=1)
    plain = TrialSpace(full, precision)
    rng = np.random.default_rng(1)
    random = RandomFeatures(
        rng.normal(size=(3 + outputs, NUM_RANDOM)), rng.normal(size=NUM_RANDOM)
    )
    size = outputs * (12 + NUM_RANDOM + outputs + 1)
    anchors = Anchors(
        random.weights,
        random.shifts,
        mu=np.array([[0.5, 10.0], [0.7, 30.0], [0.9, 90.0]]),
        readouts=rng.normal(size=(3, size)) / 4,
        parents=np.array([TRAINED, 0, 1]),
        trained=np.array([[0.1, 2.0]]),
        parameter_space=SPACE,
    )
    return plain.following(random, anchors)


def test_the_nearest_solution_is_followed(space):
    anchors = space.anchors
    np.testing.assert_array_equal(anchors.nearest(MU), [TRAINED, 0, 2, 2])
    np.testing.assert_array_equal(
        space._followed_numbers(tf.constant(MU))[:, 0], [TRAINED, 0, 2, 2]
    )
    assert anchors.chain(2) == [0, 1, 2] and anchors.chain(TRAINED) == []
    # Of two at the same mu the one that follows the other.
    twice = replace(anchors, mu=np.vstack([anchors.mu[:2], anchors.mu[1:2]]))
    np.testing.assert_array_equal(twice.nearest(np.array([[0.7, 30.0]])), [2])


def readouts_of(space):
    return np.random.default_rng(2).normal(size=(len(MU), space.size))


def test_jets_are_derivatives_of_the_values_of_tensorflow(space):
    readouts = readouts_of(space)
    indices = MultiIndices.up_to(2, 2)
    functions = space.at_points(indices, POINTS)
    for mu, readout in zip(MU, readouts, strict=True):
        jets = readout.reshape(space.num_outputs, -1) @ functions(mu[None])
        x = tf.constant(POINTS)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            with tf.GradientTape(persistent=True) as inner:
                inner.watch(x)
                u = space.combine(tf.constant(mu[None]), x, tf.constant(readout[None]))
                parts = [u[:, c] for c in range(space.num_outputs)]
            firsts = [inner.gradient(part, x) for part in parts]
            slopes = [first[:, 0] for first in firsts]
        for c, first in enumerate(firsts):
            second = tape.gradient(slopes[c], x)
            expected = {
                (0, 0): u[:, c],
                (1, 0): first[:, 0],
                (0, 1): first[:, 1],
                (2, 0): second[:, 0] / 2,  # jets are D^a / a!
                (1, 1): second[:, 1],
            }
            for index, values in expected.items():
                i = indices.indices.index(index)
                np.testing.assert_allclose(jets[i, c], values, rtol=1e-9, atol=1e-9)


def test_values_of_numpy_are_those_of_tensorflow(space):
    readouts = readouts_of(space)
    values = space.solution_values(MU, readouts)(space.features(POINTS))
    rows = np.repeat(POINTS, len(MU), axis=0)
    expected = space.combine(
        tf.constant(MU), tf.constant(rows), tf.constant(readouts)
    ).numpy()
    expected = expected.reshape(len(POINTS), len(MU), -1).transpose(1, 2, 0)
    np.testing.assert_allclose(values, expected, rtol=1e-10, atol=1e-10)


def test_a_solve_starts_at_the_solution_that_is_followed(space):
    indices, anchors = MultiIndices.up_to(2, 0), space.anchors
    mu = anchors.mu[1]
    there = replace(anchors, always=int(anchors.parents[1]))
    found_with = space.following(space.random, there)
    expected = (
        anchors.readouts[1].reshape(space.num_outputs, -1)
        @ (found_with.at_points(indices, POINTS)(mu[None])[0])
    )
    start = space.start(mu).reshape(space.num_outputs, -1)
    started = start @ space.at_points(indices, POINTS)(mu[None])[0]
    np.testing.assert_allclose(started, expected, rtol=1e-10, atol=1e-12)


def from_the_first(*args):
    """As if the first mu were solved, and no other."""
    *args, errors = args
    errors = np.where(np.arange(len(errors)) == 0, 0.0, np.maximum(errors, 0.1))
    return continuation.follow_anchors(*args, errors)


@pytest.fixture(scope="module")
def reduced():
    """A model that follows solutions, where nothing else is allowed to help."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("enlarge_trial_space", "follow_solution"):
            patch.setattr(reduce, name, lambda *args: None)
        patch.setattr(reduce, "RESOLVED", 0.0)
        patch.setattr(reduce, "choose_trial_space", plain_only)
        patch.setattr(reduce, "follow_anchors", from_the_first)
        patch.setattr(reduce, "_much_smaller", lambda *errors: True)
        patch.setattr(continuation, "_COUNTS", (48,))
        patch.setattr(continuation, "_MOST_ANCHORS", 4)
        data, net = advected(6)
        with pytest.warns(lrnr.fast_phase.NotResolvedWarning):
            fast = reduce_model(data, net, [1, 10], num_parameters=8, verbose=0)
    return data, fast


def test_reduce_goes_from_mu_to_mu_in_short_steps(reduced):
    _, fast = reduced
    anchors = fast.space.anchors
    assert 2 <= len(anchors) <= 4 and anchors.parents[1] == 0
    assert f"which follow {len(anchors)} solutions" in repr(fast)
    assert f"following {len(anchors)} solutions" in str(fast.report())
    # Steps of the box are not longer than allowed.
    scaled = fast.parameter_space.scale(anchors.mu)
    steps = np.abs(scaled[1:] - scaled[anchors.parents[1:]]).max(axis=1)
    assert np.all(steps <= continuation._STEP + 1e-9)
    assert anchors.parameter_space.contains(anchors.mu).all()


def test_they_are_no_worse_than_the_trained_network(reduced):
    _, fast = reduced
    solution = fast.solve(FAMILY_MU)
    trained = [fast.residual_of_hypernetwork(m) ** 0.5 for m in FAMILY_MU]
    assert np.all(solution.residual <= np.array(trained) * (1 + 1e-9))


def test_a_file_keeps_them(reduced, tmp_path):
    data, fast = reduced
    x = data.geom.random_points(50)
    expected = fast.solve(FAMILY_MU).predict(x)
    again = lrnr.load_fast(fast.save(tmp_path / "fast.npz"), data)
    assert len(again.space.anchors) == len(fast.space.anchors)
    np.testing.assert_allclose(again.solve(FAMILY_MU).predict(x), expected, atol=1e-5)


def test_a_surrogate_predicts_with_them(reduced, tmp_path):
    data, fast = reduced
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fast.build_basis(1e-3, 8, 8, verbose=0)
    x = data.geom.random_points(50)
    path = fast.save(tmp_path / "fast.npz")
    surrogate = lrnr.load_surrogate(path)
    mu, solver = FAMILY_MU, lrnr.reduced_basis.BasisLeastSquares()
    # The same combination, by the model.
    predictor = fast.predictor_of(fast.basis.functions)
    same = predictor(x, mu, surrogate.coefficients(mu), False)
    np.testing.assert_allclose(surrogate.predict(x, mu), same, atol=1e-9)
    expected = fast.solve(mu, solver).predict(x)
    again = lrnr.load_fast(path, data)
    np.testing.assert_allclose(again.solve(mu, solver).predict(x), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["weights", "readouts", "parents", "trained"])
def test_a_file_with_other_anchors_is_refused(reduced, tmp_path, name):
    data, fast = reduced
    path = fast.save(tmp_path / "fast.npz")
    header, arrays = container.read(path, FAST_MODEL)
    array = arrays[f"anchors/{name}"]
    arrays[f"anchors/{name}"] = array + 9 if name == "parents" else array[:, :-1]
    container.write(path, FAST_MODEL, header, arrays)
    with pytest.raises(lrnr.FileFormatError):
        lrnr.load_fast(path, data)


@pytest.mark.parametrize("errors", [[0.5, np.nan], [1e-3, 1.5e-2]])
def test_solutions_are_followed_from_small_errors_to_large_ones_only(errors):
    data, net = advected(6)
    own = TrialSpace(FastLRNR(net), Precision(FastLRNR(net)))
    family = Family(data, None, own, None, None, 1e-3)
    found = continuation.follow_anchors(family, FAMILY_MU[:2], np.array(errors))
    assert found is None
