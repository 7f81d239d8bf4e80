"""The solution and its error."""

from __future__ import annotations

import numpy as np

from .._checks import as_integer, as_reals, shown
from ._drawing import (
    MAX_LEGEND,
    check_solution,
    colors_of,
    find_grid,
    legend_beside,
    make_axes,
    mu_text,
)

# Values with both signs, the smaller side being this share of the larger, get a map
# with white at zero.
_SIGNED = 0.1


def solution(
    solution,
    x,
    reference=None,
    component: int = 0,
    geom=None,
    ax=None,
    name: str | None = None,
):
    """The solution, and its error beside it if there is a reference.

    One coordinate that varies over the points gives lines, one for each mu, coloured by
    the first parameter if they are many. Two give a map: coloured cells if the points
    are a grid, else coloured triangles between them; white is zero where values have
    both signs.
    Coordinates that are the same at all points, e.g. a fixed time, go into the title.

    Args:
        solution: ``Solution``; of one mu if two coordinates vary.
        x: Points, array of shape (N, d).
        reference: ``None``, or values to compare with, of the shape that
            ``solution.predict(x)`` has or that without its last axis.
        component: Which component of the solution is drawn.
        geom: ``None``, or the DeepXDE geometry: triangles whose centre is outside of
            it are left out. Needed for scattered points in a domain that is not convex.
            Where the geometry depends on mu it is the reference geometry.
        ax: Axes, or a pair of them if ``reference`` is given.
        name: What the component is called, by default u, with its number if there are
            several.

    Returns:
        The axes, or an array of two of them if ``reference`` is given: solution, and
        solution minus reference.

    Raises:
        TypeError: If ``solution`` is no ``Solution``, ``x`` or ``reference`` is not
            made of real numbers, or ``ax``, ``geom`` or ``name`` is not as above.
        ValueError: If an array has the wrong shape, there is no such component, more
            than two coordinates vary, or there is to be a map of several mu.
    """
    check_solution(solution)
    if geom is not None and not callable(getattr(geom, "inside", None)):
        raise TypeError(f"geom is {shown(geom)}; it must be a geometry of DeepXDE.")
    if not (name is None or isinstance(name, str)):
        raise TypeError(f"name is {shown(name)}; it must be a string, e.g. 'p'.")
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
    label = label if name is None else name
    panels = [values[..., component]]
    if reference is not None:
        panels.append(panels[0] - reference[..., component])
    grid = triangles = None
    if len(varying) == 2:
        grid = find_grid(x[:, varying])
        if grid is None:
            places = solution.reference_points(x)
            triangles = _triangulation(x, varying, geom, places)
    axes = make_axes(ax, len(panels))
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
    single = [] if values.ndim == 3 else [mu_text(solution.mu, solution)]
    axes[0].set_title(", ".join(single + fixed) or label)
    if len(axes) == 2:
        axes[1].set_title(f"error, at most {np.max(np.abs(panels[1])):.2g}")
        if len(varying) == 1:
            axes[1].set_ylabel(f"{label} - reference")
    return axes[0] if reference is None else axes


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
    few = len(mus) <= MAX_LEGEND
    colors, scale = [f"C{i}" for i in range(len(mus))], None
    if not few:
        colors, scale = colors_of(mus, solution.parameter_space)
    for axis, values in zip(axes, panels, strict=True):
        values = np.atleast_2d(values)[:, order]
        for mu, row, color in zip(mus, values, colors, strict=True):
            # That of one mu has it in the title.
            label = mu_text(mu, solution) if len(mus) > 1 else "solution"
            axis.plot(x[order], row, color=color, label=label)
        if scale is not None:
            axis.figure.colorbar(ax=axis, **scale)
    if len(panels) == 2:
        reference = np.atleast_2d(panels[0] - panels[1])[:, order]
        for i, row in enumerate(reference):
            label = "reference" if i == 0 else None
            axes[0].plot(x[order], row, "k:", label=label)
    if few and len(mus) + len(panels) > 2:
        legend_beside(axes[0])


def _maps(axes, panels, labels, grid, triangles) -> None:
    styles = [_diverging(panels[0]) if _signed(panels[0]) else {}]
    styles += [_diverging(error) for error in panels[1:]]
    for axis, values, style, label in zip(axes, panels, styles, labels, strict=False):
        if grid is None:
            image = axis.tripcolor(triangles, values, shading="gouraud", **style)
        else:
            first, second, order = grid
            image = axis.pcolormesh(
                first, second, values[order], shading="nearest", **style
            )
        axis.figure.colorbar(image, ax=axis, label=label)


def _signed(values) -> bool:
    low, high = -np.nanmin(values), np.nanmax(values)
    return min(low, high) > _SIGNED * max(low, high)


def _diverging(values) -> dict:
    """The style of a map with white at zero."""
    size = np.nanmax(np.abs(values)) or 1.0
    return {"cmap": "RdBu_r", "vmin": -size, "vmax": size}


def _triangulation(x, columns, geom, places=None):
    """Triangles between points; in the reference geometry, if there is one."""
    from matplotlib.tri import Triangulation

    points = x if places is None else places
    try:
        triangles = Triangulation(*points[:, columns].T)
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"x has {len(x)} points between which there are no triangles (all on one "
            "line?)."
        ) from error
    if geom is not None:
        centres = points[triangles.triangles].mean(axis=1)
        triangles.set_mask(~np.asarray(geom.inside(centres), bool))
    if places is not None:
        mask = triangles.mask
        triangles = Triangulation(*x[:, columns].T, triangles.triangles, mask)
    return triangles
