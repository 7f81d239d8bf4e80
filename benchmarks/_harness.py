"""What the benchmarks share: arguments, timing, tables, and the files of results.

A benchmark is a module with

- ``compute(quick) -> dict``: the results, numbers and lists that JSON knows;
- ``describe(results) -> str``: what they say, in Markdown, below the title;
- ``draw(results) -> Figure`` (optional): a picture of them;
- ``summary(results) -> dict`` (optional): results that follow from others, of groups
  measured before as well;
- ``GROUPS`` (optional): functions ``quick -> dict``, of which ``compute(quick, names)``
  takes those of the given names, or all;

and ends with ``run(sys.modules[__name__])``. The first line of its docstring is its
title, the rest says what is measured.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import deepxde as dde
import numpy as np
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled


def run(benchmark) -> None:
    """Runs a benchmark from the command line.

    ``--json FILE`` writes the results to FILE and the picture beside it; ``--quick``
    takes sizes so small that only the code is tested, not the claim. ``--only GROUP``
    measures this one of the benchmark's ``GROUPS``, and keeps the rest of FILE.
    """
    title, _, description = benchmark.__doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=title,
        epilog=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, for a test")
    groups = [group.__name__ for group in getattr(benchmark, "GROUPS", ())]
    if groups:
        parser.add_argument("--only", nargs="+", choices=groups, help="measure these")
    arguments = parser.parse_args()
    if arguments.quick:
        # Nothing is measured, and XLA would compile for longer than anything runs.
        Compiled.uses_xla = False
    path = None if arguments.json is None else Path(arguments.json)
    start = time.perf_counter()
    if groups and arguments.only:
        results = benchmark.compute(arguments.quick, arguments.only)
        if path is not None and path.exists():
            results = json.loads(path.read_text()) | results
    else:
        results = benchmark.compute(arguments.quick)
    results["seconds"] = time.perf_counter() - start
    if groups:
        results["seconds"] = sum(results.get(f"{g}_seconds", 0) for g in groups)
    results |= getattr(benchmark, "summary", lambda _: {})(results)
    results["environment"] = environment()
    print(benchmark.describe(results))
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")
    if hasattr(benchmark, "draw"):
        figure = benchmark.draw(results)
        figure.savefig(path.with_suffix(".png"), dpi=110, bbox_inches="tight")


def results_of(groups, quick: bool, names=None) -> dict:
    """What ``compute`` returns of ``GROUPS``, and the seconds of each group.

    Args:
        groups: Functions of ``quick`` to results.
        quick: Whether sizes are small.
        names: Of the groups that are measured, by default all.
    """
    results = {}
    for group in groups:
        if names is None or group.__name__ in names:
            start = time.perf_counter()
            results |= group(quick)
            results[f"{group.__name__}_seconds"] = time.perf_counter() - start
    return results


def table(columns: list[str], rows) -> str:
    """A Markdown table; numbers are written with three significant digits.

    Args:
        columns: Names of the columns.
        rows: Lists of as many strings or numbers.
    """
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1)]
    lines += [[_cell(value) for value in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _cell(value) -> str:
    if isinstance(value, bool) or not isinstance(value, (float, np.floating)):
        return str(value)
    if not np.isfinite(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")


def percent(value: float) -> str:
    """A relative error as a percentage with three significant digits."""
    return f"{100 * value:#.3g}".rstrip(".") + " %" if np.isfinite(value) else "-"


def milliseconds(functions, repeats: int, warm_up: int = 2) -> list[float]:
    """Median time of each function, taken in turns.

    Turns (A B A B ...) rather than blocks (A A B B ...), so that a machine which is
    slow for a while is slow for all of them.

    Args:
        functions: Functions without arguments that return when their work is done.
        repeats: Number of turns that count.
        warm_up: Number of turns before them, for compilation.

    Returns:
        Milliseconds of one call, for each function.
    """
    times = np.empty((warm_up + repeats, len(functions)))
    for turn in times:
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            turn[i] = time.perf_counter() - start
    return (1e3 * np.median(times[warm_up:], axis=0)).tolist()


def environment() -> dict:
    """Versions and cores, without which a time means little."""
    return {
        "python": platform.python_version(),
        "deepxde": dde.__version__,
        "tensorflow": tf.__version__,
        "machine": platform.machine(),
        # Those this process may use, where the system tells them.
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
