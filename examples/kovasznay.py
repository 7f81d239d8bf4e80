"""Kovasznay flow, for every Reynolds number of an interval: three unknowns.

    u u_x + v u_y = -p_x + (u_xx + u_yy) / Re,
    u v_x + v v_y = -p_y + (v_xx + v_yy) / Re,   u_x + v_y = 0,
    (x, y) in [-0.5, 1] x [0, 1], periodic in y,   Re in [10, 60].

The velocity at the inflow and the outflow, and the pressure at the outflow, are given.
They depend on Re: the functions of a DirichletBC take (x, mu).
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference_kovasznay import kovasznay

LAYERS, RANK, ITERATIONS = [3] + [64] * 3 + [3], 10, 3000
BATCH, NUM_NEW = (32, 48), 60  # mu and points of a step; mu not trained on
if report.QUICK:
    LAYERS, RANK, ITERATIONS, BATCH, NUM_NEW = [3, 32, 32, 3], 6, 500, (16, 16), 3

dde.config.set_random_seed(0)
geom = dde.geometry.Rectangle([-0.5, 0], [1, 1])


def pde(x, w, mu):
    u, v = w[:, 0:1], w[:, 1:2]
    (u_x, u_y), (v_x, v_y), (p_x, p_y) = (
        [dde.grad.jacobian(w, x, i=i, j=j) for j in range(2)] for i in range(3)
    )
    (u_xx, u_yy), (v_xx, v_yy) = (
        [dde.grad.hessian(w, x, component=i, i=j, j=j) for j in range(2)]
        for i in range(2)
    )
    momentum_x = u * u_x + v * u_y + p_x - (u_xx + u_yy) / mu
    momentum_y = u * v_x + v * v_y + p_y - (v_xx + v_yy) / mu
    return [momentum_x, momentum_y, u_x + v_y]


def at_outflow(x, on_boundary):
    return on_boundary and dde.utils.isclose(x[0], 1)


def at_either_end(x, on_boundary):
    return on_boundary and (dde.utils.isclose(x[0], -0.5) or dde.utils.isclose(x[0], 1))


def features(x):  # x scaled to [-1, 1], periodic in y
    x, angle = x[:, 0:1], 2 * np.pi * x[:, 1:2]
    return tf.concat([(x - 0.25) / 0.75, tf.cos(angle), tf.sin(angle)], axis=1)


def given(i, where):  # the function of a condition takes arrays, (n, 2) and (n, 1)
    return dde.icbc.DirichletBC(
        geom, lambda x, mu: kovasznay(x, mu)[:, i : i + 1], where, component=i
    )


bcs = [given(0, at_either_end), given(1, at_either_end), given(2, at_outflow)]
problem = dde.data.PDE(
    geom, pde, bcs, num_domain=8192, num_boundary=8192, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(Re=(10, 60, "log"))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    LAYERS, "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(features)
model = lrnr.Model(data, net)
decay = ("cosine", ITERATIONS, 1e-3)
model.compile("SOAP", lr=3e-3, decay=decay, loss_weights=[1, 1, 1, 100, 100, 100])
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, y = np.linspace(-0.5, 1, 76), np.linspace(0, 1, 51)
points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
exact = [kovasznay(points, *m) for m in mu]
solved = report.compare(
    "kovasznay", model, fast, mu, points, exact, offline, "L2", components="uvp"
)
report.picture(solved)
