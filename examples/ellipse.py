"""Poisson's equation in an ellipse, for all half-axes: a geometry that depends on mu.

    -Laplace u = 1 in x^2 / a^2 + y^2 / b^2 < 1,  u = 0 on the boundary,
    (a, b) in [0.5, 2]^2.

The geometry is the unit disk, and a deformation maps it to the ellipse of each mu. The
PDE and the condition are written as for any domain: they see points x of the ellipse,
and derivatives by them. Exact: (1 - x^2 / a^2 - y^2 / b^2) / (2 / a^2 + 2 / b^2).
"""

import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import report

WIDTH, DEPTH, RANK = 48, 3, 10
ITERATIONS = 1000
BATCH = (16, 128)  # mu, points
NUM_NEW = 60  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, NUM_NEW = 24, 2, 6, 3
    ITERATIONS, BATCH = 200, (8, 32)

start = time.time()
dde.config.set_random_seed(0)

geom = dde.geometry.Disk([0, 0], 1)


def deformation(x, mu):
    return x * mu  # (a x, b y)


def pde(x, u):
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_yy = dde.grad.hessian(u, x, i=1, j=1)
    return -u_xx - u_yy - 1


bc = dde.icbc.DirichletBC(geom, lambda x: 0, lambda x, on_boundary: on_boundary)
problem = dde.data.PDE(geom, pde, bc, num_domain=1024, num_boundary=128)
space = lrnr.ParameterSpace(a=(0.5, 2), b=(0.5, 2))
data = lrnr.data.ParametricPDE(
    problem, space, num_parameters=200, deformation=deformation
)
net = lrnr.nn.HyperLRNR(
    [2] + [WIDTH] * DEPTH + [1],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)

# Meta phase and reduction.
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-2), loss_weights=[1, 10])
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=500)
fast = model.reduce()
offline_seconds = time.time() - start


def exact(x, mu):
    a, b = mu
    return (1 - (x[:, 0] / a) ** 2 - (x[:, 1] / b) ** 2) / (2 / a**2 + 2 / b**2)


# Fast phase: mu not trained on, at points of their own ellipses.
mu = space.sample(NUM_NEW, "Halton").astype(float)
disk, weights = lrnr.data.quadrature(geom, 900)
points = [disk * m for m in mu]
solutions, milliseconds = report.solve_each(fast, mu)
u_exact = [exact(x, m) for x, m in zip(points, mu, strict=True)]
u_hyper = [model.predict(x, m)[:, 0] for x, m in zip(points, mu, strict=True)]
u_fast = [s.predict(x)[:, 0] for s, x in zip(solutions, points, strict=True)]


def relative_l2(u, e):
    return np.sqrt(weights[:, 0] @ (u - e) ** 2 / (weights[:, 0] @ e**2))


before = [relative_l2(u, e) for u, e in zip(u_hyper, u_exact, strict=True)]
after = [relative_l2(u, e) for u, e in zip(u_fast, u_exact, strict=True)]
report.errors(
    "ellipse", space, mu, before, after, milliseconds, offline_seconds, norm="L2"
)

# The flattest ellipse and the roundest one: solution and error.
ratios = np.abs(np.log(mu[:, 0] / mu[:, 1]))
fig, axes = plt.subplots(2, 2, figsize=(9, 6.5), layout="constrained")
for row, i in zip(axes, (np.argmax(ratios), np.argmin(ratios)), strict=True):
    lrnr.plot.solution(solutions[i], points[i], u_exact[i], ax=row)
fig.savefig("results/ellipse.png", dpi=120)
