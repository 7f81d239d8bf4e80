"""The pictures."""

from __future__ import annotations

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
from matplotlib.axes import Axes

from .kinds import (
    NONE,
    Kind,
    choice,
    count,
    instance,
    listed,
    shaped,
)


def add_plots(add, tiny):
    ax = NONE | instance(Axes)
    parameter = choice(*tiny.space.names)
    solution = instance(lrnr.Solution)
    different = Kind(
        lambda value: listed(parameter).fits(value) and len(set(value)) == len(value)
    )
    one = tiny.solution[0]
    drawn = {"ax": tiny.axes}
    add(
        "plot.solution",
        {"solution": one, "x": np.linspace([0, 0.5], [1, 0.5], 5), **drawn},
        {
            "solution": solution,
            "x": shaped(None, 2),
            "reference": NONE | shaped(5) | shaped(5, 1),
            "component": count(0, 0),
            "geom": NONE
            | instance(dde.geometry.geometry.Geometry, dde.geometry.GeometryXTime),
            "ax": ax,
            "name": NONE | instance(str),
        },
        result=lambda ax: None,
    )
    models = instance(lrnr.Model, lrnr.FastModel)
    add(
        "plot.coefficients",
        {"model": tiny.fast, "num": 3, **drawn},
        {"model": models, "parameter": NONE | parameter, "num": count(2), "ax": ax},
    )
    report = type(tiny.fast.report())
    add(
        "plot.singular_values",
        {"model": tiny.fast, **drawn},
        {"model": instance(lrnr.FastModel, report), "ax": ax},
    )
    add(
        "plot.basis",
        {"model": tiny.with_basis, "ax": tiny.two_axes},
        {
            "model": instance(type(tiny.with_basis.basis)),
            "parameters": NONE | parameter | different,
            "ax": NONE,
        },
        result=lambda axes: None,
    )
    add(
        "plot.convergence",
        {"solution": tiny.solution, **drawn},
        {"solution": solution, "ax": ax},
    )
    add(
        "plot.indicator",
        {"solution": tiny.solution, **drawn},
        {
            "solution": instance(lrnr.Solution, lrnr.Sweep),
            "parameters": NONE | parameter | different,
            "ax": ax,
        },
    )
