"""A user's function gets what it has no default for, and nothing else."""

import functools

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._checks import num_args
from deepxde_lrnr.data.conditions import Condition

SPACE = lrnr.ParameterSpace(a=(1, 3), b=(-1, 1))
INTERVAL = dde.geometry.Interval(0, 2)
TIME = dde.geometry.GeometryXTime(INTERVAL, dde.geometry.TimeDomain(0, 1))
MU = np.array([[1.3, -0.4], [2.7, 0.9]], "float32")
X = np.array([[0.3, 0.1], [1.9, 0.2], [1.1, 0.7]], "float32")


def boundary(_, on):
    return on


class Method:
    level = 7

    def of_points(self, x):
        return np.full((len(x), 1), self.level)

    def of_both(self, x, mu, i=2):
        return self.level * mu[:, 0:1] * x[:, i - 1 : i]

    def __call__(self, x, mu, factor=3):
        return factor * mu[:, 1:2] * x[:, 0:1]


def g(x, mu):
    return mu[:, 0:1] * np.cos(x[:, 0:1]) + mu[:, 1:2]


def scaled(x, mu, factor):
    return factor * g(x, mu)


def documented(function):
    @functools.wraps(function)
    def wrapper(*args):
        return 2 * function(*args)

    return wrapper


X_ROWS = np.repeat(X, len(MU), axis=0)
MU_ROWS = np.tile(MU, (len(X), 1))
G = g(X_ROWS, MU_ROWS)
# name: the function, and the values that it must give at the rows of X and MU
VALUES = {
    "a default beside x": (lambda x, level=7: level, 7),
    "a default beside x and mu": (lambda x, mu, i=2: i * g(x, mu), 2 * G),
    "two defaults": (lambda x, i=2, j=3: i * j, 6),
    "an option by name": (lambda x, mu, *, i=5: i * g(x, mu), 5 * G),
    "a partial function": (functools.partial(scaled, factor=3), 3 * G),
    "a partial function of mu": (
        functools.partial(lambda x, mu: mu * x[:, 0:1], mu=5),
        5 * X_ROWS[:, 0:1],
    ),
    "the first argument set": (
        functools.partial(lambda k, x, mu: k * g(x, mu), 3),
        3 * G,
    ),
    "a method of x": (Method().of_points, 7),
    "a method of both": (Method().of_both, 7 * MU_ROWS[:, 0:1] * X_ROWS[:, 1:2]),
    "an object": (Method(), 3 * MU_ROWS[:, 1:2] * X_ROWS[:, 0:1]),
    "a wrapper": (documented(lambda x, mu, i=2: i * g(x, mu)), 4 * G),
    "more arguments if any": (lambda x, *more: 7 + len(more), 7),
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("kind", ["DirichletBC", "NeumannBC", "IC"])
def test_values_of_conditions_are_those_of_the_function(name, kind):
    function, expected = VALUES[name]
    bc = getattr(dde.icbc, kind)(TIME, function, boundary)
    values = Condition(bc, "bc").targets(X, MU)["values"]
    np.testing.assert_allclose(values, np.broadcast_to(expected, (6, 1)), rtol=1e-6)


def test_the_closure_of_a_loop_keeps_its_own_value():
    conditions = [
        dde.icbc.DirichletBC(TIME, lambda x, mu, i=i: i * mu[:, 0:1], boundary)
        for i in range(3)
    ]
    for i, bc in enumerate(conditions):
        values = Condition(bc, "bc").targets(X, MU)["values"]
        np.testing.assert_allclose(values, i * MU_ROWS[:, 0:1])


@pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.0.0",
    reason="DeepXDE cannot tell the arguments of a function of an older NumPy's",
)
def test_numpys_own_functions_are_value_functions():
    bc = dde.icbc.DirichletBC(INTERVAL, np.sin, boundary)
    values = Condition(bc, "bc").targets(X[:, :1], MU)["values"]
    np.testing.assert_allclose(values, np.sin(X_ROWS[:, :1]), rtol=1e-6)


def test_vectorized_functions_count_as_what_they_vectorize():
    assert num_args(np.vectorize(lambda x, mu, i=2: x)) == 2


def errors(pde, bcs):
    """Errors of a family at MU, of shape (points, mu, 1), at u = a x + b t."""
    problem = dde.data.TimePDE(TIME, pde, bcs, 5, 6, 4)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    inputs, auxiliary = data.batch(MU, data.train_collocation)

    @tf.function
    def run(inputs, auxiliary):
        mu, x = inputs
        rows = tf.tile(mu, (x.shape[0] // len(MU), 1))
        return data.errors(inputs, tf.reduce_sum(rows * x, 1, True), auxiliary)

    found = [e.numpy().reshape(-1, len(MU), 1) for e in run(inputs, auxiliary)]
    return found, data.train_collocation


def u_at(points):
    return np.einsum("nd,pd->np", points, MU)[..., None]


DIRICHLET = dde.icbc.DirichletBC(TIME, g, boundary)


@pytest.mark.parametrize(
    "pde, expected",
    [
        (lambda x, u, nu=0.5: nu * u, lambda u: 0.5 * u),
        (lambda x, u, mu, nu=0.5: nu * mu[:, 0:1] * u, lambda u: 0.5 * MU[:, :1] * u),
        (functools.partial(lambda x, u, mu, k: k * u, k=3), lambda u: 3 * u),
    ],
)
def test_a_pde_keeps_its_defaults(pde, expected):
    (found, _), collocation = errors(pde, DIRICHLET)
    u = u_at(collocation.pde_points)
    np.testing.assert_allclose(found, expected(u), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "bc, expected",
    [
        (
            dde.icbc.RobinBC(TIME, lambda x, y, k=2: k * y, boundary),
            lambda x, u: 2 * u,
        ),
        (
            dde.icbc.RobinBC(TIME, lambda x, y, mu, k=2: k * mu[:, 1:] * y, boundary),
            lambda x, u: 2 * MU[:, 1:] * u,
        ),
    ],
)
def test_a_robin_function_keeps_its_defaults(bc, expected):
    (_, found), collocation = errors(lambda x, u, mu: u, bc)
    (x,) = collocation.condition_points
    slope = np.where(x[:, :1] > 1, 1, -1)[:, None] * MU[None, :, :1]
    np.testing.assert_allclose(
        found, slope - expected(x, u_at(x)), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize(
    "function, expected",
    [
        (lambda x, u, X, k=2: k * u, lambda u: 2 * u),
        (lambda x, u, X, mu, k=2: k * mu[:, 1:] * u, lambda u: 2 * MU[:, 1:] * u),
    ],
)
def test_an_operator_condition_keeps_its_defaults(function, expected):
    for bc in (
        dde.icbc.OperatorBC(TIME, function, boundary),
        dde.icbc.PointSetOperatorBC(X, 0, function),
    ):
        (_, found), collocation = errors(lambda x, u, mu: u, bc)
        (x,) = collocation.condition_points
        np.testing.assert_allclose(found, expected(u_at(x)), rtol=1e-5, atol=1e-6)


def family(**kwargs):
    problem = dde.data.TimePDE(TIME, lambda x, u, mu: u, [], 5)
    return lrnr.data.ParametricPDE(problem, SPACE, 4, **kwargs)


def net(features=2):
    return lrnr.nn.HyperLRNR(
        [features, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )


@pytest.mark.parametrize(
    "solution, expected",
    [
        (lambda x, k=2: k * x[:, 0:1], lambda mu, x: 2 * x[:, 0:1]),
        (lambda x, mu, k=2: k * mu[:, 0:1], lambda mu, x: 2 * mu[:, 0:1]),
    ],
)
def test_a_solution_keeps_its_defaults(solution, expected):
    data = family(solution=solution)
    (mu, x), values, _ = data.test()
    mu = np.tile(mu, (len(x) // len(mu), 1))
    np.testing.assert_allclose(values, expected(mu, x), rtol=1e-6)


def test_transforms_keep_their_defaults():
    plain, other = net(), net()
    inputs = (MU[:, :], X[:2])
    plain(inputs)
    other(inputs)
    other.set_weights(plain.get_weights())
    plain.apply_feature_transform(lambda x: 2 * x)
    other.apply_feature_transform(lambda x, k=2: k * x)
    np.testing.assert_array_equal(plain(inputs), other(inputs))
    # One of TensorFlow's, whose second parameter is a name.
    plain.apply_feature_transform(lambda x: tf.sin(x))
    other.apply_feature_transform(tf.sin)
    np.testing.assert_array_equal(plain(inputs), other(inputs))
    plain.apply_output_transform(lambda inputs, u: 3 * u)
    other.apply_output_transform(lambda inputs, u, k=3: k * u)
    np.testing.assert_array_equal(plain(inputs), other(inputs))


def test_transforms_that_keep_their_defaults_are_saved(tmp_path):
    model = lrnr.Model(family(), net())
    model.net.apply_feature_transform(lambda x, k=2: k * x)
    path = model.save(tmp_path / "model.npz")
    again = lrnr.load_model(path, family())
    np.testing.assert_array_equal(again.predict(X, MU), model.predict(X, MU))


def test_operators_keep_their_defaults():
    model = lrnr.Model(family(), net())
    u = model.predict(X, MU)
    np.testing.assert_allclose(
        model.predict(X, MU, lambda x, u, k=2: k * u), 2 * u, rtol=1e-6
    )
    np.testing.assert_allclose(
        model.predict(X, MU, lambda x, u, mu, k=2: k * mu[:, 0:1] * u),
        2 * MU[:, None, :1] * u,
        rtol=1e-6,
    )


# Bad input


def with_default(x, u, mu=None):
    return u


def by_name(x, u, mu, *, k):
    return u


def given_as(place, function):
    """Gives ``function`` to the package in one of the places for functions."""
    if place == "pde":
        errors(function, [])
    elif place == "RobinBC":
        errors(lambda x, u, mu: u, dde.icbc.RobinBC(TIME, function, boundary))
    elif place == "DirichletBC":
        bc = dde.icbc.DirichletBC(TIME, functools.partial(function, 0), boundary)
        errors(lambda x, u, mu: u, bc)
    elif place == "solution":
        family(solution=function)
    elif place == "operator":
        lrnr.Model(family(), net()).predict(X, MU, function)
    else:
        getattr(net(), f"apply_{place}")(function)


PLACES = [
    *("pde", "RobinBC", "DirichletBC", "solution", "operator"),
    *("feature_transform", "output_transform"),
]


@pytest.mark.parametrize("place", PLACES)
def test_a_default_for_mu_is_refused_by_name(place):
    with pytest.raises(ValueError, match="has a default for mu, .* Write mu without"):
        given_as(place, with_default)


@pytest.mark.parametrize("place", PLACES)
def test_a_parameter_that_nobody_passes_is_refused_by_name(place):
    with pytest.raises(ValueError, match=r"has the parameter k after a \*"):
        given_as(place, by_name)


def test_a_pde_that_does_not_tell_is_refused():
    with pytest.raises(ValueError, match=r"pde is .* must be a function of \(x, u, mu"):
        errors(lambda *args: args[1], DIRICHLET)


def test_deepxdes_own_problems_say_that_they_take_no_closure():
    bc = dde.icbc.DirichletBC(INTERVAL, lambda x, aux, i=1: i, boundary)
    model = dde.Model(
        dde.data.PDE(INTERVAL, lambda x, u: u, bc, 4, 2),
        dde.nn.FNN([1, 4, 1], "tanh", "Glorot normal"),
    )
    model.compile("adam", lr=1e-3, verbose=0)
    with pytest.raises(TypeError, match="DeepXDE's own problems take a value function"):
        model.train(iterations=1, verbose=0)


def test_a_function_that_deepxde_dropped_is_asked_for():
    bc = dde.icbc.DirichletBC(TIME, g, boundary)
    bc.func = None
    with pytest.raises(ValueError, match="dropped it.* import deepxde_lrnr before"):
        Condition(bc, "bcs[0]")
