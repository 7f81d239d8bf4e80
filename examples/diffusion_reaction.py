"""Diffusion with a source, for every diffusivity and decay of a box.

    u_t = d u_xx + exp(-rate t) f(x),  x in [-pi, pi], t in [0, 1],
    u(x, 0) = sum of sin(k x) / k over k = 1, 2, 3, 4, 8,  u(-pi, t) = u(pi, t) = 0,

with (d, rate) in [0.5, 1.5]^2. For one mu and DeepXDE alone this script is
diffusion_reaction_single.py, and diffusion_reaction.diff is what had to change.
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference_diffusion_reaction import MODES, diffusion_reaction

WIDTH, ITERATIONS, NUM_NEW = 64, 3_000, 60
if report.QUICK:
    WIDTH, ITERATIONS, NUM_NEW = 16, 60, 3

dde.config.set_random_seed(0)
geom = dde.geometry.Interval(-np.pi, np.pi)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):
    d, rate = mu[:, 0:1], mu[:, 1:2]
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


def output_transform(inputs, u):  # initial and boundary values hold exactly
    _, x = inputs
    initial = sum(tf.sin(k * x[:, 0:1]) / k for k in MODES)
    return initial + x[:, 1:2] * tf.sin(x[:, 0:1]) * u


problem = dde.data.TimePDE(geomtime, pde, [], num_domain=2048)
space = lrnr.ParameterSpace(d=(0.5, 1.5), rate=(0.5, 1.5))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    [5] + [WIDTH] * 4 + [1], "tanh", "Glorot normal", rank=12, parameter_space=space
)
net.apply_feature_transform(features)
net.apply_output_transform(output_transform)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=(32, 64))
fast = model.reduce()
seconds = report.seconds()

x, t = np.linspace(-np.pi, np.pi, 201), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
mu = space.sample(NUM_NEW, "Halton")
exact = [diffusion_reaction(x, t, *m) for m in mu]
solved = report.compare("diffusion_reaction", model, fast, mu, points, exact, seconds)
report.picture(solved)
