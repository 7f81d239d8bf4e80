r"""Is the low rank structure there: coefficients and hidden states of trained LRNRs.

FastLRNR can be small only if few coefficients s_{l,i}(mu) matter and if the hidden
states of all points and mu lie close to a space of few dimensions. CDR, 1,000 steps,
trained without regularization, with R_ortho (1e-3), and with R_ortho and R_sparse
(1e-4), which asks that the coefficients decay.

- ``coefficients``: mean |s_{l,i}| over 500 mu of the box, per layer, sorted, over the
  largest
- ``active``: how many of them exceed 1 %
- ``active_terms``: the same for |s_{l,i}| |u_i| |v_i|, the size of the term
  s_i u_i v_i^T: without R_ortho the columns need not have length 1
- ``sigma``: singular values of the hidden states at 4,000 pairs of 384 points and 100
  mu, per layer, over the largest
- ``l1_mean``: what it costs, the L1 relative error for 30 mu not trained on

    python benchmarks/low_rank_structure.py --json \
        benchmarks/results/low_rank_structure.json
"""

import sys
from dataclasses import replace

import numpy as np
from _families import POINTS, Family, hidden_states, relative_l1, trained
from _harness import percent, run, table
from matplotlib.figure import Figure

VARIANTS = {
    "none": ("no regularization", ()),
    "ortho": ("R_ortho", (("orthogonality", 1e-3),)),
    "sparse": ("R_ortho and R_sparse", (("orthogonality", 1e-3), ("sparsity", 1e-4))),
}
MODES = (5, 10, 20, 32)
ACTIVE = 0.01


def compute(quick):
    family = Family(iterations=1000)
    if quick:
        family = Family(width=16, rank=3, iterations=20, batch=(8, 8))
    return {
        name: structure(replace(family, regularization=terms))
        for name, (_, terms) in VARIANTS.items()
    }


def structure(family) -> dict:
    """The keys of the head of this file for one family."""
    model = trained(family)
    net, space = model.net, family.space
    rng = np.random.default_rng(0)

    scales, _ = net.layout.split(np.asarray(net.coefficients(space.sample(500, "LHS"))))
    sizes = [np.abs(s).mean(axis=0) for s in scales]
    terms = [
        s * np.linalg.norm(u, axis=0) * np.linalg.norm(v, axis=0)
        for s, u, v in zip(sizes, net.stack.U, net.stack.V, strict=True)
    ]

    points = rng.uniform([0, 0], [2 * np.pi, 1], (384, 2))
    states = hidden_states(model, points, space.sample(100, "Halton"), 4000, rng)
    sigma = [np.linalg.svd(h[0], compute_uv=False) for h in states]

    unseen, _ = family.new_parameters(30, 0)
    error = relative_l1(model.predict(POINTS, unseen), family.reference(unseen))
    return {
        "coefficients": [relative(s) for s in sizes],
        "active": [active(s) for s in sizes],
        "active_terms": [active(s) for s in terms],
        "sigma": [relative(s) for s in sigma],
        "l1_mean": float(error.mean()),
    }


def relative(values) -> list[float]:
    """Sorted, over the largest (a layer may be dead: all zero)."""
    values = np.sort(values)[::-1]
    return (values / max(values[0], np.finfo(float).tiny)).tolist()


def active(values) -> int:
    return int(np.sum(np.array(relative(values)) > ACTIVE))


def describe(results):
    results = {name: results[name] for name in VARIANTS}
    rank = len(results["none"]["coefficients"][0])
    columns = ["training", "mean L1 error", "s above 1 %, by layer", "terms above 1 %"]
    rows = [
        [VARIANTS[name][0], percent(r["l1_mean"]), r["active"], r["active_terms"]]
        for name, r in results.items()
    ]
    text = f"Coefficients above 1 % of their layer's largest, of {rank}:\n\n"
    text += table(columns, rows)

    without, sparse = results["ortho"], results["sparse"]
    counts = [np.mean(r["active_terms"]) for r in (without, sparse)]
    change = "drops coefficients" if counts[1] < counts[0] else "drops no coefficient"
    text += (
        f"\nR_sparse {change}: {counts[1]:.1f} of {rank} a layer are above 1 %, "
        f"{counts[0]:.1f} with R_ortho alone. The error with it is "
        f"{sparse['l1_mean'] / without['l1_mean']:.2f} times that with R_ortho alone "
        f"and {sparse['l1_mean'] / results['none']['l1_mean']:.2f} times that without "
        "regularization.\n\n"
    )

    modes = [k for k in MODES if k < len(without["sigma"][0])]
    rows = [
        [VARIANTS[name][0], layer, *(percent(sigma[k]) for k in modes)]
        for name, r in results.items()
        for layer, sigma in enumerate(r["sigma"])
    ]
    columns = ["training", "layer", *(f"sigma_{k} / sigma_0" for k in modes)]
    text += table(columns, rows) + "\n"
    for name, r in results.items():
        needed = [int(np.sum(np.array(sigma) > 1e-3)) for sigma in r["sigma"]]
        text += (
            f"{VARIANTS[name][0]}: singular values above 0.1 % in layers 0, 1, ...: "
            f"{', '.join(map(str, needed))} of {len(r['sigma'][0])}.\n"
        )
    return text


def draw(results):
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    grid = figure.subplots(2, len(VARIANTS), sharex="row", sharey="row")
    for (top, bottom), (name, (title, _)) in zip(grid.T, VARIANTS.items(), strict=True):
        top.set_title(title)
        for axes, key, first in ((top, "coefficients", 1), (bottom, "sigma", 0)):
            for layer, values in enumerate(results[name][key], start=first):
                # Exact zeros (of the ReLU) cannot be drawn: shown at the floor.
                values = np.maximum(values, 1e-8)
                x = np.arange(first, first + len(values))
                axes.semilogy(x, values, ".-", label=f"layer {layer}")
        top.axhline(ACTIVE, color="gray", lw=0.8, ls="--")
        top.set_xlabel("i, sorted")
        bottom.set_xlabel("k")
    grid[0, 0].set_ylabel("mean |s_i| / largest")
    grid[1, 0].set_ylabel("sigma_k / sigma_0")
    grid[0, 0].legend()
    grid[1, 0].legend()
    return figure


if __name__ == "__main__":
    run(sys.modules[__name__])
