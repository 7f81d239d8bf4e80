"""Pulses of FitzHugh and Nagumo's model of a nerve, for every (a, epsilon) of a box.

v_t = v_xx + v (1 - v) (v - a) - w,   w_t = epsilon (v - w),
x in [0, 30], v_x = 0 at both ends, t in [0, 40],
v(x, 0) = exp(-(x / 6)^2), w(x, 0) = 0,
(a, epsilon) in [0.05, 0.15] x [0.004, 0.008], epsilon on a logarithmic axis.

A front runs through the medium, recovery w builds up behind it, and where w is large
enough the medium falls back: a pulse. Networks tend to find a front that stands still,
whose error in the equations is small. So this one starts from Nagumo's front, the
solution without recovery, and describes what recovery changes; early times weigh more,
since later ones depend on them. Meta phase, reduction and fast phase as in
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
from reference import relative_l2
from reference_reaction_diffusion import fitzhugh_nagumo

L, T = 32, 36
WIDTH, DEPTH, RANK = 64, 4, 12
ITERATIONS = 2000
BATCH = (64, 32)  # mu, points
NUM_NEW = 60  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, ITERATIONS, NUM_NEW = 24, 2, 4, 60, 3

start = time.time()
dde.config.set_random_seed(0)

# The problem, as for a single mu, except that pde takes mu.
geom = dde.geometry.Interval(0, L)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, T))


def pde(x, u, mu):
    a, epsilon = mu[:, 0:1], mu[:, 1:2]
    v, w = u[:, 0:1], u[:, 1:2]
    v_t = dde.grad.jacobian(u, x, i=0, j=1)
    w_t = dde.grad.jacobian(u, x, i=1, j=1)
    v_xx = dde.grad.hessian(u, x, component=0, i=0, j=0)
    causal = tf.exp(-x[:, 1:2] / 20)  # early times first
    return [
        causal * (v_t - v_xx - v * (1 - v) * (v - a) + w),
        causal * (w_t - epsilon * (v - w)),
    ]


problem = dde.data.TimePDE(
    geomtime, pde, [], num_domain=8192, num_test=200, train_distribution="pseudo"
)

# The family.
space = lrnr.ParameterSpace(a=(0.05, 0.15), epsilon=(0.004, 0.008, "log"))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
net = lrnr.nn.HyperLRNR(
    [4] + [WIDTH] * DEPTH + [2],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)


def nagumo(x, t, a):
    """Nagumo's front, the solution for w = 0: its place, v, and v integrated in t."""
    root, speed = np.sqrt(2), (1 - 2 * a) / np.sqrt(2)
    s = 5 + speed * t
    # With images beyond both ends, so that v_x = 0 there.
    v = tf.sigmoid((s - x) / root) * tf.sigmoid((s + x) / root)
    v = 1 - (1 - v) * (1 - tf.sigmoid((s - 2 * L + x) / root))

    def primitive(s):
        return tf.math.softplus((s - x) / root) + tf.math.softplus((s + x) / root)

    return s, v, root / speed * (primitive(s) - primitive(5.0)) - t


def features(x, mu):
    """Cosines, so that v_x = 0 at both ends; one of them counts from the front."""
    x, t = x[:, 0:1], x[:, 1:2]
    s, _, _ = nagumo(x, t, mu[:, 0:1])
    columns = [
        tf.cos(np.pi * x / L),
        tf.cos(2 * np.pi * x / L),
        2 * t / T - 1,
        3 * (tf.cos(np.pi * x / L) - tf.cos(np.pi * s / L)),
    ]
    return tf.concat(columns, axis=1)


def output_transform(inputs, u):
    mu, x = inputs
    x, t, a, epsilon = x[:, 0:1], x[:, 1:2], mu[:, 0:1], mu[:, 1:2]
    _, front, integral = nagumo(x, t, a)
    v = front + 0.1 * (1 - tf.exp(-t / 10)) * u[:, 0:1]
    w = epsilon * integral + 0.05 * t / T * u[:, 1:2]
    return tf.concat([v, w], axis=1)


net.apply_feature_transform(features)
net.apply_output_transform(output_transform)

# Meta phase.
model = lrnr.Model(data, net)
model.compile(
    "SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3), loss_weights=[1, 100]
)
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)

# Reduction.
fast = model.reduce()
offline_seconds = time.time() - start

# Fast phase: mu not trained on, and the reference solution.
mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(0, L, 201), np.linspace(0, T, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [fitzhugh_nagumo(x, t, *m) for m in mu]


def errors(u):
    """Mean of the errors of v and of w."""
    return [
        np.mean([relative_l2(ui.reshape(e.shape)[..., i], e[..., i]) for i in range(2)])
        for ui, e in zip(u, exact, strict=True)
    ]


u_hyper = model.predict(points, mu)
solutions, milliseconds = report.solve_each(fast, mu)
u_fast = [s.predict(points) for s in solutions]
before, after = errors(u_hyper), errors(u_fast)
report.errors(
    "fitzhugh_nagumo", space, mu, before, after, milliseconds, offline_seconds, "L2"
)

# The mu with the largest error before: v and w, and their errors.
worst = int(np.argmax(before))
reference = exact[worst].reshape(-1, 2)
fig, axes = plt.subplots(2, 2, figsize=(10, 6.6), layout="constrained")
for i, name in enumerate("uv"):
    lrnr.plot.solution(solutions[worst], points, reference, i, ax=axes[i], name=name)
os.makedirs("results", exist_ok=True)
fig.savefig("results/fitzhugh_nagumo.png", dpi=120)
