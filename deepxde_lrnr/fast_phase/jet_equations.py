"""The user's residual as a function of jets of the network at the points.

A PDE sees a network through its derivatives at one point at a time. So at each point
the network is replaced by the polynomial that has these derivatives there, and the
user's own ``pde``, output transform and IC/BC, through DeepXDE's machinery, give the
residual of the network, on a graph of a few numbers a row. No network is
differentiated.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._point_major import repeated, rows_at, rows_of
from .._tracing import CompiledOnce, traced
from .._workspace import Workspace
from ..data.blocks import Block, make_blocks
from ..data.deformation import row_weights
from ..data.residual import Residual
from ..data.rows import Rows
from ..taylor.jets import MultiIndices
from .trial_space import TrialSpace


class Linearised(NamedTuple):
    """The residual at a readout.

    Attributes:
        fitted: Weighted residuals at the points fitted, shape (n,): their sum of
            squares is DeepXDE's weighted MSE loss.
        held_out: The same at the points held out.
        jacobian: Derivatives of ``fitted`` by the readout, shape (n, ``space.size``),
            or a function without arguments that computes them.
    """

    fitted: np.ndarray
    held_out: np.ndarray
    jacobian: object

    def projected(self, factors) -> tuple[np.ndarray, np.ndarray]:
        """``factors.project(fitted)``."""
        return factors.project(self.fitted)


class JetEquations:
    """Residuals of one mu as functions of the readout, through jets.

    Args:
        residual: At the points fitted: problem, points and loss weights.
        held_out: At the points held out.
        space: The trial space.
        indices: Which derivatives the jets have.
        xla: Whether XLA compiles the residual, if it can: worth it for many solves.

    Attributes:
        points: Points of all blocks, in double precision, shape (n, d).
        blocks: ``Block`` of the PDE, then of each IC/BC.
    """

    def __init__(
        self,
        residual: Residual,
        held_out: Residual,
        space: TrialSpace,
        indices: MultiIndices,
        xla: bool = False,
    ):
        self.residual = residual
        self.indices = indices
        self.blocks = make_blocks(residual, held_out)
        self.points = np.vstack([block.points for block in self.blocks])
        self._precision = space.precision
        self._evaluate = CompiledOnce(self._with_derivatives, xla)
        self._deformation = residual.data.deformation
        # Known once it is traced: for each block the columns of each of its errors.
        self._columns = []
        self._factors = []
        self._structure = []  # of what is constant
        self._take(space)

    @property
    def num_equations(self) -> int:
        """Residuals of the PDE at a point, 1 if there is none; known once evaluated."""
        return sum(self._columns[0]) if self.blocks[0].condition is None else 1

    def settle(self, mu: np.ndarray, readout: np.ndarray) -> None:
        """Finds out in which precision each function of the user's can be computed.

        Raises:
            Exception: What one raises that can be computed in none.
        """
        mu = np.asarray(mu, float).reshape(1, -1)
        arguments = self._arguments(mu, readout)
        for block in self.blocks:

            def run(dtype, block=block):
                def errors(jets, mu, *others):
                    return self._block(block, dtype, jets, mu, self._packed(others))[0]

                return traced(errors)(*arguments)

            self._precision.settle(block.name, run)
        self._evaluate = CompiledOnce(self._with_derivatives, self._evaluate.uses_xla)

    def _take(self, space) -> None:
        self.space = space
        self._functions = space.at_points(self.indices, self.points)

    def of(self, space) -> JetEquations:
        """The same residual for another trial space of the family.

        Nothing is traced anew.
        """
        other = copy.copy(self)
        other._take(space)
        return other

    # What TensorFlow computes

    def _block(self, block: Block, dtype, jets, mu, others):
        """Errors of a block by DeepXDE's machinery, and the jets they depend on.

        Args:
            block: The block.
            dtype: Precision in which the user's function is called.
            jets: Jets of N at all points, in point-major rows if there are several mu.
            mu: Tensor of shape (P, p), P known.
            others: What else ``_constants`` computes, from ``_packed``.

        Returns:
            List of Tensors of shape (``block.count`` P, number of columns), and Tensor.
        """
        data, num_mu = self.residual.data, mu.shape[0]
        rows = rows_at(block.rows, num_mu)
        part = jets[:, :, rows]
        points = repeated(block.points, num_mu)
        mu_rows = rows_of(mu, points)
        if self._deformation is None:
            x, inverse = tf.constant(points, dtype), None
            # Where x really is, in its precision; derivatives by x do not see it.
            center = tf.stop_gradient(tf.cast(x, tf.float64))

            def distance(x):
                return x - center
        else:
            exact, known = (others[name][rows] for name in ("x", "inverse"))
            inverse = tf.cast(known, dtype)
            x, points = tf.cast(exact, dtype), None
            rounding = exact - tf.cast(x, tf.float64)

            def distance(x):
                own = mu_rows, x + rounding, reference, known, self.indices.order
                return self._deformation.pull_back(*own) - reference

            reference = tf.constant(repeated(block.points, num_mu))

        def u_of(x):
            x = tf.cast(x, tf.float64)
            values = tf.transpose(self.indices.polynomial(part, distance(x)))
            u = self._precision.output_transform(mu_rows, x, values)
            return tf.cast(u, dtype)

        own = others["blocks"][block.name]
        own = {k: tf.cast(v, dtype) for k, v in own.items()}
        places = 0, x.shape[0], True
        rows = Rows(
            x, num_mu, *places, u_of, inverse=inverse, mu=tf.cast(mu_rows, dtype)
        )
        if block.condition is None:
            errors = data.errors.pde_at(rows, u_of(x))
            if "weights" in own:
                errors = [error * own["weights"] for error in errors]
        else:
            condition = data.conditions[block.condition]
            if points is not None:
                points = points.astype(dtype.as_numpy_dtype)
            arguments = condition, rows, u_of(x), own, points
            errors = [data.errors.condition_at(*arguments)]
        # DeepXDE keeps the derivatives it took, and with them this whole graph.
        dde.grad.clear()
        return errors, part

    def _packed(self, flat) -> dict:
        """What ``_constants`` computes beside mu, from Tensors of it."""
        return tf.nest.pack_sequence_as(self._structure[0], flat)

    def _with_derivatives(self, jets, mu, *others):
        """Columns of the errors of each block, and their derivatives by the jets."""
        others = self._packed(others)
        errors, slopes = [], []
        self._columns.clear()
        for block in self.blocks:
            dtype = self._precision.dtype(block.name)
            found, part = self._block(block, dtype, jets, mu, others)
            if any(error.dtype != dtype for error in found):
                raise TypeError(f"{block.name} is not computed in {dtype.name}.")
            self._columns.append([error.shape[1] for error in found])
            columns = [
                tf.cast(error[:, column], tf.float64)
                for error in found
                for column in range(error.shape[1])
            ]
            errors.append(tf.stack(columns))
            gradients = [
                tf.gradients(column, part, unconnected_gradients="zero")[0]
                for column in columns
            ]
            slopes.append(tf.stack(gradients))
        return errors, slopes

    # What NumPy gets

    def at(self, mu: np.ndarray, workspace: Workspace | None = None):
        """The residual for one mu.

        Args:
            mu: Array of shape (p,).
            workspace: Memory to be used; what it was used for before is lost.

        Returns:
            Function of a readout, shape (``space.size``,), to ``Linearised``.
        """
        workspace = workspace or Workspace()
        mu = np.asarray(mu, float).reshape(1, -1)
        functions = self._functions(mu, workspace)
        others = self._constants(mu)
        num_outputs = self.space.num_outputs
        shape = len(functions), num_outputs, functions.shape[-1]

        def evaluate(readout: np.ndarray) -> Linearised:
            jets = workspace.empty("jets", shape)
            np.matmul(readout.reshape(num_outputs, -1), functions, out=jets)
            errors, slopes = self._evaluate.read(jets, *others)
            return self._split(errors, slopes, functions, workspace)

        return evaluate

    def _constants(self, mu: np.ndarray) -> list:
        """What the residual depends on beside the jets: mu, of shape (P, p); for each
        IC/BC the values and normals at its points; and where the geometry depends on mu
        the points, J^-1 there, and weights of the rows.
        """
        conditions, others = self.residual.data.conditions, {}
        deformed = self.residual.data.deformed(self.points, mu)
        if deformed is not None:
            others = {"x": deformed.x, "inverse": deformed.inverse}
        blocks = {}
        for block in self.blocks:
            targets = {}
            part = None if deformed is None else deformed[block.rows]
            if block.condition is not None:
                condition = conditions[block.condition]
                targets = condition.targets(block.points, mu, block.selection, part)
            if part is not None:
                sizes = part.volumes
                if block.condition is not None:
                    sizes = condition.sizes(block.points, part)
                targets["weights"] = row_weights(sizes, len(mu), block.num_fitted)
            blocks[block.name] = targets
        structure = {"blocks": blocks, **others}
        self._structure[:] = [structure]
        return [tf.constant(a) for a in (mu, *tf.nest.flatten(structure))]

    def _arguments(self, mu: np.ndarray, readout: np.ndarray) -> list:
        jets = readout.reshape(self.space.num_outputs, -1) @ self._functions(mu)
        return [tf.constant(jets), *self._constants(mu)]

    def sensitivities(self, mu: np.ndarray, readout: np.ndarray) -> np.ndarray:
        """Largest slope by each derivative of N, shape (number of indices,)."""
        mu = np.asarray(mu, float).reshape(1, -1)
        _, slopes = self._evaluate(*self._arguments(mu, readout))
        largest = [np.abs(slope).max(axis=(0, 2, 3)) for slope in slopes]
        # What is not a number may depend on all of them.
        return np.max(np.nan_to_num(largest, nan=1.0), axis=0)

    def _split(self, errors, slopes, functions, workspace) -> Linearised:
        fitted, held_out = self._weighted([np.asarray(e)[None] for e in errors])
        return Linearised(
            fitted[0], held_out[0], lambda: self._jacobian(slopes, functions, workspace)
        )

    def _weighted(self, errors) -> tuple[np.ndarray, np.ndarray]:
        """Residuals fitted and held out, from errors of each block for several mu."""
        if not self._factors:
            self._factors += self._all_factors()
        fitted, held_out = [], []
        for block, error, (own, others) in zip(
            self.blocks, errors, self._factors, strict=True
        ):
            n = block.num_fitted
            fitted.append((error[..., :n] * own).reshape(len(error), -1))
            held_out.append((error[..., n:] * others).reshape(len(error), -1))
        return np.concatenate(fitted, axis=1), np.concatenate(held_out, axis=1)

    def _all_factors(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each block the factors of its columns, where fitted and where held out:
        the root of the loss weight over the number of entries of the error.
        """
        weights = iter(self.residual.weights_of(sum(map(len, self._columns))))
        factors = []
        for block, columns in zip(self.blocks, self._columns, strict=True):
            squares = [np.full(q, next(weights) / q) for q in columns]
            roots = np.sqrt(np.concatenate(squares))[:, None]
            n = block.num_fitted
            factors.append(
                (roots / np.sqrt(n), roots / np.sqrt(max(block.count - n, 1)))
            )
        return factors

    def _jacobian(
        self, slopes, functions: np.ndarray, workspace: Workspace
    ) -> np.ndarray:
        """Derivatives of the residuals at the points fitted by the readout."""
        k, num_outputs = self.space.num_functions, self.space.num_outputs
        sizes = [
            len(s) * b.num_fitted for s, b in zip(slopes, self.blocks, strict=True)
        ]
        # Columns contiguous, as LAPACK wants them.
        J = workspace.empty("jacobian", (num_outputs * k, sum(sizes)))
        first = 0
        for slope, block, (factors, _) in zip(
            slopes, self.blocks, self._factors, strict=True
        ):
            slope = np.asarray(slope) * factors[:, :, None, None]
            n = block.num_fitted
            starts = [0, block.count] if block.paired else [0]
            for column in slope:
                for c in range(num_outputs):
                    terms = [
                        (column[i, c, start : start + n], functions[i], start)
                        for start in starts
                        for i in range(len(functions))
                    ]
                    out, own = J[c * k : (c + 1) * k, first : first + n], None
                    for weights, values, start in terms:
                        if not weights.any():
                            continue
                        begin = block.start + start
                        values = values[:, begin : begin + n]
                        if own is None:
                            own = np.multiply(weights, values, out=out)
                        else:
                            part = workspace.empty(("part", n), (k, n))
                            own += np.multiply(weights, values, out=part)
                    if own is None:
                        out[...] = 0
                first += n
        return J.T
