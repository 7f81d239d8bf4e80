"""Data at points that depend on mu: measurements of runs, and functions of (x, mu)."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest

SPACE = lrnr.ParameterSpace(a=(1, 3))
LINE = dde.geometry.Interval(0, 1)
POINTS = np.array([[0.2], [0.5], [0.9], [0.7]])
RUNS = np.array([[1.0], [1.0], [2.5], [3.0]])
VALUES = RUNS * POINTS**2
MU = np.array([[1.2], [2.0], [2.9]], "float32")


def growth(x, u, mu):
    return dde.grad.jacobian(u, x) - mu[:, 0:1] * u


def law(x, mu):
    return mu[:, 0:1] * np.sin(x)


def family(*bcs, pde=growth, space=SPACE):
    problem = dde.data.PDE(LINE, pde, list(bcs), 12, 2)
    return lrnr.data.ParametricPDE(problem, space, 8)


def left():
    return dde.icbc.DirichletBC(LINE, lambda x: 1, lambda x, on: on and x[0] < 0.5)


def small_net(outputs=1, **kwargs):
    return lrnr.nn.HyperLRNR(
        [1, 8, 8, outputs],
        "tanh",
        "Glorot normal",
        rank=2,
        parameter_space=SPACE,
        **kwargs,
    )


def measured(**kwargs):
    return lrnr.data.ParametricPointSetBC(POINTS, VALUES, mu=RUNS, **kwargs)


def compiled(data, net=None, **kwargs):
    model = lrnr.Model(data, net or small_net())
    model.compile("adam", lr=1e-2, verbose=0, **kwargs)
    return model


def losses(model, batch_size=(3, 4)):
    inputs, _, auxiliary = model.data.train_next_batch(batch_size)
    return model.outputs_losses_train(inputs, None, auxiliary)[1].numpy()


def at_pairs(model, operator=None):
    """u, or an operator on it, at the measurements, one pair at a time."""
    pairs = zip(POINTS[:, None], RUNS, strict=True)
    return np.array([model.predict(x, mu, operator)[0] for x, mu in pairs])


# Measurements


def test_the_loss_of_measurements_is_that_of_their_pairs():
    model = compiled(family(left(), measured(), left()), loss_weights=[1, 1, 10, 1])
    found = losses(model)
    assert found.shape == (4,)
    expected = 10 * np.mean((at_pairs(model) - VALUES) ** 2)
    np.testing.assert_allclose(found[2], expected, rtol=1e-4)
    # The others are what they are without.
    other = compiled(family(left(), left()), model.net)
    other.data.train_mu = model.data.train_mu
    np.testing.assert_allclose(
        losses(model, None)[[0, 1, 3]], losses(other, None), rtol=1e-4
    )


def test_an_operator_may_be_measured():
    def slope(x, u, mu, factor=2):
        return factor * mu[:, 0:1] * dde.grad.jacobian(u, x)

    model = compiled(family(measured(operator=slope)))
    expected = np.mean((at_pairs(model, slope) - VALUES) ** 2)
    np.testing.assert_allclose(losses(model)[1], expected, rtol=1e-4)


def test_one_run_and_one_component():
    bc = lrnr.data.ParametricPointSetBC(POINTS, 2.0, mu=[1.5], component=1)
    data = family(bc, pde=lambda x, u, mu: u * mu[:, 0:1])
    model = compiled(data, small_net(2))
    expected = np.mean((model.predict(POINTS, [1.5])[:, 1] - 2) ** 2)
    np.testing.assert_allclose(losses(model)[-1], expected, rtol=1e-4)


def test_many_measurements_are_drawn():
    n = 1000
    bc = lrnr.data.ParametricPointSetBC(
        np.random.rand(n, 1), np.arange(n)[:, None], mu=1 + 2 * np.random.rand(n, 1)
    )
    data = family(left(), bc)
    *_, auxiliary = data.train_next_batch((3, 4))
    ((mu, x, values),) = auxiliary["measurements"]
    assert len(mu) == len(x) == len(values) == 3 * (4 + 1)
    index = values.ravel().astype(int)
    np.testing.assert_array_equal(x, bc.points[index])
    np.testing.assert_array_equal(mu, bc.mu[index])
    assert len(data.test()[2]["measurements"][0][0]) == n


def test_training_lowers_the_loss_of_measurements_and_predicts_the_runs():
    model = compiled(family(left(), measured(), pde=None))
    history, _ = model.train(iterations=300, batch_size=2, verbose=0)
    assert history.loss_train[-1][1] < 2e-2 * history.loss_train[0][1]
    np.testing.assert_allclose(at_pairs(model), VALUES, atol=0.2)


def test_measurements_alone_are_refused():
    with pytest.raises(ValueError, match="problem has measurements only"):
        family(measured(), pde=None)


@pytest.mark.parametrize("points", [40, np.linspace(0, 1, 41)[:, None]])
def test_a_model_with_measurements_is_reduced_and_solves(points):
    data = family(left(), measured())
    net = small_net(regularization={"orthogonality": 1e-3})
    model = compiled(data, net, loss_weights=[1, 5, 10, 1])
    model.train(iterations=2, batch_size=(4, 4), verbose=0)
    fast = model.reduce(points=points, num_parameters=8, verbose=0)
    # Measurements are no equations for other mu.
    assert fast.residual.loss_weights == [1, 5, 1]
    assert np.isfinite(fast.solve(MU).residual).all()


def test_residual_resampling_does_not_look_at_measurements():
    data = family(left(), measured())
    model = compiled(data, loss_weights=[1, 5, 10])
    found = []
    for one in (model, compiled(family(left()), model.net, loss_weights=[1, 5])):
        resampler = lrnr.callbacks.AdaptiveSampler(1, num_points=99)
        resampler.model = one
        found.append(resampler.parameter_losses(MU))
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_a_diverged_measurement_is_named():
    model = compiled(family(left(), measured(operator=lambda x, u: u / 0)))
    with pytest.raises(lrnr.DivergenceError, match=r"bcs\[1\] \(ParametricPointSetBC"):
        model.train(iterations=1, batch_size=4, verbose=0)


# Functions of (x, mu)


def test_values_may_be_a_function_of_x_and_mu():
    bc = lrnr.data.ParametricPointSetBC(POINTS, law)
    model = compiled(family(left(), bc))
    data = model.data
    x = np.repeat(POINTS, 8, axis=0)
    mu = np.tile(data.train_mu, (4, 1))
    u = model.predict(POINTS, data.train_mu).transpose(1, 0, 2).reshape(-1, 1)
    expected = np.mean((u - law(x, mu)) ** 2)
    np.testing.assert_allclose(losses(model, None)[2], expected, rtol=1e-4)
    # Drawn like other conditions, with the values of the points that are drawn.
    assert data.draw_collocation(3).counts == (1, 1)
    assert data.collocation(np.array([[0.0], [0.4]])).counts == (1, 4)


def test_a_function_may_be_compared_with_an_operator():
    def slope(x, u):
        return dde.grad.jacobian(u, x)

    bc = lrnr.data.ParametricPointSetBC(POINTS, lambda x, k=2: k * x, operator=slope)
    model = compiled(family(left(), bc))
    u = model.predict(POINTS, model.data.train_mu, slope)
    expected = np.mean((u - 2 * POINTS) ** 2)
    np.testing.assert_allclose(losses(model, None)[2], expected, rtol=1e-4)


# Bad input


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"values": VALUES}, "values is an array, and mu is None"),
        ({"values": law, "mu": RUNS}, "values is a function, and mu is given"),
        ({"values": VALUES, "mu": RUNS[:3]}, "mu has 3 rows for 4 points"),
        ({"values": VALUES[:, 0], "mu": RUNS}, r"values has shape \(4,\) for 4 points"),
        ({"values": VALUES * np.nan, "mu": RUNS}, "values has entries that are NaN"),
        ({"values": lambda x, mu, t: x}, r"values takes 3 arguments; .* of \(x, mu\)"),
        ({"values": law, "operator": lambda x: x}, "operator takes 1 arguments"),
        ({"values": law, "component": -1}, "component is -1"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        lrnr.data.ParametricPointSetBC(POINTS, **arguments)


def test_mu_of_measurements_fit_the_space():
    bc = lrnr.data.ParametricPointSetBC(POINTS, VALUES, mu=np.ones((4, 2)))
    with pytest.raises(ValueError, match=r"mu of bcs\[0\] .* has shape"):
        family(bc)
    bc = lrnr.data.ParametricPointSetBC(POINTS, VALUES, mu=7 * RUNS)
    with pytest.warns(lrnr.OutsideParameterSpaceWarning, match=r"mu of bcs\[0\]"):
        family(bc)


def test_a_component_that_the_network_lacks_is_named():
    model = compiled(family(measured(component=1)))
    with pytest.raises(ValueError, match="component is 1; u has 1, from 0 on"):
        losses(model)


def test_weights_are_those_of_all_losses_measurements_included():
    model = compiled(family(left(), measured()), loss_weights=[1, 1])
    names = r"pde, bcs\[0\] \(DirichletBC\), bcs\[1\] \(ParametricPointSetBC\)"
    with pytest.raises(ValueError, match=f"list of 3, one for each of {names}"):
        model.train(iterations=1, batch_size=2, verbose=0)


def test_deepxdes_own_problems_cannot_hold_it():
    problem = dde.data.PDE(
        LINE, lambda x, u: u, lrnr.data.ParametricPointSetBC(POINTS, law), 4
    )
    net = dde.nn.FNN([1, 4, 1], "tanh", "Glorot normal")
    model = dde.Model(problem, net)
    model.compile("adam", lr=1e-3, verbose=0)
    with pytest.raises(TypeError, match="ParametricPointSetBC needs a .*ParametricPDE"):
        model.train(iterations=1, verbose=0)
