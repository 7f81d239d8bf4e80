"""Reduction of one layer: modes, neurons and map together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import svdvals

from .._checks import as_choice, as_integer, as_number
from ._checks import as_matrix
from .indices import deim_indices, oversampled_indices, qdeim_indices
from .maps import check_ridge, condition, fitted_map, interpolation_map
from .pod import compressed, pod

METHODS = ("fitted", "eim", "qdeim")


@dataclass(frozen=True, eq=False)
class ReducedLayer:
    """A layer of which only some neurons are computed.

    Attributes:
        indices: Shape (m,), the neurons that are kept.
        map: Shape (q, m): ``target.T @ h ~ map @ h[indices]``.
        singular_values: Those of the snapshots that were computed, descending: how fast
            they decay says how far the layer can be reduced.
        modes: Number k of modes.
        condition: Error constant of the selection, see `condition` in ``maps``.
        error_values: Relative error of the map on hidden states (Frobenius norm).
        error_derivatives: The same on derivatives; NaN if none were given.
    """

    indices: np.ndarray
    map: np.ndarray
    singular_values: np.ndarray
    modes: int
    condition: float
    error_values: float
    error_derivatives: float


def reduce_layer(
    snapshots: ArrayLike,
    target: ArrayLike,
    method: str = "fitted",
    rank: int | None = None,
    rtol: float | None = None,
    oversampling: float = 2.0,
    derivative_snapshots: ArrayLike | Sequence[ArrayLike] | None = None,
    held_out: ArrayLike | None = None,
    held_out_derivatives: ArrayLike | Sequence[ArrayLike] | None = None,
    ridge: float | None = None,
) -> ReducedLayer:
    """Selects neurons of a layer and the map from them to what the next layer needs.

    If all M neurons are kept, the map is ``target.T``: nothing is approximated.

    Args:
        snapshots: Shape (M, n), hidden states, one per column.
        target: Shape (M, q); the next layer needs ``target.T @ h``.
        method: One of

            - ``"fitted"``: POD, `oversampled_indices`, and a `fitted_map`.
            - ``"eim"``: POD, `deim_indices`, and an `interpolation_map`, with as many
              neurons as modes: the method of the FastLRNR paper.
            - ``"qdeim"``: the same with `qdeim_indices`.
        rank: Number k of modes, see `pod`.
        rtol: Relative tolerance that sets k, see `pod`. `rank`, `rtol` or both.
        oversampling: Neurons per mode, >= 1: ceil(oversampling * k) are kept, at most
            M. For ``"fitted"`` only.
        derivative_snapshots: Shape (M, n'), derivatives of hidden states with respect
            to the inputs, one per column, or a sequence of such arrays, one per kind of
            derivative (first in x, second in x, in t, ...). Each array is scaled to the
            root mean square of `snapshots`, so that a column of derivatives weighs like
            a column of values. POD and fitted map then use values and derivatives.
        held_out: Shape (M, n''), hidden states to measure `error_values` on. Defaults
            to `snapshots`, which flatter the map.
        held_out_derivatives: As `derivative_snapshots`, to measure `error_derivatives`
            on. Defaults to `derivative_snapshots`.
        ridge: See `fitted_map`. For ``"fitted"`` only.

    Returns:
        A ``ReducedLayer``.

    Raises:
        ValueError: If `method` is unknown, `oversampling` is below 1, the arrays do not
            have the same number of rows, or an argument is not as `pod` or `fitted_map`
            wants it.

    Source: Cho, Lee, Park, Rim, Welper, "FastLRNR and sparse physics informed
    backpropagation", arXiv 2410.04001 (``"eim"``).
    """
    as_choice("method", method, METHODS)
    as_number("oversampling", oversampling, "at least 1", lambda v: v >= 1)
    check_ridge(ridge)
    snapshots = as_matrix("snapshots", snapshots)
    width = len(snapshots)
    target = as_matrix("target", target, rows=width)
    if rank is not None and as_integer("rank", rank) > width:
        raise ValueError(
            f"rank = {rank} asks for more modes than the layer has neurons, {width}."
        )
    derivatives = _matrices("derivative_snapshots", derivative_snapshots, width)
    tested = snapshots if held_out is None else as_matrix("held_out", held_out, width)
    tested_derivatives = (
        _matrices("held_out_derivatives", held_out_derivatives, width) or derivatives
    )

    scale = _rms(snapshots)
    training = np.hstack([snapshots, *(_scaled(d, scale) for d in derivatives)])
    if rank == width and rtol is None:
        # No basis is needed, and M modes would need M snapshots.
        modes, sigma, number = None, svdvals(compressed(training)), width
    else:
        modes, sigma = pod(training, rank, rtol)
        number = modes.shape[1]

    size = number
    if method == "fitted":
        size = min(math.ceil(oversampling * number), width)
    if size == width:
        indices, constant, reduced = np.arange(width), 1.0, np.array(target.T)
    else:
        indices = _select(method, modes, size)
        constant = condition(modes, indices)
        if method == "fitted":
            reduced = fitted_map(training[indices], target.T @ training, ridge)
        else:
            reduced = interpolation_map(modes, indices, target)

    error_derivatives = math.nan
    if tested_derivatives:
        # Scaled as in training: every kind of derivative weighs the same.
        together = np.hstack([_scaled(d, scale) for d in tested_derivatives])
        error_derivatives = _relative_error(reduced, indices, target, together)
    return ReducedLayer(
        indices=indices,
        map=reduced,
        singular_values=sigma,
        modes=number,
        condition=constant,
        error_values=_relative_error(reduced, indices, target, tested),
        error_derivatives=error_derivatives,
    )


def _select(method: str, modes: np.ndarray, size: int) -> np.ndarray:
    if method == "eim":
        return deim_indices(modes)
    if method == "qdeim":
        return qdeim_indices(modes)
    return oversampled_indices(modes, size)


def _matrices(
    name: str, arrays: ArrayLike | Sequence[ArrayLike] | None, rows: int
) -> list[np.ndarray]:
    """Returns none, one or several arrays as a list of checked matrices."""
    if arrays is None:
        return []
    if isinstance(arrays, list | tuple):
        return [as_matrix(f"{name}[{i}]", a, rows) for i, a in enumerate(arrays)]
    return [as_matrix(name, arrays, rows)]


def _rms(array: np.ndarray) -> float:
    return float(np.linalg.norm(array) / np.sqrt(array.size))


def _scaled(array: np.ndarray, rms: float) -> np.ndarray:
    own = _rms(array)
    return array * (rms / own) if own > 0 else array


def _relative_error(
    reduced: np.ndarray, indices: np.ndarray, target: np.ndarray, states: np.ndarray
) -> float:
    exact = target.T @ states
    error = np.linalg.norm(exact - reduced @ states[indices])
    size = np.linalg.norm(exact)
    if size == 0:
        return 0.0 if error == 0 else math.inf
    return float(error / size)
