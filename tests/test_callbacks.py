"""Resampling of mu and of points while a model trains."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf

SPACE = lrnr.ParameterSpace(a=(0, 1), b=(10, 1000, "log"))
INTERVAL = dde.geometry.Interval(0, 2)


def model_for(pde, conditions=(), **kwargs):
    problem = dde.data.PDE(INTERVAL, pde, list(conditions), 20, 2)
    data = lrnr.data.ParametricPDE(problem, SPACE, 16)
    net = lrnr.nn.HyperLRNR(
        [1, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0, **kwargs)
    return model


def attached(callback, model):
    """The callback as it is while the model trains."""
    callback.set_model(model)
    callback.on_train_begin()
    return callback


def wrong_for_large_a(x, u, mu):
    """A residual that no network can change: 0 for a <= 1/2, else a - 1/2."""
    return 0 * u + tf.nn.relu(mu[:, 0:1] - 0.5)


def test_residual_prefers_mu_of_large_loss():
    model = model_for(wrong_for_large_a)
    resampler = lrnr.callbacks.ParameterResampler(
        method="residual", offset=0, candidates=8
    )
    attached(resampler, model).resample()
    mu = model.data.train_mu
    assert mu.shape == (16, 2)
    assert np.all(mu[:, 0] > 0.5)
    assert len(np.unique(mu, axis=0)) == 16


def test_a_large_power_takes_the_worst_mu():
    model = model_for(wrong_for_large_a)
    resampler = lrnr.callbacks.ParameterResampler(
        method="residual", power=1000, offset=0, candidates=100
    )
    attached(resampler, model).resample()
    # Among 1,600 candidates the chance that none of the first few is there vanishes.
    assert np.sort(model.data.train_mu[:, 0])[-1] > 0.98


def test_offset_keeps_the_other_mu_in_play():
    model = model_for(wrong_for_large_a)
    resampler = lrnr.callbacks.ParameterResampler(method="residual", offset=1e6)
    attached(resampler, model).resample()
    assert np.any(model.data.train_mu[:, 0] < 0.5)


def test_losses_of_the_parameters_are_weighted_means_of_squares():
    start = dde.icbc.DirichletBC(INTERVAL, lambda x, mu: mu[:, 1:2], lambda x, on: on)
    model = model_for(wrong_for_large_a, [start], loss_weights=[2, 1e-3])
    model.net.apply_output_transform(lambda inputs, y: 0 * y)
    resampler = attached(lrnr.callbacks.ParameterResampler(num_points=7), model)
    mu = SPACE.sample(100)
    expected = 2 * np.maximum(mu[:, 0] - 0.5, 0) ** 2 + 1e-3 * mu[:, 1] ** 2
    np.testing.assert_allclose(resampler.parameter_losses(mu), expected, rtol=1e-4)
    np.testing.assert_allclose(
        resampler.parameter_losses(mu[:3]), expected[:3], rtol=1e-4
    )


def test_new_loss_weights_are_taken_when_training_begins():
    model = model_for(wrong_for_large_a)
    resampler = attached(lrnr.callbacks.ParameterResampler(), model)
    mu = SPACE.sample(5)
    before = resampler.parameter_losses(mu)
    model.compile("adam", lr=1e-3, loss_weights=[10], verbose=0)
    resampler.on_train_begin()
    np.testing.assert_allclose(resampler.parameter_losses(mu), 10 * before, rtol=1e-5)


@pytest.mark.parametrize("losses", [[0, 0, 0, 0], [1, np.nan, np.inf, np.inf]])
def test_losses_without_order_still_give_probabilities(losses):
    resampler = lrnr.callbacks.ParameterResampler(method="residual", offset=0)
    probability = resampler._probability(np.array(losses, np.float32))
    assert np.all(probability > 0)
    np.testing.assert_allclose(probability.sum(), 1)
    np.testing.assert_allclose(probability[1:], probability[2], rtol=1e-2)


@pytest.mark.parametrize("method", ["uniform", "residual"])
def test_mu_are_resampled_every_period_and_stay_in_the_box(method):
    pools = []

    class Record(dde.callbacks.Callback):
        def on_epoch_end(self):
            pools.append(self.model.data.train_mu.copy())

    model = model_for(wrong_for_large_a)
    pools.append(model.data.train_mu.copy())
    resampler = lrnr.callbacks.ParameterResampler(period=2, method=method, num_points=4)
    model.train(iterations=5, batch_size=4, callbacks=[resampler, Record()], verbose=0)
    changed = [
        not np.array_equal(old, new) for old, new in zip(pools, pools[1:], strict=False)
    ]
    assert changed == [False, True, False, True, False]
    assert SPACE.contains(np.vstack(pools)).all()


@pytest.mark.parametrize("bc_points", [False, True])
def test_pde_point_resampler_works(bc_points):
    """Also where the number of points of an IC/BC changes, which stops DeepXDE."""
    time = dde.geometry.GeometryXTime(INTERVAL, dde.geometry.TimeDomain(0, 1))

    def left(x, on):
        return on and np.isclose(x[0], 0)

    side = dde.icbc.DirichletBC(time, lambda x, mu: mu[:, 0:1], left)
    problem = dde.data.TimePDE(time, lambda x, u, mu: u, side, 12, 20, 0, "pseudo")
    data = lrnr.data.ParametricPDE(problem, SPACE, 16)
    net = lrnr.nn.HyperLRNR(
        [2, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0)
    resampler = dde.callbacks.PDEPointResampler(period=1, bc_points=bc_points)
    before, counts = data.train_collocation, set()
    for _ in range(2):
        model.train(iterations=1, callbacks=[resampler], verbose=0)
        counts.add(data.train_collocation.counts)
    after = data.train_collocation
    assert not np.isin(after.pde_points[:, 1], before.pde_points[:, 1]).any()
    assert (len(counts) > 1) == bc_points


@pytest.mark.parametrize(
    "argument, value",
    [
        ("method", "RAD"),
        ("period", 0),
        ("period", 2.5),
        ("candidates", 0),
        ("num_points", -1),
        ("power", -1),
        ("offset", float("inf")),
    ],
)
def test_wrong_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=f"{argument} is {value!r}; it must be"):
        lrnr.callbacks.ParameterResampler(**{argument: value})


def test_there_must_be_mu_to_resample():
    problem = dde.data.PDE(INTERVAL, lambda x, u: u, [], 20)
    model = dde.Model(problem, dde.nn.FNN([1, 4, 1], "tanh", "Glorot normal"))
    with pytest.raises(TypeError, match="of a ParametricPDE, but data .* is a PDE"):
        attached(lrnr.callbacks.ParameterResampler(), model)


def test_losses_need_a_network_with_coefficients():
    model = model_for(wrong_for_large_a)
    model.net = dde.nn.FNN([1, 4, 1], "tanh", "Glorot normal")
    attached(lrnr.callbacks.ParameterResampler(), model)
    with pytest.raises(TypeError, match="net is a FNN; method 'residual' needs"):
        attached(lrnr.callbacks.ParameterResampler(method="residual"), model)
