"""What the fast phase is worth: accuracy on mu not trained on, and time.

Families: CDR (the example's), the same trained for a quarter of the time, convection.
For each, 30 mu in the box and 10 outside of it by 10 %; errors are L1 relative errors
on 256 x 101 points against the reference solution, which nothing else has seen.

    ratio_mean, ratio_max    mean (max) error after / mean (max) error before
    ratio_worst              max over mu of error after / error before
    ratio_outside            ratio_mean outside the box
    captured                 share of the improvement that exact Gauss-Newton, iterated
                             until it converges, reaches at the same points
    indicator_rank_correlation
                             of ``solution.residual`` with the true error, over all mu

The keys at the top are those of what ``fast.solve(mu)`` does for CDR; ``by_jacobian``
has them for each source of the Jacobian, and for the default where the residual's norm
does not average ("unsmoothed"), ``paper`` for the paper's fast phase with its
own settings. The times: see ``timings``.

    python benchmarks/fast_phase.py --json benchmarks/results/fast_phase.json
"""

import sys
import time
import warnings

import deepxde_lrnr as lrnr
import numpy as np
import tensorflow as tf
from _families import PAPER_POINTS, POINTS, Family, build, relative_l1, trained
from _harness import milliseconds, percent, run, table
from deepxde_lrnr.fast_phase import Adam, FastModel, GaussNewton
from deepxde_lrnr.fast_phase.compilation import Compiled
from deepxde_lrnr.fast_phase.hyper_reduction import hyper_reduce
from deepxde_lrnr.fast_phase.learned_jacobian import (
    LearnedJacobian,
    leading_directions,
)
from deepxde_lrnr.fast_phase.smoothing import Smoothing
from scipy.stats import spearmanr

NUM_INSIDE, NUM_OUTSIDE = 30, 10
FAMILIES = {
    "cdr": Family(),
    "cdr_quarter": Family(iterations=1000),
    "convection": Family("convection", 64, 10, 2500, (32, 64)),
}
SOLVERS = {
    "default": GaussNewton(),
    "learned": GaussNewton(jacobian="learned"),
    "selected": GaussNewton(jacobian="selected"),
    "all": GaussNewton(jacobian="all"),
    "fast": GaussNewton(jacobian="fast"),
    "exact": GaussNewton(jacobian="exact"),
    "unsmoothed": GaussNewton(smoothing=0),
}
FEW_SOLVERS = {
    name: SOLVERS[name]
    for name in ("default", "learned", "selected", "all", "exact", "unsmoothed")
}
QUICK_SOLVERS = {"default": GaussNewton()}
TIMES = (
    "solve_ms",
    "solves_per_second",
    "batch_over_single",
    "speedup_exact_gn",
    "speedup_pointwise_gn",
    "speedup_adam",
    "speedup_exact_gn_4000",
    "speedup_pointwise_gn_4000",
    "reduction_s_1000",
)
CONVERGED = GaussNewton(jacobian="exact", iterations=20, rtol=1e-3)


def compute(quick):
    warnings.simplefilter("ignore", lrnr.OutsideParameterSpaceWarning)
    if quick:
        tiny = Family(width=16, rank=3, iterations=20, batch=(8, 8))
        return accuracy(tiny, QUICK_SOLVERS, points=40)
    results = {
        name: accuracy(family, SOLVERS if name == "cdr" else FEW_SOLVERS)
        for name, family in FAMILIES.items()
    }
    return {**results.pop("cdr"), **results, **timings(), **reduction_time()}


def describe(results):
    parts = {"CDR": results}
    for name, title in (
        ("cdr_quarter", "CDR, a quarter of the training"),
        ("convection", "convection"),
    ):
        if name in results:
            parts[title] = results[name]
    keys = (
        "after_mean",
        "after_max",
        "ratio_mean",
        "ratio_worst",
        "ratio_outside",
        "captured",
        "indicator_rank_correlation",
        "steps_mean",
    )
    text = ""
    for title, part in parts.items():
        rows = [
            [name] + [percent(row[k]) for k in keys[:2]] + [row[k] for k in keys[2:]]
            for name, row in (
                ("default", part),
                *part["by_jacobian"].items(),
                ("paper", part["paper"]),
            )
        ]
        text += (
            f"{title}: before the fast phase {percent(part['before_mean'])} mean, "
            f"{percent(part['before_max'])} max.\n\n"
        )
        text += table(["solver", *keys], rows) + "\n"
    times = [[k, v] for k, v in results.items() if k in TIMES]
    return text + (table(["time", "value"], times) if times else "")


def accuracy(family: Family, solvers, points=None) -> dict:
    """Errors of every solver on one family."""
    model = trained(family)
    start = time.perf_counter()
    fast = model.reduce(points=points)
    inside, outside = family.new_parameters(NUM_INSIDE, NUM_OUTSIDE)
    mu = np.vstack([inside, outside])
    reference = family.reference(mu)
    before = relative_l1(model.predict(POINTS, mu), reference)

    def errors(solver, fast=fast):
        solution = fast.solve(mu, solver)
        return solution, relative_l1(solution.predict(POINTS), reference)

    solution, converged = errors(CONVERGED)
    by_jacobian = {"converged": summary(before, converged, converged, solution)}
    for name, solver in solvers.items():
        solution, after = errors(solver)
        by_jacobian[name] = summary(before, after, converged, solution)
        print(family.equation, family.iterations, name, by_jacobian[name], flush=True)
    paper = model.reduce(method="eim", rank=5, points=PAPER_POINTS)
    solution, after = errors(Adam(), paper)
    return {
        **by_jacobian.pop("default"),
        "before_mean": float(before[:NUM_INSIDE].mean()),
        "before_max": float(before[:NUM_INSIDE].max()),
        "by_jacobian": by_jacobian,
        "paper": summary(before, after, converged, solution),
        "offline_s": {**fast.seconds, "all": time.perf_counter() - start},
    }


def summary(before, after, converged, solution) -> dict:
    """The keys of the head of this file."""
    inside, outside = slice(NUM_INSIDE), slice(NUM_INSIDE, None)

    def ratio(statistic, part):
        return float(statistic(after[part]) / statistic(before[part]))

    possible = np.mean(before[inside] - converged[inside])
    correlation = spearmanr(solution.residual, after).statistic
    return {
        "after_mean": float(after[inside].mean()),
        "after_max": float(after[inside].max()),
        "ratio_mean": ratio(np.mean, inside),
        "ratio_max": ratio(np.max, inside),
        "ratio_worst": float((after / before)[inside].max()),
        "ratio_outside": ratio(np.mean, outside),
        "ratio_outside_worst": float((after / before)[outside].max()),
        "captured": float(np.mean(before[inside] - after[inside]) / possible),
        "indicator_rank_correlation": float(correlation),
        "indicator_rank_correlation_inside": float(
            spearmanr(solution.residual[inside], after[inside]).statistic
        ),
        "steps_mean": float(np.mean(solution.steps)),
    }


def timings() -> dict:
    """Times of the fast phase beside exact Gauss-Newton and Adam on the full LRNR.

    speedup_exact_gn         M = 384: to the objective that ours reaches, at all points;
                             the exact Jacobian in forward mode
    speedup_pointwise_gn     the same with the exact Jacobian as the library takes it,
                             in one pass of reverse mode
    speedup_adam             M = 384: 400 steps of Adam through the full LRNR
    speedup_exact_gn_4000, speedup_pointwise_gn_4000
                             M = 4000, r = 100, random weights: one step each
    solve_ms                 one mu, M = 96, after compilation
    solves_per_second        batch of 1,000

    Ours is the default, with fixed damping where objectives are compared.
    """
    results = {}
    fast = trained(FAMILIES["cdr"]).reduce()
    mu = fast.parameter_space.sample(1000, "pseudo")
    solver = GaussNewton()
    fast.solve(mu[:64], solver)
    (results["solve_ms"],) = milliseconds([lambda: fast.solve(mu[0], solver)], 20)
    start = time.perf_counter()
    fast.solve(mu, solver)
    results["solves_per_second"] = 1000 / (time.perf_counter() - start)
    results["batch_over_single"] = (
        results["solves_per_second"] * results["solve_ms"] / 1000
    )

    fast = trained(Family(width=384, iterations=500)).reduce()
    mu = fast.parameter_space.sample(1, "Halton")[0]
    ours = GaussNewton(damping=1e-3)
    objective = objective_at_all_points(fast, fast.solve(mu, ours))
    history = fast.solve(mu, GaussNewton(jacobian="exact", damping=1e-3)).history
    reached = np.flatnonzero(history <= objective)
    steps = int(reached[0]) if len(reached) else len(history) - 1
    exact = GaussNewton(jacobian="exact", damping=1e-3, iterations=max(steps, 1))
    adam = Adam(network="full", objective="MSE", locality=0.0)
    forward = in_forward_mode(fast)
    ours_ms, forward_ms, exact_ms, adam_ms = milliseconds(
        [
            lambda: fast.solve(mu, ours),
            lambda: forward.solve(mu, exact),
            lambda: fast.solve(mu, exact),
            lambda: fast.solve(mu, adam),
        ],
        7,
    )
    return {
        **results,
        "exact_steps_to_our_objective": steps,
        "ours_ms_384": ours_ms,
        "exact_gn_ms_384": forward_ms,
        "pointwise_gn_ms_384": exact_ms,
        "adam_ms_384": adam_ms,
        "speedup_exact_gn": forward_ms / ours_ms,
        "speedup_pointwise_gn": exact_ms / ours_ms,
        "speedup_adam": adam_ms / ours_ms,
        **timings_4000(),
    }


def objective_at_all_points(fast, solution) -> float:
    """That of the solver "all", the solution's own solver may see selected points."""
    smooth = Smoothing(fast.residual, fast.columns, GaussNewton().smoothing)
    compiled = Compiled(lambda z, feed: smooth(fast.residual(fast.full, z, *feed)))
    z = solution.coefficients[None, :]
    r = compiled(z, fast.residual.feed(solution.mu[None, :]))
    return float(np.sum(np.square(r)))


def in_forward_mode(fast) -> FastModel:
    """The same model, with Jacobians in forward mode: one pass for each coefficient."""
    other = FastModel(
        fast.full, fast.reduced, fast.layers, fast.residual, fast.held_out
    )
    other.pointwise = False
    return other


def timings_4000() -> dict:
    """One step of ours and of exact Gauss-Newton at the paper's size."""
    model = build(Family(width=4000, rank=100, iterations=0))
    model._build()
    model._has_weights = True
    fast = model.reduce(method="eim", rank=5, num_parameters=20)
    # Time only: random numbers stand for the Jacobian.
    directions = leading_directions(fast.full)
    nodes = fast.parameter_space.sample(60, "Hammersley")
    n = len(fast.residual.collocation.pde_points)
    values = np.random.default_rng(0).normal(size=(60, n, directions.shape[1]))
    few, entries, factors = hyper_reduce(fast.residual, fast.full, values)
    fast.learned_jacobian = LearnedJacobian(
        LearnedJacobian.interpolate(fast.parameter_space.scale(nodes.astype(float))),
        tf.constant(values[:, entries] * factors[:, None], tf.float32),
        few,
        entries,
        factors.astype(np.float32),
        directions,
        float("nan"),
        0.0,
    )
    mu = fast.parameter_space.sample(1, "Halton")[0]
    ours, exact = (
        GaussNewton(iterations=1, jacobian=jacobian, damping=1e-3)
        for jacobian in ("selected", "exact")
    )
    forward = in_forward_mode(fast)
    ours_ms, exact_ms = milliseconds(
        [lambda: fast.solve(mu, ours), lambda: fast.solve(mu, exact)], 5
    )
    (forward_ms,) = milliseconds([lambda: forward.solve(mu, exact)], 1, 1)
    return {
        "ours_ms_4000": ours_ms,
        "exact_gn_ms_4000": forward_ms,
        "pointwise_gn_ms_4000": exact_ms,
        "speedup_exact_gn_4000": forward_ms / ours_ms,
        "speedup_pointwise_gn_4000": exact_ms / ours_ms,
    }


def reduction_time() -> dict:
    """Seconds of the reduction for M = 1,000, 768 points and 100 mu."""
    model = build(Family(width=1000, iterations=0))
    model._build()
    model._has_weights = True
    fast = model.reduce(num_parameters=100)
    return {"reduction_s_1000": fast.seconds["reduction"]}


if __name__ == "__main__":
    run(sys.modules[__name__])
