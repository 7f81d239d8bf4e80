"""FastLRNR: the network of selected neurons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .._checks import as_choice, as_reals, shown
from .._deepxde import copy_transforms
from .hyper_lrnr import HyperLRNR, ParametricNN
from .hypernetwork import Hypernetwork
from .low_rank import LowRankStack


class FastLRNR(ParametricNN):
    """Low rank neural representation that computes selected neurons only.

    Of each hidden layer only the neurons with indices P_l are computed, and what the
    next layer needs of the others is read off them: V_{l+1}^T h_l ~ C_l h_l[P_l], or
    of a dense layer, W_{l+1}[:, P_{l+1}]^T h_l ~ C_l h_l[P_l].
    It is a frozen copy: weights trained afterwards in ``net`` do not reach it.

    Args:
        net: Trained ``HyperLRNR``.
        indices: For each hidden layer the indices P_l of its selected neurons, or
            ``None``: all of them.
        maps: For each hidden layer C_l, of shape (r_{l+1}, len(P_l)), the last of shape
            (number of components, len(P_L)); ``None`` if ``indices`` is. (See
            ``needed_of_layers``.)
        kept: ``None`` or a boolean array of shape (``net.layout.num_inner``,):
            coefficients not dropped.
        dtype: ``None``, DeepXDE's default float, or "float64": a copy of weights in
            single precision that computes in double precision.

    Attributes:
        kept: Indices, in ``net.layout``, of the coefficients not dropped.
        full_size: Number of coefficients of the hidden layers of ``net``.

    Raises:
        TypeError: If ``net`` is no ``HyperLRNR``, or an array is not made of numbers.
        ValueError: If ``net`` has no weights yet, if ``indices``, ``maps`` or ``kept``
            do not fit it, or ``dtype`` is something else.

    References:
        `W. Cho, K. Lee, N. Park, D. Rim, & G. Welper. FastLRNR and sparse physics
        informed backpropagation. arXiv 2410.04001, 2024
        <https://arxiv.org/abs/2410.04001>`_, section 3.2.
    """

    def __init__(
        self,
        net: HyperLRNR,
        indices: Sequence[np.ndarray] | None = None,
        maps: Sequence[np.ndarray] | None = None,
        kept: np.ndarray | None = None,
        dtype: str | None = None,
    ):
        if dtype is not None:
            as_choice("dtype", dtype, ("float32", "float64"))
        super().__init__(dtype)
        self.trainable = False
        # A loaded network is a plain ParametricNN.
        if not isinstance(net, ParametricNN) or net.stack is None:
            raise TypeError(f"net is {shown(net)}; it must be a HyperLRNR.")
        full = net.stack
        if not full.built:
            raise ValueError("net has no weights yet; train it first.")
        if indices is None and maps is None:
            indices = [np.arange(width) for width in full.widths]
            maps = [needed.T for needed in needed_of_layers(net)]
        _check_selection(net, indices, maps)
        if kept is None:
            kept = np.ones(net.layout.num_inner, bool)
        layout = net.layout.keep(kept)
        if layout.readouts:
            layout = replace(layout, readouts=full.num_outputs * len(indices[-1]))
        self.layout = layout
        self.kept = np.flatnonzero(kept)
        self.full_size = net.layout.num_inner

        self.parameter_space = net.parameter_space
        copy_transforms(net, self)
        self.deformation = net.deformation
        self.stack = LowRankStack(
            tuple(len(i) for i in indices),
            self.layout,
            full.num_outputs,
            full.activations,
            "zeros",
            trainable=False,
            dtype=dtype,
        )
        self.stack.build((None, full.W_in.shape[0]))
        self._select(net, indices, maps)
        self.hypernetwork = Hypernetwork(
            net.parameter_space,
            self.layout,
            net.hypernetwork.hidden,
            [0.0] * self.layout.num_scales,
            net.hypernetwork.activation,
            trainable=False,
            dtype=dtype,
        )
        self.hypernetwork.build(None)
        # Only the last layer knows of single coefficients.
        *weights, kernel, bias = net.hypernetwork.get_weights()
        last = np.vstack([bias, kernel])
        parts = [last[:, self.kept]]
        if layout.readouts:
            read = np.asarray(maps[-1])[full.num_outputs :]
            parts.append(read.reshape(len(last), -1))
        last = np.hstack(parts)
        self.hypernetwork.set_weights([*weights, last[1:], last[0]])
        self.built = True

    def _select(self, net, indices, maps) -> None:
        """Copies the weights of the selected neurons and of the kept coefficients."""
        full, stack = net.stack, self.stack
        ends = np.cumsum(net.layout.ranks, dtype=int)
        stack.W_in.assign(np.asarray(full.W_in)[:, indices[0]])
        for level, rows in enumerate(indices):
            stack.b[level].assign(np.asarray(full.b[level])[rows])
            if stack.B[level] is not None:
                stack.B[level].assign(np.asarray(full.B[level])[rows])
        for level, (end, rank) in enumerate(zip(ends, net.layout.ranks, strict=True)):
            if not rank:
                stack.W[level].assign(np.asarray(maps[level]).T)
                continue
            columns = self.kept[(end - rank <= self.kept) & (self.kept < end)]
            columns = columns - (end - rank)
            stack.U[level].assign(
                np.asarray(full.U[level])[np.ix_(indices[level + 1], columns)]
            )
            stack.V[level].assign(np.asarray(maps[level])[columns].T)
        stack.W_out.assign(np.asarray(maps[-1])[: full.num_outputs].T)
        stack.b_out.assign(full.b_out)


def needed_of_layers(net: ParametricNN) -> list[np.ndarray]:
    """What follows each hidden layer, as matrices T_l: it needs T_l^T h_l alone.

    Args:
        net: Network with weights.

    Returns:
        T_l of shape (M_l, any): V_{l+1}, or W_{l+1} where the next layer is dense, of
        which few neurons need their own columns alone. The last is W_out and, if there
        are readouts that depend on mu, the columns of which the hypernetwork makes
        them: first those of its bias, then of each of its neurons.
    """
    *needed, last = map(np.asarray, net.stack.read_from())
    if net.layout.readouts:
        *_, kernel, bias = net.hypernetwork.get_weights()
        columns = np.vstack([bias, kernel])[:, net.layout.num_inner :]
        last = np.hstack([last, columns.reshape(-1, len(last)).T])
    return [*needed, last]


def _check_selection(net: ParametricNN, indices, maps) -> None:
    """Checks the shapes of ``indices`` and ``maps`` against the full network."""
    full = net.stack
    num_hidden = len(full.widths)
    for name, values in (("indices", indices), ("maps", maps)):
        listed = isinstance(values, (list, tuple))
        if not listed or len(values) != num_hidden:
            given = f"of length {len(values)}" if listed else shown(values)
            raise ValueError(
                f"{name} is {given}; it must have one entry for each of the "
                f"{num_hidden} hidden layers (indices and maps are given together)."
            )
    for level, width in enumerate(full.widths):
        chosen = as_reals(f"indices[{level}]", indices[level])
        integers = chosen.ndim == 1 and chosen.dtype.kind in "iu" and chosen.size > 0
        if not integers or not np.all((0 <= chosen) & (chosen < width)):
            raise ValueError(
                f"indices[{level}] is {shown(indices[level])}; it must be a list of "
                f"neurons of hidden layer {level}, from 0 to {width - 1}."
            )
    for level, matrix in enumerate(needed_of_layers(net)):
        needed, kept = matrix.shape[1], len(indices[level])
        if full.is_dense(level + 1):
            needed = len(indices[level + 1])
        array = as_reals(f"maps[{level}]", maps[level])
        if array.shape != (needed, kept) or not np.isfinite(array).all():
            raise ValueError(
                f"maps[{level}] has shape {array.shape}; for {kept} indices it must be "
                f"({needed}, {kept}), and finite."
            )
