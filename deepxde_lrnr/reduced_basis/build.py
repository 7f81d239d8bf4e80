"""Offline: how a reduced basis is built and judged."""

from __future__ import annotations

import itertools
import time
import warnings

import numpy as np

from .._checks import as_integer, as_number, as_verbose
from .._progress import progress_bar
from .greedy import Greedy
from .interpolation import Interpolation
from .model import ReducedBasis

# Solutions with which the basis begins, spread over the box.
_NUM_FIRST = 8
# Other mu at which the error is estimated.
_NUM_CHECKED = 24
# Nodes of the interpolation, for each parameter.
_NUM_NODES = 256
# Ratios of error to residual, of the solutions last taken, that bound those of others.
_NUM_RATIOS = 8
# The decay over so many functions tells where it will end; if the error in the end is
# above a per cent, it is not worth going on.
_NUM_DECAY, _TOO_SLOW = 12, 1e-2


class SlowDecayWarning(UserWarning):
    """A reduced basis of the largest size allowed does not reach the tolerance."""


def build_basis(
    fast,
    tolerance: float = 1e-5,
    max_size: int = 60,
    num_candidates: int = 200,
    verbose: int = 1,
) -> ReducedBasis:
    """As ``FastModel.build_basis``.

    Args:
        fast: ``FastModel`` with its problem.
        tolerance: As there.
        max_size: As there.
        num_candidates: As there.
        verbose: As there.
    """
    tolerance = as_number("tolerance", tolerance, "a number > 0", lambda v: v > 0)
    max_size = as_integer("max_size", max_size, _NUM_FIRST)
    num_candidates = as_integer("num_candidates", num_candidates, max_size)
    verbose = as_verbose(verbose)
    if fast.expansion.indices is None:
        raise ValueError(
            "The residual is not pointwise (it has integrals, means over points, or "
            "derivatives of a very high order): the jets of a basis at a few points do "
            "not determine it. solve(mu) goes on with the trial space."
        )
    begin = time.perf_counter()
    accurate, space = fast.all_neurons, fast.parameter_space
    greedy = Greedy(accurate, max_size)
    candidates = _candidates(space, num_candidates)
    with progress_bar("Reduced basis", verbose, leave=False, total=max_size) as bar:
        first = _spread(space.scale(candidates), _NUM_FIRST)
        taken = list(first)
        greedy.begin(candidates[first], _found(greedy, candidates[first]))
        if not greedy.size:
            raise RuntimeError(
                "The network's output is zero at all of the first mu: there is nothing "
                "to make a basis of; solve(mu) goes on with the trial space."
            )
        coefficients = np.zeros((len(candidates), 0))
        sizes, decay, ratios = [], [], []
        while True:
            coefficients, residuals = greedy.reduced(candidates, coefficients)
            sizes.append(greedy.size)
            decay.append(residuals.max())
            bar.set_postfix_str(f"residual {decay[-1]:.1e}", refresh=False)
            bar.update(greedy.size - bar.n)
            largest = max(ratios[-_NUM_RATIOS:]) * decay[-1] if ratios else np.inf
            slow = largest > _TOO_SLOW and _ends_above(sizes, decay, max_size, largest)
            if greedy.size == max_size or largest <= tolerance or slow:
                break
            residuals[taken] = -1
            worst = int(np.argmax(residuals))
            if residuals[worst] < 0:
                break
            taken.append(worst)
            (readout,) = greedy.solve(candidates[worst : worst + 1])
            if readout is None:
                continue
            error = greedy.error(candidates[worst], coefficients[worst], readout)
            if residuals[worst] > 0:
                ratios.append(error / residuals[worst])
            greedy.add(candidates[worst], readout)
    mu = space.sample(num_candidates + _NUM_CHECKED, "Halton")[num_candidates:]
    mu = mu.astype(float)
    errors, residuals = _check(greedy, accurate, mu)
    nodes = np.vstack([candidates, _candidates(space, _NUM_NODES * space.dim)])
    nodes = np.unique(nodes, axis=0)
    values, left = greedy.reduced(nodes, np.zeros((len(nodes), 0)))
    good = np.isfinite(left)
    reached = np.max(np.nan_to_num(errors, nan=np.inf))
    basis = ReducedBasis(
        functions=greedy.functions(),
        residual=greedy.residual,
        held_out=greedy.held_out,
        indices=accurate.expansion.indices,
        interpolation=Interpolation(space.scale(nodes[good]), values[good]),
        checked=mu,
        errors=errors,
        residuals=residuals,
        tolerance=tolerance,
        sizes=np.array(sizes),
        decay=np.array(decay),
        usable=bool(reached <= tolerance),
        seconds=time.perf_counter() - begin,
    )
    return basis


def warn_of_slow_decay(basis: ReducedBasis, stacklevel: int) -> None:
    """Warns if the tolerance is not reached.

    Args:
        basis: The basis.
        stacklevel: As for ``warnings.warn``.
    """
    if basis.usable:
        return
    warnings.warn(
        f"The reduced basis of {basis.size} functions has an estimated error of "
        f"{basis.errors.max():.1e}, above the tolerance {basis.tolerance:.1e}: "
        "solve(mu) goes on with the trial space. Take a larger max_size or tolerance, "
        "or solver=lrnr.reduced_basis.BasisLeastSquares() where this is good enough.",
        SlowDecayWarning,
        stacklevel=stacklevel + 1,
    )


def _candidates(space, count: int) -> np.ndarray:
    """mu of a Halton sequence, every third moved to a face of the box, and corners."""
    mu = space.sample(count, "Halton").astype(float)
    for i in range(0, count, 3):
        axis = i // 3 % space.dim
        mu[i, axis] = (space.low, space.high)[i % 2][axis]
    if 2**space.dim <= count // 8:
        corners = itertools.product(*zip(space.low, space.high, strict=True))
        mu = np.vstack([list(corners), mu])
    return np.unique(mu, axis=0)


def _spread(points: np.ndarray, count: int) -> list[int]:
    """Numbers of points far from each other, the first in the middle."""
    chosen = [int(np.argmin(np.sum(points**2, axis=1)))]
    distance = np.full(len(points), np.inf)
    while len(chosen) < count:
        new = np.sum((points - points[chosen[-1]]) ** 2, axis=1)
        distance = np.minimum(distance, new)
        chosen.append(int(np.argmax(distance)))
    return chosen


def _found(greedy: Greedy, mu: np.ndarray) -> list[np.ndarray]:
    readouts = greedy.solve(mu)
    if any(readout is None for readout in readouts):
        at = mu[[readout is None for readout in readouts]][0]
        raise RuntimeError(
            f"The fast phase finds nothing better than the hypernetwork at mu = {at}, "
            "of which a basis could be made; see solve(mu).status there."
        )
    return readouts


def _ends_above(sizes, decay, max_size: int, largest: float) -> bool:
    """Whether the decay of the last sizes ends too high, if it goes on like that."""
    if len(sizes) < _NUM_DECAY:
        return False
    slope, _ = np.polyfit(sizes[-_NUM_DECAY:], np.log(decay[-_NUM_DECAY:]), 1)
    return largest * np.exp(slope * (max_size - sizes[-1])) > _TOO_SLOW


def _check(greedy: Greedy, accurate, mu: np.ndarray):
    """Estimated relative errors of u in the basis, and residuals, at other mu."""
    coefficients, residuals = greedy.reduced(mu, np.zeros((len(mu), 0)))
    solution = accurate.solve(mu)
    own = solution.error
    errors = np.empty(len(mu))
    for i, (m, z) in enumerate(zip(mu, solution.coefficients, strict=True)):
        if z[-1]:
            errors[i] = np.nan
        else:
            # The error of the solution compared with is that of the basis, too.
            errors[i] = np.hypot(greedy.error(m, coefficients[i], z[:-1]), own[i])
    return errors, residuals
