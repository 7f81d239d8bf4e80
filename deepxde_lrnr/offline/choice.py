"""How many neurons, and random features beside them, the trial space has.

Chosen by held-out residuals at a few mu of the box. No reference solution enters.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left

import numpy as np

from .._progress import progress_bar
from .._workspace import Workspace
from ..data.collocation import Collocation
from ..fast_phase.error_estimate import RESOLVED
from ..fast_phase.gauss_newton import residuals_after
from ..fast_phase.points import (
    PER_UNKNOWN_RANDOM,
    enough_points,
    fast_collocations,
    num_points,
)
from ..fast_phase.random_features import RandomFeatures, search_scales
from ..fast_phase.trial_space import TrialSpace
from .family import Family, Found

# Points of the PDE, at least, at which random features are compared.
_FOR_RANDOM = 2_048
# Neurons of each layer that are tried, as far as there are more.
SIZES = (16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256)
# Random features tried where all neurons are too few.
COUNTS = (128, 256, 512)
# So many only where the residual is still so many times what is aimed at: a solve takes
# four times as long as with half of them.
_VERY_MANY, _STILL_FAR, _VERY_FAR = 512, 10, 100
# No more than the fewest of them where there would be more unknowns than this.
_MOST_UNKNOWNS = 800
# The same where a family is not resolved, whatever time a solve then takes.
MANY_COUNTS, VERY_MANY_UNKNOWNS = (128, 512, 1024), 2_000
# The first features have to divide the residual by so much, twice as many by so much.
_WORTH, _WORTH_MORE = 1.2, 1.1
_NUM_PARAMETERS = 4
# Corners of the box that are looked at, for what is left in the worst case.
_MOST_CORNERS = 8
# Left out at the beginning of the sequence of mu.
_SKIP = 1024


class Chooser:
    """Compares trial spaces by the residuals that they leave.

    Args:
        equations: For any trial space of the family.
        own: Trial space of the full network.
        target: Residual aimed at, relative to the hypernetwork's.
        mu: Where they are compared, shape (n, p); by default a few of the box, and at
            the end corners of it as well.

    Attributes:
        lines: What was compared.
    """

    def __init__(self, equations, own: TrialSpace, target: float, mu=None):
        self._equations, self._own = equations, own
        box, corners = own.parameter_space, ()
        if mu is None:
            mu = box.sample(_SKIP + _NUM_PARAMETERS, "Halton")[_SKIP:]
            ends = zip(box.low, box.high, strict=True)
            corners = itertools.islice(itertools.product(*ends), _MOST_CORNERS)
        self._mu, self._corners = mu, list(corners)
        self._workspace = Workspace()
        self._before = self._of_hypernetwork(self._mu)
        self.target = target
        self.lines: list[str] = []

    def _of_hypernetwork(self, mu) -> np.ndarray:
        start, at = self._own.start, self._equations.of(self._own)
        squares = [
            np.square(at.at(m, self._workspace)(start(m)).held_out).sum() for m in mu
        ]
        return np.sqrt(squares)

    def _after(self, space: TrialSpace, mu) -> np.ndarray:
        equations = self._equations.of(space)
        return residuals_after(equations, mu, workspace=self._workspace)

    def worst(self, space: TrialSpace) -> tuple[float, np.ndarray]:
        """The largest residual after / before, and the mu of it.

        A mean over mu says little of the part of the box that is hard, which is mostly
        at a corner: these are looked at as well, unless the user has named the mu.
        """
        mu = np.vstack([self._mu, *self._corners])
        before = self._of_hypernetwork(mu)
        after = self._after(space, mu)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(after > 0, after / before, 0.0)
        # A comparison with NaN, of a residual that is none, is false.
        i = int(np.argmax(np.where(np.isfinite(ratios), ratios, -1.0)))
        return float(ratios[i]), mu[i]

    def ratio(self, space: TrialSpace, label: str) -> float:
        """Geometric mean of the residual after / before (the hypernetwork's)."""
        after = self._after(space, self._mu)
        usable = np.isfinite(self._before) & (self._before > 0) & np.isfinite(after)
        value = 1.0
        if usable.any():
            tiny = np.finfo(float).tiny
            logs = np.log(np.maximum(after[usable] / self._before[usable], tiny))
            value = float(np.exp(logs.mean()))
        self.lines.append(f"{label}: {space.size} unknowns, residual {value:.1e}")
        return value

    def enrich(
        self,
        plain: TrialSpace,
        features: np.ndarray,
        counts: list[int],
        best: float,
        what: str = "",
    ) -> tuple[RandomFeatures | None, float]:
        """Random features beside all neurons, as far as they are worth it.

        Args:
            plain: The trial space without any.
            features: What they are functions of at points all over the domain, shape
                (m, n).
            counts: How many may be tried, at least one number.
            best: Ratio without any.
            what: Of what they are functions beside the features of the transform.

        Returns:
            The features, or ``None``, and the ratio with them.
        """

        def ratio_with(count, scales) -> float:
            space = plain.with_random(RandomFeatures.draw(features, count, scales))
            described = ", ".join(f"{scale:g}" for scale in scales)
            if len(set(scales)) == 1:
                described = f"{scales[0]:g}"
            label = f"with {count} random features{what} of scale {described}"
            return self.ratio(space, label)

        fewest = counts[0]
        scales, value = search_scales(
            lambda scales: ratio_with(fewest, scales), len(features), self.target
        )
        if value > best / _WORTH:
            return None, best
        found = {fewest: value}
        for count in counts[1:]:
            enough = _STILL_FAR if count >= _VERY_MANY else 1
            if value <= enough * self.target:
                break
            new = ratio_with(count, scales)
            # Far from the target one doubling that is worth little is not the last.
            far = value > _VERY_FAR * self.target
            if new > value / _WORTH_MORE and not far:
                break
            found[count], value = new, min(new, value)
        chosen = min(c for c, ratio in found.items() if ratio <= _WORTH_MORE * value)
        value = found[chosen]
        return RandomFeatures.draw(features, chosen, scales), value


def choose_trial_space(
    family: Family, points, random_features, verbose, mu=None
) -> tuple[Found, tuple[float, np.ndarray]]:
    """The smallest trial space that leaves no more than ``rtol`` of the residual.

    Args:
        family: What is reduced.
        points: As for ``reduce_model``.
        random_features: The same; if ``None``, they are chosen.
        verbose: As for ``reduce_model``.
        mu: As for ``Chooser``.

    Returns:
        The space, and the largest residual left with its mu, as ``Chooser.worst``.
    """
    own, expansion, rtol = family.own, family.expansion, family.rtol
    widths, outputs = own.hidden.widths, own.num_outputs
    sizes = [size for size in SIZES if size < min(widths)] + [max(widths)]
    count = enough_points(own, expansion.num_equations)
    if random_features is None:
        count = max(count, _FOR_RANDOM)
    most = np.inf
    if points is not None:
        # As many unknowns as the given points can determine.
        most = len(points) if np.ndim(points) else points
        most *= expansion.num_equations / 2
        fitting = [s for s in sizes if outputs * (len(widths) * s + 1) <= most]
        sizes = fitting or sizes[:1]
    compared = _compared_at(family, count)
    chooser = Chooser(family.equations(own, compared), own, rtol, mu)
    found = {}

    def ratio(size) -> float:
        if size not in found:
            layers, network = family.reduced(size)
            space = TrialSpace(network, own.precision)
            value = chooser.ratio(space, f"{size} neurons a layer")
            found[size] = value, layers, network
            bar.set_postfix_str(f"{size} neurons: residual {value:.1e}", refresh=False)
            bar.update()
        return found[size][0]

    with progress_bar("Reduction", verbose, leave=False, unit="size") as bar:
        # The residual falls with the size; the last one is taken in any case.
        place = bisect_left(sizes[:-1], True, key=lambda size: ratio(size) <= rtol)
        best = ratio(sizes[place])
        _, layers, network = found[sizes[place]]
        random = None
        if best > rtol and random_features is None:
            plain = TrialSpace(network, own.precision)
            counts = up_to(min(most, _MOST_UNKNOWNS), plain, COUNTS)
            counts = counts or up_to(most, plain, COUNTS[:1])
            if counts:
                features = plain.features(compared[0].points)
                random, best = chooser.enrich(plain, features, counts, best)
        worst = chooser.worst(TrialSpace(network, own.precision, random))
    return Found(layers, network, random, tuple(chooser.lines)), worst


def enlarge_trial_space(family: Family, mu, errors) -> Found:
    """All neurons and many random features, where a smaller space does not do.

    Args:
        family: What is reduced.
        mu: Shape (n, p).
        errors: Relative errors of u there, as they are estimated to be with a smaller
            one; where they are large, spaces are compared.
    """
    layers, network, plain = family.all_neurons()
    counts = up_to(VERY_MANY_UNKNOWNS, plain, MANY_COUNTS)
    if not counts:
        return Found(layers, network)
    size = plain.size + plain.num_outputs * counts[-1]
    count = num_points(size, family.expansion.num_equations, PER_UNKNOWN_RANDOM)
    compared = _compared_at(family, count)
    bad = ~(errors <= RESOLVED)  # a comparison with NaN is false
    equations = family.equations(family.own, compared)
    chooser = Chooser(equations, family.own, family.rtol, mu[bad])
    best = chooser.ratio(plain, "all neurons where that does not resolve it")
    features = plain.features(compared[0].points)
    random, _ = chooser.enrich(plain, features, counts, best)
    return Found(layers, network, random, tuple(chooser.lines))


def _compared_at(family: Family, count: int) -> tuple[Collocation, Collocation]:
    """Points at which spaces are compared, so many of the PDE fitted."""
    return fast_collocations(family.data, count, count // 4)


def up_to(most: float, plain: TrialSpace, counts) -> list[int]:
    """Numbers of random features with which there are at most so many unknowns."""
    return [c for c in counts if plain.size + plain.num_outputs * c <= most]
