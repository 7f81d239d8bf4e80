"""The commands: information, predictions and solutions."""

from __future__ import annotations

import io
import os
import sys
import warnings

import numpy as np

from .._atomic import write_atomically
from ..io import container
from ..parameters import OutsideParameterSpaceWarning
from ..sweeps.stores import GridOutput, chunks_left, open_store, size_of_chunks
from .arguments import make_parser, one_mu
from .given_model import GivenModel
from .info import describe
from .messages import UsageError, say, show_warning
from .values import parse_mu, read_table

# DeepXDE and TensorFlow, which take seconds to import, are left to the functions that
# compute: help, information on a file and mistakes in arguments come at once.


def main(arguments=None) -> int:
    """Runs a command.

    Args:
        arguments: List of strings, by default those of the process.

    Returns:
        The exit code.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = make_parser(_RUNS).parse_args(one_mu(arguments))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = show_warning
            options.run(options)
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it, `head`, has seen enough. Python flushes once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except UsageError as error:
        say("error", error)
        return 2
    except (MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        say("error", error)
        return 1
    return 0


def _info(options) -> None:
    print(describe(container.read_any(options.file)))


def _predict(options) -> None:
    options.problem = options.tolerance = None
    _evaluate_one(options)


def _evaluate_one(options) -> None:
    """Evaluates or solves for one mu, and writes the result."""
    given = GivenModel(options, lambda space: parse_mu(options.mu, space))
    if given.problem is None:
        found = given.predictions()
        u = found.predict(given.mu)
        more = {"status": np.array(found.status)}
    else:
        model = given.with_problem()
        solution = model.solve(given.mu, tolerance=given.tolerance)
        u = solution.predict(given.points)
        more = {
            "status": np.asarray(solution.status, str),
            "residual": solution.residual,
            "initial_residual": solution.initial_residual,
            "estimated_error": solution.estimated_error,
            "steps": solution.steps,
            "method": np.asarray(solution.method, str),
        }
    result = {
        "u": u.reshape(*map(len, given.axes), u.shape[-1]),
        **{f"axis_{i}": axis for i, axis in enumerate(given.axes)},
        "mu": given.mu,
        "parameters": np.array(given.space.names),
        **more,
    }
    buffer = io.BytesIO()
    # Nothing here is an object, which would be pickled. (To say allow_pickle=False
    # writes an array of this name before NumPy 2.)
    np.savez(buffer, **result)
    write_atomically(given.out, buffer.getvalue())
    _say_done(given.out, result["u"].shape, more["status"])


def _evaluate_many(options) -> None:
    """The same for every mu of a table, in chunks that are written as they come."""
    given = GivenModel(options, lambda space: read_table(options.mus, space))
    output = GridOutput(given.out, given.axes, given.mu)
    if given.problem is not None:
        model = given.with_problem()
        from ..sweeps.sweep import sweep

        options = {"out": output, "tolerance": given.tolerance}
        result = sweep(model, given.mu, given.points, **options)
        _say_done(given.out, result.values.shape, result.status)
        return
    found = given.predictions()
    size = size_of_chunks(len(given.points))
    given.space.check(given.mu, "--mus")
    call = {"mus": given.mu, "x": given.points, "solver": "none"}

    def chunk(rows):
        values = found.predict(given.mu[rows])
        status = np.full(len(values), found.status, object)
        return {"values": values, "status": status}

    with warnings.catch_warnings(), open_store(output, call, size) as store:
        # There was one for all mu.
        warnings.simplefilter("ignore", OutsideParameterSpaceWarning)
        for rows in chunks_left(store, size, chunk):
            store.write(rows, chunk(rows))
        arrays = store.finish({"names": np.array(given.space.names)})
    _say_done(given.out, arrays["values"].shape, arrays["status"])


def _say_done(out: str, shape, status) -> None:
    counts = np.unique(np.asarray(status, str), return_counts=True)
    text = ", ".join(f"{s}: {n}" for s, n in zip(*counts, strict=True))
    print(f"{out}: u of shape {tuple(shape)}; status: {text}")


_RUNS = {
    "info": _info,
    "predict": _predict,
    "solve": _evaluate_one,
    "sweep": _evaluate_many,
}
