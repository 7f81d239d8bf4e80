"""A pulse on a string with fixed ends, for every wave speed of an interval.

    u_tt = c^2 u_xx,   x in [0, 1], t in [0, 1],   u(0, t) = u(1, t) = 0,
    u(x, 0) = f(x) = sin(pi x)^4,   u_t(x, 0) = -c f'(x),   c in [0.5, 2].

The pulse runs to the right, is reflected, and comes back with its sign reversed; at
c = 2 it passes the string twice. The equation is of second order in time and needs an
initial velocity: a condition on a derivative, here one that depends on mu, written as
an OperatorBC. The displacements at t = 0 and at the ends hold exactly.
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference_wave import pulse_on_a_string

LAYERS, RANK, ITERATIONS = [2] + [64] * 4 + [1], 12, 4000
BATCH, NUM_NEW = (32, 64), 60  # mu and points of a step; mu not trained on
if report.QUICK:
    LAYERS, RANK, ITERATIONS, BATCH, NUM_NEW = [2, 48, 48, 1], 8, 500, (16, 32), 3

dde.config.set_random_seed(0)
geom = dde.geometry.Interval(0, 1)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_tt = dde.grad.hessian(u, x, i=1, j=1)
    return u_tt / mu - mu * u_xx  # over c, so that slow and fast waves count alike


def initial_velocity(x, u, X, mu):  # zero where u_t = -c f'(x), over c
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    angle = np.pi * x[:, 0:1]
    return u_t / mu + 4 * np.pi * tf.sin(angle) ** 3 * tf.cos(angle)


def displacements(inputs, u):  # at t = 0 and at both ends, whatever the network does
    x, t = inputs[1][:, 0:1], inputs[1][:, 1:2]
    return tf.sin(np.pi * x) ** 4 + 4 * x * (1 - x) * t * u


ic = dde.icbc.OperatorBC(geomtime, initial_velocity, lambda x, _: np.isclose(x[1], 0))
problem = dde.data.TimePDE(
    geomtime, pde, [ic], num_domain=16384, num_initial=32, train_distribution="Sobol"
)
space = lrnr.ParameterSpace(c=(0.5, 2))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    LAYERS, "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(lambda x: 2 * x - 1)
net.apply_output_transform(displacements)
model = lrnr.Model(data, net)
# In u the residual counts over the square of the frequencies of the string.
decay = ("cosine", ITERATIONS, 1e-3)
model.compile("SOAP", lr=3e-3, decay=decay, loss_weights=[0.01, 1])
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(0, 1, 129), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [pulse_on_a_string(x, t, *m) for m in mu]
solved = report.compare("wave", model, fast, mu, points, exact, offline)
report.picture(solved, lambda ax: lrnr.plot.coefficients(fast, ax=ax))
