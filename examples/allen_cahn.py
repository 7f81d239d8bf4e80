"""Allen-Cahn equation, for every diffusivity d and reaction rate k of a box.

u_t = d u_xx + k (u - u^3),  x in [-1, 1], t in [0, 1],
u(x, 0) = x^2 cos(pi x),  u = -1 at both ends,
(d, k) in [1e-3, 1e-2] x [1, 5], d on a logarithmic axis.
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference_reaction_diffusion import allen_cahn

LAYERS, RANK, ITERATIONS = [2] + [64] * 4 + [1], 12, 2500
BATCH, NUM_NEW, D = (64, 32), 60, 1e-3  # mu and points of a step; mu not trained on
if report.QUICK:  # without the thinnest interfaces
    LAYERS, RANK, ITERATIONS, NUM_NEW, D = [2, 24, 24, 1], 4, 60, 3, 5e-3

dde.config.set_random_seed(0)
geom = dde.geometry.Interval(-1, 1)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):  # as for a single mu, except that it takes mu
    d, k = mu[:, 0:1], mu[:, 1:2]
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    error = u_t - d * u_xx - k * (u - u**3)
    # What the reaction makes of a perturbation of u until t = 1. Without this weight,
    # errors that grow a hundredfold count as much as those that are forgotten.
    growth = tf.exp(k * (1 - x[:, 1:2]))
    growth /= (1 + tf.stop_gradient(u) ** 2 * (growth**2 - 1)) ** 1.5
    return (1 + growth) * error


def features(x):  # the solution is even: it depends on x^2
    return tf.concat([2 * x[:, 0:1] ** 2 - 1, 2 * x[:, 1:2] - 1], axis=1)


def initial_and_boundary_values(inputs, u):
    mu, x = inputs
    x, t, d, k = x[:, 0:1], x[:, 1:2], mu[:, 0:1], mu[:, 1:2]
    # v = u(x, 0) where t = 0, -1 at both ends; u solves u_t = k (u - u^3) from v on.
    v = x**2 * tf.cos(np.pi * x) + 100 * d * t * (1 - x**2) * u
    return v / tf.sqrt(v**2 + (1 - v**2) * tf.exp(-2 * k * t))


problem = dde.data.TimePDE(
    geomtime, pde, [], num_domain=8192, num_test=200, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(d=(D, 1e-2, "log"), k=(1, 5))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
net = lrnr.nn.HyperLRNR(
    LAYERS, "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(features)
net.apply_output_transform(initial_and_boundary_values)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(-1, 1, 257), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [allen_cahn(x, t, *m) for m in mu]
solved = report.compare("allen_cahn", model, fast, mu, points, exact, offline)
report.picture(solved, lambda ax: lrnr.plot.coefficients(fast, "d", ax=ax))
