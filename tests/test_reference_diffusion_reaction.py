"""The exact solution of diffusion_reaction.py solves its equation."""

import numpy as np
import pytest
from reference_diffusion_reaction import MODES, diffusion_reaction
from scipy.integrate import solve_ivp

X = np.linspace(-np.pi, np.pi, 41)
T = np.linspace(0, 1, 6)


def test_with_diffusivity_and_rate_one_all_modes_decay_like_the_source():
    initial = sum(np.sin(k * X) / k for k in MODES)
    expected = np.exp(-T)[:, None] * initial
    np.testing.assert_allclose(diffusion_reaction(X, T), expected, atol=1e-14)


@pytest.mark.parametrize("d, rate", [(0.5, 2.0), (2.0, 0.5), (0.25, 1.0), (0.0, 0.7)])
def test_every_mode_solves_its_ordinary_differential_equation(d, rate):
    # With (0.25, 1) the second mode decays at the rate of its source.
    k = np.array(MODES)

    def derivative(t, a):
        return -d * k**2 * a + (k**2 - 1) * np.exp(-rate * t)

    a = solve_ivp(
        derivative, (0, 1), np.ones(len(k)), "LSODA", T, rtol=1e-10, atol=1e-12
    ).y
    expected = (a.T / k) @ np.sin(np.outer(k, X))
    np.testing.assert_allclose(diffusion_reaction(X, T, d, rate), expected, atol=1e-8)


def test_nothing_jumps_where_two_rates_meet():
    at = diffusion_reaction(X, T, 0.25, 1)
    near = diffusion_reaction(X, T, 0.25 + 1e-9, 1)
    np.testing.assert_allclose(near, at, atol=1e-7)
