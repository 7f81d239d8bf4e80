"""What the pictures share: axes, grids of points, names of parameters."""

from __future__ import annotations

import numpy as np

from .._checks import as_choice, shown
from ..fast_phase import Solution
from ..parameters.axes import shortened

# More lines than this have no legend.
MAX_LEGEND = 10


def make_axes(ax, count: int) -> np.ndarray:
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


def check_solution(solution) -> None:
    if not isinstance(solution, Solution):
        raise TypeError(
            f"solution is a {type(solution).__name__}; it must be what "
            "FastModel.solve returns."
        )


def find_grid(points):
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


def parameter_index(name, space, argument: str = "parameter") -> int:
    as_choice(argument, name, space.names)
    return space.names.index(name)


def parameter_columns(parameters, space) -> list[int]:
    """Columns of the parameters over which something is drawn.

    Args:
        parameters: Names of one or two parameters, ``None`` for the first two.
        space: ``ParameterSpace``.

    Raises:
        ValueError: If there are no such parameters.
    """
    if parameters is None:
        parameters = space.names[:2]
    if isinstance(parameters, str):
        parameters = (parameters,)
    if not isinstance(parameters, (list, tuple)):
        raise ValueError(
            f"parameters is {shown(parameters)}; it must be one or two names."
        )
    columns = [parameter_index(name, space, "parameters") for name in parameters]
    if len(columns) not in (1, 2) or len(set(columns)) != len(columns):
        raise ValueError(
            f"parameters is {tuple(parameters)}; it must be one or two different names."
        )
    return columns


def legend_beside(axis, **style) -> None:
    """A legend on the right of the axes, where it covers no curve."""
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small", **style)


def colors_of(mus, space):
    """A colour for each of many mu, by the first parameter in which they differ.

    Args:
        mus: Array of shape (n, p).
        space: ``ParameterSpace``.

    Returns:
        Array of n colours, and what ``figure.colorbar`` takes, with the label.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    j = int(np.argmax(np.ptp(mus, axis=0) > 0))
    low, high = mus[:, j].min(), mus[:, j].max()
    norm = LogNorm(low, high) if space.log[j] and low > 0 else Normalize(low, high)
    scale = ScalarMappable(norm, "viridis")
    return scale.to_rgba(mus[:, j]), {"mappable": scale, "label": space.names[j]}


def mu_text(mu, solution) -> str:
    return shortened(solution.parameter_space.axes, mu, " = ", 3)
