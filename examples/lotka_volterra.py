"""Predators and their prey, for all four rates of the Lotka-Volterra equations.

    x' = alpha x - beta x y,   y' = delta x y - gamma y,   t in [0, 12],
    x(0) = y(0) = 1,
    (alpha, beta, gamma, delta) in [0.5, 1] x [1, 1.5] x [0.75, 1.25] x [0.75, 1.25].

A system of ordinary differential equations, over one to two of its periods: the
geometry is a time domain. Initial values hold exactly and both populations stay
positive, by an output transform. Meta phase, reduction and fast phase as in
convection_diffusion_reaction.py.
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
from reference_lotka_volterra import lotka_volterra

T = 12
WIDTH, DEPTH, RANK = 64, 4, 12
ITERATIONS = 2000
BATCH = (64, 32)  # mu, points
NUM_NEW = 60  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, ITERATIONS, NUM_NEW = 24, 2, 4, 60, 3

start = time.time()
dde.config.set_random_seed(0)

# The problem, as for a single mu, except that ode takes mu.
timedomain = dde.geometry.TimeDomain(0, T)


def ode(t, populations, mu):
    alpha, beta, gamma, delta = (mu[:, i : i + 1] for i in range(4))
    x, y = populations[:, 0:1], populations[:, 1:2]
    x_t = dde.grad.jacobian(populations, t, i=0)
    y_t = dde.grad.jacobian(populations, t, i=1)
    # Divided by x and y: where a population is small so is its rate, but what comes
    # later depends on its relative error.
    return [x_t / x - alpha + beta * y, y_t / y - delta * x + gamma]


problem = dde.data.PDE(
    timedomain, ode, [], num_domain=4096, num_test=200, train_distribution="pseudo"
)

# The family.
space = lrnr.ParameterSpace(
    alpha=(0.5, 1), beta=(1, 1.5), gamma=(0.75, 1.25), delta=(0.75, 1.25)
)
data = lrnr.data.ParametricPDE(problem, space, num_parameters=4000)
net = lrnr.nn.HyperLRNR(
    [1] + [WIDTH] * DEPTH + [2],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)
net.apply_feature_transform(lambda t: 2 * t / T - 1)
# x = exp(t N_1), y = exp(t N_2): both are 1 at t = 0.
net.apply_output_transform(lambda inputs, u: tf.exp(tf.tanh(inputs[1]) * u))

# Meta phase.
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)

# Reduction.
fast = model.reduce()
offline_seconds = time.time() - start

# Fast phase: mu not trained on, and the reference solution.
mu = space.sample(NUM_NEW, "Halton").astype(float)
t = np.linspace(0, T, 241)
exact = [lotka_volterra(t, *m) for m in mu]


def errors(u):
    return [relative_l1(ui, e) for ui, e in zip(u, exact, strict=True)]


u_hyper = model.predict(t[:, None], mu)
solutions, milliseconds = report.solve_each(fast, mu)
u_fast = [s.predict(t[:, None]) for s in solutions]
before, after = errors(u_hyper), errors(u_fast)
report.errors("lotka_volterra", space, mu, before, after, milliseconds, offline_seconds)

# The mu with the largest error before: prey, predators, and their errors.
worst = int(np.argmax(before))
fig, axes = plt.subplots(2, 2, figsize=(10, 6), layout="constrained")
for i, name in enumerate(("prey", "predators")):
    lrnr.plot.solution(
        solutions[worst], t[:, None], exact[worst], i, ax=axes[i], name=name
    )
os.makedirs("results", exist_ok=True)
fig.savefig("results/lotka_volterra.png", dpi=120)
