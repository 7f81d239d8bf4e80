"""LRNR of a whole PDE family: coefficients from a hypernetwork of mu."""

from __future__ import annotations

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._checks import (
    accepts,
    as_integer,
    as_reals,
    check_parameters,
    is_integer,
    num_args,
    shown,
)
from .._point_major import rows_of
from .._user_errors import (
    apply_feature_transform,
    apply_output_transform,
    as_it_is,
)
from ..parameters.space import check_space
from .base import LowRankNN, check_layer_sizes, check_num_features, equal_ranks
from .hypernetwork import Hypernetwork
from .low_rank import start_scales


class ParametricNN(LowRankNN):
    """Base of the networks u(x; mu) whose inputs are ``(mu, x)``.

    ``mu`` has shape (P, p). ``x`` has shape (N P, d) with *point-major* rows
    (x_1, mu_1), (x_1, mu_2), ..., (x_N, mu_P), so that everything which depends on mu
    alone is computed P times and not N P times; ``x`` and ``mu`` of equal length are
    N = 1. Outputs have shape (N P, number of components).
    """

    # Set by the subclasses.
    parameter_space = None
    hypernetwork: Hypernetwork | None = None
    # Of the geometry, set by the model; what is predicted belongs to it.
    deformation = None

    def coefficients(self, mu):
        """The hypernetwork's coefficients.

        Args:
            mu: Tensor of shape (P, p), or whatever ``ParameterSpace.as_array`` takes.

        Returns:
            Tensor of shape (P, ``layout.size``); ``layout.split`` gives those of the
            layers.

        Raises:
            TypeError: If ``mu`` is not made of real numbers.
            ValueError: If ``mu`` does not fit the parameter space.
        """
        if not tf.is_tensor(mu):
            mu = tf.constant(self.parameter_space.as_array(mu), dde.config.real(tf))
        return self.hypernetwork(mu)

    @property
    def title(self) -> str:
        """The network in a few words."""
        return f"{type(self).__name__}({list(self.layer_sizes)})"

    @property
    def num_coefficients(self) -> int:
        """Number of coefficients for one mu."""
        return self.layout.size

    def call(self, inputs, training=False):
        mu, x, reference = self._split(inputs)
        return self.evaluate(mu, x, self.coefficients(mu), reference)

    def _split(self, inputs):
        """mu, x, and ``None`` or the reference points of x."""
        mu, x, *known = split_inputs(inputs)
        if not known:
            return mu, x, None
        return mu, x, self.deformation.pull_back(rows_of(mu, x), x, *known)

    def evaluate(self, mu, x, coefficients, reference=None):
        """Outputs at coefficients that need not be the hypernetwork's.

        Args:
            mu: Tensor of shape (P, p); transforms may depend on it.
            x: Tensor of shape (N P, d), point-major.
            coefficients: Tensor of shape (P, ``num_coefficients``).
            reference: ``None``, or where the geometry depends on mu the reference
                points of x, of which the features are made, shape (N P, d).

        Returns:
            Tensor of shape (N P, number of components).

        Raises:
            TypeError: If an argument is neither a Tensor of floats nor an array.
            ValueError: If one has another shape, or an array is not finite.
        """
        mu = as_tensor("mu", mu, self.parameter_space.dim)
        x = as_tensor("x", x, self._num_coordinates())
        coefficients = as_tensor("coefficients", coefficients, self.num_coefficients)
        mu_rows = rows_of(mu, x)
        inputs = x
        if reference is not None:
            inputs = as_tensor("reference", reference, x.shape[1])
            if not inputs.shape.is_compatible_with(x.shape):
                raise ValueError(
                    f"reference has shape {tuple(inputs.shape)}; it must be "
                    f"{tuple(x.shape)}, that of x."
                )
        y = self._combine(self.features(mu_rows, inputs), coefficients)
        if self.output_transform is not None:
            y = apply_output_transform(self.output_transform, mu_rows, x, y)
        return y

    def _num_coordinates(self) -> int | None:
        """d, if it is known."""
        given = self.stack.built and self.feature_transform is None
        return self.stack.W_in.shape[0] if given else None

    def _combine(self, features, coefficients):
        """N, before the output transform, for features of rows."""
        return self.stack(features, coefficients)

    def features(self, mu_rows, x):
        """Features of the rows: ``x`` itself, or what the feature transform makes."""
        if self.feature_transform is None:
            features = x
        elif num_args(self.feature_transform) == 2:
            features = apply_feature_transform(self.feature_transform, x, mu_rows)
        else:
            features = apply_feature_transform(self.feature_transform, x)
        return features

    def apply_feature_transform(self, transform):
        """Computes the features by ``transform(x)`` or ``transform(x, mu)``.

        Args:
            transform: Function of Tensors x (rows, d) and, if it takes two arguments
                (those with a default do not count), mu (rows, p), to features (rows,
                any).

        Raises:
            ValueError: If ``transform`` is no such function.
        """
        check_feature_transform("transform", transform)
        super().apply_feature_transform(transform)

    def apply_output_transform(self, transform):
        """Computes u = ``transform(inputs, outputs)``.

        Args:
            transform: Function of ``inputs``, the tuple ``(mu, x)`` of shapes (rows, p)
                and (rows, d), and ``outputs`` (rows, number of components).

        Raises:
            ValueError: If ``transform`` is no such function.
        """
        check_output_transform("transform", transform)
        super().apply_output_transform(transform)


class HyperLRNR(ParametricNN):
    """Low rank neural representation of a PDE family.

    An ``LRNR`` whose coefficients s_l, and bias coefficients c_l, come from a
    hypernetwork of mu; all other weights are shared by the family:

        h_0 = act(W_0 x + b_0 + B_0 c_0(mu)),
        h_l = act(U_l diag(s_l(mu)) V_l^T h_{l-1} + b_l + B_l c_l(mu)).

    Inputs are ``(mu, x)``, see ``ParametricNN``.

    Args:
        layer_sizes: List of the sizes of all layers, input and output included, the
            input being x alone (or the features of x). The first hidden layer is
            dense, the others have rank ``rank``.
        activation: Name or function, or a list of ``len(layer_sizes) - 1`` of them,
            the last of which is not used (as in ``dde.nn.FNN``).
        kernel_initializer: DeepXDE initializer of W_0 and W_out. (U_l and V_l start
            with orthonormal columns.)
        regularization: ``None``, a mapping with the weights of ``"orthogonality"`` and
            ``"sparsity"``, or what ``dde.nn.FNN`` accepts, e.g. ``["l2", 1e-4]``, then
            for W_0, U_l, V_l and W_out.
        rank: r of the low rank layers.
        parameter_space: ``deepxde_lrnr.ParameterSpace`` of mu.
        bias_rank: Number of bias coefficients c_l of each hidden layer; 0 switches
            biases that depend on mu off (as in the paper).
        hypernetwork: List of the sizes of the hypernetwork's hidden layers.

    Raises:
        ValueError: If an argument is not as above, e.g. if there are fewer than two
            hidden layers, if ``rank`` is larger than a hidden layer, or if a term of
            ``regularization`` is not known. When called, if ``layer_sizes[0]`` or the
            number of rows does not fit.
        TypeError: If ``parameter_space`` is no ``ParameterSpace``.

    References:
        `W. Cho, K. Lee, N. Park, D. Rim, & G. Welper. FastLRNR and sparse physics
        informed backpropagation. arXiv 2410.04001, 2024
        <https://arxiv.org/abs/2410.04001>`_, section 3.1.
    """

    def __init__(
        self,
        layer_sizes,
        activation,
        kernel_initializer,
        regularization=None,
        rank: int = 10,
        parameter_space=None,
        bias_rank: int = 4,
        hypernetwork=(64, 64),
    ):
        super().__init__()
        check_space(parameter_space)
        bias_rank = as_integer("bias_rank", bias_rank, 0)
        if not (
            isinstance(hypernetwork, (list, tuple))
            and all(map(is_integer, hypernetwork))
        ):
            raise ValueError(
                f"hypernetwork is {shown(hypernetwork)}; it must be a list of the "
                "sizes of its hidden layers, e.g. (64, 64)."
            )
        self.parameter_space = parameter_space
        ranks = equal_ranks(check_layer_sizes(layer_sizes), rank)
        self._make_stack(
            layer_sizes,
            activation,
            kernel_initializer,
            regularization,
            ranks,
            bias_rank,
        )
        self.hypernetwork = Hypernetwork(
            parameter_space,
            self.layout,
            tuple(hypernetwork),
            start_scales(self.stack.widths, self.layout),
        )

    @property
    def title(self) -> str:
        return f"HyperLRNR({list(self.layer_sizes)}, rank {self.layout.ranks[0]})"

    def features(self, mu_rows, x):
        features = super().features(mu_rows, x)
        check_num_features(self.layer_sizes[0], x, features)
        return features

    def call(self, inputs, training=False):
        mu, x, reference = self._split(inputs)
        coefficients = self.coefficients(mu)
        self._add_penalty(self.layout.split(coefficients)[0])
        return self.evaluate(mu, x, coefficients, reference)


def check_feature_transform(name: str, transform) -> None:
    """Checks that it takes (x) or, if it has two arguments, (x, mu)."""
    check_parameters(name, transform)
    if not (num_args(transform) == 2 or accepts(transform, 1)):
        raise ValueError(
            f"{name} is {shown(transform)}; it must be a function of (x) or (x, mu)."
        )


def check_output_transform(name: str, transform) -> None:
    """Checks that it takes (inputs, outputs)."""
    check_parameters(name, transform)
    if not accepts(transform, 2):
        raise ValueError(
            f"{name} is {shown(transform)}; it must be a function of (inputs, outputs)."
        )


def as_tensor(name: str, value, columns: int | None = None):
    """A Tensor of floats as it is; an array as a Tensor. Two axes.

    Args:
        name: Name of the argument.
        value: Tensor or array.
        columns: Length of the second axis, if it is to be checked.

    Raises:
        TypeError: If it is neither.
        ValueError: If it has another shape, or an array is not finite.
    """
    if not tf.is_tensor(value):
        array = as_reals(name, value)
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has entries that are NaN or infinite.")
        value = tf.constant(array, dde.config.real(tf))
    if not value.dtype.is_floating:
        raise TypeError(
            f"{name} is a Tensor of {value.dtype.name}; it must be a float."
        )
    shape = value.shape
    if shape.rank is not None and (
        shape.rank != 2
        or 0 in tuple(shape)
        or columns is not None
        and shape[1] not in (None, columns)
    ):
        raise ValueError(
            f"{name} has shape {tuple(shape)}; it must be (rows, {columns or 'd'})."
        )
    return value


def split_inputs(inputs):
    """The inputs of a ``ParametricNN``: two, and with a deformation two more."""
    if not isinstance(inputs, (list, tuple)) or len(inputs) not in (2, 4):
        raise as_it_is(
            ValueError(
                "The network takes the tuple (mu, x), as deepxde_lrnr.data."
                "ParametricPDE makes it; for a single PDE use LRNR."
            )
        )
    return inputs
