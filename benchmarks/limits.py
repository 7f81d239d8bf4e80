"""Where a family cannot be resolved, and whether the library says so

Four families with exact solutions, each known to be hard for smooth networks: a
boundary layer, a jump of the conductivity (written as two equations for u and the
flux), a resonance within the box, transport over long distances. Default settings of
`reduce` and `solve`. Errors are L2 relative errors of u for mu not trained on;
`estimate` is `solution.error`, which knows no exact solution.

    warned       whether `model.reduce()` gave a `NotResolvedWarning`
    effectivity  estimate over true error
    missed       number of mu with a true error above 1 % and an estimate below it
    unnamed      number of mu with a true error above 1 % and another status than "not
                 resolved"
    misnamed     number of mu with a true error below 1 % and that status

    python benchmarks/limits.py --json benchmarks/results/limits.json
"""

import sys
import time
import warnings

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from _harness import percent, run, table
from deepxde_lrnr.fast_phase import NotResolvedWarning

WIDTH, RANK, ITERATIONS, NUM_MU = 48, 8, 1500, 40
LINE = dde.geometry.Interval(0, 1)
X = np.linspace(0, 1, 2001)[:, None]


def zero_at_ends(inputs, u):
    x = inputs[1]
    return tf.concat([x * (1 - x) * u[:, :1], u[:, 1:]], axis=1)


def layer():
    """-eps u'' + u' = 1: a layer of width eps at x = 1."""

    def pde(x, u, eps):
        u_x = dde.grad.jacobian(u, x, i=0, j=0)
        return -eps * dde.grad.hessian(u, x) + u_x - 1

    def exact(x, eps):
        decay = np.exp((x - 1) / eps) - np.exp(-1 / eps)
        return x - decay / (1 - np.exp(-1 / eps))

    problem = dde.data.PDE(LINE, pde, [], num_domain=2048)
    space = lrnr.ParameterSpace(eps=(1e-4, 1e-2, "log"))
    return problem, space, exact, X, {"output": zero_at_ends}


def jump():
    """(a u')' = -1, with a = 1 for x < 1/2 and a = mu behind: a kink of u."""

    def pde(x, y, mu):
        a = tf.where(x < 0.5, tf.ones_like(mu), mu)
        u_x, q_x = (dde.grad.jacobian(y, x, i=i, j=0) for i in range(2))
        return [a * u_x - y[:, 1:], q_x + 1]

    def exact(x, a):
        c = (1 / 4 + 3 / (4 * a)) / (1 + 1 / a)
        behind = -(c * (1 - x) - (1 - x**2) / 2) / a
        return np.where(x < 0.5, c * x - x**2 / 2, behind)

    problem = dde.data.PDE(LINE, pde, [], num_domain=2048)
    space = lrnr.ParameterSpace(a=(0.01, 100, "log"))
    return problem, space, exact, X, {"output": zero_at_ends, "outputs": 2}


def resonance():
    """u'' + k^2 u = 1, with the eigenvalue k = pi in the box."""

    def pde(x, u, k):
        return dde.grad.hessian(u, x) + k**2 * u - 1

    def exact(x, k):
        return (1 - np.cos(k * (x - 0.5)) / np.cos(k / 2)) / k**2

    problem = dde.data.PDE(LINE, pde, [], num_domain=2048)
    space = lrnr.ParameterSpace(k=(2.5, 4))
    return problem, space, exact, X, {"output": zero_at_ends}


def transport():
    """u_t + c u_x = 0 up to t = 1, periodic, with c from 20 to 40."""

    def pde(x, u, c):
        u_x = dde.grad.jacobian(u, x, i=0, j=0)
        return dde.grad.jacobian(u, x, i=0, j=1) / c + u_x

    def exact(x, c):
        return np.sin(x[:, :1] - c * x[:, 1:])

    def features(x):
        s, t = x[:, :1], x[:, 1:]
        return tf.concat([tf.cos(s), tf.sin(s), 2 * t - 1], axis=1)

    def at_start(inputs, u):
        x = inputs[1]
        return tf.sin(x[:, :1]) + x[:, 1:] * u

    geom = dde.geometry.GeometryXTime(
        dde.geometry.Interval(0, 2 * np.pi), dde.geometry.TimeDomain(0, 1)
    )
    problem = dde.data.TimePDE(geom, pde, [], num_domain=8192)
    space = lrnr.ParameterSpace(c=(20, 40))
    grid = np.meshgrid(np.linspace(0, 2 * np.pi, 65), np.linspace(0, 1, 201))
    points = np.stack(grid, axis=-1).reshape(-1, 2)
    options = {"features": features, "inputs": 3, "output": at_start}
    return problem, space, exact, points, options


FAMILIES = {
    "a boundary layer, eps in [1e-4, 1e-2]": layer,
    "a jump of the conductivity, 0.01 to 100": jump,
    "a resonance in the box": resonance,
    "transport over 20 to 40": transport,
}


def compute(quick):
    families = {}
    for name, make in list(FAMILIES.items())[: 1 if quick else None]:
        families[name] = measured(make, quick)
        print(name, families[name], flush=True)
    return {"families": families}


def measured(make, quick) -> dict:
    dde.config.set_random_seed(0)
    problem, space, exact, points, options = make()
    inputs, outputs = options.get("inputs", 1), options.get("outputs", 1)
    width, iterations, count = (8, 10, 3) if quick else (WIDTH, ITERATIONS, NUM_MU)
    data = lrnr.data.ParametricPDE(problem, space, num_parameters=256)
    net = lrnr.nn.HyperLRNR(
        [inputs] + 3 * [width] + [outputs],
        "tanh",
        "Glorot normal",
        rank=min(RANK, width // 2),
        parameter_space=space,
    )
    if "features" in options:
        net.apply_feature_transform(options["features"])
    net.apply_output_transform(options["output"])
    model = lrnr.Model(data, net)
    model.compile("SOAP", lr=3e-3, decay=("cosine", iterations, 1e-3), verbose=0)
    model.train(iterations=iterations, batch_size=(32, 64), verbose=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fast = model.reduce(verbose=0)
    mu = space.sample(4096 + count, "Halton")[4096:].astype(float)
    solution = fast.solve(mu)
    truth = np.stack([exact(points, *m) for m in mu])

    def errors(u):
        u = u[..., :1]
        return np.linalg.norm(u - truth, axis=(1, 2)) / np.linalg.norm(
            truth, axis=(1, 2)
        )

    before, after = errors(model.predict(points, mu)), errors(solution.predict(points))
    start = time.perf_counter()
    estimate = solution.error
    ratio = estimate / after
    named = solution.status == "not resolved"
    return {
        "before_mean": float(before.mean()),
        "before_max": float(before.max()),
        "after_mean": float(after.mean()),
        "after_max": float(after.max()),
        "unknowns": fast.report().num_unknowns,
        "estimate_mean": float(estimate.mean()),
        "estimate_max": float(estimate.max()),
        "estimate_ms": 1e3 * (time.perf_counter() - start) / count,
        "effectivity_median": float(np.median(ratio)),
        "effectivity_smallest": float(ratio.min()),
        "warned": any(issubclass(w.category, NotResolvedWarning) for w in caught),
        "missed": int(np.sum((after > 1e-2) & (estimate < 1e-2))),
        "unnamed": int(np.sum((after > 1e-2) & ~named)),
        "misnamed": int(np.sum((after <= 1e-2) & named)),
    }


COLUMNS = {
    "before_mean": "before, mean",
    "after_mean": "after, mean",
    "after_max": "after, max",
    "estimate_mean": "estimate, mean",
    "estimate_max": "estimate, max",
    "effectivity_median": "effectivity, median",
    "effectivity_smallest": "smallest",
    "warned": "warned",
    "missed": "missed",
    "unnamed": "unnamed",
    "misnamed": "misnamed",
}


def describe(results):
    rows = [
        [
            name,
            *(percent(part[k]) for k in list(COLUMNS)[:5]),
            *(part[k] for k in list(COLUMNS)[5:]),
        ]
        for name, part in results["families"].items()
    ]
    return table(["family", *COLUMNS.values()], rows)


if __name__ == "__main__":
    run(sys.modules[__name__])
