"""Jets of the hidden states of a network, layer after layer."""

from __future__ import annotations

import numpy as np

from .._workspace import Workspace
from .activations import taylor_series
from .jets import MultiIndices
from .solution_values import hypernetwork


class HiddenJets:
    """Hidden states of a network, and their derivatives, in double precision.

    Args:
        network: ``ParametricNN``, in whatever precision.
        activations: For each hidden layer, from ``Precision.activations``.
        last: Whether only the states of the last hidden layer are wanted.

    Attributes:
        widths: Neurons of the hidden layers that are wanted.
        takes_parameters: Whether the states depend on mu, for given features.
    """

    def __init__(self, network, activations: list, last: bool = False):
        stack, hyper = network.stack, network.hypernetwork
        self._widths, self._last = stack.widths, last
        self.widths = stack.widths[-1:] if last else stack.widths
        self._parameter_space, self._layout = network.parameter_space, stack.layout
        self.takes_parameters = stack.layout.num_inner > 0
        self._W_in = np.asarray(stack.W_in, float)
        self._U, self._V, self._W, self._b, self._B, kernels, biases = map(
            _doubles,
            (
                stack.U,
                stack.V,
                stack.W,
                stack.b,
                stack.B,
                hyper.kernels,
                hyper.biases,
            ),
        )
        self._hyper = kernels, biases, hyper.activation
        self._activations = activations
        self._series = {}  # of the activations, by function and order

    def coefficients(self, mu: np.ndarray) -> np.ndarray:
        """The hypernetwork's coefficients for mu of shape (P, p): shape (P, q)."""
        y = self._parameter_space.scale(np.asarray(mu, float))
        kernels, biases, activation = self._hyper
        return hypernetwork(kernels, biases, self._layout.num_scales, y, activation)

    def readouts(self, mu: np.ndarray) -> np.ndarray:
        """Readouts of the last hidden layer that depend on mu, for mu of shape (1, p).

        Returns:
            Array of shape (number of components times neurons,), empty if there are
            none.
        """
        if not self._layout.readouts:
            return np.zeros(0)
        return self.coefficients(mu)[0, self._layout.num_inner :]

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
            out: Where those wanted are written, shape (number of indices, sum of
                ``widths``, n), by default new arrays.
            workspace: For what is computed between.

        Yields:
            Arrays of shape (number of indices, width, n), of all hidden layers.
        """
        workspace = workspace or Workspace()
        s, c = self._layout.split(z)
        U, V, B = self._U, self._V, self._B
        state, first = features, 0
        shape = len(indices), features.shape[-1]
        for level, width in enumerate(self._widths):
            inner = workspace.empty("inner", (shape[0], width, shape[1]))
            if level == 0:
                np.matmul(self._W_in.T, state, out=inner)
            elif self._W[level - 1] is not None:
                np.matmul(self._W[level - 1].T, state, out=inner)
            else:
                rank = V[level - 1].shape[1]
                modes = workspace.empty("modes", (shape[0], rank, shape[1]))
                np.matmul(V[level - 1].T, state, out=modes)
                np.matmul(U[level - 1] * s[level - 1], modes, out=inner)
            bias = self._b[level]
            if B[level] is not None:
                bias = bias + B[level] @ c[level][0]
            inner[0] += bias[:, None]
            place = None
            if out is not None and (not self._last or level == len(self._widths) - 1):
                place = out[:, first : first + width]
                first += width
            series = self._activation(level, indices.order)
            state = indices.compose(series, inner, place, workspace)
            yield state

    def _activation(self, level: int, order: int):
        key = self._activations[level], order
        if key not in self._series:
            self._series[key] = taylor_series(*key)
        return self._series[key]


def _doubles(weights) -> list:
    """Weights as arrays in double precision, ``None`` where there are none."""
    return [None if w is None else np.asarray(w, float) for w in weights]
