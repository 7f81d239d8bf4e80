"""The pulse of advected_pulse.py solves its equation."""

import numpy as np
from reference_advected_pulse import DIFFUSIVITY, WIND, pulse

MU = (-0.4, -0.1, 0.2, 1.3)


def test_the_pulse_solves_advection_and_diffusion():
    rng = np.random.default_rng(0)
    x = rng.uniform([-1, -1, 0.1], [1, 1, 1], (50, 3))
    h = 1e-3
    steps = h * np.eye(3)
    u = pulse(x, *MU)
    ahead, behind = ([pulse(x + s * d, *MU) for d in steps] for s in (1, -1))
    u_x, u_y, u_t = ((a - b) / (2 * h) for a, b in zip(ahead, behind, strict=True))
    u_xx, u_yy, _ = ((a - 2 * u + b) / h**2 for a, b in zip(ahead, behind, strict=True))
    residual = u_t + WIND[0] * u_x + WIND[1] * u_y - DIFFUSIVITY * (u_xx + u_yy)
    np.testing.assert_allclose(residual, 0, atol=1e-4)
    assert np.abs(u_t).max() > 0.1


def test_the_pulse_starts_as_said_and_keeps_its_integral():
    x0, y0, width, amplitude = MU
    at_start = pulse([[x0, y0, 0], [x0 + width, y0, 0]], *MU).ravel()
    np.testing.assert_allclose(at_start, amplitude * np.exp([0, -0.5]))
    axis = np.linspace(-4, 4, 201)
    x, y = np.meshgrid(axis, axis)
    for t in (0, 1):
        points = np.stack([x, y, np.full_like(x, t)], axis=-1).reshape(-1, 3)
        integral = pulse(points, *MU).sum() * (axis[1] - axis[0]) ** 2
        np.testing.assert_allclose(integral, amplitude * 2 * np.pi * width**2)


def test_each_point_may_have_its_own_pulse():
    x = np.array([[0.1, 0.2, 0.5], [-0.3, 0.0, 0.9]])
    mu = np.array([MU, (-0.2, -0.3, 0.3, 0.7)])
    together = pulse(x, *np.split(mu, 4, axis=1))
    alone = [pulse(xi[None], *m)[0] for xi, m in zip(x, mu, strict=True)]
    np.testing.assert_allclose(together, alone)
