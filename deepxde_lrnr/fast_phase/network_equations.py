"""The user's residual as a function of the readout, by autodiff of the network.

It holds for every residual that DeepXDE can compute, and is slow: for residuals that
are not taken pointwise, and as what jets are compared with.
"""

from __future__ import annotations

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._tracing import traced
from ..data.deformation import pulled_back
from ..data.residual import Residual
from .jet_equations import Linearised
from .trial_space import TrialSpace


class NetworkEquations:
    """Residuals of one mu as functions of the readout; as ``JetEquations``.

    Args:
        residual: At the points fitted: problem, points and loss weights.
        held_out: At the points held out.
        space: The trial space.
    """

    def __init__(self, residual: Residual, held_out: Residual, space: TrialSpace):
        self._residuals = residual, held_out
        # One x for all functions of the user's, hence one precision.
        single = space.precision.single
        self._dtype = tf.float32 if single else tf.float64
        self.space = space
        self._evaluate = traced(self._values)
        self._differentiate = traced(self._jacobian)

    def of(self, space) -> NetworkEquations:
        """The same residual for another trial space of the family."""
        return NetworkEquations(*self._residuals, space)

    def at(self, mu: np.ndarray, workspace=None):
        """The residual for one mu; as ``JetEquations.at``."""
        mu = np.asarray(mu, self._dtype.as_numpy_dtype).reshape(1, -1)
        batches = [residual.batch(mu, mu.dtype) for residual in self._residuals]

        def evaluate(readout: np.ndarray) -> Linearised:
            w = tf.constant(readout[None])
            fitted, held_out = self._evaluate(w, batches)

            def jacobian():
                J = self._differentiate(w, batches[0])
                return np.asfortranarray(J)

            return Linearised(fitted.numpy(), held_out.numpy(), jacobian)

        return evaluate

    def _vector(self, residual: Residual, w, batch):
        """Weighted residuals, columns of each error one after the other."""
        inputs, auxiliary = batch
        mu, x = inputs[:2]

        def function(points):
            more = pulled_back(residual.data.deformation, inputs, points)
            u = self.space.evaluate(mu, points, w, *more)
            return tf.cast(u, self._dtype)

        errors = residual.data.errors(inputs, function(x), auxiliary, function)
        dde.grad.clear()
        weights = residual.weights_of(len(errors))
        parts = []
        for error, weight in zip(errors, weights, strict=True):
            part = tf.reshape(tf.transpose(tf.cast(error, tf.float64)), (-1,))
            parts.append(part * tf.sqrt(weight / tf.cast(tf.size(part), tf.float64)))
        return tf.concat(parts, axis=0)

    def _values(self, w, batches):
        return [
            self._vector(residual, w, batch)
            for residual, batch in zip(self._residuals, batches, strict=True)
        ]

    def _jacobian(self, w, batch):
        """In forward mode, one unknown after the other: copies of mu beside each other
        would enter each other's means.
        """

        def column(direction):
            with tf.autodiff.ForwardAccumulator(w, direction[None]) as accumulator:
                r = self._vector(self._residuals[0], w, batch)
            return accumulator.jvp(r, unconnected_gradients="zero")

        directions = tf.eye(self.space.size, dtype=tf.float64)
        return tf.transpose(tf.map_fn(column, directions, parallel_iterations=1))
