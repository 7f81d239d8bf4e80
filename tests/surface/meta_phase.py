"""The model, its callbacks, and files of it."""

from __future__ import annotations

import functools

import deepxde_lrnr as lrnr
import deepxde as dde
import tensorflow as tf
from hypothesis import strategies as st

from .kinds import (
    ANY_FLAG,
    EMPTY,
    FUNCTIONS,
    NO_FILE,
    NONE,
    VERBOSE,
    WEIGHTS,
    Kind,
    add_predict,
    choice,
    count,
    instance,
    is_finite,
    is_path,
    mus,
    number,
    shaped,
)


def add_meta_phase(add, tiny):
    model = tiny.model
    good = {"data": tiny.data, "net": tiny.net}
    strategy = NONE | instance(tf.distribute.Strategy)
    kinds = {
        "data": instance(lrnr.data.ParametricPDE),
        "net": instance(lrnr.nn.HyperLRNR),
    }
    add("Model", good, {**kinds, "strategy": strategy})
    positive = number(lambda v: v > 0)
    add(
        "Model.compile",
        {"optimizer": "adam", "lr": 1e-3, "verbose": 0},
        {
            "optimizer": choice("adam", "nadam", "sgd", "L-BFGS", "L-BFGS-B", "SOAP")
            | Kind(lambda v: isinstance(v, str) and v.upper() == "SOAP")
            | instance(tf.keras.optimizers.Optimizer),
            "lr": positive,
            "loss": choice(*dde.losses.LOSS_DICT) | Kind(callable) | EMPTY,
            "metrics": NONE | EMPTY,
            "decay": NONE
            | Kind(
                _is_decay,
                (
                    st.tuples(
                        st.sampled_from(["cosine", "inverse time", "step"]),
                        st.floats(),
                        st.floats(),
                    ),
                ),
            ),
            "loss_weights": NONE | WEIGHTS,
            "external_trainable_variables": NONE | EMPTY,
            "verbose": VERBOSE,
        },
        call=functools.partial(_compile, tiny),
    )
    add(
        "Model.train",
        {"iterations": 1, "batch_size": 2, "display_every": 10, "verbose": 0},
        {
            "iterations": count(0),
            "batch_size": NONE
            | Kind(_is_batch, (st.lists(st.integers(-2, 99), max_size=3),)),
            "display_every": count(),
            "disregard_previous_best": ANY_FLAG,
            "callbacks": NONE | EMPTY,
            "model_restore_path": NONE,
            "model_save_path": NONE | Kind(is_path),
            "epochs": NONE | count(0),
            "verbose": VERBOSE,
        },
        call=model.train,
        result=lambda result: result[0].loss_train,
    )
    path = Kind(is_path)
    add(
        "Model.save",
        {"save_path": tiny.folder / "model.npz"},
        {
            "save_path": path,
            "protocol": choice("backend", "pickle"),
            "verbose": VERBOSE,
        },
        call=model.save,
    )
    add(
        "Model.restore",
        {"save_path": tiny.model_file},
        {"save_path": NO_FILE, "verbose": VERBOSE},
        call=model.restore,
    )
    add_predict(add, tiny, "Model.predict", model.predict)
    add(
        "load_model",
        {"path": tiny.model_file, "data": tiny.data},
        {"path": NO_FILE, "data": NONE | kinds["data"], **FUNCTIONS},
    )
    add(
        "callbacks.Checkpoint",
        {"path": tiny.folder / "checkpoint"},
        {"path": path, "every": count()},
    )
    weight = number(lambda v: v >= 0)
    add(
        "callbacks.ParameterResampler",
        {},
        {"period": count()},
    )
    add(
        "callbacks.AdaptiveSampler",
        {},
        {
            "period": count(),
            "parameters": ANY_FLAG,
            "points": ANY_FLAG,
            "power": weight,
            "offset": weight,
            "candidates": count(),
            "num_points": count(),
            "num_parameters": count(),
        },
    )
    sampler = lrnr.callbacks.AdaptiveSampler(num_points=4)
    sampler.model = model
    add(
        "callbacks.AdaptiveSampler.parameter_losses",
        {"mu": tiny.mu},
        {"mu": mus(tiny.space)},
        call=sampler.parameter_losses,
    )
    add(
        "callbacks.AdaptiveSampler.point_losses",
        {"x": tiny.points},
        {"x": shaped(None, 2)},
        call=sampler.point_losses,
    )
    add("callbacks.Progress", {}, {"disable": NONE | ANY_FLAG})


def _compile(tiny, **arguments):
    lrnr.Model(tiny.data, tiny.net).compile(**arguments)


def _is_decay(value):
    return (
        isinstance(value, (list, tuple))
        and len(value) == 3
        and value[0] in ("cosine", "inverse time")
        and is_finite(value[1])
        and is_finite(value[2])
        and value[1] > 0
        and value[2] >= 0
    )


def _is_batch(value):
    sizes = value if isinstance(value, (list, tuple)) else [value]
    limits = (8, 20)
    return 0 < len(sizes) <= 2 and all(
        size is None or count(1, limit).fits(size)
        for size, limit in zip(sizes, limits, strict=False)
    )
