"""The reference solutions solve their equations."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp


@pytest.fixture(scope="module")
def reference():
    path = Path(__file__).parents[1] / "examples" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


X = np.linspace(0, 2 * np.pi, 33)
T = np.linspace(0, 1, 6)


def fourier_derivative(n):
    """Differentiates n (even) equispaced values of a function of period 2 pi."""
    i = np.arange(n)
    difference = i[:, None] - i
    np.fill_diagonal(difference, 1)
    matrix = 0.5 * (-1.0) ** difference / np.tan(np.pi * difference / n)
    np.fill_diagonal(matrix, 0)
    return matrix


def logistic(u0, growth):
    return u0 * growth / (1 + u0 * (growth - 1))


def test_convection_transports_the_initial_value(reference):
    u = reference.convection(X, T, 7.0)
    assert u.shape == (len(T), len(X))
    np.testing.assert_allclose(u[0], 1 + np.sin(X))
    np.testing.assert_allclose(u[3], reference.convection(X - 7.0 * T[3], [0], 7.0)[0])


def test_cdr_without_diffusion_and_reaction_is_convection(reference):
    u = reference.convection_diffusion_reaction(X, T, 6.0, 0, 0)
    np.testing.assert_allclose(u, reference.convection(X, T, 6.0), atol=1e-11)


def test_cdr_without_reaction_damps_the_sine(reference):
    u = reference.convection_diffusion_reaction(X, T, 2.0, 0.7, 0)
    time = T[:, None]
    np.testing.assert_allclose(
        u, 1 + np.exp(-0.7 * time) * np.sin(X - 2.0 * time), atol=1e-11
    )


@pytest.mark.parametrize("beta", [0.0, 1.5])
@pytest.mark.parametrize("rho", [0.5, 2.0])
def test_cdr_without_diffusion_is_logistic_along_characteristics(reference, beta, rho):
    u = reference.convection_diffusion_reaction(X, T, beta, 0, rho)
    time = T[:, None]
    expected = logistic(1 + np.sin(X - beta * time), np.exp(rho * time))
    np.testing.assert_allclose(u, expected, atol=1e-10)


@pytest.mark.parametrize("mu", [(1.0, 0.03, 2.0), (2.3, 0.4, 1.1), (3.0, 2.0, 2.0)])
def test_cdr_agrees_with_the_method_of_lines(reference, mu):
    beta, nu, rho = mu
    n = 64
    x = 2 * np.pi * np.arange(n) / n
    derivative = fourier_derivative(n)
    linear = nu * derivative @ derivative - beta * derivative
    lines = solve_ivp(
        lambda _, u: linear @ u + rho * u * (1 - u),
        (0, 1),
        1 + np.sin(x),
        t_eval=T,
        rtol=1e-9,
        atol=1e-9,
    )
    u = reference.convection_diffusion_reaction(x, T, beta, nu, rho)
    np.testing.assert_allclose(u, lines.y.T, atol=1e-6)


def test_cdr_is_of_fourth_order_in_dt(reference):
    def solve(dt):
        return reference.convection_diffusion_reaction(X, [1.0], 2, 1, 2, dt=dt)

    exact = solve(1 / 400)
    errors = [np.max(np.abs(solve(dt) - exact)) for dt in (1 / 10, 1 / 20, 1 / 40)]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(orders, 4, atol=0.1)


@pytest.mark.parametrize("mu", [(3.0, 2.0, 2.0), (1.0, 0.0, 2.0), (2.0, 0.02, 2.0)])
def test_cdr_at_its_defaults_is_accurate_to_its_stated_error(reference, mu):
    fine = reference.convection_diffusion_reaction(
        X, T, *mu, dt=1 / 1600, num_points=512
    )
    u = reference.convection_diffusion_reaction(X, T, *mu)
    np.testing.assert_allclose(u, fine, atol=1e-11)


def test_cdr_hits_the_times_asked_for(reference):
    # Neither multiples of dt, nor sorted, nor distinct.
    times = np.array([0.77777, 0.0, 0.1234567, 0.77777, 1e-9])
    u = reference.convection_diffusion_reaction(X, times, 5.0, 0.3, 0)
    expected = 1 + np.exp(-0.3 * times[:, None]) * np.sin(X - 5.0 * times[:, None])
    np.testing.assert_allclose(u, expected, atol=1e-11)


def test_cdr_does_not_depend_on_the_points_asked_for(reference):
    mu = 2.0, 0.1, 2.0
    nodes = 2 * np.pi * np.arange(256) / 256
    on_nodes = reference.convection_diffusion_reaction(nodes, T, *mu)
    elsewhere = np.array([nodes[17], 2 * np.pi, nodes[3] - 2 * np.pi])
    u = reference.convection_diffusion_reaction(elsewhere, T, *mu)
    np.testing.assert_allclose(u, on_nodes[:, [17, 0, 3]], atol=1e-12)


@pytest.mark.parametrize("nu", [0.05, 0.3])
def test_burgers_agrees_with_finite_volumes(reference, nu):
    n = 400
    h = 2 / n
    x = -1 + h * (np.arange(n) + 0.5)

    def rate(_, u):
        wide = np.concatenate([[-u[0]], u, [-u[-1]]])  # u = 0 at both ends
        mean, slope = (wide[1:] + wide[:-1]) / 2, np.diff(wide) / h
        return -np.diff(mean**2 / 2 - nu * slope) / h

    lines = solve_ivp(
        rate,
        (0, 1),
        -np.sin(np.pi * x),
        method="LSODA",
        t_eval=T,
        rtol=1e-7,
        atol=1e-7,
        lband=1,
        uband=1,
    )
    np.testing.assert_allclose(reference.burgers(x, T, nu), lines.y.T, atol=1e-3)


def test_burgers_has_the_published_slope_of_the_front(reference):
    # Basdevant et al. (1986): the slope at x = 0 is largest at pi t = 1.6037.
    x = 1e-6
    slope = reference.burgers([x], [1.6037 / np.pi]) / x
    np.testing.assert_allclose(slope, -152.00516, rtol=1e-6)


@pytest.mark.parametrize("nu", [1e-4, 0.01 / np.pi, 1.0])
def test_burgers_is_odd_bounded_and_zero_at_the_ends(reference, nu):
    x = np.linspace(-1, 1, 201)
    u = reference.burgers(x, [0, 1e-6, 0.3, 0.5, 1], nu)
    np.testing.assert_allclose(u[0], -np.sin(np.pi * x), atol=1e-12)
    assert np.all(np.isfinite(u))
    assert np.max(np.abs(u)) <= 1 + 1e-12
    np.testing.assert_allclose(u, -u[:, ::-1], atol=1e-10)
    np.testing.assert_allclose(u[:, [0, -1]], 0, atol=1e-10)


def test_burgers_default_viscosity_steepens_the_front(reference):
    left, right = reference.burgers([-0.02, 0.02], [0.5])[0]
    assert left > 0.8 and right < -0.8


def test_relative_errors(reference):
    u, exact = np.array([[1.0, -2.0], [3.0, 0.0]]), np.array([[1.0, -2.0], [4.0, 0.0]])
    assert reference.relative_l1(u, exact) == pytest.approx(1 / 7)
    assert reference.relative_l2(u, exact) == pytest.approx(1 / np.sqrt(21))
    assert reference.relative_l1(exact, exact) == 0
    of_components = reference.relative_l2_of_components(u, exact)
    np.testing.assert_allclose(of_components, [1 / np.sqrt(17), 0])


@pytest.mark.parametrize("error", ["relative_l1", "relative_l2"])
def test_relative_errors_refuse_what_has_none(reference, error):
    with pytest.raises(ValueError, match=r"same shape, got \(3, 1\) and \(3,\)"):
        getattr(reference, error)(np.ones((3, 1)), np.ones(3))
    with pytest.raises(ValueError, match="reference is zero"):
        getattr(reference, error)(np.ones(3), np.zeros(3))


@pytest.mark.parametrize(
    "solution, arguments, message",
    [
        ("convection", (1.0, T, 2), r"x must be of one dimension, got shape \(\)"),
        ("convection", (X, [[0.0]], 2), r"t must be of one dimension"),
        ("convection_diffusion_reaction", (X, [-0.1], 1, 1, 1), "t must not be nega"),
        ("convection_diffusion_reaction", (X, T, 1, -1, 1), "nu must not be negative"),
        ("convection_diffusion_reaction", (X, T, 1, 1, -1), "rho must not be negat"),
        ("convection_diffusion_reaction", (X, T, 1, 1, 1, 0), "dt must be positive"),
        ("convection_diffusion_reaction", (X, T, 1, 1, 1, 0.1, 9), "must be even"),
        ("burgers", (X, [-0.1]), "t must not be negative, got -0.1"),
        ("burgers", (X, T, 0), "nu must be positive, got 0"),
    ],
)
def test_bad_arguments_are_named(reference, solution, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(reference, solution)(*arguments)
