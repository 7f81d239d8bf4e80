"""Means and integrals are those of each mu; a batch that mixes its mu is found."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.data.examination import examine
from deepxde_lrnr.data.residual import Residual
from deepxde_lrnr.fast_phase.points import fast_collocations

INTERVAL = dde.geometry.Interval(0, 1)
SPACE = lrnr.ParameterSpace(m=(1, 3))
MU = np.array([[1.0], [2.0], [3.0]], "float32")
NODES, WEIGHTS = lrnr.data.quadrature(INTERVAL, 6)


def laplace(x, u, mu):
    return dde.grad.hessian(u, x)


def line(x, u, mu):
    """u = 2 m x, without derivatives: TensorFlow has no second one of a line."""
    return u - 2 * mu[:, 0:1] * x


def mean_is_m(x, u, X, mu):
    u = lrnr.data.per_parameter(u)
    mean = tf.reduce_sum(WEIGHTS * u, axis=1, keepdims=True)
    return lrnr.data.as_rows(mean) - mu[:, 0:1]


def mixed_mean_is_m(x, u, X, mu):
    return tf.reduce_mean(u) - mu[:, 0:1]


def family(pde=laplace, *more, num_domain=12, space=SPACE):
    """u'' = 0, u(0) = 0, and more conditions."""
    zero = dde.icbc.DirichletBC(INTERVAL, lambda x: 0, lambda x, on: on and x[0] < 0.5)
    problem = dde.data.PDE(INTERVAL, pde, [zero, *more], num_domain, 2)
    return lrnr.data.ParametricPDE(problem, space, 16)


def mean_condition(function=mean_is_m):
    return dde.icbc.PointSetOperatorBC(NODES, 0, function)


def small_net(space=SPACE, outputs=1, dim=1):
    net = lrnr.nn.HyperLRNR(
        [dim, 8, 8, outputs], "tanh", "Glorot normal", rank=2, parameter_space=space
    )
    net((np.ones((1, space.dim), "float32"), np.ones((1, dim), "float32")))
    return net


def errors(data, u, collocation=None, mu=MU):
    """Errors at u(x, mu), a function of Tensors; arrays of shape (points, mu, k)."""
    inputs, auxiliary = data.batch(mu, collocation or data.train_collocation)

    @tf.function
    def run(inputs, auxiliary):
        def function(x):
            return u(x, tf.tile(inputs[0], (x.shape[0] // len(mu), 1)))

        return data.errors(inputs, function(inputs[1]), auxiliary, function)

    found = run(inputs, auxiliary)
    return [e.numpy().reshape(-1, len(mu), e.shape[-1]) for e in found]


# Means of each mu


def test_the_mean_of_each_mu_vanishes_at_its_solution():
    data = family(line, mean_condition())
    for error in errors(data, lambda x, mu: 2 * mu * x):
        np.testing.assert_allclose(error, 0, atol=1e-6)
    *_, error = errors(data, lambda x, mu: mu * x**2)
    np.testing.assert_allclose(error, np.tile(MU / 3 - MU, (6, 1, 1)), rtol=1e-5)


def test_the_mean_is_taken_over_all_points_in_every_batch():
    data = family(line, mean_condition())
    for collocation in (
        data.draw_collocation(3),
        data.collocation(np.array([[0], [0.2], [0.7]])),
    ):
        *_, error = errors(data, lambda x, mu: 2 * mu * x, collocation)
        np.testing.assert_allclose(error, 0, atol=1e-6)
    # What it does is known by now: fewer points would have other weights.
    collocation, _ = fast_collocations(data, 16, 16)
    assert collocation.counts == (1, 6)
    *_, error = errors(data, lambda x, mu: 2 * mu * x, collocation)
    np.testing.assert_allclose(error, 0, atol=1e-6)


def test_the_residual_of_a_mu_does_not_know_the_others():
    data, net = family(laplace, mean_condition()), small_net()
    residual = Residual(data, data.train_collocation)

    @tf.function
    def run(inputs, auxiliary):
        return residual(net, net.coefficients(inputs[0]), inputs, auxiliary)

    together = run(*residual.batch(MU)).numpy()
    alone = [run(*residual.batch(mu[None])).numpy()[0] for mu in MU]
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_u_of_given_mean_is_learned_and_solved_for_each_mu():
    data = family(laplace, mean_condition(), num_domain=32)
    net = lrnr.nn.HyperLRNR(
        [1, 16, 16, 1], "tanh", "Glorot normal", rank=3, parameter_space=SPACE
    )
    model = lrnr.Model(data, net)
    model.compile("SOAP", lr=3e-3, decay=("cosine", 1500, 1e-2), verbose=0)
    model.train(iterations=1500, batch_size=(16, 16), verbose=0)
    end = np.array([[1.0]])
    np.testing.assert_allclose(model.predict(end, MU).ravel(), [2, 4, 6], rtol=1e-2)
    solution = model.reduce(verbose=0).solve(MU)
    np.testing.assert_allclose(solution.predict(end).ravel(), [2, 4, 6], rtol=1e-2)


def test_in_a_pde_points_are_those_of_the_pde():
    def pde(x, u, mu):
        u = lrnr.data.per_parameter(u)
        return lrnr.data.as_rows(u - tf.reduce_mean(u, axis=1, keepdims=True))

    data = family(pde, mean_condition())
    first, *_ = errors(data, lambda x, mu: mu * x)
    x = data.train_collocation.pde_points
    expected = (x - x.mean())[:, None] * MU
    np.testing.assert_allclose(first, expected, rtol=1e-4, atol=1e-6)


def test_in_a_robin_condition_points_are_its_own():
    def flux(x, y, mu):
        y = lrnr.data.per_parameter(y)
        return lrnr.data.as_rows(tf.reduce_max(y, axis=1, keepdims=True))

    bc = dde.icbc.RobinBC(INTERVAL, flux, lambda x, on: on)
    *_, error = errors(family(line, bc), lambda x, mu: mu * x)
    # -u' at 0, u' at 1, less u(1).
    expected = np.stack([-MU - MU, MU - MU])
    order = family(line, bc).train_collocation.condition_points[1].ravel()
    np.testing.assert_allclose(error, expected[order.astype(int)], atol=1e-5)


def test_as_rows_undoes_per_parameter():
    def pde(x, u, mu):
        rows = lrnr.data.as_rows(lrnr.data.per_parameter(x * mu))
        return [rows - x * mu, u]

    first, *_ = errors(family(pde), lambda x, mu: x)
    np.testing.assert_array_equal(first, 0)


# Other points


def test_an_integro_differential_equation_has_the_residual_of_its_solution():
    # DeepXDE's example of dde.data.IDE, y' + y = int_0^x exp(t - x) y(t) dt, has the
    # solution exp(-x) cosh(x). With m y: y = exp(-x) cosh(sqrt(m) x).
    nodes, weights = lrnr.data.quadrature(INTERVAL, 8)

    def ide(x, y, mu):
        integral = sum(
            w * x * tf.exp(s * x - x) * lrnr.data.values_at(s * x)
            for s, w in zip(nodes.ravel(), weights.ravel(), strict=True)
        )
        return dde.grad.jacobian(y, x) + y - mu[:, 0:1] * integral

    def solution(x, mu):
        return tf.exp(-x) * tf.cosh(tf.sqrt(mu) * x)

    data = family(ide)
    for collocation in (data.train_collocation, data.draw_collocation(4)):
        first, *_ = errors(data, solution, collocation)
        np.testing.assert_allclose(first, 0, atol=1e-5)


def test_values_at_one_point_and_at_rows_of_a_condition():
    def flux(x, y, mu):
        return lrnr.data.values_at([[0.5]]) + lrnr.data.values_at(x / 2)

    def operator(x, u, X, mu):
        return u - lrnr.data.values_at(x - 0.25)

    bcs = [
        dde.icbc.RobinBC(INTERVAL, flux, lambda x, on: on and x[0] > 0.5),
        dde.icbc.PointSetOperatorBC(NODES, 0, operator),
    ]
    *_, robin, shifted = errors(family(line, *bcs), lambda x, mu: mu * x)
    np.testing.assert_allclose(robin, [MU - 0.5 * MU - 0.5 * MU], atol=1e-6)
    np.testing.assert_allclose(shifted, np.tile(0.25 * MU, (6, 1, 1)), rtol=1e-5)


def test_a_loss_takes_values_at_other_points():
    def pde(x, u, mu):
        return u - lrnr.data.values_at(x)

    model = lrnr.Model(family(pde), small_net())
    model.compile("adam", lr=1e-3, verbose=0)
    history, _ = model.train(iterations=1, batch_size=(4, 4), verbose=0)
    assert history.loss_train[0][0] < 1e-12


def test_an_operator_of_predict_takes_values_at_other_points():
    model = lrnr.Model(family(), small_net())
    x = np.array([[0.2], [0.8]])
    shifted = model.predict(x, MU, lambda x, u: lrnr.data.values_at(x / 2))
    np.testing.assert_allclose(shifted, model.predict(x / 2, MU), rtol=1e-5, atol=1e-6)


# A batch that mixes its mu


def mean_in_pde(x, u, mu):
    return dde.grad.hessian(u, x) - tf.reduce_mean(u)


def first_mu(x, u, mu):
    return dde.grad.hessian(u, x) - mu[0, 0]


def normalised(x, u, mu):
    return u / tf.norm(u) - mu[:, 0:1]


@pytest.mark.parametrize("pde", [mean_in_pde, first_mu, normalised])
def test_a_pde_that_mixes_the_mu_of_a_batch_is_refused_before_training(pde):
    model = lrnr.Model(family(pde), small_net())
    model.compile("adam", lr=1e-3, verbose=0)
    with pytest.raises(
        ValueError, match="depends on the other mu .*, in pde. .*as_rows"
    ):
        model.train(iterations=1, batch_size=4, verbose=0)
    assert model.train_state.step == 0


@pytest.mark.parametrize(
    "bc",
    [
        mean_condition(mixed_mean_is_m),
        dde.icbc.OperatorBC(INTERVAL, mixed_mean_is_m, lambda x, on: on),
        dde.icbc.RobinBC(
            INTERVAL, lambda x, y, mu: tf.reduce_max(y) * mu, lambda x, on: on
        ),
        dde.icbc.NeumannBC(INTERVAL, lambda x, mu: mu - mu.mean(), lambda x, on: on),
    ],
)
def test_a_condition_that_mixes_them_is_named(bc):
    data = family(laplace, bc)
    name = type(bc).__name__
    with pytest.raises(ValueError, match=rf"in bcs\[1\] \({name}\)\. "):
        examine(data, small_net())


def test_equations_that_mix_them_are_numbered():
    data = family(lambda x, u, mu: [u, mean_in_pde(x, u, mu)])
    with pytest.raises(ValueError, match=r"in pde\[1\]\. "):
        examine(data, small_net())


def test_a_model_is_not_reduced_for_a_problem_that_mixes_them():
    model = lrnr.Model(family(mean_in_pde), small_net())
    model._has_weights = True
    with pytest.raises(ValueError, match="depends on the other mu"):
        model.reduce(verbose=0)


SYSTEM = lrnr.ParameterSpace(a=(1, 3), b=(0.1, 10, "log"))


def stiff(x, u, mu):
    a, b = mu[:, 0:1], mu[:, 1:2]
    return 1e8 * a * dde.grad.hessian(u, x) - tf.exp(5 * b * u) + tf.math.log(1e-8 + x)


def not_finite(x, u, mu):
    return tf.math.log(u - 1) * mu[:, 0:1]


def random(x, u, mu):
    return u + tf.random.normal(tf.shape(u))


def mean_of_each(x, u, mu):
    u = lrnr.data.per_parameter(u)
    return lrnr.data.as_rows(u / tf.norm(u, axis=1, keepdims=True))


def branches(x, u, mu):
    return tf.where(mu[:, 0:1] > 2, u, dde.grad.jacobian(u, x)) * tf.sign(u)


@pytest.mark.parametrize(
    "pde", [stiff, not_finite, random, mean_of_each, branches, laplace]
)
def test_problems_that_do_not_mix_them_are_let_through(pde):
    examine(family(pde, space=SYSTEM), small_net(SYSTEM))


def test_nothing_is_drawn_and_nothing_changed_by_looking():
    data, net = family(laplace, mean_condition()), small_net()
    weights, before = net.get_weights(), np.random.get_state()[1].copy()
    examine(data, net)
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    for one, other in zip(net.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_is_examined_once(monkeypatch):
    number = []
    monkeypatch.setattr("deepxde_lrnr.model.examine", lambda *a: number.append(1))
    model = lrnr.Model(family(), small_net())
    model.compile("adam", lr=1e-3, verbose=0)
    for _ in range(2):
        model.train(iterations=1, batch_size=2, verbose=0)
    assert len(number) == 1


# Quadrature

BOX = dde.geometry.Cuboid([0, -1, 1], [1, 1, 3])
DISK = dde.geometry.Disk([1, -2], 2)
SQUARE = dde.geometry.Rectangle([-1, -1], [1, 1])
TIME = dde.geometry.TimeDomain(0, 3)


@pytest.mark.parametrize(
    "geom, f, expected",
    [
        (INTERVAL, lambda x: x[:, 0] ** 11, 1 / 12),
        (TIME, lambda x: x[:, 0] ** 2, 9),
        (SQUARE, lambda x: x[:, 0] ** 4 * x[:, 1] ** 2, 4 / 15),
        (BOX, lambda x: x[:, 0] * x[:, 1] ** 2 * x[:, 2], 4 / 3),
        (DISK, lambda x: x[:, 0] ** 2 + x[:, 1], 4 * np.pi * (1 + 1 - 2)),
        (
            dde.geometry.GeometryXTime(DISK, TIME),
            lambda x: x[:, 1] ** 2 * x[:, 2] ** 2,
            9 * 4 * np.pi * (1 + 4),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_gauss_legendre_is_exact_for_polynomials(geom, f, expected):
    dde.config.set_default_float("float64")
    points, weights = lrnr.data.quadrature(geom, 6**geom.dim)
    assert weights.shape == (len(points), 1) and points.shape == (6**geom.dim, geom.dim)
    np.testing.assert_allclose(f(points) @ weights, expected, atol=1e-10)


@pytest.mark.parametrize(
    "geom, volume",
    [
        (SQUARE, 4),
        (dde.geometry.CSGDifference(SQUARE, dde.geometry.Disk([0, 0], 0.5)), 3.2146),
        (dde.geometry.Sphere([0, 0, 1], 2), 33.510),
        (dde.geometry.GeometryXTime(dde.geometry.Disk([0, 0], 1), TIME), 3 * np.pi),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_geometry_has_points_of_equal_weight(geom, volume):
    points, weights = lrnr.data.quadrature(geom, 1000, "low-discrepancy")
    assert points.shape == (1000, geom.dim)
    assert points.dtype == weights.dtype == np.float32
    np.testing.assert_allclose(weights.sum(), volume, rtol=5e-3)
    np.testing.assert_allclose(points[:, 0] @ weights, 0, atol=2e-2 * volume)


# Bad input


def test_a_geometry_without_volume_is_refused():
    cloud = dde.geometry.PointCloud(np.random.rand(5, 2))
    with pytest.raises(ValueError, match="geom is a PointCloud without a volume"):
        lrnr.data.quadrature(cloud, 5)


def test_a_rule_that_is_not_for_the_geometry_is_refused():
    sphere = dde.geometry.Sphere([0, 0, 0], 1)
    with pytest.raises(ValueError, match="rule is 'Gauss-Legendre', .* for a Sphere"):
        lrnr.data.quadrature(sphere, 5, "Gauss-Legendre")


@pytest.mark.parametrize(
    "helper, value",
    [
        (lrnr.data.per_parameter, np.ones((3, 1))),
        (lrnr.data.as_rows, np.ones((3, 1, 1))),
        (lrnr.data.values_at, np.ones((3, 1))),
    ],
)
def test_helpers_are_for_functions_of_a_problem(helper, value):
    with pytest.raises(RuntimeError, match=rf"{helper.__name__}\(\) is called outside"):
        helper(value)


@pytest.mark.parametrize(
    "pde, message",
    [
        (lambda x, u, mu: lrnr.data.per_parameter(u[:3]), r"values has shape \(3, 1\)"),
        (lambda x, u, mu: lrnr.data.per_parameter(u[:, 0]), r"values has shape \(\d+,"),
        (lambda x, u, mu: lrnr.data.as_rows(u), r"values has shape .* keepdims=True"),
        (lambda x, u, mu: lrnr.data.values_at(x[:2]), r"x has shape \(2, 1\)"),
        (lambda x, u, mu: lrnr.data.values_at(x[:, 0]), r"x has shape \(\d+,\)"),
    ],
)
def test_values_of_another_shape_are_refused(pde, message):
    with pytest.raises(ValueError, match=message):
        errors(family(pde), lambda x, mu: x * mu)


def test_an_operator_of_predict_takes_no_means():
    model = lrnr.Model(family(), small_net())
    with pytest.raises(RuntimeError, match="gets the points in chunks; take means of"):
        model.predict(NODES, MU, lambda x, u: lrnr.data.per_parameter(u))


def test_an_ide_is_refused_with_the_way_out():
    problem = dde.data.IDE(INTERVAL, lambda x, u, matrix: u, [], 4, num_domain=4)
    with pytest.raises(TypeError, match="problem is a IDE.*lrnr.data.values_at"):
        lrnr.data.ParametricPDE(problem, SPACE, 4)
