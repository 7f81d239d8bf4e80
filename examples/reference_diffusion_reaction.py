"""Exact solution of diffusion_reaction.py, and of diffusion_reaction_single.py."""

import numpy as np

# Initial value: the sum of sin(k x) / k over these k.
MODES = (1, 2, 3, 4, 8)


def diffusion_reaction(x, t, d: float = 1, rate: float = 1) -> np.ndarray:
    """Solves u_t = d u_xx + exp(-rate t) sum_k (k^2 - 1) sin(k x) / k in [-pi, pi],
    with u(x, 0) = sum_k sin(k x) / k and u = 0 at both ends.

    Each mode is an ordinary differential equation, solved exactly,

        u = sum_k a_k(t) sin(k x) / k,    a_k' = -d k^2 a_k + (k^2 - 1) exp(-rate t).

    For d = rate = 1 all a_k are exp(-t), as in the example of DeepXDE of this name.

    Args:
        x: Array of shape (nx,). The points.
        t: Array of shape (nt,). The times, none negative.
        d (float): The diffusivity, not negative.
        rate (float): The rate at which the source decays.

    Returns:
        Array of shape (nt, nx).
    """
    x, t = np.asarray(x, np.float64), np.asarray(t, np.float64)[:, None]
    u = np.zeros((len(t), len(x)))
    for k in MODES:
        # (exp(-rate t) - exp(-d k^2 t)) / (d k^2 - rate), which is t exp(-rate t) where
        # the two rates meet.
        excess = d * k**2 - rate
        driven = -np.expm1(-excess * t) / excess if excess else t
        a = np.exp(-d * k**2 * t) + (k**2 - 1) * np.exp(-rate * t) * driven
        u += a * np.sin(k * x) / k
    return u
