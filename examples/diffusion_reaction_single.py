"""Diffusion with a source, for one diffusivity: a script of DeepXDE alone.

    u_t = d u_xx + exp(-rate t) f(x),  x in [-pi, pi], t in [0, 1],
    u(x, 0) = sum of sin(k x) / k over k = 1, 2, 3, 4, 8,  u(-pi, t) = u(pi, t) = 0,

with d = rate = 1, the problem of DeepXDE's own example diffusion_reaction. What changes
for all d and rates of a box is in diffusion_reaction.diff. Run it with
DDE_BACKEND=tensorflow.
"""

import os
import time

import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from reference import relative_l1
from reference_diffusion_reaction import MODES, diffusion_reaction

WIDTH, ITERATIONS = 30, 10_000
if os.environ.get("DEEPXDE_LRNR_QUICK"):  # a short run, as in the tests
    WIDTH, ITERATIONS = 10, 60

start = time.time()
dde.config.set_random_seed(0)
geom = dde.geometry.Interval(-np.pi, np.pi)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u):
    d, rate = 1, 1
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    f = sum((k**2 - 1) * tf.sin(k * x[:, 0:1]) / k for k in MODES)
    # Modes 4 and 8 decay at once; what is left of them then would outweigh all else.
    weight = 1 - tf.exp(-16 * x[:, 1:2])
    return weight * (u_t - d * u_xx - tf.exp(-rate * x[:, 1:2]) * f)


def features(x):  # odd solutions of period 2 pi, which start fast
    x, t = x[:, 0:1], x[:, 1:2]
    columns = [tf.cos(x), tf.cos(2 * x), tf.cos(4 * x), 2 * t - 1, tf.exp(-16 * t)]
    return tf.concat(columns, axis=1)


def output_transform(x, u):  # initial and boundary values hold exactly
    initial = sum(tf.sin(k * x[:, 0:1]) / k for k in MODES)
    return initial + x[:, 1:2] * tf.sin(x[:, 0:1]) * u


data = dde.data.TimePDE(geomtime, pde, [], num_domain=2048)
net = dde.nn.FNN([5] + [WIDTH] * 4 + [1], "tanh", "Glorot normal")
net.apply_feature_transform(features)
net.apply_output_transform(output_transform)
model = dde.Model(data, net)
model.compile("adam", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS)
seconds = time.time() - start

x, t = np.linspace(-np.pi, np.pi, 201), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
u, exact = model.predict(points).reshape(len(t), len(x)), diffusion_reaction(x, t)
print(f"L1 relative error {relative_l1(u, exact):.4%}, {seconds:.0f} s")

fig, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
for ax, title, values in zip(axes, ("exact", "error"), (exact, u - exact), strict=True):
    fig.colorbar(ax.pcolormesh(x, t, values), ax=ax)
    ax.set(title=title, xlabel="x", ylabel="t")
os.makedirs("results", exist_ok=True)
fig.savefig("results/diffusion_reaction_single.png", dpi=120)
