"""The networks and their layout, and the optimizer."""

from __future__ import annotations

import functools

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

from .kinds import (
    EMPTY,
    FLOATS,
    NONE,
    NOTHING_ELSE,
    POSITIVE_FLOATS,
    TAKES_TWO,
    TRANSFORM,
    Kind,
    choice,
    count,
    instance,
    is_finite,
    listed,
    mus,
    number,
    real_array,
    shaped,
)


def add_networks(add, tiny):
    sizes = Kind(_are_sizes, (st.lists(st.integers(-2, 5), max_size=6),))
    activation = (
        choice("tanh", "TANH")
        | Kind(callable)
        | Kind(lambda value: listed(Kind(callable)).fits(value) and len(value) == 3)
    )
    initializer = choice("Glorot normal", "He normal") | Kind(callable)
    penalty = Kind(
        _is_penalty,
        (
            st.dictionaries(st.sampled_from(["orthogonality", "l2"]), st.floats()),
            st.tuples(st.sampled_from(["l1", "l2", "l1l2", "l3"]), st.floats()),
        ),
    )
    low_rank = {
        "layer_sizes": sizes,
        "activation": NONE | activation,
        "kernel_initializer": initializer,
        "regularization": NONE | penalty,
        "rank": count(1, 4),
    }
    good = {
        "layer_sizes": [2, 4, 4, 1],
        "activation": "tanh",
        "kernel_initializer": "Glorot normal",
        "rank": 2,
    }
    add("nn.LRNR", good, {**low_rank, "rank": NONE | count(1, 4)})
    add(
        "nn.HyperLRNR",
        {**good, "parameter_space": tiny.space},
        {
            **low_rank,
            "parameter_space": instance(lrnr.ParameterSpace),
            "bias_rank": count(0),
            "hypernetwork": EMPTY | listed(count()),
        },
    )
    add(
        "nn.Parametric",
        {"net": tiny.inner, "parameter_space": tiny.space},
        {
            "net": instance(dde.nn.FNN),
            "parameter_space": instance(lrnr.ParameterSpace),
        },
    )
    net, layout = tiny.net, tiny.net.layout
    fast = lrnr.nn.FastLRNR(net)
    selected = Kind(lambda value: False, (st.lists(st.integers(-9, 9), max_size=4),))
    add(
        "nn.FastLRNR",
        {"net": net},
        {
            "net": instance(lrnr.nn.HyperLRNR),
            "indices": NONE | selected,
            "maps": NONE | selected,
            "kept": NONE | NOTHING_ELSE,
            "dtype": NONE | choice("float32", "float64"),
        },
    )
    mu, points = (
        tf.constant(a, "float32") for a in (tiny.mu, np.repeat(tiny.points, 2, axis=0))
    )
    for name, network in (
        ("nn.HyperLRNR", net),
        ("nn.FastLRNR", fast),
        ("nn.Parametric", tiny.parametric),
    ):
        size = network.num_coefficients
        z = tf.constant(network.coefficients(tiny.mu))
        add(
            f"{name}.coefficients",
            {"mu": tiny.mu},
            {"mu": mus(tiny.space)},
            {"mu": st.tuples(FLOATS, POSITIVE_FLOATS)},
            network.coefficients,
        )
        add(
            f"{name}.evaluate",
            {"mu": mu, "x": points, "coefficients": z},
            {
                "mu": shaped(2, 2),
                "x": real_array(
                    lambda a: (
                        a.ndim == 2
                        and a.shape[1] == 2
                        and a.shape[0] % 2 == 0
                        and len(a) > 0
                    )
                ),
                "coefficients": shaped(2, size),
                "reference": NONE | shaped(*points.shape),
            },
            call=network.evaluate,
        )
        for transform, kind in (("feature", TRANSFORM), ("output", TAKES_TWO)):
            method = f"apply_{transform}_transform"
            add(
                f"{name}.{method}",
                {"transform": lambda x, y: y},
                {"transform": kind},
                call=functools.partial(_apply, tiny, method, name),
            )
    good = {"ranks": (2, 3), "bias_ranks": (1, 0, 1)}
    add(
        "nn.CoefficientLayout",
        good,
        {
            "ranks": listed(count(0)),
            "bias_ranks": listed(count(0)),
            "readouts": count(0),
        },
    )
    other = lrnr.nn.CoefficientLayout(**good)
    add(
        "nn.CoefficientLayout.split",
        {"coefficients": np.ones((3, other.size))},
        {
            "coefficients": real_array(
                lambda a: a.ndim == 2 and a.shape[1] == other.size
            )
        },
        call=other.split,
    )
    add(
        "nn.CoefficientLayout.keep",
        {"kept": np.ones(layout.size, bool)},
        {"kept": NOTHING_ELSE},
        call=layout.keep,
    )
    positive = number(lambda v: v > 0)
    decay = number(lambda v: 0 <= v < 1)
    add(
        "optimizers.SOAP",
        {},
        {
            "learning_rate": positive | Kind(callable),
            "beta_1": decay,
            "beta_2": decay,
            "epsilon": positive,
            "frequency": count(),
            "max_size": count(0),
            "name": NONE | instance(str),
        },
    )


def _apply(tiny, method, name, transform):
    net = tiny.untrained()
    if name == "nn.Parametric":
        net = lrnr.nn.Parametric(tiny.inner, tiny.space)
    getattr(net, method)(transform)


def _are_sizes(value):
    return listed(count()).fits(value) and len(value) >= 4


def _is_penalty(value):
    if isinstance(value, dict):
        return set(value) <= {"orthogonality", "sparsity"} and all(
            is_finite(v) and v >= 0 for v in value.values()
        )
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return isinstance(value, (list, tuple)) and len(value) == 0
    return value[0] in ("l1", "l2") and is_finite(value[1]) and value[1] >= 0
