"""The moving front of burgers.py solves Burgers' equation."""

import numpy as np
import pytest
from reference_burgers import moving_front
from scipy.integrate import solve_ivp


@pytest.mark.parametrize("nu", [0.02, 0.2])
def test_the_front_agrees_with_a_fourier_method_of_lines(nu):
    n = 256
    x = -1 + 2 * np.arange(n) / n
    k = np.pi * np.arange(n // 2 + 1)

    def rate(_, u):
        slope = np.fft.irfft(1j * k * np.fft.rfft(u * u / 2))
        return -slope - nu * np.fft.irfft(k**2 * np.fft.rfft(u))

    t = np.linspace(0, 1, 5)
    lines = solve_ivp(
        rate, (0, 1), 0.5 - np.sin(np.pi * x), "LSODA", t, rtol=1e-11, atol=1e-11
    )
    np.testing.assert_allclose(moving_front(x, t, nu), lines.y.T, atol=1e-8)


def test_the_front_starts_as_a_sine_and_moves_at_half_the_speed_of_its_crest():
    x = np.linspace(-1, 1, 401)
    u = moving_front(x, [0, 0.5, 1], 0.02)
    np.testing.assert_allclose(u[0], 0.5 - np.sin(np.pi * x), atol=1e-12)
    np.testing.assert_allclose(u[:, 0], u[:, -1], atol=1e-12)
    steepest = x[np.argmin(np.diff(u, axis=1), axis=1)]
    np.testing.assert_allclose(steepest, [0, 0.25, 0.5], atol=0.01)


def test_another_speed_moves_the_same_front():
    x = np.array([-0.4, 0.1, 0.7])
    slow, fast = moving_front(x, [0.5], 0.05, 0), moving_front(x + 1, [0.5], 0.05, 2)
    np.testing.assert_allclose(fast, 2 + slow, atol=1e-12)
