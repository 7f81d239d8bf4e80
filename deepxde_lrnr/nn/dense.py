"""Dense layers of the networks of others, read off their Keras layers."""

from __future__ import annotations

from typing import NamedTuple

import deepxde as dde
import numpy as np
import tensorflow as tf
from scipy.linalg import block_diag

from .coefficients import CoefficientLayout
from .low_rank import LowRankStack
from .lrnr import LRNR


class Dense(NamedTuple):
    """One layer, h = act(kernel^T h_before + bias).

    Attributes:
        kernel: Shape (inputs, neurons).
        bias: Shape (neurons,).
        activation: Function; of a readout it is not used.
    """

    kernel: np.ndarray
    bias: np.ndarray
    activation: object


class NotReadable(TypeError):
    """The layers of a network cannot be reached."""


def read_layers(net) -> list[Dense]:
    """The layers of a network, the last of which is its readout.

    An FNN is dense. So is a PFNN, with weights that are zero between its parts, and an
    ``LRNR``, whose weight U_l diag(s_l) V_l^T is formed.

    Args:
        net: ``dde.nn.FNN``, ``dde.nn.PFNN`` or ``LRNR``, with weights.

    Raises:
        NotReadable: If it is of another kind, or has no hidden layer.
    """
    if isinstance(net, LRNR):
        stack = net.stack
        scales, _ = stack.layout.split(np.asarray(net.scales))
        kernels = [np.asarray(stack.W_in)]
        for U, V, s in zip(stack.U, stack.V, scales, strict=True):
            kernels.append(np.asarray(V, float) * np.asarray(s) @ np.asarray(U).T)
        biases = map(np.asarray, (*stack.b, stack.b_out))
        activations = *stack.activations, None
        kernels.append(np.asarray(stack.W_out))
        return list(map(Dense, kernels, biases, activations))
    if not isinstance(net, (dde.nn.FNN, dde.nn.PFNN)):
        raise NotReadable(
            f"a {type(net).__module__}.{type(net).__name__}, whose hidden states "
            "cannot be reached"
        )
    layers = without_dropout(net.denses)
    if len(layers) < 2:
        raise NotReadable("a network without a hidden layer: nothing to combine")
    found = [joined(layers[0], False)]
    for before, layer in zip(layers, layers[1:], strict=False):
        found.append(joined(layer, isinstance(before, list)))
    return found


def without_dropout(layers) -> list:
    """Layers that compute something when a network is evaluated."""
    return [d for d in layers if not isinstance(d, tf.keras.layers.Dropout)]


def joined(layer, apart: bool) -> Dense:
    """A layer, or several beside each other as one.

    Args:
        layer: Keras layer, or list of those of the parts of a PFNN.
        apart: Whether each part has inputs of its own.
    """
    if not isinstance(layer, (list, tuple)):
        return Dense(np.asarray(layer.kernel), np.asarray(layer.bias), layer.activation)
    kernels = [np.asarray(part.kernel) for part in layer]
    kernel = block_diag(*kernels) if apart else np.hstack(kernels)
    bias = np.concatenate([np.asarray(part.bias) for part in layer])
    return Dense(kernel, bias, layer[0].activation)


def dense_stack(layers: list[Dense], dtype: str) -> LowRankStack:
    """Layers without coefficients, the last being the readout, as a stack."""
    *hidden, last = layers
    widths = tuple(len(layer.bias) for layer in hidden)
    stack = LowRankStack(
        widths,
        CoefficientLayout((0,) * (len(widths) - 1), (0,) * len(widths)),
        len(last.bias),
        [layer.activation for layer in hidden],
        "zeros",
        trainable=False,
        dtype=dtype,
    )
    stack.build((None, len(hidden[0].kernel)))
    kernels = [stack.W_in, *stack.W, stack.W_out]
    for kernel, bias, layer in zip(
        kernels, [*stack.b, stack.b_out], layers, strict=True
    ):
        kernel.assign(layer.kernel)
        bias.assign(layer.bias)
    return stack
