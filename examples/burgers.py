"""Burgers' equation, for every viscosity of a box that spans a decade.

    u_t + u u_x = nu u_xx,   x in [-1, 1] periodic, t in [0, 1],
    u(x, 0) = 1/2 - sin(pi x),   nu in [0.02, 0.2].

The sine steepens to a front about 4 nu wide, which moves at the speed 1/2. What changes
with nu changes by factors, so its axis is logarithmic: both the mu trained on and what
the network sees of them are uniform in log(nu). Initial and periodic boundary
conditions hold exactly.
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference_burgers import moving_front

LAYERS, RANK, ITERATIONS = [3] + [64] * 4 + [1], 12, 3000
BATCH, NUM_NEW = (32, 64), 60  # mu and points of a step; mu not trained on
NU = 0.02, 0.2
if report.QUICK:  # without the steepest fronts
    LAYERS, RANK, ITERATIONS, NUM_NEW, NU = [3, 32, 32, 1], 6, 200, 3, (0.05, 0.2)

dde.config.set_random_seed(0)
geom = dde.geometry.Interval(-1, 1)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    return u_t + u * u_x - mu * u_xx


def features(x):  # periodic in x, scaled in t
    x, t = np.pi * x[:, 0:1], x[:, 1:2]
    return tf.concat([tf.cos(x), tf.sin(x), 2 * t - 1], axis=1)


def initial_values(inputs, u):  # whatever the network does
    x = inputs[1]
    return 0.5 - tf.sin(np.pi * x[:, 0:1]) + x[:, 1:2] * u


problem = dde.data.TimePDE(
    geomtime, pde, [], num_domain=16384, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(nu=(*NU, "log"))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    LAYERS, "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(features)
net.apply_output_transform(initial_values)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(-1, 1, 257), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [moving_front(x, t, *m) for m in mu]
solved = report.compare("burgers", model, fast, mu, points, exact, offline)
at_end = np.stack([x, np.ones_like(x)], axis=1)
some = fast.solve([[NU[0]], [0.06], [NU[1]]])
report.picture(solved, lambda ax: lrnr.plot.solution(some, at_end, ax=ax))
