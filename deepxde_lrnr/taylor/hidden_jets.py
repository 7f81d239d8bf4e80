"""Jets of the hidden states of a low rank network, layer after layer."""

from __future__ import annotations

import numpy as np

from .activations import taylor_series
from .jets import MultiIndices
from .solution_values import hypernetwork
from .workspace import Workspace


class HiddenJets:
    """Hidden states of a network, and their derivatives, in double precision.

    Args:
        network: ``ParametricNN``, in whatever precision.
        activations: For each hidden layer, from ``Precision.activations``.

    Attributes:
        widths: Neurons of the hidden layers.
    """

    def __init__(self, network, activations: list):
        stack, hyper = network.stack, network.hypernetwork
        self.widths = stack.widths
        self._parameter_space, self._layout = network.parameter_space, network.layout
        self._W_in = np.asarray(stack.W_in, float)
        self._U, self._V, self._b, self._B, kernels, biases = map(
            _doubles, (stack.U, stack.V, stack.b, stack.B, hyper.kernels, hyper.biases)
        )
        self._hyper = kernels, biases
        self._activations = activations
        self._series = {}  # of the activations, by function and order

    def coefficients(self, mu: np.ndarray) -> np.ndarray:
        """The hypernetwork's coefficients for mu of shape (P, p): shape (P, q)."""
        y = self._parameter_space.scale(np.asarray(mu, float))
        return hypernetwork(*self._hyper, self._layout.num_scales, y)

    def layers(
        self,
        indices: MultiIndices,
        features: np.ndarray,
        z: np.ndarray,
        out: np.ndarray | None = None,
        workspace: Workspace | None = None,
    ):
        """Jets of the hidden states, layer after layer.

        Args:
            indices: Which derivatives.
            features: Jets of the features, shape (number of indices, m, n).
            z: Coefficients of the network, shape (1, q).
            out: Where they are written, shape (number of indices, sum of the widths,
                n), by default new arrays.
            workspace: For what is computed between.

        Yields:
            Arrays of shape (number of indices, width, n).
        """
        workspace = workspace or Workspace()
        s, c = self._layout.split(z)
        U, V, B = self._U, self._V, self._B
        state, first = features, 0
        shape = len(indices), features.shape[-1]
        for level, width in enumerate(self.widths):
            inner = workspace.empty(("inner", width), (shape[0], width, shape[1]))
            if level == 0:
                np.matmul(self._W_in.T, state, out=inner)
            else:
                rank = V[level - 1].shape[1]
                modes = workspace.empty(("modes", rank), (shape[0], rank, shape[1]))
                np.matmul(V[level - 1].T, state, out=modes)
                np.matmul(U[level - 1] * s[level - 1], modes, out=inner)
            bias = self._b[level]
            if B[level] is not None:
                bias = bias + B[level] @ c[level][0]
            inner[0] += bias[:, None]
            series = self._activation(level, indices.order)(inner[0], workspace)
            place = None if out is None else out[:, first : first + width]
            state = indices.compose(series, inner, place, workspace)
            first += width
            yield state

    def _activation(self, level: int, order: int):
        key = self._activations[level], order
        if key not in self._series:
            self._series[key] = taylor_series(*key)
        return self._series[key]


def _doubles(weights) -> list:
    """Weights as arrays in double precision, ``None`` where there are none."""
    return [None if w is None else np.asarray(w, float) for w in weights]
