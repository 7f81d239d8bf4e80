"""The reduced model: solves for new mu and keeps the way back to the full LRNR."""

from __future__ import annotations

import deepxde as dde
import numpy as np

from ..data import ParametricPDE
from ..data.residual import Residual
from ..nn import FastLRNR, HyperLRNR
from ..prediction import Predictor
from ..reduction import ReducedLayer, reduce_layer
from .adam import Adam
from .outcome import Outcome
from .snapshots import draw_pairs, hidden_states, shifted_points
from .solution import Solution

# mu solved in one compiled call: one, a few, many. Others are padded up to the next
# size, so that no number of mu needs a compilation of its own.
_BATCHES = (1, 8, 64)
# Share of |z| by which coefficients of the snapshots are perturbed, since the fast
# phase moves them.
_PERTURBATION = 0.03
# Largest number of pairs (point, mu) among the snapshots.
_MAX_SNAPSHOTS = 10_000


class FastModel:
    """A trained family, reduced. Made by ``Model.reduce``.

    Attributes:
        full: The LRNR itself, frozen: a ``FastLRNR`` with every neuron kept.
        reduced: ``FastLRNR`` of the selected neurons.
        layers: ``ReducedLayer`` of each hidden layer.
        residual: Residual vector at the fast phase's points.
        dropped: Indices of the coefficients s that are zero over the whole box.
    """

    def __init__(
        self,
        full: FastLRNR,
        reduced: FastLRNR,
        layers: list[ReducedLayer],
        residual: Residual,
    ):
        self.full = full
        self.reduced = reduced
        self.layers = layers
        self.residual = residual
        self.parameter_space = full.parameter_space
        self.dropped = np.setdiff1d(np.arange(full.full_size), full.kept)
        self._predictor = Predictor(full)
        self._solvers = {}

    @classmethod
    def reduce(
        cls,
        data: ParametricPDE,
        net: HyperLRNR,
        loss_weights=None,
        points=None,
        method: str = "fitted",
        rank: int | None = None,
        rtol: float | None = None,
        oversampling: float = 2.0,
        num_parameters: int = 100,
        seed: int = 0,
    ) -> FastModel:
        """Reduces a trained network.

        Args:
            data: The parametric problem.
            net: Its trained network.
            loss_weights: As in ``Model.compile``.
            points: Points of the fast phase: an array of shape (n, d), among which each
                IC/BC picks its own (the paper: a uniform grid of 4 x 3), or the number
                of points of the PDE, drawn by the geometry's Hammersley sequence beside
                the problem's own points for each IC/BC. By default 384.
            method: "fitted" (least squares on values and derivatives), "qdeim", or
                "eim" (the paper's).
            rank: Number of modes of each hidden layer; the paper's r_hat, 5 there.
            rtol: Relative error of the modes, instead of or besides ``rank``. If both
                are ``None``, 1e-3.
            oversampling: Neurons per mode of "fitted".
            num_parameters: Number of mu for the snapshots.
            seed: Seed of the mu, of the perturbations and of the choice of snapshots.

        Raises:
            ValueError: If an argument is out of its range, e.g. ``rank`` larger than
                the number of snapshots or the width of a layer.
        """
        if rank is None and rtol is None:
            rtol = 1e-3
        rng = np.random.default_rng(seed)
        collocation = fast_collocation(data, points)
        kept = nonzero_coefficients(net)
        full = FastLRNR(net, kept=kept)

        x = collocation.points
        eim = method == "eim"
        if eim:
            low, high = _bounding_box(data.geom)
            x = shifted_points(x, 1e-2, high - low)
        num_held_out = max(1, num_parameters // 4)
        mu = full.parameter_space.sample(num_parameters + num_held_out, "Halton")
        snapshots, held_out = (
            _snapshots(full, x, part, rng, derivatives=not eim)
            for part in np.split(mu, [num_parameters])
        )
        targets = [np.asarray(w) for w in (*full.stack.V, full.stack.W_out)]
        layers = [
            reduce_layer(
                snapshots.values[i],
                target,
                method=method,
                rank=rank,
                rtol=rtol,
                oversampling=oversampling,
                derivative_snapshots=snapshots.derivatives[i],
                held_out=held_out.values[i],
                held_out_derivatives=held_out.derivatives[i],
            )
            for i, target in enumerate(targets)
        ]
        reduced = FastLRNR(
            net, [layer.indices for layer in layers], [m.map for m in layers], kept
        )
        return cls(full, reduced, layers, Residual(data, collocation, loss_weights))

    def solve(self, mu, solver=None) -> Solution:
        """The fast phase: solves for new mu.

        Args:
            mu: A dictionary of numbers, an array of shape (p,), or several mu: a
                dictionary of arrays or an array of shape (n, p). Outside the box there
                is a warning.
            solver: Solver object, by default ``fast_phase.Adam()``.

        Returns:
            ``Solution``.
        """
        space = self.parameter_space
        single = space.is_single(mu)
        mu = space.check(mu, stacklevel=3).astype(dde.config.real(np))
        solver = Adam() if solver is None else solver
        if solver not in self._solvers:
            self._solvers[solver] = solver.prepare(self)
        outcome = self._in_batches(self._solvers[solver], mu)
        index = 0 if single else slice(None)
        return Solution(
            mu=mu[index], **outcome.rows(index), _predictor=self._predictor
        )

    @staticmethod
    def _in_batches(solve, mu) -> Outcome:
        outcomes = []
        largest = _BATCHES[-1]
        for start in range(0, len(mu), largest):
            chunk = mu[start : start + largest]
            size = next(b for b in _BATCHES if b >= len(chunk))
            padded = np.vstack([chunk, np.repeat(chunk[:1], size - len(chunk), axis=0)])
            outcome = solve(padded)
            outcomes.append(Outcome(**outcome.rows(slice(len(chunk)))))
        return Outcome.concatenate(outcomes)


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


def fast_collocation(data: ParametricPDE, points):
    """Collocation of the fast phase; ``points`` as in ``FastModel.reduce``."""
    if points is None:
        points = 384
    if isinstance(points, (int, np.integer)):
        if points < 1:
            raise ValueError(f"points is {points}; it must be at least 1.")
        pde_points = data.geom.random_points(points, random="Hammersley")
        return data.collocation(pde_points, condition_points=max(16, points // 4))
    points = np.asarray(points, dde.config.real(np))
    if points.ndim != 2 or points.shape[1] != data.geom.dim or len(points) == 0:
        raise ValueError(
            f"points has shape {points.shape}; it must be (n, {data.geom.dim})."
        )
    return data.collocation(points)


def _bounding_box(geom):
    """Lower and upper corner of a geometry, time included."""
    if hasattr(geom, "timedomain"):
        low, high = (np.asarray(b).ravel() for b in geom.geometry.bbox)
        return np.append(low, geom.timedomain.t0), np.append(high, geom.timedomain.t1)
    return tuple(np.asarray(b).ravel() for b in geom.bbox)


def _snapshots(network: FastLRNR, x, mu, rng, derivatives: bool):
    """Snapshots at ``x`` for ``mu``, half of them at perturbed coefficients."""
    x, mu = draw_pairs(x, mu, _MAX_SNAPSHOTS, rng)
    z = np.asarray(network.coefficients(mu))
    noise = rng.standard_normal(z.shape) * _PERTURBATION * np.abs(z)
    noise[rng.random(len(z)) < 0.5] = 0
    return hidden_states(network, x, mu, z + noise, derivatives)
