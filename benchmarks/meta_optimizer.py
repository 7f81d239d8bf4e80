"""Adam or SOAP for the meta phase: error of the trained family, equal steps.

CDR as in the example, 2,000 steps with the same learning rate and cosine decay; L1
relative error of the hypernetwork's prediction for 30 mu not trained on.

    python benchmarks/meta_optimizer.py --json benchmarks/results/meta_optimizer.json
"""

import sys
import time

from _families import POINTS, Family, build, relative_l1
from _harness import percent, run, table

ITERATIONS = 2000


def compute(quick):
    iterations = 20 if quick else ITERATIONS
    results = {}
    for optimizer in ("adam", "SOAP"):
        family = Family(iterations=iterations, optimizer=optimizer)
        model = build(family)
        model.compile(optimizer, lr=3e-3, decay=("cosine", iterations, 1e-3), verbose=0)
        start = time.perf_counter()
        model.train(
            iterations=iterations,
            batch_size=family.batch,
            display_every=iterations,
            verbose=0,
        )
        seconds = time.perf_counter() - start
        mu, _ = family.new_parameters(30, 0)
        error = relative_l1(model.predict(POINTS, mu), family.reference(mu))
        name = optimizer.lower()
        results[f"{name}_l1_mean"] = float(error.mean())
        results[f"{name}_l1_max"] = float(error.max())
        results[f"{name}_seconds"] = seconds
    results["error_ratio"] = results["soap_l1_mean"] / results["adam_l1_mean"]
    results["time_ratio"] = results["soap_seconds"] / results["adam_seconds"]
    return results


def describe(results):
    rows = [
        [
            name,
            percent(results[f"{key}_l1_mean"]),
            percent(results[f"{key}_l1_max"]),
            results[f"{key}_seconds"],
        ]
        for name, key in (("Adam", "adam"), ("SOAP", "soap"))
    ]
    return table(["optimizer", "mean L1 error", "max", "seconds"], rows)


if __name__ == "__main__":
    run(sys.modules[__name__])
