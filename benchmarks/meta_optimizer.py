"""Adam or SOAP for the meta phase: error of the trained family, equal steps.

CDR as in the example, 2,000 steps with the same learning rate and cosine decay; L1
relative error of the hypernetwork's prediction for 30 mu not trained on.

    python benchmarks/meta_optimizer.py --json benchmarks/results/meta_optimizer.json
"""

import time

from _families import POINTS, Family, build, relative_l1
from _harness import parse_arguments, report

ITERATIONS = 2000


def main():
    arguments = parse_arguments(__doc__)
    results = {}
    for optimizer in ("adam", "SOAP"):
        family = Family(iterations=ITERATIONS, optimizer=optimizer)
        model = build(family)
        model.compile(optimizer, lr=3e-3, decay=("cosine", ITERATIONS, 1e-3), verbose=0)
        start = time.perf_counter()
        model.train(
            iterations=ITERATIONS,
            batch_size=family.batch,
            display_every=ITERATIONS,
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
    report(results, arguments.json)


if __name__ == "__main__":
    main()
