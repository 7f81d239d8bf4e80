"""What ``Model.compile`` and ``Model.train`` hand on to DeepXDE, checked before.

DeepXDE looks some of it up in dictionaries, or not before the training has ended.
"""

from __future__ import annotations

import errno
import os

import deepxde as dde
import tensorflow as tf

from .._checks import as_number, as_path, shown
from ..optimizers import check_learning_rate

_OPTIMIZERS = ("adam", "nadam", "sgd", "L-BFGS", "L-BFGS-B", "SOAP")
# Callbacks of DeepXDE's that give the network x alone (FirstDerivative is one, too).
_EVALUATE_AT_X = (dde.callbacks.OperatorPredictor, dde.callbacks.MovieDumper)
_DECAYS = ("inverse time", "cosine")


def check_compile(optimizer, lr, loss, metrics, decay, variables) -> None:
    """Checks arguments of ``dde.Model.compile``.

    Args:
        optimizer: Name, or Keras optimizer.
        lr: Learning rate, or ``None``.
        loss: Name or function, or a list of them.
        metrics: ``None``, or a list of names or functions.
        decay: ``None``, or a tuple of a name and two numbers.
        variables: ``external_trainable_variables``.

    Raises:
        ValueError: If one is not as above.
    """
    if not isinstance(optimizer, tf.keras.optimizers.Optimizer):
        named = isinstance(optimizer, str)
        if not named or not (optimizer in _OPTIMIZERS or optimizer.upper() == "SOAP"):
            raise ValueError(
                f"optimizer is {shown(optimizer)}; it must be one of "
                f"{', '.join(map(repr, _OPTIMIZERS))}, or an optimizer of Keras."
            )
        # DeepXDE only says so for some of them.
        if lr is None and not dde.optimizers.is_external_optimizer(optimizer):
            raise ValueError(
                f"lr is None: no learning rate for {optimizer}; pass e.g. lr=3e-3."
            )
    if lr is not None:
        check_learning_rate("lr", lr)
    losses = loss if isinstance(loss, (list, tuple)) else [loss]
    for value in losses:
        _check_known("loss", value, dde.losses.get)
    if metrics is not None:
        if not isinstance(metrics, (list, tuple)):
            raise ValueError(f"metrics is {shown(metrics)}; it must be a list.")
        for value in metrics:
            _check_known("metrics", value, dde.metrics.get)
    if decay is not None:
        _check_decay(decay)
    if variables is not None:
        listed = variables if isinstance(variables, (list, tuple)) else [variables]
        if not all(isinstance(v, (tf.Variable, tf.keras.Variable)) for v in listed):
            raise ValueError(
                f"external_trainable_variables is {shown(variables)}; it must be a "
                "dde.Variable, or a list of them."
            )


def _check_known(argument: str, value, get) -> None:
    """Checks that DeepXDE knows it: a name or a function."""
    try:
        get(value)
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"{argument} is {shown(value)}; it must be one of DeepXDE's names, or a "
            "function."
        ) from None


def _check_decay(decay) -> None:
    listed = isinstance(decay, (list, tuple)) and len(decay) == 3
    if not listed or not (isinstance(decay[0], str) and decay[0] in _DECAYS):
        raise ValueError(
            f"decay is {shown(decay)}; it must be ('cosine', decay_steps, alpha) or "
            "('inverse time', decay_steps, decay_rate)."
        )
    as_number("decay[1]", decay[1], "a number > 0", lambda v: v > 0)
    as_number("decay[2]", decay[2], "a number >= 0", lambda v: v >= 0)


def as_saved(name: str, value) -> str:
    """Returns the path of a file that ``Model.save`` wrote.

    Raises:
        FileNotFoundError: If there is none.
        TypeError: If it is no path.
        ValueError: If it ends otherwise.
    """
    path = as_path(name, value)
    if not path.endswith((".npz", ".weights.h5")):
        raise ValueError(
            f"{name} is {shown(value)}; it must be what save() returned, which ends "
            "with .npz or .weights.h5."
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(errno.ENOENT, f"there is no such file, {name}", path)
    return path


def check_callbacks(callbacks) -> None:
    """Checks that it is a list of callbacks that work for a family, or ``None``.

    Raises:
        ValueError: If not.
    """
    if callbacks is None:
        return
    listed = isinstance(callbacks, (list, tuple))
    if not listed or not all(isinstance(c, dde.callbacks.Callback) for c in callbacks):
        raise ValueError(
            f"callbacks is {shown(callbacks)}; it must be a list of objects of "
            "dde.callbacks.Callback."
        )
    for callback in callbacks:
        if isinstance(callback, _EVALUATE_AT_X):
            raise ValueError(
                f"callbacks has a dde.callbacks.{type(callback).__name__}, which "
                "evaluates the network at x and knows no mu; use a callback of your "
                "own whose on_epoch_end calls self.model.predict(x, mu, operator)."
            )
