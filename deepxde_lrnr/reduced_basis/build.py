"""Offline: how a reduced basis is built and judged."""

from __future__ import annotations

import itertools
import time
import warnings

import numpy as np

from .._checks import as_integer, as_number, as_verbose
from .._progress import progress_bar
from ..fast_phase.least_squares import LeastSquares
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
    greedy = Greedy(accurate, max_size, 2 * max_size)
    candidates = _candidates(space, num_candidates)
    mu = space.sample(num_candidates + _NUM_CHECKED, "Halton")[num_candidates:]
    with progress_bar("Reduced basis", verbose, leave=False, total=max_size) as bar:
        growth = _Growth(greedy, candidates, max_size, bar)
        check = _Check(accurate, mu.astype(float))
        target = tolerance
        while True:
            growth.until(target)
            errors, differences, residuals = check(greedy)
            too_large = np.max(np.nan_to_num(differences)) / tolerance
            if too_large <= 1 or not growth.goes_on:
                break
            # Other mu than the candidates are worse: more is asked for at these.
            target /= 2 * too_large
        if greedy.size == max_size:
            wider = growth.compressed()
            found = check(wider)
            # A comparison with NaN is false.
            if found[1].mean() < differences.mean():
                greedy, (errors, differences, residuals) = wider, found
    nodes = np.vstack([candidates, _candidates(space, _NUM_NODES * space.dim)])
    nodes = np.unique(nodes, axis=0)
    values, left = greedy.reduced(nodes, np.zeros((len(nodes), 0)))
    good = np.isfinite(left)
    interpolation = Interpolation(space.scale(nodes[good]), values[good])
    return ReducedBasis(
        functions=greedy.functions(),
        residual=greedy.residual,
        held_out=greedy.held_out,
        indices=accurate.expansion.indices,
        interpolation=interpolation,
        checked=check.mu,
        errors=errors,
        interpolation_errors=check.errors(greedy, interpolation(space.scale(check.mu)))[
            0
        ],
        residuals=residuals,
        tolerance=tolerance,
        sizes=np.array(growth.sizes),
        decay=np.array(growth.decay),
        seconds=time.perf_counter() - begin,
        traced=greedy.equations,
    )


class _Growth:
    """A basis that grows by the worst of its candidates.

    Args:
        greedy: The basis.
        candidates: mu to choose from, shape (m, p).
        max_size: Largest number of basis functions.
        bar: Bar of progress.

    Attributes:
        sizes: Sizes that were looked at.
        decay: The largest residual over the candidates, for each of them.
        goes_on: Whether it can be larger, and is worth it.

    Raises:
        RuntimeError: If there is nothing to make a basis of.
    """

    def __init__(self, greedy: Greedy, candidates: np.ndarray, max_size: int, bar):
        self._greedy, self._candidates = greedy, candidates
        self._max_size, self._bar = max_size, bar
        space = greedy.parameter_space
        first = _spread(space.scale(candidates), _NUM_FIRST)
        self._taken = list(first)
        readouts = greedy.solve(candidates[first])
        found = [readout is not None for readout in readouts]
        if not any(found):
            raise RuntimeError(
                "The fast phase finds nothing better than the hypernetwork at any of "
                f"{len(first)} mu, e.g. {candidates[first[0]]}, of which a basis could "
                "be made; see solve(mu).status there."
            )
        first = np.array(first)[found]
        readouts = [readout for readout in readouts if readout is not None]
        greedy.begin(candidates[first], readouts)
        if not greedy.size:
            raise RuntimeError(
                "The network's output is zero at all of the first mu: there is nothing "
                "to make a basis of; solve(mu) goes on with the trial space."
            )
        self._coefficients = np.zeros((len(candidates), 0))
        self.sizes, self.decay, self._ratios = [], [], []
        self.goes_on = True

    def until(self, tolerance: float) -> None:
        """Grows until the error at the candidates is likely below the tolerance."""
        greedy, candidates = self._greedy, self._candidates
        while True:
            found = greedy.reduced(candidates, self._coefficients)
            self._coefficients, residuals = found
            self._note(residuals.max())
            ratios, size = self._ratios[-_NUM_RATIOS:], greedy.size
            largest = max(ratios) * self.decay[-1] if ratios else np.inf
            residuals[self._taken] = -1
            worst = int(np.argmax(residuals))
            self.goes_on = size < self._max_size and residuals[worst] >= 0
            self.goes_on &= not self._is_slow(largest)
            if not self.goes_on or largest <= tolerance:
                return
            self._taken.append(worst)
            (readout,) = greedy.solve(candidates[worst : worst + 1])
            if readout is None:
                continue
            c = self._coefficients[worst]
            error = greedy.error(candidates[worst], c, readout)
            # A solution that is zero has no relative error.
            if residuals[worst] > 0 and np.isfinite(error):
                self._ratios.append(error / residuals[worst])
            greedy.add(candidates[worst], readout)

    def compressed(self) -> Greedy:
        """A basis of the same size for as many solutions again, if there are so many.

        They are taken at random: of CDR, those that are solved worst gave a mean error
        of 3.1e-6, others of 3.0e-6, and none more of 4.2e-6.
        """
        greedy, candidates = self._greedy, self._candidates
        others = np.setdiff1d(np.arange(len(candidates)), self._taken)
        rows = np.random.default_rng(0).permutation(others)[: self._max_size]
        if not len(rows):
            return greedy
        readouts, wider = greedy.solve(candidates[rows]), greedy.copy()
        for mu, readout in zip(candidates[rows], readouts, strict=True):
            if readout is not None:
                wider.add(mu, readout)
        return wider.compressed(self._max_size)

    def _note(self, residual: float) -> None:
        size = self._greedy.size
        self.sizes.append(size)
        self.decay.append(residual)
        self._bar.set_postfix_str(f"residual {residual:.1e}", refresh=False)
        self._bar.update(size - self._bar.n)

    def _is_slow(self, largest: float) -> bool:
        """Whether the decay of the last sizes ends too high, if it goes on like that.

        Args:
            largest: Error at the candidates now.
        """
        last = slice(-_NUM_DECAY, None)
        if len(self.sizes) < _NUM_DECAY or not _TOO_SLOW < largest < np.inf:
            return False
        if not np.isfinite(self.decay[last]).all():
            return False
        slope, _ = np.polyfit(self.sizes[last], np.log(self.decay[last]), 1)
        left = self._max_size - self.sizes[-1]
        return largest * np.exp(slope * left) > _TOO_SLOW


class _Check:
    """Errors at mu that the basis was not chosen from.

    Args:
        accurate: ``FastModel`` of all neurons.
        mu: Shape (m, p).
    """

    def __init__(self, accurate, mu: np.ndarray):
        self.mu = mu
        self._solution = accurate.solve(mu, LeastSquares())
        self._own = self._solution.error

    def __call__(self, greedy: Greedy):
        """Errors, differences from the solution with all neurons, and residuals."""
        start = np.zeros((len(self.mu), 0))
        coefficients, residuals = greedy.reduced(self.mu, start)
        return *self.errors(greedy, coefficients), residuals

    def errors(self, greedy: Greedy, coefficients: np.ndarray):
        """Errors, and differences from the solution with all neurons.

        Args:
            greedy: The basis.
            coefficients: In it, shape (m, n).
        """
        readouts = self._solution.coefficients
        differences = np.array(
            [
                np.nan if z[-1] else greedy.error(m, c, z[:-1])
                for m, c, z in zip(self.mu, coefficients, readouts, strict=True)
            ]
        )
        # The error of the solution compared with is that of the basis, too.
        return np.hypot(differences, self._own), differences


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
