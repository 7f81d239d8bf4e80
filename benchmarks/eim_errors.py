"""How well the selected neurons stand for the whole layer: EIM and its alternatives.

Of a hidden state h the next layer needs target^T h, which FastLRNR computes from
r_hat neurons as C h[indices]. Relative error of that, at the points of the snapshots
and at random other ones, always for mu that gave no snapshot; for values, and for first
and second derivatives along x and t, which the residual needs. Trained CDR, M = 96.

- ``eim, grid``: the paper's. 4 x 3 points, moved by +-1 % of a side in place of
  derivatives; r_hat modes, EIM (here: DEIM) neurons
- ``eim``: the same on 384 Hammersley points, values and derivatives as snapshots
- ``qdeim``: these snapshots, r_hat modes, neurons of Q-DEIM
- ``gappy``: r_hat / 2 modes, oversampled neurons, least squares on the modes
- ``fitted``: the same neurons, map fitted to the snapshots (the library's default)

The library's fast phase does not need these maps to be accurate: its least squares
combine whatever FastLRNR computes. The paper's does.

r_hat is the number of neurons, on which the time depends, so that methods are compared
at equal cost. Numbers are root mean squares over layers and kinds of derivative.

    python benchmarks/eim_errors.py --json benchmarks/results/eim_errors.json
"""

import sys

import numpy as np
from _families import PAPER_POINTS, Family, hidden_states, trained
from _harness import percent, run, table
from deepxde_lrnr.offline.snapshots import snapshot_points
from deepxde_lrnr.reduction import interpolation_map, pod, reduce_layer
from deepxde_lrnr.reduction import oversampled_indices as oversampled
from matplotlib.figure import Figure

R_HATS = (2, 4, 8, 16, 24, 32, 48, 64)
METHODS = ("eim, grid", "eim", "qdeim", "gappy", "fitted")
WHERE = {
    "values_at": "values at the sampling points",
    "values_away": "values away from them",
    "derivatives_at": "derivatives at the sampling points",
    "derivatives_away": "derivatives away from them",
}
SNAPSHOTS, TESTS = 4000, 2000
# Values, and derivatives along x and t.
KINDS = ((0, 0), (1, 0), (2, 0), (0, 1), (0, 2))


def compute(quick):
    family = Family()
    if quick:
        family = Family(width=16, rank=3, iterations=20, batch=(8, 8))
    model = trained(family)
    r_hats = [r for r in R_HATS if r < family.width]
    stack = model.net.stack
    targets = [np.asarray(w, float) for w in (*stack.V, stack.W_out)]
    rng = np.random.default_rng(0)
    mu = family.space.sample(125, "Halton")
    sides = np.array([2 * np.pi, 1])
    hammersley = model.data.geom.random_points(384, random="Hammersley")
    away = rng.uniform(size=(384, 2)) * sides

    def states(points, mu, size, kinds=KINDS):
        return hidden_states(model, points, mu, size, rng, kinds)

    shifted = snapshot_points(model.data, PAPER_POINTS, shifted=True)
    training = {
        "grid": states(shifted, mu[:100], SNAPSHOTS, KINDS[:1]),
        "Hammersley": states(hammersley, mu[:100], SNAPSHOTS),
    }
    tests = {
        "grid": states(PAPER_POINTS, mu[100:], TESTS),
        "Hammersley": states(hammersley, mu[100:], TESTS),
        "away": states(away, mu[100:], TESTS),
    }
    errors = {}
    for method in METHODS:
        sampling = "grid" if "grid" in method else "Hammersley"
        places = {"at": tests[sampling], "away": tests["away"]}
        rows = [
            errors_of(method, training[sampling], places, targets, r) for r in r_hats
        ]
        errors[method] = {where: [row[where] for row in rows] for where in WHERE}
    return {"r_hat": r_hats, "errors": errors}


def errors_of(method, training, places, targets, r_hat) -> dict:
    """Root mean square errors over the layers, keys as in WHERE."""
    squares = {where: [] for where in WHERE}
    for level, target in enumerate(targets):
        values, *slopes = training[level]
        indices, reduced_map = reduced(method, values, slopes or None, target, r_hat)
        for place, test in places.items():
            for i, h in enumerate(test[level]):
                exact = target.T @ h
                error = np.linalg.norm(exact - reduced_map @ h[indices])
                kind = "derivatives" if i else "values"
                squares[f"{kind}_{place}"] += [(error / np.linalg.norm(exact)) ** 2]
    return {where: float(np.sqrt(np.mean(s))) for where, s in squares.items()}


def reduced(method, values, slopes, target, r_hat):
    """Neurons and map."""
    if method == "gappy":
        # As ``reduce_layer`` scales them: every kind of derivative weighs like values.
        size = np.sqrt(np.mean(values**2))
        scaled = [a * size / np.sqrt(np.mean(a**2)) for a in slopes]
        modes, _ = pod(np.hstack([values, *scaled]), rank=r_hat // 2)
        indices = oversampled(modes, r_hat)
        return indices, interpolation_map(modes, indices, target)
    name, rank = method.split(",")[0], r_hat // 2 if method == "fitted" else r_hat
    layer = reduce_layer(values, target, name, rank, derivative_snapshots=slopes)
    return layer.indices, layer.map


def describe(results):
    r_hats, errors = results["r_hat"], results["errors"]
    text = ""
    for where, title in WHERE.items():
        rows = [[m, *(percent(e) for e in errors[m][where])] for m in METHODS]
        text += table([f"{title}: r_hat", *map(str, r_hats)], rows) + "\n"

    def quotient(above, below):
        (m, a), (n, b) = above, below
        ratios = np.array(errors[m][a]) / errors[n][b]
        return f"{min(ratios):.3g} to {max(ratios):.3g}"

    paper = "eim, grid"
    text += (
        "The paper's error away from its 12 points, over that at them: values "
        f"{quotient((paper, 'values_away'), (paper, 'values_at'))}, derivatives "
        f"{quotient((paper, 'derivatives_away'), (paper, 'derivatives_at'))}. More "
        "points, and derivatives as snapshots, divide EIM's error of derivatives away "
        "from them by "
        f"{quotient((paper, 'derivatives_away'), ('eim', 'derivatives_away'))}.\n\n"
    )
    for where in ("values_away", "derivatives_away"):
        best = [
            min((errors[m][where][i], m) for m in METHODS) for i in range(len(r_hats))
        ]
        won = [f"{r}: {m}" for r, (_, m) in zip(r_hats, best, strict=True)]
        text += f"Best by r_hat, {WHERE[where]}: {'; '.join(won)}.\n"
    return text


def draw(results):
    figure = Figure(figsize=(11, 7), layout="constrained")
    r_hats, grid = results["r_hat"], figure.subplots(2, 2, sharey=True)
    for axes, (where, title) in zip(grid.flat, WHERE.items(), strict=True):
        for method, errors in results["errors"].items():
            axes.loglog(r_hats, errors[where], ".-", label=method)
        axes.set_title(title)
        axes.set_xlabel("r_hat, neurons a layer")
        axes.set_xticks(r_hats, [str(r) for r in r_hats])
        axes.set_xticks([], minor=True)
        axes.set_ylabel("relative error")
        axes.axhline(1, color="gray", lw=0.8, ls="--")
    figure.axes[0].legend()
    return figure


if __name__ == "__main__":
    run(sys.modules[__name__])
