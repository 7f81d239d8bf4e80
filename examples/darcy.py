"""Flow through a random medium: a coefficient of 16 parameters, and what follows of it.

    -div(a grad u) = 1 on the unit square, u = 0 on its boundary,
    a = exp(g), g a Gaussian field of variance 1 and correlation length 0.4.

g is its Karhunen-Loeve expansion by 16 modes, whose 16 numbers k, independent standard
normals, are the parameters. They are truncated to [-3, 3], which leaves 99.7 % of the
normal distribution of each. The boundary condition is built into the output. Reference:
spectral elements (reference_fem.py), degree 12, with the same a.

Then mean and variance of u over the draws, and the Sobol indices of u(1/4, 1/4), by
SALib (pip install SALib): the share of its variance that each number explains alone,
and together with the others.

The network is trained, and everything is judged, at draws of the normal distribution:
a corner of the box is 12 standard deviations away from its middle, where no draw is,
and what it takes there would make every solve slow. `reduce` gets small sizes, for
thousands of solves; `fast.estimate_errors` tells at draws that they are enough. It
knows no reference.
"""

import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import reference_fem
import report
import tensorflow as tf
from SALib.analyze import sobol
from SALib.sample import sobol as sobol_sample

NUM_MODES, LENGTH = 16, 0.4
WIDTH, RANK, ITERATIONS, BATCH = 64, 12, 500, (64, 32)
NUM_NEURONS, NUM_FEATURES = 16, 128  # of the trial space
NUM_NEW, NUM_REFERENCE, NUM_BASE = 40, 216, 512
if report.QUICK:
    WIDTH, RANK, ITERATIONS, BATCH = 16, 4, 60, (16, 16)
    NUM_FEATURES, NUM_NEW, NUM_REFERENCE, NUM_BASE = 32, 3, 36, 8

dde.config.set_random_seed(0)
geom = dde.geometry.Rectangle([0, 0], [1, 1])
field = lrnr.data.RandomField(geom, "squared exponential", NUM_MODES, length=LENGTH)
space = lrnr.ParameterSpace(k=(-3, 3, NUM_MODES))


def pde(x, u, mu):  # div(a grad u) + 1, over a
    g = field(x, mu)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_yy = dde.grad.hessian(u, x, i=1, j=1)
    g_x, g_y = (dde.grad.jacobian(g, x, i=0, j=j) for j in range(2))
    u_x, u_y = (dde.grad.jacobian(u, x, i=0, j=j) for j in range(2))
    return u_xx + u_yy + g_x * u_x + g_y * u_y + tf.exp(-g)


def boundary_values(inputs, u):
    x, y = inputs[1][:, 0:1], inputs[1][:, 1:2]
    return x * (1 - x) * y * (1 - y) * u


problem = dde.data.PDE(
    geom, pde, [], num_domain=4096, num_test=200, train_distribution="pseudo"
)
data = lrnr.data.ParametricPDE(problem, space, num_parameters=2000)
data.resample_train_parameters(field.sample(2000))
net = lrnr.nn.HyperLRNR(
    [2] + [WIDTH] * 3 + [1], "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_output_transform(boundary_values)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=250)
fast = model.reduce(rank=NUM_NEURONS, random_features=NUM_FEATURES)
offline = report.seconds()

mu = field.sample(NUM_NEW)
fem = reference_fem.DirichletProblem(reference_fem.unit_square(4, degree=12))


def finite_elements(k):
    return fem.solve(
        lambda x: np.ones(len(x)), coefficient=lambda x: np.exp(field(x, k))
    )


exact, error = [finite_elements(k) for k in mu], fem.relative_l2
solved = report.compare(
    "darcy", model, fast, mu, fem.points, exact, offline, "L2", error
)

# Uncertainty: draws of Saltelli's scheme, from a Sobol' sequence. "bounds" has those of
# k, its mean and its deviation.
salib = {"num_vars": NUM_MODES, "names": list(space.names)}
salib |= {"bounds": [[-3, 3, 0, 1]] * NUM_MODES, "dists": ["truncnorm"] * NUM_MODES}
settings = {"calc_second_order": False, "seed": 1}
draws = sobol_sample.sample(salib, NUM_BASE, **settings)
x, y = np.meshgrid(np.linspace(0, 1, 25), np.linspace(0, 1, 25))
points = np.stack([x.ravel(), y.ravel()], axis=1)
begin = time.perf_counter()
u = lrnr.sweep(fast, draws, points).values[..., 0]
seconds = time.perf_counter() - begin


def indices_of(points, u):
    """Of u(1/4, 1/4), which is one of the points."""
    at_quarter = u[:, np.abs(points - 0.25).max(axis=1).argmin()]
    return sobol.analyze(salib, at_quarter, **settings)


indices = indices_of(points, u)
# The first and the last of each NUM_MODES + 2 rows are independent draws.
independent = np.concatenate([u[:: NUM_MODES + 2], u[NUM_MODES + 1 :: NUM_MODES + 2]])

# The same by the reference, for as many whole sets of rows as there is time for.
whole = max(1, NUM_REFERENCE // (NUM_MODES + 2)) * (NUM_MODES + 2)
begin = time.perf_counter()
exact = np.stack([finite_elements(k) for k in draws[:whole]])
reference_seconds = time.perf_counter() - begin
same = lrnr.sweep(fast, draws[:whole], fem.points).values[..., 0]
ours, theirs = indices_of(points, u[:whole]), indices_of(fem.points, exact)
report.tell(
    "darcy",
    **solved.figures,
    estimated_mean=float(np.mean(fast.estimate_errors(mu=mu))),
    explained_variance=field.explained_variance,
    draws=len(draws),
    reference_draws=whole,
    mean_error=fem.relative_l2(same.mean(axis=0), exact.mean(axis=0)),
    variance_error=fem.relative_l2(same.var(axis=0), exact.var(axis=0)),
    index_error=max(float(np.abs(ours[i] - theirs[i]).max()) for i in ("S1", "ST")),
    first=np.asarray(indices["S1"]).tolist(),
    total=np.asarray(indices["ST"]).tolist(),
    confidence=float(np.max(indices["ST_conf"])),
    seconds=seconds,
    reference_seconds=reference_seconds,
)

fig, axes = plt.subplots(1, 4, figsize=(15, 3.4), layout="constrained")
for ax, values, title in (
    (axes[0], field(points, mu[0]) / np.log(10), "log10 of a, one draw"),
    (axes[1], independent.mean(axis=0), "mean of u"),
    (axes[2], independent.std(axis=0), "standard deviation of u"),
):
    fig.colorbar(ax.contourf(x, y, np.reshape(values, x.shape), 20), ax=ax)
    ax.set(title=title, xlabel="x", ylabel="y", aspect="equal")
for key, shift, label in (("S1", -0.2, "alone"), ("ST", 0.2, "with the others")):
    places, bars = np.arange(NUM_MODES) + shift, indices[key + "_conf"]
    axes[3].bar(places, indices[key], 0.4, yerr=bars, label=label)
axes[3].set(title="Sobol indices of u(1/4, 1/4)", xlabel="number of the mode")
axes[3].legend()
fig.savefig("results/darcy.png", dpi=120)
