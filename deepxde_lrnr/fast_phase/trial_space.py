"""The trial functions of the fast phase: hidden states of a network, and others."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import tensorflow as tf

from .._point_major import by_point, number_of, rows_of
from .._workspace import Workspace
from ..io.weights import weights
from ..nn import FastLRNR
from ..taylor.activations import values as activation_values
from ..taylor.anchors import TRAINED, Anchors
from ..taylor.feature_jets import FeatureJets, feature_jets
from ..taylor.hidden_jets import HiddenJets
from ..taylor.jets import MultiIndices
from ..taylor.precision import Precision, takes_parameters
from ..taylor.solution_values import SolutionValues
from .random_features import RandomFeatures


class TrialSpace:
    """Functions phi_1(x; mu), ..., phi_k(x; mu) whose linear combinations are tried.

    They are the hidden states of all layers of a network for mu, random tanh features
    of what the feature transform gives, and the constant 1. With a readout w, of shape
    (number of components, k),

        u(x; mu) = T((mu, x), N),    N_c(x; mu) = sum_j w_cj phi_j(x; mu),

    T being the output transform. All of it is computed in double precision. As one
    vector of unknowns the readout has the weights of the first component first.

    Random features take the place of what the trained ones lack. They are made of the
    features, not of x: a network that is periodic through its feature transform has no
    boundary condition that would keep other functions periodic. They may follow the
    trained network's solution: be functions of its N(x; mu) as well, as if that were
    one feature more for each component. Where a front is steep in x, what the trained
    network misses of it is not, as a function of x and N.

    Args:
        network: ``FastLRNR``, in whatever precision.
        precision: In which precision the transforms can be computed.
        random: Random features, or ``None``.
        last: Whether, of the hidden states, only those of the last layer are taken.
        anchors: ``None``, or solutions that the random features follow.

    Attributes:
        hidden: Jets of the hidden states.
        random: The random features, possibly none.
        anchors: As above.
        num_features: m, number of features that the feature transform gives.
        follows_solution: Whether random features are functions of N(x; mu), or of that
            of an anchor, as well.
        num_followed: Number of trial functions behind the random features that are
            components of an anchor.
        num_functions: k.
        num_outputs: Number of components of N.
        size: Number of unknowns, k times the number of components.
    """

    def __init__(
        self,
        network: FastLRNR,
        precision: Precision,
        random: RandomFeatures | None = None,
        last: bool = False,
        anchors: Anchors | None = None,
    ):
        self._given, self.is_last = network, last
        self.parameter_space = network.parameter_space
        self.precision = precision
        stack = network.stack
        self._activations = precision.activations(stack.activations)
        self.hidden = HiddenJets(network, self._activations, last)
        widths = self.hidden.widths
        self.num_features = stack.W_in.shape[0]
        if random is None:
            random = RandomFeatures.none(self.num_features)
        self.random = random
        self.follows_solution = len(random.weights) > self.num_features
        self.anchors, self.num_outputs = anchors, stack.num_outputs
        self.num_followed = self.num_outputs if anchors is not None else 0
        self.num_functions = sum(widths) + len(random) + self.num_followed + 1
        self.size = self.num_functions * self.num_outputs
        w = np.zeros((self.num_outputs, self.num_functions))
        end = sum(widths)
        # Of the states of the last hidden layer.
        self._last_states = slice(end - widths[-1], end)
        w[:, self._last_states] = np.transpose(stack.W_out)
        w[:, -1] = stack.b_out
        self._trained = w

    def with_random(self, random: RandomFeatures | None) -> TrialSpace:
        """The same hidden states beside other random features."""
        return type(self)(
            self._given, self.precision, random, self.is_last, self.anchors
        )

    def following(self, random: RandomFeatures, anchors: Anchors) -> TrialSpace:
        """The same hidden states beside random features that follow anchors."""
        return type(self)(self._given, self.precision, random, self.is_last, anchors)

    def _states(self, features, mu) -> list:
        """Hidden states as Tensors, for features of rows in double precision."""
        stack, z = self.network.stack, self.network.hypernetwork(mu)
        return stack.hidden_states(features, z)[-1 if self.is_last else 0 :]

    @cached_property
    def network(self) -> FastLRNR:
        """The network in double precision."""
        # It may be asked for while a function is traced.
        with tf.init_scope():
            network = FastLRNR(self._given, dtype="float64")
        network.stack.activations = tuple(self._activations)
        return network

    # Values, as a network of TensorFlow

    def start(self, mu) -> np.ndarray:
        """The network's own readout, shape (``size``,), for mu of shape (p,).

        With anchors it is that of the solution that is followed.
        """
        if self.anchors is None:
            return self._trained_readout(mu).ravel()
        w = np.zeros_like(self._trained)
        w[:, -1 - self.num_followed : -1] = np.eye(self.num_outputs)
        return w.ravel()

    def _trained_readout(self, mu) -> np.ndarray:
        w = self._trained.copy()
        own = self.hidden.readouts(np.reshape(mu, (1, -1)))
        if own.size:
            w[:, self._last_states] += own.reshape(self.num_outputs, -1)
        return w

    def trained_values(self, mu, x):
        """N of the network itself; arguments and result as for ``evaluate``."""
        features = self.precision.feature_transform(x, rows_of(mu, x))
        return self.network.stack(features, self.network.hypernetwork(mu))

    def evaluate(self, mu, x, coefficients, reference=None):
        """u for readouts; as ``ParametricNN.evaluate``.

        Args:
            mu: Tensor of shape (P, p).
            x: Tensor of shape (N P, d), point-major.
            coefficients: Tensor of shape (P, ``size``), the readouts.
            reference: ``None``, or the reference points of x.

        Returns:
            Tensor of shape (N P, number of components), in double precision.
        """
        mu, x, w = (tf.cast(a, tf.float64) for a in (mu, x, coefficients))
        values = self.combine(mu, reference_of(x, reference), w)
        return self.precision.output_transform(rows_of(mu, x), x, values)

    def combine(self, mu, x, readout):
        """N for readouts; as ``evaluate``, at reference points if there are such."""
        num_mu = number_of(mu)
        features = self.precision.feature_transform(x, rows_of(mu, x))
        states = self._states(features, mu)
        if self.follows_solution:
            followed = self._followed_values(mu, x, features)
            features = tf.concat([features, followed], axis=1)
        states.append(self.random.values(features))
        if self.num_followed:
            states.append(followed)
        w = tf.reshape(readout, (num_mu, self.num_outputs, self.num_functions))
        total, first = w[:, :, -1], 0
        for state in states:
            width = state.shape[-1]
            part = w[:, :, first : first + width]
            total += tf.einsum("npk,pck->npc", by_point(state, num_mu), part)
            first += width
        return tf.reshape(total, (-1, self.num_outputs))

    def _followed_values(self, mu, x, features):
        """N that the random features follow, at reference points x."""
        result = self.trained_values(mu, x)
        if self.anchors is None:
            return result
        anchors, values = self.anchors, {}
        random = RandomFeatures(anchors.weights, anchors.shifts)
        numbers = rows_of(self._followed_numbers(mu), x)
        for k, parent in enumerate(anchors.parents):
            its_mu = tf.constant(anchors.mu[k : k + 1])
            N = values[parent] if parent >= 0 else self.trained_values(its_mu, x)
            functions = [
                *self._states(features, its_mu),
                random.values(tf.concat([features, N], axis=1)),
                N,
                tf.ones_like(N[:, :1]),
            ]
            readout = anchors.readouts[k].reshape(self.num_outputs, -1)
            values[k] = tf.matmul(tf.concat(functions, axis=1), readout.T)
            result = tf.where(numbers == k, values[k], result)
        return result

    def _followed_numbers(self, mu):
        """``Anchors.nearest`` for Tensors: shape (P, 1)."""
        anchors = self.anchors
        if anchors.always is not None:
            return tf.fill((tf.shape(mu)[0], 1), anchors.always)
        difference = self.parameter_space.scale(mu)[:, None] - anchors.nodes
        distances = tf.reduce_sum(tf.square(difference), axis=2)
        last = tf.argmin(distances[:, ::-1], axis=1, output_type=tf.int32)
        last = len(anchors.nodes) - 1 - len(anchors.trained) - last
        return tf.maximum(last, TRAINED)[:, None]

    # Jets, in NumPy

    def at_points(self, indices: MultiIndices, points: np.ndarray, keep: bool = True):
        """The trial functions at points.

        Args:
            indices: Which derivatives.
            points: Array of shape (n, d).
            keep: Whether other trial spaces of the problem will ask for these points.

        Returns:
            Function of one mu, of shape (1, p), and of a ``Workspace`` if there is one,
            to the jets of all trial functions, shape (number of indices, k, n). Those
            of the same workspace are overwritten by the next.
        """
        make = feature_jets if keep else FeatureJets
        features = make(self.precision, indices, points)
        fixed = not features.takes_parameters and not self.follows_solution
        num_states = sum(self.hidden.widths)
        random = slice(num_states, num_states + len(self.random))
        of_anchor = self._anchor_jets(indices, features)
        constant = fixed and not self.hidden.takes_parameters

        shape = len(indices), self.num_functions, len(points)

        def jets(mu, workspace=None):
            workspace = workspace or Workspace()
            found = features(mu)

            def fill(result):
                if fixed:
                    self.random.jets(indices, found, result[:, random], workspace)
                result[:, -1] = 0
                result[0, -1] = 1

            z = self.hidden.coefficients(mu)
            result = workspace.filled("functions", jets, shape, fill)
            states = result[:, :num_states]
            for _ in self.hidden.layers(indices, found, z, states, workspace):
                pass
            if not fixed:
                if self.follows_solution:
                    followed = of_anchor(mu, workspace)
                    if followed is None:
                        followed = self._trained_jets(mu, states)
                    found = np.hstack([found, followed])
                self.random.jets(indices, found, result[:, random], workspace)
                if self.num_followed:
                    result[:, random.stop : -1] = followed
            return result

        if constant:
            # Any mu: nothing depends on it, as in the trunk of a DeepONet.
            known = jets(self.parameter_space.sample(1, "uniform").astype(float))
            return lambda mu, workspace=None: known
        return jets

    def _trained_jets(self, mu: np.ndarray, states: np.ndarray) -> np.ndarray:
        """Jets of N of the network itself, from those of all hidden states."""
        w = self._trained_readout(mu[0])
        jets = w[:, : states.shape[1]] @ states
        jets[0] += w[:, -1:]
        return jets

    def _anchor_jets(self, indices: MultiIndices, features):
        """Function of mu, shape (1, p), to the jets of N of the anchor that is
        followed there, ``None`` if there is none; each is computed once.

        Args:
            indices: Which derivatives.
            features: ``FeatureJets`` at the points.
        """
        anchors, known = self.anchors, {}
        if anchors is None:
            return lambda mu, workspace: None
        random = RandomFeatures(anchors.weights, anchors.shifts)

        def jets(k, workspace):
            mu, parent = anchors.mu[k : k + 1], anchors.parents[k]
            found, z = features(mu), self.hidden.coefficients(mu)
            num_states = sum(self.hidden.widths)
            count = num_states + len(random) + self.num_outputs + 1
            shape = len(indices), count, found.shape[-1]
            functions = workspace.empty("functions of an anchor", shape)
            states = functions[:, :num_states]
            for _ in self.hidden.layers(indices, found, z, states, workspace):
                pass
            N = self._trained_jets(mu, states) if parent < 0 else known[parent]
            end = num_states + len(random)
            others = functions[:, num_states:end]
            random.jets(indices, np.hstack([found, N]), others, workspace)
            functions[:, end:-1] = N
            functions[:, -1] = 0
            functions[0, -1] = 1
            return anchors.readouts[k].reshape(self.num_outputs, -1) @ functions

        def of_anchor(mu, workspace):
            (number,) = anchors.nearest(mu)
            for k in anchors.chain(number):
                if k not in known:
                    known[k] = jets(k, workspace)
            return known.get(number)

        return of_anchor

    # Values, in NumPy

    @property
    def takes_parameters(self) -> bool:
        """Whether the features depend on mu."""
        return takes_parameters(self.precision.network.feature_transform)

    def features(self, points: np.ndarray, mu=None, with_solution=False) -> np.ndarray:
        """What the feature transform gives.

        Args:
            points: Array of shape (n, d).
            mu: Array of shape (1, p), by default the middle of the box.
            with_solution: Whether what random features follow at this mu, N of the
                network itself or of an anchor, comes behind it.

        Returns:
            Array of shape (m, n), with N of (m + number of components, n).
        """
        if mu is None:
            mu = self.parameter_space.sample(1, "uniform")
        values = MultiIndices.up_to(points.shape[1], 0)
        features = FeatureJets(self.precision, values, points)(mu)[0]
        if not with_solution:
            return features
        mu, found = np.asarray(mu, float), self
        if self.anchors is None:
            found = self.with_random(None)
        (functions,) = found.at_points(values, points, keep=False)(mu)
        N = found.start(mu[0]).reshape(self.num_outputs, -1) @ functions
        return np.vstack([features, N])

    def solution_values(self, mu: np.ndarray, readouts: np.ndarray) -> SolutionValues:
        """Values of N for several mu, shape (n, p), and their readouts."""
        return SolutionValues(
            weights(self._given),
            [activation_values(a) for a in self._activations],
            (self.random.weights, self.random.shifts),
            self.parameter_space.scale(np.asarray(mu, float)),
            readouts,
            self._given.hypernetwork.activation,
            self.anchors,
            mu,
        )


class SolutionNetwork:
    """What a solution is predicted with: a readout, or the trained network's solution.

    Args:
        space: The trial space.
        own: Trial space of the full network.

    Attributes:
        size: Length of a solution's coefficients: the readout, and the weight of the
            trained network's solution, 1 where nothing better was found, otherwise 0.
    """

    def __init__(self, space: TrialSpace, own: TrialSpace):
        self._space, self._own = space, own
        self.parameter_space = space.parameter_space
        self.size = space.size + 1

    def evaluate(self, mu, x, coefficients, reference=None):
        """As ``TrialSpace.evaluate``, for coefficients of shape (P, ``size``)."""
        mu, x, w = (tf.cast(a, tf.float64) for a in (mu, x, coefficients))
        points = reference_of(x, reference)
        values = self._space.combine(mu, points, w[:, :-1])
        share = w[:, -1:]

        def of_network():
            return rows_of(share, x) * self._own.trained_values(mu, points)

        values += tf.cond(
            tf.reduce_any(share != 0), of_network, lambda: tf.zeros_like(values)
        )
        return self._space.precision.output_transform(rows_of(mu, x), x, values)


def reference_of(x, reference):
    """Points of which features are made, in double precision.

    Args:
        x: Tensor of shape (rows, d).
        reference: ``None``, or the reference points of x.
    """
    return x if reference is None else tf.cast(reference, tf.float64)
