"""Reference solution of wave.py: d'Alembert's formula on a string with fixed ends."""

import numpy as np


def hump(x):
    """sin(pi x)^4, the displacement at t = 0."""
    return np.sin(np.pi * x) ** 4


def pulse_on_a_string(x, t, c: float) -> np.ndarray:
    """Solves u_tt = c^2 u_xx on [0, 1] with u = 0 at both ends, and u = f, u_t = -c f'
    at t = 0, f being ``hump``.

    D'Alembert's formula for the initial values continued as odd functions of period 2,
    u = (F(x - ct) + F(x + ct)) / 2 + (G(x + ct) - G(x - ct)) / 2c. Here
    F(y) = sign(sin(pi y)) f(y), and G = -c f, since the integral of an odd function is
    even. So u = max(F(x - ct), 0) + min(F(x + ct), 0): the hump runs to the right, and
    what has met an end comes back with its sign reversed.

    Args:
        x: Array of shape (nx,). The points, in [0, 1].
        t: Array of shape (nt,). The times, none negative.
        c: The speed of the waves.

    Returns:
        Array of shape (nt, nx).
    """
    x, t = np.asarray(x, dtype=np.float64), np.asarray(t, dtype=np.float64)[:, None]

    def odd(y):
        return np.sign(np.sin(np.pi * y)) * hump(y)

    return np.maximum(odd(x - c * t), 0) + np.minimum(odd(x + c * t), 0)
