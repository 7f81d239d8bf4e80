"""Sweeps over worker processes: as on one machine, whatever happens to the workers."""

import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import deepxde_lrnr as lrnr
import cloudpickle
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.fast_phase import LeastSquares
from deepxde_lrnr.sweeps.stores import MemoryStore

distributed = pytest.importorskip("dask.distributed")
pytestmark = pytest.mark.slow

SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
SOLVER = LeastSquares(3)
MU = SPACE.sample(60, "Halton")
X = np.array([[0.1], [0.5], [0.9]], np.float32)

# Workers cannot import the modules of tests.
cloudpickle.register_pickle_by_value(sys.modules[__name__])
cloudpickle.register_pickle_by_value(families)


@dataclass(frozen=True)
class Deadly:
    """A solver that kills its process at one mu: the first time, or always.

    It leaves a line in a file for each chunk that it begins.
    """

    folder: str
    mu: float
    always: bool = False

    def prepare(self, fast):
        good, folder = SOLVER.prepare(fast), Path(self.folder)

        def solve(mu):
            with open(folder / "begun", "a") as file:
                file.write(f"{mu[0, 0]}\n")
            here = np.isclose(mu[:, 0], self.mu, atol=1e-6).any()
            died = folder / "died"
            if here and (self.always or not died.exists()):
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return good.solve(mu)

        return replace(good, solve=solve)


@pytest.fixture(scope="module")
def client():
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def fast():
    return families.decay(dde.geometry.TimeDomain(0, 1), SPACE)


@pytest.fixture(scope="module")
def local(fast):
    return lrnr.sweep(fast, MU, X, solver=SOLVER)


def same(result, wanted):
    for name in ("mu", "steps", "status"):
        np.testing.assert_array_equal(getattr(result, name), getattr(wanted, name))
    for name in ("initial_residual", "residual", "values"):
        np.testing.assert_allclose(
            getattr(result, name)[:], getattr(wanted, name), rtol=1e-3, atol=1e-5
        )


def built(client):
    """What each worker has built, by the identity of the object."""

    def look():
        from deepxde_lrnr.sweeps import workers

        return id(workers._built.fast)

    return client.run(look)


def threads(client):
    def look():
        threading = tf.config.threading
        return (
            threading.get_intra_op_parallelism_threads(),
            threading.get_inter_op_parallelism_threads(),
        )

    return client.run(look)


def test_workers_give_what_one_machine_gives(
    client, fast, local, tmp_path, monkeypatch
):
    write, waiting = MemoryStore.write, []

    def counted(self, rows, arrays):
        waiting.append(len(client.futures))
        write(self, rows, arrays)

    with monkeypatch.context() as patch:
        patch.setattr(MemoryStore, "write", counted)
        result = lrnr.sweep(fast, MU, X, solver=SOLVER, client=client, chunk_size=4)
    same(result, local)
    # What is done or begun waits nowhere in great numbers: two for each thread, beside
    # the one that is being written.
    assert len(waiting) == 15 and max(waiting) <= 4 + 1
    assert set(threads(client).values()) == {(1, 1)}

    # The next sweep finds the model; it may have other points, and a store.
    models = built(client)
    stored = lrnr.sweep(
        fast,
        MU,
        X,
        lambda x, u: tf.concat((u, x), axis=1),
        SOLVER,
        client,
        chunk_size=13,
        out=tmp_path / "all.npz",
    )
    assert built(client) == models
    np.testing.assert_allclose(stored.values[..., :1], local.values, atol=1e-5)
    for values in stored.values:
        np.testing.assert_array_equal(values[:, 1:], X)

    # Nothing stays on the workers but the model.
    def left(dask_worker):
        return [name for name in dask_worker.plugins if "sweep" in name]

    assert set(map(tuple, client.run(left).values())) == {()}


def test_what_is_found_out_about_the_problem_is_found_out_once(client, fast):
    """The derivatives used, and whether a solve looks at the start as well."""
    lrnr.sweep(fast, MU, X, solver=SOLVER, client=client, chunk_size=20)

    def known():
        from deepxde_lrnr.sweeps import workers

        fast = workers._built.fast
        return fast.expansion.indices.indices, fast.watches_start

    wanted = fast.expansion.indices.indices, fast.watches_start
    assert set(client.run(known).values()) == {wanted}


def test_a_worker_that_dies_takes_nothing_with_it(client, fast, local, tmp_path):
    before = set(client.run(os.getpid).values())
    solver = Deadly(str(tmp_path), float(MU[31, 0]))
    out = tmp_path / "all.zarr"
    result = lrnr.sweep(
        fast, MU, X, solver=solver, client=client, chunk_size=4, out=out
    )
    same(result, local)
    assert (tmp_path / "died").exists()
    begun = np.loadtxt(tmp_path / "begun")
    firsts = MU[::4, 0]
    counts = np.isclose(begun[:, None], firsts[None, :]).sum(axis=0)
    assert (counts >= 1).all() and counts[31 // 4] >= 2
    assert set(client.run(os.getpid).values()) != before


def test_a_mistake_in_a_worker_is_told_here(client, fast):
    def operator(x, u):
        raise ArithmeticError("a mistake of the user's")

    with pytest.raises(Exception, match="a mistake of the user's"):
        lrnr.sweep(fast, MU, X, operator, SOLVER, client, chunk_size=7)
    assert not client.futures


def test_a_chunk_that_kills_every_worker_is_named(client, fast, tmp_path):
    solver = Deadly(str(tmp_path), float(MU[9, 0]), always=True)
    client.cluster.scheduler.allowed_failures = 0
    try:
        # Dask blames each chunk that the worker had, also one that was waiting there.
        with pytest.raises(RuntimeError, match=r"over mu \d+ to \d+, perhaps for lack"):
            lrnr.sweep(fast, MU, X, solver=solver, client=client, chunk_size=4)
    finally:
        client.cluster.scheduler.allowed_failures = 3
