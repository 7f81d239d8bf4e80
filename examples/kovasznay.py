"""Kovasznay flow, for every Reynolds number of an interval: three unknowns.

    u u_x + v u_y = -p_x + (u_xx + u_yy) / Re,
    u v_x + v v_y = -p_y + (v_xx + v_yy) / Re,   u_x + v_y = 0,
    (x, y) in [-0.5, 1] x [0, 1], periodic in y,   Re in [10, 60].

The velocity at the inflow and the outflow, and the pressure at the outflow, are given.
They depend on Re: the functions of a DirichletBC take (x, mu).
"""

import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import report
import tensorflow as tf
from reference import relative_l2
from reference_kovasznay import kovasznay

WIDTH, DEPTH, RANK = 64, 3, 10
ITERATIONS = 3000
BATCH = (32, 48)  # mu, points
NUM_NEW = 60  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, ITERATIONS, NUM_NEW = 32, 2, 6, 500, 3
    BATCH = (16, 16)

start = time.time()
dde.config.set_random_seed(0)

geom = dde.geometry.Rectangle([-0.5, 0], [1, 1])


def pde(x, w, mu):
    u, v = w[:, 0:1], w[:, 1:2]
    u_x = dde.grad.jacobian(w, x, i=0, j=0)
    u_y = dde.grad.jacobian(w, x, i=0, j=1)
    v_x = dde.grad.jacobian(w, x, i=1, j=0)
    v_y = dde.grad.jacobian(w, x, i=1, j=1)
    p_x = dde.grad.jacobian(w, x, i=2, j=0)
    p_y = dde.grad.jacobian(w, x, i=2, j=1)
    u_xx = dde.grad.hessian(w, x, component=0, i=0, j=0)
    u_yy = dde.grad.hessian(w, x, component=0, i=1, j=1)
    v_xx = dde.grad.hessian(w, x, component=1, i=0, j=0)
    v_yy = dde.grad.hessian(w, x, component=1, i=1, j=1)
    momentum_x = u * u_x + v * u_y + p_x - (u_xx + u_yy) / mu
    momentum_y = u * v_x + v * v_y + p_y - (v_xx + v_yy) / mu
    return [momentum_x, momentum_y, u_x + v_y]


def at_outflow(x, on_boundary):
    return on_boundary and dde.utils.isclose(x[0], 1)


def at_either_end(x, on_boundary):
    return on_boundary and (dde.utils.isclose(x[0], -0.5) or dde.utils.isclose(x[0], 1))


# Arrays of shapes (n, 2) and (n, 1).
bcs = [
    dde.icbc.DirichletBC(
        geom, lambda x, mu: kovasznay(x, mu)[:, 0:1], at_either_end, component=0
    ),
    dde.icbc.DirichletBC(
        geom, lambda x, mu: kovasznay(x, mu)[:, 1:2], at_either_end, component=1
    ),
    dde.icbc.DirichletBC(
        geom, lambda x, mu: kovasznay(x, mu)[:, 2:3], at_outflow, component=2
    ),
]
problem = dde.data.PDE(
    geom, pde, bcs, num_domain=8192, num_boundary=8192, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(Re=(10, 60, "log"))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    [3] + [WIDTH] * DEPTH + [3],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)


def features(x):
    """Scaled in x, periodic in y: (x to [-1, 1], cos(2 pi y), sin(2 pi y))."""
    angle = 2 * np.pi * x[:, 1:2]
    columns = [(x[:, 0:1] - 0.25) / 0.75, tf.cos(angle), tf.sin(angle)]
    return tf.concat(columns, axis=1)


net.apply_feature_transform(features)

model = lrnr.Model(data, net)
model.compile(
    "SOAP",
    lr=3e-3,
    decay=("cosine", ITERATIONS, 1e-3),
    loss_weights=[1, 1, 1, 100, 100, 100],
)
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline_seconds = time.time() - start

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, y = np.linspace(-0.5, 1, 76), np.linspace(0, 1, 51)
points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
exact = np.stack([kovasznay(points, reynolds) for (reynolds,) in mu])

solutions, milliseconds = report.solve_each(fast, mu)
before = model.predict(points, mu)
after = np.stack([s.predict(points) for s in solutions])


def errors(w):
    """Relative errors of each component of each solution, shape (n, 3)."""
    return np.array(
        [
            [relative_l2(wi[:, j], ei[:, j]) for j in range(3)]
            for wi, ei in zip(w, exact, strict=True)
        ]
    )


report.errors(
    "kovasznay",
    space,
    mu,
    errors(before).mean(axis=1),
    errors(after).mean(axis=1),
    milliseconds,
    offline_seconds,
    norm="L2 (mean of u, v, p)",
)
for j, name in enumerate("uvp"):
    e = errors(after)[:, j]
    print(f"{name}: mean {e.mean():.4%}, max {e.max():.4%} after the fast phase")

# The parameter with the largest error before: u, v and p, and their errors.
worst = int(np.argmax(errors(before).mean(axis=1)))
fig, axes = plt.subplots(3, 2, figsize=(10, 8.5), layout="constrained")
for i, name in enumerate("uvp"):
    lrnr.plot.solution(solutions[worst], points, exact[worst], i, ax=axes[i], name=name)
fig.savefig("results/kovasznay.png", dpi=120)
