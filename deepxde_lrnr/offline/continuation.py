"""Fronts that training misses: solutions are followed from where they are found.

A trained network that is off by ten per cent at a front is a poor guide to it, and the
fast phase with it. A solution found at a neighbouring mu is a good one: what is steep
in x is smooth as a function of x and of that solution. So from a mu of a small error
one goes on in steps to those of large errors, and keeps the solutions on the way as
``Anchors``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .._workspace import Workspace
from ..fast_phase.error_estimate import RESOLVED
from ..fast_phase.gauss_newton import minimise
from ..fast_phase.points import fast_collocations, num_points
from ..fast_phase.random_features import RandomFeatures
from ..fast_phase.trial_space import TrialSpace
from ..taylor.anchors import TRAINED, Anchors
from .choice import VERY_MANY_UNKNOWNS, up_to
from .family import Family, Found
from .following import refined

# Random features, and residuals for each unknown.
_COUNTS, _PER_UNKNOWN, _HELD_OUT = (128, 256, 512), 8, 4
# Their scales that are tried.
_SCALES = (0.5, 1.0, 2.0)
# Largest step in mu, the box being [-1, 1]^p, and how often it is halved where what is
# left grows by more than so many times.
_STEP, _HALVINGS, _WORSE = 0.3, 2, 3.0
_MOST_ANCHORS = 16
# Steps take many seconds: an error is worth them from so many times that of a solved mu
# on.
_FAR = 2.0
# Two mu at this distance are one.
_SAME = 1e-9
_ITERATIONS, _RTOL = 12, 1e-2


class _Found(NamedTuple):
    """A solution that was found.

    Attributes:
        readout: In the space that it was found in.
        residual: Root of the sum of squares at points held out.
    """

    readout: np.ndarray
    residual: float


def follow_anchors(family: Family, mu, errors) -> Found | None:
    """All neurons, and random features that follow solutions at other mu.

    Args:
        family: What is reduced.
        mu: Shape (n, p).
        errors: Relative errors of u there, as they are estimated to be without.

    Returns:
        The space; ``None`` if no error is small, so that there is nothing to follow, or
        none is large.

    References:
        `E. L. Allgower, & K. Georg. Introduction to numerical continuation methods.
        SIAM, 2003 <https://doi.org/10.1137/1.9780898719154>`_: steps that are halved.
    """
    # Comparisons with NaN are false.
    good, bad = errors <= RESOLVED, ~(errors <= _FAR * RESOLVED)
    if family.data.problem.pde is None or family.own.takes_parameters:
        return None
    if not good.any() or not bad.any():
        return None
    layers, network, plain = family.all_neurons()
    counts = up_to(VERY_MANY_UNKNOWNS, plain, _COUNTS)
    if not counts:
        return None
    size = plain.size + plain.num_outputs * (counts[-1] + plain.num_outputs)
    count = num_points(size, family.expansion.num_equations, _PER_UNKNOWN)
    points = fast_collocations(family.data, count, count // _HELD_OUT)
    path = _Path(family, plain, points)
    begin = mu[np.nanargmin(errors)]
    if not path.begin(begin, mu[good], counts[-1]):
        return None
    # From the nearest ones on.
    scale = plain.parameter_space.scale
    distances = np.abs(scale(mu) - scale(begin)).max(axis=1)
    for i in np.argsort(distances, kind="stable"):
        if bad[i]:
            path.go_to(mu[i])
    anchors = path.anchors
    random = RandomFeatures(anchors.weights, anchors.shifts)
    space = plain.following(random, anchors)
    there = np.unique(np.vstack([mu[bad], anchors.mu]), axis=0)
    points = refined(family, space, there, path.points, 0)
    line = f"following {len(anchors)} solutions: {space.size} unknowns, residuals "
    line += ", ".join(f"{residual:.1e}" for residual in path.residuals)
    return Found(layers, network, random, (line,), points, anchors)


class _Path:
    """Solutions from mu to mu.

    Args:
        family: What is reduced.
        plain: Trial space of all neurons.
        points: Two ``Collocation``.

    Attributes:
        anchors: Those that were found.
        residuals: What they leave at points held out.
        points: Those of the last one.
    """

    def __init__(self, family: Family, plain: TrialSpace, points):
        self._family, self._plain, self._last = family, plain, (None, None)
        self._workspace = Workspace()
        self.points, self.residuals = points, []
        self.anchors = None

    def begin(self, mu: np.ndarray, trained: np.ndarray, count: int) -> bool:
        """Solves where the trained network is followed, then follows that.

        Returns whether the solutions are finite.

        Args:
            mu: Shape (p,).
            trained: mu where the trained network is followed ever after, shape (n, p).
            count: Number of random features.
        """
        plain, space = self._plain, self._plain.parameter_space
        self.points = self._refined(plain, mu, self.points)
        features = plain.features(self.points[0].pde_points, mu[None], True)
        tried = []
        for scales in _SCALES:
            random = RandomFeatures.draw(features, count, scales)
            size = plain.size + plain.num_outputs * (count + plain.num_outputs)
            self.anchors = Anchors(
                random.weights,
                random.shifts,
                mu=np.zeros((0, space.dim)),
                readouts=np.zeros((0, size)),
                parents=np.zeros(0, int),
                trained=trained,
                parameter_space=space,
            )
            found = self._solve(self._space(TRAINED), mu, self.points)
            tried.append((found.residual, len(tried), self.anchors))
        self.anchors = min(tried, key=lambda t: t[:2])[2]
        return self._add(mu, TRAINED) and self._add(mu, 0)

    def go_to(self, mu: np.ndarray) -> None:
        """Goes to mu, or as far as it gets, from the anchor next to it."""
        scale = self.anchors.parameter_space.scale
        step, halvings = _STEP, 0
        while len(self.anchors) < _MOST_ANCHORS:
            (number,) = replace(self.anchors, trained=self.anchors.trained[:0]).nearest(
                mu[None]
            )
            distance = np.abs(scale(mu) - scale(self.anchors.mu[number])).max()
            if distance < _SAME:
                return
            share = min(1.0, step / distance)
            next_mu = _between(self.anchors, number, mu, share)
            if not self._add(next_mu, number, _WORSE * self.residuals[number]):
                if halvings == _HALVINGS:
                    return
                step, halvings = step / 2, halvings + 1

    def _add(self, mu, number: int, most: float = np.inf) -> bool:
        """Adds the solution at mu, following an anchor, if it leaves no more."""
        space = self._space(number)
        points = self._refined(space, mu, self.points)
        found = self._solve(space, mu, points)
        # A comparison with NaN is false.
        if not found.residual <= most:
            return False
        anchors = self.anchors
        self.anchors = replace(
            anchors,
            mu=np.vstack([anchors.mu, mu]),
            readouts=np.vstack([anchors.readouts, found.readout]),
            parents=np.append(anchors.parents, number),
        )
        self.points = points
        self.residuals.append(found.residual)
        return True

    def _space(self, number: int) -> TrialSpace:
        """The space that follows one of the anchors everywhere."""
        random = RandomFeatures(self.anchors.weights, self.anchors.shifts)
        return self._plain.following(random, replace(self.anchors, always=number))

    def _solve(self, space: TrialSpace, mu, points) -> _Found:
        at = self._equations(space, points).at(mu, self._workspace)
        minimum = minimise(at, space.start(mu), _ITERATIONS, _RTOL)
        return _Found(minimum.unknowns, float(np.sqrt(minimum.held_out[-1])))

    def _equations(self, space: TrialSpace, points):
        """The residual; at the points that it was asked for last nothing is traced."""
        if self._last[0] is not points:
            self._last = points, self._family.equations(space, points)
        return self._last[1].of(space)

    def _refined(self, space: TrialSpace, mu, points):
        seed = 1 + len(self.residuals)
        own = self._equations, self._workspace
        return refined(self._family, space, mu[None], points, seed, *own)


def _between(anchors: Anchors, number: int, mu: np.ndarray, share: float):
    """A mu so far on the way from an anchor to another one; on the axes of the box."""
    start, log = anchors.mu[number], anchors.parameter_space.log
    if share == 1:
        return mu
    linear = start + share * (mu - start)
    with np.errstate(invalid="ignore", divide="ignore"):
        geometric = np.exp(np.log(start) + share * (np.log(mu) - np.log(start)))
    return np.where(log, geometric, linear)
