"""Which network makes the best trial functions, for equal steps of training.

HyperLRNR, and by lrnr.nn.Parametric DeepXDE's FNN of (mu, x) and its DeepONet, with
four hidden layers of 64 neurons, the same features, constraints, rows and optimizer,
and 1,000 steps each. Mean and max of the L1 relative errors for 30 mu not trained on:

    trained   the network's prediction
    20, 40    after the fast phase with so many neurons a layer, no random features
    64        the same with all hidden states

    python benchmarks/networks.py --json benchmarks/results/networks.json
"""

import sys

import deepxde_lrnr as lrnr
import deepxde as dde
from _families import POINTS, Family, build, problem, relative_l1
from _harness import percent, run, table
from _peers import deeponet, fnn

STEPS = 1000
FAMILIES = {
    "cdr": Family("cdr", 64, 12, STEPS),
    "convection": Family("convection", 64, 48, STEPS, (16, 64), bias_rank=12),
}
NETWORKS = {"HyperLRNR": None, "FNN": fnn, "DeepONet": deeponet}
RANKS, NUM_PARAMETERS = (20, 40, 64), 30


def compute(quick):
    if quick:
        family = Family("cdr", 64, 3, 10, (8, 8))
        return {"cdr": compare(family, (20,), 2)}
    return {n: compare(f, RANKS, NUM_PARAMETERS) for n, f in FAMILIES.items()}


def compare(family: Family, ranks, number: int) -> dict:
    """For each network the mean and the max of the errors, by columns of the table."""
    mu, _ = family.new_parameters(number, 0)
    reference = family.reference(mu)

    def errors(values):
        found = relative_l1(values, reference)
        return [float(found.mean()), float(found.max())]

    ours, results = build(family).net, {}
    for name, make in NETWORKS.items():
        dde.config.set_random_seed(family.seed)
        if make is None:
            model = build(family)
        else:
            model = lrnr.Model(problem(family), make(ours))
        decay = ("cosine", family.iterations, 1e-3)
        model.compile("SOAP", lr=3e-3, decay=decay, verbose=0)
        model.train(
            iterations=family.iterations,
            batch_size=family.batch,
            display_every=10**9,
            verbose=0,
        )
        found = {"trained": errors(model.predict(POINTS, mu))}
        for rank in ranks:
            solution = model.reduce(rank=rank, verbose=0).solve(mu)
            found[str(rank)] = errors(solution.predict(POINTS))
        results[name] = found
        print(family.equation, name, found, flush=True)
    return results


def describe(results):
    text = ""
    for family in (name for name in FAMILIES if name in results):
        networks = results[family]
        columns = list(networks["HyperLRNR"])
        rows = [
            [name, *(f"{percent(m)} ({percent(w)})" for m, w in found.values())]
            for name, found in networks.items()
        ]
        best = ", ".join(
            f"{column}: {min(networks, key=lambda n, c=column: networks[n][c][0])}"
            for column in columns
        )
        text += f"**{family}**\n\n" + table(["network", *columns], rows)
        text += f"\nThe smallest mean error has, {best}.\n\n"
    return text


if __name__ == "__main__":
    run(sys.modules[__name__])
