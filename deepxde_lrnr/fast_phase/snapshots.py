"""Snapshots of the hidden states, for the reduction."""

from __future__ import annotations

from dataclasses import dataclass

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._tracing import traced

# Pairs (point, mu) evaluated at once; bounds the memory.
_CHUNK = 8_192


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


def draw_pairs(points, mu, size: int | None, rng):
    """Pairs every point with every mu, or draws ``size`` of these pairs.

    Args:
        points: Array of shape (n, d).
        mu: Array of shape (P, p).
        size: Largest number of pairs, or ``None``.
        rng: ``numpy.random.Generator``.

    Returns:
        Arrays of points (m, d) and of mu (m, p).
    """
    total = len(points) * len(mu)
    pairs = np.arange(total)
    if size is not None and size < total:
        pairs = np.sort(rng.choice(total, size, replace=False))
    return points[pairs // len(mu)], mu[pairs % len(mu)]


def shifted_points(points, delta, sides):
    """Points, and points moved by +-``delta`` times the side along each coordinate.

    This is how the paper represents derivatives (arXiv 2410.04001, section 3.2).

    Args:
        points: Array of shape (n, d).
        delta: Shift relative to ``sides``.
        sides: Side lengths of the domain's bounding box, shape (d,).

    Returns:
        Array of shape ((2 d + 1) n, d).
    """
    shifts = np.diag(np.asarray(sides) * delta)
    return np.vstack([points, *(points + s for s in (*shifts, *-shifts))])


class HiddenStates:
    """Hidden states of a network, and their derivatives along each x_j.

    Args:
        network: ``ParametricNN``.
    """

    def __init__(self, network):
        self.num_layers = len(network.stack.widths)

        def states(x, mu, z):
            return network.stack.hidden_states(network.features(mu, x), z)

        def along(x, mu, z, direction):
            tangent = tf.ones_like(x) * direction
            with tf.autodiff.ForwardAccumulator(x, tangent) as outer:
                with tf.autodiff.ForwardAccumulator(x, tangent) as inner:
                    h = states(x, mu, z)
                first = inner.jvp(h)
            return first, outer.jvp(first)

        self._states = traced(states)
        self._along = traced(along)

    def __call__(self, x, mu, coefficients, derivatives: bool) -> Snapshots:
        """Snapshots at pairs (point, mu).

        Args:
            x: Points, array of shape (n, d).
            mu: Array of shape (n, p), one mu for each point.
            coefficients: Array of shape (n, q).
            derivatives: Whether first and second derivatives are computed as well
                (forward mode).
        """
        dim = x.shape[1]
        real = dde.config.real(np)
        levels = range(self.num_layers)
        kinds = range(2 * dim if derivatives else 0)
        columns = [[] for _ in levels]
        slopes = [[[] for _ in kinds] for _ in levels]
        for start in range(0, len(x), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            rows = [tf.constant(a[chunk].astype(real)) for a in (x, mu, coefficients)]
            for level, h in enumerate(self._states(*rows)):
                columns[level].append(h.numpy())
            for j in range(dim if derivatives else 0):
                direction = tf.constant(np.eye(dim, dtype=real)[j])
                for order, derivative in enumerate(self._along(*rows, direction)):
                    for level, h in enumerate(derivative):
                        slopes[level][2 * j + order].append(h.numpy())
        return Snapshots(
            [np.vstack(parts).T for parts in columns],
            [[np.vstack(parts).T for parts in kind] or None for kind in slopes],
        )
