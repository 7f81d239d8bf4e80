"""Derivatives of the residual vector with respect to the coefficients."""

from __future__ import annotations

import tensorflow as tf

from ..data.residual import Residual

# Neurons times rows of one forward-mode pass; bounds its memory (some 60 such arrays).
MAX_SIZE = 4_000_000


def directional_jacobian(
    residual: Residual, network, coefficients, directions, inputs, auxiliary
):
    """J D: derivatives of the residual vectors along directions, in forward mode.

    Every mu is copied once for each direction, so that one pass gives all columns.

    Args:
        residual: The residual.
        network: ``ParametricNN``.
        coefficients: Tensor z of shape (P, q).
        directions: Tensor D of shape (q, k).
        inputs: Tensors ``(mu, x)`` of ``residual.feed``.
        auxiliary: From ``residual.feed``.

    Returns:
        Residuals r of shape (P, n) and J D of shape (P, n, k).
    """
    num_mu = coefficients.shape[0]
    k = directions.shape[1]
    copies = _copied(inputs, k)
    targets = [_copied(target, k) for target in auxiliary["targets"]]
    z = tf.repeat(coefficients, k, axis=0)
    tangents = tf.tile(tf.transpose(directions), (num_mu, 1))
    with tf.autodiff.ForwardAccumulator(z, tangents) as accumulator:
        r = residual(network, z, copies, {**auxiliary, "targets": targets})
    columns = accumulator.jvp(r, unconnected_gradients="zero")
    columns = tf.transpose(tf.reshape(columns, (num_mu, k, -1)), (0, 2, 1))
    return r[::k], columns


def _copied(rows, k: int):
    """Point-major rows of P mu -> those of P k mu, each k times."""
    return tf.nest.map_structure(lambda a: tf.repeat(a, k, axis=0), rows)
