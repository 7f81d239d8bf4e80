"""Reference solution of the Lotka-Volterra equations; NumPy and SciPy only."""

import numpy as np
from scipy.integrate import solve_ivp


def lotka_volterra(
    t,
    alpha: float,
    beta: float,
    gamma: float,
    delta: float,
    initial=(1.0, 1.0),
    rtol: float = 1e-10,
) -> np.ndarray:
    """Solves x' = alpha x - beta x y, y' = delta x y - gamma y.

    The equations are solved for the logarithms of x and y, which keeps both positive,
    by the Runge-Kutta method of order 8 of Dormand and Prince, with dense output. For
    rates in [0.5, 2] and t <= 20 the relative error is below 1e-8 at the defaults.

    Args:
        t: Array of shape (nt,). The times, in any order, none negative.
        alpha (float): Growth rate of the prey x.
        beta (float): Rate at which prey is eaten.
        gamma (float): Death rate of the predator y.
        delta (float): Growth rate of the predator per prey.
        initial: x and y at t = 0, positive.
        rtol (float): Tolerance of a time step.

    Returns:
        Array of shape (nt, 2), x and y.

    Raises:
        ValueError: If a time is negative, `t` is not of one dimension, or `initial` is
            not positive.
        RuntimeError: If the integration fails.
    """
    t, initial = np.asarray(t, np.float64), np.asarray(initial, np.float64)
    if t.ndim != 1:
        raise ValueError(f"t must be of one dimension, got shape {t.shape}.")
    if np.any(t < 0):
        raise ValueError(f"t must not be negative, got {t.min()}.")
    if initial.shape != (2,) or not np.all(initial > 0):
        raise ValueError(f"initial must be two positive numbers, got {initial}.")

    def rate(_, logarithms):
        x, y = np.exp(logarithms)
        return alpha - beta * y, delta * x - gamma

    solution = solve_ivp(
        rate,
        (0, max(t.max(initial=0), 1e-12)),
        np.log(initial),
        method="DOP853",
        rtol=rtol,
        atol=rtol,
        dense_output=True,
    )
    if not solution.success:
        raise RuntimeError(f"The integration failed: {solution.message}")
    return np.exp(solution.sol(t).T)
