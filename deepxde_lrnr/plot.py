"""Pictures of the stages: coefficients, reduction, solve, solution, error indicator.

Every function draws on Matplotlib axes, ``ax``, or on those of a new figure, and
returns them, so that labels and limits can be changed afterwards; nothing is shown.
Matplotlib's pyplot is imported when a new figure is needed, not before.
"""

from __future__ import annotations

__all__ = ["coefficients", "convergence", "indicator", "singular_values", "solution"]

import numpy as np

from ._checks import as_choice, as_integer, as_reals, shown
from .fast_phase import FastModel, Solution
from .fast_phase.report import Report
from .model import Model

# More lines than this have no legend.
_MAX_LEGEND = 10


def solution(solution, x, reference=None, component: int = 0, geom=None, ax=None):
    """The solution, and its error beside it if there is a reference.

    One coordinate that varies over the points gives lines, one for each mu. Two give a
    map: coloured cells if the points are a grid, else coloured triangles between them.
    Coordinates that are the same at all points, e.g. a fixed time, go into the title.

    Args:
        solution: ``Solution``; of one mu if two coordinates vary.
        x: Points, array of shape (N, d).
        reference: ``None``, or values to compare with, of the shape that
            ``solution.predict(x)`` has or that without its last axis.
        component: Which component of the solution is drawn.
        geom: ``None``, or the DeepXDE geometry: triangles whose centre is outside of
            it are left out. Needed for scattered points in a domain that is not convex.
        ax: Axes, or a pair of them if ``reference`` is given.

    Returns:
        The axes, or an array of two of them if ``reference`` is given: solution, and
        solution minus reference.

    Raises:
        TypeError: If ``solution`` is no ``Solution``, ``x`` or ``reference`` is not
            made of real numbers, or ``ax`` or ``geom`` is not as above.
        ValueError: If an array has the wrong shape, there is no such component, more
            than two coordinates vary, or there is to be a map of several mu.
    """
    if not isinstance(solution, Solution):
        raise TypeError(
            f"solution is a {type(solution).__name__}; it must be what "
            "FastModel.solve returns."
        )
    if geom is not None and not callable(getattr(geom, "inside", None)):
        raise TypeError(f"geom is {shown(geom)}; it must be a geometry of DeepXDE.")
    values = solution.predict(x)
    component = as_integer("component", component, 0)
    if component >= values.shape[-1]:
        raise ValueError(
            f"component is {component}; the solution has {values.shape[-1]}, counted "
            "from 0."
        )
    if reference is not None:
        reference = _reference(reference, values.shape)
    names, x = solution.coordinates, np.asarray(x, float)
    varying = [j for j in range(len(names)) if np.ptp(x[:, j]) > 0]
    if len(varying) not in (1, 2):
        raise ValueError(
            f"x varies in {len(varying)} of its coordinates ({', '.join(names)}); it "
            "must vary in one or two, the others being the same at all points."
        )
    if len(varying) == 2 and values.ndim == 3:
        raise ValueError(
            f"solution is that of {len(values)} mu, but a map shows one: pass "
            "solution[0], or points at which only one coordinate varies."
        )
    fixed = [f"{names[j]} = {x[0, j]:.3g}" for j in range(len(names))]
    fixed = [text for j, text in enumerate(fixed) if j not in varying]
    label = "u" if values.shape[-1] == 1 else f"u, component {component}"
    panels = [values[..., component]]
    if reference is not None:
        panels.append(panels[0] - reference[..., component])
    grid = triangles = None
    if len(varying) == 2:
        grid = _grid(x[:, varying])
        triangles = _triangulation(x, varying, geom) if grid is None else None
    axes = _axes(ax, len(panels))
    if len(varying) == 1:
        j = varying[0]
        _lines(axes, x[:, j], panels, solution)
        for axis in axes:
            axis.set(xlabel=names[j], ylabel=label)
    else:
        labels = [label, f"{label} - reference"]
        _maps(axes, panels, labels, grid, triangles)
        for axis in axes:
            axis.set(xlabel=names[varying[0]], ylabel=names[varying[1]])
            if "t" not in (names[j] for j in varying):
                axis.set_aspect("equal")
    single = [] if values.ndim == 3 else [_mu_text(solution.mu, solution)]
    axes[0].set_title(", ".join(single + fixed) or label)
    if len(axes) == 2:
        axes[1].set_title(f"error, at most {np.max(np.abs(panels[1])):.2g}")
        if len(varying) == 1:
            axes[1].set_ylabel(f"{label} - reference")
    return axes[0] if reference is None else axes


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
        ValueError: If there is no such parameter, ``num`` is not an integer >= 2, or
            the model has no weights yet.
    """
    if not isinstance(model, (FastModel, Model)):
        raise TypeError(
            f"model is a {type(model).__name__}; it must be a FastModel or a Model."
        )
    network = model.full if isinstance(model, FastModel) else model.net
    if not network.built:
        raise ValueError("model has no weights yet; train it first.")
    space = network.parameter_space
    j = 0 if parameter is None else _parameter(parameter, space)
    # Uniform along the axis, linear or logarithmic, as the box itself.
    centre = space.sample(1, "uniform").astype(float)
    mu = np.repeat(centre, as_integer("num", num, 2), axis=0)
    along = np.geomspace if space.log[j] else np.linspace
    mu[:, j] = along(space.low[j], space.high[j], num)
    z = np.asarray(network.coefficients(mu))
    scales, biases = network.layout.split(z)
    (axis,) = _axes(ax, 1)
    for blocks, first, style, symbol in ((scales, 1, "-", "s"), (biases, 0, "--", "c")):
        for layer, block in enumerate(blocks, start=first):
            if block is not None:
                label = f"{symbol}, layer {layer} ({block.shape[1]})"
                _plot(axis, mu[:, j], block.T, style, f"C{layer}", label)
    others = [
        f"{name} = {value:.3g}"
        for i, (name, value) in enumerate(zip(space.names, mu[0], strict=True))
        if i != j
    ]
    axis.set(
        xlabel=space.names[j],
        ylabel="coefficient",
        title=", ".join(others),
        xscale="log" if space.log[j] else "linear",
    )
    axis.legend(fontsize="small", ncols=2)
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
    (axis,) = _axes(ax, 1)
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
    axis.legend(fontsize="small")
    return axis


def convergence(solution, ax=None):
    """The objective of the fast phase after each step.

    Args:
        solution: ``Solution``, of one mu or of several.
        ax: Axes.

    Returns:
        The axes: a line for each mu, up to its last step.

    Raises:
        TypeError: If ``solution`` or ``ax`` is of another type.
    """
    if not isinstance(solution, Solution):
        raise TypeError(
            f"solution is a {type(solution).__name__}; it must be what "
            "FastModel.solve returns."
        )
    (axis,) = _axes(ax, 1)
    mus = np.atleast_2d(solution.mu)
    rows = zip(
        mus,
        np.atleast_2d(solution.history),
        np.atleast_1d(solution.steps),
        np.atleast_1d(solution.status),
        strict=True,
    )
    few = len(mus) <= _MAX_LEGEND
    for mu, history, steps, status in rows:
        label = f"{_mu_text(mu, solution)}: {status}" if few else None
        style = {"marker": "." if steps <= 40 else None, "alpha": 1 if few else 0.3}
        axis.plot(np.arange(steps + 1), history[: steps + 1], label=label, **style)
    axis.set(xlabel="step", ylabel="objective (sum of squares)", yscale="log")
    axis.xaxis.get_major_locator().set_params(integer=True)
    if few:
        axis.legend(fontsize="small")
    return axis


def indicator(solution, parameters=None, ax=None):
    """Where in the box the fast phase does well: the residual over its parameters.

    Args:
        solution: ``Solution`` of several mu, or a ``Sweep``.
        parameters: Names of one or two parameters, by default the first two. The
            others may vary; points are drawn over each other then.
        ax: Axes.

    Returns:
        The axes: for two parameters coloured cells if mu is a grid in them, else
        coloured points; for one, the residual over it. What is not finite is black.

    Raises:
        TypeError: If ``solution`` or ``ax`` is of another type.
        ValueError: If ``solution`` is that of one mu, or there are no such parameters.
    """
    if not all(hasattr(solution, a) for a in ("mu", "residual", "parameter_space")):
        raise TypeError(
            f"solution is a {type(solution).__name__}; it must be what "
            "FastModel.solve or sweep returns."
        )
    space = solution.parameter_space
    mu, residual = np.asarray(solution.mu), np.asarray(solution.residual, float)
    if mu.ndim != 2:
        raise ValueError("solution is that of one mu; solve several for a map.")
    if parameters is None:
        parameters = space.names[:2]
    if isinstance(parameters, str):
        parameters = (parameters,)
    if not isinstance(parameters, (list, tuple)):
        raise ValueError(
            f"parameters is {shown(parameters)}; it must be one or two names."
        )
    columns = [_parameter(name, space, "parameters") for name in parameters]
    if len(columns) not in (1, 2) or len(set(columns)) != len(columns):
        raise ValueError(
            f"parameters is {tuple(parameters)}; it must be one or two different names."
        )
    label = "residual (root mean square)"
    (axis,) = _axes(ax, 1)
    scales = ["log" if space.log[j] else "linear" for j in columns]
    names = [space.names[j] for j in columns]
    if len(columns) == 1:
        axis.plot(mu[:, columns[0]], residual, ".")
        axis.set(xlabel=names[0], ylabel=label, xscale=scales[0], yscale="log")
        return axis
    points = mu[:, columns]
    style = {"norm": _log_norm(residual), "cmap": _with_black("viridis")}
    grid = _grid(points)
    if grid is None:
        image = axis.scatter(*points.T, 16, residual, plotnonfinite=True, **style)
    else:
        first, second, order = grid
        image = axis.pcolormesh(
            first, second, residual[order], shading="nearest", **style
        )
    axis.figure.colorbar(image, ax=axis, label=label)
    axis.set(xlabel=names[0], ylabel=names[1], xscale=scales[0], yscale=scales[1])
    return axis


def _axes(ax, count: int) -> np.ndarray:
    """``ax`` as an array of ``count`` axes, or those of a new figure."""
    if ax is None:
        import matplotlib.pyplot as plt

        size = (5.2 * count, 3.6)
        _, axes = plt.subplots(
            1, count, figsize=size, layout="constrained", squeeze=False
        )
        return axes[0]
    from matplotlib.axes import Axes

    axes = np.array(ax, dtype=object).ravel()
    if len(axes) != count or not all(isinstance(a, Axes) for a in axes):
        wanted = "Matplotlib axes" if count == 1 else f"{count} Matplotlib axes"
        raise TypeError(
            f"ax is {shown(ax)}; it must be {wanted}, as plt.subplots(1, {count})[1]."
        )
    return axes


def _reference(reference, shape) -> np.ndarray:
    reference = as_reals("reference", reference).astype(float)
    if not np.isfinite(reference).all():
        raise ValueError("reference has entries that are NaN or infinite.")
    if reference.shape == shape:
        return reference
    if reference.shape == shape[:-1] and shape[-1] == 1:
        return reference[..., None]
    raise ValueError(
        f"reference has shape {reference.shape}; it must be {shape}, as "
        "solution.predict(x) has."
    )


def _lines(axes, x, panels, solution) -> None:
    order = np.argsort(x, kind="stable")
    mus = np.atleast_2d(solution.mu)
    for axis, values in zip(axes, panels, strict=True):
        values = np.atleast_2d(values)[:, order]
        for mu, row in zip(mus, values, strict=True):
            axis.plot(x[order], row, label=_mu_text(mu, solution))
    if len(panels) == 2:
        reference = np.atleast_2d(panels[0] - panels[1])[:, order]
        for i, row in enumerate(reference):
            label = "reference" if i == 0 else None
            axes[0].plot(x[order], row, "k:", label=label)
    if len(mus) <= _MAX_LEGEND and len(mus) + len(panels) > 2:
        axes[0].legend(fontsize="small")


def _maps(axes, panels, labels, grid, triangles) -> None:
    styles = [{}, {}]
    if len(panels) == 2:
        size = np.nanmax(np.abs(panels[1])) or 1.0
        styles[1] = {"cmap": "RdBu_r", "vmin": -size, "vmax": size}
    for axis, values, style, label in zip(axes, panels, styles, labels, strict=False):
        if grid is None:
            image = axis.tripcolor(triangles, values, shading="gouraud", **style)
        else:
            first, second, order = grid
            image = axis.pcolormesh(
                first, second, values[order], shading="nearest", **style
            )
        axis.figure.colorbar(image, ax=axis, label=label)


def _grid(points):
    """The two axes of a grid, and which point is where in it; ``None`` if it is none.

    Args:
        points: Array of shape (N, 2), in any order.
    """
    (first, i), (second, j) = (
        np.unique(column, return_inverse=True) for column in points.T
    )
    order = np.full((len(second), len(first)), -1)
    if order.size != len(points) or min(order.shape) < 2:
        return None
    order[j, i] = np.arange(len(points))
    return None if (order < 0).any() else (first, second, order)


def _triangulation(x, columns, geom):
    from matplotlib.tri import Triangulation

    try:
        triangles = Triangulation(*x[:, columns].T)
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"x has {len(x)} points between which there are no triangles (all on one "
            "line?)."
        ) from error
    if geom is not None:
        centres = x[triangles.triangles].mean(axis=1)
        triangles.set_mask(~np.asarray(geom.inside(centres), bool))
    return triangles


def _plot(axis, x, rows, style, color, label) -> None:
    """Lines of one colour, with one entry in the legend."""
    for i, row in enumerate(rows):
        axis.plot(x, row, style, color=color, lw=1, label=None if i else label)


def _parameter(name, space, argument: str = "parameter") -> int:
    as_choice(argument, name, space.names)
    return space.names.index(name)


def _mu_text(mu, solution) -> str:
    names = solution.parameter_space.names
    return ", ".join(f"{n} = {m:.3g}" for n, m in zip(names, mu, strict=True))


def _log_norm(values):
    from matplotlib.colors import LogNorm, Normalize

    shown = values[np.isfinite(values) & (values > 0)]
    return LogNorm(shown.min(), shown.max()) if len(shown) else Normalize(0, 1)


def _with_black(name: str):
    from matplotlib import colormaps

    return colormaps[name].with_extremes(bad="black")
