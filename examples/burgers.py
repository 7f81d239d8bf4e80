"""Burgers' equation, for every viscosity of a box that spans a decade.

    u_t + u u_x = nu u_xx,   x in [-1, 1] periodic, t in [0, 1],
    u(x, 0) = 1/2 - sin(pi x),   nu in [0.02, 0.2].

The sine steepens to a front about 4 nu wide, which moves at the speed 1/2. What changes
with nu changes by factors, so its axis is logarithmic: both the mu trained on and what
the network sees of them are uniform in log(nu). Initial and periodic boundary
conditions hold exactly.
"""

import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import report
import tensorflow as tf
from reference import relative_l1
from reference_burgers import moving_front

WIDTH, DEPTH, RANK = 64, 4, 12
ITERATIONS = 3000
BATCH = (32, 64)  # mu, points
NUM_NEW = 60  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, ITERATIONS, NUM_NEW = 32, 2, 6, 200, 3

start = time.time()
dde.config.set_random_seed(0)

geom = dde.geometry.Interval(-1, 1)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    return u_t + u * u_x - mu * u_xx


problem = dde.data.TimePDE(
    geomtime, pde, [], num_domain=16384, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(nu=(0.02, 0.2, "log"))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    [3] + [WIDTH] * DEPTH + [1],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)


def features(x):
    """Periodic in x, scaled in t: (cos(pi x), sin(pi x), 2 t - 1)."""
    x, t = np.pi * x[:, 0:1], x[:, 1:2]
    return tf.concat([tf.cos(x), tf.sin(x), 2 * t - 1], axis=1)


def initial_values(inputs, u):
    """Keeps u(x, 0) = 1/2 - sin(pi x), whatever the network does."""
    x = inputs[1]
    return 0.5 - tf.sin(np.pi * x[:, 0:1]) + x[:, 1:2] * u


net.apply_feature_transform(features)
net.apply_output_transform(initial_values)

model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline_seconds = time.time() - start

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(-1, 1, 257), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [moving_front(x, t, nu) for (nu,) in mu]

solutions, milliseconds = report.solve_each(fast, mu)
before = model.predict(points, mu).reshape(-1, len(t), len(x))
after = np.reshape([s.predict(points) for s in solutions], before.shape)
report.errors(
    "burgers",
    space,
    mu,
    [relative_l1(u, e) for u, e in zip(before, exact, strict=True)],
    [relative_l1(u, e) for u, e in zip(after, exact, strict=True)],
    milliseconds,
    offline_seconds,
)

# The smallest, a middle, and the largest nu at the end; the smallest everywhere.
order = np.argsort(mu[:, 0])
some = order[[0, len(order) // 2, -1]]
at_end = np.stack([x, np.ones_like(x)], axis=1)
fig, axes = plt.subplots(2, 2, figsize=(10, 6.6), layout="constrained")
lrnr.plot.solution(
    fast.solve(mu[some]), at_end, np.stack([exact[i][-1] for i in some]), ax=axes[0]
)
smallest = order[0]
lrnr.plot.solution(solutions[smallest], points, exact[smallest].ravel(), ax=axes[1])
fig.savefig("results/burgers.png", dpi=120)
