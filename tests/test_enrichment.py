"""Random features beside the hidden states: where those are too few, and no others."""

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.offline import reduce_model

SPACE = lrnr.ParameterSpace(k=(0.5, 2))
PLANE = dde.geometry.GeometryXTime(
    dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
)
MU = np.array([[0.7], [1.6]])


def waves(x):
    """Periodic in x, which nothing else of this family is."""
    angle = 2 * np.pi * x[:, :1]
    return tf.concat([tf.sin(angle), tf.cos(angle), x[:, 1:]], axis=1)


def exact(x, k):
    return np.sin(2 * np.pi * (x[:, :1] - k * x[:, 1:]))


def advected(width):
    """u_t + k u_x = 0 from sin(2 pi x), with a network that is not trained."""

    def pde(x, u, mu):
        u_x, u_t = (dde.grad.jacobian(u, x, i=0, j=j) for j in (0, 1))
        return u_t + mu[:, :1] * u_x

    ic = dde.icbc.IC(PLANE, lambda x: np.sin(2 * np.pi * x[:, :1]), lambda _, on: on)
    problem = dde.data.TimePDE(PLANE, pde, [ic], 20, 0, 10)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    net = lrnr.nn.HyperLRNR(
        [3, width, width, 1],
        "tanh",
        "Glorot normal",
        rank=2,
        parameter_space=SPACE,
        hypernetwork=(6,),
    )
    net.apply_feature_transform(waves)
    net((data.train_mu[:1], data.train_collocation.points[:1]))
    families.randomise(net, 0.6)
    return data, net


@pytest.fixture(scope="module")
def enriched():
    return reduce_model(*advected(6), [1, 10], num_parameters=8)


@pytest.mark.slow
def test_it_is_chosen_where_the_trained_states_are_too_few(enriched):
    assert len(enriched.space.random) >= 128
    plain = reduce_model(
        *advected(6), [1, 10], rank=6, points=400, num_parameters=8
    ).solve(MU)
    s = enriched.solve(MU)
    assert (s.residual < 0.1 * plain.residual).all()
    report = str(enriched.report())
    assert f"{len(enriched.space.random)} random features" in report
    assert "with 128 random features of scale" in report


@pytest.mark.slow
def test_what_it_finds_is_as_periodic_as_the_features(enriched):
    s = enriched.solve(MU)
    t = np.linspace(0, 1, 7)[:, None]
    left, right = (s.predict(np.hstack([0 * t + side, t])) for side in (0, 1))
    # But for the rounding of so large readouts.
    atol = 1e-15 * np.abs(s.coefficients).max()
    assert atol < 1e-4
    np.testing.assert_allclose(left, right, atol=atol)
    x = PLANE.random_points(100)
    for u, k in zip(s.predict(x), MU[:, 0], strict=True):
        assert np.abs(u - exact(x, k)).mean() < 0.02


def test_none_if_the_size_is_given():
    fast = reduce_model(*advected(6), rank=4, points=64, num_parameters=4)
    assert len(fast.space.random) == 0
    assert fast.space.size == 2 * 4 + 1


def test_as_many_as_are_asked_for():
    fast = reduce_model(
        *advected(6), rank=4, points=128, num_parameters=4, random_features=16
    )
    assert len(fast.space.random) == fast.report().num_random == 16
    assert fast.space.random.weights.shape == (3, 16)
    assert fast.space.size == 2 * 4 + 16 + 1
