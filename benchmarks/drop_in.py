"""LRNR in the place of FNN

Eight forward problems for one PDE, of the kinds in DeepXDE's gallery
(`benchmarks/_forward_problems.py`), each with `dde.nn.FNN` and, nothing else changed,
with `lrnr.nn.LRNR` at its default rank. Equal steps of Adam with a cosine decay, 3
seeds (12 for Helmholtz, the beam and the oscillator, where they differ by factors of
ten), initial weights drawn anew for each layer. Errors are L2 relative errors, the
median over the seeds. Of a step the median time is taken, the two networks in turns.
`--only helmholtz burgers` measures these.

    python benchmarks/drop_in.py --json benchmarks/results/drop_in.json
"""

import sys
import time

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
from _forward_problems import PROBLEMS
from _harness import milliseconds, percent, run, table

KINDS = {"FNN": dde.nn.FNN, "LRNR": lrnr.nn.LRNR}
TURNS = 100
QUICK_PROBLEMS = 2
GROUPS = tuple(PROBLEMS.values())


def compute(quick, names=None):
    results = {}
    for name in names or [*PROBLEMS][: QUICK_PROBLEMS if quick else None]:
        start = time.perf_counter()
        results[name] = both(PROBLEMS[name], quick)
        results[f"{name}_seconds"] = time.perf_counter() - start
        print(name, results[name], flush=True)
    return results


def both(make, quick) -> dict:
    """Errors and times of one problem with either network."""
    errors = {kind: [] for kind in KINDS}
    for seed in range(1 if quick else make().seeds):
        models = {}
        for kind, network in KINDS.items():
            dde.config.set_random_seed(seed)
            problem = make()
            iterations = 3 if quick else problem.iterations
            models[kind] = model = problem.trained(network, iterations)
            errors[kind].append(float(problem.error(model)))
    # The last two models, whose steps are compiled.
    times = milliseconds([step(m) for m in models.values()], 2 if quick else TURNS)
    parameters = [
        sum(int(np.prod(w.shape)) for w in model.net.trainable_variables)
        for model in models.values()
    ]
    median = {kind: float(np.median(values)) for kind, values in errors.items()}
    return {
        "iterations": iterations,
        "seeds": len(errors["FNN"]),
        "parameters": parameters,
        "errors": errors,
        "error_ratio": median["LRNR"] / median["FNN"],
        "step_ms": times,
        "step_ratio": times[1] / times[0],
    }


def step(model):
    """One step of training, on the points that the model has."""
    state = model.train_state

    def train():
        model.train_step(state.X_train, state.y_train, state.train_aux_vars)

    return train


def summary(results) -> dict:
    """``worst_error_ratio`` and ``worst_step_ratio``, of what has been measured."""
    found = [results[name] for name in PROBLEMS if name in results]
    return {
        f"worst_{what}_ratio": max(values[f"{what}_ratio"] for values in found)
        for what in ("error", "step")
    }


def describe(results):
    rows = []
    for name in PROBLEMS:
        if name not in results:
            rows.append([name.replace("_", " "), "not measured", *[""] * 5])
            continue
        values = results[name]
        fnn, low_rank = (np.median(values["errors"][kind]) for kind in KINDS)
        rows.append(
            [
                name.replace("_", " "),
                values["iterations"],
                " / ".join(map(str, values["parameters"])),
                percent(fnn),
                percent(low_rank),
                values["error_ratio"],
                values["step_ratio"],
            ]
        )
    columns = ["problem", "steps", "parameters", "FNN", "LRNR", "error", "step time"]
    return (
        "Parameters are those of FNN / LRNR; the last two columns LRNR over FNN.\n\n"
        + table(columns, rows)
    )


if __name__ == "__main__":
    run(sys.modules[__name__])
