"""The paper's accuracy experiment: error against steps, FastLRNR and LRNR.

Convection and CDR, 10 mu each not trained on; L1 relative error on 256 x 101 points.
The paper's settings: EIM with r_hat = 5, 4 x 3 points, Adam with learning rate 5e-5.

- ``fast``: Adam on the coefficients through FastLRNR
- ``full``: the same through the full LRNR
- ``fast_free``: as ``fast``, without the locality term
- ``default``: least squares for the readout, ``model.reduce()`` and ``fast.solve(mu)``,
  which decides itself when to stop

Adam's path is deterministic: after n steps it is where Adam with n iterations ends.

    python benchmarks/accuracy_steps.py --json benchmarks/results/accuracy_steps.json
"""

import sys

import numpy as np
from _families import POINTS, Family, relative_l1, trained
from _harness import percent, run, table
from deepxde_lrnr.fast_phase import Adam, LeastSquares
from matplotlib.figure import Figure
from sampling_points import ROUNDING, grid

FAMILIES = {
    "convection": Family("convection", 64, 10, 2500, (32, 64)),
    "cdr": Family(),
}
# One family is enough to test the code; compilation takes most of the time.
QUICK = {"convection": Family("convection", 16, 3, 20, (8, 8))}
STEPS = (0, 25, 50, 100, 200, 400)
PATHS = {
    "fast": ("FastLRNR", {}),
    "full": ("LRNR", {"network": "full"}),
    "fast_free": ("FastLRNR, no locality", {"locality": 0.0}),
}
DEFAULT = LeastSquares()
TITLES = {"convection": "convection", "cdr": "CDR"}


def compute(quick):
    if quick:
        return {name: accuracy(family, (0, 5), 3, 8) for name, family in QUICK.items()}
    return {name: accuracy(family, STEPS, 10) for name, family in FAMILIES.items()}


def accuracy(family, steps, num_mu, rank=None) -> dict:
    """Errors of one family along the paths, and of the default."""
    model = trained(family)
    mu, _ = family.new_parameters(num_mu, 0)
    reference = family.reference(mu)
    before = relative_l1(model.predict(POINTS, mu), reference)
    paper = model.reduce(method="eim", rank=5, points=grid(4, 3))

    def errors(fast, solver):
        solution = fast.solve(mu, solver)
        return relative_l1(solution.predict(POINTS), reference), solution

    results = {"num_mu": num_mu, "steps": list(steps)}
    for name, (_, settings) in PATHS.items():
        # Nothing has happened at the first of the step counts, 0.
        path = [before]
        path += [errors(paper, Adam(iterations=n, **settings))[0] for n in steps[1:]]
        results[name] = along(np.array(path), before)
    after, solution = errors(model.reduce(rank=rank), DEFAULT)
    results["default"] = {
        **along(after[None], before),
        "steps_mean": float(np.mean(solution.steps)),
    }
    return results


def along(path, before) -> dict:
    """Mean, max, and number of mu worse than at the start, after each step count."""
    return {
        "mean": path.mean(axis=1).tolist(),
        "max": path.max(axis=1).tolist(),
        "worse": (path > (1 + ROUNDING) * before).sum(axis=1).tolist(),
    }


def describe(results):
    text = "Mean (max) L1 relative error.\n\n"
    for key, part in families(results):
        rows = [
            [n] + [cell(part[name], i) for name in PATHS]
            for i, n in enumerate(part["steps"])
        ]
        text += f"{TITLES[key]}:\n\n"
        text += table(["steps", *(label for label, _ in PATHS.values())], rows)
        text += f"\nDefault, {part['default']['steps_mean']:.1f} steps on average: "
        text += f"{cell(part['default'], 0)}.\n\n{finding(part)}\n\n"
    return text


def families(results) -> list:
    """Those with results: one only with ``--quick``."""
    return [(key, results[key]) for key in TITLES if key in results]


def cell(path, i) -> str:
    return f"{percent(path['mean'][i])} ({percent(path['max'][i])})"


def finding(part) -> str:
    """What happened from the first to the last step, in words."""
    lines = []
    for name, (label, _) in PATHS.items():
        path = part[name]
        ratio = path["mean"][-1] / path["mean"][0]
        verb = "falls" if ratio < 1 - ROUNDING else "does not fall"
        line = f"- {label}: mean error {verb}, "
        line += f"to {ratio:.3f} times the start's after {part['steps'][-1]} steps"
        best = int(np.argmin(path["mean"]))
        if best < len(path["mean"]) - 1:
            line += f" (smallest at {part['steps'][best]})"
        lines.append(f"{line}; worse for {path['worse'][-1]} of {part['num_mu']} mu.")
    default, fast, full = (part[name]["mean"] for name in ("default", "fast", "full"))
    lines.append(
        f"- FastLRNR ends at {fast[-1] / full[-1]:.2f} times the error of LRNR. The "
        f"default ends at {default[0] / fast[0]:.2g} times the start's, "
        f"{default[0] / fast[-1]:.2g} times that of FastLRNR; worse for "
        f"{part['default']['worse'][0]} of {part['num_mu']} mu."
    )
    return "\n".join(lines)


def draw(results):
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    parts = families(results)
    panels = figure.subplots(1, len(parts), squeeze=False)[0]
    for axes, (key, part) in zip(panels, parts, strict=True):
        steps = part["steps"]
        for name, (label, _) in PATHS.items():
            (line,) = axes.semilogy(steps, part[name]["mean"], "o-", label=label)
            color = line.get_color()
            axes.semilogy(steps, part[name]["max"], "o:", color=color)
        for statistic, style in (("mean", "-"), ("max", ":")):
            value = part["default"][statistic][0]
            label = "default, at its end" if statistic == "mean" else None
            axes.axhline(value, color="black", ls=style, label=label)
        axes.set(title=TITLES[key], xlabel="steps")
        axes.set_ylabel("L1 relative error (dotted: max)")
        axes.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    run(sys.modules[__name__])
