"""The families of the benchmarks: problem, network, reference, and trained weights."""

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from deepxde_lrnr.fast_phase.trial_space import TrialSpace
from deepxde_lrnr.nn import FastLRNR
from deepxde_lrnr.taylor.feature_jets import feature_jets
from deepxde_lrnr.taylor.jets import MultiIndices
from deepxde_lrnr.taylor.precision import Precision

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

from reference import convection, convection_diffusion_reaction  # noqa: E402

CACHE = Path(__file__).parent / "cache"
X, T = np.linspace(0, 2 * np.pi, 256), np.linspace(0, 1, 101)
POINTS = np.stack(np.meshgrid(X, T), axis=-1).reshape(-1, 2)
# The paper's 4 x 3 points; x = 2 pi would be x = 0 once more.
PAPER_POINTS = np.stack(
    np.meshgrid(np.linspace(0, 2 * np.pi, 4, endpoint=False), [0, 0.5, 1]), axis=-1
).reshape(-1, 2)


@dataclass(frozen=True)
class Family:
    """What determines trained weights.

    Attributes:
        equation: "cdr" or "convection", as in the examples of these names.
        width: M.
        rank: r.
        iterations: Of the meta phase; 0 leaves the weights random.
        batch: Number of mu and of points in a step.
        optimizer: As in ``lrnr.Model.compile``.
        seed: Random seed.
        bias_rank: Number of bias coefficients of each hidden layer.
        regularization: Pairs of a term and its weight, as in ``lrnr.nn.HyperLRNR``.
    """

    equation: str = "cdr"
    width: int = 96
    rank: int = 12
    iterations: int = 1000
    batch: tuple = (64, 32)
    optimizer: str = "SOAP"
    seed: int = 0
    bias_rank: int = 4
    regularization: tuple = ()

    @property
    def space(self) -> lrnr.ParameterSpace:
        if self.equation == "cdr":
            return lrnr.ParameterSpace(beta=(1, 3), nu=(0, 2), rho=(0, 2))
        return lrnr.ParameterSpace(beta=(5, 8))

    def reference(self, mu) -> np.ndarray:
        """Reference solutions, shape (n, number of points)."""
        solve = convection_diffusion_reaction if self.equation == "cdr" else convection
        return np.array([solve(X, T, *m).ravel() for m in np.asarray(mu, float)])

    def new_parameters(self, inside: int, outside: int):
        """Mu not trained on: in the box, and 10 % of a side beyond it.

        Outside, one parameter after the other is beyond its upper bound (below the
        lower ones nu and rho would be negative).
        """
        rng = np.random.default_rng(2024)
        space = self.space
        mu = rng.uniform(space.low, space.high, (inside + outside, space.dim))
        beyond = mu[inside:]
        for i, row in enumerate(beyond):
            j = i % space.dim
            row[j] = space.high[j] + 0.1 * (space.high[j] - space.low[j])
        return mu[:inside], beyond


def problem(family: Family) -> lrnr.data.ParametricPDE:
    """The parametric problem."""
    geomtime = dde.geometry.GeometryXTime(
        dde.geometry.Interval(0, 2 * np.pi), dde.geometry.TimeDomain(0, 1)
    )

    def cdr(x, u, mu):
        beta, nu, rho = mu[:, 0:1], mu[:, 1:2], mu[:, 2:3]
        u_x = dde.grad.jacobian(u, x, i=0, j=0)
        u_t = dde.grad.jacobian(u, x, i=0, j=1)
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        return u_t + beta * u_x - nu * u_xx - rho * u * (1 - u)

    def transport(x, u, mu):
        u_x = dde.grad.jacobian(u, x, i=0, j=0)
        u_t = dde.grad.jacobian(u, x, i=0, j=1)
        return u_t + mu[:, 0:1] * u_x

    pde = dde.data.TimePDE(
        geomtime,
        cdr if family.equation == "cdr" else transport,
        [],
        num_domain=8192,
        train_distribution="pseudo",
    )
    return lrnr.data.ParametricPDE(pde, family.space, num_parameters=1000)


def features(x):
    """Periodic in x, scaled in t: (cos x, sin x, 2 t - 1)."""
    x, t = x[:, 0:1], x[:, 1:2]
    return tf.concat([tf.cos(x), tf.sin(x), 2 * t - 1], axis=1)


def constrained(inputs, u):
    """Keeps the initial values 1 + sin(x), whatever the network does."""
    x = inputs[1]
    return 1 + tf.sin(x[:, 0:1]) + x[:, 1:2] * u


def build(family: Family) -> lrnr.Model:
    """The untrained model."""
    dde.config.set_random_seed(family.seed)
    data = problem(family)
    net = lrnr.nn.HyperLRNR(
        [3] + [family.width] * 4 + [1],
        "tanh",
        "Glorot normal",
        rank=family.rank,
        bias_rank=family.bias_rank,
        parameter_space=family.space,
        regularization=dict(family.regularization) or None,
    )
    net.apply_feature_transform(features)
    net.apply_output_transform(constrained)
    return lrnr.Model(data, net)


def trained(family: Family) -> lrnr.Model:
    """The trained model; weights come from the cache if they are there."""
    model = build(family)
    if not family.iterations:
        # Random weights: DeepXDE makes them when the network is called first.
        model.net((family.space.sample(1), POINTS[:1].astype("float32")))
        return model
    model.compile(
        family.optimizer,
        lr=3e-3,
        decay=("cosine", family.iterations, 1e-3),
        verbose=0,
    )
    chosen = {k: v for k, v in asdict(family).items() if v != ()}
    key = hashlib.sha256(json.dumps(chosen).encode()).hexdigest()[:16]
    path = CACHE / f"{family.equation}-{key}.weights.h5"
    if path.exists():
        model.restore(str(path))
    else:
        model.train(
            iterations=family.iterations,
            batch_size=family.batch,
            display_every=1000,
            verbose=0,
        )
        CACHE.mkdir(exist_ok=True)
        model.net.save_weights(str(path))
    return model


def relative_l1(u, reference) -> np.ndarray:
    """L1 relative errors, shape (n,), of arrays (n, number of points)."""
    u = np.asarray(u).reshape(reference.shape)
    return np.abs(u - reference).sum(axis=1) / np.abs(reference).sum(axis=1)


def hidden_states(model, points, mu, size, rng, derivatives=((0, 0),)) -> list:
    """Hidden states of the trained network, in double precision.

    Args:
        model: ``lrnr.Model``.
        points: Array of shape (n, 2), of which each mu gets some at random.
        mu: Array of shape (P, p).
        size: Number of pairs (point, mu).
        rng: ``numpy.random.Generator``.
        derivatives: Their multi-indices in x and t.

    Returns:
        For each layer an array of shape (number of derivatives, width, pairs), of
        derivatives D^a / a!.
    """
    full = FastLRNR(model.net)
    space = TrialSpace(full, Precision(full))
    indices = MultiIndices([*derivatives, (1, 0)])
    places = [indices.indices.index(d) for d in derivatives]
    jets = feature_jets(space.precision, indices, points)
    count = min(len(points), max(1, size // len(mu)))
    parts = []
    for m in np.asarray(mu, float):
        chosen = rng.choice(len(points), count, replace=False)
        z = space.hidden.coefficients(m[None])
        states = space.hidden.layers(indices, jets(m[None])[:, :, chosen], z)
        parts.append([state[places] for state in states])
    return [np.concatenate(states, axis=2) for states in zip(*parts, strict=True)]
