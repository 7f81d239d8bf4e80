"""How the examples of the gallery end: a table of errors, and a file of its figures.

Nothing here knows the PDE. `solve_each` runs the fast phase as a user would, one
parameter after the other; `errors` prints the table and keeps its figures in
results/NAME.json, from which benchmarks/gallery.py writes examples/README.md.
"""

import json
import os
import time
from pathlib import Path

import numpy as np

QUICK = bool(os.environ.get("DEEPXDE_LRNR_QUICK"))  # a short run, as in the tests
NUM_ROWS = 12  # of the table; mean and maximum are over all mu


def solve_each(fast, mu, solver=None):
    """Solves each mu on its own, after one that compiles.

    Args:
        fast: ``lrnr.FastModel``.
        mu: Array of shape (n, p).
        solver: As in ``FastModel.solve``.

    Returns:
        List of n solutions, and list of the milliseconds that each took.
    """
    fast.solve(mu[0], solver)
    solutions, milliseconds = [], []
    for m in mu:
        start = time.perf_counter()
        solutions.append(fast.solve(m, solver))
        milliseconds.append(1e3 * (time.perf_counter() - start))
    return solutions, milliseconds


def errors(
    name: str,
    space,
    mu,
    before,
    after,
    milliseconds,
    offline_seconds: float,
    norm: str = "L1",
) -> None:
    """Prints errors for the first mu, mean and maximum for all, and keeps them.

    Args:
        name: Of the example; the figures are written to results/NAME.json.
        space: ``lrnr.ParameterSpace``.
        mu: Array of shape (n, p), parameters that were not trained on.
        before: Relative errors of the hypernetwork, shape (n,).
        after: Those after the fast phase, shape (n,).
        milliseconds: Time of the fast phase for each mu, shape (n,).
        offline_seconds: Time of training and reduction together.
        norm: Norm of the errors.
    """
    names = " ".join(f"{name:>8s}" for name in space.names)
    print(f"\n{norm} relative error, mu not trained on")
    print(f" {names} | hypernetwork    fast phase  (ms)")
    rows = list(zip(mu, before, after, milliseconds, strict=True))
    for m, b, a, ms in rows[:NUM_ROWS]:
        values = " ".join(f"{value:8.4g}" for value in m)
        print(f" {values} | {b:11.4%} {a:13.6%} ({ms:6.1f})")
    if len(rows) > NUM_ROWS:
        print(f" ... and {len(rows) - NUM_ROWS} more")
    for label, of in (("mean", np.mean), ("max", np.max)):
        label = label.rjust(len(names) + 1)
        print(
            f"{label} | {of(before):11.4%} {of(after):13.6%} ({of(milliseconds):6.1f})"
        )
    figures = summary(before, after, milliseconds, offline_seconds, norm)
    print(
        f"Largest after / before: {figures['worst_ratio']:.2f}. "
        f"Offline: {offline_seconds:.0f} s"
    )
    keep(name, **figures)


def summary(
    before, after, milliseconds, offline_seconds: float, norm: str = "L1"
) -> dict:
    """The figures that `errors` keeps, from the same arguments."""
    return {
        "norm": norm,
        "num_mu": len(before),
        "before_mean": float(np.mean(before)),
        "before_max": float(np.max(before)),
        "after_mean": float(np.mean(after)),
        "after_max": float(np.max(after)),
        "worst_ratio": float(np.max(np.asarray(after) / np.asarray(before))),
        "milliseconds": float(np.mean(milliseconds)),
        "offline_seconds": float(offline_seconds),
    }


def keep(name: str, **figures) -> None:
    """Writes figures to results/NAME.json, and the number of cores they took."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count()
    path = Path("results") / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**figures, "cores": cores}, indent=2) + "\n")
