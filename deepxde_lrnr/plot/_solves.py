"""How the fast phase went, for one mu or over the box."""

from __future__ import annotations

import numpy as np

from ._drawing import (
    MAX_LEGEND,
    check_solution,
    colors_of,
    find_grid,
    legend_beside,
    make_axes,
    mu_text,
    parameter_columns,
)


def convergence(solution, ax=None):
    """The objective of the fast phase after each step.

    Args:
        solution: ``Solution``, of one mu or of several.
        ax: Axes.

    Returns:
        The axes: a line for each mu, up to its last step, coloured by the first
        parameter if they are many.

    Raises:
        TypeError: If ``solution`` or ``ax`` is of another type.
    """
    check_solution(solution)
    (axis,) = make_axes(ax, 1)
    mus = np.atleast_2d(solution.mu)
    few, scale = len(mus) <= MAX_LEGEND, None
    colors = [f"C{i}" for i in range(len(mus))]
    if not few:
        colors, scale = colors_of(mus, solution.parameter_space)
    rows = zip(
        mus,
        colors,
        np.atleast_2d(solution.history),
        np.atleast_1d(solution.steps),
        np.atleast_1d(solution.status),
        strict=True,
    )
    for mu, color, history, steps, status in rows:
        label = f"{mu_text(mu, solution)}: {status}" if few else None
        style = {"marker": "." if steps <= 40 else None, "color": color}
        axis.plot(np.arange(steps + 1), history[: steps + 1], label=label, **style)
    axis.set(xlabel="step", ylabel="objective (sum of squares)", yscale="log")
    axis.xaxis.get_major_locator().set_params(integer=True)
    if few:
        legend_beside(axis)
    else:
        axis.figure.colorbar(ax=axis, **scale)
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
    columns = parameter_columns(parameters, space)
    label = "residual (root mean square)"
    (axis,) = make_axes(ax, 1)
    scales = ["log" if space.log[j] else "linear" for j in columns]
    names = [space.names[j] for j in columns]
    if len(columns) == 1:
        axis.plot(mu[:, columns[0]], residual, ".")
        axis.set(xlabel=names[0], ylabel=label, xscale=scales[0], yscale="log")
        return axis
    points = mu[:, columns]
    style = {"norm": _log_norm(residual), "cmap": _with_black("viridis")}
    grid = find_grid(points)
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


def _log_norm(values):
    from matplotlib.colors import LogNorm, Normalize

    shown = values[np.isfinite(values) & (values > 0)]
    return LogNorm(shown.min(), shown.max()) if len(shown) else Normalize(0, 1)


def _with_black(name: str):
    from matplotlib import colormaps

    return colormaps[name].with_extremes(bad="black")
