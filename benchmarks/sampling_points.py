"""How many points the fast phase needs: error and time against their number.

CDR, 8 mu not trained on. Uniform grids from the paper's 4 x 3 in x and t to 32 x 24,
and the default points (768 of a Hammersley sequence). At each of them

- ``ours``: Gauss-Newton with a learned Jacobian and a fixed damping, so that only the
  points differ
- ``paper``: the paper's Adam on FastLRNR (EIM, r_hat = 5)

The L1 relative error on 256 x 101 points is the truth; ``residual_ratio``, the
geometric mean of the held-out residual after / before, is what a user sees of it. The
time is of one mu after compilation, at all grids and with both solvers in turns.

    python benchmarks/sampling_points.py --json benchmarks/results/sampling_points.json
"""

import sys

import numpy as np
from _families import POINTS, Family, relative_l1, trained
from _harness import milliseconds, percent, run, table
from deepxde_lrnr.fast_phase import Adam, GaussNewton
from matplotlib.figure import Figure

GRIDS = ((4, 3), (8, 6), (16, 12), (24, 16), (32, 24))
SOLVERS = {"ours": GaussNewton(jacobian="learned", damping=1e-3), "paper": Adam()}
TITLES = {"ours": "Gauss-Newton, learned Jacobian", "paper": "the paper's Adam"}
NUM_MU = 8
# Points closer in error than this are called equally good.
TOLERANCE = 1.05
# Smaller changes are none: where ours refuses to move, only rounding is left.
ROUNDING = 1e-3


def compute(quick):
    family = Family()
    grids, solvers, num_mu, repeats = GRIDS, SOLVERS, NUM_MU, 7
    if quick:
        family = Family(width=16, rank=3, iterations=20, batch=(8, 8))
        grids, num_mu, repeats = GRIDS[:1], 2, 2
        solvers = {**SOLVERS, "paper": Adam(iterations=5)}
    model = trained(family)
    mu, _ = family.new_parameters(num_mu, 0)
    reference = family.reference(mu)
    before = relative_l1(model.predict(POINTS, mu), reference)
    results = {"before_mean": float(before.mean()), "before_max": float(before.max())}
    functions, rows = [], []
    for name, solver in solvers.items():
        how = {} if name == "ours" else {"method": "eim", "rank": 5}
        results[name] = []
        for shape in (*grids, None):
            fast = model.reduce(points=grid(*shape) if shape else None, **how)
            # One by one: the timing then needs no compilation of its own.
            solutions = [fast.solve(m, solver) for m in mu]
            after = relative_l1([s.predict(POINTS) for s in solutions], reference)
            fall = [s.residual / s.initial_residual for s in solutions]
            row = {
                "grid": "{} x {}".format(*shape) if shape else "default",
                "points": len(fast.residual.collocation.pde_points),
                "mean": float(after.mean()),
                "max": float(after.max()),
                "worse": int(np.sum(after > (1 + ROUNDING) * before)),
                "residual_ratio": float(np.exp(np.mean(np.log(fall)))),
            }
            results[name].append(row)
            rows.append(row)
            functions.append(lambda f=fast, s=solver: f.solve(mu[0], s))
    for row, ms in zip(rows, milliseconds(functions, repeats), strict=True):
        row["ms"] = ms
    return {"num_mu": num_mu, **results}


def describe(results):
    text = (
        f"Before the fast phase: {percent(results['before_mean'])} mean, "
        f"{percent(results['before_max'])} max. *worse* counts the mu, of "
        f"{results['num_mu']}, whose error grew.\n\n"
    )
    for name, title in TITLES.items():
        rows = [
            [row["grid"], row["points"], percent(row["mean"]), percent(row["max"])]
            + [row["worse"], row["residual_ratio"], row["ms"]]
            for row in results[name]
        ]
        columns = ["points", "number", "mean L1 error", "max", "worse"]
        columns += ["residual after / before", "ms a mu"]
        text += f"{title}:\n\n" + table(columns, rows) + "\n"
        text += finding(results[name], results["before_mean"]) + "\n\n"
    return text


def finding(rows, before) -> str:
    """What the rows of one solver say about the number of points."""
    *grids, default = rows
    best = min(row["mean"] for row in grids)
    enough = next(row for row in grids if row["mean"] <= TOLERANCE * best)
    text = f"Of the grids {enough['grid']} is enough"
    less, more = 1 - ROUNDING, 1 + ROUNDING
    if best >= less * before:
        text = f"No grid improves on the start; the least bad is {enough['grid']}"
    text += f" ({percent(enough['mean'])}; the best has {percent(best)}). "
    ratio = default["mean"] / best
    text += f"The default points end at {ratio:.2f} times the best grid's error. "
    changes = [(r["grid"], r["residual_ratio"], r["mean"] / before) for r in rows]
    misled = [name for name, seen, true in changes if seen < less and true > more]
    alarmed = [name for name, seen, true in changes if seen > more and true < less]
    for which, what in (
        (misled, "The held-out residual fell although the error grew at"),
        (alarmed, "The held-out residual grew although the error fell at"),
    ):
        if which:
            text += f"{what} {', '.join(which)}. "
    if not misled + alarmed:
        text += "Nowhere do residual and mean error move in opposite directions."
    return text.strip()


def draw(results):
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    error, time = figure.subplots(1, 2)
    for name, title in TITLES.items():
        *grids, default = results[name]
        points = [row["points"] for row in grids]
        (line,) = error.loglog(points, [r["mean"] for r in grids], "o-", label=title)
        color = line.get_color()
        error.loglog(points, [r["max"] for r in grids], "o:", color=color)
        error.loglog(default["points"], default["mean"], "*", ms=13, color=color)
        time.loglog(points, [r["ms"] for r in grids], "o-", color=color, label=title)
        time.loglog(default["points"], default["ms"], "*", ms=13, color=color)
    error.axhline(results["before_mean"], color="gray", ls="--", label="before")
    error.set(xlabel="points", ylabel="L1 relative error (dotted: max)")
    error.legend()
    time.set(xlabel="points (star: default)", ylabel="ms for one mu")
    return figure


def grid(num_x, num_t):
    """Uniform points in [0, 2 pi) x [0, 1], shape (num_x num_t, 2)."""
    # x = 2 pi is x = 0 once more: the solutions are periodic.
    x = np.linspace(0, 2 * np.pi, num_x, endpoint=False)
    return np.stack(np.meshgrid(x, np.linspace(0, 1, num_t)), -1).reshape(-1, 2)


if __name__ == "__main__":
    run(sys.modules[__name__])
