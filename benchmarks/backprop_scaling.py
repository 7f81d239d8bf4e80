r"""How the time of a gradient step grows: FastLRNR and LRNR.

The step of ``backprop_time.py``: the gradient of the residuals with respect to the
coefficients of one mu, with random weights, both networks in a loop compiled by XLA.
One size changes at a time; FastLRNR has 5 neurons a layer throughout.

- width M: r = 100 (at most M), 12 points
- rank r: M = 1,000, 12 points
- number of points: M = 1,000, r = 50

``fast_slope_width`` etc. are the exponents p of time ~ size^p, fitted by least squares
in the logarithms: 0 means that the size does not matter, 1 that time is proportional to
it. Constant costs make them smaller.

    python benchmarks/backprop_scaling.py --json \
        benchmarks/results/backprop_scaling.json
"""

import sys

import numpy as np
from _harness import milliseconds, run, table
from backprop_time import NEURONS, descent, full_network, grid, small_network
from matplotlib.figure import Figure

# Each size is M, r, number of points.
STUDIES = {
    "width": [(m, min(100, m), 12) for m in (250, 500, 1000, 2000, 4000)],
    "rank": [(1000, r, 12) for r in (10, 25, 50, 100)],
    "points": [(1000, 50, n) for n in (12, 48, 192, 768)],
}
QUICK = {
    "width": [(50, 10, 12), (100, 10, 12)],
    "rank": [(100, 10, 12), (100, 20, 12)],
    "points": [(100, 10, 12), (100, 10, 48)],
}
GRIDS = {12: (4, 3), 48: (8, 6), 192: (16, 12), 768: (32, 24)}
NAMES = {"fast": "FastLRNR", "lrnr": "LRNR"}
LABELS = {"width": "width M", "rank": "rank r", "points": "number of points"}
# Steps of one call: those of FastLRNR are short.
STEPS = {"fast": 400, "lrnr": 3}
REPEATS = 7


def compute(quick):
    studies = QUICK if quick else STUDIES
    times = step_times(sorted({size for sizes in studies.values() for size in sizes}))
    results = {}
    for column, (study, sizes) in enumerate(studies.items()):
        x = [size[column] for size in sizes]
        results[f"sizes_{study}"] = x
        for name in NAMES:
            ms = [times[name, size] for size in sizes]
            results[f"{name}_ms_{study}"] = ms
            slope = np.polyfit(np.log(x), np.log(ms), 1)[0]
            results[f"{name}_slope_{study}"] = float(slope)
    # Largest over smallest time of FastLRNR while M changes 16 times.
    ms = results["fast_ms_width"]
    results["fast_spread_width"] = max(ms) / min(ms)
    return results


def step_times(sizes) -> dict:
    """Milliseconds of one step for each network and each (M, r, number of points)."""
    nets = {shape: full_network(*shape) for shape in {size[:2] for size in sizes}}
    functions = {}
    for size in sizes:
        points = grid(*GRIDS[size[2]])
        net = nets[size[:2]]
        for name, network in (("fast", small_network(net)), ("lrnr", net)):
            functions[name, size] = descent(network, points, STEPS[name], xla=True)
    times = milliseconds(list(functions.values()), REPEATS)
    return {
        key: time / STEPS[key[0]] for key, time in zip(functions, times, strict=True)
    }


def describe(results):
    m = results["sizes_width"]
    slope, spread = results["fast_slope_width"], results["fast_spread_width"]
    # 0.05 is 15 % over a factor of 16: within what timings scatter.
    verdict = "does not depend" if abs(slope) < 0.05 else "depends, against the theory,"
    text = (
        f"From M = {m[0]} to {m[-1]}, a step through FastLRNR ({NEURONS} neurons a "
        f"layer) grows like M^{slope:.2f}: its time {verdict} on M (largest over "
        f"smallest: {spread:.2f}). One through LRNR grows like "
        f"M^{results['lrnr_slope_width']:.2f}.\n\n"
    )
    rows = [
        [LABELS[study], *(results[f"{name}_slope_{study}"] for name in NAMES)]
        for study in STUDIES
    ]
    text += table(["exponent of the", *NAMES.values()], rows) + "\n"
    for study in STUDIES:
        columns = [results[f"{name}_ms_{study}"] for name in NAMES]
        ratios = [lrnr / fast for fast, lrnr in zip(*columns, strict=True)]
        rows = zip(results[f"sizes_{study}"], *columns, ratios, strict=True)
        names = [LABELS[study], *(f"{n}, ms" for n in NAMES.values()), "ratio"]
        text += table(names, rows) + "\n"
    every = [
        (lrnr / fast, f"{LABELS[study]} {size}")
        for study in STUDIES
        for size, fast, lrnr in zip(
            *(results[f"{k}_{study}"] for k in ("sizes", "fast_ms", "lrnr_ms")),
            strict=True,
        )
    ]
    least, where = min(every)
    return text + (
        f"FastLRNR gains least, {least:.1f} times, at {where}; "
        f"{'it is never slower.' if least >= 1 else 'there it is slower.'}\n"
    )


def draw(results):
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    for axes, study in zip(figure.subplots(1, 3, sharey=True), STUDIES, strict=True):
        sizes = results[f"sizes_{study}"]
        for name, title in NAMES.items():
            slope = results[f"{name}_slope_{study}"]
            label = f"{title}: slope {slope:.2f}"
            axes.loglog(sizes, results[f"{name}_ms_{study}"], "o-", label=label)
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_xticks([], minor=True)
        axes.set_xlabel(LABELS[study])
        axes.legend()
    figure.axes[0].set_ylabel("ms a gradient step")
    return figure


if __name__ == "__main__":
    run(sys.modules[__name__])
