"""The residual as a function of the coefficients of a reduced basis."""

from __future__ import annotations

import copy

import numpy as np
import tensorflow as tf

from ..data.residual import Residual
from ..fast_phase.jet_equations import JetEquations, Linearised
from ..taylor.jets import MultiIndices
from ..taylor.workspace import Workspace


class BasisEquations(JetEquations):
    """Residuals of one mu; the jets of the basis at the points are constants.

    Args:
        residual: At the points fitted.
        held_out: At the points held out.
        precision: Of the user's functions.
        num_outputs: Number of components of N.
        indices: Which derivatives the jets have.
    """

    def __init__(
        self,
        residual: Residual,
        held_out: Residual,
        precision,
        num_outputs: int,
        indices: MultiIndices,
    ):
        space = _NoFunctions(precision, num_outputs)
        super().__init__(residual, held_out, space, indices, xla=True)

    def of(self, jets: np.ndarray) -> BasisEquations:
        """The same residual for another basis; nothing is traced anew.

        Args:
            jets: Those of the basis at ``points``, shape (number of indices, number of
                components, n, number of points).
        """
        other = copy.copy(self)
        other._basis = np.ascontiguousarray(jets)
        return other

    def at(self, mu: np.ndarray, workspace: Workspace | None = None):
        """The residual for one mu.

        Args:
            mu: Array of shape (p,).
            workspace: Memory to be used; what it was used for before is lost.

        Returns:
            Function of coefficients, shape (n,), to ``Linearised``.
        """
        workspace = workspace or Workspace()
        others = self._constants(np.asarray(mu, float).reshape(1, -1))
        shape = len(self.indices), self.space.num_outputs, self._basis.shape[-1]

        def evaluate(coefficients: np.ndarray) -> Linearised:
            jets = workspace.empty("jets", shape)
            np.matmul(coefficients, self._basis, out=jets)
            errors, slopes = self._evaluate(tf.constant(jets), *others)
            return self._split(errors, slopes, self._basis, workspace)

        return evaluate

    def _jacobian(self, slopes, functions: np.ndarray, workspace) -> np.ndarray:
        """Derivatives of the residuals at the points fitted by the coefficients."""
        n = functions.shape[2]
        sizes = [
            len(s) * b.num_fitted for s, b in zip(slopes, self.blocks, strict=True)
        ]
        # Columns contiguous, as LAPACK wants them.
        J = workspace.empty("jacobian", (n, sum(sizes)))
        first = 0
        for slope, block, (factors, _) in zip(
            slopes, self.blocks, self._factors, strict=True
        ):
            count = block.num_fitted
            slope = np.asarray(slope) * factors[:, :, None, None]
            starts = [0, block.count] if block.paired else [0]
            part = workspace.empty(("part", count), (n, count))
            for column in slope:
                out = J[:, first : first + count]
                out[...] = 0
                for start in starts:
                    rows = slice(block.start + start, block.start + start + count)
                    for weights, values in zip(column, functions, strict=True):
                        for w, v in zip(
                            weights[:, start : start + count], values, strict=True
                        ):
                            if w.any():
                                out += np.multiply(w, v[:, rows], out=part)
                first += count
        return J.T


class _NoFunctions:
    """No trial functions: ``of`` gives the equations a basis."""

    num_functions = size = 0

    def __init__(self, precision, num_outputs: int):
        self.precision, self.num_outputs = precision, num_outputs

    def at_points(self, indices, points):
        """Nothing; as ``TrialSpace.at_points``."""
        return None
