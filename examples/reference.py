"""Reference solutions of the examples, and the errors measured against them.

Every solution is returned on the tensor grid of the points `x` and the times `t`, as
an array of shape (nt, nx). Only NumPy and SciPy are needed.
"""

import numpy as np
from scipy.special import softmax


def convection(x, t, beta: float) -> np.ndarray:
    """Solves u_t + beta u_x = 0, periodic in x, with u(x, 0) = 1 + sin(x).

    The solution is exact: u = 1 + sin(x - beta t).

    Args:
        x: Array of shape (nx,). The points.
        t: Array of shape (nt,). The times.
        beta (float): The velocity.

    Returns:
        Array of shape (nt, nx).
    """
    x, t = _grid(x, t)
    return 1 + np.sin(x - beta * t[:, None])


def convection_diffusion_reaction(
    x,
    t,
    beta: float,
    nu: float,
    rho: float,
    dt: float = 1 / 400,
    num_points: int = 256,
) -> np.ndarray:
    """Solves u_t + beta u_x - nu u_xx - rho u (1 - u) = 0 on [0, 2 pi], periodic in x,
    with u(x, 0) = 1 + sin(x).

    Strang splitting: half a step of the reaction (its logistic solution, pointwise),
    a step of convection and diffusion (exact on Fourier modes), half a step of the
    reaction. The error of such a step has even powers of its length only, and the first
    of them is removed by Richardson's extrapolation from steps of half the length. The
    error is of fourth order in `dt`, and of spectral order in x. The former is due to
    nu and rho together: with either of them 0 the steps commute and only the error in x
    is left. For beta, nu, rho in [1, 3] x [0, 2] x [0, 2] and t <= 1 the values are
    within 1e-11 of the solution at the defaults.

    Args:
        x: Array of shape (nx,). The points, anywhere; the solution is evaluated there
            by its Fourier series.
        t: Array of shape (nt,). The times, in any order, none negative. Each is hit by
            a whole number of equal steps from the one before.
        beta (float): The velocity.
        nu (float): The diffusivity, not negative.
        rho (float): The reaction rate, not negative. (With a negative one values above
            1 blow up in finite time.)
        dt (float): The longest time step.
        num_points (int): The number of points of the Fourier grid, even. The reaction
            sharpens the solution like exp(rho t), and 256 points hold it to 1e-6 up to
            rho t = 5.

    Returns:
        Array of shape (nt, nx).

    Raises:
        ValueError: If a time, `nu` or `rho` is negative, `dt` is not positive,
            `num_points` is not even, or `x` or `t` is not of one dimension.
    """
    x, t = _grid(x, t)
    if np.any(t < 0):
        raise ValueError(f"t must not be negative, got {t.min()}.")
    for name, value in (("nu", nu), ("rho", rho)):
        if not value >= 0:
            raise ValueError(f"{name} must not be negative, got {value}.")
    if not dt > 0:
        raise ValueError(f"dt must be positive, got {dt}.")
    if num_points < 2 or num_points % 2:
        raise ValueError(f"num_points must be even and positive, got {num_points}.")

    k = np.arange(num_points // 2 + 1)
    symbol = -1j * beta * k - nu * k**2
    times, where = np.unique(t, return_inverse=True)

    def split(refine):
        """Fourier coefficients at the times, by ``refine`` steps for one of dt."""
        spectra = np.empty((len(times), len(k)), dtype=complex)
        u = 1 + np.sin(2 * np.pi * np.arange(num_points) / num_points)
        now = 0.0
        for i, time in enumerate(times):
            # The slack keeps a quotient of 8.000000001 from becoming 9 steps.
            num_steps = refine * max(1, int(np.ceil((time - now) / dt - 1e-6)))
            step = (time - now) / num_steps
            propagator = np.exp(step * symbol)
            decay = np.exp(-rho * step / 2)
            for _ in range(num_steps):
                u = u / (u + (1 - u) * decay)
                u = np.fft.irfft(propagator * np.fft.rfft(u), num_points)
                u = u / (u + (1 - u) * decay)
            spectra[i] = np.fft.rfft(u)
            now = time
        return spectra

    spectra = (4 * split(2) - split(1)) / 3

    # Every mode but the first and the last stands for itself and its conjugate.
    weights = np.full(len(k), 2 / num_points)
    weights[[0, -1]] = 1 / num_points
    modes = np.exp(1j * np.outer(k, x))
    return ((weights * spectra) @ modes).real[where]


def burgers(x, t, nu: float = 0.01 / np.pi) -> np.ndarray:
    """Solves u_t + u u_x = nu u_xx on [-1, 1], with u(x, 0) = -sin(pi x) and u = 0 at
    both ends.

    The Cole-Hopf transformation gives (Basdevant et al., Computers & Fluids 14, 1986)

        u(x, t) = -E[sin(pi y)],    y = x - 2 sqrt(nu t) z,

    the mean over z with the density proportional to
    exp(-z^2 - cos(pi y) / (2 pi nu)). The integrals are taken by the trapezoidal rule,
    which for such analytic, decaying integrands converges exponentially, and whose
    weights, unlike those of Gauss-Hermite quadrature, do not underflow for small `nu`.
    The densities are normalised through their logarithms. The error is below 1e-11
    for nu in [1e-5, 10], and no value exceeds 1 in size but by rounding.

    Args:
        x: Array of shape (nx,). The points, in [-1, 1].
        t: Array of shape (nt,). The times, in any order, none negative.
        nu (float): The viscosity, positive.

    Returns:
        Array of shape (nt, nx).

    Raises:
        ValueError: If a time is negative, `nu` is not positive, or `x` or `t` is not of
            one dimension.
    """
    x, t = _grid(x, t)
    if np.any(t < 0):
        raise ValueError(f"t must not be negative, got {t.min()}.")
    if not nu > 0:
        raise ValueError(f"nu must be positive, got {nu}.")

    u = np.empty((len(t), len(x)))
    for i, time in enumerate(t):
        # Along characteristics |x - y| <= t and, by symmetry, <= 1: that bounds the
        # places where the density has its peaks.
        width = 2 * np.sqrt(nu * time)
        reach = 7 + (min(time, 1) / width if time > 0 else 0)
        # The peaks are never narrower than exp(-(1 + pi t) z^2); for large nu it is
        # the period of sin(pi y), short in z, that has to be resolved.
        spacing = 0.4 / max(np.sqrt(1 + np.pi * time), 2 * width)
        half = np.arange(spacing, reach + spacing, spacing)
        z = np.concatenate([-half[::-1], [0], half])
        y = x[:, None] - width * z
        weights = softmax(-(z**2) - np.cos(np.pi * y) / (2 * np.pi * nu), axis=1)
        u[i] = -np.sum(weights * np.sin(np.pi * y), axis=1)
    return u


def relative_l1(u, reference) -> float:
    """Returns sum |u - reference| / sum |reference|.

    Args:
        u: Array.
        reference: Array of the same shape, not all zero.

    Raises:
        ValueError: If the shapes differ or `reference` is zero.
    """
    u, reference = _comparable(u, reference)
    return float(np.sum(np.abs(u - reference)) / np.sum(np.abs(reference)))


def relative_l2(u, reference) -> float:
    """Returns ||u - reference|| / ||reference||, with Euclidean norms.

    Args:
        u: Array.
        reference: Array of the same shape, not all zero.

    Raises:
        ValueError: If the shapes differ or `reference` is zero.
    """
    u, reference = _comparable(u, reference)
    return float(np.sqrt(np.sum((u - reference) ** 2) / np.sum(reference**2)))


def relative_l2_of_components(u, reference) -> np.ndarray:
    """``relative_l2`` of each component.

    Args:
        u: Array of shape (..., number of components).
        reference: Array of the same shape, no component all zero.

    Returns:
        Array of shape (number of components,).

    Raises:
        ValueError: If the shapes differ or a component of `reference` is zero.
    """
    u, reference = _comparable(u, reference)
    count = reference.shape[-1]
    return np.array([relative_l2(u[..., i], reference[..., i]) for i in range(count)])


def _grid(x, t):
    x, t = np.asarray(x, dtype=np.float64), np.asarray(t, dtype=np.float64)
    for name, array in (("x", x), ("t", t)):
        if array.ndim != 1:
            raise ValueError(
                f"{name} must be of one dimension, got shape {array.shape}."
            )
    return x, t


def _comparable(u, reference):
    u, reference = np.asarray(u, np.float64), np.asarray(reference, np.float64)
    # Broadcasting (n, 1) against (n,) would give a plausible but wrong number.
    if u.shape != reference.shape:
        raise ValueError(
            "u and reference must have the same shape, "
            f"got {u.shape} and {reference.shape}."
        )
    if not np.any(reference):
        raise ValueError("reference is zero, so no error is relative to it.")
    return u, reference
