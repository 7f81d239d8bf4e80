"""Heat in a channel with a bump, for all heights and places of it.

    v . grad T = eps Laplace T,  eps = 0.02,  in 0 < x < 3, y_w(x) < y < 1,
    y_w(x) = h exp(-((x - c) / 0.4)^2),  (h, c) in [0, 0.4] x [1, 2].

The lower wall is heated along the channel, T = 1 - exp(-2 x^2); the inlet and the upper
wall are cold, and at the outlet T_x = 0. The flow follows the walls: its stream
function is s^2 (3 - 2 s) with s = (y - y_w) / (1 - y_w). So there is a layer of heated
fluid at the lower wall, thin on the bump and thick behind it.

The geometry is the channel without a bump; the deformation raises its lower wall. The
output transform has all values on the walls and at the inlet. Reference: spectral
elements (reference_channel.py).
"""

import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import reference_channel
import report
import tensorflow as tf

LENGTH, W, EPSILON = 3.0, 0.4, 0.02
WIDTH, DEPTH, RANK = 64, 3, 12
ITERATIONS = 1500
BATCH = (16, 128)  # mu, points
NUM_NEW = 30  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, NUM_NEW = 24, 2, 6, 2
    ITERATIONS, BATCH = 200, (8, 32)

start = time.time()
dde.config.set_random_seed(0)

geom = dde.geometry.Rectangle([0, 0], [LENGTH, 1])


def bump(x, mu, exp=tf.exp):
    """The lower wall y_w and its slope."""
    h, c = mu[:, 0:1], mu[:, 1:2]
    at = (x[:, 0:1] - c) / W
    y_w = h * exp(-(at * at))
    return y_w, -2 * at / W * y_w


def deformation(x, mu):
    y_w, _ = bump(x, mu)
    return tf.concat([x[:, 0:1], y_w + (1 - y_w) * x[:, 1:2]], axis=1)


def across(x, mu, exp=tf.exp):
    """s, and the velocity (psi_y, -psi_x) of psi = s^2 (3 - 2 s)."""
    y_w, slope = bump(x, mu, exp)
    s = (x[:, 1:2] - y_w) / (1 - y_w)
    psi_s = 6 * s * (1 - s)
    s_x = slope * (s - 1) / (1 - y_w)
    return s, psi_s / (1 - y_w), -psi_s * s_x


def wall(x, exp=tf.exp):
    return 1 - exp(-2 * x[:, 0:1] * x[:, 0:1])


def pde(x, T, mu):
    _, v_x, v_y = across(x, mu)
    T_x, T_y = (dde.grad.jacobian(T, x, i=0, j=j) for j in range(2))
    T_xx, T_yy = (dde.grad.hessian(T, x, i=j, j=j) for j in range(2))
    return v_x * T_x + v_y * T_y - EPSILON * (T_xx + T_yy)


def at_outlet(x, on_boundary):
    return on_boundary and np.isclose(x[0], LENGTH)


bc = dde.icbc.OperatorBC(
    geom, lambda x, T, _: dde.grad.jacobian(T, x, i=0, j=0), at_outlet
)
problem = dde.data.PDE(geom, pde, bc, num_domain=4096, num_boundary=512)
space = lrnr.ParameterSpace(h=(0, 0.4), c=(1, 2))
data = lrnr.data.ParametricPDE(
    problem, space, num_parameters=400, deformation=deformation
)
net = lrnr.nn.HyperLRNR(
    [2] + [WIDTH] * DEPTH + [1],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)


def feature_transform(x):
    # Of the reference channel, to a box with sides of about the same length.
    return tf.concat([2 * x[:, 0:1] - LENGTH, 4 * x[:, 1:2] - 2], axis=1)


def output_transform(inputs, N):
    mu, x = inputs
    s, _, _ = across(x, mu)
    return wall(x) * (1 - s) ** 4 + x[:, 0:1] * s * (1 - s) * N


net.apply_feature_transform(feature_transform)
net.apply_output_transform(output_transform)

# Meta phase and reduction.
model = lrnr.Model(data, net)
model.compile(
    "SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-2), loss_weights=[1, 0.1]
)
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=500)
fast = model.reduce()
offline_seconds = time.time() - start


def reference(mu):
    """The spectral elements of one mu, with the temperature at their nodes."""

    def deform(x):
        y_w, _ = bump(x, mu[None], np.exp)
        return np.hstack([x[:, 0:1], y_w + (1 - y_w) * x[:, 1:2]])

    def velocity(x):
        return np.hstack(across(x, mu[None], np.exp)[1:])

    def on_walls(x):
        return np.where(x[:, 1] > 1 - 1e-9, 0, wall(x, np.exp)[:, 0])

    elements = reference_channel.channel(deform, LENGTH)
    return reference_channel.HeatedChannel(
        elements, velocity, EPSILON, on_walls, LENGTH
    )


# Fast phase: mu not trained on, at the nodes of their own channels.
mu = space.sample(NUM_NEW, "Halton").astype(float)
fems = [reference(m) for m in mu]
solutions, milliseconds = report.solve_each(fast, mu)
u_hyper = [model.predict(f.points, m)[:, 0] for f, m in zip(fems, mu, strict=True)]
u_fast = [s.predict(f.points)[:, 0] for s, f in zip(solutions, fems, strict=True)]
before = [f.relative_l2(u, f.T) for f, u in zip(fems, u_hyper, strict=True)]
after = [f.relative_l2(u, f.T) for f, u in zip(fems, u_fast, strict=True)]
report.errors(
    "channel", space, mu, before, after, milliseconds, offline_seconds, norm="L2"
)

# The highest bump: temperature and error. Triangles of the channel, not of its hull.
high = int(np.argmax(mu[:, 0]))
fig, axes = plt.subplots(1, 2, figsize=(12, 2.6), layout="constrained")
lrnr.plot.solution(
    solutions[high], fems[high].points, fems[high].T, geom=geom, ax=axes, name="T"
)
fig.savefig("results/channel.png", dpi=120)
