"""Command line: what a saved model is, and its solutions for new mu.

python -m deepxde_lrnr info FILE
python -m deepxde_lrnr predict FILE --mu beta=2.3,nu=0.4 --grid 256x101 --out u.npz
python -m deepxde_lrnr solve FILE --mu beta=2.3,nu=0.4 --grid 256x101 --out u.npz
    --problem problem.py:data
python -m deepxde_lrnr sweep FILE --mus mus.csv --grid 256x101 --out results.npz
    --problem problem.py:data

The parameters may be written apart as well: --mu beta=2.3 nu=0.4.

predict interpolates over the box in the reduced basis, if the file has one that reaches
its tolerance, without TensorFlow, which takes seconds to import; else it evaluates the
network at the hypernetwork's coefficients. solve and sweep run the fast phase if
--problem names the ParametricPDE, in a module or in a file of Python code, which is
then executed as a whole, so that a problem belongs in a file of its own; without it
they predict as well, and say so.

The output is an .npz file: u on the grid (for sweep with an axis of mu before), axis_0,
axis_1, ... of the grid, mu, parameters (the names of its columns), status, and, if
solved, residual, initial_residual, estimated_error, steps and method. The status is
"reduced basis, interpolated" or "hypernetwork" where nothing was solved. A sweep goes
in chunks of bounded memory, also into a .zarr folder.

Exit code: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import importlib.util
import io
import math
import os
import re
import sys
import tokenize
import warnings
from typing import TYPE_CHECKING
from unicodedata import normalize

import numpy as np

from ._atomic import write_atomically
from ._names import may_define
from ._predictions import Predictions, set_float
from ._stores import SUFFIXES
from .info import describe
from .io import container
from .io.kinds import FAST_MODEL, MODEL
from .parameter_space import OutsideParameterSpaceWarning, ParameterSpace

# DeepXDE and TensorFlow, which take seconds to import, are left to the functions that
# compute: help, information on a file and mistakes in arguments come at once.
if TYPE_CHECKING:
    from .data import ParametricPDE

# A parameter and its value, on the command line.
_ASSIGNMENT = re.compile(r"\s*[^\W\d]\w*\s*=")


class UsageError(Exception):
    """An argument is not as it must be."""


def main(arguments=None) -> int:
    """Runs a command.

    Args:
        arguments: List of strings, by default those of the process.

    Returns:
        The exit code.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(_one_mu(arguments))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            options.run(options)
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it, `head`, has seen enough. Python flushes once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except UsageError as error:
        _say("error", error)
        return 2
    except (MemoryError, OSError, RuntimeError, TypeError, ValueError) as error:
        _say("error", error)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    title, _, description = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        "python -m deepxde_lrnr",
        description=title,
        epilog=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name, run, what):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("file", metavar="FILE", help="saved model")
        command.set_defaults(run=run)
        return command

    add("info", _info, "say what a file holds")
    for name, run, what in (
        ("predict", _predict, "predict for one mu, without solving"),
        ("solve", _solve, "solve for one mu"),
        ("sweep", _sweep, "solve for every mu of a table"),
    ):
        command = add(name, run, what)
        if name == "sweep":
            command.add_argument(
                "--mus", required=True, help="CSV file, its header the parameters"
            )
        else:
            command.add_argument(
                "--mu", required=True, help="the parameters: beta=2.3,nu=0.4 or apart"
            )
        command.add_argument(
            "--grid", required=True, help="points along each coordinate, e.g. 256x101"
        )
        what = ".npz file to write" + " (or .zarr folder)" * (name == "sweep")
        command.add_argument("--out", required=True, help=what)
        if name != "predict":
            command.add_argument(
                "--problem",
                metavar="MODULE:NAME",
                help="ParametricPDE, or function that returns it, in a module or in a "
                "file of Python code, which is executed",
            )
            command.add_argument(
                "--tolerance",
                type=_tolerance,
                metavar="NUMBER",
                help="relative L2 error of u to be reached, e.g. 1e-6 (an estimate); "
                "needs --problem",
            )
    return parser


def _tolerance(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number > 0")
    return number


def _one_mu(arguments) -> list[str]:
    """With a mu that was written apart, ``--mu a=1 m=2``, in one argument.

    Argparse itself would take for a parameter also the FILE that may come after it.
    """
    result, after_mu = [], False
    for argument in arguments:
        more = _ASSIGNMENT.match(argument) and not os.path.exists(argument)
        if after_mu and more:
            result[-1] = f"{result[-1].rstrip().rstrip(',')},{argument}"
            continue
        # What comes right after --mu is its value, whatever it looks like.
        after_mu = argument.startswith("--mu=") or bool(result) and result[-1] == "--mu"
        result.append(argument)
    return result


def _info(options) -> None:
    print(describe(container.read_any(options.file)))


def _predict(options) -> None:
    options.problem = options.tolerance = None
    _evaluate_one(options, options.mu)


def _solve(options) -> None:
    _evaluate_one(options, options.mu)


def _sweep(options) -> None:
    _evaluate_many(options)


class _Model:
    """A file with a model, and what a command asks of it: all but computations."""

    def __init__(self, options, read_mu):
        self.path, self.out = options.file, options.out
        suffix = os.path.splitext(self.out)[1]
        folder = os.path.dirname(os.path.realpath(self.out))
        if not os.path.isdir(folder):
            raise UsageError(f"--out is {self.out}, but there is no folder {folder}.")
        if options.problem is not None:
            check_problem(options.problem)
        elif options.tolerance is not None:
            raise UsageError(
                "--tolerance is for solving, which needs the problem: --problem."
            )
        content = container.read_any(self.path)
        if content.kind not in (MODEL, FAST_MODEL):
            raise ValueError(
                f"{self.path} holds a {content.kind}, not a model; this command needs "
                "a file that Model.save or FastModel.save wrote."
            )
        self.kind = content.kind
        self.content = content
        try:
            self.dtype = str(content.header["dtype"])
            self.space = ParameterSpace.from_dict(content.header["parameter_space"])
            sides = content.arrays["problem/low"], content.arrays["problem/high"]
        except (KeyError, TypeError, ValueError) as error:
            raise container.FileFormatError(
                f"{self.path} is not well-formed: {error!r}."
            ) from error
        self.mu = read_mu(self.space)
        self.axes = _parse_grid(options.grid, *sides)
        if self.mu.ndim == 1 and suffix == ".zarr":
            raise UsageError(f"--out is {self.out}; one solution goes to an .npz file.")
        if self.mu.ndim == 2 and suffix not in SUFFIXES:
            raise UsageError(
                f"--out is {self.out}; it must end with {' or '.join(SUFFIXES)}."
            )
        self.points = np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1).reshape(
            -1, len(self.axes)
        )
        self.problem, self.tolerance = options.problem, options.tolerance

    def with_problem(self):
        """The ``FastModel`` with the problem."""
        if self.kind != FAST_MODEL:
            raise ValueError(
                f"{self.path} holds a {self.kind}, which is not reduced; the fast "
                "phase needs a file that FastModel.save wrote."
            )
        from .loading import load_fast

        set_float(self.dtype)
        return load_fast(self.path, import_problem(self.problem))

    def predictions(self) -> Predictions:
        """What there is without the problem."""
        return Predictions(
            self.path, self.content, self.points, lambda text: _say("note", text)
        )


def _evaluate_one(options, mu_text: str) -> None:
    """Evaluates or solves for one mu, and writes the result."""
    given = _Model(options, lambda space: _parse_mu(mu_text, space))
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
    given = _Model(options, lambda space: read_table(options.mus, space))
    from ._stores import GridOutput, open_store, size_of_chunks

    output = GridOutput(given.out, given.axes, given.mu)
    if given.problem is not None:
        model = given.with_problem()
        from .sweeps import sweep

        how = {"out": output, "tolerance": given.tolerance}
        result = sweep(model, given.mu, given.points, **how)
        _say_done(given.out, result.values.shape, result.status)
        return
    found = given.predictions()
    number, size = len(given.mu), size_of_chunks(len(given.points))
    given.space.check(given.mu, "--mus")
    with warnings.catch_warnings(), open_store(output, number, size) as store:
        # There was one for all mu.
        warnings.simplefilter("ignore", OutsideParameterSpaceWarning)
        for start in range(0, number, size):
            rows = slice(start, start + size)
            values = found.predict(given.mu[rows])
            status = np.full(len(values), found.status, object)
            store.write(rows, {"values": values, "status": status})
        arrays = store.finish({"names": np.array(given.space.names)})
    _say_done(given.out, arrays["values"].shape, arrays["status"])


def _say_done(out: str, shape, status) -> None:
    counts = np.unique(np.asarray(status, str), return_counts=True)
    text = ", ".join(f"{s}: {n}" for s, n in zip(*counts, strict=True))
    print(f"{out}: u of shape {tuple(shape)}; status: {text}")


def _parse_mu(text: str, space: ParameterSpace) -> np.ndarray:
    """Array of shape (p,) from "name=value,..."."""
    values = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        try:
            number = float(value)
        except ValueError:
            raise UsageError(
                f"--mu has {part.strip()!r}; it must be e.g. {_example(space)}."
            ) from None
        if name in values:
            raise UsageError(f"--mu has {name} twice.")
        values[name] = number
    try:
        return space.as_array(values, "--mu")[0]
    except ValueError as error:
        raise UsageError(str(error)) from None


def _example(space: ParameterSpace) -> str:
    middle = zip(space.names, space.low / 2 + space.high / 2, strict=True)
    return ",".join(f"{name}={value:g}" for name, value in middle)


def read_table(path: str, space: ParameterSpace) -> np.ndarray:
    """Array of shape (n, p) from a CSV file, whose columns may be in any order.

    Raises:
        OSError: If it cannot be read.
        ValueError: If its header is not that of the parameters, or a value is no finite
            number; the message names the line.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, skipinitialspace=True)
        # As a ParameterSpace has its names.
        header = [normalize("NFKC", name.strip()) for name in next(lines, [])]
        if sorted(header) != sorted(space.names):
            raise ValueError(
                f"{path} has the columns {', '.join(header) or 'none'}; its first line "
                f"must name the parameters: {', '.join(space.names)}."
            )
        rows = []
        for line in lines:
            if not line:
                continue
            where = f"{path}, line {lines.line_num}"
            if len(line) != len(header):
                raise ValueError(f"{where} has {len(line)} values, not {len(header)}.")
            pairs = zip(header, line, strict=True)
            rows.append([_number(value, f"{where}, {name}") for name, value in pairs])
    if not rows:
        raise ValueError(f"{path} has no mu below its header.")
    columns = dict(zip(header, np.array(rows).T, strict=True))
    return space.as_array(columns, path)


def _number(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where} is {text!r}; it must be a finite number.")
    return number


def _parse_grid(text: str, low, high) -> list[np.ndarray]:
    """Equispaced coordinates along each side of the bounding box."""
    counts = text.lower().split("x")
    if not all(count.isascii() and count.isdigit() for count in counts):
        raise UsageError(f"--grid is {text!r}; it must be e.g. 256x101.")
    if len(counts) != len(low) or min(map(int, counts)) < 2:
        raise UsageError(
            f"--grid is {text!r}; it must have {len(low)} numbers of points, at least "
            "2 each, time last."
        )
    return [
        np.linspace(*side) for side in zip(low, high, map(int, counts), strict=True)
    ]


def check_problem(text: str) -> tuple[str, str, bool]:
    """Looks whether a problem can be there, without running any code.

    Returns:
        The module or file, the name in it, and whether it is a file.

    Raises:
        UsageError: If ``text`` is not as for ``import_problem``, there is no such
            file, or it has no such name.
    """
    where, colon, name = text.rpartition(":")
    if not colon or not where or not name.isidentifier():
        raise UsageError(
            f"--problem is {text!r}; it must be module:name or file.py:name."
        )
    is_file = where.endswith(".py")
    if is_file:
        if not os.path.isfile(where):
            raise UsageError(f"--problem is {text!r}, but there is no file {where}.")
        try:
            with tokenize.open(where) as file:
                there = may_define(file.read(), name)
        # What is no Python code, running it shows best.
        except (RecursionError, SyntaxError, ValueError):
            there = True
        if not there:
            raise UsageError(
                f"--problem is {text!r}, but {where} has no {name} (it was not run)."
            )
    return where, name, is_file


def import_problem(text: str) -> ParametricPDE:
    """Imports the problem, which executes the code of its module.

    Args:
        text: "module:name" or "file.py:name" of a ``ParametricPDE`` or of a function
            without arguments that returns one.

    Raises:
        UsageError: If ``text`` is not of this form, or there is no such thing.
        ValueError: If its code raises an error.
    """
    where, name, is_file = check_problem(text)
    from .data import ParametricPDE

    # As for a script, what is beside it can be imported.
    sys.path.insert(0, os.path.dirname(os.path.realpath(where)) if is_file else "")
    try:
        if is_file:
            spec = importlib.util.spec_from_file_location("_problem", where)
            module = importlib.util.module_from_spec(spec)
            # Autograph finds the source of a function by its module.
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(where)
        if not hasattr(module, name):
            raise UsageError(f"--problem is {text!r}, but {where} has no {name}.")
        problem = getattr(module, name)
        if callable(problem) and not isinstance(problem, ParametricPDE):
            problem = problem()
    except UsageError:
        raise
    # Errors of the user's code, of any type.
    except Exception as error:
        kind = type(error).__name__
        raise ValueError(f"--problem {text}: {kind}: {error}") from error
    if not isinstance(problem, ParametricPDE):
        raise UsageError(
            f"--problem {text} is a {type(problem).__name__}; it must be a "
            "ParametricPDE, or a function that returns one."
        )
    return problem


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    _say("warning", message)


def _say(kind: str, message) -> None:
    """One line to stderr."""
    print(f"{kind}: {' '.join(str(message).split())}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
