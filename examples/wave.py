"""A pulse on a string with fixed ends, for every wave speed of an interval.

    u_tt = c^2 u_xx,   x in [0, 1], t in [0, 1],   u(0, t) = u(1, t) = 0,
    u(x, 0) = f(x) = sin(pi x)^4,   u_t(x, 0) = -c f'(x),   c in [0.5, 2].

The pulse runs to the right, is reflected, and comes back with its sign reversed; at
c = 2 it passes the string twice. The equation is of second order in time and needs an
initial velocity: a condition on a derivative, here one that depends on mu, written as
an OperatorBC. The displacements at t = 0 and at the ends hold exactly, by the output
transform.
"""

import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import report
import tensorflow as tf
from reference import relative_l1
from reference_wave import pulse_on_a_string

WIDTH, DEPTH, RANK = 64, 4, 12
ITERATIONS = 4000
BATCH = (32, 64)  # mu, points
NUM_NEW = 60  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, ITERATIONS, NUM_NEW = 48, 2, 8, 500, 3
    BATCH = (16, 32)

start = time.time()
dde.config.set_random_seed(0)

geom = dde.geometry.Interval(0, 1)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_tt = dde.grad.hessian(u, x, i=1, j=1)
    return u_tt / mu - mu * u_xx  # over c, so that slow and fast waves count alike


def initial_velocity(x, u, X, mu):
    """Zero where u_t = -c f'(x), over c. X, the points as an array, is not needed."""
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    angle = np.pi * x[:, 0:1]
    slope = 4 * np.pi * tf.sin(angle) ** 3 * tf.cos(angle)
    return u_t / mu + slope


ic = dde.icbc.OperatorBC(
    geomtime,
    initial_velocity,
    lambda x, _: dde.utils.isclose(x[1], 0),
)
problem = dde.data.TimePDE(
    geomtime, pde, [ic], num_domain=16384, num_initial=32, train_distribution="Sobol"
)
space = lrnr.ParameterSpace(c=(0.5, 2))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    [2] + [WIDTH] * DEPTH + [1],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)
net.apply_feature_transform(lambda x: 2 * x - 1)


def displacements(inputs, u):
    """Keeps u = f at t = 0, and u = 0 at both ends, whatever the network does."""
    x, t = inputs[1][:, 0:1], inputs[1][:, 1:2]
    return tf.sin(np.pi * x) ** 4 + 4 * x * (1 - x) * t * u


net.apply_output_transform(displacements)

model = lrnr.Model(data, net)
model.compile(
    "SOAP",
    lr=3e-3,
    decay=("cosine", ITERATIONS, 1e-3),
    # In u the residual counts over the square of the frequencies of the string.
    loss_weights=[0.01, 1],
)
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline_seconds = time.time() - start

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(0, 1, 129), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [pulse_on_a_string(x, t, c) for (c,) in mu]

solutions, milliseconds = report.solve_each(fast, mu)
before = model.predict(points, mu).reshape(-1, len(t), len(x))
after = np.reshape([s.predict(points) for s in solutions], before.shape)
report.errors(
    "wave",
    space,
    mu,
    [relative_l1(u, e) for u, e in zip(before, exact, strict=True)],
    [relative_l1(u, e) for u, e in zip(after, exact, strict=True)],
    milliseconds,
    offline_seconds,
)

# The fastest pulse: solution and error; and how the coefficients vary with c.
fastest = int(np.argmax(mu[:, 0]))
fig, axes = plt.subplots(1, 3, figsize=(13, 3.4), layout="constrained")
lrnr.plot.solution(solutions[fastest], points, exact[fastest].ravel(), ax=axes[:2])
lrnr.plot.coefficients(fast, ax=axes[2])
fig.savefig("results/wave.png", dpi=120)
