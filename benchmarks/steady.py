"""A second kind of PDE: a steady problem with a boundary layer

Advection and diffusion, b u_x - nu u_xx = 1 on [0, 1], u = 0 at both ends, (b, nu) in
[1, 3] x [0.05, 1] with nu on a logarithmic axis; at the strongest the layer is a
sixtieth of the domain wide. The boundary values are exact by an output transform. L1
relative errors on 1,001 points against the exact solution, for 30 mu in the box and 10
outside of it by 10 % (b beyond its bound).

    hypernetwork  HyperLRNR without a fast phase
    default       with the fast phase by default
    accurate      with all neurons in the trial space
    paper         with the fast phase of the paper, 12 points

ms is the time of one mu after compilation.

    python benchmarks/steady.py --json benchmarks/results/steady.json
"""

import sys
import time
import warnings

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
from _families import relative_l1
from _harness import milliseconds, percent, run, table
from deepxde_lrnr.fast_phase import Adam
from matplotlib.figure import Figure

WIDTH, RANK, ITERATIONS = 64, 8, 2000
X = np.linspace(0, 1, 1001)[:, None]


def exact(b, nu):
    """u at ``X``."""
    x = X[:, 0]
    layer = (np.exp(b * (x - 1) / nu) - np.exp(-b / nu)) / -np.expm1(-b / nu)
    return (x - layer) / b


def compute(quick):
    warnings.simplefilter("ignore", lrnr.OutsideParameterSpaceWarning)
    dde.config.set_random_seed(0)
    geom = dde.geometry.Interval(0, 1)

    def pde(x, u, mu):
        b, nu = mu[:, 0:1], mu[:, 1:2]
        u_x = dde.grad.jacobian(u, x)
        return b * u_x - nu * dde.grad.hessian(u, x) - 1

    problem = dde.data.PDE(geom, pde, [], num_domain=1024)
    space = lrnr.ParameterSpace(b=(1, 3), nu=(0.05, 1, "log"))
    data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
    width = 16 if quick else WIDTH
    net = lrnr.nn.HyperLRNR(
        [1] + [width] * 4 + [1],
        "tanh",
        "Glorot normal",
        rank=3 if quick else RANK,
        parameter_space=space,
    )
    net.apply_output_transform(lambda inputs, u: inputs[1] * (1 - inputs[1]) * u)
    model = lrnr.Model(data, net)
    iterations = 20 if quick else ITERATIONS
    model.compile("SOAP", lr=3e-3, decay=("cosine", iterations, 1e-3), verbose=0)
    start = time.perf_counter()
    model.train(
        iterations=iterations, batch_size=(64, 32), display_every=10**9, verbose=0
    )
    fast = model.reduce(rank=8 if quick else None)
    fast.solve(space.sample(1))  # compiles
    offline_s = time.perf_counter() - start
    accurate = model.reduce(rank=width)
    paper = model.reduce(method="eim", rank=3 if quick else 5, points=X[::91][:12])

    rng = np.random.default_rng(2024)
    inside, outside = (3, 1) if quick else (30, 10)
    mu = np.stack(
        [
            rng.uniform(1, 3, inside + outside),
            np.exp(rng.uniform(np.log(0.05), 0, inside + outside)),
        ],
        axis=1,
    )
    mu[inside:, 0] = 3.2
    reference = np.array([exact(*m) for m in mu])
    results = {"offline_s": offline_s, "inside": inside, "mu": mu.tolist()}
    values = {"hypernetwork": model.predict(X, mu)}
    settings = {
        "default": (fast, None),
        "accurate": (accurate, None),
        "paper": (paper, Adam()),
    }
    for name, (reduced, solver) in settings.items():
        values[name] = reduced.solve(mu, solver).predict(X)
    times = milliseconds(
        [lambda f=f, s=s: f.solve(mu[0], s) for f, s in settings.values()],
        1 if quick else 7,
    )
    results["ms"] = dict(zip(settings, times, strict=True))
    results["unknowns"] = {
        name: reduced.report().num_unknowns
        for name, (reduced, solver) in settings.items()
        if solver is None
    }
    results["errors"] = {
        name: relative_l1(u, reference).tolist() for name, u in values.items()
    }
    return results


def describe(results):
    n = results["inside"]
    before = np.array(results["errors"]["hypernetwork"])
    rows = []
    for name, errors in results["errors"].items():
        e = np.array(errors)
        rows.append(
            [
                name,
                percent(e[:n].mean()),
                percent(e[:n].max()),
                percent(e[n:].mean()),
                float((e / before)[:n].max()),
                results["ms"].get(name, "-"),
                results["unknowns"].get(name, "-"),
            ]
        )
    text = f"Offline {results['offline_s']:.0f} s.\n\n"
    columns = ["solver", "mean", "max", "outside", "worst ratio", "ms", "unknowns"]
    return text + table(columns, rows)


def draw(results):
    figure = Figure(figsize=(5, 4))
    axes = figure.add_subplot()
    nu = np.array(results["mu"])[:, 1]
    for name, errors in results["errors"].items():
        axes.loglog(nu, errors, "o", ms=4, label=name)
    axes.set(xlabel="nu", ylabel="L1 relative error", title="Boundary layer")
    axes.legend()
    return figure


if __name__ == "__main__":
    run(sys.modules[__name__])
