"""The residual vector of each mu at fixed points."""

from __future__ import annotations

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._checks import as_loss_weights
from .._point_major import by_parameter
from .collocation import Collocation
from .deformation import pulled_back
from .parametric_pde import ParametricPDE


class Residual:
    """Residual vectors r(mu, z) of a network at coefficients z.

    Entries are the errors of the PDE and of the IC/BC as DeepXDE computes them, each
    divided by the square root of the number of its entries and multiplied by that of
    its loss weight, so that the sum of squares is DeepXDE's weighted MSE loss.

    Args:
        data: The parametric problem.
        collocation: Points.
        loss_weights: ``None`` or weights as for ``Model.compile``, finite and >= 0; one
            more than there are errors, for regularisation, is not used.

    Raises:
        ValueError: If a weight is negative or not finite.
    """

    def __init__(
        self,
        data: ParametricPDE,
        collocation: Collocation,
        loss_weights=None,
    ):
        self.data = data
        self.collocation = collocation
        # Least squares have no negative weights.
        self.loss_weights = as_loss_weights(loss_weights)

    def batch(self, mu: np.ndarray, dtype=None):
        """What ``__call__`` needs for mu of shape (P, p), computed in NumPy."""
        return self.data.batch(mu, self.collocation, dtype)

    def weights_of(self, num_errors: int) -> list[float]:
        """The loss weights of the errors of the PDE and the IC/BC.

        Raises:
            ValueError: If there are more or fewer.
        """
        weights = self.loss_weights
        if weights is None:
            weights = [1.0] * num_errors
        regularized = len(weights) > num_errors
        self.data.errors.check_weights(weights, num_errors, regularized)
        return weights[:num_errors]

    def blocks(self, network, coefficients, inputs, auxiliary, weighted=True) -> list:
        """Residual vectors of each equation of the PDE, then of each IC/BC.

        Args and errors are those of ``__call__``.

        Returns:
            List of Tensors of shapes (P, number of residuals), in the order of the
            points.
        """
        mu, x = inputs[:2]
        num_mu = mu.shape[0]

        def function(points):
            more = pulled_back(self.data.deformation, inputs, points)
            return network.evaluate(mu, points, coefficients, *more)

        errors = self.data.errors(inputs, function(x), auxiliary, function)
        # DeepXDE keeps the derivatives it took, and with them this whole graph.
        dde.grad.clear()
        weights = self.weights_of(len(errors))
        blocks = []
        for i, error in enumerate(errors):
            error = tf.reshape(by_parameter(error, num_mu), (num_mu, -1))
            if weighted:
                error *= tf.sqrt(weights[i] / tf.cast(tf.shape(error)[1], error.dtype))
            blocks.append(error)
        return blocks

    def __call__(self, network, coefficients, inputs, auxiliary, weighted=True):
        """Residual vectors.

        Args:
            network: ``ParametricNN``.
            coefficients: Tensor of shape (P, q).
            inputs: Tensors from ``batch``.
            auxiliary: From ``batch``.
            weighted: If ``False``, the errors as they are.

        Returns:
            Tensor of shape (P, number of residuals).

        Raises:
            ValueError: If there are not as many weights as errors.
        """
        blocks = self.blocks(network, coefficients, inputs, auxiliary, weighted)
        return tf.concat(blocks, axis=1)
