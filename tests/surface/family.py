"""The parameter space and the parametric problem."""

from __future__ import annotations

import functools

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from deepxde_lrnr.data.rows import Rows, known_rows
from hypothesis import strategies as st

from .kinds import (
    ANY_FLAG,
    FLOATS,
    NONE,
    POSITIVE_FLOATS,
    Kind,
    arrays,
    as_array,
    choice,
    count,
    function,
    instance,
    is_finite,
    mus,
    number,
    real_array,
    shaped,
)

DISTRIBUTIONS = choice("uniform", "pseudo", "LHS", "Halton", "Hammersley", "Sobol")


def add_space(add, tiny):
    space, mu = tiny.space, mus(tiny.space)
    bounds = Kind(_is_bounds, (st.tuples(st.floats(), st.floats()), st.text()))
    inside = {
        "mu": st.builds(np.array, st.lists(st.floats(0.5, 1.5), min_size=2, max_size=2))
    }
    outside = {"mu": st.tuples(FLOATS, POSITIVE_FLOATS)}
    add("ParameterSpace", {"k": (0, 1)}, {"k": bounds})
    add(
        "ParameterSpace.sample",
        {"n": 3, "distribution": "pseudo"},
        {"n": count(), "distribution": DISTRIBUTIONS},
        {"n": st.one_of(st.integers(1, 50), st.just(np.uint8(3)))},
        call=space.sample,
    )
    text = instance(str)
    add(
        "ParameterSpace.as_array",
        {"mu": tiny.mu},
        {"mu": mu, "name": text},
        outside,
        space.as_array,
    )
    add(
        "ParameterSpace.read",
        {"mu": tiny.mu},
        {"mu": mu, "name": text, "stacklevel": count()},
        outside,
        space.read,
    )
    add("ParameterSpace.contains", {"mu": tiny.mu}, {"mu": mu}, outside, space.contains)
    add(
        "ParameterSpace.check",
        {"mu": tiny.mu},
        {"mu": mu, "name": text, "stacklevel": count()},
        outside,
        space.check,
    )
    rows = real_array(
        lambda array: (
            array.ndim > 0
            and array.shape[-1] == space.dim
            and bool((array[..., space.log] > 0).all())
        ),
        1e308,
    )
    add("ParameterSpace.scale", {"mu": tiny.mu}, {"mu": rows}, inside, space.scale)
    columns = real_array(lambda array: array.ndim > 0 and array.shape[-1] == space.dim)
    add(
        "ParameterSpace.split",
        {"mu": tiny.mu},
        {"mu": columns},
        inside,
        space.split,
        result=lambda split: list(split.values()),
    )
    description = Kind(
        lambda value: isinstance(value, dict) and value == space.to_dict(),
        (
            st.dictionaries(
                st.sampled_from(["names", "low", "high", "log"]),
                st.one_of(
                    st.lists(st.floats()), st.text(), st.lists(st.text()), st.none()
                ),
            ),
        ),
    )
    add(
        "ParameterSpace.from_dict",
        {"d": space.to_dict()},
        {"d": description},
        call=lrnr.ParameterSpace.from_dict,
    )


def _is_bounds(value):
    if not isinstance(value, (list, tuple, np.ndarray)):
        return False
    if isinstance(value, np.ndarray) and value.ndim != 1:
        return False
    low, high, *more = value if len(value) in (2, 3, 4) else (0, 0)
    if more and not isinstance(more[-1], str):
        if not count(1, 10_000).fits(more.pop()):
            return False
    scale = more.pop() if more else "linear"
    if more or not (isinstance(scale, str) and scale in ("linear", "log")):
        return False
    if not (is_finite(low) and is_finite(high)):
        return False
    low, high = float(low), float(high)
    return np.finfo(float).tiny < (high - low) / 2 < np.inf and (
        scale == "linear" or low > 0
    )


def add_problem(add, tiny):
    problem, space = tiny.problem, tiny.space
    good = {"problem": problem, "parameter_space": space, "num_parameters": 4}
    add(
        "data.ParametricPDE",
        good,
        {
            "problem": instance(dde.data.PDE),
            "parameter_space": instance(lrnr.ParameterSpace),
            "num_parameters": count(),
            "parameter_distribution": DISTRIBUTIONS,
            "num_test": count(),
            "solution": NONE | function(1, 2),
            "deformation": NONE | function(2),
        },
    )
    data = lrnr.data.ParametricPDE(**good)
    add(
        "data.ParametricPDE.resample_train_parameters",
        {"mu": tiny.mu},
        {"mu": NONE | mus(space)},
        {"mu": st.lists(st.tuples(FLOATS, POSITIVE_FLOATS), min_size=1)},
        data.resample_train_parameters,
    )
    add(
        "data.ParametricPDE.resample_train_points",
        {},
        {"pde_points": ANY_FLAG, "bc_points": ANY_FLAG},
        call=data.resample_train_points,
    )
    add(
        "data.ParametricPDE.collocation",
        {"points": tiny.points},
        {"points": shaped(None, 2)},
        call=data.collocation,
    )
    points = tiny.points
    add(
        "data.ParametricPointSetBC",
        {"points": points, "values": np.ones((4, 1)), "mu": np.ones((4, 2))},
        {
            "points": shaped(4, 2),
            "values": shaped(4, 1) | shaped(1, 1) | shaped(),
            "mu": shaped(4, None) | shaped(1, None) | shaped(None) | shaped(),
            "component": count(0),
            "operator": NONE | function(2, 3),
        },
    )
    geom = tiny.geom
    kinds = (dde.geometry.geometry.Geometry, dde.geometry.GeometryXTime)
    add(
        "data.quadrature",
        {"geom": geom, "num_points": 4},
        {
            "geom": instance(*kinds),
            "num_points": count(),
            "rule": NONE | choice("Gauss-Legendre", "low-discrepancy"),
        },
        {"num_points": st.integers(1, 100)},
    )
    field = {"geom": geom, "covariance": "exponential", "num_modes": 3, "length": 1.0}
    positive = number(lambda v: v > 0)
    lengths = real_array(lambda a: a.shape == (2,) and bool((a > 0).all()))
    names = ("exponential", "Matern 3/2", "Matern 5/2", "squared exponential")
    add(
        "data.RandomField",
        {**field, "num_points": 100},
        {
            "geom": instance(*kinds),
            "covariance": choice(*names) | function(2),
            "num_modes": count(1, 16),
            "mean": number(),
            "length": positive | lengths,
            "variance": positive,
            "num_points": NONE | count(2, 10_000),
        },
    )
    random_field = lrnr.data.RandomField(**field)
    add(
        "data.RandomField.modes",
        {"x": points},
        {"x": shaped(None, 2)},
        call=random_field.modes,
    )
    add(
        "data.RandomField.sample",
        {"n": 3},
        {"n": count(), "bound": positive},
        {"n": st.integers(1, 50), "bound": st.floats(0.01, 40)},
        call=random_field.sample,
    )
    # Four points of the function's own, of six, for three mu.
    x = tf.random.uniform((18, 2))
    for helper, good, fits in (
        ("per_parameter", x, lambda shape: len(shape) == 2 and shape[0] in (12, 18)),
        (
            "as_rows",
            tf.ones((3, 1, 1)),
            lambda shape: len(shape) == 3 and shape[0] == 3 and shape[1] in (1, 4),
        ),
        ("values_at", x, lambda shape: shape in ((1, 2), (12, 2), (18, 2))),
    ):
        name = "x" if helper == "values_at" else "values"
        add(
            f"data.{helper}",
            {name: good},
            {name: _of_shape(fits)},
            call=functools.partial(_within, getattr(lrnr.data, helper), x),
        )


def _of_shape(fits):
    def allowed(value):
        array = as_array(value)
        return array is not None and fits(array.shape)

    return Kind(allowed, (arrays(),))


def _within(helper, rows, /, **arguments):
    """Calls a helper as a function of a problem would."""
    with known_rows(Rows(rows, 3, 0, 12, True, tf.sin)):
        return helper(**arguments)
