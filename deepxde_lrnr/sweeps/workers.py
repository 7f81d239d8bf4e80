"""A sweep over the workers of a Dask cluster.

A plugin brings the model, as bytes, once to each worker, also to those that come later
or in the place of one that died. The first chunk that a worker gets builds and compiles
the model there; further sweeps with the same model find it built.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
import uuid
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import cloudpickle
import deepxde as dde
import numpy as np
import tensorflow as tf
from dask.distributed import Client, WorkerPlugin, as_completed, get_worker
from distributed.scheduler import KilledWorker

from .._cores import at_most
from ..loading import load_fast
from .chunks import ChunkSolver

# Tells the process of the client from those of workers.
_PROCESS = uuid.uuid4().hex
# Chunks given to each worker at once: one to solve and one to go on with.
_AHEAD = 2


@dataclass
class _Built:
    """The model that this process built last."""

    key: str | None = None
    fast: object = None
    lock: object = field(default_factory=threading.Lock)


_built = _Built()


class _Shipment(WorkerPlugin):
    """What a worker needs for a sweep.

    Args:
        model: Bytes of the model and the problem, see ``_pack``.
        task: Solver, points and operator, by cloudpickle.
    """

    def __init__(self, model: bytes, task: bytes):
        self.model = model
        self.key = hashlib.sha256(model).hexdigest()
        self.name = f"deepxde-lrnr-sweep-{uuid.uuid4().hex}"
        self.task = task
        self.process = _PROCESS
        self.real = dde.config.default_float()
        self.autodiff = dde.config.autodiff
        self._solve = None

    def setup(self, worker):
        # Worker threads of a client's own process use the TensorFlow that is there.
        if self.process != _PROCESS:
            _limit_threads(worker.state.nthreads)

    def solve(self, mu) -> dict[str, np.ndarray]:
        with _built.lock:
            if dde.config.default_float() != self.real:
                dde.config.set_default_float(self.real)
            if dde.config.autodiff != self.autodiff:
                dde.config.set_default_autodiff(self.autodiff)
            if self._solve is None:
                if _built.key != self.key:
                    _built.key, _built.fast = None, None
                    _built.fast = _unpack(self.model)
                    _built.key = self.key
                self._solve = ChunkSolver(_built.fast, *cloudpickle.loads(self.task))
            # The other cores are for the other workers.
            with at_most(get_worker().state.nthreads):
                return self._solve(mu)


def solve_on_workers(client, fast, mu, chunks, x, operator, solving):
    """Solves chunks of mu on the workers.

    Args:
        client: ``dask.distributed.Client``.
        fast: ``FastModel``.
        mu: Array of shape (n, p).
        chunks: List of slices of its rows.
        x: As in ``sweep``.
        operator: As in ``sweep``.
        solving: Solver object and tolerance, as for ``FastModel.solve``.

    Yields:
        A slice and its arrays, in the order in which they are done.

    Raises:
        TypeError: If ``client`` is of another type.
        ValueError: If ``client`` is asynchronous.
        RuntimeError: If workers died over one chunk again and again.
    """
    if not isinstance(client, Client):
        raise TypeError(
            f"client is a {type(client).__name__}; it must be a "
            "dask.distributed.Client."
        )
    if client.asynchronous:
        raise ValueError("client is asynchronous; a sweep needs one that waits.")
    # What is chosen automatically is chosen here, and travels with the model.
    fast.solve(mu[0], *solving)
    shipment = _Shipment(_pack(fast), cloudpickle.dumps((solving, x, operator)))
    client.register_plugin(shipment)
    queue, rows = iter(chunks), {}
    done, threads = as_completed(loop=client.loop), _Threads(client)

    def submit() -> None:
        """Chunks until each thread has enough of them."""
        while len(rows) < _AHEAD * threads.count():
            chunk = next(queue, None)
            if chunk is None:
                return
            key = f"{shipment.name}-{chunk.start}"
            future = client.submit(
                _solve, shipment.name, mu[chunk], key=key, pure=False
            )
            rows[future] = chunk
            done.add(future)

    try:
        submit()
        for future in done:
            chunk = rows[future]
            try:
                arrays = future.result()
            except KilledWorker as error:
                raise RuntimeError(
                    f"Workers died again and again over mu {chunk.start} to "
                    f"{min(chunk.stop, len(mu)) - 1}, perhaps for lack of memory: a "
                    f"chunk_size below {chunk.stop - chunk.start} needs less."
                ) from error
            # The worker may forget it.
            del rows[future]
            future.release()
            submit()
            yield chunk, arrays
    finally:
        client.cancel(list(rows))
        client.unregister_worker_plugin(shipment.name)


class _Threads:
    """Number of threads of all workers, of which more may come; asked now and then."""

    def __init__(self, client, seconds: float = 2.0):
        self.client = client
        self.seconds = seconds
        self._asked, self._count = -np.inf, 1

    def count(self) -> int:
        now = time.monotonic()
        if now - self._asked > self.seconds:
            self._asked = now
            self._count = max(1, sum(self.client.nthreads().values()))
        return self._count


def _solve(name: str, mu):
    """The task of a worker."""
    return get_worker().plugins[name].solve(mu)


def _limit_threads(count: int) -> None:
    """TensorFlow uses so many threads, if it has not started yet."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    except RuntimeError:
        # A sweep before this one did it.
        pass


def _pack(fast) -> bytes:
    """The model and its problem as bytes.

    The model goes as the file that ``FastModel.save`` writes, the functions of the
    user's, with the problem, by cloudpickle.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Functions that a file cannot hold go by cloudpickle.
        warnings.simplefilter("ignore", UserWarning)
        path = Path(fast.save(Path(folder) / "fast.npz"))
        file = path.read_bytes()
    full = fast.full
    functions = {
        "feature_transform": full.feature_transform,
        "output_transform": full.output_transform,
        "activation": [*full.stack.activations, None],
    }
    return cloudpickle.dumps((file, fast.residual.data, functions))


def _unpack(packed: bytes):
    """``FastModel`` from bytes of ``_pack``, in another process."""
    file, data, functions = cloudpickle.loads(packed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fast.npz"
        path.write_bytes(file)
        return load_fast(path, data, **functions)
