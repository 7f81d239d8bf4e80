"""The pulse on a string of wave.py solves the wave equation."""

import numpy as np
import pytest
from reference_wave import hump, pulse_on_a_string

X, T = np.linspace(0, 1, 41), np.linspace(0, 1, 23)


@pytest.mark.parametrize("c", [0.5, 1.3, 2.0])
def test_dalembert_agrees_with_the_sine_series(c):
    # Coefficients of f and of -c f' by the midpoint rule.
    k, y = np.arange(1, 200)[:, None], (np.arange(4096) + 0.5) / 4096
    modes = 2 * np.sin(np.pi * k * y) / len(y)
    slope = 4 * np.pi * np.sin(np.pi * y) ** 3 * np.cos(np.pi * y)
    a, b = modes @ hump(y), modes @ (-c * slope)
    angle = np.pi * c * k * T
    in_time = a[:, None] * np.cos(angle) + b[:, None] * np.sin(angle) / (np.pi * c * k)
    series = in_time.T @ np.sin(np.pi * k * X)
    np.testing.assert_allclose(pulse_on_a_string(X, T, c), series, atol=1e-5)


def test_the_pulse_runs_to_the_right_until_it_meets_the_end():
    u = pulse_on_a_string(X, [0, 0.1, 0.2], 0.5)
    np.testing.assert_allclose(u[0], hump(X), atol=1e-15)
    # Ahead of the hump's tail, and before anything has been reflected.
    inside = (X > 0.1) & (X < 0.9)
    for ui, t in zip(u, [0, 0.1, 0.2], strict=True):
        np.testing.assert_allclose(ui[inside], hump(X - 0.5 * t)[inside], atol=1e-15)


def test_after_one_length_the_pulse_is_upside_down_and_after_two_it_is_back():
    u = pulse_on_a_string(X, [0, 0.5, 1], 2.0)
    np.testing.assert_allclose(u[1], -u[0], atol=1e-12)
    np.testing.assert_allclose(u[2], u[0], atol=1e-12)
    np.testing.assert_allclose(u[:, [0, -1]], 0, atol=1e-12)
