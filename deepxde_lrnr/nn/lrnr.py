"""LRNR for one PDE: a drop-in for ``dde.nn.FNN``."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from .base import LowRankNN, check_layer_sizes, check_num_features, equal_ranks
from .low_rank import LowRankStack, fresh

# Steps of V_l and of s_l over those of the other weights, for optimizers that give all
# weights steps of one size, as Adam does. A step of all three factors changes their
# product far more than one of a dense weight would, which high frequencies suffer from
# (Helmholtz in benchmarks/drop_in.py).
FACTOR_STEP = 0.02


class LRNR(LowRankNN):
    """Low rank neural representation of one function.

        h_0 = act(W_0 x + b_0),
        h_l = act(U_l diag(s_l) V_l^T h_{l-1} + b_l),   u = W_out h_L + b_out,

    in which U_l, V_l of shape (M, r) and s_l are trained. It takes the place of
    ``dde.nn.FNN`` in a script: it starts with outputs and derivatives of the same
    variance, and is trained at the same pace. With less than half the width as its rank
    it has fewer parameters than FNN. ``benchmarks/drop_in.py`` compares their errors.

    Args:
        layer_sizes: List of the sizes of all layers, input and output included. The
            first hidden layer is dense, the others have rank ``rank``.
        activation: Name or function, or a list of ``len(layer_sizes) - 1`` of them,
            the last of which is not used (as in ``dde.nn.FNN``).
        kernel_initializer: DeepXDE initializer of W_0, U_l and W_out. V_l starts as
            normalised sums, with random signs, over r groups of neurons, U_l as a dense
            weight for these, s_l as 1.
        regularization: ``None``, a mapping with the weights of ``"orthogonality"`` and
            ``"sparsity"``, or what ``dde.nn.FNN`` accepts, e.g. ``["l2", 1e-4]``, then
            for W_0, U_l, V_l and W_out.
        rank: r of the low rank layers; by default, for each of them, three quarters of
            the width of the narrower of the two layers that it is between.

    Raises:
        ValueError: If an argument is not as above, e.g. if there are fewer than two
            hidden layers, if ``rank`` is larger than a hidden layer, or if a term of
            ``regularization`` is not known. When called, if ``layer_sizes[0]`` does not
            fit.

    References:
        `W. Cho, K. Lee, N. Park, D. Rim, & G. Welper. FastLRNR and sparse physics
        informed backpropagation. arXiv 2410.04001, 2024
        <https://arxiv.org/abs/2410.04001>`_, equation (1).
    """

    def __init__(
        self,
        layer_sizes,
        activation,
        kernel_initializer,
        regularization=None,
        rank: int | None = None,
    ):
        super().__init__()
        widths = check_layer_sizes(layer_sizes)
        ranks = _default_ranks(widths) if rank is None else equal_ranks(widths, rank)
        self._make_stack(
            layer_sizes,
            activation,
            kernel_initializer,
            regularization,
            ranks,
            kind=StackLikeDense,
        )
        # Of another shape than before s had a step of its own, so that files of those
        # weights are refused.
        self._scales = self.add_weight(
            shape=(self.layout.size,),
            initializer=tf.keras.initializers.Constant(1 / FACTOR_STEP),
            name="s",
        )

    @property
    def scales(self):
        """s_1, ..., s_L beside each other, Tensor of shape (1, sum of the ranks)."""
        return FACTOR_STEP * self._scales[None]

    def call(self, inputs, training=False):
        if isinstance(inputs, (list, tuple)):
            raise ValueError(
                "LRNR takes the points x alone; for inputs (mu, x) use HyperLRNR."
            )
        features = inputs
        if self.feature_transform is not None:
            features = self.feature_transform(features)
        check_num_features(self.layer_sizes[0], inputs, features)
        coefficients = self.scales
        # Nothing holds these s_l above zero, and the sign of one means nothing.
        self._add_penalty(self.layout.split(tf.abs(coefficients))[0])
        y = self.stack(features, coefficients)
        if self.output_transform is not None:
            y = self.output_transform(inputs, y)
        return y


class StackLikeDense(LowRankStack):
    """Low rank layers that start as dense ones do, and are trained at such steps.

    Each coefficient reads a group of neurons of its own, by V_l^T, and U_l starts as a
    dense weight that the sums of the groups go through.
    """

    def _options_of_factors(self, before, width, rank, regularizer) -> tuple:
        def dense(shape, dtype=None):
            weight = fresh(self.kernel_initializer)((before, width), dtype=dtype)
            # As many sums of squares on fewer inputs.
            return math.sqrt(before / rank) * tf.transpose(weight[:rank])

        def groups(shape, dtype=None):
            sums = np.zeros(shape)
            for i, group in enumerate(np.array_split(np.arange(before), rank)):
                sums[group, i] = 1 / math.sqrt(len(group))
            # States are correlated, e.g. all positive: without signs they would add up.
            signs = tf.sign(tf.random.uniform((before, 1), -1, 1, dtype))
            return signs * tf.constant(sums / FACTOR_STEP, dtype)

        of_v = regularizer and OfV(regularizer)
        return (
            {"initializer": dense, "regularizer": regularizer},
            {"initializer": groups, "regularizer": of_v},
        )

    @property
    def V(self) -> list:
        """V_1, ..., V_L."""
        return [FACTOR_STEP * weight for weight in self._V]


class OfV(tf.keras.regularizers.Regularizer):
    """The regularizer of V_l as one of the weight that is trained for it."""

    def __init__(self, regularizer):
        self.regularizer = regularizer

    def __call__(self, weight):
        return self.regularizer(FACTOR_STEP * weight)


def _default_ranks(widths: tuple[int, ...]) -> tuple[int, ...]:
    """Ranks r_1, ..., r_L at which an ``LRNR`` takes the place of dense layers.

    Three quarters of the narrower of the two widths: a step takes about as long as one
    of FNN. Half of it, with as many parameters as FNN, did worse for high frequencies.
    """
    pairs = zip(widths, widths[1:], strict=False)
    return tuple(max(1, 3 * min(pair) // 4) for pair in pairs)
