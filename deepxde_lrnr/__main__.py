"""Command line: what a saved model is, and its solutions for new mu.

python -m deepxde_lrnr info FILE
python -m deepxde_lrnr predict FILE --mu beta=2.3,nu=0.4 --grid 256x101 --out u.npz
python -m deepxde_lrnr solve FILE --mu beta=2.3,nu=0.4 --grid 256x101 --out u.npz
    --problem problem.py:data
python -m deepxde_lrnr sweep FILE --mus mus.csv --grid 256x101 --out results.npz
    --problem problem.py:data

predict evaluates the network at the hypernetwork's coefficients. solve and sweep run
the fast phase if --problem names the ParametricPDE, in a module or in a file of Python
code, which is then executed; without it they predict as well, and say so.

The output is an .npz file: u on the grid (for sweep with an axis of mu before), axis_0,
axis_1, ... of the grid, mu, parameters (the names of its columns), status, and, if
solved, residual and initial_residual. The status is "hypernetwork" where nothing was
solved.

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
import sys
import warnings
from typing import TYPE_CHECKING

import numpy as np

from ._atomic import write_atomically
from .info import describe
from .io import container
from .io.kinds import FAST_MODEL
from .parameter_space import ParameterSpace

# DeepXDE and TensorFlow, which take seconds to import, are left to the functions that
# compute: help, information on a file and mistakes in arguments come at once.
if TYPE_CHECKING:
    from .data import ParametricPDE

NOT_SOLVED = "hypernetwork"


class UsageError(Exception):
    """An argument is not as it must be."""


def main(arguments=None) -> int:
    """Runs a command.

    Args:
        arguments: List of strings, by default those of the process.

    Returns:
        The exit code.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _show_warning
            options.run(options)
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
        ("predict", _predict, "evaluate at the hypernetwork's coefficients"),
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
                "--mu", required=True, help="the parameters, e.g. beta=2.3,nu=0.4"
            )
        command.add_argument(
            "--grid", required=True, help="points along each coordinate, e.g. 256x101"
        )
        command.add_argument("--out", required=True, help="file to write, .npz")
        if name != "predict":
            command.add_argument(
                "--problem",
                metavar="MODULE:NAME",
                help="ParametricPDE, or function that returns it, in a module or in a "
                "file of Python code, which is executed",
            )
    return parser


def _info(options) -> None:
    print(describe(container.read_any(options.file)))


def _predict(options) -> None:
    options.problem = None
    _evaluate(options, lambda space: _parse_mu(options.mu, space))


def _solve(options) -> None:
    _evaluate(options, lambda space: _parse_mu(options.mu, space))


def _sweep(options) -> None:
    _evaluate(options, lambda space: read_table(options.mus, space))


def _evaluate(options, read_mu) -> None:
    """Reads mu and the grid, evaluates or solves, and writes the result."""
    folder = os.path.dirname(os.path.realpath(options.out))
    if not os.path.isdir(folder):
        raise UsageError(f"--out is {options.out}, but there is no folder {folder}.")
    content = container.read_any(options.file)
    space = ParameterSpace.from_dict(content.header["parameter_space"])
    mu = read_mu(space)
    arrays = content.arrays
    axes = _parse_grid(options.grid, arrays["problem/low"], arrays["problem/high"])
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    import deepxde as dde

    if dde.config.default_float() != content.header["dtype"]:
        # Before the problem is made.
        dde.config.set_default_float(content.header["dtype"])
    if options.problem is None:
        u, more = _predicted(options.file, content.kind, points, mu)
    else:
        u, more = _solved(options.file, content.kind, options.problem, points, mu)
    result = {
        "u": u.reshape(*u.shape[:-2], *map(len, axes), u.shape[-1]),
        **{f"axis_{i}": axis for i, axis in enumerate(axes)},
        "mu": mu,
        "parameters": np.array(space.names),
        **more,
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **result)
    write_atomically(options.out, buffer.getvalue())
    counts = np.unique(more["status"], return_counts=True)
    status = ", ".join(f"{s}: {n}" for s, n in zip(*counts, strict=True))
    print(f"{options.out}: u of shape {result['u'].shape}; status: {status}")


def _predicted(path, kind, points, mu):
    """The hypernetwork's solutions, and their status."""
    from .loading import load_fast, load_network
    from .prediction import Predictor

    if kind == FAST_MODEL:
        u = load_fast(path).predict(points, mu)
    else:
        net = load_network(path)
        space = net.parameter_space
        checked = space.check(mu)
        single = space.is_single(mu)
        u = Predictor(net)(points, checked, net.coefficients(checked), single)
    _say(
        "note",
        "u is the hypernetwork's prediction; the fast phase solves, with --problem.",
    )
    return u, {"status": np.full(mu.shape[:-1], NOT_SOLVED)}


def _solved(path, kind, problem, points, mu):
    """Solutions of the fast phase, their status and their residuals."""
    from .loading import load_fast

    if kind != FAST_MODEL:
        raise ValueError(
            f"{path} holds a {kind}, which is not reduced; the fast phase needs a file "
            "that FastModel.save wrote."
        )
    solution = load_fast(path, import_problem(problem)).solve(mu)
    return solution.predict(points), {
        "status": np.asarray(solution.status, str),
        "residual": solution.residual,
        "initial_residual": solution.initial_residual,
    }


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
        header = [name.strip() for name in next(lines, [])]
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


def import_problem(text: str) -> ParametricPDE:
    """Imports the problem, which executes the code of its module.

    Args:
        text: "module:name" or "file.py:name" of a ``ParametricPDE`` or of a function
            without arguments that returns one.

    Raises:
        UsageError: If ``text`` is not of this form, or there is no such thing.
        ValueError: If its code raises an error.
    """
    from .data import ParametricPDE

    where, colon, name = text.rpartition(":")
    if not colon or not where or not name.isidentifier():
        raise UsageError(
            f"--problem is {text!r}; it must be module:name or file.py:name."
        )
    is_file = where.endswith(".py")
    if is_file and not os.path.isfile(where):
        raise UsageError(f"--problem is {text!r}, but there is no file {where}.")
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
