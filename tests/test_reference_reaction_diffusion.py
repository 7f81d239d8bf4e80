"""The reference solutions of reaction-diffusion equations solve them."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp


@pytest.fixture(scope="module")
def reference():
    path = Path(__file__).parents[1] / "examples" / "reference_reaction_diffusion.py"
    spec = importlib.util.spec_from_file_location("reference_reaction_diffusion", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


X, T = np.linspace(-1, 1, 41), np.linspace(0, 1, 6)
TIMES = np.linspace(0, 36, 7)


def initial(x):
    return x**2 * np.cos(np.pi * x)


def lines(rate, u0, t, band):
    """Finite differences in space, u with neighbours at most ``band`` apart."""
    return solve_ivp(
        rate,
        (0, t[-1]),
        u0,
        method="LSODA",
        t_eval=t,
        rtol=1e-8,
        atol=1e-8,
        lband=band,
        uband=band,
    ).y.T


def test_allen_cahn_with_little_diffusion_is_the_reaction_alone(reference):
    k = 2.0
    u = reference.allen_cahn(X, T, 1e-12, k)
    u0, growth = initial(X), np.exp(k * T[:, None])
    expected = u0 * growth / np.sqrt(1 + u0**2 * (growth**2 - 1))
    np.testing.assert_allclose(u, expected, atol=1e-6)


def test_allen_cahn_without_reaction_is_the_heat_equation(reference):
    d = 0.05
    y = (np.arange(20_000) + 0.5) / 20_000  # midpoint rule on [0, 1]
    frequencies = np.pi * (np.arange(200) + 0.5)
    amplitudes = 2 * np.mean((initial(y) + 1) * np.cos(frequencies[:, None] * y), 1)
    decay = np.exp(-d * np.outer(T[1:], frequencies**2))
    expected = -1 + (amplitudes * decay) @ np.cos(np.outer(frequencies, X))
    u = reference.allen_cahn(X, T, d, 0, num_points=96)
    np.testing.assert_allclose(u[1:], expected, atol=1e-6)


@pytest.mark.parametrize("d, k", [(1e-2, 1.0), (1e-3, 5.0)])
def test_finite_differences_converge_to_allen_cahn(reference, d, k):
    def error(n):
        h = 2 / n
        x = np.linspace(-1, 1, n + 1)

        def rate(_, u):
            wide = np.concatenate([[-1], u, [-1]])
            return d * np.diff(wide, 2) / h**2 + k * (u - u**3)

        u = lines(rate, initial(x)[1:-1], T, 1)
        return np.abs(u - reference.allen_cahn(x, T, d, k)[:, 1:-1]).max()

    coarse, fine = error(400), error(800)
    assert fine < 2e-3
    np.testing.assert_allclose(np.log2(coarse / fine), 2, atol=0.15)


@pytest.mark.slow
def test_references_at_their_defaults_are_accurate_to_their_stated_error(reference):
    finer = {"num_points": 320, "rtol": 1e-9}
    for d, k in ((1e-3, 5.0), (1e-2, 1.0)):
        u = reference.allen_cahn(X, T, d, k)
        fine = reference.allen_cahn(X, T, d, k, **finer)
        np.testing.assert_allclose(u, fine, atol=1e-6)
    x, finer["num_points"] = np.linspace(0, 32, 41), 160
    for a, epsilon in ((0.05, 0.004), (0.15, 0.008)):
        u = reference.fitzhugh_nagumo(x, TIMES, a, epsilon)
        fine = reference.fitzhugh_nagumo(x, TIMES, a, epsilon, **finer)
        np.testing.assert_allclose(u, fine, atol=1e-6)


def test_fitzhugh_nagumo_without_recovery_has_nagumos_front(reference):
    a = 0.1
    x, t = np.linspace(0, 60, 2001), np.linspace(0, 60, 7)
    u = reference.fitzhugh_nagumo(x, t, a, 0, length=60, num_points=96)
    v, w = np.moveaxis(u, -1, 0)
    assert not w.any()
    front = [np.interp(-0.5, -row, x) for row in v[4:]]
    speed = np.diff(front) / np.diff(t[4:])
    np.testing.assert_allclose(speed, (1 - 2 * a) / np.sqrt(2), rtol=1e-4)
    # Its shape is a logistic function.
    expected = 1 / (1 + np.exp((x - front[0]) / np.sqrt(2)))
    np.testing.assert_allclose(v[4], expected, atol=1e-3)


def test_fitzhugh_nagumo_with_a_uniform_start_is_an_ordinary_equation(reference):
    a, epsilon, gamma = 0.1, 0.02, 0.5

    def rate(_, y):
        v, w = y
        return v * (1 - v) * (v - a) - w, epsilon * (v - gamma * w)

    exact = solve_ivp(rate, (0, 36), (1, 0), t_eval=TIMES, rtol=1e-9, atol=1e-9).y.T
    x, few = [0.0, 7.0, 32.0], {"num_points": 16}
    u = reference.fitzhugh_nagumo(x, TIMES, a, epsilon, gamma, start=np.inf, **few)
    for i in range(3):
        np.testing.assert_allclose(u[:, i], exact, atol=1e-6)


def test_finite_differences_converge_to_fitzhugh_nagumo(reference):
    a, epsilon = 0.15, 0.008

    def error(n):
        h = 32 / n
        x = h * (np.arange(n) + 0.5)

        def rate(_, y):
            v, w = y[::2], y[1::2]
            # The same value beyond each end: no flux.
            v_xx = np.diff(np.concatenate([v[:1], v, v[-1:]]), 2) / h**2
            v_t = v_xx + v * (1 - v) * (v - a) - w
            return np.stack([v_t, epsilon * (v - w)], axis=1).ravel()

        y0 = np.stack(
            [
                1 / (1 + np.exp((x - 5) / 2**0.5)) / (1 + np.exp((-x - 5) / 2**0.5)),
                0 * x,
            ],
            axis=1,
        ).ravel()
        y = lines(rate, y0, TIMES, 2).reshape(len(TIMES), n, 2)
        return np.abs(y - reference.fitzhugh_nagumo(x, TIMES, a, epsilon)).max()

    coarse, fine = error(150), error(300)
    assert fine < 2e-3
    np.testing.assert_allclose(np.log2(coarse / fine), 2, atol=0.15)


@pytest.mark.parametrize(
    "solution, arguments, message",
    [
        ("allen_cahn", (X, T, 0, 1), "d must be positive, got 0"),
        ("allen_cahn", (X, T[1:], 1e-2, 1), "increasing from 0 on"),
        ("allen_cahn", (X, T[::-1], 1e-2, 1), "increasing from 0 on"),
        ("fitzhugh_nagumo", (X, T, 0.1, -1), "epsilon must not be negative, got -1"),
    ],
)
def test_bad_arguments_are_named(reference, solution, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(reference, solution)(*arguments)
