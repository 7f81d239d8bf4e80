"""A classical solver of Kovasznay flow: spectral collocation with Newton's method.

Chebyshev polynomials in x, Fourier's in y. All three equations hold at all points, and
beside them the given values at the inflow and the outflow: there are more equations
than unknowns, which keeps the pressure free of spurious modes, and each step of
Gauss-Newton is a least squares problem.

References:
    L. N. Trefethen. Spectral methods in MATLAB. SIAM, 2000, chapters 3, 6 and 7.
"""

import _examples  # noqa: F401, finds the references
import numpy as np
from reference_kovasznay import kovasznay
from scipy.linalg import lapack

_LEFT, _RIGHT = -0.5, 1.0
# Steps, and the relative size of one after which there is none.
_STEPS, _SMALL = 12, 1e-9
# How heavily the given values count.
_BOUNDARY = 100.0


class Kovasznay:
    """Newton's method on a grid of ``num_x`` times ``num_y`` points.

    Args:
        num_x: Chebyshev points from the inflow to the outflow.
        num_y: Odd number of points in y.

    Attributes:
        num_unknowns: Three for each point.
    """

    def __init__(self, num_x: int, num_y: int):
        self._x, d_x = chebyshev_points(num_x)
        d_x = d_x * 2 / (_RIGHT - _LEFT)
        self._x = _LEFT + (_RIGHT - _LEFT) * (self._x + 1) / 2
        y, d_y = fourier_points(num_y)
        d_y = d_y * 2 * np.pi
        y = y / (2 * np.pi)
        self._num_y, n = num_y, num_x * num_y
        self.num_unknowns = 3 * n
        self._d_x = np.kron(d_x, np.eye(num_y))
        self._d_y = np.kron(np.eye(num_x), d_y)
        self._laplace = self._d_x @ self._d_x + self._d_y @ self._d_y
        self._points = np.stack(np.meshgrid(self._x, y, indexing="ij"), -1)
        self._points = self._points.reshape(-1, 2)
        number = np.arange(n).reshape(num_x, num_y)
        ends = number[[0, -1]].ravel()
        # Which unknowns are given: u and v at both ends, p at the outflow, x[0] = 1.
        self._given = np.concatenate([ends, n + ends, 2 * n + number[0]])
        boundary = np.zeros((len(self._given), 3 * n))
        boundary[np.arange(len(self._given)), self._given] = _BOUNDARY
        self._jacobian = np.zeros((3 * n + len(self._given), 3 * n), order="F")
        self._jacobian[3 * n :] = boundary
        self._jacobian[:n, 2 * n :] = self._d_x
        self._jacobian[n : 2 * n, 2 * n :] = self._d_y
        self._jacobian[2 * n : 3 * n, :n] = self._d_x
        self._jacobian[2 * n : 3 * n, n : 2 * n] = self._d_y

    def solve(self, mu) -> np.ndarray:
        """u, v and p at the points, shape (3 n,), for mu = (Re,).

        Raises:
            RuntimeError: If Newton's method does not converge.
        """
        (reynolds,) = mu
        n, J = len(self._points), self._jacobian
        given = kovasznay(self._points, reynolds).T.ravel()[self._given]
        w = np.concatenate([np.ones(n), np.zeros(2 * n)])  # uniform flow
        for _ in range(_STEPS):
            u, v, p = np.split(w, 3)
            du, dv = ((self._d_x @ a, self._d_y @ a) for a in (u, v))
            transport = u[:, None] * self._d_x + v[:, None] * self._d_y
            transport -= self._laplace / reynolds
            residual = np.concatenate(
                [
                    transport @ u + self._d_x @ p,
                    transport @ v + self._d_y @ p,
                    du[0] + dv[1],
                    _BOUNDARY * (w[self._given] - given),
                ]
            )
            J[:n, :n], J[n : 2 * n, n : 2 * n] = transport, transport
            diagonal = np.arange(n)
            J[diagonal, diagonal] += du[0]
            J[diagonal, n + diagonal] = du[1]
            J[n + diagonal, diagonal] = dv[0]
            J[n + diagonal, n + diagonal] += dv[1]
            _, solved, _ = lapack.dgels(J, -residual)
            step = solved[: 3 * n]
            w = w + step
            if np.linalg.norm(step) <= _SMALL * np.linalg.norm(w):
                return w
        raise RuntimeError(f"Newton's method did not converge at Re = {reynolds}.")

    def values(self, w: np.ndarray, points) -> np.ndarray:
        """u, v and p at points (N, 2), shape (N, 3)."""
        x, y = np.asarray(points, float).T
        grid = w.reshape(3, len(self._x), self._num_y)
        scaled = 2 * (x - _LEFT) / (_RIGHT - _LEFT) - 1
        in_x = chebyshev_values(len(self._x), scaled)
        in_y = fourier_values(self._num_y, 2 * np.pi * y)
        return np.einsum("pi,pj,cij->pc", in_x, in_y, grid)


def chebyshev_points(count: int):
    """Points cos(pi j / (count - 1)), from 1 to -1, and the matrix of d/dx at them."""
    nodes = np.cos(np.pi * np.arange(count) / (count - 1))
    derivative = chebyshev_values(count, nodes, 1)
    return nodes, derivative


def chebyshev_values(count: int, x, order: int = 0) -> np.ndarray:
    """By which values at the Chebyshev points become those at x, or derivatives there.

    Returns:
        Array of shape (len(x), ``count``).
    """
    chebyshev, modes = np.polynomial.chebyshev, np.eye(count)
    nodes = np.cos(np.pi * np.arange(count) / (count - 1))
    inverse = np.linalg.inv(chebyshev.chebval(nodes, modes).T)
    derivative = chebyshev.chebder(modes, order)
    return chebyshev.chebval(np.asarray(x, float), derivative).T @ inverse


def fourier_points(count: int):
    """An odd number of points in [0, 2 pi), and the matrix of d/dy at them."""
    y = 2 * np.pi * np.arange(count) / count
    return y, fourier_values(count, y, 1)


def fourier_values(count: int, y, order: int = 0) -> np.ndarray:
    """As ``chebyshev_values``, for an odd number of points in [0, 2 pi)."""
    nodes = 2 * np.pi * np.arange(count) / count
    k = np.arange(-(count // 2), count // 2 + 1)
    waves = (1j * k) ** order * np.exp(1j * np.outer(y, k))
    return (waves @ np.exp(-1j * np.outer(k, nodes))).real / count
