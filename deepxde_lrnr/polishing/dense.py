"""The network of a plain ``dde.Model``, with what a trial space asks for."""

from __future__ import annotations

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._deepxde import transforms_of
from .._user_errors import apply_feature_transform
from ..nn.dense import NotReadable, dense_stack, read_layers

# Relative difference of a network from what its layers say.
_ROUNDING = 1e-3


class NoCoefficients:
    """A hypernetwork of a network that has no coefficients."""

    kernels, biases, activation = (np.zeros((1, 0)),), (np.zeros(0),), "tanh"


class PlainNetwork:
    """A trained network of a plain ``dde.Model``, its layers in double precision.

    Args:
        net: ``dde.nn.FNN``, ``dde.nn.PFNN`` or ``nn.LRNR``, with weights.
        data: ``PlainProblem``.
        last: Whether the trial functions are those of the last hidden layer alone.

    Raises:
        TypeError: If ``net`` is of another kind, or a subclass that computes something
            else.
    """

    hypernetwork = NoCoefficients()

    def __init__(self, net, data, last: bool = False):
        self.parameter_space, self.variables = data.parameter_space, data.variables
        try:
            layers = read_layers(net)
        except NotReadable as error:
            raise TypeError(
                f"The network of model is {error}; for polish() it must be a "
                "dde.nn.FNN, a dde.nn.PFNN or a deepxde_lrnr.nn.LRNR, with hidden "
                "layers and any transforms."
            ) from None
        self.stack, self.last = dense_stack(layers, "float64"), last
        self.feature_transform, self._given_output_transform = transforms_of(net)
        self.output_transform = None
        if self._given_output_transform is not None:
            self.output_transform = self._transformed

    def features(self, mu_rows, x):
        """Features of rows: ``x``, or what the feature transform makes of it."""
        if self.feature_transform is None:
            return x
        return apply_feature_transform(self.feature_transform, x)

    def _transformed(self, inputs, outputs):
        _, x = inputs
        with self.variables.read_as(outputs.dtype):
            return self._given_output_transform(x, outputs)


def check_layers(net, space, x: np.ndarray) -> None:
    """Checks that a network computes what its layers say.

    Args:
        net: The network.
        space: Its trial space.
        x: Some points, shape (n, d).

    Raises:
        TypeError: If not: it is a subclass with a method ``call`` of its own.
    """
    expected = np.asarray(net(tf.constant(x, dde.config.real(tf))), float)
    mu = np.zeros((1, space.parameter_space.dim))
    found = np.asarray(space.evaluate(mu, x, space.start(mu)[None]))
    scale = np.abs(expected).max(initial=0)
    same = found.shape == expected.shape
    if not same or not np.all(np.abs(found - expected) <= _ROUNDING * scale + 1e-6):
        if same and not np.isfinite(expected).all():
            return  # its residual is not finite, which is said later
        raise TypeError(
            f"The network of model, a {type(net).__name__}, does not compute what its "
            "layers say; polish() takes dde.nn.FNN, dde.nn.PFNN and "
            "deepxde_lrnr.nn.LRNR, and no subclass with a method call of its own."
        )
