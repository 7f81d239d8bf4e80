"""Dense layers of the networks that a plain ``dde.Model`` trains, and their jets."""

from __future__ import annotations

import deepxde as dde
import numpy as np
import tensorflow as tf
from scipy.linalg import block_diag

from .._user_errors import apply_feature_transform
from ..nn import LRNR
from ..taylor.activations import taylor_series
from ..taylor.jets import MultiIndices
from ..taylor.workspace import Workspace

# Relative difference of a network from what its layers say.
_ROUNDING = 1e-3


class DenseStack:
    """Dense layers h_l = act(W_l^T h_{l-1} + b_l), and a readout, in double precision.

    Args:
        kernels: W_l of the hidden layers, shape (inputs, neurons).
        biases: b_l, shape (neurons,).
        activations: One function for each hidden layer.
        W_out: Shape (neurons of the last hidden layer, number of components).
        b_out: Shape (number of components,).

    Attributes:
        widths: Neurons of the hidden layers.
        num_outputs: Number of components.
    """

    def __init__(self, kernels, biases, activations, W_out, b_out):
        self.kernels, self.biases = _doubles(kernels), _doubles(biases)
        self.activations = tuple(activations)
        self.W_out, self.b_out = _doubles([W_out, b_out])
        self.widths = tuple(map(len, self.biases))
        self.num_outputs = len(self.b_out)

    @property
    def W_in(self) -> np.ndarray:
        """Weights of the features, shape (number of features, neurons)."""
        return self.kernels[0]

    def hidden_states(self, features, activations) -> list:
        """Tensors h_0, ..., h_L of shapes (rows, neurons).

        Args:
            features: Tensor of shape (rows, number of features), in double precision.
            activations: Those of the stack, for double precision.
        """
        states, state = [], features
        for W, b, act in zip(self.kernels, self.biases, activations, strict=True):
            state = act(tf.matmul(state, W) + b)
            states.append(state)
        return states


class DenseJets:
    """Jets of the hidden states of a ``DenseStack``; as ``HiddenJets``.

    Args:
        stack: The layers.
        activations: For each hidden layer, from ``Precision.activations``.
        last: Whether only the states of the last hidden layer are wanted.

    Attributes:
        widths: Neurons of the hidden layers that are wanted.
    """

    def __init__(self, stack: DenseStack, activations: list, last: bool = False):
        self._stack, self._activations, self._last = stack, activations, last
        self.widths = stack.widths[-1:] if last else stack.widths

    def coefficients(self, mu):
        """There are none."""

    def layers(
        self,
        indices: MultiIndices,
        features: np.ndarray,
        z,
        out: np.ndarray,
        workspace: Workspace | None = None,
    ):
        """Jets of the hidden states, layer after layer; as ``HiddenJets.layers``."""
        workspace = workspace or Workspace()
        stack, state, first = self._stack, features, 0
        rows = len(indices), features.shape[-1]
        for level, (W, b) in enumerate(zip(stack.kernels, stack.biases, strict=True)):
            inner = workspace.empty(("inner", level), (rows[0], len(b), rows[1]))
            np.matmul(W.T, state, out=inner)
            inner[0] += b[:, None]
            series = taylor_series(self._activations[level], indices.order)
            place = None
            if not self._last or level == len(stack.kernels) - 1:
                place = out[:, first : first + len(b)]
                first += len(b)
            state = indices.compose(series(inner[0]), inner, place, workspace)
            yield state


class PlainNetwork:
    """A trained network of a plain ``dde.Model``, with what a trial space asks for.

    Args:
        net: ``dde.nn.FNN``, ``dde.nn.PFNN`` or ``nn.LRNR``, with weights.
        data: ``PlainProblem``.
        last: Whether the trial functions are those of the last hidden layer alone.

    Raises:
        TypeError: If ``net`` is of another kind, or a subclass that computes something
            else.
    """

    def __init__(self, net, data, last: bool = False):
        self.parameter_space, self.variables = data.parameter_space, data.variables
        self.stack, self.last = read_layers(net), last
        self._input_transform = net._input_transform
        self._given_output_transform = net._output_transform
        self._output_transform = None
        if net._output_transform is not None:
            self._output_transform = self._transformed

    def features(self, mu_rows, x):
        """Features of rows: ``x``, or what the feature transform makes of it."""
        if self._input_transform is None:
            return x
        return apply_feature_transform(self._input_transform, x)

    def _transformed(self, inputs, outputs):
        _, x = inputs
        with self.variables.read_as(outputs.dtype):
            return self._given_output_transform(x, outputs)


def read_layers(net) -> DenseStack:
    """The layers of a network.

    An FNN is dense. So is a PFNN, with weights that are zero between its parts, and an
    ``LRNR``, whose weight U_l diag(s_l) V_l^T is formed.

    Raises:
        TypeError: If the network is of another kind.
    """
    if isinstance(net, LRNR):
        stack = net.stack
        scales, _ = stack.layout.split(np.asarray(net.scales))
        kernels = [np.asarray(stack.W_in)]
        for U, V, s in zip(stack.U, stack.V, scales, strict=True):
            kernels.append(np.asarray(V, float) * np.asarray(s) @ np.asarray(U).T)
        return DenseStack(kernels, stack.b, stack.activations, stack.W_out, stack.b_out)
    if isinstance(net, (dde.nn.FNN, dde.nn.PFNN)):
        dropout = tf.keras.layers.Dropout
        layers = [d for d in net.denses if not isinstance(d, dropout)]
        if len(layers) < 2:
            raise TypeError(
                "The network of model has no hidden layer; there is nothing to combine."
            )
        *hidden, (W_out, b_out, _) = [
            _joined(layer, parallel and isinstance(before, list))
            for before, layer, parallel in zip(
                [None, *layers], layers, [False] + [True] * len(layers), strict=False
            )
        ]
        return DenseStack(*zip(*hidden, strict=True), W_out, b_out)
    raise TypeError(
        f"The network of model is a {type(net).__module__}.{type(net).__name__}, whose "
        "hidden states polish() cannot reach; it must be a dde.nn.FNN, a dde.nn.PFNN "
        "or a deepxde_lrnr.nn.LRNR (with any transforms)."
    )


def _joined(layer, apart: bool):
    """Kernel, bias and activation of a layer, or of several beside each other.

    Args:
        layer: Dense layer, or list of those of the parts of a PFNN.
        apart: Whether each part has inputs of its own.
    """
    if not isinstance(layer, list):
        return np.asarray(layer.kernel), np.asarray(layer.bias), layer.activation
    kernels = [np.asarray(part.kernel) for part in layer]
    kernel = block_diag(*kernels) if apart else np.hstack(kernels)
    bias = np.concatenate([np.asarray(part.bias) for part in layer])
    return kernel, bias, layer[0].activation


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
    found = np.asarray(space.evaluate(mu, x, space.start()[None]))
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


def _doubles(weights) -> list[np.ndarray]:
    return [np.asarray(w, float) for w in weights]
