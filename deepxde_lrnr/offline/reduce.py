"""Reduction: from a trained network to the ``FastModel``."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace

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
from .._forks import check_fork
from ..data import ParametricPDE
from ..data.residual import Residual
from ..fast_model import FastModel
from ..fast_phase.error_estimate import RESOLVED, NotResolvedWarning
from ..fast_phase.expansion import Expansion, find_expansion
from ..fast_phase.points import enough_points, fast_collocations
from ..fast_phase.random_features import RandomFeatures
from ..fast_phase.trial_space import TrialSpace
from ..nn import FastLRNR, HyperLRNR, Parametric
from ..nn.fast_lrnr import needed_of_layers
from ..reduction import METHODS, reduce_layer
from ..taylor.jets import MultiIndices
from ..taylor.precision import Precision
from .choice import choose_trial_space, enlarge_trial_space
from .continuation import follow_anchors
from .family import Family, Found
from .following import follow_solution
from .layers import as_layers
from .snapshots import draw_snapshots, snapshot_points

# Where more than this share of the hypernetwork's residual is left, the error of u is
# estimated at so many mu, which takes some seconds.
_SUSPICIOUS, _NUM_ESTIMATED = 1e-2, 6
# A space that takes many times as long has to leave no more than this share of it.
_WORTH = 0.5


def reduce_model(
    data: ParametricPDE,
    net: HyperLRNR | Parametric,
    loss_weights=None,
    points=None,
    method: str = "fitted",
    rank: int | None = None,
    rtol: float = 1e-3,
    oversampling: float = 1.0,
    random_features: int | None = None,
    num_parameters: int = 100,
    seed: int = 0,
    verbose: int = 1,
    mu=None,
) -> FastModel:
    """Reduces a trained network.

    ``rank`` and ``rtol`` are the dial between time and accuracy: the number of neurons
    kept in each layer, or what is to be reached by as few as possible. Where all
    neurons do not reach it, random features are added as far as they are worth it.

    Where the estimated error is above a per cent, more of them are tried, whatever time
    a solve then takes, then some that are functions of the trained network's solution
    as well, at points of the PDE drawn by the residual, and at last of solutions that
    are followed from mu to mu, from small errors to large ones: for fronts.

    Args:
        data: The parametric problem.
        net: Its trained network.
        loss_weights: As in ``Model.compile``.
        points: Points of the fast phase: an array of shape (n, d), among which each
            IC/BC picks its own (the paper: a uniform grid of 4 x 3), or the number
            of points of the PDE, those of a Hammersley sequence in the geometry, beside
            a quarter of that number for each IC/BC. By default three residuals for
            each unknown.
        method: "fitted" (least squares on values and derivatives), "qdeim", or
            "eim" (the paper's).
        rank: Number of modes of each hidden layer, and of neurons kept; the paper's
            r_hat, 5 there. The number of unknowns is that of all neurons kept, and one.
        rtol: If ``rank`` is not given, the residual that the fast phase is to leave at
            held-out points, relative to that of the hypernetwork's solution.
        oversampling: Neurons per mode of "fitted".
        random_features: Number of random features beside the hidden states, of scale 1.
            By default none if ``rank`` is given, else they are chosen.
        num_parameters: Number of mu for the snapshots.
        seed: Seed of the mu, of the perturbations and of the choice of snapshots.
        verbose: 0 draws no bar of progress; there is none without a terminal either.
        mu: Where the sizes are chosen and the error is looked at, several mu as for
            ``FastModel.solve``. By default a few of the box, with corners of it; a box
            of many parameters, of which a distribution is meant, is worse there than
            anywhere that matters: then some draws of it.

    Raises:
        TypeError: If ``data`` or ``net`` is of another type, ``points`` or ``mu`` is
            not made of real numbers, or the hidden states of ``net`` cannot be reached.
        ValueError: If an argument is out of its range, e.g. ``rank`` larger than
            the number of snapshots or the width of a layer.

    Warns:
        NotResolvedWarning: If ``rank`` and ``points`` are not given, more than a
            hundredth of the hypernetwork's residual is left at one of a few mu (corners
            of the box among them; or those of ``mu``), and the estimated relative error
            of u is above a per cent at one.
        OutsideParameterSpaceWarning: If one of ``mu`` is not in the box.
        PrecisionWarning: If a function of the user's can only be computed in single
            precision.
    """
    check_fork("reduce()")
    if not isinstance(data, ParametricPDE):
        raise TypeError(f"data is {shown(data)}; it must be a ParametricPDE.")
    if not isinstance(net, (HyperLRNR, Parametric)):
        raise TypeError(f"net is {shown(net)}; it must be a HyperLRNR or a Parametric.")
    if not net.built:
        raise ValueError("net has no weights yet; train it first.")
    loss_weights = as_loss_weights(loss_weights)
    verbose = as_verbose(verbose)
    as_integer("num_parameters", num_parameters)
    if mu is not None:
        mu = net.parameter_space.check(mu, stacklevel=4)
    if random_features is not None:
        as_integer("random_features", random_features, 0)
    seed = as_integer("seed", seed, 0)
    if points is not None:
        # Their shape is checked when each IC/BC picks its own.
        if np.ndim(as_reals("points", points)) == 0:
            as_integer("points", points)
    net = as_layers(net, data.train_collocation.points[:8])
    _check_sizes(method, rank, rtol, oversampling, net.stack.widths)
    start = time.perf_counter()
    worst = 0.0, None
    rng = np.random.default_rng(seed)
    kept = nonzero_coefficients(net)
    full = FastLRNR(net, kept=kept)
    precision = Precision(full)
    x = snapshot_points(data, points, shifted=method == "eim")
    # Two of them tell in which precision the transforms can be computed.
    two = full.parameter_space.sample(2, "Halton").astype(float)
    precision.settle_transforms(x[:2].astype(float), two, stacklevel=4)
    own = TrialSpace(full, precision)
    # Only "fitted" needs the derivatives; autodiff, of one equation, is always right.
    known, expansion = method == "fitted", Expansion(None, 1)
    if known:
        expansion = find_expansion(data, loss_weights, precision)
    indices = expansion.indices
    if indices is None:
        indices = MultiIndices.up_to(data.geom.dim, 0 if method == "eim" else 2)
    targets = needed_of_layers(net)
    # On a machine that does other work as well, the threads of BLAS wait for each
    # other in the many small steps of a QR or an SVD; one is never much slower.
    with threadpool_limits(limits=1, user_api="blas"):
        of_snapshots = full.parameter_space.sample(
            num_parameters + max(1, num_parameters // 4), "Halton"
        )
        snapshots, watched = (
            draw_snapshots(own, indices, x, part, rng)
            for part in np.split(of_snapshots, [num_parameters])
        )

        def reduced(rank):
            """Layers and network of ``rank`` modes."""
            layers = []
            # Backwards: of a dense layer only the neurons kept need the one before.
            for i, target in reversed([*enumerate(targets)]):
                if net.stack.is_dense(i + 1):
                    target = target[:, layers[0].indices]
                layer = reduce_layer(
                    snapshots.values[i],
                    target,
                    method=method,
                    rank=rank,
                    oversampling=oversampling,
                    derivative_snapshots=snapshots.derivatives[i],
                    held_out=watched.values[i],
                    held_out_derivatives=watched.derivatives[i],
                )
                layers.insert(0, layer)
            maps = [layer.map for layer in layers]
            return layers, FastLRNR(net, [m.indices for m in layers], maps, kept)

        family = Family(data, loss_weights, own, expansion, reduced, rtol)
        random = None
        if random_features:
            random = RandomFeatures.draw(own.features(x), random_features)
        if rank is None:
            found, worst = choose_trial_space(
                family, points, random_features, verbose, mu
            )
            found = replace(found, random=random or found.random)
        else:
            found = Found(*reduced(rank), random)

    def made(found: Found) -> FastModel:
        collocations = found.points
        if collocations is None:
            count = points
            if points is None:
                space = TrialSpace(found.network, precision, found.random)
                count = enough_points(space, expansion.num_equations)
            collocations = fast_collocations(data, count, seed=seed)
        fitted, watched = collocations
        return FastModel(
            full,
            found.network,
            found.layers,
            Residual(data, fitted, loss_weights),
            Residual(data, watched, loss_weights),
            precision,
            found.random,
            expansion if known else None,
            {"reduction": time.perf_counter() - start},
            found.lines,
            anchors=found.anchors,
        )

    fast = made(found)
    if points is None and worst[0] > _SUSPICIOUS:
        if mu is None:
            mu = full.parameter_space.sample(_NUM_ESTIMATED, "Halton").astype(float)
        mu = np.vstack([mu[: _NUM_ESTIMATED - 1], worst[1]])
        begin = time.perf_counter()
        errors = fast.estimate_errors(mu=mu)
        if random_features is None and expansion.indices is not None:
            for larger_space in (enlarge_trial_space, follow_solution, follow_anchors):
                # A comparison with NaN is false.
                if np.all(errors <= RESOLVED):
                    break
                with threadpool_limits(limits=1, user_api="blas"):
                    found = larger_space(family, mu, errors)
                    if found is None:
                        continue
                    larger = made(found)
                    smaller = larger.estimate_errors(mu=mu)
                if _much_smaller(smaller, errors):
                    fast, errors = larger, smaller
        _warn_unresolved(full.parameter_space.names, mu, errors, stacklevel=3)
        fast.seconds["error estimate"] = time.perf_counter() - begin
    return fast


def _much_smaller(errors: np.ndarray, before: np.ndarray) -> bool:
    """Whether errors are worth a space that takes many times as long.

    Halved where they are largest, or as a mean of their logarithms without doubling
    there.
    """
    errors, before = _or_infinite(errors), _or_infinite(before)
    if errors.max() < _WORTH * before.max():
        return True
    if not _WORTH * errors.max() < before.max() < np.inf:
        return False
    logs = np.log(np.maximum(errors, np.finfo(float).tiny) / before)
    return bool(logs.mean() < np.log(_WORTH))


def _or_infinite(errors: np.ndarray) -> np.ndarray:
    """The errors, infinite where none could be estimated."""
    return np.where(np.isfinite(errors), errors, np.inf)


def _warn_unresolved(names, mu, errors: np.ndarray, stacklevel: int) -> None:
    """Warns if an error of ``estimate_errors`` is above a per cent, or is none."""
    bad = ~(errors <= RESOLVED)
    if not bad.any():
        return
    i = int(np.argmax(_or_infinite(errors)))
    at = ", ".join(f"{name} = {m:.3g}" for name, m in zip(names, mu[i], strict=True))
    warnings.warn(
        f"The family is not resolved: at {bad.sum()} of {len(mu)} mu looked at the "
        f"relative error of u after the fast phase is estimated to be above "
        f"{RESOLVED:.0%}, the largest {errors[i]:.1%} at {at}. Train longer, take a "
        "smaller box, a wider network or features that know where the solution is "
        "steep; solution.error estimates the error for each mu.",
        NotResolvedWarning,
        stacklevel=stacklevel + 1,
    )


def _check_sizes(method, rank, rtol, oversampling, widths) -> None:
    """Checks what ``reduce_layer`` is given, before the snapshots are computed."""
    as_choice("method", method, METHODS)
    if rank is not None and as_integer("rank", rank) > min(widths):
        raise ValueError(
            f"rank is {rank}, larger than the narrowest hidden layer, {min(widths)}; "
            "a layer has at most as many modes as neurons."
        )
    as_number("rtol", rtol, "a number in (0, 1)", lambda v: 0 < v < 1)
    as_number("oversampling", oversampling, "a number >= 1", lambda v: v >= 1)


def nonzero_coefficients(net, num_parameters: int = 4096) -> np.ndarray:
    """Marks the coefficients which are not zero over the whole box.

    Args:
        net: Trained network.
        num_parameters: Number of mu (a Halton sequence) at which they are looked at.

    Returns:
        Boolean array of shape (``net.layout.num_inner``,). Bias coefficients are all
        kept, and so is one coefficient s in each layer of low rank.
    """
    mu = net.parameter_space.sample(num_parameters, "Halton")
    size = np.max(np.abs(net.coefficients(mu)), axis=0)[: net.layout.num_inner]
    kept = size > 0
    kept[net.layout.num_scales :] = True
    start = 0
    for rank in filter(None, net.layout.ranks):
        layer = slice(start, start + rank)
        kept[start + int(np.argmax(size[layer]))] = True
        start += rank
    return kept
