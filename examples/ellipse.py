"""Poisson's equation in an ellipse, for all half-axes: a geometry that depends on mu.

    -Laplace u = 1 in x^2 / a^2 + y^2 / b^2 < 1,  u = 0 on the boundary,
    (a, b) in [0.5, 2]^2.

The geometry is the unit disk, and a deformation maps it to the ellipse of each mu. The
PDE and the condition are written as for any domain: they see points x of the ellipse,
and derivatives by them. Exact: (1 - x^2 / a^2 - y^2 / b^2) / (2 / a^2 + 2 / b^2).
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report

LAYERS, RANK, ITERATIONS = [2] + [48] * 3 + [1], 10, 1000
BATCH, NUM_NEW = (16, 128), 60  # mu and points of a step; mu not trained on
if report.QUICK:
    LAYERS, RANK, ITERATIONS, BATCH, NUM_NEW = [2, 24, 24, 1], 6, 200, (8, 32), 3

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
    LAYERS, "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-2), loss_weights=[1, 10])
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=500)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
disk, weights = lrnr.data.quadrature(geom, 900)
points = [disk * m for m in mu]  # of their own ellipses
exact = [(1 - np.sum(disk**2, axis=1)) / np.sum(2 / m**2) for m in mu]


def relative_l2(u, e):
    return np.sqrt(weights[:, 0] @ (u - e) ** 2 / (weights[:, 0] @ e**2))


solved = report.compare(
    "ellipse", model, fast, mu, points, exact, offline, "L2", relative_l2
)
ratios = np.abs(np.log(mu[:, 0] / mu[:, 1]))
report.picture(solved, which=[np.argmax(ratios), np.argmin(ratios)])
