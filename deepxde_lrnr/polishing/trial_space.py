"""Trial functions of a trained network without parameters, and equations for them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from .._tracing import traced
from ..fast_phase.expansion import Expansion
from ..fast_phase.jet_equations import JetEquations
from ..fast_phase.random_features import RandomFeatures
from ..fast_phase.trial_space import TrialSpace
from .dense import DenseJets


class DenseTrialSpace(TrialSpace):
    """Hidden states of a ``PlainNetwork``, random features, and the constant 1.

    The unknowns are the readout, as in ``TrialSpace``, and behind it the numbers of
    ``dde.Variable``, if there are any.

    Attributes:
        variables: ``Variables``.
        num_readouts: Number of the unknowns that are the readout.
        is_last: Whether the functions are the last hidden layer's, and the constant.
    """

    def __init__(self, network, precision, random: RandomFeatures | None = None):
        super().__init__(network, precision, random)
        self.variables, self.is_last = network.variables, network.last
        self.num_readouts = self.size
        self.size += self.variables.size
        self._start = np.concatenate([self._start, self.variables.initial])

    def _hidden_jets(self) -> DenseJets:
        return DenseJets(self._given.stack, self._activations, self._given.last)

    def _states(self, features, mu) -> list:
        states = self._given.stack.hidden_states(features, self._activations)
        return states[-1:] if self._given.last else states

    def combine(self, mu, x, readout):
        return super().combine(mu, x, readout[:, : self.num_readouts])

    def embed(self, unknowns: np.ndarray, other: DenseTrialSpace) -> np.ndarray:
        """Unknowns of another space whose random features are the first of this one's.

        Args:
            unknowns: In ``other``.
            other: Space of the same hidden states.
        """
        readout, rest = np.split(unknowns, [other.num_readouts])
        w = readout.reshape(self.num_outputs, -1)
        more = np.zeros((self.num_outputs, len(self.random) - len(other.random)))
        return np.concatenate([np.hstack([w[:, :-1], more, w[:, -1:]]).ravel(), rest])


class InverseEquations(JetEquations):
    """As ``JetEquations``, where the residual depends on ``dde.Variable`` as well."""

    def __init__(self, residual, held_out, space, indices):
        super().__init__(residual, held_out, space, indices)
        self._variables = space.variables
        self._by_variables = traced(self._slopes_by_variables)

    def _slopes_by_variables(self, jets, mu, *targets):
        """For each block, derivatives of shape (columns, variables, points)."""
        targets, slopes = self._packed(targets), []
        for block in self.blocks:
            dtype = self._precision.dtype(block.name)
            errors, _ = self._block(block, dtype, jets, mu, targets)
            columns = [
                tf.cast(error[:, column], tf.float64)
                for error in errors
                for column in range(error.shape[1])
            ]
            of = self._variables.derivatives
            slopes.append(tf.stack([tf.stack(of(c, dtype)) for c in columns]))
        return slopes

    def at(self, mu: np.ndarray, workspace=None):
        """As ``JetEquations.at``, a function of readout and variables."""
        at = super().at(mu, workspace)
        others = self._constants(np.asarray(mu, float).reshape(1, -1))
        functions = self._functions(np.zeros((1, 1)))
        num_outputs, k = self.space.num_outputs, self.space.num_readouts

        def evaluate(unknowns: np.ndarray):
            readout, values = np.split(unknowns, [k])
            self._variables.assign(values)
            found = at(readout)

            def jacobian():
                self._variables.assign(values)
                jets = readout.reshape(num_outputs, -1) @ functions
                slopes = self._by_variables(tf.constant(jets), *others)
                J = found.jacobian()
                columns = np.empty((len(values), len(J)))
                first = 0
                for slope, block, (factors, _) in zip(
                    slopes, self.blocks, self._factors, strict=True
                ):
                    slope, n = np.asarray(slope), block.num_fitted
                    for column, factor in zip(slope, factors[:, 0], strict=True):
                        columns[:, first : first + n] = column[:, :n] * factor
                        first += n
                return np.asfortranarray(np.hstack([J, columns.T]))

            return found._replace(jacobian=jacobian)

        return evaluate


def equations_of(expansion: Expansion, residual, held_out, space: DenseTrialSpace):
    """The residual as a function of the unknowns.

    Raises:
        ValueError: If there are variables, and it is not a function of derivatives at
            one point at a time.
    """
    if not space.variables.size:
        return expansion.equations(residual, held_out, space)
    if expansion.indices is None:
        raise ValueError(
            "The residual takes values of several points together (an integral or a "
            "mean); there polish() does not solve for external_trainable_variables. "
            "Compile the model without them."
        )
    return InverseEquations(residual, held_out, space, expansion.indices)
