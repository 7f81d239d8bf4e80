"""A pulse in the wind: the parameters are those of its initial condition.

    u_t + 0.6 u_x + 0.3 u_y = 0.02 (u_xx + u_yy),   (x, y) in [-1, 1]^2, t in [0, 1],
    u(x, y, 0) = A exp(-((x - x0)^2 + (y - y0)^2) / (2 w^2)),
    (x0, y0, w, A) in [-0.5, -0.1] x [-0.4, 0] x [0.2, 0.35] x [0.5, 1.5].

Two space dimensions and time, and four parameters: where the pulse is, its width and
its amplitude. None of them is in the PDE, which takes no mu; they enter by the function
of an IC, of (x, mu). So do the values at the boundary, those of the pulse in the plane.
"""

import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import report
from reference import relative_l1
from reference_advected_pulse import pulse

WIDTH, DEPTH, RANK = 64, 4, 12
ITERATIONS = 2500
BATCH = (64, 32)  # mu, points
NUM_NEW = 60  # mu not trained on
if report.QUICK:
    WIDTH, DEPTH, RANK, ITERATIONS, NUM_NEW = 32, 2, 6, 400, 3
    BATCH = (32, 32)

start = time.time()
dde.config.set_random_seed(0)

geom = dde.geometry.Rectangle([-1, -1], [1, 1])
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u):
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_y = dde.grad.jacobian(u, x, i=0, j=1)
    u_t = dde.grad.jacobian(u, x, i=0, j=2)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_yy = dde.grad.hessian(u, x, i=1, j=1)
    return u_t + 0.6 * u_x + 0.3 * u_y - 0.02 * (u_xx + u_yy)


def initial_pulse(x, mu):  # arrays of shapes (n, 3) and (n, 4)
    x0, y0, w, amplitude = np.split(mu, 4, axis=1)
    square = (x[:, 0:1] - x0) ** 2 + (x[:, 1:2] - y0) ** 2
    return amplitude * np.exp(-square / (2 * w**2))


ic = dde.icbc.IC(geomtime, initial_pulse, lambda _, on_initial: on_initial)
bc = dde.icbc.DirichletBC(
    geomtime,
    lambda x, mu: pulse(x, *np.split(mu, 4, axis=1)),
    lambda _, on_boundary: on_boundary,
)
problem = dde.data.TimePDE(
    geomtime,
    pde,
    [ic, bc],
    num_domain=16384,
    num_initial=8192,
    num_boundary=8192,
    train_distribution="pseudo",
)
space = lrnr.ParameterSpace(x0=(-0.5, -0.1), y0=(-0.4, 0), w=(0.2, 0.35), A=(0.5, 1.5))
data = lrnr.data.ParametricPDE(
    problem, space, num_parameters=2000, parameter_distribution="pseudo"
)
net = lrnr.nn.HyperLRNR(
    [3] + [WIDTH] * DEPTH + [1],
    "tanh",
    "Glorot normal",
    rank=RANK,
    parameter_space=space,
)
net.apply_feature_transform(lambda x: x * [1.0, 1.0, 2.0] - [0.0, 0.0, 1.0])

model = lrnr.Model(data, net)
model.compile(
    "SOAP",
    lr=3e-3,
    decay=("cosine", ITERATIONS, 1e-3),
    loss_weights=[1, 30, 30],
)
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=1000)
fast = model.reduce()
offline_seconds = time.time() - start

mu = space.sample(NUM_NEW, "Halton").astype(float)
x, t = np.linspace(-1, 1, 65), np.linspace(0, 1, 11)
grid = np.meshgrid(t, x, x, indexing="ij")  # axes t, y, x
points = np.stack([grid[2], grid[1], grid[0]], axis=-1).reshape(-1, 3)
exact = np.stack([pulse(points, *m) for m in mu])

solutions, milliseconds = report.solve_each(fast, mu)
before = model.predict(points, mu)
after = np.stack([s.predict(points) for s in solutions])
report.errors(
    "advected_pulse",
    space,
    mu,
    [relative_l1(u, e) for u, e in zip(before, exact, strict=True)],
    [relative_l1(u, e) for u, e in zip(after, exact, strict=True)],
    milliseconds,
    offline_seconds,
)

# The narrowest pulse at three times: solution, and error below.
narrowest = int(np.argmin(mu[:, 2]))
fig, axes = plt.subplots(2, 3, figsize=(13, 7), layout="constrained")
for column, i in zip(axes.T, (0, len(t) // 2, -1), strict=True):
    now = points[:, 2] == t[i]
    lrnr.plot.solution(
        solutions[narrowest], points[now], exact[narrowest][now], ax=column
    )
    column[0].set_title(f"t = {t[i]:.1f}")
fig.suptitle("x0 = {:.2f}, y0 = {:.2f}, w = {:.2f}, A = {:.2f}".format(*mu[narrowest]))
fig.savefig("results/advected_pulse.png", dpi=120)
