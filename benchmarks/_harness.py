"""What the benchmarks share: arguments, timing, and the file of results."""

import argparse
import json
import os
import platform
import time

import deepxde as dde
import numpy as np
import tensorflow as tf


def parse_arguments(description: str) -> argparse.Namespace:
    """Arguments of every benchmark.

    Args:
        description: First line of the help.

    Returns:
        Namespace with ``json``, a path or ``None``.
    """
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE")
    return parser.parse_args()


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


def report(results: dict, path: str | None) -> None:
    """Prints the results; writes them, with the machine they are from, to ``path``."""
    for key, value in results.items():
        print(f"{key}: {value:.4g}" if isinstance(value, float) else f"{key}: {value}")
    if path is not None:
        with open(path, "w") as file:
            json.dump({**results, "environment": environment()}, file, indent=2)
            file.write("\n")


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
