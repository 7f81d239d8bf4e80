"""How many neurons, and random features beside them, the trial space has.

Chosen by held-out residuals at a few mu of the box. No reference solution enters.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left

import numpy as np

from .._progress import progress_bar
from ..data.residual import Residual
from ..fast_phase.gauss_newton import residuals_after
from ..fast_phase.points import enough_points, fast_collocations
from ..fast_phase.trial_space import RandomFeatures, TrialSpace

# Points of the PDE, at least, at which random features are compared.
_FOR_RANDOM = 2_048
# Neurons of each layer that are tried, as far as there are more.
SIZES = (16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256)
# Random features tried where all neurons are too few, and their scales.
COUNTS = (128, 256, 512)
# So many only where the residual is still so many times what is aimed at: a solve takes
# four times as long as with half of them.
_VERY_MANY, _STILL_FAR = 512, 10
SCALES = (0.5, 1.0, 2.0, 4.0)
# No more than the fewest of them where there would be more unknowns than this.
_MOST_UNKNOWNS = 800
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

    Attributes:
        lines: What was compared.
    """

    def __init__(self, equations, own: TrialSpace, target: float):
        self._equations, self._own = equations, own
        self._mu = own.parameter_space.sample(_SKIP + _NUM_PARAMETERS, "Halton")[_SKIP:]
        self._before = self._of_hypernetwork(self._mu)
        self.target = target
        self.lines: list[str] = []

    def _of_hypernetwork(self, mu) -> np.ndarray:
        start, at = self._own.start(), self._equations.of(self._own)
        squares = [np.square(at.at(m)(start).held_out).sum() for m in mu]
        return np.sqrt(squares)

    def worst(self, space: TrialSpace) -> tuple[float, np.ndarray]:
        """The largest residual after / before, and the mu of it.

        A mean over mu says little of the part of the box that is hard, which is mostly
        at a corner: these are looked at as well.
        """
        box = space.parameter_space
        ends = zip(box.low, box.high, strict=True)
        corners = itertools.islice(itertools.product(*ends), _MOST_CORNERS)
        mu = np.vstack([self._mu, *corners])
        before = self._of_hypernetwork(mu)
        after = residuals_after(self._equations.of(space), mu)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(after > 0, after / before, 0.0)
        # A comparison with NaN, of a residual that is none, is false.
        i = int(np.argmax(np.where(np.isfinite(ratios), ratios, -1.0)))
        return float(ratios[i]), mu[i]

    def ratio(self, space: TrialSpace, label: str) -> float:
        """Geometric mean of the residual after / before (the hypernetwork's)."""
        after = residuals_after(self._equations.of(space), self._mu)
        usable = np.isfinite(self._before) & (self._before > 0) & np.isfinite(after)
        value = 1.0
        if usable.any():
            tiny = np.finfo(float).tiny
            logs = np.log(np.maximum(after[usable] / self._before[usable], tiny))
            value = float(np.exp(logs.mean()))
        self.lines.append(f"{label}: {space.size} unknowns, residual {value:.1e}")
        return value

    def enrich(
        self, network, precision, best: float, most: float
    ) -> tuple[RandomFeatures | None, float]:
        """Random features beside all neurons, as far as they are worth it.

        Args:
            network: ``FastLRNR``.
            precision: Of the user's functions.
            best: Ratio without any.
            most: Largest number of unknowns.

        Returns:
            The features, or ``None``, and the ratio with them.
        """
        num_features = network.stack.W_in.shape[0]

        def tried(count, scale):
            random = RandomFeatures.draw(num_features, count, scale)
            space = TrialSpace(network, precision, random)
            label = f"with {count} random features of scale {scale:g}"
            return self.ratio(space, label), random, scale

        size = TrialSpace(network, precision).size
        counts = [
            c
            for c in COUNTS
            if size + network.stack.num_outputs * c <= min(most, _MOST_UNKNOWNS)
        ]
        if not counts and size + network.stack.num_outputs * COUNTS[0] <= most:
            counts = COUNTS[:1]
        if not counts:
            return None, best
        value, chosen, scale = min(
            (tried(counts[0], scale) for scale in SCALES), key=lambda t: t[0]
        )
        if value > best / _WORTH:
            return None, best
        for count in counts[1:]:
            enough = _STILL_FAR if count >= _VERY_MANY else 1
            if value <= enough * self.target:
                break
            new, random, _ = tried(count, scale)
            if new > value / _WORTH_MORE:
                break
            value, chosen = new, random
        return chosen, value


def choose_trial_space(
    data, loss_weights, own, expansion, reduced, rtol, points, random_features, verbose
):
    """The smallest trial space that leaves no more than ``rtol`` of the residual.

    Args:
        data: The parametric problem.
        loss_weights: As for ``Residual``.
        own: Trial space of the full network.
        expansion: How the residual depends on the network.
        reduced: Function of a number of modes to layers and network.
        rtol: Residual aimed at, relative to the hypernetwork's.
        points: As for ``reduce_model``.
        random_features: The same; if ``None``, they are chosen.
        verbose: As for ``reduce_model``.

    Returns:
        Layers, network, random features or ``None``, what was compared, and the
        residual left.
    """
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
    residuals = [
        Residual(data, c, loss_weights)
        for c in fast_collocations(data, count, count // 4)
    ]
    chooser = Chooser(expansion.equations(*residuals, own), own, rtol)
    found = {}

    def ratio(size) -> float:
        if size not in found:
            layers, network = reduced(size)
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
            random, best = chooser.enrich(network, own.precision, best, most)
        worst = chooser.worst(TrialSpace(network, own.precision, random))
    return layers, network, random, tuple(chooser.lines), worst
