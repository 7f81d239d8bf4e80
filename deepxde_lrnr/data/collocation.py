"""Collocation points of a problem: those of its IC/BC, then those of its PDE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._deepxde import has_timedomain


class FrozenPoints:
    """Points of the IC/BC that user code gets as a NumPy array while it is traced.

    They are constants of the trace. TensorFlow counts an argument of a compiled
    function that is no array as part of the signature, and tells two of them apart by
    identity. So with one of these objects for each set of points, another set makes
    another trace, and the constants are never stale.

    Args:
        blocks: For each IC/BC an array of shape (n_i, d).
    """

    def __init__(self, blocks):
        self.blocks = tuple(blocks)


@dataclass(frozen=True)
class Collocation:
    """Points at which the errors of a problem are taken, in DeepXDE's order.

    Args:
        condition_points: For each IC/BC an array of shape (n_i, d).
        pde_points: Array of shape (n, d).
        selections: For each IC/BC ``None``, or the indices of ``condition_points``
            among all points of that IC/BC.
        frozen: The ``condition_points``, as far as user code gets them as an array.
    """

    condition_points: tuple[np.ndarray, ...]
    pde_points: np.ndarray
    selections: tuple[np.ndarray | None, ...]
    frozen: FrozenPoints

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of points of each IC/BC."""
        return tuple(len(points) for points in self.condition_points)

    @property
    def points(self) -> np.ndarray:
        """All points, shape (sum of ``counts`` + n, d)."""
        return np.vstack((*self.condition_points, self.pde_points))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What a file keeps of it, by name."""
        arrays = {"pde": self.pde_points}
        for i, points in enumerate(self.condition_points):
            arrays[f"condition_{i}"] = points
            if self.selections[i] is not None:
                arrays[f"selection_{i}"] = self.selections[i]
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict, num_conditions: int) -> Collocation:
        """From ``to_arrays``, with points of the IC/BC of its own."""
        points = tuple(arrays[f"condition_{i}"] for i in range(num_conditions))
        selections = (arrays.get(f"selection_{i}") for i in range(num_conditions))
        return cls(points, arrays["pde"], tuple(selections), FrozenPoints(points))

    def subset(self, num_points: int, keep_whole, paired) -> Collocation:
        """Draws ``num_points`` of the PDE's points and the same share of each IC/BC's.

        Randomness is NumPy's global one, as in DeepXDE's samplers.

        Args:
            num_points: Number of points of the PDE.
            keep_whole: For each IC/BC whether all of its points are kept.
            paired: For each IC/BC whether halves are paired; pairs stay together.
        """
        n = len(self.pde_points)
        kept = []
        for block, whole, pairs in zip(
            self.condition_points, keep_whole, paired, strict=True
        ):
            chosen = None
            if not whole:
                size = counted(len(block), pairs)
                chosen = _draw(size, -(-num_points * size // n))
                if pairs:
                    chosen = np.concatenate((chosen, chosen + size))
            kept.append(chosen)
        return self.take(kept, _draw(n, num_points))

    def take(self, condition_points, pde_points) -> Collocation:
        """Keeps some of the points.

        Args:
            condition_points: For each IC/BC the indices of the points to keep, or
                ``None`` for all.
            pde_points: The same for the PDE's.
        """
        blocks, selections = [], []
        for block, selection, chosen in zip(
            self.condition_points, self.selections, condition_points, strict=True
        ):
            if chosen is not None:
                block = block[chosen]
                selection = chosen if selection is None else selection[chosen]
            blocks.append(block)
            selections.append(selection)
        points = self.pde_points if pde_points is None else self.pde_points[pde_points]
        return Collocation(tuple(blocks), points, tuple(selections), self.frozen)


def bounding_box(geom) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corner of a geometry, time included."""
    if has_timedomain(geom):
        low, high = (np.asarray(b).ravel() for b in geom.geometry.bbox)
        return np.append(low, geom.timedomain.t0), np.append(high, geom.timedomain.t1)
    return tuple(np.asarray(b).ravel() for b in geom.bbox)


def counted(num_points: int, paired: bool) -> int:
    """Number of points, pairs counted once."""
    return num_points // 2 if paired else num_points


def _draw(n: int, size: int) -> np.ndarray:
    return np.random.permutation(n)[:size]
