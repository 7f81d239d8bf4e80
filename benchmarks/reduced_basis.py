"""Reduced basis: how accurate it is, how fast, and what it takes to build

CDR, trained as in the example; 30 mu in the box and 10 outside of it by 10 %. Errors
are L1 relative errors on 256 x 101 points against the reference solution, which nothing
else has seen. The basis is that of `fast.build_basis(tolerance=1e-4)`: 60 functions,
unless fewer reach the tolerance.

    size, points        basis functions, and points of the PDE at which they are fitted
    after_mean, after_max, outside_mean
                        errors of `fast.solve(mu, solver=BasisLeastSquares())`
    trial_mean, trial_max
                        those of the trial space, for comparison
    solve_ms, trial_ms  time of a solve in the basis, and in the trial space; medians,
                        one mu at a time, in turns
    offline_s           seconds of `build_basis`
    solves_per_second   10,000 mu at once, with values at 1,000 points; median of five
    effectivity         of `solution.error` over the true error in L2: median, smallest
    error_effectivity   the same over CDR and all examples below
    interpolated_mean, interpolated_max, interpolated_outside
                        errors of `lrnr.load_surrogate(file).predict`
    interpolated_estimate
                        the largest of `surrogate.errors`
    command_s           seconds of `python -m deepxde_lrnr predict` on the 256 x 101
                        points: in the basis, and without one, by TensorFlow; medians
    memory              what grows in 100,000 solves, one after the other
    untrained           the keys down to `effectivity` for a network with random weights

Then the examples of the gallery, with their own mu and references: each script runs,
and its mu are solved in a basis instead (`benchmarks/_basis_gallery.py`). `--only
burgers wave` measures these.

    python benchmarks/reduced_basis.py --json benchmarks/results/reduced_basis.json
"""

import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import deepxde_lrnr as lrnr
import numpy as np
from _basis_gallery import (
    IN_BASIS,
    IN_TRIAL_SPACE,
    NAMES,
    built,
    describe_gallery,
    group_of,
)
from _families import POINTS, Family, relative_l1, trained
from _harness import percent, run, table
from _memory import ROWS, memory_of_solves

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NUM_INSIDE, NUM_OUTSIDE, REPEATS = 30, 10, 5
MANY, NUM_VALUES = 10_000, 1_000
MOST, THROUGHPUTS, COMMANDS = 100_000, 5, 3


def compute(quick, names=None):
    warnings.simplefilter("ignore", UserWarning)
    groups = GROUPS[:4] if quick else GROUPS
    return {
        key: value
        for group in groups
        if names is None or group.__name__ in names
        for key, value in group(quick).items()
    }


def family_of_size(quick) -> Family:
    return Family(width=16, rank=3, iterations=20, batch=(8, 8)) if quick else Family()


def reduced(family, quick):
    """``FastModel`` of a family, and mu in the box and outside."""
    model = trained(family)
    # As model.reduce(), which wants a training before.
    rank = 8 if quick else None
    fast = lrnr.offline.reduce_model(model.data, model.net, rank=rank, verbose=0)
    counts = (3, 2) if quick else (NUM_INSIDE, NUM_OUTSIDE)
    return fast, *family.new_parameters(*counts)


def cdr(quick) -> dict:
    """The keys of the head of this file."""
    start = time.perf_counter()
    family = family_of_size(quick)
    untrained = Family(width=family.width, rank=family.rank, iterations=0)
    results = of_family(family, quick)
    results["untrained"] = of_family(untrained, quick)
    results["cdr_seconds"] = time.perf_counter() - start
    return results


def of_family(family, quick) -> dict:
    fast, inside, outside = reduced(family, quick)
    mu = np.vstack([inside, outside])
    reference = family.reference(mu)
    results = built(fast, quick)
    solution = fast.solve(mu, IN_BASIS)
    u = solution.predict(POINTS)
    after, first = relative_l1(u, reference), slice(len(inside))
    trial = fast.solve(inside, IN_TRIAL_SPACE).predict(POINTS)
    trial = relative_l1(trial, reference[first])
    difference = (u[..., 0] - reference).reshape(len(mu), -1)
    exact = np.linalg.norm(reference.reshape(len(mu), -1), axis=1)
    ratio = solution.error / (np.linalg.norm(difference, axis=1) / exact)
    in_basis, in_trial_space = solve_times(fast, inside, 1 if quick else REPEATS)
    return results | {
        "after_mean": float(after[first].mean()),
        "after_max": float(after[first].max()),
        "outside_mean": float(after[len(inside) :].mean()),
        "trial_mean": float(trial.mean()),
        "trial_max": float(trial.max()),
        "solve_ms": in_basis,
        "trial_ms": in_trial_space,
        "solves_per_second": throughput(fast, 50 if quick else MANY),
        "effectivity": [float(np.median(ratio)), float(ratio.min())],
    }


def saved(quick) -> dict:
    """The keys ``interpolated_...`` and ``command_s``, of the trained network."""
    start = time.perf_counter()
    family = family_of_size(quick)
    fast, inside, outside = reduced(family, quick)
    mu = np.vstack([inside, outside])
    built(fast, quick)
    with tempfile.TemporaryDirectory() as folder:
        path = fast.save(Path(folder, "basis.npz"))
        surrogate = lrnr.load_surrogate(path)
        errors = relative_l1(surrogate.predict(POINTS, mu), family.reference(mu))
        fast.basis = None
        paths = path, fast.save(Path(folder, "none.npz"))
        values = zip(fast.parameter_space.names, mu[0], strict=True)
        line = ["--mu", ",".join(f"{name}={value}" for name, value in values)]
        line += ["--grid", "256x101", "--out", str(Path(folder, "u.npz"))]
        commands = [["predict", str(path), *line] for path in paths]
        seconds = [command_seconds(c, 1 if quick else COMMANDS) for c in commands]
    first = len(inside)
    return {
        "interpolated_mean": float(errors[:first].mean()),
        "interpolated_max": float(errors[:first].max()),
        "interpolated_outside": float(errors[first:].mean()),
        "interpolated_estimate": float(surrogate.errors.max()),
        "command_s": seconds,
        "saved_seconds": time.perf_counter() - start,
    }


def command_seconds(arguments, repeats: int) -> float:
    """Median seconds of a command, the start of Python included."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        command = [sys.executable, "-m", "deepxde_lrnr", *arguments]
        subprocess.run(command, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def solve_times(fast, mu, repeats: int) -> list[float]:
    """Milliseconds of a solve in the basis and in the trial space, in turns."""
    times = []
    for turn in range(repeats + 1):
        for solver in (IN_BASIS, IN_TRIAL_SPACE):
            for m in mu:
                start = time.perf_counter()
                fast.solve(m, solver)
                # The first turn compiles.
                if turn:
                    times.append((solver, time.perf_counter() - start))
    return [
        1e3 * float(np.median([t for s, t in times if s is solver]))
        for solver in (IN_BASIS, IN_TRIAL_SPACE)
    ]


def throughput(fast, count: int) -> float:
    """Solves a second, all at once, with values at points that stay the same."""
    mu = fast.parameter_space.sample(count, "pseudo")
    points = POINTS[:: len(POINTS) // NUM_VALUES][:NUM_VALUES]
    fast.solve(mu[:2], IN_BASIS).predict(points)
    seconds = []
    for _ in range(THROUGHPUTS):
        start = time.perf_counter()
        fast.solve(mu, IN_BASIS).predict(points)
        seconds.append(time.perf_counter() - start)
    return count / float(np.median(seconds))


def memory(quick) -> dict:
    """``memory``: what grows in very many solves, each with values at 1,000 points."""
    fast, _, _ = reduced(family_of_size(quick), quick)
    built(fast, quick)
    points = POINTS[:: len(POINTS) // NUM_VALUES][:NUM_VALUES]
    counts = (60, 60) if quick else (MOST, MOST // 50)
    return {"memory": memory_of_solves(fast, points, *counts, (IN_BASIS,))}


GROUPS = (cdr, saved, memory, *map(group_of, NAMES))


def summary(results) -> dict:
    """``error_effectivity``, of what has been measured."""
    found = [results[name] for name in NAMES if name in results]
    found += [results] if "effectivity" in results else []
    if not found:
        return {}
    medians, smallest = zip(*(f["effectivity"] for f in found), strict=True)
    return {
        "error_effectivity": {
            "median": float(np.median(medians)),
            "smallest": min(smallest),
        }
    }


COLUMNS = {
    "size": "functions",
    "points": "points",
    "offline_s": "offline s",
    "solve_ms": "ms",
    "trial_ms": "ms, trial space",
}


def describe(results):
    text = ""
    if "size" in results:
        cases = {"trained": results, "random weights": results["untrained"]}
        rows = [
            [
                name,
                *(percent(part[k]) for k in ("after_mean", "after_max")),
                percent(part["outside_mean"]),
                *(percent(part[k]) for k in ("trial_mean", "trial_max")),
                *(part[k] for k in COLUMNS),
                part["solves_per_second"],
                *part["effectivity"],
            ]
            for name, part in cases.items()
        ]
        errors = ["mean", "max", "outside, mean", "trial space, mean", "max"]
        more = ["solves a second", "estimate over error, median", "smallest"]
        text += table(["network", *errors, *COLUMNS.values(), *more], rows)
    if "command_s" in results:
        columns = ["interpolated, mean", "max", "outside, mean", "estimated max"]
        row = [
            percent(results[f"interpolated_{key}"])
            for key in ("mean", "max", "outside", "estimate")
        ]
        columns += ["predict, s", "without a basis, s"]
        text += "\nFrom a file, without the problem:\n\n"
        text += table(columns, [row + results["command_s"]])
    if "memory" in results:
        rows = [[ROWS[key], value] for key, value in results["memory"].items()]
        text += "\nMemory:\n\n" + table(["what", "measured"], rows)
    if any(name in results for name in NAMES):
        text += describe_gallery(results)
    if "error_effectivity" in results:
        over_all = results["error_effectivity"]
        text += (
            "\nEstimate over error, over all of these: median "
            f"{over_all['median']:.2g}, smallest {over_all['smallest']:.2g}.\n"
        )
    return text


if __name__ == "__main__":
    run(sys.modules[__name__])
