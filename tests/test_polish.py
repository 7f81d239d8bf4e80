"""What a plain ``dde.Model`` has trained is polished by least squares."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf

LINE, TIME = dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 2)
X = np.linspace(0, 1, 41)[:, None]
T = np.linspace(0, 2, 15)[:, None]


def on_boundary(x, on):
    return on


def sine(x):
    return np.sin(3 * x[:, 0:1])


def poisson(x, u):
    return dde.grad.hessian(u, x) + 9 * tf.sin(3 * x)


def trained(data, net=None, iterations=20, **compiled):
    model = dde.Model(data, net or dde.nn.FNN([1, 12, 12, 1], "tanh", "Glorot normal"))
    model.compile("adam", lr=1e-3, verbose=0, **compiled)
    model.train(iterations=iterations, verbose=0, display_every=1000)
    return model


def poisson_data():
    bc = dde.icbc.DirichletBC(LINE, sine, on_boundary)
    return dde.data.PDE(LINE, poisson, bc, 16, 2)


def oscillator(conditions=True):
    def ode(t, y):
        return [
            dde.grad.jacobian(y, t, i=0) - y[:, 1:],
            dde.grad.jacobian(y, t, i=1) + y[:, :1],
        ]

    ics = [
        dde.icbc.IC(TIME, lambda t: 0, on_boundary, component=0),
        dde.icbc.IC(TIME, lambda t: 1, on_boundary, component=1),
    ]
    return dde.data.PDE(TIME, ode, ics if conditions else [], 20, 2)


def circle(t):
    return np.hstack([np.sin(t), np.cos(t)])


def test_it_finds_an_exact_solution_and_leaves_the_model_as_it_is():
    model = trained(poisson_data())
    before = model.predict(X)
    solution = lrnr.polish(model)
    np.testing.assert_allclose(solution.predict(X), sine(X), atol=1e-9)
    assert np.abs(solution.predict(X, poisson)).max() < 1e-7
    assert solution.residual < 1e-6 * solution.initial_residual
    assert np.array_equal(model.predict(X), before)
    assert solution.status in repr(solution)


@pytest.mark.parametrize("width", [3, 5, 8])
def test_the_estimate_is_near_the_error(width):
    """Few functions, with errors from a tenth to a millionth."""
    net = dde.nn.FNN([1, width, 1], "tanh", "Glorot normal")
    solution = lrnr.polish(trained(poisson_data(), net), random_features=0)
    error = np.linalg.norm(solution.predict(X) - sine(X)) / np.linalg.norm(sine(X))
    assert error > 1e-7
    assert 0.5 * error <= solution.error <= 2 * error
    assert (solution.status == "not resolved") == (solution.error > 1e-2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: dde.nn.FNN([1, 12, 12, 2], "swish", "Glorot normal"),
        lambda: dde.nn.FNN([1, 12, 12, 2], "sin", "Glorot normal", dropout_rate=0.1),
        lambda: dde.nn.PFNN([1, 12, [8, 8], [8, 8], 2], "tanh", "Glorot normal"),
        lambda: dde.nn.PFNN([1, 12, 12, 2], "tanh", "Glorot normal"),
        lambda: lrnr.nn.LRNR([1, 12, 12, 2], "tanh", "Glorot normal"),
    ],
)
def test_each_kind_of_network_for_a_system(make):
    solution = lrnr.polish(trained(oscillator(), make()), random_features=64)
    np.testing.assert_allclose(solution.predict(T), circle(T), atol=1e-8)


def test_transforms_hold():
    net = dde.nn.FNN([2, 12, 12, 2], "tanh", "Glorot normal")
    net.apply_feature_transform(lambda t: tf.concat([t, t**2], axis=1))
    net.apply_output_transform(
        lambda t, u: tf.concat([t * u[:, :1], 1 + t * u[:, 1:]], axis=1)
    )
    solution = lrnr.polish(trained(oscillator(False), net))
    np.testing.assert_allclose(solution.predict(T), circle(T), atol=1e-8)
    assert np.array_equal(solution.predict(np.zeros((1, 1))), [[0, 1]])


def test_a_problem_in_time_with_robin_neumann_and_operator_conditions():
    """u = exp(-t) cos(x)."""
    geom = dde.geometry.GeometryXTime(LINE, dde.geometry.TimeDomain(0, 1))

    def solution(x):
        return np.exp(-x[:, 1:]) * np.cos(x[:, :1])

    def at(end):
        return lambda x, on: on and np.isclose(x[0], end)

    def heat(x, u):
        u_t = dde.grad.jacobian(u, x, j=1)
        return u_t - dde.grad.hessian(u, x, i=0, j=0)

    conditions = [
        dde.icbc.NeumannBC(geom, lambda x: 0, at(0)),
        dde.icbc.RobinBC(geom, lambda x, u: -np.tan(1) * u, at(1)),
        dde.icbc.IC(geom, solution, lambda x, on: on),
        dde.icbc.OperatorBC(geom, lambda x, u, _: dde.grad.jacobian(u, x, j=0), at(0)),
    ]
    data = dde.data.TimePDE(geom, heat, conditions, 40, 20, num_initial=20)
    net = dde.nn.FNN([2, 12, 12, 1], "tanh", "Glorot normal")
    found = lrnr.polish(trained(data, net))
    x = np.random.default_rng(0).uniform(0, 1, (50, 2))
    np.testing.assert_allclose(found.predict(x), solution(x), atol=1e-6)


@pytest.mark.parametrize("noise", [0, 0.01])
def test_variables_are_unknowns_like_the_others(noise):
    rate = dde.Variable(1.0)
    values = np.exp(-1.7 * T)
    values += noise * np.random.default_rng(0).standard_normal(T.shape)

    def decay(t, u):
        return dde.grad.jacobian(u, t) + rate * u

    conditions = [
        dde.icbc.IC(TIME, lambda t: 1, on_boundary),
        dde.icbc.PointSetBC(T, values),
    ]
    data = dde.data.PDE(TIME, decay, conditions, 20, 2, anchors=T)
    model = trained(data, external_trainable_variables=rate)
    before = rate.numpy()
    solution = lrnr.polish(model)
    (found,) = solution.variables
    assert found == pytest.approx(1.7, abs=3 * noise + 1e-6)
    np.testing.assert_allclose(solution.predict(T), np.exp(-1.7 * T), atol=noise + 1e-6)
    # The operator reads the value found, too.
    assert np.abs(solution.predict(T, decay)).max() < noise + 1e-5
    assert rate.dtype == tf.float32 and rate.numpy() == before


def test_the_last_layer_alone_gives_weights_of_the_network():
    dde.config.set_default_float("float64")
    tf.keras.config.set_dtype_policy("float64")
    model = trained(poisson_data())
    solution = lrnr.polish(model, layers="last")
    assert solution.num_random_features == 0
    solution.assign()
    np.testing.assert_allclose(model.predict(X), solution.predict(X), atol=1e-8)
    np.testing.assert_allclose(model.predict(X), sine(X), atol=1e-5)


def test_a_combination_of_all_layers_is_no_network_of_the_same_form():
    with pytest.raises(ValueError, match="layers=.last."):
        lrnr.polish(trained(poisson_data())).assign()


def test_a_periodic_problem():
    """u'' = -4 pi^2 sin(2 pi x), its mean held by a value at 0."""

    def pde(x, u):
        return dde.grad.hessian(u, x) + 4 * np.pi**2 * tf.sin(2 * np.pi * x)

    conditions = [
        dde.icbc.PeriodicBC(LINE, 0, on_boundary),
        dde.icbc.PeriodicBC(LINE, 0, on_boundary, derivative_order=1),
        dde.icbc.DirichletBC(LINE, lambda x: 0, lambda x, on: on and x[0] < 0.5),
    ]
    model = trained(dde.data.PDE(LINE, pde, conditions, 16, 8))
    found = lrnr.polish(model).predict(X)
    np.testing.assert_allclose(found, np.sin(2 * np.pi * X), atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("iterations", [1, 300])
def test_the_residual_at_fresh_points_never_grows(seed, iterations):
    """A boundary layer that few neurons do not follow."""

    def pde(x, u):
        return 1e-4 * dde.grad.hessian(u, x) - u + 1

    bc = dde.icbc.DirichletBC(LINE, lambda x: 0, on_boundary)
    dde.config.set_random_seed(seed)
    net = dde.nn.FNN([1, 4, 4, 1], "tanh", "Glorot normal")
    model = trained(dde.data.PDE(LINE, pde, bc, 16, 2), net, iterations)
    for options in ({}, {"layers": "last"}, {"random_features": 16}):
        solution = lrnr.polish(model, **options)
        assert 0 < solution.residual <= solution.initial_residual


def test_loss_weights_hold_here_as_well():
    """A condition that contradicts another is met as far as it counts."""

    def left(x, on):
        return on and x[0] < 0.5

    conditions = [
        dde.icbc.DirichletBC(LINE, lambda x: 0, left),
        dde.icbc.DirichletBC(LINE, lambda x: 1, left),
    ]
    data = dde.data.PDE(LINE, lambda x, u: dde.grad.jacobian(u, x), conditions, 16, 2)
    found = [
        lrnr.polish(trained(data, loss_weights=[1, 1, w])).predict(X) for w in (1, 3)
    ]
    # The minimum of c^2 + w (1 - c)^2.
    np.testing.assert_allclose(found[0], 1 / 2, atol=1e-6)
    np.testing.assert_allclose(found[1], 3 / 4, atol=1e-6)


def test_what_has_no_better_combination_is_returned_as_it_was():
    def impossible(x, u):
        return dde.grad.jacobian(u, x) + tf.math.log(x - 2)  # not a number

    model = trained(dde.data.PDE(LINE, impossible, [], 16, 2))
    solution = lrnr.polish(model)
    assert solution.status == "not finite"
    np.testing.assert_allclose(solution.predict(X), model.predict(X), atol=1e-5)


class Own(dde.nn.FNN):
    def call(self, inputs, training=False):
        return 2 * super().call(inputs, training)


def test_mistakes_are_named():
    fnn = dde.nn.FNN([1, 8, 8, 1], "tanh", "Glorot normal")
    with pytest.raises(TypeError, match="must be a dde.Model"):
        lrnr.polish(fnn)
    model = dde.Model(poisson_data(), fnn)
    with pytest.raises(ValueError, match="not compiled"):
        lrnr.polish(model)
    model.compile("adam", lr=1e-3, verbose=0)
    with pytest.raises(ValueError, match="not trained"):
        lrnr.polish(model)
    function = dde.data.Function(LINE, sine, 8, 8)
    with pytest.raises(TypeError, match="Function; polish"):
        lrnr.polish(trained(function))
    with pytest.raises(TypeError, match="call of its own"):
        own = Own([1, 8, 8, 1], "tanh", "Glorot normal")
        lrnr.polish(trained(poisson_data(), own))
    model = trained(poisson_data())
    with pytest.raises(ValueError, match="layers is 'first'"):
        lrnr.polish(model, layers="first")
    with pytest.raises(ValueError, match="random_features is -1"):
        lrnr.polish(model, random_features=-1)
    with pytest.raises(ValueError, match="layers='last'"):
        lrnr.polish(model, layers="last", random_features=8)
