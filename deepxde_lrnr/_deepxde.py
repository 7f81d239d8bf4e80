"""What the package knows of DeepXDE beside its documented interface.

The only file to read when DeepXDE changes: its releases, the names that begin with an
underscore, and what its objects are told apart by.
"""

from __future__ import annotations

import functools

import deepxde as dde
import numpy as np
from deepxde import utils
from deepxde.icbc import boundary_conditions, initial_conditions
from tqdm import tqdm

# Attribute of ``dde.model.TrainState``: the number of iterations, called ``epoch``
# before DeepXDE 1.14.
ITERATION = "iteration" if hasattr(dde.model.TrainState(), "iteration") else "epoch"


def iterations(train_state) -> int:
    """Number of iterations done."""
    return getattr(train_state, ITERATION)


# Geometries


def has_timedomain(geom) -> bool:
    """Whether a geometry is one in space, times a time domain."""
    return hasattr(geom, "timedomain")


def ends_in_time(geom) -> bool:
    """Whether the last coordinate of points is the time."""
    return has_timedomain(geom) or isinstance(geom, dde.geometry.TimeDomain)


def space_of(geom):
    """The geometry in space."""
    return geom.geometry if has_timedomain(geom) else geom


# Value functions of IC/BC
#
# ``DirichletBC(geom, func, ...)`` holds what ``npfunc_range_autocache`` made of
# ``func``. That counts every parameter of ``func``, with a default or not: of one that
# takes ``(x, level=7)`` it makes a function of (x, mu), and of ``(x, mu, i=i)``, the
# usual closure of a loop, it makes ``None``, so that ``func`` is lost.

_NAME = "npfunc_range_autocache"
_original = getattr(boundary_conditions, _NAME, None)


def _keep(func):
    """DeepXDE's wrapper; where it would be ``None``, one that still knows ``func``."""
    wrapper = _original(func)
    if wrapper is not None:
        return wrapper

    @functools.wraps(func)
    def kept(X, beg, end, aux_var):
        raise TypeError(
            "DeepXDE's own problems take a value function of (x) or (x, auxiliary "
            "variables), without further parameters."
        )

    return kept


def keep_value_functions() -> None:
    """Lets IC/BC that are made from now on know their functions.

    DeepXDE's own behaviour is as before, but for the message of the error that comes
    of calling ``None``.
    """
    for module in (boundary_conditions, initial_conditions):
        if getattr(module, _NAME, None) is _original and _original is not None:
            setattr(module, _NAME, _keep)


def _wrappers() -> set:
    """The code of the functions that DeepXDE, and ``_keep``, put around others."""
    of_user = [lambda x: x, lambda x, mu: x, lambda x, mu, i: x]
    found = {utils.return_tensor(of_user[0]).__code__}
    if _original is not None:
        found |= {_keep(function).__code__ for function in of_user}
    return found


_WRAPPERS = _wrappers()


def users_function(func):
    """The function that the user gave, inside of DeepXDE's wrappers.

    Args:
        func: Attribute ``func`` of an IC/BC.

    Returns:
        The function; ``func`` itself if it is none of DeepXDE's wrappers.
    """
    # By their code: a wrapper of the user's, which does something, has to stay.
    while getattr(func, "__code__", None) in _WRAPPERS:
        func = func.__wrapped__
    return func


# Networks


def transforms_of(net) -> tuple:
    """The feature and the output transform of a ``dde.nn.NN``, ``None`` without one."""
    return net._input_transform, net._output_transform


class Network(dde.nn.NN):
    """``dde.nn.NN`` whose transforms can be read."""

    @property
    def feature_transform(self):
        """What ``apply_feature_transform`` was given, or ``None``."""
        return self._input_transform

    @property
    def output_transform(self):
        """What ``apply_output_transform`` was given, or ``None``."""
        return self._output_transform


def copy_transforms(net, to) -> None:
    """Gives another network the transforms of one."""
    to._input_transform, to._output_transform = transforms_of(net)


# Samplers


def sampler_state(sampler) -> dict:
    """Position of a ``dde.data.sampler.BatchSampler``, for ``restore_sampler``."""
    return {
        "indices": sampler._indices.copy(),  # shuffled in place
        "index_in_epoch": sampler._index_in_epoch,
        "epochs_completed": sampler._epochs_completed,
    }


def restore_sampler(sampler, state: dict) -> None:
    """Sets a sampler back to a position."""
    sampler._indices = np.array(state["indices"])
    sampler._index_in_epoch = state["index_in_epoch"]
    sampler._epochs_completed = state["epochs_completed"]


# Training


def count_steps(train_state, count: int) -> None:
    """Adds to the numbers of steps and of iterations."""
    train_state.step += count
    setattr(train_state, ITERATION, iterations(train_state) + count)


class HookedModel(dde.Model):
    """``dde.Model``, in the backend "tensorflow", whose training calls hooks.

    Attributes:
        hooks: Of the present training, or the last one: an object with the methods

            - ``before_losses()``: losses are to be computed; returns whether they are,
            - ``after_losses()``: they have been, and are in ``train_state``,
            - ``begin(iterations)``: callbacks have begun, and the first step comes (of
              L-BFGS ``iterations`` is ``None``); returns how many iterations are left,
            - ``before_step(batch)``: a step with ``(inputs, targets, auxiliary)``,
            - ``run_lbfgs()``: all steps of L-BFGS, in place of DeepXDE's loop,
            - ``end()``: the last step has been (not of L-BFGS).
    """

    hooks = None

    @property
    def is_compiled(self) -> bool:
        """Whether ``compile`` has been called."""
        return self.outputs_losses_train is not None

    @property
    def trained_variables(self) -> list:
        """What a step changes, but for the optimizer's own."""
        return self.net.trainable_variables + self.external_trainable_variables

    def compute_losses(self, inputs, targets, auxiliary):
        """Weighted losses of a batch, Tensor, for functions that are traced."""
        return self.outputs_losses_train.python_function(inputs, targets, auxiliary)[1]

    def losses_of(self, inputs, targets, auxiliary):
        """The same, compiled by DeepXDE."""
        return self.outputs_losses_train(inputs, targets, auxiliary)[1]

    def _test(self, verbose=1):
        if not self.hooks.before_losses():
            return
        # DeepXDE prints its table; a progress bar makes room for it.
        with tqdm.external_write_mode():
            super()._test(verbose)
        self.hooks.after_losses()

    def _train_sgd(self, iterations, display_every, verbose=1):
        left = self.hooks.begin(iterations)
        if not self.stop_training:
            super()._train_sgd(left, display_every, verbose)
        self.hooks.end()

    def _train_step(self, inputs, targets, auxiliary_vars):
        self.hooks.before_step((inputs, targets, auxiliary_vars))
        super()._train_step(inputs, targets, auxiliary_vars)

    def _train_tensorflow_tfp(self, verbose=1):
        if self.hooks.begin(None) == 0:
            return
        self.hooks.run_lbfgs()
        self._test(verbose=verbose)
