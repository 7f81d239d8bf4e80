"""Snapshots of the hidden states, for the reduction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.collocation import bounding_box
from ..data.spread_points import spread_points
from ..fast_phase.trial_space import TrialSpace
from ..taylor.feature_jets import feature_jets
from ..taylor.jets import MultiIndices

# Points in the geometry, where none are given.
_NUM_POINTS = 768
# Largest number of pairs (point, mu) among the snapshots.
_MAX_SNAPSHOTS = 4_000
# Share of |z| by which the coefficients of half the snapshots are perturbed: a fast
# phase that moves them (``Adam``) leaves the hypernetwork's.
_PERTURBATION = 0.03


@dataclass(frozen=True)
class Snapshots:
    """Hidden states of each layer, columns being pairs (point, mu).

    Attributes:
        values: For each layer an array of shape (M_l, n).
        derivatives: For each layer a list of such arrays, one for each kind of
            derivative, or ``None``.
    """

    values: list[np.ndarray]
    derivatives: list[list[np.ndarray] | None]


def snapshot_points(data, points, shifted: bool) -> np.ndarray:
    """Points of the snapshots.

    Args:
        data: The parametric problem.
        points: As for ``reduce_model``.
        shifted: Whether each is joined by those moved along each coordinate by +-1 % of
            the bounding box, which is how the paper represents derivatives
            (arXiv 2410.04001, section 3.2).
    """
    if points is None or np.ndim(points) == 0:
        points = spread_points(data.geom, points or _NUM_POINTS, "Hammersley")
    else:
        points = data.collocation(points).points
    if not shifted:
        return points
    low, high = bounding_box(data.geom)
    shifts = np.diag(1e-2 * (high - low))
    return np.vstack([points, *(points + s for s in (*shifts, *-shifts))])


def draw_snapshots(space: TrialSpace, indices: MultiIndices, x, mu, rng) -> Snapshots:
    """Hidden states, and their derivatives, at some points for each mu.

    Args:
        space: Trial space of the network.
        indices: Which derivatives; of order 0 alone, there are none.
        x: Points, array of shape (n, d).
        mu: Array of shape (P, p).
        rng: ``numpy.random.Generator``: of the points of each mu, and of perturbations.
    """
    features = feature_jets(space.precision, indices, x)
    coefficients = space.hidden.coefficients(mu)
    noise = rng.standard_normal(coefficients.shape) * _PERTURBATION
    noise[rng.random(len(mu)) < 0.5] = 0
    coefficients = coefficients + noise * np.abs(coefficients)
    size = min(len(x), max(1, _MAX_SNAPSHOTS // len(mu)))
    parts = []
    for m, z in zip(mu, coefficients, strict=True):
        chosen = rng.choice(len(x), size, replace=False)
        jets = features(m[None])[:, :, chosen]
        parts.append(list(space.hidden.layers(indices, jets, z[None])))
    layers = [np.concatenate(states, axis=2) for states in zip(*parts, strict=True)]
    return Snapshots(
        [layer[0] for layer in layers],
        [list(layer[1:]) or None for layer in layers],
    )
