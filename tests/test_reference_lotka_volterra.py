"""The reference solution of the Lotka-Volterra equations solves them."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

T = np.linspace(0, 20, 101)
CORNERS = [(0.5, 1.5, 0.75, 1.25), (1.0, 1.0, 1.25, 0.75), (0.7, 1.2, 1.0, 1.0)]


@pytest.fixture(scope="module")
def lotka_volterra():
    path = Path(__file__).parents[1] / "examples" / "reference_lotka_volterra.py"
    spec = importlib.util.spec_from_file_location("reference_lotka_volterra", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lotka_volterra


@pytest.mark.parametrize("rates", CORNERS)
def test_the_conserved_quantity_is_conserved(lotka_volterra, rates):
    alpha, beta, gamma, delta = rates
    x, y = lotka_volterra(T, *rates).T
    conserved = delta * x - gamma * np.log(x) + beta * y - alpha * np.log(y)
    np.testing.assert_allclose(conserved, delta + beta, rtol=1e-8)


@pytest.mark.parametrize("rates", CORNERS)
def test_agrees_with_an_implicit_method(lotka_volterra, rates):
    alpha, beta, gamma, delta = rates

    def rate(_, populations):
        x, y = populations
        return alpha * x - beta * x * y, delta * x * y - gamma * y

    implicit = solve_ivp(
        rate, (0, 20), (1, 1), method="Radau", t_eval=T, rtol=1e-9, atol=1e-11
    )
    np.testing.assert_allclose(lotka_volterra(T, *rates), implicit.y.T, rtol=1e-6)


def test_tighter_tolerances_change_nothing(lotka_volterra):
    for rates in CORNERS:
        tight = lotka_volterra(T, *rates, rtol=1e-13)
        np.testing.assert_allclose(lotka_volterra(T, *rates), tight, rtol=1e-8)


def test_the_equilibrium_stays(lotka_volterra):
    alpha, beta, gamma, delta = rates = CORNERS[0]
    equilibrium = gamma / delta, alpha / beta
    u = lotka_volterra(T, *rates, initial=equilibrium)
    np.testing.assert_allclose(u, np.tile(equilibrium, (len(T), 1)), rtol=1e-12)


def test_small_oscillations_have_the_linear_period(lotka_volterra):
    alpha, beta, gamma, delta = rates = CORNERS[1]
    start = 1.001 * gamma / delta, alpha / beta
    period = 2 * np.pi / np.sqrt(alpha * gamma)
    u = lotka_volterra([0, period / 2, period], *rates, initial=start)
    np.testing.assert_allclose(u[2], start, rtol=1e-5)
    np.testing.assert_allclose(u[1, 0], 0.999 * gamma / delta, rtol=1e-5)


def test_times_may_come_in_any_order(lotka_volterra):
    u = lotka_volterra([3.0, 0.0, 1.0], *CORNERS[2])
    np.testing.assert_allclose(u[1], (1, 1))
    np.testing.assert_allclose(u[0], lotka_volterra([3.0], *CORNERS[2])[0])
    np.testing.assert_allclose(lotka_volterra([0.0], *CORNERS[2]), [[1, 1]])


@pytest.mark.parametrize(
    "t, initial, message",
    [
        ([-0.5], (1, 1), "t must not be negative, got -0.5"),
        (1.0, (1, 1), r"t must be of one dimension, got shape \(\)"),
        (T, (1, 0), "initial must be two positive numbers"),
        (T, (1,), "initial must be two positive numbers"),
    ],
)
def test_bad_arguments_are_named(lotka_volterra, t, initial, message):
    with pytest.raises(ValueError, match=message):
        lotka_volterra(t, 1, 1, 1, 1, initial=initial)
