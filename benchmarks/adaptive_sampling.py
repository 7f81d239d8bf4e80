"""Does it pay to draw mu and points where the residual is large?

The six families of `benchmarks/peers.py`, with their problems, networks, steps and
batches: trained on mu and points drawn once from the whole box and geometry, and with
`callbacks.AdaptiveSampler()`, which draws both by the residual. Two seeds of the
weights each. Errors are those of `peers.py`, mean and max over 30 mu not trained on and
both seeds:

    trained   the network's prediction
    fast      after `model.reduce()` and `fast.solve(mu)`, both by default
    seconds   of the training

It pays if both mean errors fall in most of the families, and nowhere grow by half.

    python benchmarks/adaptive_sampling.py --json \
        benchmarks/results/adaptive_sampling.json
"""

import sys
import time
import warnings

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
from _harness import percent, results_of, run, table
from _peer_families import FAMILY_OF, family_of
from deepxde_lrnr.offline import reduce_model

NUM_MU, SEEDS = 30, (0, 1)
WORSE = 1.5
SAMPLERS = {"drawn once": None, "adaptive": lrnr.callbacks.AdaptiveSampler}


def compute(quick, names=None):
    warnings.simplefilter("ignore", UserWarning)
    # One family is enough to test the code.
    groups = GROUPS[1:2] if quick and names is None else GROUPS
    return results_of(groups, quick, names)


def group_of(name: str):
    def group(quick) -> dict:
        return {name: {s: measured(name, make, quick) for s, make in SAMPLERS.items()}}

    group.__name__ = name
    return group


def measured(name: str, make, quick) -> dict:
    """Errors and seconds with one sampler."""
    trained, fast, seconds = [], [], []
    for seed in SEEDS[:1] if quick else SEEDS:
        family = family_of(name, quick)
        model = family.model
        dde.config.set_random_seed(seed)
        start = time.perf_counter()
        model.train(
            iterations=family.iterations,
            batch_size=family.batch,
            display_every=10**9,
            callbacks=[make(period=10 if quick else 200)] if make else None,
            verbose=0,
        )
        seconds.append(time.perf_counter() - start)
        mu = family.new_parameters(2 if quick else NUM_MU, 0)
        exact = np.array([family.exact(m) for m in mu])
        predicted = model.predict(family.points, mu)
        rank = 8 if quick else None
        reduced = reduce_model(model.data, model.net, rank=rank, verbose=0)
        solved = reduced.solve(mu).predict(family.points)
        for errors, u in ((trained, predicted), (fast, solved)):
            errors.append(family.errors(np.reshape(u, exact.shape), exact))
    trained, fast = np.concatenate(trained), np.concatenate(fast)
    return {
        "trained_mean": float(trained.mean()),
        "trained_max": float(trained.max()),
        "fast_mean": float(fast.mean()),
        "fast_max": float(fast.max()),
        "seconds": float(np.mean(seconds)),
    }


GROUPS = tuple(map(group_of, FAMILY_OF))


def describe(results):
    families = {name: results[name] for name in FAMILY_OF if name in results}
    rows, ratios = [], []
    for name, found in families.items():
        for sampler, f in found.items():
            errors = [
                f"{percent(f[f'{key}_mean'])} ({percent(f[f'{key}_max'])})"
                for key in ("trained", "fast")
            ]
            rows.append([name, sampler, *errors, f["seconds"]])
        once, adaptive = found.values()
        ratios.append(
            [adaptive[key] / once[key] for key in ("trained_mean", "fast_mean")]
        )
    text = table(
        ["family", "mu and points", "trained, mean (max)", "fast (max)", "seconds"],
        rows,
    )
    text += "\nAdaptive over drawn once, mean errors:\n\n"
    text += table(
        ["family", "trained", "fast"],
        [[name, *ratio] for name, ratio in zip(families, ratios, strict=True)],
    )
    ratios = np.array(ratios)
    most = (ratios < 1).mean(axis=0) > 0.5
    pays = most.all() and (ratios < WORSE).all()
    better = ", ".join(
        f"{int(n)} of {len(ratios)} {what}"
        for n, what in zip(
            (ratios < 1).sum(axis=0), ("trained", "after the fast phase"), strict=True
        )
    )
    return f"{text}\nIt {'pays' if pays else 'does not pay'}: smaller in {better}.\n"


if __name__ == "__main__":
    run(sys.modules[__name__])
