"""One PDE, polished after a quarter of the training

The eight forward problems of `benchmarks/drop_in.py` with `dde.nn.FNN`, trained for a
quarter of the steps there, then `lrnr.polish(model)`. Errors are L2 relative errors
before and after; seconds are those of the call, compilation and the estimate of the
error included.

    python benchmarks/polish.py --json benchmarks/results/polish.json
"""

import sys
import time

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
from _forward_problems import PROBLEMS
from _harness import percent, run, table

QUICK_PROBLEMS = 2


def compute(quick):
    results = {}
    for name in [*PROBLEMS][: QUICK_PROBLEMS if quick else None]:
        dde.config.set_random_seed(0)
        problem = PROBLEMS[name]()
        iterations = 3 if quick else problem.iterations // 4
        model = problem.trained(dde.nn.FNN, iterations)
        start = time.perf_counter()
        solution = lrnr.polish(model)
        seconds = time.perf_counter() - start
        before, after = (float(problem.error(s)) for s in (model, solution))
        results[name] = {
            "iterations": iterations,
            "error_before": before,
            "error_after": after,
            "factor": before / after,
            "error_estimated": solution.error,
            "residual_before": solution.initial_residual,
            "residual_after": solution.residual,
            "unknowns": len(solution.unknowns),
            "random_features": solution.num_random_features,
            "status": solution.status,
            "seconds": seconds,
        }
        print(name, results[name], flush=True)
    factors = [r["factor"] for r in results.values()]
    return {
        "problems": results,
        "median_factor": float(np.median(factors)),
        "worst_factor": min(factors),
        "slowest_s": max(r["seconds"] for r in results.values()),
    }


def describe(results):
    rows = [
        [
            name.replace("_", " "),
            r["iterations"],
            percent(r["error_before"]),
            percent(r["error_after"]),
            percent(r["error_estimated"]) if "error_estimated" in r else "-",
            r["factor"],
            r["unknowns"],
            r["random_features"],
            r["seconds"],
        ]
        for name, r in results["problems"].items()
    ]
    columns = ["problem", "steps", "before", "after", "estimated", "before over after"]
    columns += ["unknowns", "random features", "seconds"]
    return table(columns, rows)


if __name__ == "__main__":
    run(sys.modules[__name__])
