"""The model of the meta phase: ``dde.Model`` for a PDE family."""

from __future__ import annotations

import errno
import os

import deepxde as dde
import numpy as np

from ._checks import as_choice, as_loss_weights, as_path, as_verbose, shown
from ._releases import iterations
from .data import ParametricPDE
from .data.collocation import bounding_box
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
from .training.arguments import as_saved, check_compile
from .training.meta_phase import MetaPhase


class Model(MetaPhase):
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
        super().__init__(data, net, strategy)
        self._check_float()
        if isinstance(data, ParametricPDE):
            net.deformation = data.deformation
        self._predictor = Predictor(net, data.geom.dim, deformation=net.deformation)

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
        if self.outputs_losses_train is None:
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

    def _build(self) -> None:
        """Makes the weights, so that a network that does not fit is found at once."""
        with self.scope():
            self.net((self.data.train_mu[:1], self.data.train_collocation.points[:1]))

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
        self._predictor.warn_outside(self.data.geom, x, mu, stacklevel=2)
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
