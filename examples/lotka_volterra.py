"""Predators and their prey, for all four rates of the Lotka-Volterra equations.

    x' = alpha x - beta x y,   y' = delta x y - gamma y,   t in [0, 12],
    x(0) = y(0) = 1,
    (alpha, beta, gamma, delta) in [0.5, 1] x [1, 1.5] x [0.75, 1.25] x [0.75, 1.25].

A system of ordinary differential equations, over one to two of its periods: the
geometry is a time domain. Initial values hold exactly and both populations stay
positive, by an output transform. Meta phase, reduction and fast phase as in
convection_diffusion_reaction.py.
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference_lotka_volterra import lotka_volterra

T = 12
LAYERS, RANK, ITERATIONS = [1] + [64] * 4 + [2], 12, 2000
BATCH, NUM_NEW = (64, 32), 60  # mu and points of a step; mu not trained on
if report.QUICK:
    LAYERS, RANK, ITERATIONS, NUM_NEW = [1, 24, 24, 2], 4, 60, 3

dde.config.set_random_seed(0)
timedomain = dde.geometry.TimeDomain(0, T)


def ode(t, populations, mu):  # as for a single mu, except that it takes mu
    alpha, beta, gamma, delta = (mu[:, i : i + 1] for i in range(4))
    x, y = populations[:, 0:1], populations[:, 1:2]
    x_t = dde.grad.jacobian(populations, t, i=0)
    y_t = dde.grad.jacobian(populations, t, i=1)
    # Divided by x and y: where a population is small so is its rate, but what comes
    # later depends on its relative error.
    return [x_t / x - alpha + beta * y, y_t / y - delta * x + gamma]


def populations(inputs, u):  # x = exp(t N_1), y = exp(t N_2): both are 1 at t = 0
    return tf.exp(tf.tanh(inputs[1]) * u)


problem = dde.data.PDE(
    timedomain, ode, [], num_domain=4096, num_test=200, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(
    alpha=(0.5, 1), beta=(1, 1.5), gamma=(0.75, 1.25), delta=(0.75, 1.25)
)
data = lrnr.data.ParametricPDE(problem, space, num_parameters=4000)
net = lrnr.nn.HyperLRNR(
    LAYERS, "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(lambda t: 2 * t / T - 1)
net.apply_output_transform(populations)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
t = np.linspace(0, T, 241)
exact = [lotka_volterra(t, *m) for m in mu]
names = ("prey", "predators")
solved = report.compare(
    "lotka_volterra", model, fast, mu, t[:, None], exact, offline, components=names
)
report.picture(solved)
