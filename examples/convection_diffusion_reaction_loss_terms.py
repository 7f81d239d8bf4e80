"""The family of convection_diffusion_reaction.py, with IC and BC as loss terms.

Nothing is built into the network: periodicity and the initial values are DeepXDE's own
conditions, as they stand in a script for a single mu. This is the way for problems
whose conditions no transform satisfies; where one does, it is more accurate.
"""

import os
import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import reference
from report import QUICK, errors, solve_each

WIDTH, RANK = 96, 12
ITERATIONS = 3000
BATCH = (32, 64)  # mu, points
NUM_NEW = 60  # mu not trained on
if QUICK:  # a short run, as in the tests
    WIDTH, RANK, ITERATIONS, NUM_NEW = 32, 6, 60, 3

start = time.time()
dde.config.set_random_seed(0)

geom = dde.geometry.Interval(0, 2 * np.pi)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):
    beta, nu, rho = mu[:, 0:1], mu[:, 1:2], mu[:, 2:3]
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    return u_t + beta * u_x - nu * u_xx - rho * u * (1 - u)


def left(x, on_boundary):
    return on_boundary and dde.utils.isclose(x[0], 0)


periodic = dde.icbc.PeriodicBC(geomtime, 0, left)
periodic_slope = dde.icbc.PeriodicBC(geomtime, 0, left, derivative_order=1)
ic = dde.icbc.IC(
    geomtime, lambda x: 1 + np.sin(x[:, 0:1]), lambda _, on_initial: on_initial
)
problem = dde.data.TimePDE(
    geomtime,
    pde,
    [periodic, periodic_slope, ic],
    num_domain=8192,
    num_boundary=1024,
    num_initial=1024,
    num_test=200,
    train_distribution="pseudo",
)

space = lrnr.ParameterSpace(beta=(1, 3), nu=(0, 2), rho=(0, 2))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
net = lrnr.nn.HyperLRNR(
    [2] + [WIDTH] * 4 + [1],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)

model = lrnr.Model(data, net)
model.compile(
    "SOAP",
    lr=3e-3,
    decay=("cosine", ITERATIONS, 1e-3),
    loss_weights=[1, 10, 1, 10],
)
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline_seconds = time.time() - start

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(0, 2 * np.pi, 256), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [reference.convection_diffusion_reaction(x, t, *m).reshape(-1, 1) for m in mu]

u_hyper = model.predict(points, mu)
solutions, milliseconds = solve_each(fast, mu)
u_fast = [s.predict(points) for s in solutions]
before = [reference.relative_l1(u, e) for u, e in zip(u_hyper, exact, strict=True)]
after = [reference.relative_l1(u, e) for u, e in zip(u_fast, exact, strict=True)]
errors(
    "convection_diffusion_reaction_loss_terms",
    space,
    mu,
    before,
    after,
    milliseconds,
    offline_seconds,
)

# The mu with the largest error before: solution, error, and steps of the fast phase.
worst = int(np.argmax(before))
fig, axes = plt.subplots(1, 3, figsize=(13, 3.4), layout="constrained")
lrnr.plot.solution(solutions[worst], points, exact[worst], ax=axes[:2])
lrnr.plot.convergence(solutions[worst], ax=axes[2])
os.makedirs("results", exist_ok=True)
fig.savefig("results/convection_diffusion_reaction_loss_terms.png", dpi=120)
