"""Reduction: from the trained network to the ``FastModel``."""

from __future__ import annotations

import time

import numpy as np
from threadpoolctl import threadpool_limits

from .._checks import (
    as_choice,
    as_integer,
    as_loss_weights,
    as_number,
    as_reals,
    as_verbose,
    shown,
)
from .._progress import progress_bar
from ..data import ParametricPDE
from ..data.collocation import bounding_box
from ..data.residual import Residual
from ..data.spread_points import spread_points
from ..nn import FastLRNR, HyperLRNR
from ..reduction import METHODS, reduce_layer
from .fast_model import FastModel
from .snapshots import HiddenStates, draw_pairs, shifted_points

# Share of |z| by which coefficients of the snapshots are perturbed, since the fast
# phase moves them.
_PERTURBATION = 0.03
# Largest number of pairs (point, mu) among the snapshots.
_MAX_SNAPSHOTS = 4_000


def reduce_model(
    data: ParametricPDE,
    net: HyperLRNR,
    loss_weights=None,
    points=None,
    method: str = "fitted",
    rank: int | None = None,
    rtol: float | None = None,
    oversampling: float = 2.0,
    num_parameters: int = 100,
    num_nodes: int | None = None,
    seed: int = 0,
    verbose: int = 1,
) -> FastModel:
    """Reduces a trained network.

    Args:
        data: The parametric problem.
        net: Its trained network.
        loss_weights: As in ``Model.compile``.
        points: Points of the fast phase: an array of shape (n, d), among which each
            IC/BC picks its own (the paper: a uniform grid of 4 x 3), or the number
            of points of the PDE, those of a Hammersley sequence in the geometry, beside
            the problem's own points for each IC/BC. By default 768.
        method: "fitted" (least squares on values and derivatives), "qdeim", or
            "eim" (the paper's).
        rank: Number of modes of each hidden layer; the paper's r_hat, 5 there.
        rtol: Relative error of the modes, instead of or besides ``rank``. If both
            are ``None``, 1e-3.
        oversampling: Neurons per mode of "fitted".
        num_parameters: Number of mu for the snapshots.
        num_nodes: Number of mu at which the Jacobian is computed if it is learned; by
            default 20 for each parameter, at most 60.
        seed: Seed of the mu, of the perturbations and of the choice of snapshots.
        verbose: 0 draws no bar of progress, which has the error of the layer reduced
            last; there is none without a terminal either.

    Raises:
        TypeError: If ``data`` or ``net`` is of another type, or ``points`` is not made
            of real numbers.
        ValueError: If an argument is out of its range, e.g. ``rank`` larger than
            the number of snapshots or the width of a layer.
    """
    if not isinstance(data, ParametricPDE):
        raise TypeError(f"data is {shown(data)}; it must be a ParametricPDE.")
    if not isinstance(net, HyperLRNR):
        raise TypeError(f"net is {shown(net)}; it must be a HyperLRNR.")
    if not net.stack.built:
        raise ValueError("net has no weights yet; train it first.")
    loss_weights = as_loss_weights(loss_weights)
    verbose = as_verbose(verbose)
    if rank is None and rtol is None:
        rtol = 1e-3
    if num_nodes is None:
        num_nodes = min(20 * data.parameter_space.dim, 60)
    for name, value in (("num_parameters", num_parameters), ("num_nodes", num_nodes)):
        as_integer(name, value)
    seed = as_integer("seed", seed, 0)
    _check_sizes(method, rank, rtol, oversampling, net.stack.widths)
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    collocation = fast_collocation(data, points)
    kept = nonzero_coefficients(net)
    full = FastLRNR(net, kept=kept)

    x = collocation.points
    eim = method == "eim"
    if eim:
        low, high = bounding_box(data.geom)
        x = shifted_points(x, 1e-2, high - low)
    num_held_out = max(1, num_parameters // 4)
    mu = full.parameter_space.sample(num_parameters + num_held_out, "Halton")
    targets = [np.asarray(w) for w in (*net.stack.V, net.stack.W_out)]
    states, snapshots, layers = HiddenStates(full), [], []
    with progress_bar(
        "Reduction", verbose, total=2 + len(targets), leave=False, unit="step"
    ) as bar:
        for part in np.split(mu, [num_parameters]):
            snapshots.append(_snapshots(states, full, x, part, rng, not eim))
            bar.update()
        # On a machine that does other work as well, the threads of BLAS wait for each
        # other in the many small steps of a QR or an SVD; one is never much slower.
        with threadpool_limits(limits=1, user_api="blas"):
            for i, target in enumerate(targets):
                layer = reduce_layer(
                    snapshots[0].values[i],
                    target,
                    method=method,
                    rank=rank,
                    rtol=rtol,
                    oversampling=oversampling,
                    derivative_snapshots=snapshots[0].derivatives[i],
                    held_out=snapshots[1].values[i],
                    held_out_derivatives=snapshots[1].derivatives[i],
                )
                layers.append(layer)
                bar.set_postfix_str(
                    f"layer {i}: error {layer.error_values:.2e}", refresh=False
                )
                bar.update()
    reduced = FastLRNR(
        net, [layer.indices for layer in layers], [m.map for m in layers], kept
    )
    # In one dimension the sequences of Hammersley and Halton are the same: the held-out
    # points begin where those of the fast phase end.
    num_points = len(collocation.pde_points)
    held_out = fast_collocation(data, max(64, num_points // 2), "Halton", num_points)
    return FastModel(
        full,
        reduced,
        layers,
        Residual(data, collocation, loss_weights),
        Residual(data, held_out, loss_weights),
        num_nodes,
        {"reduction": time.perf_counter() - start},
    )


def _check_sizes(method, rank, rtol, oversampling, widths) -> None:
    """Checks what ``reduce_layer`` is given, before the snapshots are computed."""
    as_choice("method", method, METHODS)
    if rank is not None and as_integer("rank", rank) > min(widths):
        raise ValueError(
            f"rank is {rank}, larger than the narrowest hidden layer, {min(widths)}; "
            "a layer has at most as many modes as neurons."
        )
    if rtol is not None:
        as_number("rtol", rtol, "a number in (0, 1)", lambda v: 0 < v < 1)
    as_number("oversampling", oversampling, "a number >= 1", lambda v: v >= 1)


def nonzero_coefficients(net: HyperLRNR, num_parameters: int = 4096) -> np.ndarray:
    """Marks the coefficients which are not zero over the whole box.

    Args:
        net: Trained network.
        num_parameters: Number of mu (a Halton sequence) at which they are looked at.

    Returns:
        Boolean array of shape (``net.layout.size``,). Bias coefficients are all kept,
        and so is one coefficient s in each layer.
    """
    mu = net.parameter_space.sample(num_parameters, "Halton")
    size = np.max(np.abs(net.coefficients(mu)), axis=0)
    kept = size > 0
    kept[net.layout.num_scales :] = True
    start = 0
    for rank in net.layout.ranks:
        layer = slice(start, start + rank)
        kept[start + int(np.argmax(size[layer]))] = True
        start += rank
    return kept


def fast_collocation(
    data: ParametricPDE, points, sequence: str = "Hammersley", skip: int = 0
):
    """Collocation of the fast phase.

    Args:
        data: The parametric problem.
        points: As in ``reduce_model``.
        sequence: Sequence that a number of points is drawn from.
        skip: Number of points left out at its beginning.
    """
    if points is None:
        points = 768
    if np.ndim(as_reals("points", points)) == 0:
        points = as_integer("points", points)
        pde_points = spread_points(data.geom, points, sequence, skip)
        return data.collocation(pde_points, condition_points=max(16, points // 4))
    return data.collocation(points)


def _snapshots(states, network: FastLRNR, x, mu, rng, derivatives: bool):
    """Snapshots at ``x`` for ``mu``, half of them at perturbed coefficients."""
    x, mu = draw_pairs(x, mu, _MAX_SNAPSHOTS, rng)
    z = np.asarray(network.coefficients(mu))
    noise = rng.standard_normal(z.shape) * _PERTURBATION * np.abs(z)
    noise[rng.random(len(z)) < 0.5] = 0
    return states(x, mu, z + noise, derivatives)
