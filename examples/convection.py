"""Convection of a wave, for every speed beta of an interval.

    u_t + beta u_x = 0,   x in [0, 2 pi] periodic, t in [0, 1],
    u(x, 0) = 1 + sin x,   beta in [5, 8].

The simplest family: one parameter, an exact solution, and no low-dimensional linear
space that could hold the travelling wave. Meta phase, reduction and fast phase as in
convection_diffusion_reaction.py.
"""

import os
import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import reference
import tensorflow as tf
from report import NUM_ROWS, keep, solve_each, summary

WIDTH, RANK = 64, 10
ITERATIONS = 8000
BATCH = (32, 64)  # mu, points
NUM_NEW = 60  # mu not trained on
if os.environ.get("DEEPXDE_LRNR_QUICK"):  # a short run, as in the tests
    WIDTH, RANK, ITERATIONS, NUM_NEW = 32, 6, 60, 3

start = time.time()
dde.config.set_random_seed(0)

# The problem, as for a single mu, except that pde takes mu.
geom = dde.geometry.Interval(0, 2 * np.pi)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):
    beta = mu[:, 0:1]
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    return u_t + beta * u_x


problem = dde.data.TimePDE(
    geomtime, pde, [], num_domain=8192, num_test=200, train_distribution="pseudo"
)

# The family.
space = lrnr.ParameterSpace(beta=(5, 8))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    [3] + [WIDTH] * 4 + [1],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)
# Periodic in x: features of cos x and sin x. Initial values: 1 + sin x at t = 0.
net.apply_feature_transform(
    lambda x: tf.concat(
        [tf.cos(x[:, 0:1]), tf.sin(x[:, 0:1]), 2 * x[:, 1:2] - 1], axis=1
    )
)


def output_transform(inputs, u):
    _, x = inputs
    return 1 + tf.sin(x[:, 0:1]) + x[:, 1:2] * u


net.apply_output_transform(output_transform)

# Meta phase.
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
meta_seconds = time.time() - start

# Reduction.
fast = model.reduce()
reduction_seconds = time.time() - start - meta_seconds

# Fast phase: mu not trained on, and the reference solution.
mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(0, 2 * np.pi, 256), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [reference.convection(x, t, *m) for m in mu]


def errors(u):
    return [
        reference.relative_l1(ui.reshape(len(t), len(x)), e)
        for ui, e in zip(u, exact, strict=True)
    ]


u_hyper = model.predict(points, mu)
solutions, ms = solve_each(fast, mu)
u_fast = np.stack([s.predict(points) for s in solutions])
e_hyper, e_fast = errors(u_hyper), errors(u_fast)

# For accuracy: the hidden states of all neurons as trial functions.
accurate, ms_accurate = solve_each(model.reduce(rank=WIDTH), mu)
e_accurate = errors([s.predict(points) for s in accurate])

# The paper's fast phase: 5 neurons a layer, 12 points, 400 steps of Adam.
grid = np.stack(
    np.meshgrid(np.linspace(0, 2 * np.pi, 4, endpoint=False), np.linspace(0, 1, 3)), -1
).reshape(-1, 2)
fast_paper = model.reduce(method="eim", rank=5, points=grid)
paper = fast_paper.solve(mu, lrnr.fast_phase.Adam())
e_paper = errors(paper.predict(points))

print("\nL1 relative error on 256 x 101 points, mu not trained on")
print("  beta | hypernetwork  fast phase (ms)   all neurons (ms)   paper")
for i, (beta,) in enumerate(mu[:NUM_ROWS]):
    print(
        f" {beta:5.2f} | {e_hyper[i]:11.4%} {e_fast[i]:10.6%}"
        f" ({ms[i]:5.1f}) {e_accurate[i]:11.7%} ({ms_accurate[i]:5.1f})"
        f" {e_paper[i]:7.2%}"
    )
for name, statistic in (("mean", np.mean), ("max", np.max)):
    print(
        f"{name:>6s} | {statistic(e_hyper):11.4%} {statistic(e_fast):10.6%}"
        f" ({statistic(ms):5.1f}) {statistic(e_accurate):11.7%}"
        f" ({statistic(ms_accurate):5.1f}) {statistic(e_paper):7.2%}"
    )
print(
    f"Meta phase {meta_seconds:.0f} s, reduction {reduction_seconds:.0f} s, "
    f"all {time.time() - start:.0f} s"
)
offline_seconds = meta_seconds + reduction_seconds
keep("convection", **summary(e_hyper, e_fast, ms, offline_seconds))

# The mu with the largest error before: solution and error; and the box: residuals.
worst = int(np.argmax(e_hyper))
fig, axes = plt.subplots(1, 3, figsize=(13, 3.4), layout="constrained")
lrnr.plot.solution(solutions[worst], points, exact[worst].ravel(), ax=axes[:2])
lrnr.plot.indicator(fast.solve(space.sample(50, "uniform")), ax=axes[2])
os.makedirs("results", exist_ok=True)
fig.savefig("results/convection.png", dpi=120)
