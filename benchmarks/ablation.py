"""What R_ortho, R_sparse and locality are worth: each removed, and all together.

CDR, a small network trained briefly, with 3 seeds. R_ortho and R_sparse are terms of
the meta phase, locality is a term of the paper's fast phase. For 10 mu not trained on:

    meta           mean L1 relative error of the hypernetwork's prediction
    map_error      relative error of FastLRNR's maps with 8 modes, mean over the layers:
                   how badly the network is reduced
    dropped        number of coefficients that are zero over the whole box
    paper          mean L1 error after the paper's fast phase (Adam, 4 x 3 points, EIM
                   with r_hat = 5)
    paper_free     the same without locality
    ours           mean L1 error after least squares for the readout, with 16 neurons
                   a layer: a fixed number, so that only the training differs

An effect is the change that a removal makes, seed by seed. It is called clear if it has
the same sign for every seed and its mean exceeds its standard deviation.

    python benchmarks/ablation.py --json benchmarks/results/ablation.json
"""

import sys

import numpy as np
from _families import POINTS, Family, relative_l1, trained
from _harness import percent, run, table
from deepxde_lrnr.fast_phase import Adam, LeastSquares
from matplotlib.figure import Figure
from sampling_points import grid

ORTHOGONALITY, SPARSITY = ("orthogonality", 1e-3), ("sparsity", 1e-4)
VARIANTS = {
    "both": (ORTHOGONALITY, SPARSITY),
    "no R_ortho": (SPARSITY,),
    "no R_sparse": (ORTHOGONALITY,),
    "neither": (),
}
METRICS = ("meta", "map_error", "dropped", "paper", "paper_free", "ours")
PANELS = {
    "error of the hypernetwork's prediction": {"meta": ""},
    "error of FastLRNR's maps, 8 modes": {"map_error": ""},
    "error after the fast phase": {
        "paper": "the paper's",
        "paper_free": "the paper's without locality",
        "ours": "least squares",
    },
}
# What is removed: where it is read off, and where the comparison starts.
WHOLE = ("both", "paper")
REMOVALS = {
    "R_ortho": ("no R_ortho", "paper"),
    "R_sparse": ("no R_sparse", "paper"),
    "locality": ("both", "paper_free"),
    "all three": ("neither", "paper_free"),
}


def compute(quick):
    seeds, sizes = (0, 1, 2), {"width": 64, "rank": 12, "iterations": 400}
    batch, variants, steps = (32, 32), VARIANTS, 400
    if quick:
        seeds, sizes = (0,), {"width": 16, "rank": 3, "iterations": 20}
        batch, steps = (8, 8), 5
        # Compilation for each network takes most of the time.
        variants = {"both": VARIANTS["both"]}
    results = {"seeds": list(seeds), "variants": {}}
    for name, regularization in variants.items():
        rows = [
            measure(
                Family(**sizes, batch=batch, seed=seed, regularization=regularization),
                steps,
            )
            for seed in seeds
        ]
        results["variants"][name] = {
            metric: [row[metric] for row in rows] for metric in METRICS
        }
    return results


def measure(family, steps) -> dict:
    """The metrics of one trained network."""
    model = trained(family)
    mu, _ = family.new_parameters(10, 0)
    reference = family.reference(mu)

    def error(u):
        return float(relative_l1(u, reference).mean())

    fast = model.reduce(rank=16)
    maps = model.reduce(rank=8).layers
    paper = model.reduce(method="eim", rank=5, points=grid(4, 3))
    solves = {
        "paper": (paper, Adam(iterations=steps)),
        "paper_free": (paper, Adam(iterations=steps, locality=0.0)),
        "ours": (fast, LeastSquares()),
    }
    return {
        "meta": error(model.predict(POINTS, mu)),
        "map_error": float(np.mean([layer.error_values for layer in maps])),
        "dropped": len(fast.dropped),
        **{
            name: error(reduced.solve(mu, solver).predict(POINTS))
            for name, (reduced, solver) in solves.items()
        },
    }


def describe(results):
    variants = results["variants"]
    rows = [
        [name] + [spread(metric, row[metric]) for metric in METRICS]
        for name, row in variants.items()
    ]
    seeds = len(results["seeds"])
    text = f"Mean ± standard deviation over {seeds} seed{'s' * (seeds > 1)}.\n\n"
    text += table(["training with", *METRICS], rows) + "\n"
    text += "Mean change of an error by removing a term, as a share of the error, "
    text += "and its standard deviation over the seeds:\n\n"
    for removed, (variant, after) in REMOVALS.items():
        if variant not in variants:
            continue
        pairs = {"the paper's fast phase": (WHOLE[1], after)}
        if variant != WHOLE[0]:
            trained_only = ("meta", "map_error", "ours")
            pairs = {m: (m, m) for m in trained_only} | pairs
        effects = [
            f"{title} {effect(variants[WHOLE[0]][old], variants[variant][new])}"
            for title, (old, new) in pairs.items()
        ]
        text += f"- without {removed}: {', '.join(effects)}\n"
    return text + "\n" + verdict(variants["both"]) + "\n"


def spread(metric, values) -> str:
    mean, std = np.mean(values), deviation(values)
    if metric == "dropped":
        return f"{mean:.1f} ± {std:.1f}"
    return f"{percent(mean)} ± {percent(std)}"


def deviation(values) -> float:
    """Standard deviation over the seeds, 0 if there is one only."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def effect(old, new) -> str:
    """Relative change from old to new, paired by seed, and whether it is clear."""
    change = np.array(new) / np.array(old) - 1
    mean = change.mean()
    if len(change) == 1:
        return f"{100 * mean:+.1f} % (one seed)"
    std = deviation(change)
    clear = abs(np.sign(change).sum()) == len(change) and abs(mean) > std
    word = ("worse" if mean > 0 else "better") if clear else "not clear"
    return f"{100 * mean:+.1f} ± {100 * std:.1f} % ({word})"


def verdict(whole) -> str:
    """Whether the fast phases improve on the hypernetwork with all three terms."""
    ratios = [
        f"{np.mean(np.array(whole[m]) / np.array(whole['meta'])):.3g} times ({title})"
        for m, title in (
            ("paper", "the paper's"),
            ("paper_free", "the paper's without locality"),
            ("ours", "ours"),
        )
    ]
    return f"With both terms the fast phase brings the error to {', '.join(ratios)}."


def draw(results):
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    names = list(results["variants"])
    for axes, (title, labels) in zip(
        figure.subplots(1, 3), PANELS.items(), strict=True
    ):
        metrics = list(labels)
        for k, metric in enumerate(metrics):
            x = np.arange(len(names)) + 0.2 * (k - (len(metrics) - 1) / 2)
            values = np.array([results["variants"][n][metric] for n in names])
            std = [deviation(v) for v in values]
            axes.errorbar(x, values.mean(1), std, fmt="o", label=labels[metric])
            for column in values.T:
                axes.plot(x, column, ".", color="gray", ms=3)
        axes.set(title=title, yscale="log", xticks=range(len(names)))
        axes.set_xticklabels(names, fontsize=8)
        if len(labels) > 1:
            axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.1))
    return figure


if __name__ == "__main__":
    run(sys.modules[__name__])
