"""The functions of a reduced basis: combinations of solutions of the fast phase."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import tensorflow as tf

from .._point_major import rows_of
from .._workspace import Workspace
from ..fast_phase.trial_space import TrialSpace, reference_of
from ..taylor.jets import MultiIndices
from .values import BasisValues

# Points at which the trial functions are computed at once: bounds the memory.
_MAX_POINTS = 512


class BasisFunctions:
    """Functions Phi_1(x), ..., Phi_n(x), of which a solution is a combination.

    With N(x; mu_j), what the fast phase found for the network's output at the chosen
    mu_j,

        Phi_i(x) = sum_j A_ji N(x; mu_j),    u(x; mu) = T((mu, x), sum_i c_i Phi_i(x)),

    T being the output transform: a constraint that it imposes holds for
    every combination. A function has all components of N, so that a system has no more
    unknowns than a scalar problem.

    Args:
        space: The trial space in which they were solved.
        mu: The chosen mu_j, shape (m, p).
        readouts: Their readouts, shape (m, ``space.size``).
        transform: A, shape (m, n), n at most m.

    Attributes:
        size: n.
        num_outputs: Number of components of N.
    """

    def __init__(self, space: TrialSpace, mu, readouts, transform):
        self.space = space
        self.precision, self.parameter_space = space.precision, space.parameter_space
        self.mu = np.asarray(mu, float)
        self.readouts = np.asarray(readouts, float)
        self.transform = np.asarray(transform, float)
        self.size, self.num_outputs = self.transform.shape[1], space.num_outputs

    def jets(self, indices: MultiIndices, points: np.ndarray) -> np.ndarray:
        """Jets of the basis functions.

        Args:
            indices: Which derivatives.
            points: Array of shape (N, d).

        Returns:
            Array of shape (number of indices, number of components, n, N).
        """
        points = np.asarray(points, float)
        parts = [
            self._jets(indices, points[i : i + _MAX_POINTS])
            for i in range(0, max(len(points), 1), _MAX_POINTS)
        ]
        return np.concatenate(parts, axis=-1)

    def _jets(self, indices, points) -> np.ndarray:
        functions = self.space.at_points(indices, points, keep=False)
        workspace = Workspace()
        solutions = np.empty(
            (len(indices), self.num_outputs, len(self.mu), len(points)), float
        )
        for j, (mu, readout) in enumerate(zip(self.mu, self.readouts, strict=True)):
            solutions[:, :, j] = solution_jets(
                functions(mu[None], workspace), readout, self.num_outputs
            )
        return self.transform.T @ solutions

    @cached_property
    def values(self) -> BasisValues:
        """Values at points, a function to shape (number of components, n, N)."""
        space = self.space
        return BasisValues(
            space.solution_values(self.mu, self.readouts),
            self.mu,
            self.transform,
            space.features,
            space.takes_parameters,
        )

    def evaluate(self, mu, x, coefficients, reference=None):
        """u by TensorFlow, where derivatives of it are asked for.

        Args:
            mu: Tensor of shape (P, p).
            x: Tensor of shape (N P, d), point-major.
            coefficients: Tensor of shape (P, n).
            reference: ``None``, or the reference points of x.

        Returns:
            Tensor of shape (N P, number of components), in double precision.
        """
        mu, x, c = (tf.cast(a, tf.float64) for a in (mu, x, coefficients))
        # Of the solutions.
        weights = rows_of(tf.matmul(c, self.transform, transpose_b=True), x)
        # Each row for each of the mu that the basis is made of.
        rows = tf.repeat(reference_of(x, reference), len(self.mu), axis=0)
        values = self.space.combine(tf.constant(self.mu), rows, self.readouts)
        values = tf.reshape(values, (-1, len(self.mu), self.num_outputs))
        total = tf.einsum("rj,rjc->rc", weights, values)
        return self.precision.output_transform(rows_of(mu, x), x, total)


def solution_jets(functions: np.ndarray, readout: np.ndarray, num_outputs: int):
    """Jets of N from those of the trial functions.

    Args:
        functions: Shape (number of indices, k, N).
        readout: Shape (k times the number of components,).
        num_outputs: Number of components.

    Returns:
        Array of shape (number of indices, number of components, N).
    """
    return readout.reshape(num_outputs, -1) @ functions
