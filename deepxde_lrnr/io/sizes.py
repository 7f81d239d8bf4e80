"""Sizes of a network, as its weights have them: arrays alone, no network is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def below(arrays: dict, prefix: str) -> dict:
    """The arrays whose names begin with ``prefix`` and "/", without it."""
    start = f"{prefix}/"
    return {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}


@dataclass(frozen=True)
class Sizes:
    """Sizes of a network, read off its weights.

    Attributes:
        features: Number of features, or of coordinates.
        widths: Number of neurons of each hidden layer.
        outputs: Number of components.
        ranks: Rank of each hidden layer but the first; 0 where it is dense.
        bias_ranks: Number of bias coefficients of each hidden layer.
        hidden: Widths of the hypernetwork.
        readouts: Number of readouts that the hypernetwork gives.
    """

    features: int
    widths: tuple[int, ...]
    outputs: int
    ranks: tuple[int, ...]
    bias_ranks: tuple[int, ...]
    hidden: tuple[int, ...]
    readouts: int = 0

    @property
    def num_inner(self) -> int:
        """Coefficients of the hidden layers that the hypernetwork gives."""
        return sum(self.ranks) + sum(self.bias_ranks)

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray], num_parameters: int) -> Sizes:
        """Reads the sizes and checks every shape against them.

        Raises:
            ValueError: If the arrays do not belong to one network.
        """

        def last(symbol, start) -> list[int]:
            sizes = []
            while f"{symbol}_{start + len(sizes)}" in arrays:
                sizes.append(arrays[f"{symbol}_{start + len(sizes)}"].shape[-1])
            return sizes

        widths, hidden = last("b", 0), last("bias", 0)
        ranks, bias_ranks = (
            [
                arrays[f"{symbol}_{i}"].shape[-1] if f"{symbol}_{i}" in arrays else 0
                for i in range(start, len(widths))
            ]
            for symbol, start in (("U", 1), ("B", 0))
        )
        features, outputs = arrays["W_in"].shape[0], arrays["b_out"].shape[0]
        shapes = {
            "W_in": (features, widths[0]),
            "W_out": (widths[-1], outputs),
            "b_out": (outputs,),
        }
        for i, (width, rank) in enumerate(zip(widths, bias_ranks, strict=True)):
            shapes |= {f"b_{i}": (width,)} | ({f"B_{i}": (width, rank)} if rank else {})
        for i, rank in enumerate(ranks, 1):
            if rank:
                shapes |= {f"U_{i}": (widths[i], rank), f"V_{i}": (widths[i - 1], rank)}
            else:
                shapes[f"W_{i}"] = (widths[i - 1], widths[i])
        before = (num_parameters, *hidden)
        for i, size in enumerate(hidden):
            shapes |= {f"kernel_{i}": (before[i], size), f"bias_{i}": (size,)}
        readouts = (hidden or [0])[-1] - sum(ranks) - sum(bias_ranks)
        fits = hidden and readouts in (0, widths[-1] * outputs)
        if not fits or shapes != {name: a.shape for name, a in arrays.items()}:
            raise ValueError("the weights do not fit together")
        if not all(a.size for a in arrays.values()):
            raise ValueError("there are weights without entries")
        return cls(
            features,
            tuple(widths),
            outputs,
            tuple(ranks),
            tuple(bias_ranks),
            tuple(hidden[:-1]),
            readouts,
        )


class NotFinite(ValueError):
    """Weights in a file are NaN or infinite."""


def check_finite(arrays: dict[str, np.ndarray]) -> None:
    """Checks that weights are finite.

    Raises:
        NotFinite: If they are not; the message names the first.
    """
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise NotFinite(
                f"its weights {name} are NaN or infinite: the training diverged before "
                "it was saved"
            )


def reference_points(arrays: dict, dim: int) -> np.ndarray:
    """Points of the reference geometry of a deformation, shape (m, d).

    Args:
        arrays: Of the file.
        dim: d.

    Raises:
        ValueError: If there are none, or they have another shape or are not finite.
    """
    points = arrays["reference/points"]
    fits = points.ndim == 2 and points.shape[1] == dim and len(points) > 1
    if not fits or points.dtype.kind != "f" or not np.isfinite(points).all():
        raise ValueError(f"the reference points have the shape {points.shape}")
    return points.astype(float)
