"""Poisson's equation on a disk with a hole, for every place and width of its source.

    -Laplace u = exp(-|x - (x0, y0)|^2 / (2 w^2)) / (2 pi w^2)
    in the unit disk without the disk of radius 0.25 around (0.3, 0.2),
    u = 0 on both circles,  (x0, y0, w) in [-0.6, 0] x [-0.5, 0.5] x [0.15, 0.3].

The geometry is one of DeepXDE's, made by CSG. The boundary condition holds exactly, by
an output transform. Reference: spectral elements (reference_fem.py).
"""

import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import reference_fem
import report
import tensorflow as tf

CENTER, RADIUS = (0.3, 0.2), 0.25  # of the hole
WIDTH, DEPTH, RANK = 64, 3, 16
ITERATIONS = 4000
BATCH = (64, 32)  # mu, points
NUM_NEW = 60  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, NUM_NEW = 24, 2, 6, 3
    ITERATIONS, BATCH = 250, (16, 32)

start = time.time()
dde.config.set_random_seed(0)

geom = dde.geometry.CSGDifference(
    dde.geometry.Disk([0, 0], 1), dde.geometry.Disk(CENTER, RADIUS)
)


def source(x, mu, exp=tf.exp):
    x0, y0, w = mu[:, 0:1], mu[:, 1:2], mu[:, 2:3]
    squared = (x[:, 0:1] - x0) ** 2 + (x[:, 1:2] - y0) ** 2
    return exp(-squared / (2 * w**2)) / (2 * np.pi * w**2)


def pde(x, u, mu):
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_yy = dde.grad.hessian(u, x, i=1, j=1)
    return -u_xx - u_yy - source(x, mu)


# With the condition as a loss term there would be no output transform, and here
# [dde.icbc.DirichletBC(geom, lambda x: 0, lambda _, on_boundary: on_boundary)]
# with num_boundary=1024 instead of [].
problem = dde.data.PDE(geom, pde, [], num_domain=8192, train_distribution="pseudo")
space = lrnr.ParameterSpace(x0=(-0.6, 0), y0=(-0.5, 0.5), w=(0.15, 0.3))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
net = lrnr.nn.HyperLRNR(
    [5] + [WIDTH] * DEPTH + [1],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
    bias_rank=8,  # twice the default: with the source all of the solution is shifted
)


def feature_transform(x, mu):
    """x and y, their inversion in the circle of the hole, and the bell of the source.

    Functions that are smooth around a hole are smooth in both; the bell says where the
    source is.
    """
    away = x - tf.constant([CENTER], x.dtype)
    inverted = RADIUS * away / tf.reduce_sum(away**2, axis=1, keepdims=True)
    bell = 2 * np.pi * mu[:, 2:3] ** 2 * source(x, mu)
    return tf.concat([x, inverted, 2 * bell - 1], axis=1)


def output_transform(inputs, u):
    """u = 0 on both circles: times a smooth function that is like the distance."""
    x, y = inputs[1][:, 0:1], inputs[1][:, 1:2]
    outer = 1 - x**2 - y**2
    inner = ((x - CENTER[0]) ** 2 + (y - CENTER[1]) ** 2) / RADIUS**2 - 1
    return u * outer * inner / (outer + inner)


net.apply_feature_transform(feature_transform)
net.apply_output_transform(output_transform)

# Meta phase and reduction.
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline_seconds = time.time() - start

# Fast phase: mu not trained on, and the reference.
mu = space.sample(NUM_NEW, "Halton").astype(float)
fem = reference_fem.DirichletProblem(reference_fem.disk_with_hole(CENTER, RADIUS))
exact = [fem.solve(lambda x, m=m: source(x, m[None], np.exp)) for m in mu]
u_hyper = model.predict(fem.points, mu)[..., 0]
solutions, milliseconds = report.solve_each(fast, mu)
u_fast = np.stack([s.predict(fem.points)[:, 0] for s in solutions])
before = [fem.relative_l2(u, e) for u, e in zip(u_hyper, exact, strict=True)]
after = [fem.relative_l2(u, e) for u, e in zip(u_fast, exact, strict=True)]
report.errors(
    "poisson_source", space, mu, before, after, milliseconds, offline_seconds, norm="L2"
)

# The mu with the largest error before: solution and error; and what the layers kept.
worst = int(np.argmax(before))
fig, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
lrnr.plot.solution(solutions[worst], fem.points, exact[worst], geom=geom, ax=axes[:2])
lrnr.plot.singular_values(fast, ax=axes[2])
fig.savefig("results/poisson_source.png", dpi=120)
