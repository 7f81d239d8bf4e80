r"""How time and error of the fast phase grow with the size of everything

One size changes at a time; times are those of one mu after compilation, all of a study
in turns; errors are L1 relative errors for 20 mu not trained on. An exponent is the p
of time ~ size^p, fitted by least squares in the logarithms.

- ``unknowns``: CDR, trained as in the example, with 8 to 96 neurons a layer kept, no
  random features
- ``points``: the same with 32 neurons and 1.5 to 24 points an unknown
- ``width``: CDR with 32 to 512 neurons a layer, trained for 300 steps; reduced to 16,
  and with all of them
- ``parameters``: 1 to 16 of them, in two dimensions
- ``dimension``: 1 to 4 dimensions of x, with two parameters

The last two are -Delta u + u^3 = f on the unit cube, u = 0 on its boundary, with the
solution u = prod sin(pi x_i) exp(sum_k mu_k cos(m_k pi x_k) / m_k), mu in [-1, 1]^p,
where x_k runs through the dimensions again and again, and m_k is 1 in the first round,
2 in the second. 500 steps, and what `reduce` takes by default.

How two workers share a sweep is measured by `benchmarks/reliability.py`.

    python benchmarks/scaling.py --json benchmarks/results/scaling.json
"""

import sys
import time
import warnings

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from _families import POINTS, Family, relative_l1, trained
from _harness import milliseconds, percent, results_of, run, table
from deepxde_lrnr.offline import reduce_model
from matplotlib.figure import Figure

NUM_MU, REPEATS = 20, 7
NEURONS = (8, 16, 32, 64, 96)
SHARES = (1.5, 3, 6, 12, 24)  # points an unknown
WIDTHS, SHORT, FEW = (32, 64, 128, 256, 512), 300, 16
PARAMETERS, DIMENSIONS = (1, 2, 4, 8, 16), (1, 2, 3, 4)
WIDTH, RANK, ITERATIONS, BATCH = 64, 8, 500, (64, 32)
NUM_POINTS = 4096  # at which errors of the cube are taken
LABELS = {
    "unknowns": "unknowns",
    "points": "points",
    "width": "width M",
    "width_all": "width M, all neurons",
    "parameters": "parameters",
    "dimension": "dimensions of x",
}


def compute(quick, names=None):
    warnings.simplefilter("ignore", UserWarning)
    return results_of(GROUPS, quick, names)


def unknowns(quick) -> dict:
    fast = [_cdr(quick, rank) for rank in (NEURONS[:2] if quick else NEURONS)]
    return {"unknowns": _study([f.space.size for f in fast], fast, _of_cdr, quick)}


def points(quick) -> dict:
    unknowns = _cdr(quick, 8 if quick else 32).space.size
    counts = [int(s * unknowns) for s in (SHARES[:2] if quick else SHARES)]
    fast = [_cdr(quick, 8 if quick else 32, points=n) for n in counts]
    return {"points": _study(counts, fast, _of_cdr, quick)}


def width(quick) -> dict:
    widths, results = (16, 32) if quick else WIDTHS, {}
    steps = 20 if quick else SHORT
    models = [trained(Family(width=m, iterations=steps)) for m in widths]
    for name, neurons in (("width", lambda m: FEW), ("width_all", lambda m: m)):
        fast = [
            _reduced(model, rank=neurons(m), random_features=0)
            for model, m in zip(models, widths, strict=True)
        ]
        results[name] = _study(widths, fast, _of_cdr, quick)
    return results


def parameters(quick) -> dict:
    cubes = [Cube(2, p, quick) for p in (PARAMETERS[:1] if quick else PARAMETERS)]
    return {"parameters": _of_cubes([cube.p for cube in cubes], cubes, quick)}


def dimension(quick) -> dict:
    cubes = [Cube(d, 2, quick) for d in (DIMENSIONS[:2] if quick else DIMENSIONS)]
    return {"dimension": _of_cubes([cube.d for cube in cubes], cubes, quick)}


GROUPS = (unknowns, points, width, parameters, dimension)


def _cdr(quick, rank: int, **arguments):
    """CDR as in the example, reduced; without random features."""
    family = Family()
    if quick:
        family = Family(width=16, rank=3, iterations=20, batch=(8, 8))
    return _reduced(trained(family), rank=rank, random_features=0, **arguments)


def _reduced(model, **arguments):
    """As ``model.reduce``, which wants a training in this process before."""
    return reduce_model(model.data, model.net, verbose=0, **arguments)


def _of_cdr(fast, num_mu):
    """Errors of CDR for mu not trained on."""
    mu, _ = Family().new_parameters(num_mu, 0)
    return relative_l1(fast.solve(mu).predict(POINTS), Family().reference(mu))


def _of_cubes(sizes, cubes, quick) -> dict:
    fast, seconds = zip(*(cube.reduced() for cube in cubes), strict=True)
    of_cube = dict(zip(fast, cubes, strict=True))
    found = _study(sizes, fast, lambda f, n: of_cube[f].errors(f, n), quick)
    return found | {"offline_s": list(seconds)}


def _study(sizes, fast, errors_of, quick) -> dict:
    """Times and errors of reduced models."""
    mu = [f.parameter_space.sample(1, "Halton")[0].astype(float) for f in fast]
    solves = [lambda f=f, m=m: f.solve(m) for f, m in zip(fast, mu, strict=True)]
    ms = milliseconds(solves, 1 if quick else REPEATS)
    errors = [errors_of(f, 2 if quick else NUM_MU) for f in fast]
    exponent = np.nan
    if len(sizes) > 1:
        exponent = np.polyfit(np.log(sizes), np.log(ms), 1)[0]
    return {
        "sizes": list(map(int, sizes)),
        "unknowns": [f.space.size for f in fast],
        "points": [len(f.residual.collocation.pde_points) for f in fast],
        "ms": ms,
        "mean": [float(e.mean()) for e in errors],
        "max": [float(e.max()) for e in errors],
        "exponent": float(exponent),
    }


class Cube:
    """-Delta u + u^3 = f on the unit cube, with a known solution.

    Args:
        d: Dimensions of x.
        p: Number of parameters.
        quick: Whether the network is tiny.
    """

    def __init__(self, d: int, p: int, quick: bool):
        self.d, self.p, self._quick = d, p, quick
        # Of each parameter: the dimension in which it acts, and its wave number.
        self._waves = [(k % d, 1 + k // d) for k in range(p)]

    def exact(self, x, mu, functions=np):
        """w, g, and with them the solution w e^g, at x (N, d), for mu (N, p) or (p,);
        columns, with the functions of NumPy or TensorFlow.
        """
        w, g = 1.0, 0.0
        for i in range(self.d):
            w = w * functions.sin(np.pi * x[:, i : i + 1])
        for k, (i, m) in enumerate(self._waves):
            g = g + mu[..., k : k + 1] * functions.cos(m * np.pi * x[:, i : i + 1]) / m
        return w, g

    def source(self, x, mu):
        """f = -Delta u + u^3 of the solution."""
        w, g = self.exact(x, mu, tf)
        # Delta u = (Delta w + 2 grad w . grad g + w (Delta g + |grad g|^2)) e^g
        laplacian = -self.d * np.pi**2 * w
        slopes = [0.0] * self.d
        for k, (i, m) in enumerate(self._waves):
            angle, factor = m * np.pi * x[:, i : i + 1], np.pi * mu[:, k : k + 1]
            slopes[i] = slopes[i] - factor * tf.sin(angle)
            laplacian -= m * np.pi * factor * tf.cos(angle) * w
        for i, slope in enumerate(slopes):
            rest = tf.ones_like(w)
            for j in range(self.d):
                angle = np.pi * x[:, j : j + 1]
                rest = rest * (np.pi * tf.cos(angle) if j == i else tf.sin(angle))
            laplacian += 2 * rest * slope + w * slope**2
        return -laplacian * tf.exp(g) + (w * tf.exp(g)) ** 3

    def _pde(self, x, u, mu):
        laplacian = sum(dde.grad.hessian(u, x, i=i, j=i) for i in range(self.d))
        return -laplacian + u**3 - self.source(x, mu)

    def _vanishing(self, inputs, u):
        for i in range(self.d):
            x = inputs[1][:, i : i + 1]
            u = u * 4 * x * (1 - x)
        return u

    def reduced(self):
        """``FastModel``, trained and reduced, and the seconds that it took."""
        dde.config.set_random_seed(0)
        start = time.perf_counter()
        geom = dde.geometry.Hypercube([0] * self.d, [1] * self.d)
        if self.d == 1:
            geom = dde.geometry.Interval(0, 1)
        problem = dde.data.PDE(
            geom, self._pde, [], num_domain=4096, train_distribution="pseudo"
        )
        space = lrnr.ParameterSpace(k=(-1, 1, self.p))
        data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
        net = lrnr.nn.HyperLRNR(
            [self.d] + [16 if self._quick else WIDTH] * 4 + [1],
            "tanh",
            "Glorot normal",
            rank=3 if self._quick else RANK,
            parameter_space=space,
        )
        net.apply_output_transform(self._vanishing)
        model = lrnr.Model(data, net)
        steps = 20 if self._quick else ITERATIONS
        model.compile("SOAP", lr=3e-3, decay=("cosine", steps, 1e-3), verbose=0)
        batch = (8, 8) if self._quick else BATCH
        model.train(iterations=steps, batch_size=batch, display_every=10**9, verbose=0)
        fast = model.reduce(rank=8 if self._quick else None, verbose=0)
        return fast, time.perf_counter() - start

    def errors(self, fast, num_mu: int) -> np.ndarray:
        """Errors for mu not trained on."""
        rng = np.random.default_rng(2024)
        mu, x = rng.uniform(-1, 1, (num_mu, self.p)), rng.random((NUM_POINTS, self.d))
        reference = np.array([w * np.exp(g) for w, g in (self.exact(x, m) for m in mu)])
        return relative_l1(fast.solve(mu).predict(x), reference[..., 0])


def describe(results):
    studies = {name: results[name] for name in LABELS if name in results}
    rows = [[LABELS[name], study["exponent"]] for name, study in studies.items()]
    text = table(["time grows with", "to the power"], rows) + "\n"
    for name, study in studies.items():
        columns = [LABELS[name], "unknowns", "points", "ms", "mean error", "max"]
        lists = [study[key] for key in ("sizes", "unknowns", "points", "ms")]
        lists += [map(percent, study["mean"]), map(percent, study["max"])]
        if name in ("unknowns", "points"):
            column = columns.index(name, 1)
            del columns[column], lists[column]
        if "offline_s" in study:
            columns.append("offline s")
            lists.append(study["offline_s"])
        text += table(columns, map(list, zip(*lists, strict=True))) + "\n"
    return text


def draw(results):
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    time_axes, error_axes = figure.subplots(1, 2)
    for name, label in LABELS.items():
        if name not in results:
            continue
        study = results[name]
        sizes = np.divide(study["sizes"], study["sizes"][0])
        text = f"{label}: {study['exponent']:.2f}"
        time_axes.loglog(sizes, study["ms"], "o-", label=text)
        error_axes.loglog(sizes, study["mean"], "o-", label=label)
    time_axes.set(xlabel="size over the smallest", ylabel="ms for one mu")
    error_axes.set(xlabel="size over the smallest", ylabel="mean L1 relative error")
    time_axes.legend(title="exponents")
    return figure


if __name__ == "__main__":
    run(sys.modules[__name__])
