"""Random functions beside the hidden states, and how steep they should be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf

from .._workspace import Workspace
from ..taylor.activations import tanh_series
from ..taylor.jets import MultiIndices

# Scales that all features have in common, tried first.
COMMON_SCALES = (0.5, 1.0, 2.0, 4.0)
# By so much the scale of one feature changes, and the residual has to fall for it.
_FACTOR, _WORTH = 4.0, 1.2
# Of more features than these each scale is not tried by itself: that takes too long.
_MOST_FEATURES = 8


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
    def none(cls, num_features: int) -> RandomFeatures:
        """No random features."""
        return cls(np.zeros((num_features, 0)), np.zeros(0))

    @classmethod
    def draw(
        cls, features: np.ndarray, count: int, scales=1.0, seed: int = 0
    ) -> RandomFeatures:
        """Functions tanh(w^T (f(x) - f(x_i))), each steep near a random point x_i.

        With shifts drawn by themselves most of the steep ones would be constant in the
        domain.

        Args:
            features: f at points all over the domain, shape (m, n), among which x_i is.
            count: Number of random features. Fewer are the first of more.
            scales: Largest weight of each feature, if that went from -1 to 1; shape
                (m,), or a number.
            seed: Of w and x_i.

        References:
            `S. Dong, & J. Yang. On computing the hyperparameter of extreme learning
            machines. Journal of Computational Physics, 463, 111290, 2022
            <https://doi.org/10.1016/j.jcp.2022.111290>`_: one scale for each layer.
        """
        m, n = features.shape
        drawn = np.random.default_rng(seed).uniform(size=(count, m + 1))
        weights = (2 * drawn[:, :m] - 1) * (scales / _half_range(features))
        centers = features[:, (n * drawn[:, m]).astype(int)]
        return cls(weights.T.copy(), -np.einsum("im,mi->i", weights, centers))

    def scales(self, features: np.ndarray) -> np.ndarray:
        """Largest weights as in ``draw``, shape (m,); 1 if there are none."""
        if not len(self):
            return np.ones(len(features))
        return np.abs(self.weights).max(axis=1) * _half_range(features)

    def __len__(self) -> int:
        return len(self.shifts)

    def beside(self, more: RandomFeatures) -> RandomFeatures:
        """These, and behind them others."""
        weights = np.hstack([self.weights, more.weights])
        return RandomFeatures(weights, np.concatenate([self.shifts, more.shifts]))

    def values(self, features):
        """Tensor of shape (rows, number of random features)."""
        return tf.tanh(tf.matmul(features, self.weights) + self.shifts)

    def jets(
        self,
        indices: MultiIndices,
        features: np.ndarray,
        out: np.ndarray | None = None,
        workspace: Workspace | None = None,
    ) -> np.ndarray:
        """Their jets, shape (number of indices, their number, n).

        Args:
            indices: Which derivatives.
            features: Jets of the features, shape (number of indices, m, n).
            out: Where they are written, by default a new array.
            workspace: For what is computed between.
        """
        workspace = workspace or Workspace()
        shape = len(indices), len(self), features.shape[-1]
        inner = workspace.empty("inner", shape)
        np.matmul(self.weights.T, features, out=inner)
        inner[0] += self.shifts[:, None]
        series = partial(tanh_series, order=indices.order)
        return indices.compose(series, inner, out, workspace)


def _half_range(features: np.ndarray) -> np.ndarray:
    half = (features.max(axis=1) - features.min(axis=1)) / 2
    return np.where(half > 0, half, 1)


def search_scales(residual_of, num_features: int, enough: float = 0.0):
    """Scales of the features that leave the smallest residual.

    First all are the same; then one after the other is made steeper, or flatter: where
    a solution travels far, it is steep in time alone.

    Args:
        residual_of: Function of scales, shape (m,), to the residual at points held out.
        num_features: m.
        enough: Residual at which the search ends.

    Returns:
        The scales, and their residual.
    """
    tried = []
    for common in COMMON_SCALES:
        scales = np.full(num_features, common)
        tried.append((residual_of(scales), scales))
    value, scales = min(tried, key=lambda t: t[0])
    if num_features > _MOST_FEATURES:
        return scales, value
    for j in range(num_features):
        for factor in (_FACTOR, 1 / _FACTOR):
            first = value
            while value > enough:
                new = scales.copy()
                new[j] *= factor
                found = residual_of(new)
                # A comparison with NaN is false.
                if not found * _WORTH < value:
                    break
                value, scales = found, new
            if value < first:
                break
    return scales, value
