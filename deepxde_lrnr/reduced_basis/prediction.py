"""Values of a solution in the reduced basis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf
from threadpoolctl import ThreadpoolController

from .._cores import num_cores
from .._forks import check_fork
from .._tracing import traced
from ..prediction import MAX_ROWS, Predictor
from .values import combined


class BasisPredictor(Predictor):
    """As ``Predictor``; values of the basis are kept for points that come again.

    Args:
        network: ``BasisFunctions``.
        geom: As for ``Predictor``.
        deformation: As for ``Predictor``.
    """

    def __init__(self, network, geom=None, deformation=None):
        super().__init__(network, geom, deformation)
        transform = network.precision.output_transform
        self._transform = traced(transform, reduce_retracing=True)
        self._blas = ThreadpoolController()

    def _max_rows(self) -> int:
        # For operators, each of them for each solution that the basis is made of.
        return max(1, MAX_ROWS // len(self.network.mu))

    def evaluate(self, function, x, mu, coefficients, single: bool):
        """As that of ``Predictor``; operators go through TensorFlow."""
        if function is not self._values:
            return super().evaluate(function, x, mu, coefficients, single)
        check_fork("predict()")
        x, mu = np.asarray(self.check_points(x), float), np.asarray(mu, float)
        places, c = self.places(x, mu), np.asarray(coefficients)
        # Each mu has points of its own where the geometry depends on it.
        basis = self.network.values(x) if places is None else None
        step = max(1, MAX_ROWS // max(len(x), 1)) if places is None else 1

        def of_some(i):
            own = self.network.values(places[i]) if basis is None else basis
            return self._of_some(x, mu[i : i + step], c[i : i + step], own)

        starts = range(0, len(mu), step)
        with self._blas.limit(limits=1, user_api="blas"):
            # Traced here: that is not for several threads at once.
            blocks = [of_some(0)]
            if basis is None:
                blocks += map(of_some, starts[1:])
            elif len(starts) > 1:
                with ThreadPoolExecutor(num_cores()) as pool:
                    blocks += pool.map(of_some, starts[1:])
        values = np.concatenate(blocks) if len(blocks) > 1 else blocks[0]
        return values[0] if single else values

    def _of_some(self, x, mu, coefficients, basis) -> np.ndarray:
        """u for some mu, shape (P, N, number of components)."""
        transform = None
        if self.network.precision.network.output_transform is not None:

            def transform(*rows):
                return self._transform(*map(tf.constant, rows)).numpy()

        return combined(x, mu, coefficients, basis, transform)
