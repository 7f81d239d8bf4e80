"""The hypernetwork: mu -> coefficients."""

from __future__ import annotations

import deepxde as dde
import tensorflow as tf

from .coefficients import CoefficientLayout


class Hypernetwork(tf.keras.layers.Layer):
    """Small fully connected network from mu to the coefficients of an LRNR.

    Without hidden layers, and with the identity as its weight, it gives mu itself,
    scaled; a DeepONet's branch is a hypernetwork of readouts.

    The coefficients s go through a ReLU, so that they can be exactly zero and be
    dropped (arXiv 2410.04001, section 3.1); the bias coefficients c are signed.

    Args:
        parameter_space: ``ParameterSpace``; mu is scaled from it to [-1, 1]^p.
        layout: Which coefficients there are.
        hidden: Sizes of the hidden layers.
        start: Values that the coefficients s start at, give or take a few tenths
            between mu, of length ``layout.num_scales``. The c start about zero.
        activation: DeepXDE's name of the activation of the hidden layers.
        trainable: Whether the weights are trained.
        dtype: ``None``, DeepXDE's default float, or the name of another one.
    """

    def __init__(
        self,
        parameter_space,
        layout: CoefficientLayout,
        hidden: tuple[int, ...],
        start: list[float],
        activation: str = "tanh",
        trainable: bool = True,
        dtype: str | None = None,
    ):
        super().__init__(trainable=trainable, dtype=dtype or dde.config.default_float())
        self.parameter_space = parameter_space
        self.layout = layout
        self.hidden = hidden
        self.start = [*start] + [0.0] * (layout.size - layout.num_scales)
        self.activation = activation

    def build(self, input_shape):
        sizes = (self.parameter_space.dim, *self.hidden, self.layout.size)
        last = len(sizes) - 2
        self.kernels, self.biases = [], []
        for i, (before, size) in enumerate(zip(sizes, sizes[1:], strict=False)):
            initializer = "glorot_normal"
            bias = "zeros"
            if i == last:
                initializer = tf.keras.initializers.VarianceScaling(0.1)

                def bias(shape, dtype=None):
                    return tf.constant(self.start, dtype)

            self.kernels.append(
                self.add_weight(
                    shape=(before, size), initializer=initializer, name=f"kernel_{i}"
                )
            )
            self.biases.append(
                self.add_weight(shape=(size,), initializer=bias, name=f"bias_{i}")
            )
        self.built = True

    def call(self, mu):
        y = self.parameter_space.scale(mu)
        layers = list(zip(self.kernels, self.biases, strict=True))
        activation = dde.nn.activations.get(self.activation)
        for kernel, bias in layers[:-1]:
            y = activation(tf.matmul(y, kernel) + bias)
        kernel, bias = layers[-1]
        y = tf.matmul(y, kernel) + bias
        n = self.layout.num_scales
        if not n:
            return y
        return tf.concat([tf.nn.relu(y[:, :n]), y[:, n:]], axis=1)
