"""One pass of reverse mode gives the Jacobian that forward mode gives, or says no."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.data.residual import Residual
from deepxde_lrnr.fast_phase import GaussNewton
from deepxde_lrnr.fast_phase.jacobian import directional_jacobian, jacobian
from deepxde_lrnr.fast_phase.pointwise import is_pointwise
from deepxde_lrnr.nn import FastLRNR

SPACE = lrnr.ParameterSpace(k=(0.1, 0.5), a=(0.5, 1.5))
GEOM = dde.geometry.GeometryXTime(
    dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
)


def at(side):
    return lambda x, on: on and np.isclose(x[0], side)


def flux(inputs, u, X, mu):
    return dde.grad.jacobian(u, inputs, i=0, j=1) - mu[:, 1:2] * u[:, 1:2]


CONDITIONS = {
    "none": [],
    "values": [
        dde.icbc.DirichletBC(
            GEOM, lambda x, mu: mu[:, 1:2] * x[:, 1:2], at(0), component=1
        ),
        dde.icbc.IC(GEOM, lambda x: x[:, :1] ** 2, lambda _, on: on, component=0),
    ],
    "derivatives": [
        dde.icbc.NeumannBC(GEOM, lambda x: x[:, 1:2], at(1)),
        dde.icbc.RobinBC(GEOM, lambda x, y, mu: mu[:, :1] * y[:, :1], at(0)),
        dde.icbc.OperatorBC(GEOM, flux, lambda x, on: np.isclose(x[1], 0)),
    ],
    "pairs": [
        dde.icbc.PeriodicBC(GEOM, 0, at(1), component=0),
        dde.icbc.PeriodicBC(GEOM, 0, at(1), derivative_order=1, component=1),
        dde.icbc.IC(GEOM, lambda x: x[:, :1], lambda _, on: on, component=1),
    ],
}


def system(x, u, mu):
    """Two coupled equations; the second has two columns."""
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    v_x = dde.grad.jacobian(u, x, i=1, j=0)
    u_xx = dde.grad.hessian(u, x, component=0, i=0, j=0)
    first = u_t - mu[:, :1] * u_xx + u[:, :1] * u[:, 1:]
    return [first, tf.concat([v_x - u[:, :1] ** 2, u[:, 1:] * v_x], axis=1)]


def nonlocal_pde(x, u, mu):
    return dde.grad.jacobian(u, x, i=0, j=1) - tf.reduce_mean(u) * u[:, 1:]


def residual_and_network(pde, conditions, seed=0):
    dde.config.set_random_seed(seed)
    problem = dde.data.TimePDE(GEOM, pde, conditions, 12, 8, 6)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    net = lrnr.nn.HyperLRNR(
        [2, 8, 8, 2], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    net((SPACE.sample(1), data.train_collocation.points[:1]))
    return Residual(data, data.train_collocation), FastLRNR(net)


@pytest.mark.parametrize("name", CONDITIONS)
@pytest.mark.parametrize("num_mu", [1, 3])
def test_both_modes_agree_for_systems_and_every_kind_of_condition(name, num_mu):
    residual, net = residual_and_network(system, CONDITIONS[name])
    mu = SPACE.sample(num_mu, "Halton")
    assert is_pointwise(residual, net, mu[:1])
    D = tf.constant(np.random.standard_normal((net.layout.size, 4)), tf.float32)

    @tf.function
    def both(z, feed):
        arguments = (residual, net, z, D, *feed)
        return jacobian(*arguments, pointwise=True), directional_jacobian(*arguments)

    J, expected = both(net.coefficients(mu), residual.feed(mu))
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(J, expected, rtol=1e-3, atol=1e-4)


def test_a_mean_over_the_points_is_found_out_and_solved_all_the_same():
    residual, net = residual_and_network(nonlocal_pde, CONDITIONS["values"])
    assert not is_pointwise(residual, net, SPACE.sample(1))
    model = lrnr.Model(
        residual.data,
        lrnr.nn.HyperLRNR(
            [2, 8, 8, 2], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
        ),
    )
    model.compile("SOAP", lr=1e-2, verbose=0)
    model.train(iterations=20, batch_size=4, display_every=1000, verbose=0)
    fast = model.reduce(points=20, rank=3, num_parameters=12, num_nodes=8)
    assert not fast.pointwise
    s = fast.solve(SPACE.sample(6), GaussNewton(5, "exact", 1e-2))
    assert (s.objective <= s.initial_objective).all()
    # Where the held-out residual falls by less than 5 % the start is returned.
    assert (s.objective < s.initial_objective).any()


def test_a_residual_of_no_finite_value_is_not_called_nonlocal():
    def pde(x, u, mu):
        return tf.math.log(x[:, :1] - 2) * u[:, :1]

    residual, net = residual_and_network(pde, CONDITIONS["values"])
    assert is_pointwise(residual, net, SPACE.sample(1))
