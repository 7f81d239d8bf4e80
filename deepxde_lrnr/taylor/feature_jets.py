"""Jets of the feature transform, by autodiff."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from .._point_major import rows_of
from .._tracing import traced
from .jets import MultiIndices
from .precision import Precision, takes_parameters


def feature_jets(precision: Precision, indices: MultiIndices, points) -> FeatureJets:
    """``FeatureJets``, those of the same points only once for each problem."""
    points = np.asarray(points, float)
    key = indices, points.shape, points.tobytes()
    if key not in precision.feature_jets:
        precision.feature_jets[key] = FeatureJets(precision, indices, points)
    return precision.feature_jets[key]


class FeatureJets:
    """Jets of the features at points.

    Args:
        precision: Of the feature transform.
        indices: Which derivatives.
        points: Array of shape (n, d).

    Attributes:
        takes_parameters: Whether they depend on mu.
    """

    def __init__(self, precision: Precision, indices: MultiIndices, points):
        transform = precision.network.feature_transform
        self.takes_parameters = takes_parameters(transform)
        self._points = np.asarray(points, float)
        num_parameters = precision.network.parameter_space.dim
        self._constant = None
        if transform is None:
            self._constant = coordinate_jets(indices, self._points)
            return
        # Traced once for all points.
        if indices not in precision.feature_functions:
            precision.feature_functions[indices] = _traced_jets(precision, indices)
        self._jets = precision.feature_functions[indices]
        if not self.takes_parameters:
            # TensorFlow wants some mu all the same.
            self._constant = np.asarray(
                self._jets(np.zeros((1, num_parameters)), self._points)
            )

    def __call__(self, mu) -> np.ndarray:
        """Jets for one mu, of shape (1, p): shape (number of indices, m, n)."""
        if self._constant is not None:
            return self._constant
        return np.asarray(self._jets(np.asarray(mu, float), self._points))


def _traced_jets(precision: Precision, indices: MultiIndices):
    """Function of mu, of shape (1, p), and points to the jets of the features."""

    def jets(mu, x):
        features = precision.feature_transform(x, rows_of(mu, x))
        derivatives = {indices.indices[0]: features}
        for index in indices.indices[1:]:
            j = next(j for j, order in enumerate(index) if order)
            smaller = tuple(i - (k == j) for k, i in enumerate(index))
            derivatives[index] = _along(derivatives[smaller], x, j)
        return tf.stack(
            [
                tf.transpose(derivatives[i]) / math.prod(map(math.factorial, i))
                for i in indices.indices
            ]
        )

    return traced(jets, reduce_retracing=True)


def coordinate_jets(indices: MultiIndices, points: np.ndarray) -> np.ndarray:
    """Jets of x itself at points (n, d): shape (number of indices, d, n)."""
    jets = np.zeros((len(indices), *points.T.shape))
    jets[0] = points.T
    for place, index in enumerate(indices.indices):
        if sum(index) == 1:
            jets[place, index.index(1)] = 1
    return jets


def _along(values, x, j: int):
    """Derivatives of (rows, m) along x_j, for all m at once.

    The gradient with respect to x is linear in the vector it is multiplied with; its
    derivative with respect to that vector is the forward derivative.
    """
    multiplier = tf.ones_like(values)
    (gradient,) = tf.gradients(values, x, multiplier)
    derivative = None
    if gradient is not None:
        direction = tf.ones_like(x) * tf.one_hot(j, x.shape[1], dtype=x.dtype)
        (derivative,) = tf.gradients(gradient, multiplier, direction)
    # TensorFlow has no gradient where there is no dependence.
    return tf.zeros_like(values) if derivative is None else derivative
