"""The Jacobian by one pass of reverse mode, where the residual is taken pointwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from .._tracing import traced
from ..data.residual import Residual


def pointwise_jacobian(
    residual: Residual, network, coefficients, directions, inputs, auxiliary
):
    """J D of a residual whose entries depend on the network at one point each.

    Each row gets coefficients of its own. An entry of the residual depends on those of
    its row (of its two rows, where points are paired), so that the gradient of the sum
    of all entries holds every row of J: one pass of reverse mode for each equation of
    the PDE, whereas forward mode takes one for each coefficient.

    ``is_pointwise`` tells whether a residual is of that kind. Args are those of
    ``directional_jacobian``.

    Returns:
        Tensor of shape (P, n, k).
    """
    network = RowCoefficients(network, coefficients, inputs)
    blocks = residual.blocks(network, None, inputs, auxiliary)
    places = _places(residual, blocks, network.num_points)
    num_mu, q = coefficients.shape
    # Entries of different points share a pass.
    passes: dict[int, list] = {}
    for place in places:
        for column in range(place.columns):
            passes.setdefault(place.first_pass + column, []).append((place, column))
    rows_of_J = {}
    for members in passes.values():
        total = tf.add_n(
            [tf.reduce_sum(blocks[p.block][:, c :: p.columns]) for p, c in members]
        )
        (gradient,) = tf.gradients(
            total, network.rows, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        gradient = tf.reshape(gradient, (network.num_points, num_mu, q))
        for place, column in members:
            rows_of_J[place.block, column] = place.entries(gradient)
    joined = [
        # (points, columns, P, q), as the entries of the block are ordered.
        tf.reshape(
            tf.stack([rows_of_J[p.block, c] for c in range(p.columns)], axis=1),
            (-1, num_mu, q),
        )
        for p in places
    ]
    J = tf.transpose(tf.concat(joined, axis=0), (1, 0, 2))
    if residual.row_factors is not None:
        J *= tf.constant(residual.row_factors, J.dtype)[:, None]
    return tf.matmul(J, directions)


def is_pointwise(residual: Residual, network, mu: np.ndarray, seed: int = 0) -> bool:
    """Whether each entry of the residual depends on the network at its own point only.

    The coefficients of half the points (pairs of points) are changed; the entries of
    the others must stay as they are. A PDE with an integral, or with a mean over the
    points, fails that.

    Args:
        residual: The residual.
        network: ``ParametricNN``.
        mu: Array of shape (1, p).
        seed: Of the changes.
    """
    rng = np.random.default_rng(seed)
    inputs, auxiliary = residual.feed(mu)

    @traced
    def entries(inputs, auxiliary, changes):
        rows = RowCoefficients(network, network.coefficients(inputs[0]), inputs)
        rows.rows += changes
        blocks = residual.blocks(rows, None, inputs, auxiliary)
        places = _places(residual, blocks, rows.num_points)
        point = [
            tf.repeat(tf.range(p.start, p.start + p.count), p.columns) for p in places
        ]
        return tf.concat([b[0] for b in blocks], axis=0), tf.concat(point, axis=0)

    z = np.asarray(network.coefficients(mu))
    num_rows = len(inputs[1])
    changes = 0.1 * np.abs(z).mean() * rng.standard_normal((num_rows, z.shape[1]))
    changed = np.zeros(num_rows, bool)
    start = 0
    for condition, count in zip(
        residual.data.conditions, auxiliary["counts"], strict=True
    ):
        size = count // 2 if condition.paired else count
        half = rng.random(size) < 0.5
        changed[start : start + count] = np.tile(half, count // size)
        start += count
    changed[start:] = rng.random(num_rows - start) < 0.5
    changes[~changed] = 0
    before, point = entries(inputs, auxiliary, np.zeros_like(changes, z.dtype))
    after, _ = entries(inputs, auxiliary, changes.astype(z.dtype))
    still = ~changed[np.asarray(point)]
    before, after = np.asarray(before)[still], np.asarray(after)[still]
    finite = np.isfinite(before) & np.isfinite(after)
    scale = np.abs(before[finite]).max(initial=0) + np.finfo(z.dtype).tiny
    tolerance = 100 * np.finfo(z.dtype).eps * scale
    return bool(np.all(np.abs(after - before)[finite] <= tolerance))


class RowCoefficients:
    """A ``ParametricNN`` of which each row has coefficients of its own.

    Args:
        network: The network.
        coefficients: Tensor of shape (P, q), those of all rows of a mu.
        inputs: Tensors ``(mu, x)``, mu of shape (P, p) and x of shape (N P, d).

    Attributes:
        rows: Tensor of shape (N P, q): the coefficients of the rows.
        num_points: N.
    """

    def __init__(self, network, coefficients, inputs):
        mu, x = inputs
        self._network = network
        self.num_points = x.shape[0] // mu.shape[0]
        self._mu = tf.tile(mu, (self.num_points, 1))
        self.rows = tf.tile(coefficients, (self.num_points, 1))

    def evaluate(self, mu, x, coefficients):
        """As ``ParametricNN.evaluate``, but at the coefficients of the rows."""
        return self._network.evaluate(self._mu, x, self.rows)


@dataclass(frozen=True)
class _Place:
    """Where the entries of a block of the residual come from.

    Attributes:
        block: Index of the block.
        start: First point of its entries.
        count: Number of points, pairs counted once.
        paired: Whether the ``count`` points after these are their partners.
        columns: Entries for each point.
        first_pass: Pass of its first column; equations at the same points differ.
    """

    block: int
    start: int
    count: int
    paired: bool
    columns: int
    first_pass: int

    def entries(self, gradient):
        """Rows of J, (count, P, q), from the gradient for each row, (N, P, q)."""
        rows = gradient[self.start : self.start + self.count]
        if self.paired:
            end = self.start + 2 * self.count
            rows += gradient[self.start + self.count : end]
        return rows


def _places(residual: Residual, blocks, num_points: int) -> list[_Place]:
    conditions = residual.data.conditions
    counts = residual.collocation.counts
    num_pde = len(blocks) - len(conditions)
    places, first_pass = [], 0
    start = sum(counts)
    for i in range(num_pde):
        columns = blocks[i].shape[1] // (num_points - start)
        places.append(_Place(i, start, num_points - start, False, columns, first_pass))
        first_pass += columns
    start = 0
    for i, (condition, count) in enumerate(zip(conditions, counts, strict=True)):
        size = count // 2 if condition.paired else count
        columns = blocks[num_pde + i].shape[1] // size
        places.append(_Place(num_pde + i, start, size, condition.paired, columns, 0))
        start += count
    return places
