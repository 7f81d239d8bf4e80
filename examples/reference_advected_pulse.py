"""Exact solution of advected_pulse.py."""

import numpy as np

WIND = (0.6, 0.3)
DIFFUSIVITY = 0.02


def pulse(x, x0, y0, width, amplitude) -> np.ndarray:
    """Solves u_t + WIND . grad u = DIFFUSIVITY (u_xx + u_yy) in the plane, with

        u(x, y, 0) = amplitude exp(-((x - x0)^2 + (y - y0)^2) / (2 width^2)).

    The Gaussian goes with the wind and remains one; its variance grows by
    2 DIFFUSIVITY t, and its integral does not change.

    Args:
        x: Array of shape (n, 3). The points (x, y, t), t >= 0.
        x0: Position, a number or an array of shape (n, 1), and so are all others.
        y0: Position.
        width: Standard deviation, positive.
        amplitude: Largest value.

    Returns:
        Array of shape (n, 1).
    """
    x = np.asarray(x, dtype=np.float64)
    t = x[:, 2:3]
    variance = width**2 + 2 * DIFFUSIVITY * t
    square = (x[:, 0:1] - x0 - WIND[0] * t) ** 2 + (x[:, 1:2] - y0 - WIND[1] * t) ** 2
    return amplitude * width**2 / variance * np.exp(-square / (2 * variance))
