"""Points fitted and points held out, one block for the PDE and one for each IC/BC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .collocation import counted
from .residual import Residual


@dataclass(frozen=True)
class Block:
    """The points of the PDE, or of one IC/BC, fitted ones before those held out.

    Attributes:
        name: "pde", or that of the IC/BC.
        points: Array of shape (n, d), where they are paired the partners last.
        start: Place of the first among the points of all blocks.
        num_fitted: Number of points fitted, pairs counted once.
        paired: Whether the second half of the points are partners of the first.
        condition: ``None``, or the number of the IC/BC.
        selection: ``None``, or the places of the points among those of the IC/BC.
    """

    name: str
    points: np.ndarray
    start: int
    num_fitted: int
    paired: bool = False
    condition: int | None = None
    selection: np.ndarray | None = None

    @property
    def rows(self) -> slice:
        """Its points among those of all blocks."""
        return slice(self.start, self.start + len(self.points))

    @property
    def count(self) -> int:
        """Number of points, pairs counted once."""
        return counted(len(self.points), self.paired)


def make_blocks(residual: Residual, held_out: Residual) -> list[Block]:
    """Blocks of the PDE (all of its equations), then of each IC/BC.

    Args:
        residual: At the points fitted.
        held_out: At the points held out.
    """
    data, blocks, start = residual.data, [], 0
    fitted, held = residual.collocation, held_out.collocation
    if data.problem.pde is not None:
        points = np.vstack([fitted.pde_points, held.pde_points]).astype(float)
        blocks.append(Block("pde", points, 0, len(fitted.pde_points)))
        start = len(points)
    for i, condition in enumerate(data.conditions):
        parts = [c.condition_points[i] for c in (fitted, held)]
        places = [c.selections[i] for c in (fitted, held)]
        num_fitted = condition.count(len(parts[0]))
        if condition.paired:
            # First halves, then their partners.
            parts = [
                half for j in range(2) for half in (np.split(p, 2)[j] for p in parts)
            ]
        points = np.vstack(parts).astype(float)
        selection = None if places[0] is None else np.concatenate(places)
        blocks.append(
            Block(
                condition.name,
                points,
                start,
                num_fitted,
                condition.paired,
                i,
                selection,
            )
        )
        start += len(points)
    return blocks
