"""The examples of the gallery in a reduced basis: size, seconds, errors, milliseconds.

Each script runs as it stands, three times: trained, after a single step of training,
when the basis is made of random features for the most part, and after 20 steps, in the
trial space, when mu that are off by more than a per cent should be named. Errors are
those that the script itself computes against its reference. The basis is to be as
accurate as the trial space is at half of the mu, by its own estimate: that is the
tolerance, unless 60 functions do not reach it.
"""

import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import deepxde_lrnr as lrnr
import numpy as np
from _harness import percent, table
from deepxde_lrnr.fast_phase import LeastSquares
from deepxde_lrnr.reduced_basis import BasisLeastSquares

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
NAMES = (
    "diffusion_reaction",
    "convection",
    "convection_diffusion_reaction_loss_terms",
    "burgers",
    "wave",
    "advected_pulse",
    "kovasznay",
    "poisson_source",
    "helmholtz",
    "allen_cahn",
    "fitzhugh_nagumo",
    "lotka_volterra",
)
TOLERANCE, SIZE, CANDIDATES = 1e-4, 60, 200
UNTRAINED, HARDLY_TRAINED = 1, 20  # steps
LARGE, TWICE = 1e-2, 2
IN_BASIS, IN_TRIAL_SPACE = BasisLeastSquares(), LeastSquares()


def built(fast, quick, tolerance: float = TOLERANCE) -> dict:
    """Builds the basis; its size and seconds."""
    start = time.perf_counter()
    size, candidates = (8, 8) if quick else (SIZE, CANDIDATES)
    basis = fast.build_basis(tolerance, size, candidates, verbose=0)
    print(basis, flush=True)
    return {
        "offline_s": time.perf_counter() - start,
        "size": basis.size,
        "points": len(basis.residual.collocation.pde_points),
        "estimated_max": float(basis.errors.max()),
    }


def group_of(name: str):
    """A group of the benchmark: an example, under its name."""

    def group(quick) -> dict:
        start = time.perf_counter()
        # Each in a process of its own, whose memory is free afterwards.
        found = in_process("in_basis", name, quick)
        # A short run is hardly trained either.
        options = [found["tolerance"], UNTRAINED]
        found["untrained"] = (
            dict(found) if quick else in_process("in_basis", name, quick, *options)
        )
        found["hardly_trained"] = in_process("named", name, quick)
        print(name, found, flush=True)
        return {name: found, f"{name}_seconds": time.perf_counter() - start}

    group.__name__ = name
    return group


def in_process(function: str, *arguments) -> dict:
    """What a function of this file returns, called in another process."""
    with tempfile.NamedTemporaryFile("r", suffix=".json") as file:
        task = json.dumps([function, *arguments])
        subprocess.run([sys.executable, __file__, task, file.name], check=True)
        return json.load(file)


def in_basis(name: str, quick, tolerance=None, steps: int | None = None) -> dict:
    """An example whose mu are solved in a basis."""
    found = {}

    def solve(solve_each, fast, mu):
        if steps is None:
            _, trial = solve_each(fast, mu, IN_TRIAL_SPACE)
            found["trial_ms"] = float(np.median(trial))
        found["tolerance"] = tolerance or float(np.median(fast.estimate_errors()))
        found.update(built(fast, quick, found["tolerance"]))
        solutions, milliseconds = solve_each(fast, mu, IN_BASIS)
        found["solve_ms"] = float(np.median(milliseconds))
        return solutions, milliseconds

    solutions, errors = run_example(name, quick, solve, steps)
    ratios = np.array([s.error for s in solutions]) / errors
    return found | {
        "after_mean": float(np.mean(errors)),
        "after_max": float(np.max(errors)),
        "effectivity": [float(np.median(ratios)), float(np.min(ratios))],
    }


def named(name: str, quick) -> dict:
    """An example that is hardly trained: which large errors are named."""

    def solve(solve_each, fast, mu):
        return solve_each(fast, mu)

    solutions, errors = run_example(name, quick, solve, HARDLY_TRAINED)
    status = np.array([s.status for s in solutions])
    large = np.asarray(errors) > LARGE
    return {
        "after_max": float(np.max(errors)),
        "large": int(large.sum()),
        "named": int((large & (status == "not resolved")).sum()),
    }


def run_example(name: str, quick, solve, steps: int | None):
    """Runs a script.

    Args:
        name: Of the example.
        quick: Whether it is a short run.
        solve: In place of the script's first ``solve_each``, which it gets.
        steps: ``None``, or the largest number of steps of training.

    Returns:
        List of solutions, and their errors as the script computes them.
    """
    sys.path.insert(0, str(EXAMPLES))
    import report

    report.QUICK, kept = quick, {}
    solve_each, summary, train = report.solve_each, report.summary, lrnr.Model.train

    def solve_once(fast, mu, solver=None):
        if "solutions" in kept:  # an example that shows another setting as well
            return solve_each(fast, mu, solver)
        kept["solutions"], milliseconds = solve(solve_each, fast, mu)
        return kept["solutions"], milliseconds

    def keep(before, after, *args):
        kept["errors"] = np.asarray(after)
        return summary(before, after, *args)

    def shortened(self, iterations, **options):
        return train(self, iterations=min(iterations, steps), **options)

    place = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        try:
            report.solve_each, report.summary = solve_once, keep
            if steps is not None:
                lrnr.Model.train = shortened
            os.chdir(folder)
            Path("results").mkdir()
            runpy.run_path(str(EXAMPLES / f"{name}.py"))
        finally:
            os.chdir(place)
            report.solve_each, report.summary = solve_each, summary
            lrnr.Model.train = train
    return kept["solutions"], kept["errors"]


def describe_gallery(results) -> str:
    """Tables of ``families``."""
    families = {name: results[name] for name in NAMES if name in results}
    measured = json.loads((HERE / "results" / "gallery.json").read_text())
    rows = [
        [
            name,
            f["size"],
            percent(f["after_mean"]),
            percent(f["after_max"]),
            percent(f["estimated_max"]),
            percent(f["tolerance"]),
            percent(measured[name]["after_mean"]),
            f["solve_ms"],
            f["trial_ms"],
            f["offline_s"],
            *f["effectivity"],
        ]
        for name, f in families.items()
    ]
    columns = ["example", "functions", "mean", "max", "estimated max", "tolerance"]
    columns += ["trial space, mean", "ms", "ms, trial space", "offline s"]
    columns += ["estimate over error, median", "smallest"]
    text = "\nThe examples, in a basis:\n\n" + table(columns, rows)
    rows = [
        [
            name,
            f["untrained"]["size"],
            percent(f["untrained"]["after_mean"]),
            percent(f["untrained"]["after_max"]),
            percent(f["after_mean"]),
            f["untrained"]["offline_s"],
            percent(f["hardly_trained"]["after_max"]),
            f["hardly_trained"]["large"],
            f["hardly_trained"]["named"],
        ]
        for name, f in families.items()
    ]
    columns = ["example", "functions", "mean", "max", "mean, trained", "offline s"]
    columns += ["max after 20 steps, trial space", "mu above 1 %", "of which named"]
    text += in_words(families, measured)
    text += "\nAfter one step of training, in a basis, and after 20, without:\n\n"
    return text + table(columns, rows) + whether_training_pays(families)


def in_words(families: dict, measured: dict) -> str:
    """Where the decay is too slow for the accuracy of the trial space."""
    slow = [
        f"{name} ({f['after_mean'] / measured[name]['after_mean']:.2g} times)"
        for name, f in families.items()
        if f["after_mean"] > TWICE * measured[name]["after_mean"]
    ]
    refused = [n for n, f in families.items() if f["estimated_max"] > f["tolerance"]]
    return (
        f"\nWith {SIZE} functions more than {TWICE} times the mean error of the trial "
        f"space: {', '.join(slow) or 'none'}. `build_basis` warns that the tolerance, "
        f"the trial space's own estimated error, is not reached: "
        f"{', '.join(refused) or 'none'}.\n"
    )


def whether_training_pays(families: dict) -> str:
    """By how much the basis of a trained network is more accurate."""
    gains = {
        n: f["untrained"]["after_mean"] / f["after_mean"] for n, f in families.items()
    }
    listed = [f"{name} {gain:.2g}" for name, gain in gains.items() if gain >= TWICE]
    others = [name for name, gain in gains.items() if gain < TWICE]
    return (
        f"\nA basis of the trained network is so many times more accurate: "
        f"{', '.join(listed) or 'none'}. Training does not pay, for a basis (less than "
        f"{TWICE} times): {', '.join(others) or 'none'}.\n"
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore", UserWarning)
    name, *arguments = json.loads(sys.argv[1])
    result = {"in_basis": in_basis, "named": named}[name](*arguments)
    Path(sys.argv[2]).write_text(json.dumps(result))
