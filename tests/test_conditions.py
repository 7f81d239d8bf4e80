"""IC/BC of a family are, mu by mu, those of DeepXDE with that mu frozen in."""

import copy

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.data.conditions import Condition

MU = np.array([[1.3, -0.4], [0.7, 0.9]])
SPACE = lrnr.ParameterSpace(a=(0, 3), b=(-1, 1))


@pytest.fixture(autouse=True)
def _float64(_same_start_for_every_test):
    dde.config.set_default_float("float64")


def u(x, mu):
    """A function of two components whose derivatives are all different."""
    a, b = mu[:, 0:1], mu[:, 1:2]
    first, last = x[:, 0:1], x[:, -1:]
    return tf.concat(
        [tf.sin(a * first) + b * last**2, tf.cos(first + b * last) * a], axis=1
    )


def g(x, mu):
    """Values of an IC/BC, in NumPy."""
    return mu[:, 0:1] * np.cos(x[:, 0:1]) + mu[:, 1:2] * x[:, -1:]


def g_robin(x, y, mu):
    return mu[:, 0:1] * y[:, 0:1] ** 2 + mu[:, 1:2] * np.sin(x[:, 0:1])


def g_operator(x, y, X, mu):
    y_x = dde.grad.jacobian(y, x, i=1, j=0)
    return y_x * y[:, 0:1] - mu[:, 1:2] * np.exp(X[:, 0:1])


def with_mu(function, mu):
    """The function as written for a family (``mu=None``), or with mu frozen in."""
    if mu is None:
        return function

    def rows(x):
        return np.tile(mu, (len(x), 1))

    return {
        2: lambda x: function(x, rows(x)),
        3: lambda x, y: function(x, y, rows(x)),
        4: lambda x, y, X: function(x, y, X, rows(X)),
    }[dde.utils.get_num_args(function)]


def on_side(value):
    return lambda x, on: on and np.isclose(x[0], value)


def boundary(_, on):
    return on


INTERVAL = dde.geometry.Interval(0, 2)
TIME = dde.geometry.GeometryXTime(INTERVAL, dde.geometry.TimeDomain(0, 1))
SQUARE = dde.geometry.Rectangle([0, 0], [1, 1])
CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
DATA = np.array([[0.3, 0.1], [1.9, 0.2], [1.1, 0.7]])
DATA_VALUES = np.array([[0.5], [-1.0], [2.0]])

# name: the geometry, and the IC/BC for a family (mu=None) or for one mu
CASES = {
    "Dirichlet": (
        TIME,
        lambda mu: dde.icbc.DirichletBC(TIME, with_mu(g, mu), boundary, component=1),
    ),
    "Dirichlet of x": (
        TIME,
        lambda mu: dde.icbc.DirichletBC(TIME, lambda x: x[:, 1:2] ** 2, boundary),
    ),
    "Dirichlet constant": (
        TIME,
        lambda mu: dde.icbc.DirichletBC(TIME, lambda x: 3, boundary),
    ),
    "Neumann": (TIME, lambda mu: dde.icbc.NeumannBC(TIME, with_mu(g, mu), boundary)),
    "Robin": (
        TIME,
        lambda mu: dde.icbc.RobinBC(TIME, with_mu(g_robin, mu), boundary, component=1),
    ),
    "Robin of (x, y)": (
        TIME,
        lambda mu: dde.icbc.RobinBC(TIME, lambda x, y: y[:, 0:1] * x[:, 1:2], boundary),
    ),
    "Periodic of order 0": (
        TIME,
        lambda mu: dde.icbc.PeriodicBC(TIME, 0, on_side(0)),
    ),
    "Periodic of order 1": (
        TIME,
        lambda mu: dde.icbc.PeriodicBC(
            TIME, 0, on_side(2), derivative_order=1, component=1
        ),
    ),
    "Operator": (
        TIME,
        lambda mu: dde.icbc.OperatorBC(TIME, with_mu(g_operator, mu), boundary),
    ),
    "Operator of (x, y, X)": (
        TIME,
        lambda mu: dde.icbc.OperatorBC(TIME, lambda x, y, X: y[:, 1:] * X, boundary),
    ),
    "PointSet": (
        TIME,
        lambda mu: dde.icbc.PointSetBC(DATA, DATA_VALUES, component=1),
    ),
    "PointSet of one number": (TIME, lambda mu: dde.icbc.PointSetBC(DATA, 1.5)),
    "PointSetOperator": (
        TIME,
        lambda mu: dde.icbc.PointSetOperatorBC(
            DATA, DATA_VALUES, with_mu(g_operator, mu)
        ),
    ),
    "IC": (TIME, lambda mu: dde.icbc.IC(TIME, with_mu(g, mu), lambda _, on: on)),
    "Interface2D normal": (
        SQUARE,
        lambda mu: dde.icbc.Interface2DBC(
            SQUARE, with_mu(g, mu), on_side(0), on_side(1)
        ),
    ),
    "Interface2D tangent": (
        SQUARE,
        lambda mu: dde.icbc.Interface2DBC(
            SQUARE, with_mu(g, mu), on_side(0), on_side(1), direction="tangent"
        ),
    ),
}


# Those that differ in how points are drawn.
KINDS = [
    "Dirichlet",
    "Neumann",
    "Robin",
    "Periodic of order 0",
    "Periodic of order 1",
    "Operator",
    "PointSet",
    "PointSetOperator",
    "Interface2D normal",
]


def pde(x, y, mu):
    return dde.grad.jacobian(y, x, i=0, j=1) * mu[:, 0:1] - y[:, 1:2]


def problem_with(name):
    geom, make = CASES[name]
    if geom is SQUARE:
        # Interface2DBC pairs uniform points. Corners belong to both edges.
        return dde.data.PDE(geom, pde, make(None), 5, 32, "uniform", exclusions=CORNERS)
    return dde.data.TimePDE(geom, pde, make(None), 5, 8, 4)


def errors_of_family(data, collocation):
    """Errors for MU, each of shape (n_i, P, k)."""
    (mu, x), auxiliary = data.batch(MU, collocation)

    @tf.function(autograph=False)
    def run(mu, x, auxiliary):
        rows = tf.tile(mu, (x.shape[0] // mu.shape[0], 1))
        return data.errors((mu, x), u(x, rows), auxiliary)

    errors = run(mu, x, auxiliary)
    return [e.numpy().reshape(-1, len(MU), e.shape[-1]) for e in errors]


def errors_of_deepxde(problem, name, mu):
    """DeepXDE's own errors for the problem with one mu frozen in."""
    frozen = copy.copy(problem)
    frozen.bcs = [CASES[name][1](mu)]
    frozen.pde = lambda x, y: pde(x, y, np.tile(mu, (x.shape[0], 1)))

    @tf.function(autograph=False)
    def run(x):
        y = u(x, tf.tile(mu[None], (x.shape[0], 1)))
        return frozen.losses(None, y, lambda _, error: error, x, None)

    return [e.numpy() for e in run(problem.train_x)]


@pytest.mark.parametrize("name", CASES)
def test_errors_are_mu_by_mu_those_of_deepxde(name):
    problem = problem_with(name)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    errors = errors_of_family(data, data.train_collocation)
    assert len(errors) == 2
    for j, mu in enumerate(MU):
        expected = errors_of_deepxde(problem, name, mu)
        for error, wanted in zip(errors, expected, strict=True):
            assert error.dtype == np.float64 and len(wanted) > 0
            np.testing.assert_allclose(error[:, j], wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", KINDS)
def test_errors_at_drawn_points_are_among_those_at_all_points(name):
    data = lrnr.data.ParametricPDE(problem_with(name), SPACE, 4)
    _, everywhere = errors_of_family(data, data.train_collocation)
    _, drawn = errors_of_family(data, data.draw_collocation(2))
    (condition,) = data.conditions
    if condition.keeps_all_points:
        np.testing.assert_allclose(drawn, everywhere, rtol=1e-12, atol=1e-13)
        return
    assert 0 < len(drawn) < len(everywhere)
    # Whole rows, one error for each mu. A value or a partner from another point would
    # show in them.
    distance = np.abs(drawn[:, None] - everywhere[None]).max(axis=(2, 3))
    assert np.all(distance.min(axis=1) < 1e-12)


@pytest.mark.parametrize("name", KINDS)
def test_errors_at_fewer_points_of_the_conditions_are_among_them_too(name):
    data = lrnr.data.ParametricPDE(problem_with(name), SPACE, 4)
    (block,), (condition,) = data.train_collocation.condition_points, data.conditions
    size = len(block) // 2 if condition.paired else len(block)
    chosen = np.array([0, size - 1])
    if condition.paired:
        chosen = np.concatenate((chosen, chosen + size))
    collocation = data.collocation_of([(block[chosen], chosen)], DATA / 2)
    _, everywhere = errors_of_family(data, data.train_collocation)
    pde_error, few = errors_of_family(data, collocation)
    assert len(pde_error) == len(DATA) and len(few) == 2
    distance = np.abs(few[:, None] - everywhere[None]).max(axis=(2, 3))
    assert np.all(distance.min(axis=1) < 1e-12)


@pytest.mark.parametrize("name", ["Periodic of order 0", "Interface2D normal"])
def test_drawn_points_stay_paired(name):
    data = lrnr.data.ParametricPDE(problem_with(name), SPACE, 4)
    for _ in range(5):
        (points,) = data.draw_collocation(3).condition_points
        left, right = np.split(points, 2)
        # Left and right boundary at the same t, or the same y.
        np.testing.assert_array_equal(left[:, 1], right[:, 1])
        assert np.all(np.abs(left[:, 0] - right[:, 0]) >= 1)


def test_rows_of_a_batch_are_point_major():
    data = lrnr.data.ParametricPDE(problem_with("Dirichlet"), SPACE, 4)
    points = data.train_collocation.points
    (mu, x), _ = data.batch(MU, data.train_collocation)
    np.testing.assert_array_equal(mu, MU)
    np.testing.assert_array_equal(x.reshape(-1, len(MU), 2)[:, 1], points)


def test_a_subclass_that_looks_at_the_points_gets_them():
    class Shifted(dde.icbc.DirichletBC):
        def error(self, X, inputs, outputs, beg, end, aux_var=None):
            return super().error(X, inputs, outputs, beg, end, aux_var) + X[beg:end, :1]

    def data_with(bc):
        problem = dde.data.TimePDE(TIME, pde, bc(TIME, g, boundary), 5, 8, 4)
        return lrnr.data.ParametricPDE(problem, SPACE, 4)

    data = data_with(Shifted)
    _, plain = errors_of_family(data_with(dde.icbc.DirichletBC), data.train_collocation)
    _, shifted = errors_of_family(data, data.train_collocation)
    (points,) = data.train_collocation.condition_points
    np.testing.assert_allclose(shifted - plain, np.tile(points[:, None, :1], (1, 2, 1)))


def test_values_are_those_at_points_in_the_precision_asked_for():
    dde.config.set_default_float("float32")
    dtypes = []

    def initial(x):
        dtypes.append(x.dtype)
        return np.sin(x[:, 0:1])

    ic = dde.icbc.IC(TIME, initial, lambda _, on: on)
    problem = dde.data.TimePDE(
        TIME, lambda x, u, mu: mu[:, 0:1] * u, ic, num_domain=8, num_initial=8
    )
    data = lrnr.data.ParametricPDE(problem, SPACE, num_parameters=2)
    dtypes.clear()
    data.batch(MU[:1], data.train_collocation, "float64")
    assert dtypes and set(dtypes) == {np.dtype("float64")}


# Bad input


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x[:, 0],
        lambda x: x,
        lambda x, mu: x[:, 0] * mu[:, 0],
        lambda x, mu: x[:, 0:1] * mu[:, 0],
        lambda x, mu: mu,
    ],
)
@pytest.mark.parametrize("bc", ["DirichletBC", "NeumannBC", "IC"])
def test_values_must_be_one_column(bc, function):
    condition = Condition(getattr(dde.icbc, bc)(TIME, function, boundary), f"b[7] {bc}")
    with pytest.raises(ValueError, match=r"function of b\[7\] .* must be \(\d+, 1\)"):
        condition.targets(DATA, MU)


@pytest.mark.parametrize(
    "bc, arguments",
    [
        (dde.icbc.DirichletBC(TIME, lambda x, mu, t: x, boundary), r"\(x\)"),
        (dde.icbc.NeumannBC(TIME, lambda: 1, boundary), r"\(x\)"),
        (dde.icbc.IC(TIME, lambda x, mu, t: x, boundary), r"\(x\)"),
        (
            dde.icbc.Interface2DBC(SQUARE, lambda: 0, boundary, boundary),
            r"\(x\)",
        ),
        (dde.icbc.RobinBC(TIME, lambda x: x, boundary), r"\(x, y\)"),
        (dde.icbc.OperatorBC(TIME, lambda x, y: y, boundary), r"outputs, X\)"),
        (dde.icbc.PointSetOperatorBC(DATA, 0, lambda x, y: y), r"outputs, X\)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_functions_must_take_the_right_number_of_arguments(bc, arguments):
    problem = copy.copy(problem_with("IC"))
    problem.bcs = [*problem.bcs, bc]
    message = rf"bcs\[1\] \({type(bc).__name__}\) must take .*{arguments} or .*mu\)"
    with pytest.raises(ValueError, match=message):
        lrnr.data.ParametricPDE(problem, SPACE, 4)


def test_point_values_must_be_one_column():
    bc = dde.icbc.PointSetBC(DATA, np.zeros(3))
    with pytest.raises(ValueError, match=r"values of b .* \(3,\) .* must be \(3, 1\)"):
        Condition(bc, "b")


@pytest.mark.parametrize(
    "name, function",
    [
        ("RobinBC", lambda x, y, mu: y[:, 0:1] * mu[:, 0]),
        ("OperatorBC", lambda x, y, X, mu: y[:, 0:1] * mu[:, 0]),
    ],
)
def test_errors_must_be_columns(name, function):
    bc = getattr(dde.icbc, name)(TIME, function, boundary)
    problem = dde.data.TimePDE(TIME, pde, bc, 5, 8, 4)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    with pytest.raises(ValueError, match=rf"\({name}\) returned .* mu\[:, 0:1\]"):
        errors_of_family(data, data.train_collocation)


def test_unequal_edges_cannot_be_paired():
    bc = dde.icbc.Interface2DBC(SQUARE, g, on_side(0), on_side(1))
    problem = dde.data.PDE(SQUARE, pde, bc, 5, 32, "uniform", exclusions=CORNERS[:1])
    with pytest.raises(ValueError, match=r"bcs\[0\] .* cannot be paired"):
        lrnr.data.ParametricPDE(problem, SPACE, 4)


def test_a_condition_without_points_is_named():
    bc = dde.icbc.DirichletBC(TIME, g, on_side(1))
    problem = dde.data.TimePDE(TIME, pde, bc, 5, 8, 4)
    with pytest.raises(ValueError, match=r"bcs\[0\] \(DirichletBC\) has no points"):
        lrnr.data.ParametricPDE(problem, SPACE, 4)


@pytest.mark.parametrize("name", ["Neumann", "Robin", "Periodic of order 1"])
def test_forward_mode_says_which_conditions_deepxde_cannot_do(name):
    data = lrnr.data.ParametricPDE(problem_with(name), SPACE, 4)
    data.problem.pde = None
    dde.config.set_default_autodiff("forward")
    with pytest.raises(NotImplementedError, match=r"bcs\[0\].*reverse"):
        errors_of_family(data, data.train_collocation)
