"""Reference solutions of reaction-diffusion equations by the method of lines.

Even polynomials in x, through values at Chebyshev points; these values advance in time
by SciPy's implicit Runge-Kutta method with tight tolerances. Only NumPy and SciPy are
needed.
"""

import numpy as np
from numpy.polynomial import chebyshev
from scipy.integrate import solve_ivp


def allen_cahn(
    x, t, d: float, k: float, num_points: int = 256, rtol: float = 1e-7
) -> np.ndarray:
    """Solves u_t = d u_xx + k (u - u^3) on [-1, 1], with u(x, 0) = x^2 cos(pi x) and
    u = -1 at both ends.

    The solution is even, so that polynomials in x^2 are enough: those of even degree
    below 2 `num_points`. For d in [1e-3, 1e-2], k in [1, 5] and t <= 1 the values are
    within 1e-6 of the solution at the defaults.

    Args:
        x: Array of shape (nx,). The points, in [-1, 1].
        t: Array of shape (nt,). The times, increasing from 0 on.
        d (float): The diffusivity, positive.
        k (float): The reaction rate.
        num_points (int): Number of points in (0, 1].
        rtol (float): Tolerance of a time step.

    Returns:
        Array of shape (nt, nx).

    Raises:
        ValueError: If `d` is not positive, or `t` is not increasing from 0 on.
        RuntimeError: If the integration fails.
    """
    if not d > 0:
        raise ValueError(f"d must be positive, got {d}.")
    nodes, values_at, _, second = _polynomials(num_points)
    diffusion = d * second[1:]  # at nodes[0] = 1 is u = -1

    def rate(_, u):
        return diffusion @ np.append(-1, u) + k * (u - u**3)

    def jacobian(_, u):
        return diffusion[:, 1:] + np.diag(k * (1 - 3 * u**2))

    u0 = nodes**2 * np.cos(np.pi * nodes)
    u = _integrate(rate, jacobian, u0[1:], t, rtol)
    return np.column_stack([np.full(len(u), -1.0), u]) @ values_at(x).T


def fitzhugh_nagumo(
    x,
    t,
    a: float,
    epsilon: float,
    gamma: float = 1.0,
    length: float = 32.0,
    start: float = 5.0,
    num_points: int = 128,
    rtol: float = 1e-7,
) -> np.ndarray:
    """Solves v_t = v_xx + v (1 - v) (v - a) - w, w_t = epsilon (v - gamma w) on
    [0, length], with v_x = 0 at both ends, v(x, 0) = f(x) f(-x) for the front
    f(x) = 1 / (1 + exp((x - start) / sqrt(2))), and w(x, 0) = 0.

    The solution is continued to [-length, length] as an even function of x. For a in
    [0.05, 0.15], epsilon in [4e-3, 8e-3] and t <= 36 the values are within 1e-6 of the
    solution at the defaults.

    Args:
        x: Array of shape (nx,). The points, in [0, length].
        t: Array of shape (nt,). The times, increasing from 0 on.
        a (float): Threshold of excitation.
        epsilon (float): Rate of recovery, not negative.
        gamma (float): Decay of the recovery variable w, relative to `epsilon`.
        length (float): Right end of the interval.
        start (float): Where the front is at t = 0.
        num_points (int): Number of points in (0, length].
        rtol (float): Tolerance of a time step.

    Returns:
        Array of shape (nt, nx, 2), v and w.

    Raises:
        ValueError: If `epsilon` is negative, or `t` is not increasing from 0 on.
        RuntimeError: If the integration fails.
    """
    if not epsilon >= 0:
        raise ValueError(f"epsilon must not be negative, got {epsilon}.")
    nodes, values_at, first, second = _polynomials(num_points)
    # From the values at the inner points to those at all points: v_x = 0 at the end.
    inner = np.vstack([-first[0, 1:] / first[0, 0], np.eye(num_points - 1)])
    diffusion = (second @ inner)[1:] / length**2
    distance = (nodes[1:] * length - start) / np.sqrt(2)
    image = (-nodes[1:] * length - start) / np.sqrt(2)
    v0 = 1 / ((1 + np.exp(distance)) * (1 + np.exp(image)))
    identity = np.eye(len(v0))

    def rate(_, y):
        v, w = np.split(y, 2)
        v_t = diffusion @ v + v * (1 - v) * (v - a) - w
        return np.concatenate([v_t, epsilon * (v - gamma * w)])

    def jacobian(_, y):
        v, _ = np.split(y, 2)
        reaction = np.diag(-3 * v**2 + 2 * (1 + a) * v - a)
        return np.block(
            [
                [diffusion + reaction, -identity],
                [epsilon * identity, -epsilon * gamma * identity],
            ]
        )

    y0 = np.concatenate([v0, np.zeros_like(v0)])
    y = _integrate(rate, jacobian, y0, t, rtol)
    to_x = values_at(np.asarray(x, np.float64) / length) @ inner
    return np.stack([part @ to_x.T for part in np.split(y, 2, axis=1)], axis=-1)


def _polynomials(num_points: int):
    """Even polynomials on [-1, 1] through their values at the points in (0, 1].

    Args:
        num_points: Number of points.

    Returns:
        The points (Chebyshev's), from 1 downwards; a function of x, shape (nx,), that
        returns the matrix from the values there to those at x; and the matrices of the
        first and second derivative at the points.
    """
    degree = 2 * num_points - 1
    nodes = np.cos(np.pi * np.arange(num_points) / degree)
    modes = np.eye(degree)[:, ::2]
    inverse = np.linalg.inv(chebyshev.chebval(nodes, modes).T)

    def values_at(x, order=0):
        derivative = chebyshev.chebder(modes, order)
        return chebyshev.chebval(np.asarray(x, np.float64), derivative).T @ inverse

    return nodes, values_at, values_at(nodes, 1), values_at(nodes, 2)


def _integrate(rate, jacobian, u0, t, rtol):
    """Values at the times t, shape (nt, n), of u' = rate(t, u)."""
    t = np.asarray(t, np.float64)
    if t.ndim != 1 or len(t) < 2 or t[0] != 0 or np.any(np.diff(t) <= 0):
        raise ValueError(f"t must be two or more times, increasing from 0 on, got {t}.")
    solution = solve_ivp(
        rate,
        (0, t[-1]),
        u0,
        method="Radau",
        t_eval=t,
        jac=jacobian,
        rtol=rtol,
        atol=rtol,
    )
    if not solution.success:
        raise RuntimeError(f"The integration failed: {solution.message}")
    return solution.y.T
