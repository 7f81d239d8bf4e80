"""Sweeps over worker processes: workers that are killed, efficiency, and overhead."""

import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import deepxde_lrnr as lrnr
import cloudpickle
import numpy as np
from _families import POINTS, Family, build
from dask.distributed import Client, LocalCluster, WorkerPlugin
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import LeastSquares
from deepxde_lrnr.offline import reduce_model

# Workers need not find this folder.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

ROWS = {
    "worker_kills_survived": "worker processes killed in a sweep, nothing lost",
    "sweep_efficiency_2_workers": "time of one worker over twice that of two",
    "chunk_overhead_ms": "ms that a chunk costs besides its work",
}
SOLVER = LeastSquares(4, rtol=0.0)


@dataclass(frozen=True)
class Killed:
    """A solver whose process is killed at each of some mu, the first time.

    Attributes:
        folder: Where a file remembers each kill.
        mu: First entries of these mu.
    """

    folder: str
    mu: tuple[float, ...]

    def prepare(self, fast):
        good = SOLVER.prepare(fast)

        def solve(mu):
            for i, value in enumerate(self.mu):
                killed = Path(self.folder) / str(i)
                here = np.isclose(mu[:, 0], value, rtol=1e-6, atol=0).any()
                if here and not killed.exists():
                    killed.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            return good.solve(mu)

        return replace(good, solve=solve)


class WithoutXLA(WorkerPlugin):
    """Workers compile in no time, those that replace a killed one too."""

    def setup(self, worker):
        Compiled.uses_xla = False


def sweep_reliability(quick: bool) -> dict:
    """Figures of sweeps over processes of one thread each; needs two cores.

    The family is that of convection, diffusion and reaction with random weights, which
    do not change the time of a step.

    Args:
        quick: Sizes so small that only the code is tested.

    Returns:
        Dictionary:

        - ``worker_kills_survived``: worker processes killed in the middle of a chunk,
          if the result was that of one machine all the same; else 0.
        - ``sweep_efficiency_2_workers``: time with one worker over twice that with two.
        - ``chunk_overhead_ms``: what a chunk costs besides its work, with one worker:
          chunks of 16 mu against those of 256.
    """
    family = Family(width=32, iterations=0) if quick else Family(iterations=0)
    model = build(family)
    model._build()
    fast = reduce_model(model.data, model.net, rank=8 if quick else 20)
    num_mu = 64 if quick else 4096
    mus = family.space.sample(num_mu, "Halton")
    x = POINTS[:: 1000 if quick else 100]
    figures, seconds = {}, {}
    for workers in (1, 2):
        with cluster_of(workers) as cluster, Client(cluster) as client:
            if quick:
                client.register_plugin(WithoutXLA())
            for size in (16, 256) if workers == 1 else (256,):
                arguments = {"solver": SOLVER, "client": client, "chunk_size": size}
                seconds[workers, size] = best(
                    fast, mus, x, 1 if quick else 3, arguments
                )
            if workers == 2:
                figures["worker_kills_survived"] = kills_survived(
                    client, fast, mus[: num_mu // 4], x, 1 if quick else 3
                )
    chunks = num_mu / 16 - num_mu / 256
    overhead = seconds[1, 16] - seconds[1, 256]
    figures["sweep_efficiency_2_workers"] = seconds[1, 256] / (2 * seconds[2, 256])
    figures["chunk_overhead_ms"] = 1e3 * overhead / chunks
    return figures


def cluster_of(workers: int) -> LocalCluster:
    return LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None)


def best(fast, mus, x, repeats: int, arguments) -> float:
    """Smallest time of a sweep, after one that builds and compiles on all workers."""
    times = []
    for _ in range(1 + repeats):
        start = time.perf_counter()
        lrnr.sweep(fast, mus, x, verbose=0, **arguments)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def kills_survived(client, fast, mus, x, kills: int) -> int:
    """Number of kills in a sweep, or 0 if its result is not that without them."""
    wanted = lrnr.sweep(fast, mus, x, solver=SOLVER, verbose=0)
    places = np.linspace(0, len(mus) - 1, kills + 2).astype(int)[1:-1]
    with tempfile.TemporaryDirectory() as folder:
        solver = Killed(folder, tuple(float(m) for m in mus[places, 0]))
        result = lrnr.sweep(
            fast, mus, x, solver=solver, client=client, chunk_size=8, verbose=0
        )
        died = len(os.listdir(folder))
    same = np.array_equal(result.mu, wanted.mu) and all(
        np.allclose(getattr(result, name), getattr(wanted, name), rtol=1e-2, atol=1e-4)
        for name in ("residual", "steps", "values")
    )
    return died if same else 0


if __name__ == "__main__":
    print(sweep_reliability("--quick" in sys.argv))
