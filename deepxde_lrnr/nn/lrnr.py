"""LRNR for one PDE: a drop-in for ``dde.nn.FNN``."""

from __future__ import annotations

import tensorflow as tf

from .base import LowRankNN, check_layer_sizes, check_num_features, equal_ranks
from .low_rank import default_ranks, dense_scales


class LRNR(LowRankNN):
    """Low rank neural representation of one function.

        h_0 = act(W_0 x + b_0),
        h_l = act(U_l diag(s_l) V_l^T h_{l-1} + b_l),   u = W_out h_L + b_out,

    in which U_l, V_l of shape (M, r) and s_l are trained. It takes the place of
    ``dde.nn.FNN`` in a script: it starts with outputs and derivatives of the same
    variance, and at its default rank has about as many parameters. Smooth solutions it
    then learns as well; for waves its errors are larger (``benchmarks/drop_in.py``). A
    lower rank has fewer parameters at equal width.

    Args:
        layer_sizes: List of the sizes of all layers, input and output included. The
            first hidden layer is dense, the others have rank ``rank``.
        activation: Name or function, or a list of ``len(layer_sizes) - 1`` of them,
            the last of which is not used (as in ``dde.nn.FNN``).
        kernel_initializer: DeepXDE initializer of W_0 and W_out. U_l and V_l start
            with orthonormal columns, and s_l so that U_l diag(s_l) V_l^T is of the size
            of a dense weight from the initializer.
        regularization: ``None``, a mapping with the weights of ``"orthogonality"`` and
            ``"sparsity"``, or what ``dde.nn.FNN`` accepts, e.g. ``["l2", 1e-4]``, then
            for W_0, U_l, V_l and W_out.
        rank: r of the low rank layers; by default, for each of them, half the width of
            the narrower of the two layers that it is between.

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
        ranks = default_ranks(widths) if rank is None else equal_ranks(widths, rank)
        self._make_stack(
            layer_sizes, activation, kernel_initializer, regularization, ranks, 0
        )
        start = dense_scales(widths, ranks, self.stack.kernel_initializer)
        self.scales = self.add_weight(
            shape=(1, self.layout.size),
            initializer=lambda shape, dtype=None: tf.constant([start], dtype),
            name="s",
        )

    def call(self, inputs, training=False):
        if isinstance(inputs, (list, tuple)):
            raise ValueError(
                "LRNR takes the points x alone; for inputs (mu, x) use HyperLRNR."
            )
        features = inputs
        if self._input_transform is not None:
            features = self._input_transform(features)
        check_num_features(self.layer_sizes[0], inputs, features)
        coefficients = tf.convert_to_tensor(self.scales)
        # Nothing holds these s_l above zero, and the sign of one means nothing.
        self._add_penalty(self.layout.split(tf.abs(coefficients))[0])
        y = self.stack(features, coefficients)
        if self._output_transform is not None:
            y = self._output_transform(inputs, y)
        return y
