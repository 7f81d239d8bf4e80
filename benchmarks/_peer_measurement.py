"""How a peer is measured: one mu after the other, errors, time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import psutil
from _peer_families import PeerFamily

# A peer that takes longer for all mu is measured at fewer of them, in the box and
# beside it in their proportion.
SECONDS, FEWEST = 60, 4


class Peer(NamedTuple):
    """What is measured of a peer.

    Attributes:
        offline_s: Seconds of everything before the first mu.
        unknowns: Numbers that are found for each mu.
        solve: Function of mu, shape (p,), to what ``predict`` gets. ``None``: nothing
            is done before values are asked for, which takes no time here.
        predict: Function of mu (n, p), and of a list of what ``solve`` returned
            (``None`` if it is ``None``), to values of shape (n, N, components).
    """

    offline_s: float
    unknowns: int
    solve: Callable | None
    predict: Callable


class Measurement:
    """Results of the peers on one family.

    Args:
        family: The family.
        inside: Number of mu in the box.
        outside: Number of mu beside it.
        raises: Whether an error of a peer ends the run; else it is its result.

    Attributes:
        results: Figures of each peer, by name.
    """

    def __init__(self, family: PeerFamily, inside: int, outside: int, raises: bool):
        self._family, self._inside, self._raises = family, inside, raises
        self.mu = family.new_parameters(inside, outside)
        self.exact = np.array([family.exact(m) for m in self.mu])
        places = np.r_[np.arange(inside) / inside, np.arange(outside) / max(outside, 1)]
        self._order = np.argsort(places, kind="stable")
        self.results = {}

    def peer(self, name: str, prepare) -> None:
        """Prepares and measures a peer.

        Args:
            name: In the table.
            prepare: Function without arguments to a ``Peer``.
        """
        before = _memory()
        try:
            peer = prepare()
            found = {"offline_s": float(peer.offline_s), "unknowns": int(peer.unknowns)}
            found |= self._measured(peer.solve, peer.predict, before)
        except (RuntimeError, ValueError) as error:
            if self._raises:
                raise
            found = {"failed": f"{type(error).__name__}: {error}".partition("\n")[0]}
        self.results[name] = found
        print(name, found, flush=True)

    def _measured(self, solve, predict, before: int) -> dict:
        online_s, order, outcomes = [0.0], self._order, None
        if solve is not None:
            solve(self.mu[order[-1]])  # compiles
            outcomes, online_s = [], []
            for i in order:
                start = time.perf_counter()
                outcomes.append(solve(self.mu[i]))
                online_s.append(time.perf_counter() - start)
                if sum(online_s) > SECONDS and len(online_s) >= FEWEST:
                    break
            order = order[: len(outcomes)]
        memory = max(_memory() - before, 0) / 2**20
        values = np.reshape(
            predict(self.mu[order], outcomes), (len(order), *self.exact.shape[1:])
        )
        errors = self._family.errors(values, self.exact[order])
        in_box = order < self._inside
        beside = errors[~in_box]
        return {
            "online_ms": 1e3 * float(np.median(online_s)),
            "mean": float(errors[in_box].mean()),
            "max": float(errors[in_box].max()),
            "outside": float(beside.mean()) if len(beside) else float("nan"),
            "memory_mb": memory,
            "num_mu": [int(in_box.sum()), len(beside)],
        }


def _memory() -> int:
    """Bytes of this process in memory."""
    return psutil.Process().memory_info().rss
