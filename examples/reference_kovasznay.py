"""Exact solution of kovasznay.py."""

import numpy as np


def kovasznay(x, reynolds) -> np.ndarray:
    """Steady flow behind a grid of period 1 in y (Kovasznay, Proc. Camb. Phil. Soc. 44,
    1948): of the stationary Navier-Stokes equations with viscosity 1 / Re.

    With l = Re / 2 - sqrt(Re^2 / 4 + 4 pi^2),

        u = 1 - exp(l x) cos(2 pi y),   v = l / (2 pi) exp(l x) sin(2 pi y),
        p = (1 - exp(2 l x)) / 2.

    Args:
        x: Array of shape (n, 2). The points.
        reynolds: Reynolds number, or an array of shape (n, 1).

    Returns:
        Array of shape (n, 3) of u, v and p.
    """
    x, reynolds = np.asarray(x, dtype=np.float64), np.asarray(reynolds, np.float64)
    rate = reynolds / 2 - np.sqrt(reynolds**2 / 4 + 4 * np.pi**2)
    decay, y = np.exp(rate * x[:, 0:1]), 2 * np.pi * x[:, 1:2]
    return np.hstack(
        [
            1 - decay * np.cos(y),
            rate / (2 * np.pi) * decay * np.sin(y),
            (1 - decay**2) / 2,
        ]
    )
