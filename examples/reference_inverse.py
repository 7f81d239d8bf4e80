"""The forward model of inverse.py, and its posterior, by the reference solver."""

import numpy as np
from reference import convection_diffusion_reaction

SENSORS = np.linspace(0, 2 * np.pi, 8, endpoint=False)
TIMES = np.linspace(0.2, 1, 5)


def values(mu, **steps) -> np.ndarray:
    """What the sensors would measure, without noise.

    Args:
        mu: Array of shape (3,), beta, nu and rho.
        **steps: ``dt`` and ``num_points`` of ``convection_diffusion_reaction``. By
            default they are longer than its own; the values are within 1e-9 of those.

    Returns:
        Array of shape (40,), one time after the other.
    """
    steps = steps or {"dt": 1 / 50, "num_points": 64}
    return convection_diffusion_reaction(SENSORS, TIMES, *mu, **steps).ravel()


def slopes(mu, space, step: float = 1e-3) -> np.ndarray:
    """Derivatives of the values by mu, by differences.

    Args:
        mu: Array of shape (3,).
        space: ``lrnr.ParameterSpace``, which the differences do not leave.
        step (float): Of the differences, central inside of the box.

    Returns:
        Array of shape (40, 3).
    """
    high = np.minimum(mu + step * np.eye(len(mu)), space.high)
    low = np.maximum(mu - step * np.eye(len(mu)), space.low)
    columns = [
        (values(b) - values(a)) / np.linalg.norm(b - a)
        for a, b in zip(low, high, strict=True)
    ]
    return np.transpose(columns)


def posterior(center, covariance, measured, sigma: float, space, num: int):
    """Mean and standard deviations of mu given the data, the prior being uniform.

    By the trapezoidal rule at nodes one standard deviation apart along the axes of a
    Gaussian. For what is nearly this Gaussian it is exact to 1e-7.

    Args:
        center: Mean of the Gaussian, shape (3,).
        covariance: Its covariance, shape (3, 3).
        measured: The data, shape (40,).
        sigma (float): Standard deviation of their noise.
        space: ``lrnr.ParameterSpace``, where the prior is not zero.
        num (int): Number of nodes along an axis, odd.

    Returns:
        Mean and standard deviations, both of shape (3,), and the number of nodes.
    """
    axis = np.arange(num) - num // 2
    nodes = np.stack(np.meshgrid(*[axis] * len(center)), axis=-1)
    nodes = center + nodes.reshape(-1, len(center)) @ np.linalg.cholesky(covariance).T
    nodes = nodes[np.all((nodes >= space.low) & (nodes <= space.high), axis=1)]
    misfit = [np.sum(((values(mu) - measured) / sigma) ** 2) for mu in nodes]
    return *moments(nodes, -np.array(misfit) / 2)[:2], len(nodes)


def moments(mu, log_weights):
    """Moments of weighted draws.

    Args:
        mu: Array of shape (n, p).
        log_weights: Logarithms of weights of any sum, shape (n,).

    Returns:
        Mean and standard deviations, both of shape (p,), and the effective sample size.
    """
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    mean = weights @ mu
    return mean, np.sqrt(weights @ (mu - mean) ** 2), 1 / np.sum(weights**2)
