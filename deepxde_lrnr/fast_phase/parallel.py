"""Many mu at once, each on one thread."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import ThreadpoolController

from ..taylor.workspace import Workspace

# Mu that a thread takes at a time.
_MOST_AT_ONCE = 32


class ForEachMu:
    """Calls a function for each mu, on all cores.

    Args:
        function: Function of one mu, shape (p,), of other arguments that belong to it,
            and of a ``Workspace``.
    """

    def __init__(self, function):
        self._function = function
        self._blas = ThreadpoolController()
        self._idle = []  # workspaces

    def __call__(self, *arguments, num_threads: int | None = None) -> list:
        """The results in the order of the mu.

        Args:
            *arguments: Arrays with a row for each mu, mu itself first.
            num_threads: Number of mu at once, by default that of the cores.
        """
        num_mu = len(arguments[0])
        workers = min(num_mu, num_threads or _num_cores())
        # One thread for each mu: threads of BLAS would wait for each other.
        with self._blas.limit(limits=1, user_api="blas"):
            if workers <= 1:
                return self._some(*arguments)
            count = -(-num_mu // _MOST_AT_ONCE) * workers
            parts = [np.array_split(argument, count) for argument in arguments]
            with ThreadPoolExecutor(workers) as pool:
                return sum(pool.map(self._some, *parts), start=[])

    def _some(self, *arguments) -> list:
        workspace = self._idle.pop() if self._idle else Workspace()
        rows = zip(*arguments, strict=True)
        found = [self._function(*row, workspace) for row in rows]
        self._idle.append(workspace)
        return found


def _num_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
