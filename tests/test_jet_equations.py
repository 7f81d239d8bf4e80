"""The residual of polynomials is the residual of the network, and so is its slope."""

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.data.residual import Residual
from deepxde_lrnr.fast_phase.expansion import find_expansion
from deepxde_lrnr.fast_phase.jet_equations import JetEquations
from deepxde_lrnr.fast_phase.network_equations import NetworkEquations
from deepxde_lrnr.fast_phase.points import fast_collocations
from deepxde_lrnr.fast_phase.random_features import RandomFeatures
from deepxde_lrnr.fast_phase.trial_space import TrialSpace
from deepxde_lrnr.nn import FastLRNR
from deepxde_lrnr.taylor.jets import MultiIndices
from deepxde_lrnr.taylor.precision import Precision, PrecisionWarning

SPACE = lrnr.ParameterSpace(k=(0.3, 1.2), a=(0.5, 1.5))
MU = np.array([0.7, 1.3])
PLANE = dde.geometry.GeometryXTime(
    dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
)
SQUARE = dde.geometry.Rectangle([0, 0], [1, 1])
CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
LINE = dde.geometry.Interval(-1, 1)


def at(side):
    return lambda x, on: on and np.isclose(x[0], side)


def derivative(u, x, *along, component=0):
    """One derivative after the other."""
    value = dde.grad.jacobian(u, x, i=component, j=along[0])
    for j in along[1:]:
        value = dde.grad.jacobian(value, x, i=0, j=j)
    return value


def equations(pde, conditions=(), geom=PLANE, weights=None, outputs=1, order=2, **how):
    """Jets and network: the same residual of the same trial functions."""
    timed = hasattr(geom, "timedomain")
    kind = dde.data.TimePDE if timed else dde.data.PDE
    sizes = (12, 12, 8) if timed else (12, 16)
    options = {}
    if geom is SQUARE:
        options = {"train_distribution": "uniform", "exclusions": CORNERS}
    problem = kind(geom, pde, list(conditions), *sizes, **options)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    net = lrnr.nn.HyperLRNR(
        [how.get("features", geom.dim), 7, 6, outputs],
        how.get("activation", "tanh"),
        "Glorot normal",
        rank=3,
        bias_rank=1,
        parameter_space=SPACE,
        hypernetwork=(5,),
    )
    if "feature" in how:
        net.apply_feature_transform(how["feature"])
    if "output" in how:
        net.apply_output_transform(how["output"])
    net((SPACE.sample(1), data.train_collocation.points[:1]))
    families.randomise(net, 0.7)
    full = FastLRNR(net)
    features = np.random.default_rng(0).uniform(
        -1, 1, (how.get("features", geom.dim), 9)
    )
    random = RandomFeatures.draw(features, 3)
    space = TrialSpace(full, Precision(full), random)
    # Half of the points are held out.
    residuals = [Residual(data, c, weights) for c in fast_collocations(data, 10, 8)]
    indices = MultiIndices.up_to(geom.dim, order)
    return JetEquations(*residuals, space, indices), NetworkEquations(*residuals, space)


def agree(jets, network, mu=MU, rtol=1e-10):
    """Residuals and Jacobians at two readouts, and central differences."""
    rng = np.random.default_rng(1)
    for w in (jets.space.start(MU), rng.standard_normal(jets.space.size)):
        one, other = jets.at(mu)(w), network.at(mu)(w)
        size = np.abs(other.fitted).max()
        assert size > 1e-3 and len(one.held_out) > 0
        np.testing.assert_allclose(one.fitted, other.fitted, atol=rtol * size)
        np.testing.assert_allclose(one.held_out, other.held_out, atol=rtol * size)
        J, expected = one.jacobian(), other.jacobian()
        assert J.flags.f_contiguous and J.shape == (len(one.fitted), len(w))
        scale = np.abs(expected).max()
        np.testing.assert_allclose(J, expected, atol=rtol * scale)
    direction = rng.standard_normal(len(w))
    h = 1e-5
    ahead, behind = (jets.at(mu)(w + s * h * direction).fitted for s in (1, -1))
    slope = J @ direction
    np.testing.assert_allclose(
        slope, (ahead - behind) / (2 * h), atol=1e-6 * np.abs(slope).max()
    )


# PDEs


def advection(x, u, mu):
    return derivative(u, x, 1) + mu[:, :1] * derivative(u, x, 0) + u**2


def burgers(x, u, mu):
    return (
        derivative(u, x, 1)
        + u * derivative(u, x, 0)
        - mu[:, :1] * (derivative(u, x, 0, 0))
    )


def dispersion(x, u, mu):
    return derivative(u, x, 1) + mu[:, :1] * derivative(u, x, 0, 0, 0) + u


def beam(x, u, mu):
    return derivative(u, x, 1, 1) + mu[:, :1] * derivative(u, x, 0, 0, 0, 0) * u


def mixed(x, u, mu):
    return derivative(u, x, 0, 0, 1) * derivative(u, x, 0, 1) - mu[:, 1:] * x[:, :1]


@pytest.mark.parametrize(
    "pde, order",
    [(advection, 1), (burgers, 2), (dispersion, 3), (mixed, 3), (beam, 4)],
)
def test_derivatives_of_every_order(pde, order):
    agree(*equations(pde, order=order))


@pytest.mark.parametrize("activation", ["sin", "silu", "elu"])
def test_other_activations(activation):
    agree(*equations(beam, order=4, activation=activation), rtol=1e-9)


def test_a_line_and_space():
    agree(*equations(lambda x, u, mu: derivative(u, x, 0, 0) - mu[:, :1], geom=LINE))
    cube = dde.geometry.GeometryXTime(SQUARE, dde.geometry.TimeDomain(0, 1))

    def heat(x, u, mu):
        flux = derivative(u, x, 0, 0) + derivative(u, x, 1, 1)
        return derivative(u, x, 2) - mu[:, :1] * flux

    agree(*equations(heat, geom=cube))


def system(x, u, mu):
    """Two coupled equations; the second has two columns."""
    u_t, v_x = derivative(u, x, 1), derivative(u, x, 0, component=1)
    u_xx = dde.grad.hessian(u, x, component=0, i=0, j=0)
    first = u_t - mu[:, :1] * u_xx + u[:, :1] * u[:, 1:]
    return [first, tf.concat([v_x - u[:, :1] ** 2, u[:, 1:] * v_x], axis=1)]


def test_systems_errors_of_several_columns_and_weights():
    jets, network = equations(system, outputs=2, weights=[2, 0.5])
    agree(jets, network)
    assert jets.num_equations == 3
    plain, _ = equations(system, outputs=2)
    w = jets.space.start(MU)
    one, other = plain.at(MU)(w).fitted, jets.at(MU)(w).fitted
    np.testing.assert_allclose(other[:10], np.sqrt(2) * one[:10], rtol=1e-12)
    np.testing.assert_allclose(other[10:], np.sqrt(0.5) * one[10:], rtol=1e-12)


def test_the_sum_of_squares_is_deepxdes_weighted_loss():
    condition = dde.icbc.IC(PLANE, lambda x: x[:, :1], lambda _, on: on)
    jets, _ = equations(system, [condition], outputs=2, weights=[2, 0.5, 3])
    residual, space = jets.residual, jets.space
    w = space.start(MU)

    class Network:
        def evaluate(self, mu, x, coefficients):
            return tf.cast(space.evaluate(mu, x, coefficients), tf.float32)

    inputs, auxiliary = residual.batch(MU[None])

    @tf.function
    def blocks(mu, x, targets):
        auxiliary["targets"] = targets
        return residual.blocks(
            Network(), tf.constant(w[None]), (mu, x), auxiliary, weighted=False
        )

    errors = blocks(*inputs, auxiliary["targets"])
    loss = sum(
        weight * np.mean(np.square(e))
        for weight, e in zip([2, 0.5, 3], errors, strict=True)
    )
    r = jets.at(MU)(w).fitted
    np.testing.assert_allclose(r @ r, loss, rtol=1e-4)


# Transforms


def test_output_transforms_of_mu():
    def output(inputs, y):
        mu, x = inputs
        return mu[:, 1:] * tf.sin(x[:, :1]) + x[:, 1:] * y**2

    agree(*equations(burgers, output=output))


def waves(x):
    return tf.concat([tf.sin(2 * np.pi * x[:, :1]), tf.cos(3 * x[:, :1]), x[:, 1:]], 1)


def travelling(x, mu):
    return tf.concat([x[:, :1] - mu[:, :1] * x[:, 1:], tf.exp(-x * mu)], axis=1)


@pytest.mark.parametrize(
    "feature, pde, order",
    [
        (waves, burgers, 2),
        (travelling, burgers, 2),
        pytest.param(waves, beam, 4, marks=pytest.mark.slow),
        pytest.param(travelling, beam, 4, marks=pytest.mark.slow),
    ],
)
def test_feature_transforms(feature, pde, order):
    agree(*equations(pde, order=order, feature=feature, features=3), rtol=1e-9)


# Conditions


def robin(x, y, mu):
    return mu[:, :1] * y[:, :1] ** 2


def flux(inputs, u, X, mu):
    return derivative(u, inputs, 1) - mu[:, 1:2] * u[:, 1:2] * X[:, :1]


def first_order(x, u, mu):
    return [derivative(u, x, 1) + u[:, 1:] * mu[:, :1], derivative(u, x, 0) - u[:, :1]]


POINTS = np.array([[0.2, 0.3], [0.4, 0.6], [0.9, 0.8]])
VALUES = np.array([[1.0], [2.0], [3.0]])


def value(x, mu):
    return mu[:, 1:2] * x[:, 1:2]


def initial(_, on):
    return on


def boundary(_, on):
    return on


CONDITIONS = {
    "Dirichlet": dde.icbc.DirichletBC(PLANE, value, at(0), component=1),
    "Dirichlet of x": dde.icbc.DirichletBC(PLANE, lambda x: x[:, 1:] ** 2, at(0)),
    "IC": dde.icbc.IC(PLANE, value, initial, component=0),
    "Neumann": dde.icbc.NeumannBC(PLANE, value, boundary, component=1),
    "Robin": dde.icbc.RobinBC(PLANE, robin, boundary),
    "Periodic": dde.icbc.PeriodicBC(PLANE, 0, boundary, component=1),
    "Periodic slope": dde.icbc.PeriodicBC(PLANE, 0, boundary, derivative_order=1),
    "Operator": dde.icbc.OperatorBC(PLANE, flux, lambda x, on: np.isclose(x[1], 0)),
    "PointSet": dde.icbc.PointSetBC(POINTS, VALUES, component=1),
    "PointSetOperator": dde.icbc.PointSetOperatorBC(POINTS, VALUES, flux),
    "Interface2D": dde.icbc.Interface2DBC(SQUARE, value, at(0), at(1)),
    "Interface2D tangent": dde.icbc.Interface2DBC(
        SQUARE, value, at(0), at(1), direction="tangent"
    ),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_of_deepxde(name):
    geom = SQUARE if name.startswith("Interface") else PLANE
    jets, network = equations(
        first_order, [CONDITIONS[name]], geom, [1, 2, 5], outputs=2, order=1
    )
    agree(jets, network)
    (block,) = jets.blocks[1:]
    assert 0 < block.num_fitted < block.count or name.startswith("PointSet")


def test_several_conditions_at_once():
    names = ("IC", "Periodic", "Robin", "PointSet")
    jets, network = equations(
        system, [CONDITIONS[n] for n in names], outputs=2, weights=[1, 2, 3, 4, 5, 6]
    )
    agree(jets, network)


def test_conditions_alone():
    data = [CONDITIONS["PointSet"], CONDITIONS["Dirichlet"]]
    agree(*equations(None, data, outputs=2, order=0))


# Autodiff in forward mode


def test_forward_mode():
    dde.config.set_default_autodiff("forward")

    def pde(x, u, mu):
        u_t = dde.grad.jacobian(u, x, i=0, j=1)[0]
        u_xx = dde.grad.hessian(u, x, component=1, i=0, j=0)[0]
        return u_t - mu[:, :1] * u_xx

    jets, network = equations(pde, [CONDITIONS["IC"]], outputs=2)
    # DeepXDE's own forward mode knows single precision alone.
    with pytest.warns(PrecisionWarning, match="pde is computed in single precision"):
        jets.settle(MU, jets.space.start(MU))
    w = np.random.default_rng(1).standard_normal(jets.space.size)
    network = NetworkEquations(*network._residuals, network.space)
    found, expected = jets.at(MU)(w), network.at(MU)(w)
    size = np.abs(expected.fitted).max()
    np.testing.assert_allclose(found.fitted, expected.fitted, atol=1e-4 * size)


# The polynomial itself


def test_a_polynomial_has_its_jets():
    indices = MultiIndices.up_to(2, 3)
    jets = np.random.default_rng(0).standard_normal((len(indices), 2, 5))
    x = tf.zeros((5, 2), tf.float64)

    @tf.function
    def value_and_third(x):
        values = tf.transpose(indices.polynomial(tf.constant(jets), x))
        first = tf.gradients(values[:, 1], x)[0][:, 0]
        second = tf.gradients(first, x)[0][:, 1]
        return values, tf.gradients(second, x)[0][:, 1]

    values, third = value_and_third(x)
    np.testing.assert_allclose(values, jets[0].T)
    of_arrays = indices.polynomial(jets, np.full((5, 2), 0.5))
    halves = 0.5 ** np.array([sum(index) for index in indices.indices])
    np.testing.assert_allclose(of_arrays, np.tensordot(halves, jets, 1))
    place = indices.indices.index((1, 2))
    np.testing.assert_allclose(third, 2 * jets[place, 1])


def test_derivatives_not_used_may_be_left_out():
    """The jets that are kept give the residual that all of them give."""
    jets, network = equations(burgers, order=2)
    data = jets.residual.data
    found = find_expansion(data, None, Precision(jets.space._given))
    assert set(found.indices.indices) == {(0, 0), (1, 0), (0, 1), (2, 0)}
    few = JetEquations(*network._residuals, jets.space, found.indices)
    agree(few, network)
