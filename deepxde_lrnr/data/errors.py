"""Errors of a problem for many mu at once, by DeepXDE's own machinery."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import replace

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._checks import num_args
from .._point_major import repeated, rows_of
from .._user_errors import calling
from .conditions import Condition
from .deformation import Deformation
from .rows import Rows, known_rows, refuse_elsewhere


class Errors:
    """Errors of the PDE and of each IC/BC.

    Args:
        problem: ``dde.data.PDE``, whose ``pde`` it is, if there is one.
        conditions: The IC/BC.
        deformation: ``None``, or the ``Deformation`` of the geometry.
    """

    def __init__(
        self,
        problem,
        conditions: list[Condition],
        deformation: Deformation | None = None,
    ):
        self.problem, self.conditions = problem, conditions
        self.deformation = deformation

    def __call__(self, inputs, outputs, auxiliary, function=None) -> list:
        """Errors of a batch.

        Args:
            inputs: Tensors ``(mu, x)`` of shapes (P, p) and (N P, d), from
                ``ParametricPDE.batch``.
            outputs: Tensor of shape (N P, number of components).
            auxiliary: Auxiliary variables from there.
            function: x -> outputs, of Tensors; for forward-mode autodiff and for
                ``values_at``.

        Returns:
            List of Tensors of shape (N_i P, number of errors): those of the PDE, at its
            own points, then one for each IC/BC (N_i being the number of pairs if its
            points are paired).

        Raises:
            ValueError: If an error has the wrong shape.
        """
        errors = []
        if self.problem.pde is not None:
            *_, rows = self._rows(inputs, auxiliary, function)
            errors = [error[rows.begin :] for error in self.pde_at(rows, outputs)]
            if self.deformation is not None:
                weights = auxiliary["targets"][-1]["weights"]
                errors = [error * weights for error in errors]
        errors += [
            self.of_condition(i, inputs, outputs, auxiliary, function)
            for i in range(len(self.conditions))
        ]
        return errors

    def of_condition(self, i: int, inputs, outputs, auxiliary, function=None):
        """Error of the IC/BC number i; arguments and errors as for a call."""
        condition, points = self.conditions[i], None
        rows = self._rows(inputs, auxiliary, function)[i]
        if condition.keeps_all_points and auxiliary["frozen"] is not None:
            points = self._frozen_rows(auxiliary, rows)
        targets = auxiliary["targets"][i]
        return self.condition_at(condition, rows, outputs, targets, points)

    def pde_at(self, rows: Rows, outputs) -> list:
        """Errors of the PDE at every row, of which its own points have some.

        Args:
            rows: The rows.
            outputs: Tensor of shape (rows, number of components).

        Returns:
            List of Tensors of shape (rows, number of columns).
        """
        forward = dde.config.autodiff == "forward"
        u = (outputs, rows.function) if forward else outputs
        pde = self.problem.pde
        with self._calling("pde", rows):
            f = pde(*(rows.x, u, rows.mu)[: num_args(pde)])
        f = f if isinstance(f, (list, tuple)) else [f]
        number = rows.x.shape[0]
        return [as_columns(fi, number, number, "pde") for fi in f]

    def condition_at(
        self, condition: Condition, rows: Rows, outputs, targets, points=None
    ):
        """Error of an IC/BC at its own rows.

        Args:
            condition: The IC/BC.
            rows: The rows.
            outputs: As for ``pde_at``.
            targets: Of this IC/BC, as Tensors.
            points: What DeepXDE hands to user code as NumPy points of all rows, if the
                condition keeps all its points; ``None`` with a deformation.
        """
        rows = condition.rows(rows)
        with self._calling(f"The function of {condition.name}", rows):
            error = condition.error(points, rows, outputs, targets)
        number = rows.end - rows.begin
        number = condition.count(number)
        error = as_columns(error, number, rows.x.shape[0], condition.name)
        return error * targets["weights"] if "weights" in targets else error

    @contextlib.contextmanager
    def _calling(self, name: str, rows: Rows):
        """Within it a function of the user's is called with some rows."""
        if self.deformation is not None:
            # Reference points are known at the rows.
            rows = replace(rows, function=refuse_elsewhere)
        with calling(name), known_rows(rows):
            yield

    def _rows(self, inputs, auxiliary, function) -> list[Rows]:
        """Rows of a batch: those of each IC/BC, then those of the PDE."""
        mu, x, *more = inputs
        num_mu, number = mu.shape[0], x.shape[0]
        rows = Rows(
            *(x, num_mu, 0, number, True, function),
            inverse=more[1] if more else None,
            mu=rows_of(mu, x),
        )
        ends = [int(n) * num_mu for n in np.cumsum([0, *auxiliary["counts"]])]
        return [
            replace(rows, begin=begin, end=end)
            for begin, end in itertools.pairwise([*ends, number])
        ]

    def _frozen_rows(self, auxiliary, rows: Rows) -> np.ndarray:
        """Points as the NumPy rows that DeepXDE hands to user code while tracing.

        Only the rows of the IC/BC that look at them are meaningful: the other points
        may differ from batch to batch.
        """
        blocks = [
            block if condition.keeps_all_points else np.repeat(block[:1], count, axis=0)
            for condition, block, count in zip(
                self.conditions,
                auxiliary["frozen"].blocks,
                auxiliary["counts"],
                strict=True,
            )
        ]
        found = repeated(np.vstack(blocks), rows.num_mu)
        filler = np.repeat(found[-1:], rows.x.shape[0] - len(found), axis=0)
        return np.vstack((found, filler)).astype(rows.x.dtype.as_numpy_dtype)

    def names(self, num_errors: int) -> list[str]:
        """Names of so many errors in messages: equations, then IC/BC."""
        return error_names(num_errors, [c.name for c in self.conditions])

    def check_weights(self, loss_weights, num_errors: int, regularized: bool) -> None:
        """Checks that there is one weight for each error.

        Args:
            loss_weights: List of numbers.
            num_errors: Number of errors of the PDE and the IC/BC.
            regularized: Whether one more is for the network's regularization.

        Raises:
            ValueError: If there are more or fewer; the message lists the errors.
        """
        names = self.names(num_errors) + ["regularization"] * regularized
        check_entries("loss_weights", loss_weights, names)


def error_names(num_errors: int, bc_names: list[str]) -> list[str]:
    """Names of the errors of the equations, before those of the IC/BC."""
    num_pde = num_errors - len(bc_names)
    pde = ["pde"] if num_pde == 1 else [f"pde[{i}]" for i in range(num_pde)]
    return pde + bc_names


def as_columns(error, num_rows: int, all_rows: int, name: str):
    """Error of shape (rows, k); refuses what comes of (rows, 1) times (rows,)."""
    if error is None:
        raise ValueError(
            f"{name} returned None; it must return a Tensor of shape (rows, 1), or a "
            "list of them. Is there a return?"
        )
    error = tf.convert_to_tensor(error)
    shape = error.shape
    # Sizes may be unknown (None) in forward mode.
    fits = shape.rank in (None, 1, 2) and shape[:1].is_compatible_with([num_rows])
    if not fits or (shape.rank == 2 and shape[1] in {num_rows, all_rows} - {1}):
        raise ValueError(
            f"{name} returned an error of shape {shape} for {num_rows} rows; it must "
            f"be ({num_rows}, 1). Take columns as mu[:, 0:1], not mu[:, 0]."
        )
    return tf.reshape(error, (num_rows, -1))


def check_entries(argument: str, values, names: list[str]) -> None:
    """Checks that a list has an entry for each of the names."""
    try:
        given = f"has {len(values)} entries"
        fits = len(values) == len(names)
    except TypeError:
        given, fits = f"is {values!r}", False
    if not fits:
        raise ValueError(
            f"{argument} {given}; it must be a list of {len(names)}, one for each of "
            f"{', '.join(names)}."
        )
