"""A pulse in the wind: the parameters are those of its initial condition.

    u_t + 0.6 u_x + 0.3 u_y = 0.02 (u_xx + u_yy),   (x, y) in [-1, 1]^2, t in [0, 1],
    u(x, y, 0) = A exp(-((x - x0)^2 + (y - y0)^2) / (2 w^2)),
    (x0, y0, w, A) in [-0.5, -0.1] x [-0.4, 0] x [0.2, 0.35] x [0.5, 1.5].

Two space dimensions and time, and four parameters: where the pulse is, its width and
its amplitude. None of them is in the PDE, which takes no mu; they enter by the function
of an IC, of (x, mu). So do the values at the boundary, those of the pulse in the plane.
"""

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import numpy as np
import report
from reference_advected_pulse import pulse

LAYERS, RANK, ITERATIONS = [3] + [64] * 4 + [1], 12, 2500
BATCH, NUM_NEW = (64, 32), 60  # mu and points of a step; mu not trained on
if report.QUICK:
    LAYERS, RANK, ITERATIONS, BATCH, NUM_NEW = [3, 32, 32, 1], 6, 400, (32, 32), 3

dde.config.set_random_seed(0)
geom = dde.geometry.Rectangle([-1, -1], [1, 1])
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u):
    u_x, u_y, u_t = (dde.grad.jacobian(u, x, i=0, j=j) for j in range(3))
    u_xx, u_yy = (dde.grad.hessian(u, x, i=j, j=j) for j in range(2))
    return u_t + 0.6 * u_x + 0.3 * u_y - 0.02 * (u_xx + u_yy)


def initial_pulse(x, mu):  # arrays of shapes (n, 3) and (n, 4)
    x0, y0, w, amplitude = np.split(mu, 4, axis=1)
    square = (x[:, 0:1] - x0) ** 2 + (x[:, 1:2] - y0) ** 2
    return amplitude * np.exp(-square / (2 * w**2))


def boundary_values(x, mu):
    return pulse(x, *np.split(mu, 4, axis=1))


ic = dde.icbc.IC(geomtime, initial_pulse, lambda _, on_initial: on_initial)
bc = dde.icbc.DirichletBC(geomtime, boundary_values, lambda _, on_boundary: on_boundary)
sizes = {"num_domain": 16384, "num_initial": 8192, "num_boundary": 8192}
problem = dde.data.TimePDE(
    geomtime, pde, [ic, bc], **sizes, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(x0=(-0.5, -0.1), y0=(-0.4, 0), w=(0.2, 0.35), A=(0.5, 1.5))
data = lrnr.data.ParametricPDE(
    problem, space, num_parameters=2000, parameter_distribution="pseudo"
)
net = lrnr.nn.HyperLRNR(
    LAYERS, "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(lambda x: x * [1.0, 1.0, 2.0] - [0.0, 0.0, 1.0])
model = lrnr.Model(data, net)
decay = ("cosine", ITERATIONS, 1e-3)
model.compile("SOAP", lr=3e-3, decay=decay, loss_weights=[1, 30, 30])
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline = report.seconds()

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(-1, 1, 65), np.linspace(0, 1, 11)
points = np.stack(np.meshgrid(x, x, t), axis=-1).reshape(-1, 3)
exact = [pulse(points, *m) for m in mu]
solved = report.compare("advected_pulse", model, fast, mu, points, exact, offline)
report.picture(solved, which=np.argmin(mu[:, 2]), times=(0, 0.5, 1))
