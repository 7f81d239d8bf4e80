"""Where a family cannot be resolved, and whether the library says so

Families known to be hard for smooth networks, four of them with exact solutions: a
boundary layer, a jump of the conductivity (written as two equations for u and the
flux), a resonance within the box, transport over long distances; and the fronts of
examples/burgers.py and examples/allen_cahn.py, ten times as steep, against the
references of these examples (Cole-Hopf; polynomials of degree 1,022 with Runge-Kutta,
which agree with those of degree 1,534 to 1e-8). Default settings of
`reduce` and `solve`. Errors are L2 relative errors of u for mu not trained on;
`estimate` is `solution.error`, which knows no exact solution.

    warned       whether `model.reduce()` gave a `NotResolvedWarning`
    effectivity  estimate over true error
    missed       number of mu with a true error above 1 % and an estimate below it
    unnamed      number of mu with a true error above 1 % and another status than "not
                 resolved"
    misnamed     number of mu with a true error below 1 % and that status
    ms           time of a solve, many mu at once

    python benchmarks/limits.py --json benchmarks/results/limits.json
"""

import sys
import time
import warnings
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from _harness import percent, run, table
from deepxde_lrnr.fast_phase import NotResolvedWarning

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from reference_burgers import moving_front
from reference_reaction_diffusion import allen_cahn as allen_cahn_reference

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


SQUARE = dde.geometry.GeometryXTime(
    dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 1)
)
SPACE_POINTS, TIMES = np.linspace(-1, 1, 1001), np.linspace(0, 1, 51)
GRID = np.stack(np.meshgrid(SPACE_POINTS, TIMES), axis=-1).reshape(-1, 2)


def burgers():
    """A front of width 4 nu that moves, from u(x, 0) = 1/2 - sin(pi x)."""

    def pde(x, u, nu):
        u_x, u_t = (dde.grad.jacobian(u, x, i=0, j=j) for j in (0, 1))
        return u_t + u * u_x - nu * dde.grad.hessian(u, x, i=0, j=0)

    def exact(x, nu):
        return moving_front(SPACE_POINTS, TIMES, nu).reshape(-1, 1)

    def features(x):
        s, t = np.pi * x[:, :1], x[:, 1:]
        return tf.concat([tf.cos(s), tf.sin(s), 2 * t - 1], axis=1)

    def at_start(inputs, u):
        x = inputs[1]
        return 0.5 - tf.sin(np.pi * x[:, :1]) + x[:, 1:] * u

    problem = dde.data.TimePDE(SQUARE, pde, [], num_domain=8192)
    space = lrnr.ParameterSpace(nu=(0.002, 0.02, "log"))
    options = {"features": features, "inputs": 3, "output": at_start, "count": 30}
    return problem, space, exact, GRID, options


def allen_cahn():
    """As examples/allen_cahn.py, with diffusivities down to 1e-4."""

    def pde(x, u, mu):
        d, k = mu[:, :1], mu[:, 1:]
        u_t = dde.grad.jacobian(u, x, i=0, j=1)
        error = u_t - d * dde.grad.hessian(u, x, i=0, j=0) - k * (u - u**3)
        growth = tf.exp(k * (1 - x[:, 1:]))
        growth /= (1 + tf.stop_gradient(u) ** 2 * (growth**2 - 1)) ** 1.5
        return (1 + growth) * error

    def exact(x, d, k):
        u = allen_cahn_reference(SPACE_POINTS, TIMES, d, k, 512, 1e-8)
        return u.reshape(-1, 1)

    def features(x):
        return tf.concat([2 * x[:, :1] ** 2 - 1, 2 * x[:, 1:] - 1], axis=1)

    def output(inputs, u):
        mu, x = inputs
        x, t, d, k = x[:, :1], x[:, 1:], mu[:, :1], mu[:, 1:]
        v = x**2 * tf.cos(np.pi * x) + 100 * d * t * (1 - x**2) * u
        return v / tf.sqrt(v**2 + (1 - v**2) * tf.exp(-2 * k * t))

    problem = dde.data.TimePDE(
        SQUARE, pde, [], num_domain=8192, train_distribution="pseudo"
    )
    space = lrnr.ParameterSpace(d=(1e-4, 1e-2, "log"), k=(1, 5))
    options = {"features": features, "inputs": 2, "output": output, "count": 30}
    options |= {"layers": (64, 64, 64, 64), "rank": 12, "iterations": 2500}
    return problem, space, exact, GRID, options


GROUPS = layer, jump, resonance, transport, burgers, allen_cahn
TITLES = {
    "layer": "a boundary layer, eps in [1e-4, 1e-2]",
    "jump": "a jump of the conductivity, 0.01 to 100",
    "resonance": "a resonance in the box",
    "transport": "transport over 20 to 40",
    "burgers": "Burgers, nu in [0.002, 0.02]",
    "allen_cahn": "Allen-Cahn, d in [1e-4, 1e-2]",
}


def compute(quick, names=None):
    results = {}
    groups = [g for g in GROUPS if names is None or g.__name__ in names]
    for group in groups[: 1 if quick else None]:
        name, start = group.__name__, time.perf_counter()
        results[name] = measured(group, quick)
        results[f"{name}_seconds"] = time.perf_counter() - start
        print(TITLES[name], results[name], flush=True)
    return results


def measured(make, quick) -> dict:
    dde.config.set_random_seed(0)
    problem, space, exact, points, options = make()
    inputs, outputs = options.get("inputs", 1), options.get("outputs", 1)
    layers = options.get("layers", 3 * (WIDTH,))
    iterations = options.get("iterations", ITERATIONS)
    count = options.get("count", NUM_MU)
    if quick:
        layers, iterations, count = (8, 8, 8), 10, 3
    data = lrnr.data.ParametricPDE(problem, space, num_parameters=256)
    net = lrnr.nn.HyperLRNR(
        [inputs, *layers, outputs],
        "tanh",
        "Glorot normal",
        rank=min(options.get("rank", RANK), layers[0] // 2),
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
    fast.solve(mu[:1])
    start = time.perf_counter()
    solution = fast.solve(mu)
    solve_ms = 1e3 * (time.perf_counter() - start) / count
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
        "after_median": float(np.median(after)),
        "after_max": float(after.max()),
        "solve_ms": solve_ms,
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
    "after_median": "after, median",
    "after_max": "after, max",
    "estimate_mean": "estimate, mean",
    "estimate_max": "estimate, max",
    "effectivity_median": "effectivity, median",
    "effectivity_smallest": "smallest",
    "warned": "warned",
    "missed": "missed",
    "unnamed": "unnamed",
    "misnamed": "misnamed",
    "solve_ms": "ms",
}


def describe(results):
    rows = [
        [
            title,
            *(percent(results[name].get(k, np.nan)) for k in list(COLUMNS)[:6]),
            *(results[name].get(k, np.nan) for k in list(COLUMNS)[6:]),
        ]
        for name, title in TITLES.items()
        if name in results
    ]
    return table(["family", *COLUMNS.values()], rows)


if __name__ == "__main__":
    run(sys.modules[__name__])
