"""Derivatives of the residual vector with respect to the coefficients."""

from __future__ import annotations

import tensorflow as tf

from ..data.residual import Residual
from .pointwise import pointwise_jacobian

# Neurons times rows of one forward-mode pass; bounds its memory (some 60 such arrays).
MAX_SIZE = 4_000_000


def jacobian(
    residual: Residual,
    network,
    coefficients,
    directions,
    inputs,
    auxiliary,
    pointwise: bool,
):
    """J D, by the cheaper of the two ways that is valid.

    Args:
        residual, network, coefficients, directions, inputs, auxiliary: As for
            ``directional_jacobian``.
        pointwise: Whether the residual is taken pointwise (``is_pointwise``).

    Returns:
        Tensor of shape (P, n, k).
    """
    way = pointwise_jacobian if pointwise else directional_jacobian
    return way(residual, network, coefficients, directions, inputs, auxiliary)


def directional_jacobian(
    residual: Residual, network, coefficients, directions, inputs, auxiliary
):
    """J D: derivatives of the residual vectors along directions, in forward mode.

    Every mu is copied once for each direction, so that one pass gives all columns; or
    a block of them, where memory does not allow all.

    Args:
        residual: The residual.
        network: ``ParametricNN``.
        coefficients: Tensor z of shape (P, q).
        directions: Tensor D of shape (q, k).
        inputs: Tensors ``(mu, x)`` of ``residual.feed``.
        auxiliary: From ``residual.feed``.

    Returns:
        Tensor of shape (P, n, k).
    """
    num_mu, k = coefficients.shape[0], directions.shape[1]
    size = MAX_SIZE // (inputs[1].shape[0] * max(network.stack.widths))
    size = min(max(size, 1), k)

    def columns(block):
        copies = _copied(inputs, size)
        targets = [_copied(target, size) for target in auxiliary["targets"]]
        z = tf.repeat(coefficients, size, axis=0)
        tangents = tf.tile(block, (num_mu, 1))
        with tf.autodiff.ForwardAccumulator(z, tangents) as accumulator:
            r = residual(network, z, copies, {**auxiliary, "targets": targets})
        J = accumulator.jvp(r, unconnected_gradients="zero")
        return tf.reshape(J, (num_mu, size, J.shape[1]))

    # Padded with zeros, so that all blocks have one size.
    blocks = tf.pad(tf.transpose(directions), ((0, -k % size), (0, 0)))
    blocks = tf.reshape(blocks, (-1, size, blocks.shape[1]))
    if blocks.shape[0] == 1:
        J = columns(blocks[0])
    else:
        J = tf.map_fn(columns, blocks, parallel_iterations=1)
        J = tf.transpose(J, (1, 0, 2, 3))
        J = tf.reshape(J, (num_mu, -1, J.shape[3]))[:, :k]
    return tf.transpose(J, (0, 2, 1))


def _copied(rows, k: int):
    """Point-major rows of P mu -> those of P k mu, each k times."""
    return tf.nest.map_structure(lambda a: tf.repeat(a, k, axis=0), rows)
