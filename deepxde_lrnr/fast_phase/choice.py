"""How many neurons, and random features beside them, the trial space has, and which
of its functions are taken for combinations of others.

Chosen by held-out residuals at a few mu of the box. No reference solution enters.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..taylor.workspace import Workspace
from .gauss_newton import RCOND, minimise
from .trial_space import RandomFeatures, TrialSpace

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
# Shares, as in ``Factors``, that are tried, and how much larger a residual may be with
# one that leaves out more. Those functions need readouts of up to its inverse, which
# cost as many digits wherever the solution is evaluated.
_RCONDS = (1e-8, 1e-10, RCOND)
_NO_MATTER = 1.1
_NUM_PARAMETERS = 4
# Corners of the box that are looked at, for what is left in the worst case.
_MOST_CORNERS = 8
# Left out at the beginning of the sequence of mu.
_SKIP = 1024
_STEPS = 4


def residuals_after(equations, mu, rcond: float = RCOND) -> np.ndarray:
    """Held-out residuals (root of the sum of squares) after a few steps.

    Args:
        equations: ``JetEquations`` or ``NetworkEquations``.
        mu: Array of shape (n, p).
        rcond: As for ``Factors``.
    """
    start, workspace = equations.space.start(), Workspace()
    found = [
        minimise(equations.at(m, workspace), start, _STEPS, 0.1, rcond) for m in mu
    ]
    return np.sqrt([minimum.held_out[-1] for minimum in found])


def choose_rcond(equations, mu) -> float:
    """Which functions are taken for combinations of others, as in ``Factors``.

    The fewest that leave hardly more of the residual.

    Args:
        equations: ``JetEquations``.
        mu: Array of shape (n, p).
    """
    after = np.array([residuals_after(equations, mu, rcond) for rcond in _RCONDS])
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.exp(np.mean(np.log(after), axis=1))
    # A comparison with NaN is false.
    good = means <= _NO_MATTER * np.nanmin([*means, np.inf])
    return next((r for r, ok in zip(_RCONDS, good, strict=True) if ok), RCOND)


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
