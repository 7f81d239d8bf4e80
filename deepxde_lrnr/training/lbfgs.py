"""L-BFGS by SciPy, on a loss and its gradient that are compiled once."""

from __future__ import annotations

from typing import NamedTuple

import deepxde as dde
import numpy as np
import tensorflow as tf
from scipy.optimize import minimize

from .._deepxde import count_steps

# Where a step takes some of the mu or of the points; more would only fit these.
_ITERATIONS_OF_A_BATCH = 20


class Steps(NamedTuple):
    """What one call of ``LBFGS`` did.

    Attributes:
        count: Number of iterations.
        message: Why SciPy stopped.
    """

    count: int
    message: str


class LBFGS:
    """Minimises the loss of a batch, from the present values of the variables.

    DeepXDE hands L-BFGS to TensorFlow Probability, whose loop runs operation by
    operation, and traces the loss anew for each batch.

    Args:
        compute_losses: Function of ``(inputs, targets, auxiliary)`` to a Tensor of
            weighted losses.
        find_variables: Function without arguments that returns the variables trained.

    Attributes:
        function: The ``tf.function`` of a batch to the loss and its gradient, flat.

    References:
        `R. H. Byrd, P. Lu, J. Nocedal, & C. Zhu. A limited memory algorithm for bound
        constrained optimization. SIAM Journal on Scientific Computing, 16(5),
        1190--1208, 1995 <https://doi.org/10.1137/0916069>`_.
    """

    def __init__(self, compute_losses, find_variables):
        self._find_variables = find_variables

        @tf.function(jit_compile=dde.config.xla_jit)
        def loss_and_gradient(inputs, targets, auxiliary):
            variables = find_variables()
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(compute_losses(inputs, targets, auxiliary))
            gradients = tape.gradient(
                loss, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            flat = [tf.reshape(tf.cast(g, tf.float64), (-1,)) for g in gradients]
            return tf.cast(loss, tf.float64), tf.concat(flat, 0)

        self.function = loss_and_gradient

    def __call__(self, inputs, targets, auxiliary, most: int) -> Steps:
        """Takes at most ``most`` iterations, as ``dde.optimizers.LBFGS_options`` say.

        The variables end at the lowest loss that was found.
        """
        batch = tf.nest.map_structure(
            lambda a: tf.constant(a) if isinstance(a, np.ndarray) else a,
            (inputs, targets, auxiliary),
        )
        variables = self._find_variables()
        start = np.concatenate([np.ravel(v).astype(float) for v in variables])
        best = [np.inf, start]

        def evaluate(values):
            _assign(variables, values)
            loss, gradient = (a.numpy() for a in self.function(*batch))
            # A comparison with NaN is false.
            if loss < best[0]:
                best[:] = loss, values.copy()
            return loss, gradient

        options = dde.optimizers.LBFGS_options
        try:
            result = minimize(
                evaluate,
                start,
                method="L-BFGS-B",
                jac=True,
                options={
                    "maxiter": most,
                    **{k: options[k] for k in ("maxcor", "ftol", "gtol", "maxls")},
                    "maxfun": options["maxfun"],
                },
            )
        finally:
            _assign(variables, best[1])
        return Steps(int(result.nit), str(result.message))


def run_lbfgs(model) -> None:
    """Takes all steps of a training.

    Args:
        model: ``deepxde_lrnr.Model`` whose ``train_step`` is an ``LBFGS``.
    """
    left, state = dde.optimizers.LBFGS_options["maxiter"], model.train_state
    whole = model.batch_size is None
    while left > 0:
        state.set_data_train(*model.data.train_next_batch(model.batch_size))
        wanted = left if whole else min(left, _ITERATIONS_OF_A_BATCH)
        batch = state.X_train, state.y_train, state.train_aux_vars
        count = model.train_step(*batch, wanted).count
        count_steps(state, count)
        left -= count
        if count == 0 or (whole and count < wanted):
            break


def _assign(variables, values: np.ndarray) -> None:
    first = 0
    for variable in variables:
        size = int(np.prod(variable.shape))
        variable.assign(values[first : first + size].reshape(variable.shape))
        first += size
