"""Allen-Cahn equation, for every diffusivity d and reaction rate k of a box.

u_t = d u_xx + k (u - u^3),  x in [-1, 1], t in [0, 1],
u(x, 0) = x^2 cos(pi x),  u = -1 at both ends,
(d, k) in [1e-3, 1e-2] x [1, 5], d on a logarithmic axis.
"""

import os
import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import report
import tensorflow as tf
from reference import relative_l1
from reference_reaction_diffusion import allen_cahn

WIDTH, DEPTH, RANK = 64, 4, 12
ITERATIONS = 2500
BATCH = (64, 32)  # mu, points
NUM_NEW = 60  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, ITERATIONS, NUM_NEW = 24, 2, 4, 60, 3

start = time.time()
dde.config.set_random_seed(0)

# The problem, as for a single mu, except that pde takes mu.
geom = dde.geometry.Interval(-1, 1)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):
    d, k = mu[:, 0:1], mu[:, 1:2]
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    error = u_t - d * u_xx - k * (u - u**3)
    # What the reaction makes of a perturbation of u until t = 1. Without this weight,
    # errors that grow a hundredfold count as much as those that are forgotten.
    growth = tf.exp(k * (1 - x[:, 1:2]))
    growth /= (1 + tf.stop_gradient(u) ** 2 * (growth**2 - 1)) ** 1.5
    return (1 + growth) * error


problem = dde.data.TimePDE(
    geomtime, pde, [], num_domain=8192, num_test=200, train_distribution="pseudo"
)

# The family.
space = lrnr.ParameterSpace(d=(1e-3, 1e-2, "log"), k=(1, 5))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
net = lrnr.nn.HyperLRNR(
    [2] + [WIDTH] * DEPTH + [1],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)


def features(x):
    """The solution is even: it depends on x^2."""
    return tf.concat([2 * x[:, 0:1] ** 2 - 1, 2 * x[:, 1:2] - 1], axis=1)


def output_transform(inputs, u):
    mu, x = inputs
    x, t, d, k = x[:, 0:1], x[:, 1:2], mu[:, 0:1], mu[:, 1:2]
    # v = u(x, 0) where t = 0, -1 at both ends; u solves u_t = k (u - u^3) from v on.
    v = x**2 * tf.cos(np.pi * x) + 100 * d * t * (1 - x**2) * u
    return v / tf.sqrt(v**2 + (1 - v**2) * tf.exp(-2 * k * t))


net.apply_feature_transform(features)
net.apply_output_transform(output_transform)

# Meta phase.
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)

# Reduction.
fast = model.reduce()
offline_seconds = time.time() - start

# Fast phase: mu not trained on, and the reference solution.
mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(-1, 1, 257), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [allen_cahn(x, t, *m) for m in mu]


def errors(u):
    return [relative_l1(ui.reshape(e.shape), e) for ui, e in zip(u, exact, strict=True)]


u_hyper = model.predict(points, mu)
solutions, milliseconds = report.solve_each(fast, mu)
u_fast = [s.predict(points) for s in solutions]
before, after = errors(u_hyper), errors(u_fast)
report.errors("allen_cahn", space, mu, before, after, milliseconds, offline_seconds)

# The mu with the largest error before: solution and error; and what was learned of d.
worst = int(np.argmax(before))
fig, axes = plt.subplots(1, 3, figsize=(13, 3.4), layout="constrained")
lrnr.plot.solution(solutions[worst], points, exact[worst].ravel(), ax=axes[:2])
lrnr.plot.coefficients(fast, "d", ax=axes[2])
os.makedirs("results", exist_ok=True)
fig.savefig("results/allen_cahn.png", dpi=120)
