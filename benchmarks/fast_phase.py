"""What the fast phase is worth: accuracy on mu not trained on, and time.

CDR, trained as in the example; 30 mu in the box and 10 outside of it by 10 %. Errors
are L1 relative errors on 256 x 101 points against the reference solution, which nothing
else has seen. Times are medians, of one mu at a time unless it says otherwise.

    before_mean, before_max  the hypernetwork's error, mean and max over the mu inside
    after_mean, after_max    the same after ``model.reduce()`` and ``fast.solve(mu)``
    outside_mean             the same outside
    solve_ms                 time of one mu, after compilation
    accurate                 these keys for the setting for accuracy, all neurons:
                             ``model.reduce(rank=WIDTH)``
    indicator_rank_correlation
                             Spearman's, of ``solution.residual`` with the true error,
                             mu inside
    effectivity_median, effectivity_smallest, effectivity_largest
                             of ``solution.error`` (L2) over the true error, all mu
    solve_over_qr            time of a solve over that of its steps' least squares
                             problems by LAPACK alone (dgeqp3, or dgels if faster), of
                             the same sizes, on one thread of BLAS as in the solve
    solve_over_factored      the same with one problem for each Jacobian that is
                             factored: a step that goes with the factors of an earlier
                             one counts as nothing
    batch_over_single        1,000 mu one after the other over all of them at once,
                             median of five turns
    two_processes            the same for the machine alone: two processes that have
                             nothing in common over one of them, each with QR
                             factorisations of the size of a solve's
    first_solve_s            ``model.reduce()`` and the first solve, after the training
    load_and_solve_s         ``load_fast`` and the first solve in a new process, beyond
                             ``import_s``, the time of its imports
    curve                    error and time for r_hat neurons a layer,
                             ``model.reduce(rank=r_hat)``
    paper                    the paper's fast phase with its own settings: EIM, r_hat =
                             5, 4 x 3 points, 400 steps of Adam

The same keys for other families, with the default alone: ``cdr_short`` (a sixteenth of
the training) and ``convection``.

    python benchmarks/fast_phase.py --json benchmarks/results/fast_phase.json
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import deepxde_lrnr as lrnr
import numpy as np
from _families import (
    PAPER_POINTS,
    POINTS,
    Family,
    problem,
    relative_l1,
    trained,
)
from _harness import percent, run, table
from deepxde_lrnr.fast_phase import Adam, LeastSquares
from deepxde_lrnr.fast_phase.gauss_newton import minimise
from matplotlib.figure import Figure
from scipy.linalg import lapack
from scipy.stats import spearmanr
from threadpoolctl import threadpool_limits

NUM_INSIDE, NUM_OUTSIDE = 30, 10
R_HATS = (8, 12, 16, 24, 32, 48, 64)
FAMILIES = {
    "cdr_short": ("CDR, a sixteenth of the training", Family(iterations=250)),
    "convection": ("convection", Family("convection", 64, 10, 2500, (32, 64))),
}
QUICK = Family(width=16, rank=3, iterations=20, batch=(8, 8))
# How many threads BLAS takes, by its kinds.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Number of mu whose solves are timed, and how often.
NUM_TIMED, REPEATS = 10, 5
BATCH, TURNS = 1000, 5


def compute(quick):
    warnings.simplefilter("ignore", lrnr.OutsideParameterSpaceWarning)
    family = QUICK if quick else Family()
    r_hats = [8] if quick else [*R_HATS, family.width]
    num_mu = (3, 2) if quick else (NUM_INSIDE, NUM_OUTSIDE)
    model = trained(family)
    # The first thing after the training.
    start = time.perf_counter()
    fast = model.reduce(rank=8 if quick else None)
    inside, outside = family.new_parameters(*num_mu)
    fast.solve(inside[0])
    results = {"first_solve_s": time.perf_counter() - start}
    print(fast.report(), flush=True)

    judge = Judge(model, family, inside, outside)
    before = relative_l1(model.predict(POINTS, inside), judge.reference[: len(inside)])
    results |= {
        "before_mean": float(before.mean()),
        "before_max": float(before.max()),
        **judge.errors(fast),
        **over_qr(fast, inside[:NUM_TIMED], 2 if quick else REPEATS),
        **batch(fast, 20 if quick else BATCH),
        **in_a_new_process(fast, inside[0]),
    }
    if not quick:
        shape = results["lapack_rows"], results["unknowns"]
        results["two_processes"] = two_processes(shape)
    accurate = model.reduce(rank=family.width)
    paper = model.reduce(method="eim", rank=3 if quick else 5, points=PAPER_POINTS)
    results["accurate"] = judge.errors(accurate)
    adam = Adam(iterations=5) if quick else Adam()
    results["paper"] = {"steps": adam.iterations, **judge.errors(paper, adam)}
    curve = [model.reduce(rank=r) for r in r_hats]
    results["curve"] = [
        {"r_hat": r, **judge.errors(reduced)}
        for r, reduced in zip(r_hats, curve, strict=True)
    ]
    # All of them in turns: on a machine that is slow for a while they all are.
    settings = [(fast, None), (accurate, None), (paper, adam)]
    settings += [(reduced, None) for reduced in curve]
    rows = [results, results["accurate"], results["paper"], *results["curve"]]
    times = solve_times(settings, inside[:NUM_TIMED], 1 if quick else 2)
    for row, ms in zip(rows, times, strict=True):
        row["solve_ms"] = ms
    if not quick:
        for name, (_, other) in FAMILIES.items():
            results[name] = by_default(other, *num_mu)
    return results


def by_default(family, num_inside, num_outside) -> dict:
    """The keys of the default setting for another family."""
    model = trained(family)
    judge = Judge(model, family, *family.new_parameters(num_inside, num_outside))
    fast = model.reduce()
    before = relative_l1(
        model.predict(POINTS, judge.mu[:num_inside]), judge.reference[:num_inside]
    )
    (ms,) = solve_times([(fast, None)], judge.mu[:NUM_TIMED], 2)
    return {
        "before_mean": float(before.mean()),
        "before_max": float(before.max()),
        **judge.errors(fast),
        "solve_ms": ms,
    }


class Judge:
    """True errors, for mu inside the box and then outside of it."""

    def __init__(self, model, family, inside, outside):
        self.model, self.num_inside = model, len(inside)
        self.mu = np.vstack([inside, outside])
        self.reference = family.reference(self.mu)

    def errors(self, fast, solver=None) -> dict:
        """The keys of the head of this file, but for times."""
        solution = fast.solve(self.mu, solver)
        after = relative_l1(solution.predict(POINTS), self.reference)
        inside, outside = slice(self.num_inside), slice(self.num_inside, None)
        correlation = spearmanr(solution.residual[inside], after[inside]).statistic
        report = fast.report()
        row = {
            "after_mean": float(after[inside].mean()),
            "after_max": float(after[inside].max()),
            "outside_mean": float(after[outside].mean()),
            "indicator_rank_correlation": float(correlation),
            **estimates(solution, after, solver),
            "steps_mean": float(np.mean(solution.steps)),
            "unknowns": report.num_unknowns,
            "points": report.num_points[0],
            "neurons": max(len(layer.indices) for layer in fast.layers),
            "random_features": report.num_random,
        }
        if solver is not None:
            # Those of the network's own coefficients.
            row["unknowns"] = solution.coefficients.shape[1]
        print(row, flush=True)
        return row


def estimates(solution, errors, solver) -> dict:
    """How near ``solution.error`` comes to the true errors."""
    if solver is not None:
        return {}
    ratio = solution.error / errors
    return {
        "effectivity_median": float(np.median(ratio)),
        "effectivity_smallest": float(ratio.min()),
        "effectivity_largest": float(ratio.max()),
    }


def solve_times(settings, mu, repeats: int) -> list[float]:
    """Milliseconds of a solve, median over some mu, for pairs of model and solver.

    Those of a model one after the other, as in a sweep; the models in turns.
    """
    times = [
        [
            [elapsed(lambda f=f, s=s, m=m: f.solve(m, s)) for m in mu]
            for f, s in settings
        ]
        for _ in range(repeats + 1)
    ]
    # The first turn compiles.
    return np.median(times[1:], axis=(0, 2)).tolist()


def elapsed(function) -> float:
    """Milliseconds of a call."""
    begin = time.perf_counter()
    function()
    return 1e3 * (time.perf_counter() - begin)


def over_qr(fast, mu, repeats: int) -> dict:
    """``solve_over_qr``, and what it is made of."""
    solver = LeastSquares()
    problems, factorisations, steps = [], [], []
    for m in mu:
        with threadpool_limits(limits=1, user_api="blas"):
            at, start = fast.equations.at(m), fast.space.start(m)
            minimum = minimise(at, start, solver.iterations, solver.rtol)
            linearised = at(start)
            J, r = linearised.jacobian(), linearised.fitted
        factorisations.append(minimum.factorisations)
        steps.append(len(minimum.history) - 1)
        problems.append((J, r))
    turns = []
    for _ in range(repeats + 1):
        turn = [[elapsed(lambda m=m: fast.solve(m)) for m in mu]]
        with threadpool_limits(limits=1, user_api="blas"):
            turn += [[timed(f, *p) for p in problems] for f in (by_qr, by_gels)]
        turns.append(turn)
    solve_ms, *lapack_ms = np.median(turns[1:], axis=0).sum(axis=1)
    # On average over the mu, as the time of the solves is.
    one_problem_ms = min(lapack_ms) / len(mu)
    return {
        "lapack_ms": one_problem_ms,
        "lapack_rows": len(J),
        "factorisations_mean": float(np.mean(factorisations)),
        "solve_over_qr": solve_ms / (one_problem_ms * np.sum(steps)),
        "solve_over_factored": solve_ms / (one_problem_ms * np.sum(factorisations)),
    }


def timed(solve, J, r) -> float:
    """Milliseconds of a least squares problem; its copy of J is not counted."""
    J, r = J.copy(order="F"), r.copy()
    return elapsed(lambda: solve(J, r))


def by_qr(J, r):
    """QR with column pivoting, then a triangular system."""
    k = J.shape[1]
    # Room for blocks of columns, which SciPy does not give it by default.
    work = 2 * k + (k + 1) * 32
    qr, pivots, tau, _, _ = lapack.dgeqp3(J, lwork=work, overwrite_a=True)
    product, _, _ = lapack.dormqr("L", "T", qr, tau, np.asfortranarray(r[:, None]), 32)
    w = np.empty(k)
    solved, _ = lapack.dtrtrs(qr[:k], product[:k, 0])
    w[pivots - 1] = solved
    return w


def by_gels(J, r):
    """QR without pivoting."""
    work, _ = lapack.dgels_lwork(*J.shape, 1)
    return lapack.dgels(J, r, lwork=int(work), overwrite_a=True)[1][: J.shape[1]]


def batch(fast, num_mu: int) -> dict:
    """``batch_over_single``: all mu at once, on all cores."""
    mu = fast.parameter_space.sample(num_mu, "pseudo")
    fast.solve(mu[:8])

    def one_by_one():
        for m in mu:
            fast.solve(m)

    turns = [
        [elapsed(one_by_one), elapsed(lambda: fast.solve(mu))] for _ in range(TURNS)
    ]
    single, together = np.transpose(turns)
    return {
        "batch_over_single": float(np.median(single / together)),
        "solves_per_second": float(1e3 * num_mu / np.median(together)),
    }


def two_processes(shape) -> float:
    """``two_processes``: what the cores give when nothing is shared but the machine."""
    command = [sys.executable, __file__, "--factor", *map(str, shape)]
    own = {**os.environ, **dict.fromkeys(_THREADS, "1")}

    def rate(count: int) -> float:
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=own)
            for _ in range(count)
        ]
        return sum(float(p.communicate()[0].splitlines()[-1]) for p in processes)

    alone, together = np.median([[rate(1), rate(2)] for _ in range(3)], axis=0)
    return float(together / alone)


def factor(rows: str, columns: str) -> None:
    """What each of the processes does for two seconds; prints how often."""
    J = np.random.default_rng(0).standard_normal((int(rows), int(columns)))
    J, count, start = np.asfortranarray(J), 0, time.perf_counter()
    while time.perf_counter() - start < 2:
        lapack.dgeqrf(J)
        count += 1
    print(count)


def in_a_new_process(fast, mu) -> dict:
    """``load_and_solve_s`` and ``import_s``."""
    with tempfile.TemporaryDirectory() as folder:
        path = fast.save(str(Path(folder) / "fast.npz"))
        printed = subprocess.run(
            [sys.executable, __file__, "--load", path, json.dumps(mu.tolist())],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LRNR_BENCHMARK_START": repr(time.time())},
        ).stdout
    return json.loads(printed.splitlines()[-1])


def load_and_solve(path: str, mu: str) -> None:
    """What the new process does, after its imports."""
    start = time.time()
    fast = lrnr.load_fast(path, problem(Family()))
    solution = fast.solve(np.array(json.loads(mu)))
    seconds = time.time() - start
    assert np.isfinite(solution.residual)
    begun = float(os.environ["LRNR_BENCHMARK_START"])
    print(json.dumps({"import_s": start - begun, "load_and_solve_s": seconds}))


COLUMNS = {
    "after_mean": "mean error",
    "after_max": "max",
    "outside_mean": "outside, mean",
    "solve_ms": "ms",
    "steps_mean": "steps",
    "unknowns": "unknowns",
    "points": "points",
    "indicator_rank_correlation": "rank correlation",
    "effectivity_median": "estimate over error, median",
    "effectivity_smallest": "smallest",
    "effectivity_largest": "largest",
}
TIMES = {
    "solve_over_qr": "a solve over its steps' least squares problems by LAPACK alone",
    "solve_over_factored": "the same, one problem for each Jacobian factored",
    "batch_over_single": "mu one after the other over all at once",
    "two_processes": "two processes that share nothing over one, on this machine",
    "solves_per_second": "mu a second, all at once",
    "first_solve_s": "seconds of the reduction and the first solve",
    "load_and_solve_s": "seconds of loading and the first solve in a new process",
    "import_s": "seconds of the imports before",
}


def describe(results):
    text = (
        f"CDR: before the fast phase {percent(results['before_mean'])} mean, "
        f"{percent(results['before_max'])} max.\n\n"
    )
    settings = {
        f"default ({results['neurons']} neurons a layer)": results,
        "accurate": results["accurate"],
        **{f"r_hat = {row['r_hat']}": row for row in results["curve"]},
        "paper": results["paper"],
    }
    rows = [_row(name, part) for name, part in settings.items()]
    text += table(["setting", *COLUMNS.values()], rows)
    text += "\n" + table(
        ["", "measured"],
        [[what, results[key]] for key, what in TIMES.items() if key in results],
    )
    others = {title: results[k] for k, (title, _) in FAMILIES.items() if k in results}
    if others:
        rows = [
            [name, percent(part["before_mean"]), *_row(name, part)[1:]]
            for name, part in others.items()
        ]
        text += "\nOther families, by default:\n\n"
        text += table(["family", "before, mean", *COLUMNS.values()], rows)
    return text


def _row(name, part) -> list:
    numbers = [part.get(key, np.nan) for key in COLUMNS]
    return [name, *map(percent, numbers[:3]), *numbers[3:]]


def draw(results):
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    curve = results["curve"]
    r_hats = [row["r_hat"] for row in curve]
    for axes, key in ((left, "neurons"), (right, "solve_ms")):
        x = [row[key] for row in curve]
        for statistic, style in (("after_mean", "o-"), ("after_max", "o:")):
            name = "least squares" if statistic == "after_mean" else None
            y = [row[statistic] for row in curve]
            axes.loglog(x, y, style, color="C0", label=name)
        for name, row, color in (
            ("default", results, "C1"),
            ("the paper's", results["paper"], "C3"),
        ):
            ends = [row["after_mean"], row["after_max"]]
            axes.loglog([row[key]] * 2, ends, "-", color=color, alpha=0.5)
            axes.loglog(
                row[key], row["after_mean"], "*", ms=11, color=color, label=name
            )
        axes.axhline(results["before_mean"], color="gray", ls="--", label="before")
    left.set_xticks(r_hats, [str(r) for r in r_hats])
    left.set_xticks([], minor=True)
    left.set(xlabel="r_hat, neurons a layer", ylabel="L1 relative error (dotted: max)")
    right.set_xlabel("ms for one mu")
    left.legend()
    return figure


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        load_and_solve(*sys.argv[2:])
    elif sys.argv[1:2] == ["--factor"]:
        factor(*sys.argv[2:])
    else:
        run(sys.modules[__name__])
