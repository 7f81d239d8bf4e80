"""What r_hat, FastLRNR's number of modes, buys: time of a step and final error.

Trained CDR, M = 96, 8 mu not trained on, L1 relative errors on 256 x 101 points. For
each r_hat (at most M)

- ``paper``: EIM with r_hat neurons at the paper's 4 x 3 points and its fast phase, 400
  steps of Adam with its settings
- ``gauss_newton``: Gauss-Newton with the Jacobian of FastLRNR at 384 points; the fitted
  reduction keeps 2 r_hat neurons (at most M: then the Jacobian is exact)
- ``step_ms``: one step of the paper's Adam through its FastLRNR for one mu: a 400th of
  ``fast.solve(mu, Adam())``, overhead included. ``full_step_ms`` is the same through
  the whole LRNR

beside the hypernetwork without a fast phase and the default reduction with Gauss-Newton
and learned Jacobian, on which r_hat has no influence.

    python benchmarks/r_hat.py --json benchmarks/results/r_hat.json
"""

import sys
import warnings

import deepxde_lrnr as lrnr
import numpy as np
from _families import PAPER_POINTS, POINTS, Family, relative_l1, trained
from _harness import milliseconds, percent, run, table
from deepxde_lrnr.fast_phase import Adam, GaussNewton
from matplotlib.figure import Figure

R_HATS = (2, 5, 8, 16, 32, 64)
NUM_MU = 8
METHODS = {
    "paper": "paper: EIM, Adam",
    "gauss_newton": "Gauss-Newton, FastLRNR's Jacobian",
}
FIXED = {
    "before": "hypernetwork alone",
    "default": "default, learned Jacobian",
}
REPEATS = 7


def compute(quick):
    warnings.simplefilter("ignore", lrnr.OutsideParameterSpaceWarning)
    family, r_hats, num_mu, sizes = Family(), R_HATS, NUM_MU, {}
    if quick:
        family = Family(width=16, rank=3, iterations=20, batch=(8, 8))
        r_hats, num_mu, sizes = (2,), 2, {"points": 40, "num_nodes": 5}
    model = trained(family)
    r_hats = list(dict.fromkeys(min(r, family.width) for r in r_hats))
    mu, _ = family.new_parameters(num_mu, 0)
    reference = family.reference(mu)

    def error(prediction):
        l1 = relative_l1(prediction, reference)
        return {"l1_mean": float(l1.mean()), "l1_max": float(l1.max())}

    def solved(fast, solver):
        # One at a time, which is what is timed below: each number of mu would be
        # compiled anew.
        return error(np.array([fast.solve(m, solver).predict(POINTS) for m in mu]))

    papers = [model.reduce(method="eim", rank=r, points=PAPER_POINTS) for r in r_hats]
    ours = [model.reduce(rank=r, **sizes) for r in r_hats]
    newton = GaussNewton(jacobian="fast", damping=1e-3)
    default = GaussNewton(jacobian="learned", damping=1e-3)
    results = {
        "r_hat": r_hats,
        "neurons": [max(len(layer.indices) for layer in f.layers) for f in ours],
        "paper": [solved(f, Adam()) for f in papers],
        "gauss_newton": [solved(f, newton) for f in ours],
        "before": error(model.predict(POINTS, mu)),
        "default": solved(model.reduce(**sizes), default),
    }

    runs = [(f, Adam()) for f in papers] + [(papers[0], Adam(network="full"))]
    times = milliseconds([lambda r=r: r[0].solve(mu[0], r[1]) for r in runs], REPEATS)
    times = [ms / Adam().iterations for ms in times]
    *results["step_ms"], results["full_step_ms"] = times
    return results


def describe(results):
    r_hats, before = results["r_hat"], results["before"]
    full_ms = results["full_step_ms"]
    text = "Errors, mean and max over mu:\n\n"
    rows = [
        [
            str(r),
            ms,
            full_ms / ms,
            *(percent(e[k]) for e in (p, g) for k in ("l1_mean", "l1_max")),
            neurons,
        ]
        for r, ms, p, g, neurons in zip(
            r_hats,
            results["step_ms"],
            results["paper"],
            results["gauss_newton"],
            results["neurons"],
            strict=True,
        )
    ]
    columns = ["r_hat", "ms a step", "whole LRNR's over it"]
    columns += ["paper, mean", "max", "Gauss-Newton, mean", "max", "its neurons"]
    text += table(columns, rows) + "\n"
    rows = [
        [name, percent(results[key]["l1_mean"]), percent(results[key]["l1_max"])]
        for key, name in FIXED.items()
    ]
    text += table(["without r_hat", "mean", "max"], rows) + "\n"
    for key, title in METHODS.items():
        ratios = [e["l1_mean"] / before["l1_mean"] for e in results[key]]
        # Less than 0.1 % is no difference.
        worse = [str(r) for r, q in zip(r_hats, ratios, strict=True) if q > 1.001]
        best = int(np.argmin(ratios))
        text += (
            f"{title}: changes the hypernetwork's mean error by a factor of "
            f"{ratios[best]:.3g} (r_hat = {r_hats[best]}) to {max(ratios):.3g}; it is "
            f"worse than no fast phase for r_hat = {', '.join(worse) or 'none'}.\n"
        )
    ratio = results["default"]["l1_mean"] / before["l1_mean"]
    return text + (
        f"The default's factor is {ratio:.3g}. A step with r_hat = {r_hats[-1]} takes "
        f"{results['step_ms'][-1] / results['step_ms'][0]:.2f} times one with "
        f"{r_hats[0]}; through the whole LRNR, {full_ms:.3g} ms.\n"
    )


def draw(results):
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    r_hats = results["r_hat"]
    left.loglog(r_hats, results["step_ms"], "o-", label="FastLRNR")
    left.axhline(results["full_step_ms"], color="gray", ls="--", label="whole LRNR")
    left.set_ylabel("ms a step of Adam, one mu")
    for color, (key, label) in zip(("C0", "C1"), METHODS.items(), strict=True):
        for statistic, style in (("l1_mean", "o-"), ("l1_max", "o:")):
            errors = [e[statistic] for e in results[key]]
            name = label if statistic == "l1_mean" else None
            right.loglog(r_hats, errors, style, color=color, label=name)
    for color, (key, label) in zip(("gray", "C2"), FIXED.items(), strict=True):
        right.axhline(results[key]["l1_mean"], color=color, label=label)
        right.axhline(results[key]["l1_max"], color=color, ls=":")
    right.set_ylabel("L1 error: mean (full line), max (dots)")
    for axes in (left, right):
        axes.set_xlabel("r_hat")
        axes.set_xticks(r_hats, [str(r) for r in r_hats])
        axes.set_xticks([], minor=True)
        axes.legend()
    return figure


if __name__ == "__main__":
    run(sys.modules[__name__])
