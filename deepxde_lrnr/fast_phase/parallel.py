"""Many mu at once, each on one thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np
from threadpoolctl import ThreadpoolController

from .._cores import num_cores
from .._workspace import Workspace

# Mu that a thread takes at a time.
AT_ONCE = 16


class ForEachMu:
    """Calls a function for some mu at a time, on all cores.

    Args:
        function: Function of at most ``AT_ONCE`` mu, shape (k, p), of other arrays with
            a row for each of them, and of a ``Workspace``, to a list of k results.
    """

    def __init__(self, function):
        self._function = function
        self._blas = ThreadpoolController()
        self._idle = []  # workspaces

    def __call__(self, *arguments) -> list:
        """The results in the order of the mu.

        Args:
            *arguments: Arrays with a row for each mu, mu itself first.
        """
        num_mu = len(arguments[0])
        workers = max(1, min(num_mu, num_cores()))
        count = workers * max(1, -(-num_mu // (workers * AT_ONCE)))
        # One thread for each mu: threads of BLAS would wait for each other.
        with self._blas.limit(limits=1, user_api="blas"):
            if count == 1:
                return self._some(*arguments)
            parts = [np.array_split(argument, count) for argument in arguments]
            if workers == 1:
                return list(chain.from_iterable(map(self._some, *parts)))
            with ThreadPoolExecutor(workers) as pool:
                return list(chain.from_iterable(pool.map(self._some, *parts)))

    def _some(self, *arguments) -> list:
        workspace = self._idle.pop() if self._idle else Workspace()
        found = self._function(*arguments, workspace)
        self._idle.append(workspace)
        return found
