"""Poisson's equation on a disk with a hole, for every place and width of its source.

    -Laplace u = exp(-|x - (x0, y0)|^2 / (2 w^2)) / (2 pi w^2)
    in the unit disk without the disk of radius 0.25 around (0.3, 0.2),
    u = 0 on both circles,  (x0, y0, w) in [-0.6, 0] x [-0.5, 0.5] x [0.15, 0.3].

The geometry is one of DeepXDE's, made by CSG. The boundary condition holds exactly, by
an output transform. Reference: spectral elements (reference_fem.py).
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference_fem import DirichletProblem, disk_with_hole

CENTER, RADIUS = (0.3, 0.2), 0.25  # of the hole
LAYERS, RANK, ITERATIONS = [5] + [64] * 3 + [1], 16, 4000
BATCH, NUM_NEW = (64, 32), 60  # mu and points of a step; mu not trained on
if report.QUICK:
    LAYERS, RANK, ITERATIONS, BATCH, NUM_NEW = [5, 24, 24, 1], 6, 250, (16, 32), 3

dde.config.set_random_seed(0)
disk, hole = dde.geometry.Disk([0, 0], 1), dde.geometry.Disk(CENTER, RADIUS)
geom = dde.geometry.CSGDifference(disk, hole)


def source(x, mu):
    x0, y0, w = mu[:, 0:1], mu[:, 1:2], mu[:, 2:3]
    squared = (x[:, 0:1] - x0) ** 2 + (x[:, 1:2] - y0) ** 2
    return tf.exp(-squared / (2 * w**2)) / (2 * np.pi * w**2)


def pde(x, u, mu):
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_yy = dde.grad.hessian(u, x, i=1, j=1)
    return -u_xx - u_yy - source(x, mu)


def features(x, mu):
    # Functions that are smooth around a hole are smooth in x and in its inversion in
    # the circle of the hole; the bell says where the source is.
    away = x - tf.constant([CENTER], x.dtype)
    inverted = RADIUS * away / tf.reduce_sum(away**2, axis=1, keepdims=True)
    bell = 2 * np.pi * mu[:, 2:3] ** 2 * source(x, mu)
    return tf.concat([x, inverted, 2 * bell - 1], axis=1)


def boundary_values(inputs, u):
    # u = 0 on both circles: times a smooth function that is like the distance.
    x, y = inputs[1][:, 0:1], inputs[1][:, 1:2]
    outer = 1 - x**2 - y**2
    inner = ((x - CENTER[0]) ** 2 + (y - CENTER[1]) ** 2) / RADIUS**2 - 1
    return u * outer * inner / (outer + inner)


problem = dde.data.PDE(geom, pde, [], num_domain=8192, train_distribution="pseudo")
space = lrnr.ParameterSpace(x0=(-0.6, 0), y0=(-0.5, 0.5), w=(0.15, 0.3))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
# bias_rank is twice the default: with the source all of the solution is shifted.
net = lrnr.nn.HyperLRNR(
    LAYERS, "tanh", "Glorot normal", rank=RANK, parameter_space=space, bias_rank=8
)
net.apply_feature_transform(features)
net.apply_output_transform(boundary_values)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
fem = DirichletProblem(disk_with_hole(CENTER, RADIUS))
exact = [fem.solve(lambda x, m=m: source(x, m[None])) for m in mu]
solved = report.compare(
    "poisson_source", model, fast, mu, fem.points, exact, offline, "L2", fem.relative_l2
)
report.picture(solved, lambda ax: lrnr.plot.singular_values(fast, ax=ax), geom=geom)
