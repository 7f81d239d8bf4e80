"""Convection of a wave, for every speed beta of an interval.

    u_t + beta u_x = 0,   x in [0, 2 pi] periodic, t in [0, 1],
    u(x, 0) = 1 + sin x,   beta in [5, 8].

The simplest family: one parameter, an exact solution, and no low-dimensional linear
space that could hold the travelling wave. Meta phase, reduction and fast phase as in
convection_diffusion_reaction.py.
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference import convection

WIDTH, RANK, ITERATIONS = 64, 10, 8000
BATCH, NUM_NEW = (32, 64), 60  # mu and points of a step; mu not trained on
if report.QUICK:
    WIDTH, RANK, ITERATIONS, NUM_NEW = 32, 6, 60, 3

dde.config.set_random_seed(0)
geom = dde.geometry.Interval(0, 2 * np.pi)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):  # as for a single mu, except that it takes mu
    beta = mu[:, 0:1]
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    return u_t + beta * u_x


def features(x):  # periodic in x
    columns = [tf.cos(x[:, 0:1]), tf.sin(x[:, 0:1]), 2 * x[:, 1:2] - 1]
    return tf.concat(columns, axis=1)


def initial_values(inputs, u):  # whatever the network does
    x = inputs[1]
    return 1 + tf.sin(x[:, 0:1]) + x[:, 1:2] * u


problem = dde.data.TimePDE(
    geomtime, pde, [], num_domain=8192, num_test=200, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(beta=(5, 8))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    [3] + [WIDTH] * 4 + [1], "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(features)
net.apply_output_transform(initial_values)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(0, 2 * np.pi, 256), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [convection(x, t, *m) for m in mu]
solved = report.compare("convection", model, fast, mu, points, exact, offline)
residuals = fast.solve(space.sample(50, "uniform"))
report.picture(solved, lambda ax: lrnr.plot.indicator(residuals, ax=ax))
