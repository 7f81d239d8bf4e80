"""Values of a solution in the reduced basis."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from threadpoolctl import ThreadpoolController

from .._forks import check_fork
from .._tracing import traced
from ..prediction import MAX_ROWS, Predictor


class BasisPredictor(Predictor):
    """As ``Predictor``; values of the basis are kept for points that come again.

    Args:
        network: ``BasisFunctions``.
        dim: As for ``Predictor``.
        time: As for ``Predictor``.
    """

    def __init__(self, network, dim: int | None = None, time: bool = False):
        super().__init__(network, dim, time)
        transform = network.precision.output_transform
        self._transform = traced(transform, reduce_retracing=True)
        self._blas = ThreadpoolController()

    def _max_rows(self) -> int:
        # For operators, each of them for each solution that the basis is made of.
        return max(1, MAX_ROWS // self.network.size)

    def evaluate(self, function, x, mu, coefficients, single: bool):
        """As that of ``Predictor``; operators go through TensorFlow."""
        if function is not self._values:
            return super().evaluate(function, x, mu, coefficients, single)
        check_fork("predict()")
        x, mu = np.asarray(self.check_points(x), float), np.asarray(mu, float)
        basis, c = self.network.values(x), np.asarray(coefficients)
        step = max(1, MAX_ROWS // max(len(x), 1))
        blocks = [
            self._of_some(x, mu[i : i + step], c[i : i + step], basis)
            for i in range(0, len(mu), step)
        ]
        values = np.concatenate(blocks)
        return values[0] if single else values

    def _of_some(self, x, mu, coefficients, basis) -> np.ndarray:
        """u for some mu, shape (P, N, number of components)."""
        # A product for each mu, so that it is the same whatever mu are beside it.
        with self._blas.limit(limits=1, user_api="blas"):
            values = np.matmul(coefficients[:, None, None], basis)[:, :, 0]
        if self.network.precision.network._output_transform is None:
            return np.swapaxes(values, 1, 2)
        num_mu, num_outputs, num_points = values.shape
        rows = values.transpose(2, 0, 1).reshape(-1, num_outputs)
        points, parameters = np.repeat(x, num_mu, axis=0), np.tile(mu, (len(x), 1))
        u = self._transform(*map(tf.constant, (parameters, points, rows))).numpy()
        return u.reshape(num_points, num_mu, -1).transpose(1, 0, 2)
