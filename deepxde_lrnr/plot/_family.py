"""What was learned of the family, and what its reduction kept."""

from __future__ import annotations

import numpy as np

from .._checks import as_integer
from ..fast_model import FastModel
from ..model import Model
from ..report import Report
from ._drawing import legend_beside, make_axes, parameter_index

# Parameters beside the one that is drawn.
_MOST_OTHERS = 6


def coefficients(model, parameter: str | None = None, num: int = 101, ax=None):
    """The hypernetwork's coefficients along one parameter, the others at the centre.

    Args:
        model: ``FastModel``, or a trained ``Model``.
        parameter: Name of the parameter, by default the first.
        num: Number of its values, from bound to bound.
        ax: Axes.

    Returns:
        The axes. Coefficients s of one layer have one colour; those of the biases, c,
        are dashed.

    Raises:
        TypeError: If ``model`` or ``ax`` is of another type.
        ValueError: If there is no such parameter, ``num`` is not an integer >= 2, the
            model has no weights yet, or its network is no ``HyperLRNR``.
    """
    if not isinstance(model, (FastModel, Model)):
        raise TypeError(
            f"model is a {type(model).__name__}; it must be a FastModel or a Model."
        )
    network = model.full if isinstance(model, FastModel) else model.net
    if not network.built:
        raise ValueError("model has no weights yet; train it first.")
    if network.layout is None or not network.layout.num_scales:
        raise ValueError(
            "model has the network of a Parametric, which has no hypernetwork; only a "
            "HyperLRNR has coefficients."
        )
    space = network.parameter_space
    j = 0 if parameter is None else parameter_index(parameter, space)
    # Uniform along the axis, linear or logarithmic, as the box itself.
    centre = space.sample(1, "uniform").astype(float)
    mu = np.repeat(centre, as_integer("num", num, 2), axis=0)
    along = np.geomspace if space.log[j] else np.linspace
    mu[:, j] = along(space.low[j], space.high[j], num)
    z = np.asarray(network.coefficients(mu))
    scales, biases = network.layout.split(z)
    (axis,) = make_axes(ax, 1)
    for blocks, first, style, symbol in ((scales, 1, "-", "s"), (biases, 0, "--", "c")):
        for layer, block in enumerate(blocks, start=first):
            if block is not None:
                label = f"{symbol}, layer {layer} ({block.shape[1]})"
                _plot(axis, mu[:, j], block.T, style, f"C{layer}", label)
    # The others are at the centre; more of them than a title holds need no values.
    others = [
        f"{name} = {value:.3g}"
        for i, (name, value) in enumerate(zip(space.names, mu[0], strict=True))
        if i != j
    ]
    axis.set(
        xlabel=space.names[j],
        ylabel="coefficient",
        title=", ".join(others) if len(others) <= _MOST_OTHERS else "",
        xscale="log" if space.log[j] else "linear",
    )
    legend_beside(axis)
    return axis


def singular_values(model, ax=None):
    """Singular values of each hidden layer's snapshots, and what was kept of them.

    Args:
        model: ``FastModel``, or its ``report()``.
        ax: Axes.

    Returns:
        The axes: singular values relative to the first of the layer, with a dot at the
        last mode that was kept.

    Raises:
        TypeError: If ``model`` or ``ax`` is of another type.
    """
    report = model.report() if isinstance(model, FastModel) else model
    if not isinstance(report, Report):
        raise TypeError(
            f"model is a {type(model).__name__}; it must be a FastModel or its "
            "report()."
        )
    (axis,) = make_axes(ax, 1)
    for i, (layer, width) in enumerate(zip(report.layers, report.widths, strict=True)):
        sigma = layer.singular_values / layer.singular_values[0]
        k = np.arange(1, len(sigma) + 1)
        label = (
            f"layer {i}: {layer.modes} modes, {len(layer.indices)} of {width} neurons"
        )
        axis.plot(k, sigma, color=f"C{i}", label=label)
        last = min(layer.modes, len(sigma)) - 1
        axis.plot(k[last], sigma[last], "o", color=f"C{i}")
    axis.set(xlabel="k", ylabel="singular value k, relative to the first", yscale="log")
    legend_beside(axis)
    return axis


def _plot(axis, x, rows, style, color, label) -> None:
    """Lines of one colour, with one entry in the legend."""
    for i, row in enumerate(rows):
        axis.plot(x, row, style, color=color, lw=1, label=None if i else label)
