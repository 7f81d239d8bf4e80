"""Derivatives of a solution in the reduced basis by the parameters."""

from __future__ import annotations

from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from ..fast_phase.factors import Factors

# Steps of the differences, relative to the side of the box (or the range of log(mu)).
_STEP = 1e-3
# Offsets in steps and weights, second order: inside the box, and at its lower end.
_CENTRAL = (-1, -0.5), (1, 0.5)
_FORWARD = (0, -1.5), (1, 2.0), (2, -0.5)


def gradient(
    equations, predictor, mu: np.ndarray, coefficients: np.ndarray, x
) -> np.ndarray:
    """du/dmu at points, for one mu.

    A least squares solution has J^T r = 0. By the implicit function theorem, with a
    residual r that is small,

        dc/dmu_k = -J^+ dr/dmu_k,      du/dmu_k = d/dt u(mu + t e_k; c + t dc/dmu_k),

    where J^+ comes from one factorisation of J. The derivatives on the right are
    differences at fixed coefficients; nothing is solved again.

    Args:
        equations: ``BasisEquations``. (Trial functions depend on mu, and their readouts
            are up to 1e8: their differences say nothing.)
        predictor: ``Predictor`` of the basis.
        mu: Shape (p,).
        coefficients: Shape (q,).
        x: Points, shape (N, d).

    Returns:
        Array of shape (N, number of components, p).

    References:
        `J. Nocedal, & S. J. Wright. Numerical optimization, 2nd edition. Springer,
        2006 <https://doi.org/10.1007/978-0-387-40065-5>`_, section 10.3.
    """
    c, columns = coefficients, []
    space = predictor.network.parameter_space

    def u(m, z):
        return predictor(x, m[None], z[None], True)

    with _blas().limit(limits=1, user_api="blas"):
        factors = Factors(np.array(equations.at(mu)(c).jacobian(), order="F"))
        for direction, stencil in _stencils(space, mu):
            slope = sum(
                weight * equations.at(mu + offset * direction)(c).fitted
                for offset, weight in stencil
            )
            _, change = factors.project(slope)
            columns.append(
                sum(
                    weight * u(mu + offset * direction, c + offset * change)
                    for offset, weight in stencil
                )
                / np.abs(direction).sum()
                * np.sign(direction.sum())
            )
    return np.stack(columns, axis=-1)


@cache
def _blas() -> ThreadpoolController:
    """Made once: it looks through all libraries of the process, which takes longer
    than a solve in the basis."""
    return ThreadpoolController()


def _stencils(space, mu):
    """For each parameter a step, shape (p,), and offsets in steps with weights."""
    side = space.high - space.low
    for k in np.flatnonzero(space.log):
        side[k] = mu[k] * np.log(space.high[k] / space.low[k])
    for k, size in enumerate(_STEP * side):
        direction = np.zeros_like(mu)
        direction[k] = size
        inside = space.low[k] <= mu[k] <= space.high[k]
        if inside and mu[k] - size < space.low[k]:
            yield direction, _FORWARD
        elif inside and mu[k] + size > space.high[k]:
            yield -direction, _FORWARD
        else:
            yield direction, _CENTRAL
