"""The model of the meta phase: ``dde.Model`` for a PDE family."""

from __future__ import annotations

import contextlib
import errno
import os

import deepxde as dde
import numpy as np

from ._checks import (
    as_choice,
    as_flag,
    as_integer,
    as_loss_weights,
    as_path,
    as_verbose,
    shown,
)
from ._deepxde import HookedModel, iterations
from ._forks import check_fork
from .callbacks import Progress
from .callbacks.arrangement import arranged
from .data import ParametricPDE
from .data.collocation import bounding_box
from .data.examination import examine
from .data.missing import MissingProblem
from .fast_model import FastModel
from .io import container
from .io.kinds import MODEL
from .io.networks import pack_hyper
from .io.weights import restore_weights
from .nn import HyperLRNR, Parametric
from .offline import reduce_model
from .optimizers import SOAP
from .prediction import Predictor
from .training import devices
from .training.arguments import as_saved, check_callbacks, check_compile
from .training.checkpoint_file import CheckpointFile
from .training.meta_phase import MetaPhase
from .training.step import own_step


class Model(HookedModel):
    """A ``dde.Model`` that trains the network of a family on a ``ParametricPDE``.

    ``compile``, ``train`` and callbacks are DeepXDE's; ``predict`` takes mu beside x,
    and ``reduce`` makes the ``FastModel`` of the fast phase.

    Args:
        data: ``deepxde_lrnr.data.ParametricPDE``.
        net: ``deepxde_lrnr.nn.HyperLRNR``, or ``deepxde_lrnr.nn.Parametric`` around a
            network of others.
        strategy: ``None`` trains on one device. ``tf.distribute.MirroredStrategy()``
            trains on all GPUs of the machine: each has a copy of the weights and its
            share of the mu of a batch, whose number must be a multiple of that of the
            GPUs, and the mean of their gradients is that of the whole batch (losses
            being means over the rows, as "MSE" is). An optimizer that is given as an
            object, and ``external_trainable_variables``, must be created in
            ``strategy.scope()``. "L-BFGS" works on one device only.

    Raises:
        TypeError: If ``data``, ``net`` or ``strategy`` is of another type.
        ValueError: If their parameter spaces differ, or DeepXDE's default float has
            been set after the network was made. With a ``strategy``, when
            compiled, if variables were created outside of its scope.
    """

    # For the data: a plain dde.Model knows no mu.
    is_parametric = True

    def __init__(self, data: ParametricPDE, net: HyperLRNR | Parametric, strategy=None):
        if not isinstance(data, (ParametricPDE, MissingProblem)):
            raise TypeError(
                f"data is a {type(data).__name__}; it must be a "
                "deepxde_lrnr.data.ParametricPDE around the DeepXDE problem."
            )
        if not isinstance(net, (HyperLRNR, Parametric)):
            raise TypeError(
                f"net is a {type(net).__name__}; it must be a deepxde_lrnr.nn."
                "HyperLRNR, or lrnr.nn.Parametric(net, space) around a network that "
                "takes mu as further inputs (for a single PDE, use nn.LRNR in a plain "
                "dde.Model)."
            )
        if net.parameter_space != data.parameter_space:
            raise ValueError(
                f"net has the parameter space {net.parameter_space}, data has "
                f"{data.parameter_space}; give both the same one."
            )
        devices.check_strategy(strategy)
        super().__init__(data, net)
        self.strategy = strategy
        self._has_weights = self._is_examined = False
        # Steps at which trainings began that did not end, by the paths of checkpoints.
        self._interrupted = {}
        self._check_float()
        if isinstance(data, ParametricPDE):
            net.deformation = data.deformation
        self._predictor = Predictor(net, data.geom, net.deformation)

    def __repr__(self):
        data, net = self.data, self.net
        bounds = repr(data.parameter_space).partition("(")[2][:-1]
        network = net.title
        if net.built:
            network += f", {net.num_trainable_parameters()} weights"
        if isinstance(data, MissingProblem):
            problem = "none; load_model(path, data) gives one"
        else:
            names = ", ".join(name.partition("(")[2][:-1] for name in data.bc_names)
            problem = (
                f"{type(data.problem).__name__} in {data.geom.dim} coordinates, "
                f"{names or 'no conditions'}; {data.num_parameters} mu, "
                f"{len(data.train_collocation.pde_points)} points"
            )
        steps, losses = self.train_state.step, self.train_state.loss_train
        training = f"{steps} steps"
        if losses is not None and np.size(losses):
            training += f", loss {np.sum(losses):.2e}"
        if not self._has_weights:
            training = "none"
        elif not steps:
            training = "weights from a file"
        if not self.is_compiled:
            training += " (not compiled)"
        return (
            f"Model of a family over {bounds}\n"
            f"  network:  {network}\n"
            f"  problem:  {problem}\n"
            f"  training: {training}"
        )

    def _check_float(self) -> None:
        """Checks that the network has the float type that points and mu have."""
        ours, default = self.net.compute_dtype, dde.config.default_float()
        if ours != default:
            raise ValueError(
                f"net was made in {ours}, but DeepXDE's default float is {default} "
                "now; call dde.config.set_default_float before the problem and the "
                "network are made."
            )

    def _check_problem(self, what: str) -> None:
        if isinstance(self.data, MissingProblem):
            raise RuntimeError(
                f"{what} needs the problem, and the model was loaded without it; pass "
                "it: load_model(path, data)."
            )
        self._check_float()

    def _examine(self) -> None:
        """Looks at the user's functions, once, see ``data.examination``."""
        if not self._is_examined:
            examine(self.data, self.net)
            self._is_examined = True

    def scope(self):
        """Where variables are created: on the devices of the strategy, if any."""
        if self.strategy is None:
            return contextlib.nullcontext()
        return self.strategy.scope()

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
            RuntimeError: If the model was loaded without its problem.
            TypeError: If a transform of the network is not a function of Tensors.
            ValueError: If ``layer_sizes`` of the network does not fit the geometry, if
                ``metrics`` have no ``solution`` to compare with, if there is no
                learning rate, if the optimizer or a variable does not fit the
                strategy, or if an argument is not as ``dde.Model.compile`` wants it.
        """
        self._check_problem("compile()")
        verbose = as_verbose(verbose)
        loss_weights = as_loss_weights(loss_weights)
        check_compile(optimizer, lr, loss, metrics, decay, external_trainable_variables)
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
        self.train_step = own_step(self) or self.train_step

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
        if not self.is_compiled:
            raise RuntimeError("train() needs a compiled model: call compile() first.")
        verbose = as_verbose(verbose)
        for name, value in (("iterations", iterations), ("epochs", epochs)):
            if value is not None:
                as_integer(name, value, 0)
        as_integer("display_every", display_every)
        as_flag("disregard_previous_best", disregard_previous_best)
        wanted = epochs if iterations is None else iterations
        if wanted is None and self.opt is not None:
            raise ValueError(f"iterations is None, no iterations for {self.opt_name}.")
        num_mu = self.data._batch_sizes(batch_size)[0] or self.data.num_parameters
        check_callbacks(callbacks)
        check_fork("train()")
        if model_save_path is not None:
            # Known now, not only after the training.
            model_save_path = as_path("model_save_path", model_save_path)
        if model_restore_path is not None:
            model_restore_path = as_saved("model_restore_path", model_restore_path)
        self._examine()
        callbacks, handle = arranged(callbacks, verbose)
        self.callbacks = dde.callbacks.CallbackList(callbacks)
        self.callbacks.set_model(self)
        if self.strategy is not None:
            devices.check_share(num_mu, self.strategy.num_replicas_in_sync)
        start, checkpoint = self.train_state.step, None
        if handle is not None:
            if os.path.exists(handle.path):
                # Called again after an interruption, in a notebook: the same training.
                start = self._interrupted.get(handle.path, start)
            checkpoint = CheckpointFile(handle.path, self, start, batch_size)
        self.hooks = MetaPhase(self, wanted, checkpoint, verbose)
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
            if handle is not None:
                self._interrupted[handle.path] = start
            raise
        finally:
            # After an interruption there are trained weights as well.
            self._has_weights |= self.train_state.step > start
            for callback in callbacks:
                if isinstance(callback, Progress):
                    callback.close()

    def save(self, save_path, protocol="backend", verbose=0, **kwargs) -> str:
        """Saves the model, or its weights alone.

        A path that ends in ".npz" gets the model in one file, for
        ``deepxde_lrnr.load_model``: the network with its parameter space, its weights
        and its transforms (as operations, if they are made of mathematical ones
        alone), and the loss weights; but not the problem, which is Python code, nor
        the state of the optimizer. Any other path is a prefix and gets the weights, as
        ``dde.Model.save`` writes them.

        Args:
            save_path: Path or prefix. A file of the same name is replaced; a model's
                in one step.
            protocol: As for ``dde.Model.save``; "pickle" is never a model in one file.
            verbose: Whether the name of the file is printed.
            **kwargs: Further arguments of ``dde.Model.save``, which has more in later
                versions of DeepXDE; for a path that does not end in ".npz".

        Returns:
            Path of the file.

        Raises:
            OSError: If it cannot be written; a model there before is unchanged.
            TypeError: If ``save_path`` is no path, or an argument is unknown.
            ValueError: If an argument is otherwise not as above, or the network of a
                model in one file is a ``Parametric``.

        Warns:
            UserWarning: If a transform or an activation cannot be saved. It has to be
                passed again to ``load_model``.
        """
        save_path = as_path("save_path", save_path)
        as_choice("protocol", protocol, ("backend", "pickle"))
        verbose = as_verbose(verbose)
        if protocol != "backend" or not save_path.endswith(".npz"):
            folder = os.path.dirname(save_path)
            if not os.path.isdir(folder or "."):
                raise FileNotFoundError(
                    errno.ENOENT, "there is no such folder for save_path", folder
                )
            return super().save(save_path, protocol=protocol, verbose=verbose, **kwargs)
        if kwargs:
            raise TypeError(
                f"save() of a model in one file takes no {', '.join(kwargs)}; that is "
                "for the weights alone, at a path that does not end in .npz."
            )
        if isinstance(self.net, Parametric):
            raise ValueError(
                f"save_path is {shown(save_path)}; a model in one file is one of a "
                "HyperLRNR. The network of a Parametric is made by your script: save "
                "its weights, model.save of a path that does not end in .npz, and "
                "restore() them; fast.save of the reduced model takes any path."
            )
        if not self.net.built:
            self._build()
        packed = pack_hyper(self.net, self.data.geom.dim, stacklevel=2)
        low, high = bounding_box(self.data.geom)
        packed.header |= {
            "trained": self._has_weights,
            "iterations": int(iterations(self.train_state) or 0),
            "loss_weights": self.loss_weights and [float(w) for w in self.loss_weights],
        }
        packed.arrays |= {"problem/low": low, "problem/high": high}
        container.write(save_path, MODEL, packed.header, packed.arrays)
        if verbose > 0:
            print(f"Iteration {iterations(self.train_state)}: saved to {save_path}\n")
        return save_path

    def restore(self, save_path, device=None, verbose=0):
        """Restores weights, as ``dde.Model.restore``, or those of a saved model.

        Args:
            save_path: File that ``save`` wrote.
            device: As for ``dde.Model.restore``.
            verbose: The same.

        Raises:
            OSError: If the file cannot be read.
            FileFormatError: If a path that ends in ".npz" is not such a file.
            TypeError: If ``save_path`` is no path.
            ValueError: If it ends otherwise than what ``save`` returns, or the weights
                are those of a network of another parameter space, float type, sizes or
                activation, or of one with transforms where this has none.
        """
        save_path = as_saved("save_path", save_path)
        verbose = as_verbose(verbose)
        if not self.net.built:
            self._build()
        if save_path.endswith(".npz"):
            if verbose > 0:
                print(f"Restoring model from {save_path} ...\n")
            header, arrays = container.read(save_path, MODEL)
            restore_weights(self.net, header, arrays, save_path)
        else:
            super().restore(save_path, device=device, verbose=verbose)
        self._has_weights = True

    def predict(self, x, mu, operator=None) -> np.ndarray:
        """The trained network's solution.

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
            TypeError: If ``x`` or ``mu`` is not made of real numbers, or ``operator``
                or a transform is not a function of Tensors.
            ValueError: If ``mu`` does not fit the parameter space or is not finite, or
                ``x`` or ``operator`` is not as above; or if DeepXDE's default float has
                been set after the network was made.

        Warns:
            OutsideGeometryWarning: If a point is not in the geometry, or its time not
                in the time domain.
            OutsideParameterSpaceWarning: If a mu is not in the box.
        """
        self._check_float()
        if not self.net.built:
            self._build()
        x = self._predictor.check_points(x)
        mu, single = self.data.parameter_space.read(mu, stacklevel=3)
        self._predictor.warn_outside(x, mu, stacklevel=2)
        return self._predictor(x, mu, self.net.coefficients(mu), single, operator)

    def reduce(self, **kwargs) -> FastModel:
        """Reduction: from the trained network to the ``FastModel``.

        Args:
            **kwargs: See ``deepxde_lrnr.offline.reduce_model``.

        Raises:
            RuntimeError: If the model has not been trained, its training diverged, or
                it was loaded without its problem.
            TypeError: If an argument is of another type, a function of the problem is
                not one of Tensors, or the hidden states of the network cannot be
                reached.
            ValueError: If an argument is out of its range, or the residual of one mu
                depends on the other mu of a batch.
        """
        self._check_problem("reduce()")
        if not self._has_weights:
            raise RuntimeError(
                "reduce() needs a trained model: call train() first (or restore())."
            )
        if not all(np.isfinite(w).all() for w in self.net.get_weights()):
            raise RuntimeError(
                "reduce() needs finite weights: the training diverged to NaN or "
                "infinity. Try a smaller lr."
            )
        self._examine()
        weights = self.data.losses.weights_of_errors(
            self.loss_weights, self.net.regularizer is not None
        )
        return reduce_model(self.data, self.net, weights, **kwargs)


def _learning_rate(lr, decay):
    """Learning rate or schedule, as DeepXDE makes it for Adam (in Keras' config)."""
    return dde.optimizers.get("adam", lr, decay).get_config()["learning_rate"]
