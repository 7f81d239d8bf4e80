"""Peers on the same work: equal offline time, errors and time for each new mu.

CDR, convection, Burgers, Allen-Cahn, Kovasznay, and Poisson on a disk with a hole; 30
mu in the box and 10 beside it, by 2 to 10 % of a side. Our own offline time is that of
the meta phase, the reduction and the first solve. The other networks are trained for
the same wall time, on the same rows, with the same optimizer (SOAP), features and exact
constraints; what is reduced of them comes on top. Online is one solve, without values
at the points where errors are taken; for those that only predict it is zero. MB is what
the process grew by from before a peer was made ready until it had solved all mu; memory
that others left is used again. A peer that takes more than 60 s for all mu is measured
at fewer. In the figure nothing is left of 0.01 ms, nor below 1e-10.

    classical N x M   spectral in x and an exponential integrator in time (points x
                      steps), spectral collocation with Newton (points in x and y),
                      finite elements, factored once (layers x degree)
    pyMOR N           pyMOR's reduced basis of N functions on the finite elements
    scratch           a PINN for each mu alone: DeepXDE's FNN, 2,000 steps of Adam
    gpt_pinn          as many such PINNs as the time allows are neurons (GPT-PINN)
    fnn               DeepXDE's FNN with mu as more inputs
    deeponet          DeepXDE's DeepONet, mu through the branch
    fnn_adam          fnn, all weights tuned for each mu by 400 steps of Adam
    fnn_lbfgs         fnn, all weights tuned for each mu by 200 steps of L-BFGS
    fnn_last          fnn, the weights of its last layer by our least squares
    fnn_states        fnn, its hidden states of all layers by our least squares
    fnn_fast          fnn, the same with what reduce() keeps by default
    fnn_basis         fnn, a reduced basis of such solutions
    deeponet_...      the same of its trunk
    random            random features of no network (PIELM, random feature method),
                      with the unknowns of ours and by the same least squares
    random_accurate   the same with the unknowns of ours_accurate
    untrained         HyperLRNR without a step of training, with what reduce() takes
    untrained_basis   a reduced basis of such solutions
    hypernetwork      HyperLRNR as trained
    paper             HyperLRNR with the fast phase of the paper
    ours              HyperLRNR with the fast phase by default
    ours_accurate     HyperLRNR with all neurons in the trial space
    ours_basis        HyperLRNR with a reduced basis of at most 60 functions

    python benchmarks/peers.py --json benchmarks/results/peers.json
"""

import sys
import time
import warnings
from functools import cache, partial

import deepxde_lrnr as lrnr
import _peer_page
import deepxde as dde
import numpy as np
from _harness import results_of, run
from _neurons import Neurons
from _peer_families import FAMILY_OF, family_of
from _peer_measurement import Measurement, Peer
from _peers import WIDTH, LastLayer, Tuned, deeponet, fnn, lbfgs, train_for
from _untrained import random_space
from deepxde_lrnr.offline import reduce_model
from deepxde_lrnr.prediction import Predictor

NUM_INSIDE, NUM_OUTSIDE = 30, 10
# Functions of the reduced bases, and mu to choose them from. The tolerance is the
# median of the trial space's own estimated errors.
SIZE, CANDIDATES = 60, 200
# The family of which a short run measures all peers.
EVERYTHING = "convection"
# Learning rates of Adam: from scratch that of the meta phase; for tuning, which starts
# at a solution, a thirtieth of it. Neither was searched for.
SCRATCH_LR, TUNING_LR = 3e-3, 1e-4

describe, draw, in_words = _peer_page.describe, _peer_page.draw, _peer_page.in_words
measured_families = _peer_page.families


def compute(quick, names=None):
    warnings.simplefilter("ignore", UserWarning)
    return results_of(GROUPS, quick, names)


def group_of(name: str):
    """A group of the benchmark: a family, under its name."""

    def group(quick) -> dict:
        print(f"--- {name}", flush=True)
        comparison = Comparison(name, quick)
        short = quick and name != EVERYTHING
        found = comparison.some() if short else comparison.everything()
        return {name: found}

    group.__name__ = name
    return group


class Comparison:
    """The peers of one family.

    Args:
        name: Of the family.
        quick: Whether it is a short run.
    """

    def __init__(self, name: str, quick: bool):
        self._name, self._quick = name, quick
        self._family = family_of(name, quick)
        counts = (2, 1) if quick else (NUM_INSIDE, NUM_OUTSIDE)
        self._measurement = Measurement(self._family, *counts, raises=quick)
        self._peer = self._measurement.peer

    def everything(self) -> dict:
        """Measures all peers; the group's results."""
        self._classical()
        self._ours()
        self._untrained()
        for label, make in (("fnn", fnn), ("deeponet", deeponet)):
            self._network(label, make)
        self._tuned()
        return self._results()

    def some(self) -> dict:
        """Measures what differs most between the families."""
        self._classical()
        model = self._family.model
        self._peer("hypernetwork", lambda: self._as_trained(model, 0.0))
        return self._results()

    def _results(self) -> dict:
        return {"norm": self._family.norm, "peers": self._measurement.results}

    def _classical(self) -> None:
        places = self._family.places

        def prepared(make):
            start = time.perf_counter()
            solver = make()
            solver.solve(self._measurement.mu[0])
            seconds = time.perf_counter() - start

            def predict(mu, found):
                return [solver.values(one, *places) for one in found]

            return Peer(seconds, solver.num_unknowns, solver.solve, predict)

        for name, make in self._family.classical.items():
            self._peer(name, partial(prepared, make))

    def _ours(self) -> None:
        family = self._family
        start = time.perf_counter()
        model = family.model
        model.train(
            iterations=family.iterations,
            batch_size=family.batch,
            display_every=10**9,
            verbose=0,
        )
        meta_s = time.perf_counter() - start
        fast = model.reduce(rank=8 if self._quick else None, verbose=0)
        fast.solve(self._measurement.mu[0])  # compiles
        self._offline_s = time.perf_counter() - start
        self._accurate = model.reduce(rank=min(fast.full.stack.widths), verbose=0)
        self._fast = fast
        self._peer("hypernetwork", lambda: self._as_trained(model, meta_s))
        self._peer("ours", lambda: self._space(fast, self._offline_s))
        self._peer(
            "ours_accurate", lambda: self._space(self._accurate, self._offline_s)
        )
        self._peer("ours_basis", lambda: self._basis(fast, self._offline_s))

        def paper():
            few, steps = (3, 20) if self._quick else (5, 400)
            points = family.paper_points
            reduced = model.reduce(method="eim", rank=few, points=points, verbose=0)
            return self._space(reduced, self._offline_s, lrnr.fast_phase.Adam(steps))

        self._peer("paper", paper)

    def _untrained(self) -> None:
        untrained = family_of(self._name, self._quick).model
        self._peer("random", lambda: self._random(self._fast, untrained.net))
        if self._quick:
            return  # what follows is the same code for other networks
        self._peer(
            "random_accurate", lambda: self._random(self._accurate, untrained.net)
        )

        @cache
        def reduced():
            start = time.perf_counter()
            data, weights = untrained.data, self._fast.residual.loss_weights
            fast = reduce_model(data, untrained.net, weights, verbose=0)
            return fast, time.perf_counter() - start

        self._peer("untrained", lambda: self._space(*reduced()))
        self._peer("untrained_basis", lambda: self._basis(*reduced()))

    def _random(self, like, net) -> Peer:
        start = time.perf_counter()
        space = random_space(like, net)
        return self._space(space, time.perf_counter() - start)

    def _network(self, label: str, make) -> None:
        """A network of others, trained for as long as ours, in our machinery."""
        ours, batch = self._family.model, self._family.batch
        seconds = 1 if self._quick else self._offline_s
        model, trained_s = train_for(ours, batch, make, seconds)
        if label == "fnn":
            self._fnn, self._fnn_s = model, trained_s
        self._peer(label, lambda: self._as_trained(model, trained_s))

        @cache
        def reduced(rank):
            start = time.perf_counter()
            fast = model.reduce(rank=rank, verbose=0)
            return fast, trained_s + time.perf_counter() - start

        self._peer(f"{label}_states", lambda: self._space(*reduced(WIDTH)))
        if self._quick:
            return  # what follows is the same code as for ours
        self._peer(f"{label}_fast", lambda: self._space(*reduced(None)))
        self._peer(f"{label}_basis", lambda: self._basis(*reduced(None)))

    def _tuned(self) -> None:
        """The FNN's last layer or all its weights, and PINNs for single mu."""
        steps = 20 if self._quick else 400
        trained, points = self._fnn, self._family.points
        self._peer("fnn_last", self._last_layer)
        dde.config.set_random_seed(1)
        untrained = fnn(self._family.model.net)
        mu, x = self._measurement.mu[:1], points[:1]
        untrained((mu.astype("float32"), x.astype("float32")))
        tuned, blank = Tuned(trained.net), Tuned(untrained)
        tuning = lrnr.fast_phase.Adam(steps, TUNING_LR, "MSE", 0.0, "full")
        training = lrnr.fast_phase.Adam(5 * steps, SCRATCH_LR, "MSE", 0.0, "full")
        pinn = blank.by_adam(self._accurate, training)

        def prepared(network, offline_s, solve):
            def predict(mu, found):
                return Predictor(network)(points, mu, np.vstack(found), False)

            size = len(network.start)
            return Peer(offline_s, size, lambda mu: solve(mu[None]), predict)

        def by_lbfgs():
            solve = lbfgs(tuned, self._accurate, 5 if self._quick else 200)
            return prepared(tuned, self._fnn_s, solve)

        def by_adam():
            return prepared(tuned, self._fnn_s, tuned.by_adam(self._accurate, tuning))

        self._peer("fnn_adam", by_adam)
        self._peer("fnn_lbfgs", by_lbfgs)
        self._peer("scratch", lambda: prepared(blank, 0.0, pinn))
        self._peer("gpt_pinn", lambda: self._neurons(untrained, pinn))

    def _last_layer(self) -> Peer:
        last = LastLayer(self._fnn.reduce(rank=WIDTH, verbose=0))
        points = self._family.points

        def predict(mu, found):
            return last.predict(points, mu, found)

        return Peer(self._fnn_s, last.space.size, last.solve, predict)

    def _neurons(self, untrained, pinn) -> Peer:
        start = time.perf_counter()
        seconds = 1 if self._quick else self._offline_s
        fewest = {"fewest": 2} if self._quick else {}
        neurons = Neurons(self._accurate, untrained, pinn, seconds, **fewest)
        seconds = time.perf_counter() - start
        predict = partial(neurons.predict, self._family.points)
        return Peer(seconds, neurons.num_unknowns, neurons.solve, predict)

    def _as_trained(self, model, seconds: float) -> Peer:
        points = self._family.points
        return Peer(seconds, 0, None, lambda mu, _: model.predict(points, mu))

    def _space(self, fast, seconds: float, solver=None) -> Peer:
        """The trial space of a reduced model, or another solver."""
        solver, size = solver or lrnr.fast_phase.LeastSquares(), fast.space.size
        if isinstance(solver, lrnr.fast_phase.Adam):
            size = fast.reduced.layout.size
        return Peer(seconds, size, lambda mu: fast.solve(mu, solver), self._predict)

    def _basis(self, fast, seconds: float) -> Peer:
        """A reduced basis of a reduced model's solutions."""
        start, sizes = time.perf_counter(), (SIZE, CANDIDATES)
        tolerance = float(np.median(fast.estimate_errors(2 if self._quick else 6)))
        fast.build_basis(tolerance, *((8, 8) if self._quick else sizes), verbose=0)
        seconds += time.perf_counter() - start
        solver = lrnr.reduced_basis.BasisLeastSquares()
        return Peer(
            seconds,
            fast.basis.size,
            lambda mu: fast.solve(mu, solver),
            self._predict,
        )

    def _predict(self, mu, found):
        return np.stack([one.predict(self._family.points) for one in found])


GROUPS = tuple(map(group_of, FAMILY_OF))


if __name__ == "__main__":
    run(sys.modules[__name__])
