"""The trial functions of the fast phase: hidden states of FastLRNR, and others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf

from ..nn import FastLRNR
from ..nn.hyper_lrnr import rows_of
from ..taylor.activations import tanh_series, taylor_series
from ..taylor.feature_jets import feature_jets
from ..taylor.jets import MultiIndices
from ..taylor.precision import Precision
from ..taylor.workspace import Workspace


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    """Random features tanh(W^T f(x) + b) of the feature transform f.

    Attributes:
        weights: W, shape (number of features of f, number of random features).
        shifts: b, shape (number of random features,).
    """

    weights: np.ndarray
    shifts: np.ndarray

    @classmethod
    def draw(cls, num_features: int, count: int, scale: float, seed: int = 0):
        """Weights and shifts, uniform in [-``scale``, ``scale``]."""
        rng = np.random.default_rng(seed)
        drawn = rng.uniform(-scale, scale, (num_features + 1, count))
        return cls(drawn[:-1], drawn[-1])

    def __len__(self) -> int:
        return len(self.shifts)

    def values(self, features):
        """Tensor of shape (rows, number of random features)."""
        return tf.tanh(tf.matmul(features, self.weights) + self.shifts)

    def jets(self, indices: MultiIndices, features: np.ndarray) -> np.ndarray:
        """Their jets, shape (number of indices, their number, n).

        Args:
            indices: Which derivatives.
            features: Jets of the features, shape (number of indices, m, n).
        """
        inner = self.weights.T @ features
        inner[0] += self.shifts[:, None]
        return indices.compose(tanh_series(inner[0], indices.order), inner)


class TrialSpace:
    """Functions phi_1(x; mu), ..., phi_k(x; mu) whose linear combinations are tried.

    They are the hidden states of all layers of a network at the hypernetwork's
    coefficients, random tanh features of what the feature transform gives, and the
    constant 1. With a readout w, of shape (number of components, k),

        u(x; mu) = T((mu, x), N),    N_c(x; mu) = sum_j w_cj phi_j(x; mu),

    T being the output transform. All of it is computed in double precision. As one
    vector of unknowns the readout has the weights of the first component first.

    Random features take the place of what the trained ones lack. They are made of the
    features, not of x: a network that is periodic through its feature transform has no
    boundary condition that would keep other functions periodic.

    Args:
        network: ``FastLRNR``, in whatever precision.
        precision: In which precision the transforms can be computed.
        random: Random features, or ``None``.

    Attributes:
        random: The random features, possibly none.
        num_features: m, number of features that the feature transform gives.
        num_functions: k.
        num_outputs: Number of components of N.
        size: Number of unknowns, k times the number of components.
    """

    def __init__(
        self,
        network: FastLRNR,
        precision: Precision,
        random: RandomFeatures | None = None,
    ):
        self._given = network
        self.parameter_space = network.parameter_space
        self.precision = precision
        stack, hyper = network.stack, network.hypernetwork
        self.layout, self.widths = network.layout, stack.widths
        self._W_in = np.asarray(stack.W_in, float)
        self._U, self._V, self._b, self._B = map(
            _doubles, (stack.U, stack.V, stack.b, stack.B)
        )
        self._hyper = list(
            zip(_doubles(hyper.kernels), _doubles(hyper.biases), strict=True)
        )
        self.num_features = len(self._W_in)
        if random is None:
            random = RandomFeatures.draw(self.num_features, 0, 1.0)
        self.random = random
        self.num_functions = sum(stack.widths) + len(random) + 1
        self.num_outputs = stack.num_outputs
        self.size = self.num_functions * self.num_outputs
        self._activations = precision.activations(stack.activations)
        w = np.zeros((self.num_outputs, self.num_functions))
        last = sum(stack.widths)
        w[:, last - stack.widths[-1] : last] = np.transpose(stack.W_out)
        w[:, -1] = stack.b_out
        self._start = w.ravel()
        self._series = {}  # of the activations, by function and order

    @cached_property
    def network(self) -> FastLRNR:
        """The network in double precision."""
        # It may be asked for while a function is traced.
        with tf.init_scope():
            network = FastLRNR(self._given, dtype="float64")
        network.stack.activations = tuple(self._activations)
        return network

    # Values, as a network of TensorFlow

    def start(self) -> np.ndarray:
        """The network's own readout, shape (``size``,)."""
        return self._start

    def evaluate(self, mu, x, coefficients):
        """u for readouts; as ``ParametricNN.evaluate``.

        Args:
            mu: Tensor of shape (P, p).
            x: Tensor of shape (N P, d), point-major.
            coefficients: Tensor of shape (P, ``size``), the readouts.

        Returns:
            Tensor of shape (N P, number of components), in double precision.
        """
        mu, x, w = (tf.cast(a, tf.float64) for a in (mu, x, coefficients))
        values = self.combine(mu, x, w)
        return self.precision.output_transform(rows_of(mu, x), x, values)

    def combine(self, mu, x, readout):
        """N for readouts; arguments and result as for ``evaluate``."""
        num_mu = mu.shape[0] or tf.shape(mu)[0]
        features = self.precision.feature_transform(x, rows_of(mu, x))
        states = self.network.stack.hidden_states(
            features, self.network.hypernetwork(mu)
        )
        states.append(self.random.values(features))
        w = tf.reshape(readout, (num_mu, self.num_outputs, self.num_functions))
        total, first = w[:, :, -1], 0
        for state in states:
            width = state.shape[-1]
            values = tf.reshape(state, (-1, num_mu, width))
            part = w[:, :, first : first + width]
            total += tf.einsum("npk,pck->npc", values, part)
            first += width
        return tf.reshape(total, (-1, self.num_outputs))

    # Jets, in NumPy

    def at_points(self, indices: MultiIndices, points: np.ndarray):
        """The trial functions at points.

        Args:
            indices: Which derivatives.
            points: Array of shape (n, d).

        Returns:
            Function of one mu, of shape (1, p), and of a ``Workspace`` if there is one,
            to the jets of all trial functions, shape (number of indices, k, n). Those
            of the same workspace are overwritten by the next.
        """
        features = feature_jets(self.precision, indices, points)
        fixed = None
        if not features.takes_parameters:
            fixed = self.random.jets(indices, features(None))
        num_states = sum(self.widths)

        def new():
            result = np.empty((len(indices), self.num_functions, len(points)))
            if fixed is not None:
                result[:, num_states:-1] = fixed
            result[:, -1] = 0
            result[0, -1] = 1
            return result

        def jets(mu, workspace=None):
            workspace = workspace or Workspace()
            found = features(mu)
            z = self.network_coefficients(mu)
            result = workspace.kept(jets, new)
            for _ in self.states(indices, found, z, result[:, :num_states], workspace):
                pass
            if fixed is None:
                result[:, num_states:-1] = self.random.jets(indices, found)
            return result

        return jets

    def network_coefficients(self, mu: np.ndarray) -> np.ndarray:
        """The hypernetwork's coefficients for mu of shape (P, p): shape (P, q)."""
        y = self.parameter_space.scale(np.asarray(mu, float))
        for kernel, bias in self._hyper[:-1]:
            y = np.tanh(y @ kernel + bias)
        kernel, bias = self._hyper[-1]
        y = y @ kernel + bias
        n = self.layout.num_scales
        y[:, :n] = np.maximum(y[:, :n], 0)
        return y

    def states(
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
        s, c = self.layout.split(z)
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


class SolutionNetwork:
    """What a solution is predicted with: a readout, or the hypernetwork's solution.

    Args:
        space: The trial space.
        own: Trial space of the full network.

    Attributes:
        size: Length of a solution's coefficients: the readout, and the weight of the
            hypernetwork's solution, 1 where nothing better was found, otherwise 0.
    """

    def __init__(self, space: TrialSpace, own: TrialSpace):
        self._space, self._own = space, own
        self.parameter_space = space.parameter_space
        self.size = space.size + 1

    def evaluate(self, mu, x, coefficients):
        """As ``TrialSpace.evaluate``, for coefficients of shape (P, ``size``)."""
        mu, x, w = (tf.cast(a, tf.float64) for a in (mu, x, coefficients))
        values = self._space.combine(mu, x, w[:, :-1])
        share = w[:, -1:]

        def of_hypernetwork():
            return self._own.combine(mu, x, share * self._own.start())

        values += tf.cond(
            tf.reduce_any(share != 0), of_hypernetwork, lambda: tf.zeros_like(values)
        )
        return self._space.precision.output_transform(rows_of(mu, x), x, values)
