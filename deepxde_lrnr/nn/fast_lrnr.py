"""FastLRNR: the network of selected neurons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._checks import as_choice, as_reals, shown
from .hyper_lrnr import HyperLRNR, ParametricNN
from .hypernetwork import Hypernetwork
from .low_rank import LowRankStack


class FastLRNR(ParametricNN):
    """Low rank neural representation that computes selected neurons only.

    Of each hidden layer only the neurons with indices P_l are computed, and what the
    next layer needs of the others is read off them: V_{l+1}^T h_l ~ C_l h_l[P_l].
    It is a frozen copy: weights trained afterwards in ``net`` do not reach it.

    Args:
        net: Trained ``HyperLRNR``.
        indices: For each hidden layer the indices P_l of its selected neurons, or
            ``None``: all of them.
        maps: For each hidden layer C_l, of shape (r_{l+1}, len(P_l)), the last of shape
            (number of components, len(P_L)); ``None`` if ``indices`` is.
        kept: ``None`` or a boolean array of shape (``net.layout.size``,): coefficients
            not dropped.
        dtype: ``None``, DeepXDE's default float, or "float64": a copy of weights in
            single precision that computes in double precision.

    Attributes:
        kept: Indices, in ``net.layout``, of the coefficients not dropped.
        full_size: Number of coefficients of ``net``.

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
        if not isinstance(net, ParametricNN):
            raise TypeError(f"net is {shown(net)}; it must be a HyperLRNR.")
        full = net.stack
        if not full.built:
            raise ValueError("net has no weights yet; train it first.")
        if indices is None and maps is None:
            indices = [np.arange(width) for width in full.widths]
            maps = [np.asarray(w).T for w in (*full.V, full.W_out)]
        _check_selection(full, indices, maps)
        if kept is None:
            kept = np.ones(net.layout.size, bool)
        self.layout = net.layout.keep(kept)
        self.kept = np.flatnonzero(kept)
        self.full_size = net.layout.size

        self.parameter_space = net.parameter_space
        self._input_transform = net._input_transform
        self._output_transform = net._output_transform
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
        self._select(
            full, indices, maps, net.layout.split(np.asarray(kept)[None, :])[0]
        )
        self.hypernetwork = Hypernetwork(
            net.parameter_space,
            self.layout,
            net.hypernetwork.hidden,
            [0.0] * self.layout.num_scales,
            trainable=False,
            dtype=dtype,
        )
        self.hypernetwork.build(None)
        # Only the last layer knows of single coefficients.
        *weights, kernel, bias = net.hypernetwork.get_weights()
        self.hypernetwork.set_weights([*weights, kernel[:, self.kept], bias[self.kept]])
        self.built = True

    def _select(self, full, indices, maps, kept_scales) -> None:
        """Copies the weights of the selected neurons and of the kept coefficients."""
        stack = self.stack
        stack.W_in.assign(np.asarray(full.W_in)[:, indices[0]])
        for level, rows in enumerate(indices):
            stack.b[level].assign(np.asarray(full.b[level])[rows])
            if stack.B[level] is not None:
                stack.B[level].assign(np.asarray(full.B[level])[rows])
        for level, kept in enumerate(kept_scales):
            columns = np.flatnonzero(kept)
            stack.U[level].assign(
                np.asarray(full.U[level])[np.ix_(indices[level + 1], columns)]
            )
            stack.V[level].assign(np.asarray(maps[level])[columns].T)
        stack.W_out.assign(np.asarray(maps[-1]).T)
        stack.b_out.assign(full.b_out)


def _check_selection(full: LowRankStack, indices, maps) -> None:
    """Checks the shapes of ``indices`` and ``maps`` against the full network."""
    num_hidden = len(full.widths)
    for name, values in (("indices", indices), ("maps", maps)):
        listed = isinstance(values, (list, tuple))
        if not listed or len(values) != num_hidden:
            given = f"of length {len(values)}" if listed else shown(values)
            raise ValueError(
                f"{name} is {given}; it must have one entry for each of the "
                f"{num_hidden} hidden layers (indices and maps are given together)."
            )
    rows = (*full.layout.ranks, full.num_outputs)
    for level, (width, needed) in enumerate(zip(full.widths, rows, strict=True)):
        chosen = as_reals(f"indices[{level}]", indices[level])
        integers = chosen.ndim == 1 and chosen.dtype.kind in "iu" and chosen.size > 0
        if not integers or not np.all((0 <= chosen) & (chosen < width)):
            raise ValueError(
                f"indices[{level}] is {shown(indices[level])}; it must be a list of "
                f"neurons of hidden layer {level}, from 0 to {width - 1}."
            )
        array = as_reals(f"maps[{level}]", maps[level])
        if array.shape != (needed, len(chosen)) or not np.isfinite(array).all():
            raise ValueError(
                f"maps[{level}] has shape {array.shape}; for {len(chosen)} indices it "
                f"must be ({needed}, {len(chosen)}), and finite."
            )
