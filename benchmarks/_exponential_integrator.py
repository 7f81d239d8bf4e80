"""Classical solvers of the families in time: spectral in x, exponential in time.

u_t = L u + N(u), written in modes in which L is diagonal: Fourier's where the problem
is periodic, the eigenvectors of Chebyshev's second derivative otherwise. The linear
part is exact; the other advances by ETDRK4, four evaluations a step.

References:
    A.-K. Kassam, & L. N. Trefethen. Fourth-order time-stepping for stiff PDEs. SIAM
    Journal on Scientific Computing, 26(4), 1214--1233, 2005.
    L. N. Trefethen. Spectral methods in MATLAB. SIAM, 2000, chapters 3 and 6.
"""

import numpy as np
from numpy.polynomial import chebyshev
from scipy.interpolate import make_interp_spline

# Points of the circle on which the functions of L h are averaged.
_CIRCLE = np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)
# Degree of the splines that give values between the steps.
_DEGREE = 7


def etdrk4(linear: np.ndarray, nonlinear, start: np.ndarray, num_steps: int):
    """Modes at equal steps from t = 0 to 1.

    Args:
        linear: Eigenvalues of L, shape (n,), real or complex.
        nonlinear: ``None``, or a function of modes to the modes of N(u).
        start: Modes at t = 0, shape (n,).
        num_steps: Number of steps.

    Returns:
        Array of shape (``num_steps`` + 1, n).
    """
    step = 1 / num_steps
    if nonlinear is None:
        times = np.linspace(0, 1, num_steps + 1)
        return np.exp(np.outer(times, linear)) * start
    z = step * linear[:, None] + _CIRCLE
    whole = np.exp(z)

    def mean(values):
        values = step * values.mean(axis=1)
        return values if np.iscomplexobj(linear) else values.real

    half = mean((np.exp(z / 2) - 1) / z)
    first = mean((-4 - z + whole * (4 - 3 * z + z**2)) / z**3)
    middle = 2 * mean((2 + z + whole * (z - 2)) / z**3)
    last = mean((-4 - 3 * z - z**2 + whole * (4 - z)) / z**3)
    decay, decay_half = np.exp(step * linear), np.exp(step * linear / 2)
    found = np.empty((num_steps + 1, len(start)), start.dtype)
    found[0] = v = start
    for i in range(num_steps):
        n_0 = nonlinear(v)
        at_half = decay_half * v
        a = at_half + half * n_0
        n_a = nonlinear(a)
        n_b = nonlinear(at_half + half * n_a)
        n_c = nonlinear(decay_half * a + half * (2 * n_b - n_0))
        v = decay * v + first * n_0 + middle * (n_a + n_b) + last * n_c
        found[i + 1] = v
    return found


class Fourier:
    """A periodic problem on ``num_points`` points and by ``num_steps`` steps.

    Args:
        problem: "cdr", "convection" or "burgers".
        num_points: Even number of points.
        num_steps: Steps from t = 0 to 1.

    Attributes:
        num_unknowns: Number of points.
    """

    def __init__(self, problem: str, num_points: int, num_steps: int):
        self._problem, self._num_steps = problem, num_steps
        self.num_unknowns = num_points
        left, self._length = (-1, 2) if problem == "burgers" else (0, 2 * np.pi)
        self._left = left
        x = left + self._length * np.arange(num_points) / num_points
        u = 0.5 - np.sin(np.pi * x) if problem == "burgers" else 1 + np.sin(x)
        self._start = np.fft.rfft(u)
        self._k = 2 * np.pi / self._length * np.arange(num_points // 2 + 1)

    def solve(self, mu) -> np.ndarray:
        """Fourier coefficients at all steps, for mu of shape (p,)."""
        k, n = self._k, self.num_unknowns
        fft, inverse = np.fft.rfft, np.fft.irfft
        if self._problem == "convection":
            linear, nonlinear = -1j * mu[0] * k, None
        elif self._problem == "cdr":
            beta, nu, rho = mu
            linear = -1j * beta * k - nu * k**2 + rho

            def nonlinear(v):
                return -rho * fft(inverse(v, n) ** 2)

        else:
            linear, slope = -mu[0] * k**2, -0.5j * k

            def nonlinear(v):
                return slope * fft(inverse(v, n) ** 2)

        return etdrk4(linear, nonlinear, self._start, self._num_steps)

    def values(self, modes: np.ndarray, x, t) -> np.ndarray:
        """u on the grid of points and times, shape (nt, nx)."""
        weights = np.full(len(self._k), 2 / self.num_unknowns)
        weights[[0, -1]] = 1 / self.num_unknowns
        waves = np.exp(1j * np.outer(self._k, np.asarray(x) - self._left))
        return between_steps(((weights * modes) @ waves).real, t)


class AllenCahn:
    """Even polynomials in x through values at Chebyshev points.

    Args:
        num_points: Number of points in (0, 1].
        num_steps: Steps from t = 0 to 1.

    Attributes:
        num_unknowns: Number of values that are not given.
    """

    def __init__(self, num_points: int, num_steps: int):
        self._num_steps, self.num_unknowns = num_steps, num_points - 1
        degree = 2 * num_points - 1
        nodes = np.cos(np.pi * np.arange(num_points) / degree)
        self._even = np.eye(degree)[:, ::2]
        self._inverse = np.linalg.inv(chebyshev.chebval(nodes, self._even).T)
        bent = chebyshev.chebval(nodes, chebyshev.chebder(self._even, 2)).T
        second = bent @ self._inverse
        # u + 1 is zero at nodes[0] = 1.
        eigenvalues, vectors = np.linalg.eig(second[1:, 1:])
        self._eigenvalues, self._vectors = eigenvalues.real, vectors.real
        self._to_modes = np.linalg.inv(self._vectors)
        self._start = self._to_modes @ (nodes**2 * np.cos(np.pi * nodes) + 1)[1:]

    def solve(self, mu) -> np.ndarray:
        """Modes of u + 1 at all steps, for mu = (d, k)."""
        d, k = mu

        def nonlinear(v):
            u = self._vectors @ v - 1
            return self._to_modes @ (-k * (1 + u**3))

        linear = d * self._eigenvalues + k
        return etdrk4(linear, nonlinear, self._start, self._num_steps)

    def values(self, modes: np.ndarray, x, t) -> np.ndarray:
        """u on the grid of points and times, shape (nt, nx)."""
        at_x = (chebyshev.chebval(np.asarray(x), self._even).T @ self._inverse)[:, 1:]
        return between_steps(modes @ (at_x @ self._vectors).T - 1, t)


def between_steps(values: np.ndarray, t) -> np.ndarray:
    """Values at the times t from those at equal steps from 0 to 1, rows."""
    times = np.linspace(0, 1, len(values))
    degree = min(_DEGREE, len(values) - 1)
    degree -= degree % 2 == 0  # of an odd degree, the knots are the steps
    return make_interp_spline(times, values, degree)(np.asarray(t))
