"""The family of convection_diffusion_reaction.py, for examples of what follows then.

u_t + beta u_x - nu u_xx - rho u (1 - u) = 0,  x in [0, 2 pi] periodic, t in [0, 1],
u(x, 0) = 1 + sin x,  (beta, nu, rho) in [1, 3] x [0, 2] x [0, 2].
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
import tensorflow as tf

WIDTH, RANK, ITERATIONS = 96, 12, 1000
TOLERANCE, MAX_SIZE, NUM_CANDIDATES = 1e-4, 60, 200  # of the basis
if report.QUICK:
    WIDTH, RANK, ITERATIONS = 32, 6, 60
    TOLERANCE, MAX_SIZE, NUM_CANDIDATES = 3e-2, 16, 32


def pde(x, u, mu):
    beta, nu, rho = mu[:, 0:1], mu[:, 1:2], mu[:, 2:3]
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    return u_t + beta * u_x - nu * u_xx - rho * u * (1 - u)


def features(x):
    columns = [tf.cos(x[:, 0:1]), tf.sin(x[:, 0:1]), 2 * x[:, 1:2] - 1]
    return tf.concat(columns, axis=1)


def initial_values(inputs, u):
    x = inputs[1]
    return 1 + tf.sin(x[:, 0:1]) + x[:, 1:2] * u


def with_basis() -> lrnr.FastModel:
    """Trains the family, reduces it, and builds a reduced basis."""
    dde.config.set_random_seed(0)
    geom = dde.geometry.Interval(0, 2 * np.pi)
    geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))
    problem = dde.data.TimePDE(
        geomtime, pde, [], num_domain=8192, num_test=200, train_distribution="pseudo"
    )
    space = lrnr.ParameterSpace(beta=(1, 3), nu=(0, 2), rho=(0, 2))
    data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
    layers = [3] + [WIDTH] * 4 + [1]
    net = lrnr.nn.HyperLRNR(
        layers, "tanh", "Glorot normal", rank=RANK, parameter_space=space
    )
    net.apply_feature_transform(features)
    net.apply_output_transform(initial_values)
    model = lrnr.Model(data, net)
    model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
    model.train(iterations=ITERATIONS, batch_size=(64, 32), display_every=250)
    fast = model.reduce()
    print(fast.build_basis(TOLERANCE, MAX_SIZE, NUM_CANDIDATES))
    return fast
