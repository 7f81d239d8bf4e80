"""The residual as a function of the coefficients of a reduced basis."""

from __future__ import annotations

import copy

import numpy as np
import tensorflow as tf

from .._tracing import CompiledOnce
from .._workspace import Workspace
from ..data.residual import Residual
from ..fast_phase.jet_equations import JetEquations
from ..fast_phase.parallel import AT_ONCE
from ..taylor.jets import MultiIndices
from .jacobians import Stack

# Fewer mu are evaluated one by one.
_FEW = AT_ONCE // 4


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
        self._together = _Together(self)

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
            Function of coefficients, shape (n,), to ``BasisLinearised``.
        """
        each = self.at_each(np.asarray(mu, float).reshape(1, -1), workspace)
        return lambda coefficients: each([0], [coefficients])[0]

    def at_each(self, mu: np.ndarray, workspace: Workspace | None = None):
        """The residuals for several mu.

        Args:
            mu: Array of shape (k, p).
            workspace: As for ``at``.

        Returns:
            Function of the numbers of some mu, and coefficients for each of them, to a
            list of ``BasisLinearised``, for ``minimise_each``.
        """
        workspace = workspace or Workspace()
        constants, start = {}, True

        def constants_of(*numbers):
            if numbers not in constants:
                constants[numbers] = self._constants(mu[list(numbers)])
            return constants[numbers]

        def evaluate(numbers, coefficients):
            nonlocal start
            jets = self._jets(np.array(coefficients), workspace)
            count = len(numbers)
            if count > _FEW and self._together.usable:
                # The last ones again and again, so that the shape is always the same.
                padded = *numbers, *[numbers[-1]] * (AT_ONCE - count)
                jets[count:] = jets[count - 1]
                errors, slopes = self._together(jets, constants_of(*padded))
            else:
                found = [
                    self._evaluate.read(j, *constants_of(i))
                    for i, j in zip(numbers, jets, strict=False)
                ]
                errors, slopes = map(_stacked, zip(*found, strict=True))
            fitted, held_out = self._weighted([e[:count] for e in errors])

            def make(part):
                name = "all" if together else numbers[part.start]
                some = [slope[:count][part] for slope in slopes]
                return self._jacobians(some, workspace.part(name))

            # At the start each Jacobian is needed, later few of them.
            together, start = start, False
            stack = Stack(tuple(numbers), fitted, held_out, make, together)
            return stack.linearised()

        return evaluate

    def prepare_many(self, mu: np.ndarray) -> None:
        """Compiles what evaluates many mu together, once; not for several threads.

        Args:
            mu: Array of shape (p,), at which it is tried.
        """
        if not self._together.tried:
            size = self._basis.shape[2]
            coefficients = np.random.default_rng(0).standard_normal((AT_ONCE, size))
            jets = self._jets(coefficients, Workspace())
            constants = [
                self._constants(m) for m in (mu[None], np.tile(mu, (AT_ONCE, 1)))
            ]
            self._together.try_with(jets, *constants)

    def _jets(self, coefficients: np.ndarray, workspace: Workspace) -> np.ndarray:
        """Jets of N for coefficients of shape (k, n), in an array for ``AT_ONCE``."""
        num_indices, num_outputs, _, num_points = self._basis.shape
        size = 1 if len(coefficients) == 1 else AT_ONCE
        jets = workspace.empty("jets", (size, num_indices, num_outputs, num_points))
        # A product for each mu, so that it is the same whatever mu are beside it.
        out = jets[: len(coefficients), :, :, None]
        np.matmul(coefficients[:, None, None, None], self._basis, out=out)
        return jets

    def _jacobians(self, slopes, memory: Workspace) -> np.ndarray:
        """Transposed Jacobians, shape (k, n, number of residuals)."""
        functions = self._basis
        sizes = [
            s.shape[1] * b.num_fitted for s, b in zip(slopes, self.blocks, strict=True)
        ]
        shape = len(slopes[0]), functions.shape[2], sum(sizes)
        J, first = memory.empty("jacobians", shape), 0
        for slope, block, (factors, _) in zip(
            slopes, self.blocks, self._factors, strict=True
        ):
            count = block.num_fitted
            slope = slope * factors[:, :, None, None]
            starts = [0, block.count] if block.paired else [0]
            for column in range(slope.shape[1]):
                out = J[:, :, first : first + count]
                for start in starts:
                    rows = slice(block.start + start, block.start + start + count)
                    weights = slope[:, column, :, :, start : start + count]
                    part = weights, functions[..., rows]
                    if start:
                        out += np.einsum("kdop,donp->knp", *part)
                    else:
                        np.einsum("kdop,donp->knp", *part, out=out)
                first += count
        return J


def _stacked(of_each_mu) -> list[np.ndarray]:
    """Tensors of each block, with an axis of mu before."""
    blocks = zip(*of_each_mu, strict=True)
    # What has to be put together is copied.
    return [
        np.stack(parts) if len(parts) > 1 else np.asarray(parts[0])[None]
        for parts in blocks
    ]


class _NoFunctions:
    """No trial functions: ``of`` gives the equations a basis."""

    num_functions = size = 0

    def __init__(self, precision, num_outputs: int):
        self.precision, self.num_outputs = precision, num_outputs

    def at_points(self, indices, points):
        """Nothing; as ``TrialSpace.at_points``."""
        return None


class _Together:
    """The residuals of ``AT_ONCE`` mu in one call of TensorFlow.

    A small residual takes less time than the call. XLA compiles another program for
    more rows, which might round otherwise: it is used if it gives the same to the bit.

    Args:
        equations: Whose residual it is.

    Attributes:
        tried: Whether ``usable`` is known.
        usable: Whether it gives what one call for each mu gives.
    """

    tried = usable = False

    def __init__(self, equations: BasisEquations):
        self._equations = equations
        self._evaluate = CompiledOnce(self._of_many)

    def _of_many(self, jets, mu, *targets):
        num_mu, num_indices, num_outputs, _ = jets.shape
        rows = tf.transpose(jets, (1, 2, 3, 0))
        rows = tf.reshape(rows, (num_indices, num_outputs, -1))
        found = self._equations._with_derivatives(rows, mu, *targets)

        def by_mu(of_rows):
            parts = tf.reshape(of_rows, (*of_rows.shape[:-1], -1, num_mu))
            last = len(parts.shape) - 1
            return tf.transpose(parts, (last, *range(last)))

        return tuple([by_mu(block) for block in blocks] for blocks in found)

    def __call__(self, jets: np.ndarray, constants) -> list[list[np.ndarray]]:
        """Errors and slopes of each block, with an axis of mu before."""
        found = self._evaluate.read(jets, *constants)
        return [[np.asarray(block) for block in blocks] for blocks in found]

    def try_with(self, jets, constants, constants_of_many) -> None:
        """Finds out whether it is usable.

        Args:
            jets: As for ``__call__``.
            constants: Those of the residual at a mu.
            constants_of_many: Those for this mu again and again.
        """
        together = self(jets, constants_of_many)
        alone = [self._equations._evaluate.read(j, *constants) for j in jets]
        self.usable = all(
            np.array_equal(block[i], one, equal_nan=True)
            for i, found in enumerate(alone)
            for block, one in zip(
                tf.nest.flatten(together), tf.nest.flatten(found), strict=True
            )
        )
        self.tried = True
