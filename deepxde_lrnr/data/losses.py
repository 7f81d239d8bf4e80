"""Losses of the meta phase: those of the errors of a batch, and of measurements."""

from __future__ import annotations

import tensorflow as tf

from .._user_errors import as_it_is
from .deformation import HIGHEST_ORDER, pulled_back
from .errors import Errors, as_columns, check_entries, error_names


class Losses:
    """One for each equation and each IC/BC; called by DeepXDE.

    Measurements hold at their own mu only: they are losses of the meta phase, and no
    errors of the problem for every mu.

    Args:
        errors: Those of the problem.
        names: Of all IC/BC, those that are measurements among them.
        measured: ``ParametricPointSetBC`` with mu of their own, by their places there.
        located: With a deformation, the reference points of each of them and J^-1
            there.
    """

    def __init__(self, errors: Errors, names: list[str], measured: dict, located: dict):
        self._errors, self._bc_names = errors, names
        self._measured, self._located = measured, located

    def __call__(self, targets, outputs, loss_fn, inputs, model, aux=None) -> list:
        """As ``dde.data.Data.losses``."""
        mu, net = inputs[0], model.net
        ours = hasattr(net, "coefficients")  # a ParametricNN; others may be tried too
        if ours and not getattr(model, "is_parametric", False):
            raise as_it_is(
                TypeError(
                    f"model is a {type(model).__module__}.{type(model).__name__}; a "
                    f"{type(net).__name__} is trained by deepxde_lrnr.Model(data, "
                    "net), which takes the arguments of dde.Model and predicts for "
                    "any mu."
                )
            )

        def at_pairs(mu, x, *reference, order=None):
            # Not net itself, which adds its regularization to the loss in each call.
            if ours:
                rows = mu, x, *reference
                more = pulled_back(self._errors.deformation, rows, x, order)
                return net.evaluate(mu, x, net.coefficients(mu), *more)
            return net((mu, x))

        def function(x):
            if aux:
                return aux[0]((mu, x, *inputs[2:]))
            return at_pairs(mu, x, *inputs[2:])

        auxiliary = net.auxiliary_vars
        errors = self._errors(inputs, outputs, auxiliary, function)
        measurements = auxiliary.get("measurements") or self.measurements()
        self._insert_measured(errors, measurements, at_pairs)
        names = self.names(len(errors))
        if model.loss_weights is not None:
            more = ["regularization"] * (net.regularizer is not None)
            check_entries("loss_weights", model.loss_weights, names + more)
        if not isinstance(loss_fn, (list, tuple)):
            loss_fn = [loss_fn] * len(errors)
        check_entries("loss", loss_fn, names)
        return [f(tf.zeros_like(e), e) for f, e in zip(loss_fn, errors, strict=True)]

    def _insert_measured(self, errors: list, measurements: list, at_pairs) -> None:
        """Puts the errors at measurements in their places among the others."""
        num_pde = len(errors) - len(self._errors.conditions)
        for (i, bc), arrays in zip(self._measured.items(), measurements, strict=True):
            mu, x, values, *reference = map(tf.convert_to_tensor, arrays)
            # An operator takes derivatives of any order, u itself none.
            order = HIGHEST_ORDER if bc.operator else 0

            def at_own(mu, x, reference=reference, order=order):
                return at_pairs(mu, x, *reference, order=order)

            error = bc.measured_error(at_own, mu, x, values)
            rows = x.shape[0]
            error = as_columns(error, rows, rows, self._bc_names[i])
            errors.insert(num_pde + i, error)

    def measurements(self, most: int | None = None) -> list:
        """Arrays (mu, x, values) of each set of measurements, at most so many.

        With a deformation, the reference points and J^-1 there as well.
        """
        return [
            bc.measurements(most, *self._located.get(i, ()))
            for i, bc in self._measured.items()
        ]

    def names(self, num_losses: int) -> list[str]:
        """Names of so many losses in messages: equations, then all IC/BC."""
        return error_names(num_losses, self._bc_names)

    def weights_of_errors(self, loss_weights, regularized: bool):
        """Loss weights without those of measurements, which ``Errors`` do not have.

        Args:
            loss_weights: ``None``, or a list as for ``Model.compile``.
            regularized: Whether the last one is for the network's regularization.
        """
        if loss_weights is None or not self._measured:
            return loss_weights
        num_pde = len(loss_weights) - len(self._bc_names) - regularized
        left_out = {num_pde + i for i in self._measured}
        return [w for k, w in enumerate(loss_weights) if k not in left_out]
