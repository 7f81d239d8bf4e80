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

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference_channel import channel_with_bump

LENGTH, W, EPSILON = 3.0, 0.4, 0.02
LAYERS, RANK, ITERATIONS = [2] + [64] * 3 + [1], 12, 1500
BATCH, NUM_NEW = (16, 128), 30  # mu and points of a step; mu not trained on
if report.QUICK:
    LAYERS, RANK, ITERATIONS, BATCH, NUM_NEW = [2, 24, 24, 1], 6, 200, (8, 32), 2

dde.config.set_random_seed(0)
geom = dde.geometry.Rectangle([0, 0], [LENGTH, 1])


def bump(x, mu):
    """The lower wall y_w and its slope."""
    h, c = mu[:, 0:1], mu[:, 1:2]
    at = (x[:, 0:1] - c) / W
    y_w = h * tf.exp(-(at * at))
    return y_w, -2 * at / W * y_w


def deformation(x, mu):
    y_w, _ = bump(x, mu)
    return tf.concat([x[:, 0:1], y_w + (1 - y_w) * x[:, 1:2]], axis=1)


def across(x, mu):
    """s, and the velocity (psi_y, -psi_x) of psi = s^2 (3 - 2 s)."""
    y_w, slope = bump(x, mu)
    s = (x[:, 1:2] - y_w) / (1 - y_w)
    psi_s = 6 * s * (1 - s)
    s_x = slope * (s - 1) / (1 - y_w)
    return s, psi_s / (1 - y_w), -psi_s * s_x


def pde(x, T, mu):
    _, v_x, v_y = across(x, mu)
    T_x, T_y = (dde.grad.jacobian(T, x, i=0, j=j) for j in range(2))
    T_xx, T_yy = (dde.grad.hessian(T, x, i=j, j=j) for j in range(2))
    return v_x * T_x + v_y * T_y - EPSILON * (T_xx + T_yy)


def at_outlet(x, on_boundary):
    return on_boundary and np.isclose(x[0], LENGTH)


def slope_along(x, T, X):
    return dde.grad.jacobian(T, x, i=0, j=0)


def features(x):  # of the reference channel, to a box with sides of about one length
    return tf.concat([2 * x[:, 0:1] - LENGTH, 4 * x[:, 1:2] - 2], axis=1)


def given_values(inputs, N):
    mu, x = inputs
    s, _, _ = across(x, mu)
    wall = 1 - tf.exp(-2 * x[:, 0:1] * x[:, 0:1])
    return wall * (1 - s) ** 4 + x[:, 0:1] * s * (1 - s) * N


bc = dde.icbc.OperatorBC(geom, slope_along, at_outlet)
problem = dde.data.PDE(geom, pde, bc, num_domain=4096, num_boundary=512)
space = lrnr.ParameterSpace(h=(0, 0.4), c=(1, 2))
data = lrnr.data.ParametricPDE(
    problem, space, num_parameters=400, deformation=deformation
)
net = lrnr.nn.HyperLRNR(
    LAYERS, "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(features)
net.apply_output_transform(given_values)
model = lrnr.Model(data, net)
decay = ("cosine", ITERATIONS, 1e-2)
model.compile("SOAP", lr=3e-3, decay=decay, loss_weights=[1, 0.1])
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=500)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
fems = [channel_with_bump(*m) for m in mu]  # each has nodes of its own
points, exact = [f.points for f in fems], [f.T for f in fems]
norms = [f.relative_l2 for f in fems]
solved = report.compare(
    "channel", model, fast, mu, points, exact, offline, "L2", norms, components="T"
)
report.picture(solved, which=np.argmax(mu[:, 0]), geom=geom)
