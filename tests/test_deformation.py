"""A geometry that depends on mu: derivatives, normals, weights and predictions."""

import itertools
import warnings

import deepxde_lrnr as lrnr
import cloudpickle
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.data.deformation import Deformation, row_weights
from deepxde_lrnr.data.examination import examine
from deepxde_lrnr.data.residual import Residual
from deepxde_lrnr.fast_phase.expansion import find_expansion
from deepxde_lrnr.fast_phase.jet_equations import JetEquations
from deepxde_lrnr.fast_phase.network_equations import NetworkEquations
from deepxde_lrnr.fast_phase.points import fast_collocations
from deepxde_lrnr.fast_phase.trial_space import RandomFeatures, TrialSpace
from deepxde_lrnr.nn import FastLRNR
from deepxde_lrnr.taylor.jets import MultiIndices
from deepxde_lrnr.taylor.precision import Precision
from scipy.special import ellipe

SPACE = lrnr.ParameterSpace(a=(0.5, 1.5), b=(0.6, 2))
DISK = dde.geometry.Disk([0, 0], 1)
SQUARE = dde.geometry.Rectangle([0, 0], [1, 1])
PLANE = dde.geometry.GeometryXTime(
    dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
)


def scaled(x, mu):
    """The unit disk becomes an ellipse."""
    return x * mu


def bent(x, mu):
    """A map whose inverse is no polynomial."""
    a, b = mu[:, 0:1], mu[:, 1:2]
    x, y = x[:, 0:1], x[:, 1:2]
    # x**2 has a third derivative at 0 that TensorFlow does not know.
    down = b * y + 0.1 * x * y + 0.3 * tf.square(x)
    return tf.concat([a * x + 0.2 * tf.sin(y), down], axis=1)


def moving(x, mu):
    """An interval whose right end moves."""
    x, t = x[:, 0:1], x[:, 1:2]
    return tf.concat([x * (mu[:, 0:1] + 0.3 * mu[:, 1:2] * t**2), t], axis=1)


def family(pde, geom=DISK, bcs=(), deformation=bent, outputs=1, space=SPACE, **how):
    """``ParametricPDE``, and a network with random weights."""
    timed = hasattr(geom, "timedomain")
    kind = dde.data.TimePDE if timed else dde.data.PDE
    problem = kind(geom, pde, list(bcs), *((12, 12, 8) if timed else (12, 16)))
    data = lrnr.data.ParametricPDE(problem, space, 4, deformation=deformation)
    net = lrnr.nn.HyperLRNR(
        [how.get("features", geom.dim), 7, 6, outputs],
        "tanh",
        "Glorot normal",
        rank=3,
        bias_rank=1,
        parameter_space=space,
        hypernetwork=(5,),
    )
    if "feature" in how:
        net.apply_feature_transform(how["feature"])
    if "output" in how:
        net.apply_output_transform(how["output"])
    net.deformation = data.deformation
    net((space.sample(1), data.train_collocation.points[:1]))
    families.randomise(net, 0.7)
    return data, net


def equations(data, net, order, weights=None):
    full = FastLRNR(net)
    features = np.random.default_rng(0).uniform(-1, 1, (full.stack.W_in.shape[0], 9))
    random = RandomFeatures.draw(features, 3)
    space = TrialSpace(full, Precision(full), random)
    residuals = [Residual(data, c, weights) for c in fast_collocations(data, 10, 8)]
    indices = MultiIndices.up_to(data.geom.dim, order)
    return JetEquations(*residuals, space, indices), NetworkEquations(*residuals, space)


def agree(jets, network, jacobian=True, mu=(0.7, 1.3), rtol=1e-9):
    w = np.random.default_rng(1).standard_normal(jets.space.size)
    one, other = jets.at(np.array(mu))(w), network.at(np.array(mu))(w)
    size = np.abs(other.fitted).max()
    assert size > 1e-3
    np.testing.assert_allclose(one.fitted, other.fitted, atol=rtol * size)
    np.testing.assert_allclose(one.held_out, other.held_out, atol=rtol * size)
    if jacobian:
        J, expected = one.jacobian(), other.jacobian()
        np.testing.assert_allclose(J, expected, atol=rtol * np.abs(expected).max())


def errors_of(data, function, mu):
    """Errors of a function of (x, mu), as the user's own equations see it."""
    mu = np.array(mu, float)

    @tf.function
    def errors(inputs, auxiliary):
        rows = tf.tile(inputs[0], (inputs[1].shape[0] // len(mu), 1))
        u = function(inputs[1], rows)
        found = data.errors(inputs, u, auxiliary, lambda x: function(x, rows))
        dde.grad.clear()
        return found

    batch = data.batch(mu, data.train_collocation, float)
    return [e.numpy() for e in errors(*batch)]


def derivative(u, x, *along, component=0):
    value = dde.grad.jacobian(u, x, i=component, j=along[0])
    for j in along[1:]:
        value = dde.grad.jacobian(value, x, i=0, j=j)
    return value


def laplace(x, u, mu):
    return derivative(u, x, 0, 0) + mu[:, :1] * derivative(u, x, 1, 1)


# The map and its inverse


@pytest.mark.parametrize("order", [1, 2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_derivatives_are_those_by_physical_points_up_to_the_order(order):
    deformation = Deformation(bent, SPACE, DISK.random_points(50))
    rng = np.random.default_rng(0)
    xi, mu = 0.7 * rng.uniform(-1, 1, (20, 2)), SPACE.sample(20, "Halton").astype(float)
    x, slopes = deformation.evaluate(xi, mu)
    inverse = np.linalg.inv(slopes).reshape(20, 4)

    def f(x):
        return tf.sin(x[:, :1]) * tf.exp(x[:, 1:]) + x[:, :1] ** 3 * x[:, 1:]

    indices = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (2, 1), (3, 0)]
    if order == 4:
        indices.append((2, 2))
    expected = families.taylor_by_autodiff(f, x, indices)

    def reference_point(x):
        return deformation.pull_back(mu, x, xi, inverse, order)

    def through_the_reference(x):
        return f(deformation(reference_point(x), tf.constant(mu)))

    found = families.taylor_by_autodiff(through_the_reference, x, indices)
    for index, one, other in zip(indices, found, expected, strict=True):
        same = np.allclose(one, other, rtol=1e-9, atol=1e-9)
        assert same == (sum(index) <= order), index
    values = families.taylor_by_autodiff(reference_point, x, [(0, 0)])
    np.testing.assert_allclose(values[0].T, xi, atol=1e-14)


def test_the_inverse_is_found_for_every_mu():
    points = DISK.random_points(200).astype(float)
    deformation = Deformation(bent, SPACE, DISK.random_points(300))
    for m in SPACE.sample(5, "Halton").astype(float):
        x = deformation.at(points, m[None]).x
        found = deformation.inverse(x, np.stack([m, m]))
        np.testing.assert_allclose(found[0], points, atol=1e-9)
        np.testing.assert_array_equal(found[0], found[1])


def test_a_point_that_no_point_is_mapped_to_has_no_inverse():
    def folded_outside(x, mu):
        return x + 0.3 * x**3 * mu[:, :1] / 3 - 0.0 * mu[:, 1:]

    def bounded(x, mu):
        return tf.tanh(x * mu)

    square = SQUARE.random_points(50)
    there = Deformation(folded_outside, SPACE, square).inverse([[9.0, 0.5]], [[1, 1]])
    assert np.isfinite(there).all()
    gone = Deformation(bounded, SPACE, square).inverse(
        [[2.0, 0.5], [0.5, 0.5]], [[1, 1]]
    )
    assert np.isnan(gone[0, 0]).all()
    np.testing.assert_allclose(gone[0, 1], np.arctanh([0.5, 0.5]), atol=1e-9)


# Normals and weights


def test_normals_and_length_of_an_ellipse():
    a, b = 0.5, 2.0
    angle = 2 * np.pi * np.arange(400) / 400
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = Deformation(scaled, SPACE, DISK.random_points(9)).at(
        circle, np.array([[a, b]])
    )
    normals, lengths = points.normals(circle)
    x, y = points.x.T
    exact = np.stack([x / a**2, y / b**2], axis=1)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    np.testing.assert_allclose(normals, exact, atol=1e-12)
    circumference = 4 * b * ellipe(1 - (a / b) ** 2)
    assert 2 * np.pi * lengths.mean() == pytest.approx(circumference, rel=1e-10)
    assert points.volumes == pytest.approx(a * b)


def test_the_mean_over_rows_is_that_over_the_physical_geometry():
    def squeezed(x, mu):
        return tf.concat([x[:, :1] ** 2 * mu[:, :1], x[:, 1:]], axis=1)

    nodes, weights = lrnr.data.quadrature(dde.geometry.Rectangle([1, 0], [2, 1]), 400)
    mu = np.array([[0.5, 1], [1.5, 1]])
    points = Deformation(squeezed, SPACE, nodes).at(nodes, mu)
    # Nodes of equal weight, nearly.
    sizes = points.volumes.reshape(-1, 2) * weights * len(weights)
    factors = row_weights(sizes.reshape(-1, 1), 2).reshape(-1, 2)
    means = np.mean(factors**2 * points.x[:, 0].reshape(-1, 2) ** 2, axis=0)
    # The mean of x^2 for x from a to 4 a.
    np.testing.assert_allclose(means, 7 * mu[:, 0] ** 2, rtol=1e-6)


def test_a_wall_that_moves_has_the_normal_of_its_place():
    deformation = Deformation(moving, SPACE, PLANE.random_points(9), time=True)
    walls = np.array([[1, 0.3], [0, 0.8]])
    points = deformation.at(walls, np.array([[1.0, 2.0]]))
    normals, _ = points.normals(np.array([[1.0, 0], [-1, 0]]))
    np.testing.assert_allclose(normals, [[1, 0], [-1, 0]], atol=1e-12)


# Equations


def test_the_identity_changes_nothing():
    bc = dde.icbc.NeumannBC(DISK, lambda x, mu: mu[:, :1] * x[:, :1], lambda _, on: on)
    dde.config.set_random_seed(0)
    plain, net = family(laplace, bcs=[bc], deformation=None)
    dde.config.set_random_seed(0)
    same, _ = family(laplace, bcs=[bc], deformation=lambda x, mu: x)
    net.deformation = None
    one, _ = equations(plain, net, 2)
    net.deformation = same.deformation
    other, _ = equations(same, net, 2)
    w = np.random.default_rng(0).standard_normal(one.space.size)
    m = np.array([0.7, 1.3])
    a, b = one.at(m)(w), other.at(m)(w)
    np.testing.assert_allclose(a.fitted, b.fitted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(a.held_out, b.held_out, rtol=0, atol=1e-12)
    np.testing.assert_allclose(a.jacobian(), b.jacobian(), rtol=0, atol=1e-12)


def third(x, u, mu):
    return derivative(u, x, 0, 0, 1) + u * derivative(u, x, 0)


def fourth(x, u, mu):
    return derivative(u, x, 0, 0, 1, 1) + mu[:, :1] * derivative(u, x, 0, 0, 0, 0)


def two(x, u, mu):
    return [
        derivative(u, x, 0) + derivative(u, x, 1, component=1),
        derivative(u, x, 0) * u[:, 1:] - x[:, :1],
    ]


def everywhere(_, on):
    return on


def level(x, mu):
    return mu[:, :1] * x[:, :1]


DIRICHLET = dde.icbc.DirichletBC(DISK, level, everywhere)
NEUMANN = dde.icbc.NeumannBC(DISK, lambda x: x[:, 1:], everywhere)
ROBIN = dde.icbc.RobinBC(DISK, lambda x, u: u + x[:, :1], everywhere)


@pytest.mark.parametrize(
    "pde, order, bcs, outputs",
    [
        (laplace, 2, [DIRICHLET, NEUMANN, ROBIN], 1),
        (two, 1, [], 2),
        pytest.param(third, 3, [], 1, marks=pytest.mark.slow),
        pytest.param(fourth, 4, [], 1, marks=pytest.mark.slow),
    ],
)
def test_jets_give_the_residual_of_the_network(pde, order, bcs, outputs):
    data, net = family(pde, bcs=bcs, outputs=outputs)
    examine(data, net)
    assert data.deformation.order == order
    agree(*equations(data, net, order), jacobian=order < 3)


def test_jets_with_transforms_and_a_moving_domain():
    def heat(x, u, mu):
        return derivative(u, x, 1) - derivative(u, x, 0, 0)

    ic = dde.icbc.IC(PLANE, lambda x, mu: mu[:, :1] * x[:, :1], lambda _, on: on)

    def feature(x, mu):
        return tf.concat([tf.sin(x[:, :1] * mu[:, :1]), x], axis=1)

    def output(inputs, u):
        mu, x = inputs
        return u * x[:, :1] + mu[:, 1:]

    transforms = {"features": 3, "feature": feature, "output": output}
    data, net = family(heat, PLANE, [ic], moving, **transforms)
    precision = Precision(FastLRNR(net))
    expansion = find_expansion(data, None, precision)
    assert expansion.indices is not None and expansion.indices.order == 2
    assert data.deformation.order == 2


def test_an_exact_solution_has_no_residual_on_an_ellipse():
    """Poisson's equation, the value, the slope and a Robin condition."""

    def exact(x, mu):
        a, b = mu[:, :1], mu[:, 1:]
        shape = 1 - (x[:, :1] / a) ** 2 - (x[:, 1:] / b) ** 2
        return shape / (2 / a**2 + 2 / b**2)

    def slope(x, mu):
        a, b = mu[:, :1], mu[:, 1:]
        gradient = -2 * x / mu**2 / (2 / a**2 + 2 / b**2)
        normal = x / mu**2
        normal = normal / np.sqrt((normal**2).sum(axis=1, keepdims=True))
        return (gradient * normal).sum(axis=1, keepdims=True)

    def poisson(x, u):
        return derivative(u, x, 0, 0) + derivative(u, x, 1, 1) + 1

    bcs = [
        dde.icbc.DirichletBC(DISK, lambda x: 0, everywhere),
        dde.icbc.NeumannBC(DISK, slope, everywhere),
        dde.icbc.RobinBC(
            DISK, lambda x, u, mu: u + tf.numpy_function(slope, [x, mu], tf.float64),
            everywhere,
        ),
    ]  # fmt: skip
    data, _ = family(poisson, bcs=bcs, deformation=scaled)
    for error in errors_of(data, exact, [[0.5, 2], [1.5, 0.7]]):
        assert len(error) and np.abs(error).max() < 2e-6


def test_an_exact_solution_has_no_residual_in_a_moving_domain():
    def heat(x, u, mu):
        return derivative(u, x, 1) - derivative(u, x, 0, 0)

    def exact(x, mu):
        return tf.exp(-x[:, 1:]) * tf.sin(x[:, :1])

    def values(x):
        return np.exp(-x[:, 1:]) * np.sin(x[:, :1])

    def slope(x):
        return np.exp(-x[:, 1:]) * np.cos(x[:, :1]) * np.where(x[:, :1] > 0, 1, -1)

    bcs = [
        dde.icbc.NeumannBC(PLANE, slope, lambda _, on: on),
        dde.icbc.IC(PLANE, values, lambda _, on: on),
    ]
    data, _ = family(heat, PLANE, bcs, moving)
    for error in errors_of(data, exact, [[0.5, 2], [1.5, 0.7]]):
        assert len(error) and np.abs(error).max() < 1e-6


def test_points_of_a_condition_are_mapped():
    """A function of (x, mu) at given points, and a periodic pair of edges."""

    def values(x, mu):
        return mu[:, :1] * np.sin(x[:, :1])

    def u(x, mu):
        return mu[:, :1] * tf.sin(x[:, :1])

    sensors = SQUARE.random_points(5)
    bcs = [
        lrnr.data.ParametricPointSetBC(sensors, values),
        dde.icbc.PeriodicBC(SQUARE, 1, everywhere, derivative_order=1),
    ]

    def stretched(x, mu):
        return tf.concat([x[:, :1] * mu[:, :1], x[:, 1:] * mu[:, 1:]], axis=1)

    def pde(x, u, mu):
        return derivative(u, x, 0, 0) + u

    data, _ = family(pde, SQUARE, bcs, stretched)
    for error in errors_of(data, u, [[0.5, 2], [1.5, 0.7]]):
        assert len(error) and np.abs(error).max() < 1e-6


def test_forward_mode_gives_the_same_errors():
    def laplace_by_hessians(x, u, mu):
        u_xx, u_yy = (dde.grad.hessian(u, x, i=i, j=i) for i in range(2))
        if dde.config.autodiff == "forward":  # values and functions
            u_xx, u_yy = u_xx[0], u_yy[0]
        return u_xx + mu[:, :1] * u_yy

    data, net = family(laplace_by_hessians)
    data.deformation.order = 2

    batch = data.batch(SPACE.sample(2, "Halton"), data.train_collocation)

    def errors():
        residual = Residual(data, data.train_collocation)

        @tf.function
        def compute(inputs, auxiliary):
            z = net.coefficients(inputs[0])
            return residual(net, z, inputs, auxiliary)

        return compute(*batch).numpy()

    backward = errors()
    dde.config.set_default_autodiff("forward")
    try:
        forward = errors()
    finally:
        dde.config.set_default_autodiff("reverse")
    np.testing.assert_allclose(forward, backward, atol=1e-4 * np.abs(backward).max())


def test_an_integral_over_the_physical_geometry():
    points, weights = lrnr.data.quadrature(DISK, 400)

    def area(x, u, X, mu):
        elements = lrnr.data.volume_elements()
        volume = lrnr.data.per_parameter(tf.ones_like(u) * elements)
        total = tf.reduce_sum(tf.cast(weights, u.dtype) * volume, axis=1, keepdims=True)
        return lrnr.data.as_rows(total) - np.pi * mu[:, :1] * mu[:, 1:]

    bc = dde.icbc.PointSetOperatorBC(points, 0, area)
    data, _ = family(laplace, bcs=[bc], deformation=scaled)
    *_, error = errors_of(
        data, lambda x, mu: tf.sin(x[:, :1] + x[:, 1:]), [[0.5, 2], [1.5, 0.7]]
    )
    assert np.abs(error).max() < 1e-5


# A family from its problem to its predictions


def poisson(x, u):
    return derivative(u, x, 0, 0) + 1


@pytest.fixture(scope="module")
def line():
    """-u'' = 1 on (0, L), u = 0 at both ends: u = x (L - x) / 2."""
    dde.config.set_random_seed(0)
    geom = dde.geometry.Interval(0, 1)
    bc = dde.icbc.DirichletBC(geom, lambda x: 0, lambda _, on: on)
    space = lrnr.ParameterSpace(L=(0.5, 2))
    problem = dde.data.PDE(geom, poisson, bc, 32, 2)
    data = lrnr.data.ParametricPDE(problem, space, 16, deformation=lambda x, mu: x * mu)
    net = lrnr.nn.HyperLRNR(
        [1, 12, 12, 1], "tanh", "Glorot normal", rank=4, parameter_space=space
    )
    model = lrnr.Model(data, net)
    model.compile("adam", lr=3e-3)
    model.train(iterations=50, batch_size=(8, 16), verbose=0)
    return model, model.reduce(verbose=0)


def exact_line(x, length):
    return x * (length - x) / 2


def test_a_scaled_interval_is_solved(line):
    _, fast = line
    assert fast.expansion.indices.order == 2
    mu = np.array([[0.6], [1.0], [1.9]])
    solutions = fast.solve(mu)
    for i, (length,) in enumerate(mu):
        x = np.linspace(0, length, 33)[:, None]
        u = solutions[i].predict(x)
        np.testing.assert_allclose(u, exact_line(x, length), atol=1e-5)
    # All of them at once, where they all have points.
    x = np.linspace(0, 0.6, 9)[:, None]
    together = solutions.predict(x)
    for i, (length,) in enumerate(mu):
        np.testing.assert_allclose(together[i], exact_line(x, length), atol=1e-5)
    # Derivatives by physical points.
    slope = solutions.predict(x, operator=lambda x, u: dde.grad.jacobian(u, x))
    for i, (length,) in enumerate(mu):
        np.testing.assert_allclose(slope[i], length / 2 - x, atol=1e-4)
    assert (solutions.error < 1e-3).all()


@pytest.mark.parametrize("kind", ["FNN", "DeepONet"])
def test_networks_of_others_take_it_as_well(line, kind, tmp_path):
    data = line[0].data
    space = data.parameter_space
    dde.config.set_random_seed(0)
    if kind == "FNN":
        net = dde.nn.FNN([1 + 1, 16, 16, 1], "tanh", "Glorot normal")
    else:
        sizes = [1, 16, 16]
        net = dde.nn.DeepONetCartesianProd(sizes, sizes, "tanh", "Glorot normal")
    model = lrnr.Model(data, lrnr.nn.Parametric(net, space))
    model.compile("adam", lr=3e-3)
    model.train(iterations=50, batch_size=(8, 16), verbose=0)
    fast = model.reduce(verbose=0)
    again = lrnr.load_fast(fast.save(tmp_path / "line.npz"), data)
    for mu in ([0.6], [1.9]):
        x = np.linspace(0, mu[0], 17)[:, None]
        u = fast.solve(mu).predict(x)
        np.testing.assert_allclose(u, exact_line(x, *mu), atol=1e-5)
        np.testing.assert_array_equal(again.solve(mu).predict(x), u)
        np.testing.assert_allclose(fast.predict(x, mu), model.predict(x, mu), atol=1e-5)


def test_the_hypernetwork_is_predicted_at_physical_points(line):
    model, fast = line
    x = np.linspace(0, 0.6, 9)[:, None]
    mu = np.array([[0.6], [1.9]])
    net = model.net
    expected = [
        net.evaluate(m[None], np.float32(x), net.coefficients(m[None]), x / m)
        for m in mu.astype(np.float32)
    ]
    np.testing.assert_allclose(model.predict(x, mu), expected, atol=1e-6)
    np.testing.assert_allclose(fast.predict(x, mu), expected, atol=1e-6)


def test_points_outside_of_their_own_geometry_are_named(line):
    _, fast = line
    solution = fast.solve({"L": 0.6})
    outside = lrnr.OutsideGeometryWarning
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solution.predict([[0.0], [0.6]])
    with pytest.warns(outside, match=r"1 of 2 .*\(0.7\) for L = 0.6"):
        solution.predict([[0.6], [0.7]])
    with pytest.warns(outside, match=r"1 of 4 .*\(0.7\) for L = 0.6"):
        fast.solve([[0.6], [1.0]]).predict([[0.5], [0.7]])
    with pytest.warns(outside):
        lrnr.sweep(fast, [[0.6], [1.0]], [[0.5], [0.7]], verbose=0)


def test_a_basis_and_its_gradient_are_at_physical_points(line):
    _, fast = line
    fast.build_basis(tolerance=1e-3, max_size=8, num_candidates=16, verbose=0)
    mu = np.array([[0.6], [1.7]])
    solutions = fast.solve(mu)
    assert set(solutions.method) == {"reduced basis"}
    x = np.linspace(0.1, 0.5, 5)[:, None]
    u, slope = solutions.predict(x), solutions.gradient(x)
    for i, (length,) in enumerate(mu):
        np.testing.assert_allclose(u[i], exact_line(x, length), atol=1e-5)
        # d/dL of x (L - x) / 2, where x stays where it is.
        np.testing.assert_allclose(slope[i, :, 0], x / 2, atol=1e-4)
    second = solutions.predict(x, operator=poisson)
    assert np.abs(second).max() < 1e-2
    fast.basis = None


def test_many_mu_are_solved_as_one_by_one(line):
    _, fast = line
    fast.build_basis(tolerance=1e-3, max_size=8, num_candidates=16, verbose=0)
    mu = np.linspace(0.5, 2, 300)[:, None]
    together = fast.solve(mu)
    for i in (0, 150, 299):
        one = fast.solve(mu[i])
        np.testing.assert_array_equal(one.coefficients, together.coefficients[i])
    x = np.linspace(0, 0.5, 3)[:, None]
    np.testing.assert_allclose(
        together.predict(x), [exact_line(x, length) for length in mu[:, 0]], atol=1e-5
    )
    fast.basis = None


def test_the_papers_method_lowers_its_objective(line):
    _, fast = line
    solution = fast.solve({"L": 1.7}, lrnr.fast_phase.Adam(iterations=30))
    assert solution.objective < solution.initial_objective


def test_files_keep_the_deformation(line, tmp_path):
    model, fast = line
    fast.build_basis(tolerance=1e-3, max_size=8, num_candidates=16, verbose=0)
    x = np.linspace(0, 0.6, 9)[:, None]
    mu = np.array([[0.6], [1.9]])
    path = model.save(tmp_path / "model.npz")
    expected = model.predict(x, mu)
    np.testing.assert_allclose(lrnr.load_model(path).predict(x, mu), expected)
    again = lrnr.load_model(path, model.data)
    np.testing.assert_allclose(again.predict(x, mu), expected)
    path = fast.save(tmp_path / "fast.npz")
    np.testing.assert_allclose(lrnr.load_fast(path).predict(x, mu), expected)
    loaded = lrnr.load_fast(path, model.data)
    u = fast.solve(mu).predict(x)
    np.testing.assert_allclose(loaded.solve(mu).predict(x), u, atol=1e-12)
    # By NumPy alone.
    surrogate = lrnr.load_surrogate(path)
    found = surrogate.predict(x, mu)
    np.testing.assert_allclose(found, u, atol=1e-4)
    np.testing.assert_allclose(surrogate.predict(x, mu[1]), found[1], atol=1e-12)
    with pytest.warns(lrnr.OutsideGeometryWarning, match=r"\(0.7\) for L = 0.6"):
        surrogate.predict([[0.7]], mu)
    fast.basis = None


def test_a_file_knows_whether_there_is_a_deformation(tmp_path):
    data, net = family(laplace, deformation=scaled)
    path = lrnr.Model(data, net).save(tmp_path / "model.npz")
    plain, _ = family(laplace, deformation=None)
    with pytest.raises(
        ValueError, match="data has no deformation; the model in .* one"
    ):
        lrnr.load_model(path, plain)
    with pytest.raises(ValueError, match="both given"):
        lrnr.load_model(path, data, deformation=scaled)


def test_a_deformation_that_cannot_be_saved_is_passed_again(tmp_path):
    @tf.custom_gradient
    def doubled(x):
        return 2 * x, lambda upstream: 2 * upstream

    def opaque(x, mu):
        return doubled(x) * mu

    data, net = family(laplace, deformation=opaque)
    model = lrnr.Model(data, net)
    with pytest.warns(UserWarning, match="The deformation is not saved"):
        path = model.save(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="pass deformation="):
        lrnr.load_model(path)
    x, mu = np.array([[0.3, 0.4]]), np.array([0.9, 1.1])
    again = lrnr.load_model(path, deformation=opaque)
    np.testing.assert_allclose(again.predict(x, mu), model.predict(x, mu))
    lrnr.load_model(path, data)


def test_a_problem_travels_to_other_processes(line):
    model, _ = line
    data = cloudpickle.loads(cloudpickle.dumps(model.data))
    points, mu = np.array([[0.25], [0.75]]), np.array([1.6])
    np.testing.assert_allclose(data.physical(points, mu), points * 1.6)
    found = data.deformation.inverse(points * 1.6, mu[None])
    np.testing.assert_allclose(found[0], points, atol=1e-9)


def test_measurements_are_at_physical_points():
    x, runs = np.array([[0.5], [1.2]]), np.array([[0.7], [1.5]])
    space = lrnr.ParameterSpace(L=(0.5, 2))
    geom = dde.geometry.Interval(0, 1)

    def make(x):
        bc = lrnr.data.ParametricPointSetBC(x, np.ones((2, 1)), mu=runs)
        problem = dde.data.PDE(geom, poisson, bc, 8, 2)
        return lrnr.data.ParametricPDE(
            problem, space, 4, deformation=lambda x, m: x * m
        )

    (arrays,) = make(x).losses.measurements()
    np.testing.assert_allclose(arrays[3], x / runs, atol=1e-6)
    np.testing.assert_allclose(arrays[4], 1 / runs, atol=1e-6)
    with pytest.raises(ValueError, match=r"measurement at \(0.8\) for L = 0.7"):
        make([[0.8], [1.2]])


# What a user may do wrong


def test_parameters_with_a_default_are_the_users_own():
    def widened(x, mu, factor=2.0):
        return factor * x * mu

    data, _ = family(laplace, deformation=widened)
    found = data.physical(np.array([[0.5, 0.25]]), np.array([1.0, 2.0]))
    np.testing.assert_allclose(found, [[1, 1]])


@pytest.mark.parametrize(
    "deformation, error, message",
    [
        (3, ValueError, r"deformation is 3; it must be a function of \(x, mu\)"),
        (lambda x: x, ValueError, "takes 1 arguments"),
        (lambda x, mu: x[:, :1], ValueError, r"returned shape \(5, 1\)"),
        (lambda x, mu: x * mu[:, 0], ValueError, r"columns as mu\[:, 0:1\]"),
        (lambda x, mu: None, TypeError, "returned a NoneType"),
        (lambda x, mu: np.sin(x), TypeError, "calls NumPy"),
        (lambda x, mu: x if mu[0, 0] > 1 else -x, TypeError, "branch of Python"),
        (lambda x, mu: tf.stop_gradient(x), ValueError, "has no derivatives"),
        (lambda x, mu: tf.math.log(x), ValueError, "is not finite at the point"),
        (
            lambda x, mu: x * (mu - 1),
            lrnr.data.DeformationError,
            r"folds or is flat .* at the point .* for a = ",
        ),
        (
            lambda x, mu: tf.concat([x[:, :1] ** 2, x[:, 1:]], axis=1),
            lrnr.data.DeformationError,
            "one to one",
        ),
    ],
)
def test_a_map_that_is_none_is_refused(deformation, error, message):
    with pytest.raises(error, match=message):
        family(laplace, deformation=deformation)


def test_a_time_that_depends_on_the_place_is_refused():
    def tilted(x, mu):
        return tf.concat([x[:, :1], x[:, 1:] + 0.1 * x[:, :1]], axis=1)

    with pytest.raises(ValueError, match="time that depends on the place"):
        family(laplace, PLANE, deformation=tilted)


def test_points_of_a_condition_are_reference_points():
    bc = dde.icbc.PointSetBC(np.array([[1.2, 0.0]]), 0)
    with pytest.raises(ValueError, match=r"\(1.2, 0\), which is outside of the refer"):
        family(laplace, bcs=[bc], deformation=scaled)


def test_values_elsewhere_are_refused():
    def delayed(x, u, mu):
        return u - lrnr.data.values_at(x / 2)

    data, net = family(delayed)
    with pytest.raises(NotImplementedError, match="values_at"):
        examine(data, net)


def test_a_condition_that_looks_at_arrays_is_refused():
    def above(x, u, X):
        return u * np.where(X[:, 1:] > 0, 1, 0)

    bc = dde.icbc.OperatorBC(DISK, above, lambda _, on: on)
    data, net = family(laplace, bcs=[bc])
    with pytest.raises(TypeError, match="calls NumPy"):
        examine(data, net)


def test_a_map_in_single_precision_still_works():
    factors = tf.constant([[1.5, 0.5]])
    data, _ = family(laplace, deformation=lambda x, mu: x * factors * mu)
    assert "double" in data.deformation.single or "float" in data.deformation.single
    found = data.physical(np.array([[0.5, 0.5]]), np.array([1.0, 1.0]))
    np.testing.assert_allclose(found, [[0.75, 0.25]])


def test_corners_of_the_box_are_looked_at():
    space = lrnr.ParameterSpace(a=(0, 1), b=(0, 1))

    def folds_at_a_corner(x, mu):
        both = mu[:, :1] * mu[:, 1:]
        return tf.concat([x[:, :1] * (0.99 - both), x[:, 1:]], axis=1)

    with pytest.raises(lrnr.data.DeformationError, match="a = 1, b = 1"):
        family(laplace, deformation=folds_at_a_corner, space=space)


def test_every_combination_of_signs_is_a_map():
    for signs in itertools.product((-1, 1), repeat=2):
        data, _ = family(laplace, deformation=lambda x, mu, s=signs: x * mu * s)
        points = data.deformed(np.array([[0.5, 0.5]]), np.ones((1, 2)))
        assert points.volumes == pytest.approx(1)
