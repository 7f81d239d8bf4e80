"""Convection-diffusion-reaction, for every (beta, nu, rho) of a box.

    u_t + beta u_x - nu u_xx - rho u (1 - u) = 0,  x in [0, 2 pi] periodic, t in [0, 1],
    u(x, 0) = 1 + sin x,  (beta, nu, rho) in [1, 3] x [0, 2] x [0, 2].

Meta phase: one network is trained for the whole box. Initial and periodic boundary
conditions hold exactly, by a feature and an output transform (the variant with IC and
BC as loss terms is convection_diffusion_reaction_loss_terms.py). Then the network is
reduced, and new mu are solved by the fast phase.
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf
from reference import convection_diffusion_reaction

WIDTH, RANK, ITERATIONS = 96, 12, 1000
BATCH, NUM_NEW = (64, 32), 10  # mu and points of a step; mu not trained on
if report.QUICK:
    WIDTH, RANK, ITERATIONS, NUM_NEW = 32, 6, 60, 3

dde.config.set_random_seed(0)
geom = dde.geometry.Interval(0, 2 * np.pi)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):  # as for a single mu, except that it takes mu
    beta, nu, rho = mu[:, 0:1], mu[:, 1:2], mu[:, 2:3]
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    return u_t + beta * u_x - nu * u_xx - rho * u * (1 - u)


def features(x):  # periodic in x
    columns = [tf.cos(x[:, 0:1]), tf.sin(x[:, 0:1]), 2 * x[:, 1:2] - 1]
    return tf.concat(columns, axis=1)


def initial_values(inputs, u):  # whatever the network does
    x = inputs[1]
    return 1 + tf.sin(x[:, 0:1]) + x[:, 1:2] * u


problem = dde.data.TimePDE(
    geomtime, pde, [], num_domain=8192, num_test=200, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(beta=(1, 3), nu=(0, 2), rho=(0, 2))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
net = lrnr.nn.HyperLRNR(
    [3] + [WIDTH] * 4 + [1], "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(features)
net.apply_output_transform(initial_values)
model = lrnr.Model(data, net)  # the meta phase
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=250)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(0, 2 * np.pi, 256), np.linspace(0, 1, 101)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = [convection_diffusion_reaction(x, t, *m) for m in mu]
# For accuracy, the hidden states of all neurons as trial functions; and the fast phase
# of the paper: 5 neurons a layer, 12 points, 400 steps of Adam.
few = np.linspace(0, 2 * np.pi, 4, endpoint=False), np.linspace(0, 1, 3)
few = np.stack(np.meshgrid(*few), axis=-1).reshape(-1, 2)
paper = model.reduce(method="eim", rank=5, points=few)
others = {
    "all neurons": (model.reduce(rank=WIDTH), None),
    "paper": (paper, lrnr.fast_phase.Adam()),
}
solved = report.compare(
    "convection_diffusion_reaction",
    model,
    fast,
    mu,
    points,
    exact,
    offline,
    others=others,
)
# Over a section of the box, how the fast phase went and where it did well.
nu, rho = np.meshgrid(np.linspace(0, 2, 9), np.linspace(0, 2, 9))
section = fast.solve({"beta": 2, "nu": nu.ravel(), "rho": rho.ravel()})
report.picture(
    solved,
    lambda ax: lrnr.plot.convergence(section, ax=ax),
    lambda ax: lrnr.plot.coefficients(fast, "nu", ax=ax),
    lambda ax: lrnr.plot.singular_values(fast, ax=ax),
    lambda ax: lrnr.plot.indicator(section, ("nu", "rho"), ax=ax),
)
