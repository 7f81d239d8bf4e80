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

import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import reference_fem
import report
import tensorflow as tf

Y0, W = -0.4, 0.2  # of the source
WIDTH, DEPTH, RANK = 64, 3, 12
ITERATIONS = 4000
BATCH = (32, 64)  # mu, points
NUM_NEW = 60  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, NUM_NEW = 24, 2, 6, 3
    ITERATIONS, BATCH = 250, (16, 32)

start = time.time()
dde.config.set_random_seed(0)

geom = dde.geometry.Polygon([[0, 0], [0, 1], [-1, 1], [-1, -1], [1, -1], [1, 0]])


def source(x, x0, exp=tf.exp):
    squared = (x[:, 0:1] - x0) ** 2 + (x[:, 1:2] - Y0) ** 2
    return exp(-squared / (2 * W**2)) / (2 * np.pi * W**2)


def pde(x, u, mu):
    k, x0 = mu[:, 0:1], mu[:, 1:2]
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_yy = dde.grad.hessian(u, x, i=1, j=1)
    return -u_xx - u_yy - k**2 * u - source(x, x0)


problem = dde.data.PDE(geom, pde, [], num_domain=8192, train_distribution="pseudo")
space = lrnr.ParameterSpace(k=(5.8, 6.25), x0=(-0.6, 0.6))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=500)
net = lrnr.nn.HyperLRNR(
    [3] + [WIDTH] * DEPTH + [1],
    "sin",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)


def corner(x):
    """r^(2/3) sin(2 phi / 3) and r^(2/3) cos(2 phi / 3) about the re-entrant corner.

    phi is the angle from its bisector, so that its jump is outside of the domain. Both
    are harmonic, and the second is 0 on the two edges at the corner.
    """
    x, y = x[:, 0:1], x[:, 1:2]
    phi = tf.atan2(x - y, -x - y)
    modulus = (x**2 + y**2) ** (1 / 3)
    return modulus * tf.sin(2 / 3 * phi), modulus * tf.cos(2 / 3 * phi)


def feature_transform(x):
    # Scaled by about k, lest the network start far too smooth.
    return 6 * tf.concat([x, corner(x)[0]], axis=1)


def output_transform(inputs, u):
    x, y = inputs[1][:, 0:1], inputs[1][:, 1:2]
    return u * corner(inputs[1])[1] * (1 - x**2) * (1 - y**2)


net.apply_feature_transform(feature_transform)
net.apply_output_transform(output_transform)

# Meta phase and reduction.
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline_seconds = time.time() - start

# Fast phase: mu not trained on, and the reference.
mu = space.sample(NUM_NEW, "Halton").astype(float)
fem = reference_fem.DirichletProblem(reference_fem.l_shape())
exact = [fem.solve(lambda x, x0=x0: source(x, x0, np.exp), shift=k**2) for k, x0 in mu]
u_hyper = model.predict(fem.points, mu)[..., 0]
solutions, milliseconds = report.solve_each(fast, mu)
u_fast = np.stack([s.predict(fem.points)[:, 0] for s in solutions])
before = [fem.relative_l2(u, e) for u, e in zip(u_hyper, exact, strict=True)]
after = [fem.relative_l2(u, e) for u, e in zip(u_fast, exact, strict=True)]
report.errors(
    "helmholtz", space, mu, before, after, milliseconds, offline_seconds, norm="L2"
)

# The mu with the largest error before: solution and error; and the box: residuals.
worst = int(np.argmax(before))
fig, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
lrnr.plot.solution(solutions[worst], fem.points, exact[worst], geom=geom, ax=axes[:2])
lrnr.plot.indicator(fast.solve(space.sample(64, "uniform")), ax=axes[2])
fig.savefig("results/helmholtz.png", dpi=120)
