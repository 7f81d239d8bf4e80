"""Which coefficient of a low rank neural representation sits where."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from .._checks import as_integer, as_reals, is_integer, shown


@dataclass(frozen=True)
class CoefficientLayout:
    """Order of the coefficients s_l and c_l in one flat vector of length ``size``.

    The fast phase is an optimisation over one vector per mu, whereas the layers want
    s_l, of shape (P, r_l), and c_l, of shape (P, r_b). The flat vector is
    (s_1, ..., s_L, c_0, ..., c_L), and behind it the readouts, where a network reads
    its last hidden layer by weights that depend on mu (a DeepONet).

    Args:
        ranks: r_l of the layers 1 to L; 0 where a layer is dense and has no s_l.
        bias_ranks: Number of bias coefficients of the layers 0 to L; 0 where a layer
            has none.
        readouts: Number of readouts that depend on mu: 0, or the neurons of the last
            hidden layer times the components.

    Raises:
        ValueError: If they are not as above: tuples of integers >= 0, and an integer
            >= 0.
    """

    ranks: tuple[int, ...]
    bias_ranks: tuple[int, ...]
    readouts: int = 0

    def __post_init__(self):
        for name in ("ranks", "bias_ranks"):
            given = getattr(self, name)
            fits = isinstance(given, (list, tuple))
            if not (fits and all(is_integer(value, 0) for value in given)):
                raise ValueError(
                    f"{name} is {shown(given)}; it must be a tuple of integers >= 0."
                )
            object.__setattr__(self, name, tuple(map(int, given)))
        as_integer("readouts", self.readouts, 0)
        if len(self.bias_ranks) != len(self.ranks) + 1:
            raise ValueError(
                f"bias_ranks is {self.bias_ranks}; it must have one entry more than "
                f"ranks, {self.ranks}: the first layer has no rank."
            )

    @property
    def num_scales(self) -> int:
        """Number of coefficients s over all layers."""
        return sum(self.ranks)

    @property
    def num_inner(self) -> int:
        """Number of coefficients s and c, those of the hidden layers."""
        return self.num_scales + sum(self.bias_ranks)

    @property
    def size(self) -> int:
        """Length of the flat vector."""
        return self.num_inner + self.readouts

    def split(self, coefficients):
        """Splits flat coefficients into those of the layers.

        Args:
            coefficients: Array or Tensor of shape (P, ``size``).

        Returns:
            Two lists: s_1, ..., s_L of shapes (P, r_l), and c_0, ..., c_L of shapes
            (P, r_b), with ``None`` where a layer has none.

        Raises:
            ValueError: If ``coefficients`` has another shape.
        """
        shape = getattr(coefficients, "shape", None)
        if shape is None or len(shape) != 2 or shape[1] not in (None, self.size):
            given = shown(coefficients) if shape is None else f"of shape {tuple(shape)}"
            raise ValueError(
                f"coefficients is {given}; it must be an array of shape "
                f"(P, {self.size})."
            )
        sizes = (*self.ranks, *self.bias_ranks)
        ends = list(itertools.accumulate(sizes))
        blocks = [
            coefficients[:, end - size : end] if size else None
            for size, end in zip(sizes, ends, strict=True)
        ]
        return blocks[: len(self.ranks)], blocks[len(self.ranks) :]

    def keep(self, kept: np.ndarray) -> CoefficientLayout:
        """Layout after dropping the coefficients s that ``kept`` does not mark.

        Args:
            kept: Boolean array of shape (``num_inner``,). Bias coefficients are all
                kept.

        Raises:
            TypeError: If ``kept`` is not made of bool.
            ValueError: If ``kept`` has another shape or type, or drops a bias
                coefficient or all coefficients s of a layer.
        """
        kept = as_reals("kept", kept, "biuf")
        if kept.dtype != bool or kept.shape != (self.num_inner,):
            raise ValueError(
                f"kept has shape {kept.shape} and type {kept.dtype}; it must be a "
                f"boolean array of shape ({self.num_inner},)."
            )
        if not kept[self.num_scales :].all():
            raise ValueError("kept drops bias coefficients; only s can be dropped.")
        ends = np.cumsum(self.ranks, dtype=int)
        ranks = tuple(
            int(kept[end - rank : end].sum())
            for rank, end in zip(self.ranks, ends, strict=True)
        )
        for layer, (rank, before) in enumerate(zip(ranks, self.ranks, strict=True), 1):
            if before and not rank:
                raise ValueError(
                    f"kept drops all coefficients of low rank layer {layer}; keep at "
                    "least one."
                )
        return CoefficientLayout(ranks, self.bias_ranks, self.readouts)
