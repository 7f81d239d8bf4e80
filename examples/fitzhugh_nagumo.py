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

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference_reaction_diffusion import fitzhugh_nagumo

L, T = 32, 36
LAYERS, RANK, ITERATIONS = [4] + [64] * 4 + [2], 12, 2000
BATCH, NUM_NEW = (64, 32), 60  # mu and points of a step; mu not trained on
if report.QUICK:
    LAYERS, RANK, ITERATIONS, NUM_NEW = [4, 24, 24, 2], 4, 60, 3

dde.config.set_random_seed(0)
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
    columns = [tf.cos(np.pi * x / L), tf.cos(2 * np.pi * x / L), 2 * t / T - 1]
    from_front = 3 * (tf.cos(np.pi * x / L) - tf.cos(np.pi * s / L))
    return tf.concat([*columns, from_front], axis=1)


def initial_values(inputs, u):
    mu, x = inputs
    x, t, a, epsilon = x[:, 0:1], x[:, 1:2], mu[:, 0:1], mu[:, 1:2]
    _, front, integral = nagumo(x, t, a)
    v = front + 0.1 * (1 - tf.exp(-t / 10)) * u[:, 0:1]
    w = epsilon * integral + 0.05 * t / T * u[:, 1:2]
    return tf.concat([v, w], axis=1)


problem = dde.data.TimePDE(
    geomtime, pde, [], num_domain=8192, num_test=200, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(a=(0.05, 0.15), epsilon=(0.004, 0.008, "log"))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
net = lrnr.nn.HyperLRNR(
    LAYERS, "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(features)
net.apply_output_transform(initial_values)
model = lrnr.Model(data, net)
decay = ("cosine", ITERATIONS, 1e-3)
model.compile("SOAP", lr=3e-3, decay=decay, loss_weights=[1, 100])
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(0, L, 201), np.linspace(0, T, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [fitzhugh_nagumo(x, t, *m) for m in mu]
solved = report.compare(
    "fitzhugh_nagumo", model, fast, mu, points, exact, offline, "L2", components="vw"
)
report.picture(solved)
