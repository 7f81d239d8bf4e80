"""How many points the fast phase needs: error and time against their number.

CDR, 8 mu not trained on.

- ``ours``: least squares for the readout, with the neurons that the default takes, so
  that only the points differ: from 1.25 to 12 points an unknown. The default is three
- ``paper``: the paper's Adam on FastLRNR (EIM, r_hat = 5), on uniform grids from its
  4 x 3 in x and t to 32 x 24

The L1 relative error on 256 x 101 points is the truth; ``residual_ratio``, the
geometric mean of the held-out residual after / before, is what a user sees of it. The
time is of one mu after compilation, all of them in turns.

    python benchmarks/sampling_points.py --json benchmarks/results/sampling_points.json
"""

import sys

import numpy as np
from _families import POINTS, Family, relative_l1, trained
from _harness import milliseconds, percent, run, table
from deepxde_lrnr.fast_phase import Adam, LeastSquares
from matplotlib.figure import Figure

GRIDS = ((4, 3), (8, 6), (16, 12), (24, 16), (32, 24))
# Points an unknown.
SHARES = (1.25, 1.5, 2, 3, 4, 6, 12)
DEFAULT = 3
TITLES = {"ours": "Least squares for the readout", "paper": "The paper's Adam"}
NUM_MU = 8
# Errors closer than this factor are called equally good.
TOLERANCE = 1.5
# Smaller changes of an error are none.
ROUNDING = 1e-3


def compute(quick):
    family, grids, shares, num_mu, repeats = Family(), GRIDS, SHARES, NUM_MU, 7
    adam = Adam()
    if quick:
        family = Family(width=16, rank=3, iterations=20, batch=(8, 8))
        grids, shares, num_mu, repeats = GRIDS[:1], (2, DEFAULT), 2, 2
        adam = Adam(iterations=5)
    model = trained(family)
    mu, _ = family.new_parameters(num_mu, 0)
    reference = family.reference(mu)
    before = relative_l1(model.predict(POINTS, mu), reference)
    results = {"before_mean": float(before.mean()), "before_max": float(before.max())}

    rank = 8
    if not quick:
        rank = max(len(layer.indices) for layer in model.reduce().layers)
    unknowns = model.reduce(rank=rank).report().num_unknowns
    settings = {"ours": [], "paper": []}
    for share in shares:
        fast = model.reduce(rank=rank, points=int(np.ceil(share * unknowns)))
        settings["ours"].append((f"{share:g} an unknown", fast, LeastSquares()))
    for shape in grids:
        fast = model.reduce(method="eim", rank=3 if quick else 5, points=grid(*shape))
        settings["paper"].append(("{} x {}".format(*shape), fast, adam))

    functions, rows = [], []
    for name, which in settings.items():
        results[name] = []
        for label, fast, solver in which:
            # One by one: the timing then needs no compilation of its own.
            solutions = [fast.solve(m, solver) for m in mu]
            after = relative_l1([s.predict(POINTS) for s in solutions], reference)
            fall = [s.residual / s.initial_residual for s in solutions]
            row = {
                "which": label,
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
    default = list(shares).index(DEFAULT)
    sizes = {"num_mu": num_mu, "rank": rank, "unknowns": unknowns, "default": default}
    return {**sizes, **results}


def describe(results):
    text = (
        f"Before the fast phase: {percent(results['before_mean'])} mean, "
        f"{percent(results['before_max'])} max. *worse* counts the mu, of "
        f"{results['num_mu']}, whose error grew. Ours has {results['unknowns']} "
        f"unknowns, {results['rank']} neurons a layer.\n\n"
    )
    for name, title in TITLES.items():
        rows = [
            [row["which"], row["points"], percent(row["mean"]), percent(row["max"])]
            + [row["worse"], row["residual_ratio"], row["ms"]]
            for row in results[name]
        ]
        columns = ["points", "number", "mean L1 error", "max", "worse"]
        columns += ["residual after / before", "ms a mu"]
        text += f"{title}:\n\n" + table(columns, rows) + "\n"
        text += finding(results[name], results["before_mean"]) + "\n\n"
    ours = results["ours"]
    ratio = ours[results["default"]]["mean"] / min(row["mean"] for row in ours)
    return text + (
        f"By default ({DEFAULT} points an unknown) the error of ours is {ratio:.2f} "
        "times the best in its table.\n"
    )


def finding(rows, before) -> str:
    """What the rows of one solver say about the number of points."""
    best = min(row["mean"] for row in rows)
    enough = next(row for row in rows if row["mean"] <= TOLERANCE * best)
    less, more = 1 - ROUNDING, 1 + ROUNDING
    text = f"{enough['which']} is enough"
    if best >= less * before:
        text = f"None improves on the start; the least bad is {enough['which']}"
    text += f" ({percent(enough['mean'])}; the best has {percent(best)}). "
    changes = [(r["which"], r["residual_ratio"], r["mean"] / before) for r in rows]
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
        rows = results[name]
        points = [row["points"] for row in rows]
        (line,) = error.loglog(points, [r["mean"] for r in rows], "o-", label=title)
        color = line.get_color()
        error.loglog(points, [r["max"] for r in rows], "o:", color=color)
        time.loglog(points, [r["ms"] for r in rows], "o-", color=color, label=title)
        if name == "ours":
            default = rows[results["default"]]
            for axes, key in ((error, "mean"), (time, "ms")):
                axes.loglog(default["points"], default[key], "*", ms=13, color=color)
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
