"""Training that can be interrupted, watched, and shared by devices."""

from __future__ import annotations

import contextlib
import os
import sys

import deepxde as dde
from tqdm import tqdm

from .._checks import as_flag, as_integer, as_path, as_verbose
from .._forks import check_fork
from .._releases import ITERATION, iterations
from ..callbacks import Checkpoint, Progress
from ..data.examination import examine
from ..data.state import data_state, restore_data
from . import devices
from .arguments import as_saved, check_callbacks
from .divergence import Watch
from .lbfgs import LBFGS

# Of L-BFGS, where a step takes some of the mu or of the points.
_ITERATIONS_OF_A_BATCH = 20


class MetaPhase(dde.Model):
    """``dde.Model`` whose training goes on from checkpoints and stops at a NaN.

    Args:
        data: ``deepxde_lrnr.data.ParametricPDE``.
        net: ``deepxde_lrnr.nn.HyperLRNR``.
        strategy: ``tf.distribute.Strategy``, or ``None``.

    Attributes:
        iterations: Number of iterations that ``train`` was asked for.
        iterations_done: How many of them are in the checkpoint from which it went on.
        data_at_start: State of the data when ``train`` was called, see ``data.state``.
    """

    # For the data: a plain dde.Model knows no mu.
    is_parametric = True

    def __init__(self, data, net, strategy=None):
        devices.check_strategy(strategy)
        super().__init__(data, net)
        self.strategy = strategy
        self.iterations = self.data_at_start = None
        self.iterations_done = 0
        self._has_weights = self._is_examined = False
        self._watch = Watch(self)
        self._checkpoint = self._resume_from = None
        # Steps at which trainings began that did not end, by the paths of checkpoints.
        self._interrupted = {}

    def scope(self):
        """Where variables are created: on the devices of the strategy, if any."""
        if self.strategy is None:
            return contextlib.nullcontext()
        return self.strategy.scope()

    def _compile_tensorflow(self, lr, loss_fn, decay):
        super()._compile_tensorflow(lr, loss_fn, decay)
        outputs_losses = self.outputs_losses_train.python_function

        def compute_losses(*batch):
            return outputs_losses(*batch)[1]

        def find_variables():
            return self.net.trainable_variables + self.external_trainable_variables

        if self.strategy is None:
            if self.opt is None:
                self.train_step = LBFGS(compute_losses, find_variables)
            return
        if self.opt is None:
            raise ValueError(f"{self.opt_name} works on one device only: no strategy.")
        check = devices.check_created
        check(self.strategy, self.net.trainable_variables, "net")
        check(self.strategy, self.opt.variables, "optimizer")
        external = self.external_trainable_variables
        check(self.strategy, external, "external_trainable_variables")
        self.train_step = devices.distributed_step(
            self.strategy, compute_losses, self.opt, find_variables
        )

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
            ValueError: If ``batch_size`` or ``callbacks`` do not fit, an argument is
                not as ``dde.Model.train`` wants it, or the residual of one mu depends
                on the other mu of a batch (which is looked at once, for three mu).
            RuntimeError: If the model has not been compiled, or was loaded without its
                problem.
            TypeError: If a path is none, or a function of the problem or a transform
                does with Tensors what they do not allow (NumPy, ``if``).
            RuntimeError: In a process forked from one in which TensorFlow was used.
            OSError: If there is nothing at ``model_restore_path``.
        """
        self._check_problem("train()")
        if self.outputs_losses_train is None:
            raise RuntimeError("train() needs a compiled model: call compile() first.")
        verbose = as_verbose(verbose)
        for name, value in (("iterations", iterations), ("epochs", epochs)):
            if value is not None:
                as_integer(name, value, 0)
        if iterations is None and epochs is None and self.opt is not None:
            raise ValueError(f"iterations is None, no iterations for {self.opt_name}.")
        as_integer("display_every", display_every)
        as_flag("disregard_previous_best", disregard_previous_best)
        self.data._batch_sizes(batch_size)
        check_callbacks(callbacks)
        check_fork("train()")
        if model_save_path is not None:
            # Known now, not only after the training.
            model_save_path = as_path("model_save_path", model_save_path)
        if model_restore_path is not None:
            model_restore_path = as_saved("model_restore_path", model_restore_path)
        self._examine()
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
        start = self.train_state.step
        if self._checkpoint is not None:
            path = self._checkpoint.path
            if os.path.exists(path):
                # Called again after an interruption, in a notebook: the same training.
                start = self._interrupted.get(path, start)
            self._resume_from = self._checkpoint.read(start, batch_size)
        if self._resume_from is not None:
            # The losses of the test are taken at the points of the start.
            restore_data(self.data, self._resume_from["start"])
        self.data_at_start = data_state(self.data)
        try:
            result = super().train(
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
            self._has_weights = True
            self._interrupted.clear()
            return result
        except BaseException:
            if self._checkpoint is not None:
                self._interrupted[self._checkpoint.path] = start
            raise
        finally:
            # After an interruption there are trained weights as well.
            self._has_weights |= self.train_state.step > start
            for callback in callbacks:
                if isinstance(callback, Progress):
                    callback.close()

    def _examine(self) -> None:
        """Looks at the user's functions, once, see ``data.examination``."""
        if not self._is_examined:
            examine(self.data, self.net)
            self._is_examined = True

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
        if self.iterations_done:
            return
        left, state = dde.optimizers.LBFGS_options["maxiter"], self.train_state
        while left > 0:
            state.set_data_train(*self.data.train_next_batch(self.batch_size))
            wanted = left
            if self.batch_size is not None:
                # More of them would only fit these mu and points.
                wanted = min(left, _ITERATIONS_OF_A_BATCH)
            steps = self.train_step(
                state.X_train, state.y_train, state.train_aux_vars, wanted
            )
            state.step += steps.count
            setattr(state, ITERATION, iterations(state) + steps.count)
            left -= steps.count
            if steps.count == 0 or (self.batch_size is None and steps.count < wanted):
                break
        self._test(verbose=verbose)

    def _train_step(self, inputs, targets, auxiliary_vars):
        self._watch.before_step((inputs, targets, auxiliary_vars))
        super()._train_step(inputs, targets, auxiliary_vars)

    def _test(self, verbose=1):
        if self._resume_from is not None:
            # In place of the losses at the start. What callbacks do to themselves when
            # training begins comes after this, and _begin undoes it.
            self._checkpoint.resume(self._resume_from)
            return
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
