"""Robin and operator conditions are drawn like the others, and never stale."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.data.examination import examine

SPACE = lrnr.ParameterSpace(a=(1, 3), b=(-1, 1))
SQUARE = dde.geometry.Rectangle([0, 0], [1, 1])
CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
MU = np.array([[1.3, -0.4], [2.7, 0.9], [2.0, 0.1]], "float32")
SENSORS = np.random.default_rng(0).uniform(0.1, 0.9, (30, 2)).astype("float32")


def boundary(_, on):
    return on


def robin(x, y, mu):
    return mu[:, 0:1] * y[:, 0:1] * x[:, 0:1] + x[:, 1:2] ** 2


def robin_of_numpy(x, y, mu):
    return mu[:, 0:1] * y[:, 0:1] * np.copy(x)[:, 0:1] + np.square(x[:, 1:2])


def operator(x, u, X, mu):
    return mu[:, 0:1] * u * X[:, 0:1] + X[:, 1:2] ** 2


def operator_of_numpy(x, u, X, mu):
    return mu[:, 0:1] * u * np.copy(X)[:, 0:1] + np.square(X[:, 1:2])


def operator_without_points(x, u, X, mu):
    return mu[:, 0:1] * u * x[:, 0:1] + x[:, 1:2] ** 2


def operator_of_shape(x, u, X, mu):
    rows = np.arange(X.shape[0])[:, None]  # the number is known without the points
    return operator(x, u, X, mu) + 0 * rows


def operator_that_branches(x, u, X, mu):
    assert isinstance(X, np.ndarray) or hasattr(X, "numpy")
    factor = 1 if isinstance(X, np.ndarray) else 2
    return factor * operator(x, u, X, mu)


def u(x, mu):
    return tf.sin(mu[:, 0:1] * x[:, 0:1]) + mu[:, 1:2] * x[:, 1:2] ** 2


def expected_operator(x, mu):
    values = np.sin(mu[:, 0:1] * x[:, 0:1]) + mu[:, 1:2] * x[:, 1:2] ** 2
    return mu[:, 0:1] * values * x[:, 0:1] + x[:, 1:2] ** 2


def expected_robin(x, mu):
    slope_x = mu[:, 0:1] * np.cos(mu[:, 0:1] * x[:, 0:1])
    slope_y = 2 * mu[:, 1:2] * x[:, 1:2]
    normal = np.select(
        [np.isclose(x, 0), np.isclose(x, 1)], [-np.ones_like(x), np.ones_like(x)], 0
    )
    flux = normal[:, :1] * slope_x + normal[:, 1:] * slope_y
    return flux - expected_operator(x, mu)


def robin_bc(function):
    return dde.icbc.RobinBC(SQUARE, function, boundary)


def operator_bc(function):
    return dde.icbc.OperatorBC(SQUARE, function, boundary)


def sensors_bc(function):
    return dde.icbc.PointSetOperatorBC(SENSORS, 0, function)


# name: the condition, its error at rows x and mu, and whether it can be drawn
CASES = {
    "Robin": (robin_bc(robin), expected_robin, True),
    "Robin of NumPy": (robin_bc(robin_of_numpy), expected_robin, False),
    "Operator": (operator_bc(operator), expected_operator, True),
    "Operator of NumPy": (operator_bc(operator_of_numpy), expected_operator, False),
    "Operator of no points": (
        operator_bc(operator_without_points),
        expected_operator,
        True,
    ),
    "Operator of a shape": (operator_bc(operator_of_shape), expected_operator, True),
    "Operator that branches": (
        operator_bc(operator_that_branches),
        expected_operator,
        False,
    ),
    "PointSetOperator": (sensors_bc(operator), expected_operator, True),
    "PointSetOperator of NumPy": (
        sensors_bc(operator_of_numpy),
        expected_operator,
        False,
    ),
}


def pde(x, y, mu):
    return y - mu[:, 0:1] * x[:, 0:1]


def family(*bcs):
    problem = dde.data.PDE(SQUARE, pde, list(bcs), 20, 40, exclusions=CORNERS)
    return lrnr.data.ParametricPDE(problem, SPACE, 8)


def small_net():
    net = lrnr.nn.HyperLRNR(
        [2, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
    )
    net((MU[:1], SENSORS[:1]))
    return net


def examined(name):
    data = family(CASES[name][0])
    examine(data, small_net())
    return data


@pytest.mark.parametrize("name", CASES)
def test_errors_are_right_for_all_and_for_drawn_points(name):
    _, expected, can_be_drawn = CASES[name]
    data = examined(name)

    @tf.function
    def run(inputs, auxiliary):
        mu, x = inputs
        values = u(x, tf.tile(mu, (x.shape[0] // len(MU), 1)))
        return data.errors(inputs, values, auxiliary)

    # One compiled function for many batches, at points that change.
    for change in (None, data.resample_train_points, None):
        if change:
            change()
        for collocation in (data.draw_collocation(5), data.train_collocation):
            inputs, auxiliary = data.batch(MU, collocation)
            (points,) = collocation.condition_points
            error = run(inputs, auxiliary)[1].numpy()
            x = np.repeat(points, len(MU), axis=0)
            mu = np.tile(MU, (len(points), 1))
            np.testing.assert_allclose(error, expected(x, mu), rtol=1e-4, atol=1e-5)
        (drawn,) = data.draw_collocation(5).condition_points
        assert (len(drawn) < len(points)) == can_be_drawn


def test_the_share_of_points_is_that_of_the_other_conditions():
    dirichlet = dde.icbc.DirichletBC(SQUARE, lambda x: 0, boundary)
    data = family(dirichlet, CASES["Robin"][0], CASES["Operator"][0])
    assert len(set(data.draw_collocation(5).counts)) == 2
    examine(data, small_net())
    counts = data.draw_collocation(5).counts
    assert len(set(counts)) == 1 and counts[0] < len(data.train_collocation.points) / 3


def test_a_step_is_compiled_once_for_all_that_is_drawn():
    traces = []

    def counted(x, y, mu):
        traces.append(1)
        return robin(x, y, mu)

    model = lrnr.Model(family(robin_bc(counted)), small_net())
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=2, batch_size=(4, 5), verbose=0)
    before = len(traces)
    model.train(iterations=6, batch_size=(4, 5), display_every=100, verbose=0)
    assert len(traces) == before


def test_a_subclass_keeps_all_its_points():
    class Shifted(dde.icbc.RobinBC):
        pass

    data = family(Shifted(SQUARE, robin, boundary))
    examine(data, small_net())
    assert data.draw_collocation(5).counts == data.train_collocation.counts


def test_a_model_trains_and_reduces_with_drawn_conditions():
    model = lrnr.Model(family(CASES["Robin"][0]), small_net())
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=2, batch_size=(4, 5), verbose=0)
    rows = len(model.train_state.X_train[1])
    assert rows < 4 * (5 + 20)
    fast = model.reduce(points=20, num_parameters=8, verbose=0)
    assert np.isfinite(fast.solve(MU).residual).all()


def test_a_loaded_problem_is_drawn_too(tmp_path):
    model = lrnr.Model(family(CASES["Robin"][0]), small_net())
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=1, batch_size=(4, 5), verbose=0)
    path = model.reduce(points=20, num_parameters=8, verbose=0).save(tmp_path / "f.npz")
    data = family(CASES["Robin"][0])
    lrnr.load_fast(path, data)
    assert not data.conditions[0].keeps_all_points
