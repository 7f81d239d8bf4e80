"""A trained family as its reduction sees it, and a trial space found for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..data import ParametricPDE
from ..data.collocation import Collocation
from ..data.residual import Residual
from ..fast_phase.expansion import Equations, Expansion
from ..fast_phase.random_features import RandomFeatures
from ..fast_phase.trial_space import TrialSpace
from ..nn import FastLRNR
from ..taylor.anchors import Anchors


@dataclass(frozen=True, eq=False)
class Family:
    """What trial spaces are made of, and what they are compared by.

    Attributes:
        data: The parametric problem.
        loss_weights: As for ``Residual``.
        own: Trial space of the full network.
        expansion: How the residual depends on the network.
        reduced: Function of a number of modes to layers and network.
        rtol: Residual aimed at, relative to the hypernetwork's.
    """

    data: ParametricPDE
    loss_weights: object
    own: TrialSpace
    expansion: Expansion
    reduced: Callable
    rtol: float

    def all_neurons(self) -> tuple[list, FastLRNR, TrialSpace]:
        """Layers, network and trial space of all neurons."""
        layers, network = self.reduced(max(self.own.hidden.widths))
        return layers, network, TrialSpace(network, self.own.precision)

    def equations(self, space: TrialSpace, points) -> Equations:
        """The residual in a trial space.

        Args:
            space: The trial space.
            points: Two ``Collocation``, fitted and held out.
        """
        residuals = [Residual(self.data, c, self.loss_weights) for c in points]
        return self.expansion.equations(*residuals, space)


@dataclass(frozen=True, eq=False)
class Found:
    """A trial space.

    Attributes:
        layers: ``ReducedLayer`` for each hidden layer.
        network: The network of its neurons.
        random: Random features, or ``None``.
        lines: What was compared, for the report.
        points: Two ``Collocation``, fitted and held out; by default as many as the
            space needs.
        anchors: Solutions that the random features follow, or ``None``.
    """

    layers: list
    network: FastLRNR
    random: RandomFeatures | None = None
    lines: tuple[str, ...] = ()
    points: tuple[Collocation, Collocation] | None = None
    anchors: Anchors | None = None
