"""Hyper-reduction of the residual: few of its points, weighted, stand for all."""

from __future__ import annotations

import numpy as np

from ..data.residual import Residual
from ..nn import FastLRNR
from ..reduction import select_points

# Residuals kept for each direction in which coefficients are corrected.
_OVERSAMPLING = 3


def hyper_reduce(
    residual: Residual, network: FastLRNR, jacobians: np.ndarray
) -> tuple[Residual, np.ndarray, np.ndarray]:
    """Selects the points that determine the Jacobian, see ``select_points``.

    The two halves of paired points stay together; IC/BC whose functions look at NumPy
    points keep all of theirs.

    Args:
        residual: Residual at all points.
        network: The full LRNR.
        jacobians: Jacobians at some mu, shape (m, n, k).

    Returns:
        The residual at the selected points, with their weights; its entries among those
        of ``residual``; and the factors by which these are multiplied.
    """
    collocation, data = residual.collocation, residual.data
    sizes = [
        len(points) // 2 if condition.paired else len(points)
        for condition, points in zip(
            data.conditions, collocation.condition_points, strict=True
        )
    ] + [len(collocation.pde_points)]
    starts = np.cumsum([0, *sizes])
    block_of_error, rows_per_point = _errors(residual, network, sizes)

    point_of_row = np.concatenate(
        [
            starts[block] + np.repeat(np.arange(sizes[block]), rows)
            for block, rows in zip(block_of_error, rows_per_point, strict=True)
        ]
    )
    always = [
        np.arange(starts[i], starts[i + 1])
        for i, condition in enumerate(data.conditions)
        if condition.opaque
    ]
    # At least one point of each block, lest its mean be that of nothing.
    always += [starts[i : i + 1] for i, size in enumerate(sizes) if size]
    points, weights = select_points(
        jacobians,
        point_of_row,
        _OVERSAMPLING * jacobians.shape[2],
        np.unique(np.concatenate(always)),
    )

    chosen = [
        points[(points >= a) & (points < b)] - a
        for a, b in zip(starts, starts[1:], strict=False)
    ]
    kept = [
        np.concatenate((index, index + size)) if condition.paired else index
        for index, size, condition in zip(chosen, sizes, data.conditions, strict=False)
    ]
    entries = np.flatnonzero(np.isin(point_of_row, points))
    weight_of_point = np.zeros(starts[-1])
    weight_of_point[points] = weights
    factors = np.sqrt(weight_of_point[point_of_row[entries]])
    # The mean over the points selected, times this, is a part of the mean over all.
    share = np.concatenate(
        [
            np.full(len(chosen[block]) * rows, len(chosen[block]) / sizes[block])
            for block, rows in zip(block_of_error, rows_per_point, strict=True)
        ]
    )
    reduced = Residual(
        data,
        collocation.take(kept, chosen[-1]),
        residual.loss_weights,
        factors * np.sqrt(share),
    )
    return reduced, entries, factors


def _errors(residual, network, sizes) -> tuple[list[int], list[int]]:
    """For each error its block of points (the last is the PDE's), and rows a point."""
    counts = residual.block_lengths(network)
    num_conditions = len(sizes) - 1
    num_pde = len(counts) - num_conditions
    blocks = [num_conditions] * num_pde + list(range(num_conditions))
    return blocks, [
        count // sizes[block] for count, block in zip(counts, blocks, strict=True)
    ]
