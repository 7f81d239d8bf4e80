"""What a reduced basis is made of."""

from __future__ import annotations

import numpy as np

from ..fast_model import FastModel
from ..reduced_basis.model import ReducedBasis
from ._drawing import make_axes, parameter_columns


def basis(model, parameters=None, ax=None):
    """The decay of the residual as a reduced basis grew, and the mu it is made of.

    Args:
        model: ``FastModel`` with a basis, or a ``ReducedBasis``.
        parameters: Names of one or two parameters over which mu are drawn, by default
            the first two.
        ax: Two axes.

    Returns:
        The axes. Left: the largest held-out residual over the candidates for each size
        of the basis. Right: the chosen mu, coloured by the order in which they were
        chosen, over two parameters; over one, the order itself.

    Raises:
        TypeError: If ``model`` or ``ax`` is of another type.
        ValueError: If the model has no basis, or there are no such parameters.
    """
    if isinstance(model, FastModel):
        if model.basis is None:
            raise ValueError("model has no basis; fast.build_basis() makes one.")
        model = model.basis
    if not isinstance(model, ReducedBasis):
        raise TypeError(
            f"model is a {type(model).__name__}; it must be a FastModel with a basis, "
            "or a ReducedBasis."
        )
    space = model.functions.parameter_space
    columns = parameter_columns(parameters, space)
    decay, chosen = make_axes(ax, 2)
    decay.semilogy(model.sizes, model.decay, ".-")
    decay.set(xlabel="basis functions", ylabel="largest residual over the box")
    order, label = np.arange(1, len(model.mu) + 1), "chosen as number"
    names = [space.names[j] for j in columns]
    scales = ["log" if space.log[j] else "linear" for j in columns]
    if len(columns) == 1:
        chosen.plot(model.mu[:, columns[0]], order, ".")
        chosen.set(xlabel=names[0], ylabel=label, xscale=scales[0])
    else:
        image = chosen.scatter(*model.mu[:, columns].T, 24, order, cmap="viridis")
        chosen.figure.colorbar(image, ax=chosen, label=label)
        chosen.set(xlabel=names[0], ylabel=names[1], xscale=scales[0], yscale=scales[1])
    return np.array([decay, chosen])
