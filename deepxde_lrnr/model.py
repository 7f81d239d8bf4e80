"""The model of the meta phase: ``dde.Model`` for a PDE family."""

from __future__ import annotations

import contextlib
import sys

import deepxde as dde
import numpy as np
from tqdm import tqdm

from .callbacks import Checkpoint, Progress
from .data import ParametricPDE
from .data.state import data_state, restore_data
from .fast_phase import FastModel, reduce_model
from .nn import HyperLRNR
from .optimizers import SOAP
from .prediction import Predictor
from .training import devices
from .training.divergence import Watch


class Model(dde.Model):
    """A ``dde.Model`` that trains a ``HyperLRNR`` on a ``ParametricPDE``.

    ``compile``, ``train`` and callbacks are DeepXDE's; ``predict`` takes mu beside x,
    and ``reduce`` makes the ``FastModel`` of the fast phase.

    Args:
        data: ``deepxde_lrnr.data.ParametricPDE``.
        net: ``deepxde_lrnr.nn.HyperLRNR``.
        strategy: ``None`` trains on one device. ``tf.distribute.MirroredStrategy()``
            trains on all GPUs of the machine: each has a copy of the weights and its
            share of the mu of a batch, whose number must be a multiple of that of the
            GPUs, and the mean of their gradients is that of the whole batch (losses
            being means over the rows, as "MSE" is). An optimizer that is given as an
            object, and ``external_trainable_variables``, must be created in
            ``strategy.scope()``. "L-BFGS" works on one device only.

    Raises:
        TypeError: If ``data``, ``net`` or ``strategy`` is of another type.
        ValueError: If their parameter spaces differ. With a ``strategy``, when
            compiled, if variables were created outside of its scope.
    """

    def __init__(self, data: ParametricPDE, net: HyperLRNR, strategy=None):
        if not isinstance(data, ParametricPDE):
            raise TypeError(
                f"data is a {type(data).__name__}; it must be a "
                "deepxde_lrnr.data.ParametricPDE around the DeepXDE problem."
            )
        if not isinstance(net, HyperLRNR):
            raise TypeError(
                f"net is a {type(net).__name__}; it must be a deepxde_lrnr.nn."
                "HyperLRNR (for a single PDE, use nn.LRNR in a plain dde.Model)."
            )
        if net.parameter_space != data.parameter_space:
            raise ValueError(
                f"net has the parameter space {net.parameter_space}, data has "
                f"{data.parameter_space}; give both the same one."
            )
        devices.check_strategy(strategy)
        super().__init__(data, net)
        self.strategy = strategy
        self._predictor = Predictor(net, data.geom.dim)
        self._has_weights = False
        self._watch = Watch(self)
        self._checkpoint = self._resume_from = None

    def compile(
        self,
        optimizer,
        lr=None,
        loss="MSE",
        metrics=None,
        decay=None,
        loss_weights=None,
        external_trainable_variables=None,
        verbose=1,
    ):
        """As ``dde.Model.compile``; besides DeepXDE's optimizers there is "SOAP".

        ``loss_weights`` has one entry for each error of the PDE, one for each IC/BC,
        and one more if the network has a regularization; ``train`` checks that.

        Raises:
            ValueError: If ``layer_sizes`` of the network does not fit the geometry, if
                ``metrics`` have no ``solution`` to compare with, if there is no
                learning rate, or if the optimizer or a variable does not fit the
                strategy.
        """
        if metrics and self.data.solution is None:
            raise ValueError(
                f"metrics is {metrics}, but there is nothing to compare with; pass "
                "solution=... to ParametricPDE."
            )
        self._build()
        name, self.opt = optimizer, None
        with self.scope():
            if isinstance(optimizer, str) and optimizer.upper() == "SOAP":
                rate = _learning_rate(lr, decay)
                name = optimizer = SOAP.from_config({"learning_rate": rate})
            if not dde.optimizers.is_external_optimizer(optimizer):
                # DeepXDE would keep it to itself; a checkpoint needs its state.
                optimizer = self.opt = dde.optimizers.get(optimizer, lr, decay)
                lr = decay = None
        super().compile(
            optimizer,
            lr=lr,
            loss=loss,
            metrics=metrics,
            decay=decay,
            loss_weights=loss_weights,
            external_trainable_variables=external_trainable_variables,
            verbose=verbose,
        )
        self.opt_name = name

    def _compile_tensorflow(self, lr, loss_fn, decay):
        super()._compile_tensorflow(lr, loss_fn, decay)
        if self.strategy is None:
            return
        if self.opt is None:
            raise ValueError(f"{self.opt_name} works on one device only: no strategy.")
        check = devices.check_created
        check(self.strategy, self.net.trainable_variables, "net")
        check(self.strategy, self.opt.variables, "optimizer")
        external = self.external_trainable_variables
        check(self.strategy, external, "external_trainable_variables")
        outputs_losses = self.outputs_losses_train.python_function
        self.train_step = devices.distributed_step(
            self.strategy,
            lambda *batch: outputs_losses(*batch)[1],
            self.opt,
            lambda: self.net.trainable_variables + external,
        )

    def scope(self):
        """Where variables are created: on the devices of the strategy, if any."""
        if self.strategy is None:
            return contextlib.nullcontext()
        return self.strategy.scope()

    def _build(self) -> None:
        """Makes the weights, so that a network that does not fit is found at once."""
        with self.scope():
            self.net((self.data.train_mu[:1], self.data.train_collocation.points[:1]))

    def train(
        self,
        iterations=None,
        batch_size=None,
        display_every=1000,
        disregard_previous_best=False,
        callbacks=None,
        model_restore_path=None,
        model_save_path=None,
        epochs=None,
        verbose=1,
    ):
        """As ``dde.Model.train``, for the meta phase.

        ``batch_size`` is the number of mu in a step, or a tuple: the number of mu and
        the number of points. With ``callbacks.Checkpoint`` an interrupted training goes
        on where it was. Where the error output is a terminal there is a progress bar,
        ``callbacks.Progress``, unless ``verbose=0``.

        Raises:
            DivergenceError: If a loss or the weights are no longer finite. The message
                says at which step, which loss, and for which mu; the model is back at
                its weights before that step. They are looked at every 100 steps, and
                whenever DeepXDE computes losses.
            ValueError: If ``batch_size`` or ``callbacks`` do not fit.
        """
        callbacks = self._arranged(callbacks, verbose)
        self.callbacks = dde.callbacks.CallbackList(callbacks)
        self.callbacks.set_model(self)
        self._watch = Watch(self)
        if self.strategy is not None:
            num_mu = self.data._batch_sizes(batch_size)[0] or self.data.num_parameters
            devices.check_share(num_mu, self.strategy.num_replicas_in_sync)
        self.iterations = epochs if iterations is None else iterations
        self.iterations_done = 0
        self._resume_from = None
        if self._checkpoint is not None:
            self._resume_from = self._checkpoint.read(batch_size=batch_size)
        if self._resume_from is not None:
            # The losses of the test are taken at the points of the start.
            restore_data(self.data, self._resume_from["start"])
        self.data_at_start = data_state(self.data)
        start = self.train_state.step
        try:
            return super().train(
                iterations=iterations,
                batch_size=batch_size,
                display_every=display_every,
                disregard_previous_best=disregard_previous_best,
                callbacks=callbacks,
                model_restore_path=model_restore_path,
                model_save_path=model_save_path,
                epochs=epochs,
                verbose=verbose,
            )
        finally:
            # After an interruption there are weights as well.
            self._has_weights |= self.train_state.step > start
            for callback in callbacks:
                if isinstance(callback, Progress):
                    callback.close()

    def _arranged(self, callbacks, verbose) -> list:
        """The user's callbacks with a progress bar, and the checkpoint at the end."""
        callbacks = list(callbacks or [])
        checkpoints = [c for c in callbacks if isinstance(c, Checkpoint)]
        if len(checkpoints) > 1:
            raise ValueError(
                f"callbacks has {len(checkpoints)} Checkpoints; there can be one."
            )
        self._checkpoint = checkpoints[0] if checkpoints else None
        has_bar = any(isinstance(c, Progress) for c in callbacks)
        terminal = sys.stderr is not None and sys.stderr.isatty()
        if verbose > 0 and dde.config.rank == 0 and terminal and not has_bar:
            callbacks.append(Progress())
        # A checkpoint holds what the other callbacks have done in its step.
        return [c for c in callbacks if c not in checkpoints] + checkpoints

    def _begin(self, verbose) -> None:
        """Goes on from the checkpoint if there is one, else saves the first one."""
        if self._resume_from is not None:
            self.iterations_done = self._checkpoint.resume(self._resume_from)
            self._resume_from = None
            if verbose > 0 and dde.config.rank == 0:
                print(
                    f"Resumed at step {self.train_state.step} from "
                    f"{self._checkpoint.path}\n"
                )
        elif self._checkpoint is not None:
            self._checkpoint.save()
        self._watch.reset()

    def _train_sgd(self, iterations, display_every, verbose=1):
        self._begin(verbose)
        if self.iterations_done > iterations:
            raise ValueError(
                f"iterations is {iterations}, but {self._checkpoint.path} is after "
                f"{self.iterations_done} iterations."
            )
        if not self.stop_training:
            super()._train_sgd(
                iterations - self.iterations_done, display_every, verbose
            )
        self.check_finite()

    def _train_tensorflow_tfp(self, verbose=1):
        self._begin(verbose)
        if self.iterations_done == 0:
            super()._train_tensorflow_tfp(verbose)

    def _train_step(self, inputs, targets, auxiliary_vars):
        self._watch.before_step((inputs, targets, auxiliary_vars))
        super()._train_step(inputs, targets, auxiliary_vars)

    def _test(self, verbose=1):
        if self._resume_from is not None:
            return  # They are in the checkpoint.
        self.check_finite()
        # DeepXDE prints its table; a progress bar makes room for it.
        with tqdm.external_write_mode():
            super()._test(verbose)
        self._watch.check_losses()

    def check_finite(self) -> None:
        """Checks that the weights are finite.

        Raises:
            DivergenceError: If they are not; those before are restored.
        """
        self._watch.check()

    def restore(self, *args, **kwargs):
        """As ``dde.Model.restore``."""
        if not self.net.built:
            self._build()
        super().restore(*args, **kwargs)
        self._has_weights = True

    def predict(self, x, mu, operator=None) -> np.ndarray:
        """The hypernetwork's solution.

        Args:
            x: Points, array of shape (N, d).
            mu: A dictionary of numbers, an array of shape (p,), or several mu: a
                dictionary of arrays or an array of shape (n, p).
            operator: ``None``, or a function of Tensors ``(x, u)`` or ``(x, u, mu)``,
                such as the PDE, whose result is returned instead of u.

        Returns:
            Array of shape (N, number of components) for one mu, (n, N, number of
            components) for several; a list of them if ``operator`` returns a list.

        Raises:
            ValueError: If ``mu`` does not fit the parameter space or is not finite, or
                ``x`` or ``operator`` is not as above.

        Warns:
            OutsideParameterSpaceWarning: If a mu is not in the box.
        """
        if not self.net.built:
            self._build()
        space = self.data.parameter_space
        single = space.is_single(mu)
        mu = space.check(mu, stacklevel=3)
        return self._predictor(x, mu, self.net.coefficients(mu), single, operator)

    def reduce(self, **kwargs) -> FastModel:
        """Reduction: from the trained network to the ``FastModel``.

        Args:
            **kwargs: See ``deepxde_lrnr.fast_phase.reduce_model``.

        Raises:
            RuntimeError: If the model has not been trained, or its training diverged.
        """
        if not self._has_weights:
            raise RuntimeError(
                "reduce() needs a trained model: call train() first (or restore())."
            )
        if not all(np.isfinite(w).all() for w in self.net.get_weights()):
            raise RuntimeError(
                "reduce() needs finite weights: the training diverged to NaN or "
                "infinity. Try a smaller lr."
            )
        return reduce_model(self.data, self.net, self.loss_weights, **kwargs)


def _learning_rate(lr, decay):
    """Learning rate or schedule, as DeepXDE makes it for Adam (in Keras' config)."""
    if lr is None:
        raise ValueError("No learning rate for SOAP; pass e.g. lr=3e-3.")
    return dde.optimizers.get("adam", lr, decay).get_config()["learning_rate"]
