"""The state of a meta phase: all that decides how it goes on."""

from __future__ import annotations

import copy
import inspect
import json
import random
import time

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._deepxde import ITERATION, iterations
from ..data.state import data_state, restore_data
from ..io import tree

_OF_TRAIN_STATE = (
    "step",
    "loss_train",
    "y_pred_train",
    "loss_test",
    "y_pred_test",
    "y_std_test",
    "metrics_test",
    "best_step",
    "best_loss_train",
    "best_loss_test",
    "best_y",
    "best_ystd",
    "best_metrics",
)
_OF_HISTORY = ("steps", "loss_train", "loss_test", "metrics_test")


def variables(model) -> list:
    """All variables that a step changes: those of the network and the optimizer's."""
    found = list(model.net.variables) + list(model.external_trainable_variables)
    if model.opt is not None:
        build_optimizer(model)
        found += model.opt.variables
    return found


def build_optimizer(model) -> None:
    """Makes the optimizer's variables, as its first step would."""
    if not model.opt.built:
        with model.scope():
            model.opt.build(model.trained_variables)


def training_state(model) -> dict:
    """State of a model in training, between two steps.

    Args:
        model: ``deepxde_lrnr.Model``.

    Returns:
        Nested dictionary for ``io.tree.pack``.
    """
    history = {name: list(getattr(model.losshistory, name)) for name in _OF_HISTORY}
    history["metrics_test"] = [np.asarray(m) for m in history["metrics_test"]]
    train_state = {n: getattr(model.train_state, n) for n in _OF_TRAIN_STATE}
    return {
        "variables": [np.array(v.numpy()) for v in variables(model)],
        "train_state": {"iteration": iterations(model.train_state), **train_state},
        "history": history,
        "stopped": bool(model.stop_training),
        "data": data_state(model.data),
        "callbacks": [_callback_state(c) for c in _with_state(model)],
        "random": _random_state(),
    }


def restore_training(model, state: dict) -> None:
    """Sets a model back to what ``training_state`` returned."""
    for variable, value in zip(variables(model), state["variables"], strict=True):
        variable.assign(value)
    for name, value in state["train_state"].items():
        name = ITERATION if name == "iteration" else name
        setattr(model.train_state, name, value)
    for name, values in state["history"].items():
        setattr(model.losshistory, name, list(values))
    model.losshistory.metrics_test = [list(m) for m in model.losshistory.metrics_test]
    model.stop_training = state["stopped"]
    restore_data(model.data, state["data"])
    for callback, saved in zip(_with_state(model), state["callbacks"], strict=True):
        _restore_callback(callback, saved)
    # At the end, since some of the above draw.
    _restore_random(state["random"])


def settings(model, **more) -> dict:
    """What must be the same for a state to fit, by names for an error message."""
    optimizer, problem = "L-BFGS", model.data.problem
    if model.opt is not None:
        optimizer = {"class": type(model.opt).__name__, **model.opt.get_config()}
        del optimizer["name"]  # Keras counts them.
    values = {
        "shapes of the weights": [list(w.shape) for w in model.net.variables],
        "default float": dde.config.default_float(),
        "parameter space": model.data.parameter_space.to_dict(),
        "num_parameters": model.data.num_parameters,
        "num_test": len(model.data.test_mu),
        "points of the problem": {
            name: getattr(problem, name, None)
            for name in ("num_domain", "num_boundary", "num_initial", "num_test")
        },
        "optimizer": optimizer,
        "loss_weights": model.loss_weights,
        "callbacks": [type(c).__name__ for c in _with_state(model)],
        **more,
    }
    # As it comes back from a file.
    return json.loads(json.dumps(values, default=str))


def _with_state(model) -> list:
    """The user's callbacks; a progress bar comes and goes with the terminal."""
    return [c for c in model.callbacks.callbacks if not getattr(c, "stateless", False)]


def _callback_state(callback) -> dict:
    """Attributes of a callback, but for those that are arguments of its constructor."""
    state = {}
    arguments = set(inspect.signature(type(callback).__init__).parameters)
    for name, value in vars(callback).items():
        if name in arguments or name == "model":
            continue
        try:
            tree.pack(value)
        except TypeError:  # a compiled function, an open file
            continue
        state[name] = value
    if isinstance(callback, dde.callbacks.Timer) and callback.t_start is not None:
        state["t_start"] -= time.time()
    return state


def _restore_callback(callback, state: dict) -> None:
    for name, value in state.items():
        setattr(callback, name, copy.deepcopy(value))
    if isinstance(callback, dde.callbacks.Timer) and callback.t_start is not None:
        # The time between the two runs does not count.
        callback.t_start += time.time()


def _random_state() -> dict:
    state = {"numpy": np.random.get_state(legacy=False), "python": random.getstate()}
    try:
        generator = tf.random.get_global_generator()
        state["tensorflow"] = (generator.state.numpy(), int(generator.algorithm))
    except RuntimeError:
        # With deterministic operations there is none, unless the script has set one.
        state["tensorflow"] = None
    return state


def _restore_random(state: dict) -> None:
    np.random.set_state(state["numpy"])
    random.setstate(state["python"])
    if state["tensorflow"] is not None:
        values, algorithm = state["tensorflow"]
        try:
            tf.random.get_global_generator().reset(values)
        except RuntimeError:
            tf.random.set_global_generator(
                tf.random.Generator.from_state(values, algorithm)
            )
