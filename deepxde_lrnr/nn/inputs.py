"""How networks of others take mu and x, and their layers read as those of a stack."""

from __future__ import annotations

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._checks import shown
from .._point_major import by_point, number_of, rows_of
from .dense import Dense, joined, read_layers, without_dropout
from .lrnr import LRNR

# Those by which a branch may be saved, and computed without TensorFlow.
BRANCH_ACTIVATIONS = ("elu", "relu", "selu", "sigmoid", "silu", "sin", "tanh")


class OfRows:
    """A network of rows, mu and the features side by side.

    Attributes:
        num_coefficients: Numbers that it gets for one mu.
        num_biases: Biases that are weights of the ``Parametric``.
    """

    num_biases = 0

    def __init__(self, net, num_parameters: int):
        self.net, self.num_coefficients = net, num_parameters

    def networks(self) -> list:
        return [self.net]

    def layers(self) -> list:
        """Those that make weights."""
        if isinstance(self.net, LRNR):
            return []  # it has seen to that
        return [d for d in _flat(self.net.denses) if hasattr(d, "kernel_initializer")]

    def coefficients(self, y):
        return y

    def combine(self, features, z):
        return self.net(tf.concat([rows_of(z, features), features], axis=1))

    def read(self):
        """As ``Parametric.layers_as_arrays``, but for the biases."""
        (first, *inner, last), p = read_layers(self.net), self.num_coefficients
        # mu, times its weights, is a bias of the first layer that depends on mu.
        arrays = {"W_in": first.kernel[p:], "B_0": first.kernel[:p].T}
        arrays |= {"kernel_0": np.eye(p), "bias_0": np.zeros(p)}
        return _named(arrays, first, inner, last), _activations(first, *inner), "tanh"


class OfPairs(OfRows):
    """A network of the tuple (mu, features) of rows; as ``OfRows``."""

    def layers(self) -> list:
        return self.net.layers

    def combine(self, features, z):
        return self.net((rows_of(z, features), features))

    def read(self):
        read_layers(self.net)  # says why not


class OfOperator:
    """A DeepONet: mu to its branch, whose outputs read its trunk; as ``OfRows``.

    Args:
        net: ``dde.nn.DeepONet`` or ``dde.nn.DeepONetCartesianProd``.
    """

    def __init__(self, net):
        self.net, self.num_biases = net, net.num_outputs
        self._branches, self._trunks = map(_flat, ([net.branch], [net.trunk]))
        for name, parts in (("branch", self._branches), ("trunk", self._trunks)):
            if not all(type(part) is dde.nn.FNN for part in parts):
                raise TypeError(
                    f"net has a {name} of its own, a {type(parts[0]).__name__}; it "
                    "must be a list of layer sizes."
                )
        self._activation = self._name_of_activation()
        self._readers = self._matrix()
        self.num_coefficients = self._readers.shape[1]

    def networks(self) -> list:
        return [*self._branches, *self._trunks]

    def layers(self) -> list:
        return [d for part in self.networks() for d in part.denses]

    def _name_of_activation(self) -> str:
        given = self.net.activation_branch
        function = dde.nn.activations.get(given)
        known = {dde.nn.activations.get(name): name for name in BRANCH_ACTIVATIONS}
        if function not in known:
            raise ValueError(
                f"net has the activation {shown(given)} in its branch; it must be one "
                f"of {', '.join(map(repr, BRANCH_ACTIVATIONS))}."
            )
        return known[function]

    def _matrix(self) -> np.ndarray:
        """By which outputs of the branches become the readout of the trunks.

        Returns:
            Array of shape (outputs of the branches, number of components times outputs
            of the trunks), of zeros and ones.
        """
        kind = type(self.net.multi_output_strategy).__name__
        count = self.net.num_outputs
        branch, trunk = (
            sum(part.denses[-1].units for part in parts)
            for parts in (self._branches, self._trunks)
        )
        one_branch = branch if kind == "SplitTrunkStrategy" else branch // count
        one_trunk = trunk if kind == "SplitBranchStrategy" else trunk // count
        if one_branch != one_trunk:
            raise ValueError(
                f"net has a branch with {one_branch} outputs for a component, and a "
                f"trunk with {one_trunk}; they must be as many."
            )
        matrix = np.zeros((branch, count, trunk))
        for c in range(count):
            rows = 0 if one_branch == branch else c * one_branch
            columns = 0 if one_trunk == trunk else c * one_trunk
            places = np.arange(one_branch)
            matrix[rows + places, c, columns + places] = 1
        return matrix.reshape(branch, -1)

    def coefficients(self, y):
        outputs = tf.concat([branch(y) for branch in self._branches], axis=1)
        return tf.matmul(outputs, tf.cast(self._readers, outputs.dtype))

    def combine(self, features, z):
        act = self.net.activation_trunk
        states = tf.concat([act(trunk(features)) for trunk in self._trunks], axis=1)
        num_mu = number_of(z)
        readouts = tf.reshape(z, (num_mu, self.net.num_outputs, states.shape[1]))
        values = tf.einsum("npk,pck->npc", by_point(states, num_mu), readouts)
        return tf.reshape(values, (-1, self.net.num_outputs))

    def read(self):
        first, *inner = _beside(self._trunks)
        if inner:
            inner[-1] = inner[-1]._replace(activation=self.net.activation_trunk)
        else:
            first = first._replace(activation=self.net.activation_trunk)
        width, count = len((inner or [first])[-1].bias), self.net.num_outputs
        # Nothing is read by weights that do not depend on mu.
        last = Dense(np.zeros((width, count)), np.zeros(count), None)
        arrays, branch = {"W_in": first.kernel}, _beside(self._branches)
        end = branch[-1]
        branch[-1] = Dense(end.kernel @ self._readers, end.bias @ self._readers, None)
        for i, layer in enumerate(branch):
            arrays |= {f"kernel_{i}": layer.kernel, f"bias_{i}": layer.bias}
        arrays = _named(arrays, first, inner, last)
        return arrays, _activations(first, *inner), self._activation


def _named(arrays: dict, first: Dense, inner: list[Dense], last: Dense) -> dict:
    """Weights of dense layers by the names that files give them."""
    arrays |= {"b_0": first.bias, "W_out": last.kernel, "b_out": last.bias}
    for i, layer in enumerate(inner, 1):
        arrays |= {f"W_{i}": layer.kernel, f"b_{i}": layer.bias}
    return arrays


def _activations(*layers: Dense) -> list:
    return [layer.activation for layer in layers]


def _beside(networks) -> list[Dense]:
    """FNNs of the same input beside each other, as one."""
    columns = zip(*(without_dropout(net.denses) for net in networks), strict=True)
    return [joined(list(parts), i > 0) for i, parts in enumerate(columns)]


def _flat(layers) -> list:
    """Members of a list, and of the lists in it."""
    found = []
    for one in layers:
        found += _flat(one) if isinstance(one, (list, tuple)) else [one]
    return found
