"""Sweeps: the fast phase for very many mu, on one machine or over a Dask cluster."""

from __future__ import annotations

__all__ = ["Sweep", "sweep"]

import dataclasses
import os

import numpy as np

from .._checks import as_function, as_integer, as_path, as_points, as_verbose
from .._forks import check_fork
from .._progress import progress_bar
from ..fast_model import FastModel
from ..solvers import check_solver_and_tolerance
from .chunks import ChunkSolver
from .result import Sweep
from .stores import GridOutput, chunks_left, open_store, size_of_chunks


def sweep(
    fast: FastModel,
    mus,
    x=None,
    operator=None,
    solver=None,
    client=None,
    chunk_size: int | None = None,
    out: str | os.PathLike | None = None,
    verbose: int = 1,
    tolerance: float | None = None,
) -> Sweep:
    """Solves for very many mu, in chunks of bounded memory.

    With a ``client`` chunks are solved by the workers of a Dask cluster. The model
    travels once to each worker, which builds and compiles it there. If a worker dies,
    Dask gives its chunks to another one; if the workers die over one chunk again and
    again, the sweep fails. A result is written into its rows when it arrives, so that
    none is lost, or there twice. Give workers one thread each
    (``LocalCluster(threads_per_worker=1)``) and take as many workers as there are
    cores: TensorFlow in a worker uses as many threads as the worker has.

    Args:
        fast: ``FastModel``.
        mus: Several mu, a dictionary of arrays or an array of shape (n, p). Outside
            the box there is one warning.
        x: ``None``, or points at which the solutions are evaluated, array of shape
            (N, d).
        operator: ``None``, or a function as in ``Solution.predict`` that returns one
            Tensor, whose values are taken instead of those of u.
        solver: As for ``FastModel.solve``: by default the reduced basis if there is
            one, with the trial space where its error is too large. What is found out
            about the problem here is used by all workers.
        client: ``None``, or a ``dask.distributed.Client`` (of the extra
            ``deepxde-lrnr[distributed]``). The functions of the problem, those of
            ``operator`` and of transforms travel by cloudpickle.
        chunk_size: Number of mu in a chunk. By default 256, or fewer so that a chunk
            has at most 8 million values (for one component).
        out: ``None``, or a path ending with ".zarr" (of the extra) or ".npz", to which
            chunks are written as they arrive. It must not exist yet, and it comes into
            being when the sweep is complete. Until then they are in a folder with
            ".partial" behind the name. If the sweep ends before, killed for example,
            the same call goes on with them: one of their mu is solved again, to see
            that they are of this model and operator. Besides the arrays of ``Sweep`` it
            has ``names``, those of the parameters.
        verbose: 0 draws no bar of progress, which has the largest residual so far;
            there is none without a terminal either.
        tolerance: As for ``FastModel.solve``.

    Returns:
        ``Sweep``.

    Raises:
        TypeError: If ``fast``, ``solver``, ``client`` or ``out`` is of another type,
            or ``mus`` or ``x`` is not made of real numbers.
        ValueError: If an argument is not as above.
        FileExistsError: If there is something at ``out``, or results of another sweep
            that did not end, or a sweep is writing there.
        ImportError: If an extra is missing.
        RuntimeError: If workers died over one chunk again and again; or in a process
            forked from one in which TensorFlow was used.

    Warns:
        OutsideGeometryWarning: If a point is not in the geometry, or its time not in
            the time domain.
        OutsideParameterSpaceWarning: If a mu is not in the box.
    """
    if not isinstance(fast, FastModel):
        raise TypeError(
            f"fast is a {type(fast).__name__}; it must be a FastModel, as Model.reduce "
            "returns it."
        )
    check_fork("sweep()")
    solving = solver, tolerance
    check_solver_and_tolerance(*solving)
    verbose = as_verbose(verbose)
    if operator is not None:
        as_function("operator", operator, (2, 3), "(x, u) or (x, u, mu)")
    if out is not None and not isinstance(out, GridOutput):
        out = as_path("out", out)
    space = fast.parameter_space
    mu = space.check(mus, "mus", stacklevel=3)
    if x is not None:
        x = as_points("x", x, fast.dim, float)
        fast.warn_outside(x, mu, stacklevel=2)
    elif operator is not None:
        raise ValueError("operator needs points x at which it is evaluated.")
    if chunk_size is None:
        chunk_size = size_of_chunks(1 if x is None else len(x))
    chunk_size = as_integer("chunk_size", chunk_size)
    if client is not None:
        try:
            from .workers import solve_on_workers  # needs an extra
        except ImportError as error:
            raise ImportError(
                "A sweep over workers needs dask.distributed: "
                'pip install "deepxde-lrnr[distributed]".'
            ) from error
    solve = ChunkSolver(fast, solving, x, operator)
    call = {"mus": mu, "x": [] if x is None else x, "solver": _text_of(solver)}
    call["tolerance"] = str(tolerance)
    extra = {"names": np.array(space.names)}
    if x is not None:
        extra["x"] = x
    bar = progress_bar("Sweep", verbose, total=len(mu), unit="mu")
    largest = 0.0
    with bar, open_store(out, call, chunk_size) as store:
        chunks = chunks_left(store, chunk_size, lambda rows: solve(mu[rows]))
        bar.update(len(mu) - sum(len(mu[rows]) for rows in chunks))
        if client is None:
            results = ((rows, solve(mu[rows])) for rows in chunks)
        else:
            results = solve_on_workers(client, fast, mu, chunks, x, operator, solving)
        for rows, arrays in results:
            store.write(rows, arrays)
            # Passes over what is NaN.
            largest = np.fmax(largest, np.fmax.reduce(arrays["residual"]))
            bar.set_postfix_str(f"largest residual {largest:.2e}", refresh=False)
            bar.update(len(mu[rows]))
        arrays = store.finish(extra)
    arrays = {"x": None, "values": None, **arrays}
    del arrays["names"]
    return Sweep(**arrays, parameter_space=space)


def _text_of(solver) -> str:
    """A solver as text that is the same in every process."""
    if dataclasses.is_dataclass(solver) or solver is None:
        return repr(solver)
    return f"{type(solver).__module__}.{type(solver).__qualname__}"
