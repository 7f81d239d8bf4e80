"""The layers that LRNR, HyperLRNR and FastLRNR share."""

from __future__ import annotations

import math

import deepxde as dde
import tensorflow as tf

from .._checks import accepts, shown
from .._point_major import by_point, number_of
from .coefficients import CoefficientLayout


class LowRankStack(tf.keras.layers.Layer):
    """Layers of a low rank neural representation, coefficients given from outside.

        h_0 = act(W_0 x + b_0 + B_0 c_0)
        h_l = act(U_l diag(s_l) V_l^T h_{l-1} + b_l + B_l c_l),   l = 1, ..., L
        u   = W_out h_L + b_out

    A layer of rank 0 in the layout is dense, W_l^T in place of U_l diag(s_l) V_l^T, and
    readouts in the coefficients are added to W_out: so are the networks of others,
    ``Parametric``.

    The rows go through V_l, are scaled by s_l and come back through U_l, so that a
    layer costs 2 width r instead of width^2 multiplications a row; a weight of
    width x width is formed only where it is the smaller one. FastLRNR is the same stack
    with fewer neurons (arXiv 2410.04001, section 3.2).

    Args:
        widths: Neurons M_0, ..., M_L of the hidden layers.
        layout: Which coefficients there are.
        num_outputs: Components of u.
        activations: One function for each hidden layer.
        kernel_initializer: For W_0 and W_out. U_l and V_l start with orthonormal
            columns, which R_ortho then keeps.
        kernel_regularizer: ``None`` or a Keras regularizer for W_0, U_l, V_l, W_out.
        factor_regularizer: ``None`` or a Keras regularizer for U_l and V_l.
        trainable: Whether the weights are trained.
        dtype: ``None``, DeepXDE's default float, or the name of another one.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        layout: CoefficientLayout,
        num_outputs: int,
        activations,
        kernel_initializer,
        kernel_regularizer=None,
        factor_regularizer=None,
        trainable: bool = True,
        dtype: str | None = None,
    ):
        super().__init__(trainable=trainable, dtype=dtype or dde.config.default_float())
        self.widths = tuple(widths)
        self.layout = layout
        self.num_outputs = num_outputs
        self.activations = tuple(activations)
        self.kernel_initializer = kernel_initializer
        self.kernel_regularizer = kernel_regularizer
        self.factor_regularizer = factor_regularizer

    def build(self, features_shape, coefficients_shape=None):
        regularizers = [
            r for r in (self.kernel_regularizer, self.factor_regularizer) if r
        ]
        factor = Sum(regularizers) if regularizers else None
        num_features, last = features_shape[-1], self.widths[-1]

        self.W_in = self.add_weight(
            shape=(num_features, self.widths[0]),
            initializer=fresh(self.kernel_initializer),
            regularizer=self.kernel_regularizer,
            name="W_in",
        )
        self.U, self._V, self.W = [], [], []
        shapes = zip(self.widths, self.widths[1:], self.layout.ranks, strict=False)
        for i, (before, width, rank) in enumerate(shapes, start=1):
            if not rank:
                dense = self.add_weight(
                    shape=(before, width),
                    initializer=fresh(self.kernel_initializer),
                    regularizer=self.kernel_regularizer,
                    name=f"W_{i}",
                )
                self.U.append(None)
                self._V.append(None)
                self.W.append(dense)
                continue
            self.W.append(None)
            self._add_factors(i, before, width, rank, factor)
        self.b, self.B = [], []
        for i, (width, rank) in enumerate(
            zip(self.widths, self.layout.bias_ranks, strict=True)
        ):
            self.b.append(
                self.add_weight(shape=(width,), initializer="zeros", name=f"b_{i}")
            )
            # Rows of B_l have unit length on average: B_l c_l is of the size of c_l.
            spread = tf.keras.initializers.RandomNormal(stddev=1 / math.sqrt(rank or 1))
            self.B.append(
                self.add_weight(shape=(width, rank), initializer=spread, name=f"B_{i}")
                if rank
                else None
            )
        self.W_out = self.add_weight(
            shape=(last, self.num_outputs),
            initializer=fresh(self.kernel_initializer),
            regularizer=self.kernel_regularizer,
            name="W_out",
        )
        self.b_out = self.add_weight(
            shape=(self.num_outputs,), initializer="zeros", name="b_out"
        )
        self.built = True

    def _add_factors(self, level, before, width, rank, regularizer) -> None:
        """Makes U and V of a hidden layer, of shapes (width, rank), (before, rank)."""
        options = self._options_of_factors(before, width, rank, regularizer)
        kinds = (self.U, width, "U"), (self._V, before, "V")
        for (factors, size, name), own in zip(kinds, options, strict=True):
            factors.append(
                self.add_weight(shape=(size, rank), name=f"{name}_{level}", **own)
            )

    def _options_of_factors(self, before, width, rank, regularizer) -> tuple:
        """Initializer and regularizer of U, and of what is trained for V."""
        orthonormal = tf.keras.initializers.Orthogonal
        return tuple(
            {"initializer": orthonormal(), "regularizer": regularizer} for _ in "UV"
        )

    @property
    def V(self) -> list:
        """V_1, ..., V_L, ``None`` where a layer is dense."""
        return self._V

    def hidden_states(self, features, coefficients):
        """h_0, ..., h_L.

        Args:
            features: Tensor of shape (N P, d), point-major rows (x_1, mu_1),
                (x_1, mu_2), ..., (x_N, mu_P).
            coefficients: Tensor of shape (P, ``layout.size``).

        Returns:
            List of Tensors of shapes (N P, M_l).
        """
        s, c = self.layout.split(coefficients)
        num_mu = number_of(coefficients)
        one_mu = isinstance(num_mu, int) and num_mu == 1

        def per_mu(operation, rows, values):
            """Applies one row of ``values`` (P, w) to the rows of its mu."""
            if one_mu:
                return operation(rows, values)
            found = operation(by_point(rows, num_mu), values)
            return tf.reshape(found, (-1, rows.shape[-1]))

        def activate(level, rows):
            if c[level] is None:
                rows = rows + self.b[level]
            else:
                bias = tf.matmul(c[level], self.B[level], transpose_b=True)
                rows = per_mu(tf.add, rows, self.b[level] + bias)
            return self.activations[level](rows)

        states = [activate(0, tf.matmul(features, self.W_in))]
        weights = zip(self.U, self.V, self.W, strict=True)
        for level, (U, V, W) in enumerate(weights, start=1):
            if W is not None:
                rows = tf.matmul(states[-1], W)
            elif one_mu and small_weight(features.shape[0], U, V):
                weight = tf.matmul(V * s[level - 1], U, transpose_b=True)
                rows = tf.matmul(states[-1], weight)
            else:
                rows = per_mu(tf.multiply, tf.matmul(states[-1], V), s[level - 1])
                rows = tf.matmul(rows, U, transpose_b=True)
            states.append(activate(level, rows))
        return states

    def call(self, features, coefficients):
        h = self.hidden_states(features, coefficients)[-1]
        u = tf.matmul(h, self.W_out) + self.b_out
        if not self.layout.readouts:
            return u
        num_mu = number_of(coefficients)
        own = coefficients[:, self.layout.num_inner :]
        own = tf.reshape(own, (-1, self.num_outputs, self.widths[-1]))
        own = tf.einsum("npk,pck->npc", by_point(h, num_mu), own)
        return u + tf.reshape(own, u.shape)

    def is_dense(self, level: int) -> bool:
        """Whether a hidden layer after the first has one weight, no factors."""
        return level < len(self.widths) and not self.layout.ranks[level - 1]

    def read_from(self) -> list:
        """For each hidden layer the weights (M_l, any) by which what follows reads it:
        V_{l+1}, or W_{l+1} where the next layer is dense, and W_out.
        """
        pairs = zip(self.V, self.W, strict=True)
        return [*(V if W is None else W for V, W in pairs), self.W_out]


class Sum(tf.keras.regularizers.Regularizer):
    """Sum of regularizers; Keras before 3.13 takes no plain function."""

    def __init__(self, regularizers):
        self.regularizers = regularizers

    def __call__(self, weight):
        return sum(regularizer(weight) for regularizer in self.regularizers)


# Time of the products with both factors, over that of as many operations in one: there
# are rows between them, and as many more in each derivative.
_TWO_PRODUCTS = 1.25


def small_weight(num_rows: int | None, U, V) -> bool:
    """Whether the weight V diag(s) U^T takes less time than its factors, for one mu.

    It does for the few neurons of FastLRNR, of which there are fewer than
    coefficients, and for an LRNR of half the width. (For a layer of low rank it is what
    makes the method slow.)
    """
    before, width, rank = V.shape[0], U.shape[0], U.shape[1]
    if num_rows is None:
        return False
    work = before * width * (rank + num_rows)
    return work < _TWO_PRODUCTS * num_rows * rank * (before + width)


def fresh(initializer):
    """A copy of the initializer that draws numbers of its own.

    In Keras 3 an unseeded initializer draws the same numbers in every call, and
    DeepXDE keeps one of each name for all layers of all networks.
    """
    return initializer.clone() if hasattr(initializer, "clone") else initializer


def start_scales(widths: tuple[int, ...], layout: CoefficientLayout) -> list[float]:
    """Values for s_1, ..., s_L at which the hidden states keep their size.

    With orthonormal U and V and inputs of unit variance, U diag(s) V^T h has variance
    s^2 r / M. The factor 0.75 did better than 0.5 and than 1, for Burgers' equation as
    well as for families of convection, diffusion and reaction.
    """
    return [
        0.75 * math.sqrt(width / rank)
        for width, rank in zip(widths[1:], layout.ranks, strict=True)
        for _ in range(rank)
    ]


def hidden_activations(activation, num_hidden: int) -> list:
    """One activation function for each hidden layer, as ``dde.nn.FNN`` reads them.

    Args:
        activation: Name, function, or a list of ``num_hidden + 1`` of them, the last of
            which is not used (as in ``dde.nn.FNN``).
        num_hidden: Number of hidden layers.

    Raises:
        ValueError: If DeepXDE does not know one, or there are more or fewer.
    """
    if not isinstance(activation, (list, tuple)):
        return [_activation(activation)] * num_hidden
    if len(activation) != num_hidden + 1:
        raise ValueError(
            f"activation has {len(activation)} entries; a list must have one for each "
            f"hidden layer and the output layer, {num_hidden + 1} here."
        )
    return [_activation(a) for a in activation[:-1]]


def _activation(identifier):
    try:
        function = dde.nn.activations.get(identifier)
    # Of DeepXDE's many types, for what it does not know.
    except Exception:
        function = None
    if not accepts(function, 1):
        raise ValueError(
            f"activation is {shown(identifier)}; it must be a function of one argument "
            "or one of DeepXDE's names, e.g. 'tanh', 'sin', 'swish'."
        )
    return function
