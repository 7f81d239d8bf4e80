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
    resampler = lrnr.callbacks.AdaptiveSampler(offset=0, candidates=8)
    attached(resampler, model).resample()
    mu = model.data.train_mu
    assert mu.shape == (16, 2)
    assert np.all(mu[:, 0] > 0.5)
    assert len(np.unique(mu, axis=0)) == 16


def test_a_large_power_takes_the_worst_mu():
    model = model_for(wrong_for_large_a)
    resampler = lrnr.callbacks.AdaptiveSampler(
        points=False, power=1000, offset=0, candidates=100
    )
    attached(resampler, model).resample()
    # Among 1,600 candidates the chance that none of the first few is there vanishes.
    assert np.sort(model.data.train_mu[:, 0])[-1] > 0.98


def test_offset_keeps_the_other_mu_in_play():
    model = model_for(wrong_for_large_a)
    resampler = lrnr.callbacks.AdaptiveSampler(offset=1e6)
    attached(resampler, model).resample()
    assert np.any(model.data.train_mu[:, 0] < 0.5)


def test_losses_of_the_parameters_are_weighted_means_of_squares():
    start = dde.icbc.DirichletBC(INTERVAL, lambda x, mu: mu[:, 1:2], lambda x, on: on)
    model = model_for(wrong_for_large_a, [start], loss_weights=[2, 1e-3])
    model.net.apply_output_transform(lambda inputs, y: 0 * y)
    resampler = attached(lrnr.callbacks.AdaptiveSampler(num_points=7), model)
    mu = SPACE.sample(100)
    expected = 2 * np.maximum(mu[:, 0] - 0.5, 0) ** 2 + 1e-3 * mu[:, 1] ** 2
    np.testing.assert_allclose(resampler.parameter_losses(mu), expected, rtol=1e-4)
    np.testing.assert_allclose(
        resampler.parameter_losses(mu[:3]), expected[:3], rtol=1e-4
    )


def test_new_loss_weights_are_taken_when_training_begins():
    model = model_for(wrong_for_large_a)
    resampler = attached(lrnr.callbacks.AdaptiveSampler(), model)
    mu = SPACE.sample(5)
    before = resampler.parameter_losses(mu)
    model.compile("adam", lr=1e-3, loss_weights=[10], verbose=0)
    resampler.on_train_begin()
    np.testing.assert_allclose(resampler.parameter_losses(mu), 10 * before, rtol=1e-5)


@pytest.mark.parametrize("losses", [[0, 0, 0, 0], [1, np.nan, np.inf, np.inf]])
def test_losses_without_order_still_give_probabilities(losses):
    resampler = lrnr.callbacks.AdaptiveSampler(offset=0)
    probability = resampler._probability(np.array(losses, np.float32))
    assert np.all(probability > 0)
    np.testing.assert_allclose(probability.sum(), 1)
    np.testing.assert_allclose(probability[1:], probability[2], rtol=1e-2)


@pytest.mark.parametrize(
    "resampler",
    [
        lrnr.callbacks.ParameterResampler(period=2),
        lrnr.callbacks.AdaptiveSampler(period=2, num_points=4, num_parameters=3),
    ],
)
def test_mu_are_resampled_every_period_and_stay_in_the_box(resampler):
    pools = []

    class Record(dde.callbacks.Callback):
        def on_epoch_end(self):
            pools.append(self.model.data.train_mu.copy())

    model = model_for(wrong_for_large_a)
    pools.append(model.data.train_mu.copy())
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
        ("parameters", "yes"),
        ("points", 3),
        ("period", 0),
        ("period", 2.5),
        ("candidates", 0),
        ("num_points", -1),
        ("num_parameters", 0),
        ("power", -1),
        ("offset", float("inf")),
    ],
)
def test_wrong_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=f"{argument} is {value!r}; it must be"):
        lrnr.callbacks.AdaptiveSampler(**{argument: value})


def test_a_sampler_must_draw_something():
    with pytest.raises(ValueError, match="parameters and points are both False"):
        lrnr.callbacks.AdaptiveSampler(parameters=False, points=False)


SAMPLERS = [lrnr.callbacks.ParameterResampler, lrnr.callbacks.AdaptiveSampler]


@pytest.mark.parametrize("make", SAMPLERS)
def test_there_must_be_mu_to_resample(make):
    problem = dde.data.PDE(INTERVAL, lambda x, u: u, [], 20)
    model = dde.Model(problem, dde.nn.FNN([1, 4, 1], "tanh", "Glorot normal"))
    with pytest.raises(TypeError, match="of a ParametricPDE, but data .* is a PDE"):
        attached(make(), model)


def test_losses_need_a_network_with_coefficients():
    model = model_for(wrong_for_large_a)
    model.net = dde.nn.FNN([1, 4, 1], "tanh", "Glorot normal")
    attached(lrnr.callbacks.ParameterResampler(), model)
    with pytest.raises(TypeError, match="net is a FNN; AdaptiveSampler needs"):
        attached(lrnr.callbacks.AdaptiveSampler(), model)


def wrong_on_the_right(x, u, mu):
    """A residual that no network can change: 0 for x <= 1, else (x - 1) a."""
    return 0 * u + tf.nn.relu(x - 1) * mu[:, 0:1]


def test_points_are_drawn_where_the_residual_is():
    model = model_for(wrong_on_the_right)
    before = model.data.train_collocation
    sampler = lrnr.callbacks.AdaptiveSampler(offset=0, candidates=8)
    attached(sampler, model).resample()
    after = model.data.train_collocation.pde_points
    ends = np.isin(after, [0, 2])
    # Those at the ends are the problem's own.
    assert after.shape == before.pde_points.shape and ends.sum() == 2
    assert np.all(after[~ends] > 1)
    assert len(np.unique(after)) == len(after)
    np.testing.assert_array_equal(model.data.problem.train_x, after)


def test_losses_of_points_are_means_over_mu():
    start = dde.icbc.DirichletBC(INTERVAL, lambda x, mu: mu[:, 1:2], lambda x, on: on)

    def pde(x, u, mu):
        return [wrong_on_the_right(x, u, mu), 0 * u + x]

    model = model_for(pde, [start], loss_weights=[2, 3, 1])
    model.data.resample_train_parameters(SPACE.sample(5))
    sampler = attached(lrnr.callbacks.AdaptiveSampler(), model)
    x = INTERVAL.random_points(1500)
    right = np.maximum(x[:, 0] - 1, 0)
    mean = np.mean(model.data.train_mu[:, 0].astype(float) ** 2)
    expected = 2 * right**2 * mean + 3 * x[:, 0] ** 2
    np.testing.assert_allclose(sampler.point_losses(x), expected, rtol=1e-4)
    np.testing.assert_allclose(sampler.point_losses(x[:9]), expected[:9], rtol=1e-4)


def time_problem(anchors=None, exclusions=None):
    time = dde.geometry.GeometryXTime(INTERVAL, dde.geometry.TimeDomain(0, 1))
    side = dde.icbc.DirichletBC(time, lambda x, mu: mu[:, 0:1], lambda x, on: on)
    problem = dde.data.TimePDE(
        time,
        lambda x, u, mu: u - x[:, 1:2] * mu[:, 0:1],
        side,
        num_domain=40,
        num_boundary=12,
        num_initial=6,
        anchors=anchors,
        exclusions=exclusions,
    )
    data = lrnr.data.ParametricPDE(problem, SPACE, 16)
    net = lrnr.nn.HyperLRNR(
        [2, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0)
    return model


def rows(points):
    return {tuple(row) for row in np.asarray(points, np.float32)}


def test_conditions_edges_and_anchors_remain():
    anchors = np.array([[0.5, 0.25], [1.5, 0.75]])
    model = time_problem(anchors)
    data = model.data
    before, mu = data.train_collocation, data.train_mu
    sampler = lrnr.callbacks.AdaptiveSampler(parameters=False)
    attached(sampler, model).resample()
    after = data.train_collocation
    assert data.train_mu is mu
    np.testing.assert_array_equal(after.condition_points, before.condition_points)
    old, new = rows(before.pde_points), rows(after.pde_points)
    assert len(new) == len(old) == 60
    # 12 at the sides, 6 at the start, and the anchors.
    assert len(old & new) == 20 and rows(anchors) <= new
    x = np.array(sorted(new - old))
    assert np.all((x > 0) & (x < [2, 1]))
    # DeepXDE's own resampler goes on as before.
    model.train(
        iterations=2,
        callbacks=[dde.callbacks.PDEPointResampler(period=1), sampler],
        verbose=0,
    )
    assert len(data.train_collocation.pde_points) == 60


def test_excluded_points_are_not_drawn(monkeypatch):
    excluded = np.array([[1.0, 0.5]])
    model = time_problem(exclusions=excluded)
    geom = model.data.geom
    draw = geom.random_points

    def with_the_excluded(count, random="pseudo"):
        return np.vstack((np.tile(excluded, (3, 1)), draw(count, random)))

    monkeypatch.setattr(geom, "random_points", with_the_excluded)
    attached(lrnr.callbacks.AdaptiveSampler(), model).resample()
    assert not rows(excluded) & rows(model.data.train_collocation.pde_points)


def test_a_cloud_of_points_is_sampled_too():
    cloud = dde.geometry.PointCloud(np.random.rand(300, 2))
    problem = dde.data.PDE(cloud, lambda x, u, mu: u - mu[:, 0:1], [], 40)
    data = lrnr.data.ParametricPDE(problem, SPACE, 8)
    net = lrnr.nn.HyperLRNR(
        [2, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0)
    before = rows(data.train_collocation.pde_points)
    model.train(iterations=1, callbacks=[lrnr.callbacks.AdaptiveSampler(1)], verbose=0)
    after = rows(data.train_collocation.pde_points)
    assert len(after) == 40 and after != before
    assert after <= rows(cloud.points)
