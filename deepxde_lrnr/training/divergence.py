"""A meta phase that diverges is stopped, and its last finite weights are kept."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from .._deepxde import count_steps
from .._point_major import of_one
from .state import variables

# Number of steps between two checks, fewer if their batches would be so many bytes.
_EVERY = 100
_BYTES = 64 * 2**20
# Number of mu that a message lists.
_LISTED = 3


class DivergenceError(FloatingPointError):
    """A loss, or its gradient, is not finite: NaN or infinity.

    The model has been set back to its weights before that step, which are finite.

    Attributes:
        step (int): The step whose loss or gradient is not finite.
        losses: List of the names of these losses, e.g. ``["pde"]``.
        mu: Array of shape (n, p), the mu of the batch at which they are not finite.
    """

    def __init__(self, message: str, step: int, losses=(), mu=None):
        super().__init__(message)
        self.step = step
        self.losses = list(losses)
        self.mu = mu


class Watch:
    """Finds out when and where a model in training ceases to be finite.

    A step costs nothing but keeping its batch. Every so many steps all weights are
    checked; a NaN once in them stays there. If there is one, the steps since the last
    check are repeated from the weights of then, and looked at one by one.

    Args:
        model: ``deepxde_lrnr.Model``.
    """

    def __init__(self, model):
        self.model = model
        self._batches = []
        self._bytes = 0
        self._good = None
        self._step = 0

    def reset(self) -> None:
        """Takes the weights of now for the last finite ones."""
        self._keep(_values(self.model))

    def _keep(self, values) -> None:
        self._good = values
        self._step = self.model.train_state.step
        self._batches, self._bytes = [], 0

    def before_step(self, batch) -> None:
        """To be called with ``(inputs, targets, auxiliary)`` of each step."""
        if len(self._batches) >= _EVERY or self._bytes >= _BYTES:
            self.check()
        self._batches.append(batch)
        self._bytes += sum(array.nbytes for array in batch[0])
        self._bytes += sum(
            array.nbytes
            for targets in batch[2]["targets"]
            for array in targets.values()
        )

    def check(self) -> None:
        """Checks the weights.

        Raises:
            DivergenceError: If they are not finite; those before are restored.
        """
        values = _values(self.model)
        if _are_finite(values):
            self._keep(values)
            return
        last = self.model.train_state.step
        if self._good is None:
            raise DivergenceError(
                "The weights are not finite, even before training: restore() others, "
                "or make a new network.",
                last,
            )
        _assign(self.model, self._good)
        batches, self._batches = self._batches, []
        for number, batch in enumerate(batches):
            before = _values(self.model)
            step = self._step + number + 1
            if not np.isfinite(self._losses(batch)).all():
                self._set_step(step - 1)
                self._fail(step, batch)
            self.model.train_step(*batch)
            if not _are_finite(_values(self.model)):
                _assign(self.model, before)
                self._set_step(step - 1)
                self._fail(step, batch, gradients=True)
        # L-BFGS, or steps that do not repeat exactly on this device.
        _assign(self.model, self._good)
        self._set_step(self._step)
        raise DivergenceError(
            f"The training diverged: the weights are not finite at step {last}. "
            f"{self._back()}",
            last,
        )

    def check_losses(self) -> None:
        """Checks the losses that DeepXDE has just computed, at finite weights.

        Raises:
            DivergenceError: If they are not finite.
        """
        state = self.model.train_state
        train = (state.X_train, state.y_train, state.train_aux_vars)
        test = (state.X_test, state.y_test, state.test_aux_vars)
        for losses, batch in ((state.loss_train, train), (state.loss_test, test)):
            if not np.isfinite(losses).all():
                # Not for the history, which remains that of the finite steps.
                for values in vars(self.model.losshistory).values():
                    values.pop()
                self._fail(state.step, batch, of_test=batch is test)

    def _set_step(self, step: int) -> None:
        state = self.model.train_state
        count_steps(state, step - state.step)

    def _losses(self, batch) -> np.ndarray:
        return self.model.losses_of(*batch).numpy()

    def _fail(self, step: int, batch, gradients=False, of_test=False):
        mu = batch[0][0]
        finite = self._gradients_finite if gradients else self._losses_finite
        bad = ~np.array([finite(_of_one_mu(batch, j)) for j in range(len(mu))])
        whole = ~finite(batch)
        terms = bad.any(axis=0) if bad.any() else whole
        names = [n for n, t in zip(self._names(len(terms)), terms, strict=True) if t]
        culprits = mu[bad.any(axis=1)]
        what = "gradient of the loss" if gradients else "loss"
        where = "of the test" if of_test else "of the batch"
        message = (
            f"The training diverged at step {step}: the {what} of {', '.join(names)} "
            f"is not finite"
        )
        if len(culprits):
            message += f" for {self._describe(culprits)} ({len(mu)} mu {where})"
        raise DivergenceError(f"{message}. {self._back()}", step, names, culprits)

    def _back(self) -> str:
        return (
            "The model is back at its weights after step "
            f"{self.model.train_state.step}, which are finite. Try a smaller lr, or "
            "look for a division, a root or a logarithm without a value."
        )

    def _describe(self, mu) -> str:
        names = self.model.data.parameter_space.names
        listed = "; ".join(
            ", ".join(f"{n} = {v:.6g}" for n, v in zip(names, row, strict=True))
            for row in mu[:_LISTED]
        )
        more = len(mu) - _LISTED
        return f"mu: {listed}" + (f" and {more} more" if more > 0 else "")

    def _names(self, count: int) -> list[str]:
        regularized = self.model.net.regularizer is not None
        names = self.model.data.losses.names(count - regularized)
        return names + ["regularization"] * regularized

    def _losses_finite(self, batch) -> np.ndarray:
        return np.isfinite(self._losses(batch))

    def _gradients_finite(self, batch) -> np.ndarray:
        weights = self.model.trained_variables
        with tf.GradientTape(persistent=True) as tape:
            losses = tf.unstack(self.model.losses_of(*batch))
        return np.array(
            [
                _are_finite(
                    [
                        gradient.numpy()
                        for gradient in tape.gradient(loss, weights)
                        if gradient is not None
                    ]
                )
                for loss in losses
            ]
        )


def _values(model) -> list[np.ndarray]:
    return [np.array(v.numpy()) for v in variables(model)]


def _assign(model, values) -> None:
    for variable, value in zip(variables(model), values, strict=True):
        variable.assign(value)


def _are_finite(values) -> bool:
    return all(np.isfinite(value).all() for value in values)


def _of_one_mu(batch, j: int):
    """The part of a batch, which has point-major rows, for the mu number j."""
    inputs, _, auxiliary = batch
    mu = inputs[0]
    targets = [
        {name: of_one(array, len(mu), j) for name, array in arrays.items()}
        for arrays in auxiliary["targets"]
    ]
    inputs = tuple(np.ascontiguousarray(of_one(array, len(mu), j)) for array in inputs)
    return inputs, None, {**auxiliary, "targets": targets}
