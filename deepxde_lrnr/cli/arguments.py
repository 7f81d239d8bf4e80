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
trained network. solve and sweep run the fast phase if --problem names the
ParametricPDE, in a module or in a file of Python code, which is then executed as a
whole, so that a problem belongs in a file of its own; without it they predict as well,
and say so.

The output is an .npz file: u on the grid (for sweep with an axis of mu before), axis_0,
axis_1, ... of the grid, mu, parameters (the names of its columns), status, and, if
solved, residual, initial_residual, estimated_error, steps and method. The status is
"reduced basis, interpolated" or "trained network" where nothing was solved. A sweep
goes in chunks of bounded memory, also into a .zarr folder.

Exit code: 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import math
import os
import re

# A parameter and its value, on the command line.
_ASSIGNMENT = re.compile(r"\s*[^\W\d]\w*\s*=")


def make_parser(runs: dict) -> argparse.ArgumentParser:
    """The parser of all commands.

    Args:
        runs: Function that runs a command with its options, by the command's name.
    """
    title, _, description = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        "python -m deepxde_lrnr",
        description=title,
        epilog=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name, what):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("file", metavar="FILE", help="saved model")
        command.set_defaults(run=runs[name])
        return command

    add("info", "say what a file holds")
    for name, what in (
        ("predict", "predict for one mu, without solving"),
        ("solve", "solve for one mu"),
        ("sweep", "solve for every mu of a table"),
    ):
        command = add(name, what)
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


def one_mu(arguments) -> list[str]:
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
