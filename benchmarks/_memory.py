"""Very many solves in one process: memory, and functions that TensorFlow traces."""

from __future__ import annotations

import gc

import numpy as np
import psutil
import tensorflow as tf
from deepxde_lrnr.fast_phase import Adam, LeastSquares

ROWS = {
    "solves": "solves one after the other, each of another mu",
    "rss_growth_mb": "MB that memory (RSS) grew meanwhile",
    "late_rss_growth_mb": "MB of them in the second half: a leak goes on",
    "retracings": "functions traced meanwhile",
    "mixed_solves": "solves of 1 to 20 mu, by each solver in turn",
    "mixed_rss_growth_mb": "MB that memory grew meanwhile",
    "mixed_late_rss_growth_mb": "MB of them in the second half",
    "mixed_retracings": "functions traced meanwhile",
}
SOLVERS = (LeastSquares(), LeastSquares(4, rtol=0.0), Adam(20))
MOST_MU = 20


def memory_of_solves(fast, x, num_solves: int, num_mixed: int, solvers=SOLVERS) -> dict:
    """What grows when a reduced model solves and predicts again and again.

    Args:
        fast: ``FastModel``.
        x: Points for the predictions, array of shape (N, d).
        num_solves: Number of solves of one mu each, by the first solver.
        num_mixed: Number of solves of 1 to 20 mu, by all solvers in turns.
        solvers: The solvers.

    Returns:
        The figures of ``ROWS``. A tenth of the solves before them, of all sizes and by
        all solvers, is not measured: compilation, caches and the pools of the memory
        allocator come to rest.
    """
    rng = np.random.default_rng(0)
    space = fast.parameter_space

    def solve(count: int, solver):
        mu = rng.uniform(space.low, space.high, (count, space.dim))
        fast.solve(mu[0] if count == 1 else mu, solver).predict(x)

    def alone(number: int):
        for _ in range(number):
            solve(1, solvers[0])

    def mixed(number: int):
        for i in range(number):
            solve(1 + i % MOST_MU, solvers[i % len(solvers)])

    results = {"solves": num_solves, "mixed_solves": num_mixed}
    for prefix, work, number in (
        ("", alone, num_solves),
        ("mixed_", mixed, num_mixed),
    ):
        # All pairs of a size and a solver.
        work(max(number // 10, MOST_MU * len(solvers)))
        memory, traced = [rss()], tracings()
        for part in (number // 2, number - number // 2):
            work(part)
            memory.append(rss())
        results[f"{prefix}rss_growth_mb"] = (memory[2] - memory[0]) / 2**20
        results[f"{prefix}late_rss_growth_mb"] = (memory[2] - memory[1]) / 2**20
        results[f"{prefix}retracings"] = tracings() - traced
    return results


def rss() -> int:
    """Bytes of this process in memory, without garbage."""
    gc.collect()
    return psutil.Process().memory_info().rss


def tracings() -> int:
    """Number of tracings of all functions there are, and of these functions.

    So a function that is made and traced anew for each solve counts as well, as long
    as it lives.
    """
    kind = type(tf.function(lambda: None))
    functions = [f for f in gc.get_objects() if isinstance(f, kind)]
    return sum(1 + f.experimental_get_tracing_count() for f in functions)
