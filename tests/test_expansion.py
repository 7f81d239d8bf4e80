"""Which derivatives the residual uses is found out, and not assumed."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.fast_phase.expansion import Expansion, find_expansion
from deepxde_lrnr.nn import FastLRNR
from deepxde_lrnr.taylor.jets import MultiIndices
from deepxde_lrnr.taylor.precision import Precision

SPACE = lrnr.ParameterSpace(k=(0.3, 1.2), a=(0.5, 1.5))
PLANE = dde.geometry.GeometryXTime(
    dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
)


def derivative(u, x, *along, component=0):
    value = dde.grad.jacobian(u, x, i=component, j=along[0])
    for j in along[1:]:
        value = dde.grad.jacobian(value, x, i=0, j=j)
    return value


def found(pde, conditions=(), outputs=1, output=None):
    problem = dde.data.TimePDE(PLANE, pde, list(conditions), 12, 8, 8)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    net = lrnr.nn.HyperLRNR(
        [2, 6, 6, outputs], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    if output is not None:
        net.apply_output_transform(output)
    net((SPACE.sample(1), data.train_collocation.points[:1]))
    return find_expansion(data, None, Precision(FastLRNR(net)))


PDES = {
    "u": (lambda x, u, mu: u - mu[:, :1], {(0, 0)}),
    "u_t, u_x": (
        lambda x, u, mu: derivative(u, x, 1) + mu[:, :1] * derivative(u, x, 0),
        {(0, 0), (1, 0), (0, 1)},
    ),
    "u_t, u_xx": (
        lambda x, u, mu: derivative(u, x, 1) - mu[:, :1] * derivative(u, x, 0, 0),
        {(0, 0), (1, 0), (2, 0), (0, 1)},
    ),
    "u_xt": (
        lambda x, u, mu: derivative(u, x, 0, 1) - mu[:, :1] * u,
        {(0, 0), (1, 0), (0, 1), (1, 1)},
    ),
    "u_xxx": (
        lambda x, u, mu: derivative(u, x, 1) + mu[:, :1] * derivative(u, x, 0, 0, 0),
        {(0, 0), (1, 0), (2, 0), (3, 0), (0, 1)},
    ),
    "u_xxxx": (
        lambda x, u, mu: (
            derivative(u, x, 1, 1) + mu[:, :1] * derivative(u, x, 0, 0, 0, 0)
        ),
        {*((i, 0) for i in range(5)), (0, 1), (0, 2)},
    ),
    "u_xxxxxx": (
        lambda x, u, mu: derivative(u, x, *[0] * 6) - mu[:, :1] * u,
        {(i, 0) for i in range(7)},
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name == "u_xxxxxx" else name
        for name in PDES
    ],
)
def test_only_derivatives_that_are_used_are_kept(name):
    pde, indices = PDES[name]
    expansion = found(pde)
    assert set(expansion.indices.indices) == indices
    assert expansion.num_equations == 1
    assert str(expansion) == f"derivatives up to order {expansion.indices.order}"


def test_derivatives_of_conditions_count():
    side = dde.icbc.NeumannBC(PLANE, lambda x: 0 * x[:, :1], lambda _, on: on)
    expansion = found(lambda x, u, mu: u - mu[:, :1], [side])
    assert set(expansion.indices.indices) == {(0, 0), (1, 0)}


def test_an_output_transform_can_take_derivatives_away_and_not_add_any():
    expansion = found(
        lambda x, u, mu: derivative(u, x, 0, 0) - mu[:, :1],
        output=lambda inputs, y: inputs[1][:, :1] * y,
    )
    # (x N)_xx = x N_xx + 2 N_x.
    assert set(expansion.indices.indices) == {(0, 0), (1, 0), (2, 0)}


def test_equations_are_counted_column_by_column():
    def pde(x, u, mu):
        return [u - mu, derivative(u, x, 1)]

    assert found(pde, outputs=2).num_equations == 3


def test_a_problem_that_does_not_look_at_u_keeps_its_values():
    assert found(lambda x, u, mu: mu[:, :1]).indices == MultiIndices.up_to(2, 0)


def mean(x, u, mu):
    return derivative(u, x, 1) - tf.reduce_mean(u) * mu[:, :1]


def neighbour(x, u, mu):
    return u - mu[:, :1] * tf.roll(u, 1, axis=0)


def seventh(x, u, mu):
    return derivative(u, x, *[0] * 7) - mu[:, :1] * u


@pytest.mark.parametrize(
    "pde", [mean, neighbour, pytest.param(seventh, marks=pytest.mark.slow)]
)
def test_what_is_not_taken_point_by_point_is_found_out(pde):
    expansion = found(pde)
    assert expansion.indices is None and "not pointwise" in str(expansion)


def test_a_residual_of_no_finite_value_is_not_called_nonlocal():
    expansion = found(lambda x, u, mu: tf.math.log(x[:, :1] - 2) * u)
    assert expansion.indices is not None


def test_one_mu_without_a_finite_residual_is_no_hindrance():
    def pde(x, u, mu):
        nan = tf.where(mu[:, 1:2] < 1, np.nan, 1.0)
        return derivative(u, x, 0, 0) * tf.cast(nan, u.dtype)

    assert (2, 0) in found(pde).indices.indices


def test_expansions_are_equal_if_their_derivatives_are():
    one, other = (Expansion(MultiIndices.up_to(2, 2), 1) for _ in range(2))
    assert one == other != Expansion(None, 1)
