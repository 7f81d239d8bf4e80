"""The Jacobian of the residual, learned over the parameter box."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from scipy.interpolate import RBFInterpolator

from .._progress import progress_bar
from .._tracing import traced
from ..data.residual import Residual
from ..nn import FastLRNR
from .hyper_reduction import hyper_reduce
from .jacobian import jacobian

# More directions than this are cut to the leading ones of the family.
_MAX_DIRECTIONS = 128


@dataclass(frozen=True, eq=False)
class LearnedJacobian:
    """J D at the hypernetwork's coefficients, interpolated over the box.

    The Jacobian depends smoothly on mu. Computed exactly at some tens of nodes,
    through the full LRNR, and interpolated by cubic radial basis
    functions, it costs no derivative online. It is kept only at the few points that
    determine it (``hyper_reduce``).

    Attributes:
        interpolator: Weights of the nodes as a function of scaled mu.
        values: Tensor of shape (number of nodes, n, k): J D at the nodes.
        residual: The residual whose n entries these are derivatives of.
        entries: These entries among those of the residual at all points.
        factors: By which those are multiplied, shape (n,).
        directions: D, shape (q, k).
        error: Relative error (Frobenius) at nodes left out.
        seconds: Time that it took to compute.
    """

    interpolator: RBFInterpolator
    values: tf.Tensor
    residual: Residual
    entries: np.ndarray
    factors: np.ndarray
    directions: np.ndarray
    error: float
    seconds: float

    @classmethod
    def compute(
        cls,
        residual: Residual,
        network: FastLRNR,
        num_nodes: int,
        pointwise: bool,
        verbose: int = 1,
    ) -> LearnedJacobian:
        """Computes the Jacobian at nodes, a Hammersley sequence in the box.

        Args:
            residual: Residual at the points of the fast phase.
            network: The full LRNR.
            num_nodes: Number of nodes; at least p + 1 of them.
            pointwise: Whether the residual is taken pointwise (``is_pointwise``).
            verbose: 0 draws no bar of progress.
        """
        start = time.perf_counter()
        space = network.parameter_space
        mu = space.sample(max(num_nodes, space.dim + 2), "Hammersley")
        directions = leading_directions(network)
        values = _jacobians(residual, network, mu, directions, pointwise, verbose)
        # One node without a finite Jacobian, or with one whose squares are not, would
        # spoil the interpolation everywhere.
        with np.errstate(over="ignore"):
            finite = np.isfinite(np.square(values).sum(axis=(1, 2)))
        if finite.sum() > space.dim:
            mu, values = mu[finite], values[finite]
        else:
            # Nothing can be learned: no step is better than none.
            values = np.where(finite[:, None, None], values, 0)
        scaled = space.scale(mu.astype(float))
        selected, entries, factors = hyper_reduce(residual, network, values)
        return cls(
            cls.interpolate(scaled),
            tf.constant(values[:, entries] * factors[:, None], network.compute_dtype),
            selected,
            entries,
            factors.astype(values.dtype),
            directions,
            _left_out_error(scaled, values),
            time.perf_counter() - start,
        )

    @staticmethod
    def interpolate(scaled_mu: np.ndarray) -> RBFInterpolator:
        """Weights of the nodes, as a function of scaled mu; nodes of shape (n, p)."""
        # Interpolating the identity gives the weights, which serve data of any size.
        return RBFInterpolator(scaled_mu, np.eye(len(scaled_mu)), kernel="cubic")

    def weights(self, scaled_mu: np.ndarray) -> np.ndarray:
        """Weights of the nodes, shape (P, number of nodes), for scaled mu (P, p)."""
        return self.interpolator(scaled_mu)

    def __call__(self, weights):
        """J D of shape (P, n, k), a Tensor, for weights of the nodes."""
        _, n, k = self.values.shape
        J = tf.matmul(weights, tf.reshape(self.values, (-1, n * k)))
        return tf.reshape(J, (-1, n, k))


def leading_directions(network: FastLRNR, num_parameters: int = 1024) -> np.ndarray:
    """Directions D of shape (q, k) in which coefficients are corrected.

    All coefficients if there are at most 128; otherwise the 128 leading singular
    vectors of the hypernetwork's coefficients over the box.
    """
    q = network.layout.size
    if q <= _MAX_DIRECTIONS:
        return np.eye(q)
    mu = network.parameter_space.sample(num_parameters, "Halton")
    z = np.asarray(network.coefficients(mu), float)
    _, _, vectors = np.linalg.svd(z - z.mean(axis=0), full_matrices=False)
    return vectors[:_MAX_DIRECTIONS].T


def _jacobians(residual, network, mu, directions, pointwise, verbose) -> np.ndarray:
    """J D at the hypernetwork's coefficients, shape (n_mu, n, k)."""
    directions = tf.constant(directions, network.compute_dtype)

    @traced
    def columns(inputs, auxiliary):
        z = network.coefficients(inputs[0])
        return jacobian(residual, network, z, directions, inputs, auxiliary, pointwise)

    with progress_bar(
        "Learning the Jacobian", verbose, iterable=mu, leave=False, unit="mu"
    ) as bar:
        return np.vstack([columns(*residual.feed(one[None, :])) for one in bar])


def _left_out_error(scaled: np.ndarray, values: np.ndarray) -> float:
    """Relative error at every fifth node, interpolated from the others."""
    left_out = np.arange(len(scaled)) % 5 == 2
    if left_out.sum() == 0 or (~left_out).sum() < scaled.shape[1] + 2:
        return float("nan")
    weights = LearnedJacobian.interpolate(scaled[~left_out])(scaled[left_out])
    guess = np.tensordot(weights, values[~left_out], axes=1)
    exact = values[left_out]
    size = np.linalg.norm(exact)
    return float(np.linalg.norm(guess - exact) / size) if size > 0 else float("nan")
