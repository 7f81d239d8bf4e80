"""Helmholtz' equation on an L-shape, for every wavenumber and place of the source.

    -Laplace u - k^2 u = exp(-|x - (x0, -0.4)|^2 / (2 w^2)) / (2 pi w^2),  w = 0.2,
    in [-1, 1]^2 without the quadrant x > 0, y > 0;  u = 0 on the boundary,
    (k, x0) in [5.8, 6.25] x [-0.6, 0.6].

Between k = 5.65 and k = 6.44, two square roots of eigenvalues of -Laplace, no wave is
resonant, so that one smooth family covers the band. (At an eigenvalue there is no
solution; a band that contains one must be split there.)

At the re-entrant corner u is like r^(2/3) and its gradient is not bounded. The output
transform has this factor, and is 0 on the whole boundary. Reference: spectral elements
(reference_fem.py).
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference_fem import DirichletProblem, l_shape

LAYERS, RANK, ITERATIONS = [3] + [64] * 3 + [1], 12, 4000
BATCH, NUM_NEW = (32, 64), 60  # mu and points of a step; mu not trained on
if report.QUICK:
    LAYERS, RANK, ITERATIONS, BATCH, NUM_NEW = [3, 24, 24, 1], 6, 250, (16, 32), 3

dde.config.set_random_seed(0)
geom = dde.geometry.Polygon([[0, 0], [0, 1], [-1, 1], [-1, -1], [1, -1], [1, 0]])


def source(x, x0, w=0.2):
    squared = (x[:, 0:1] - x0) ** 2 + (x[:, 1:2] + 0.4) ** 2
    return tf.exp(-squared / (2 * w**2)) / (2 * np.pi * w**2)


def pde(x, u, mu):
    k, x0 = mu[:, 0:1], mu[:, 1:2]
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_yy = dde.grad.hessian(u, x, i=1, j=1)
    return -u_xx - u_yy - k**2 * u - source(x, x0)


def corner(x):
    # r^(2/3) times sine and cosine of 2/3 phi, phi being the angle from the bisector of
    # the corner. Both are harmonic, and the second is 0 on the two edges there.
    x, y = x[:, 0:1], x[:, 1:2]
    phi = tf.atan2(x - y, -x - y)
    modulus = (x**2 + y**2) ** (1 / 3)
    return modulus * tf.sin(2 / 3 * phi), modulus * tf.cos(2 / 3 * phi)


def features(x):  # scaled by about k, lest the network start far too smooth
    return 6 * tf.concat([x, corner(x)[0]], axis=1)


def boundary_values(inputs, u):
    x, y = inputs[1][:, 0:1], inputs[1][:, 1:2]
    return u * corner(inputs[1])[1] * (1 - x**2) * (1 - y**2)


problem = dde.data.PDE(geom, pde, [], num_domain=8192, train_distribution="pseudo")
space = lrnr.ParameterSpace(k=(5.8, 6.25), x0=(-0.6, 0.6))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    LAYERS, "sin", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(features)
net.apply_output_transform(boundary_values)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
fem = DirichletProblem(l_shape())
exact = [fem.solve(lambda x, x0=x0: source(x, x0), shift=k**2) for k, x0 in mu]
solved = report.compare(
    "helmholtz", model, fast, mu, fem.points, exact, offline, "L2", fem.relative_l2
)
residuals = fast.solve(space.sample(64, "uniform"))
report.picture(solved, lambda ax: lrnr.plot.indicator(residuals, ax=ax), geom=geom)
