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

import os
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

start = time.time()
dde.config.set_random_seed(0)
geom = dde.geometry.Rectangle([0, 0], [1, 1])
field = lrnr.data.RandomField(geom, "squared exponential", NUM_MODES, length=LENGTH)
space = lrnr.ParameterSpace(k=(-3, 3, NUM_MODES))


def pde(x, u, mu):
    # div(a grad u) + 1, over a.
    g = field(x, mu)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    u_yy = dde.grad.hessian(u, x, i=1, j=1)
    g_x, g_y = (dde.grad.jacobian(g, x, i=0, j=j) for j in range(2))
    u_x, u_y = (dde.grad.jacobian(u, x, i=0, j=j) for j in range(2))
    return u_xx + u_yy + g_x * u_x + g_y * u_y + tf.exp(-g)


def output_transform(inputs, u):
    _, points = inputs
    x, y = points[:, 0:1], points[:, 1:2]
    return x * (1 - x) * y * (1 - y) * u


problem = dde.data.PDE(
    geom, pde, [], num_domain=4096, num_test=200, train_distribution="pseudo"
)
data = lrnr.data.ParametricPDE(problem, space, num_parameters=2000)
data.resample_train_parameters(field.sample(2000))
net = lrnr.nn.HyperLRNR(
    [2] + [WIDTH] * 3 + [1], "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_output_transform(output_transform)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=BATCH, display_every=250)
fast = model.reduce(rank=NUM_NEURONS, random_features=NUM_FEATURES)
offline_seconds = time.time() - start

# Fast phase: draws not trained on, and the reference.
mu = field.sample(NUM_NEW)
estimates = fast.estimate_errors(mu=mu)
fem = reference_fem.DirichletProblem(reference_fem.unit_square(4, degree=12))


def finite_elements(k):
    return fem.solve(
        lambda x: np.ones(len(x)), coefficient=lambda x: np.exp(field(x, k))
    )


exact = [finite_elements(k) for k in mu]
u_hyper = model.predict(fem.points, mu)[..., 0]
solutions, milliseconds = report.solve_each(fast, mu)
u_fast = np.stack([s.predict(fem.points)[:, 0] for s in solutions])
before = [fem.relative_l2(u, e) for u, e in zip(u_hyper, exact, strict=True)]
after = [fem.relative_l2(u, e) for u, e in zip(u_fast, exact, strict=True)]
print(
    f"\nL2 relative error, {NUM_NEW} draws not trained on\n"
    "     | hypernetwork    fast phase  (estimated)   (ms)"
)
for label, of in (("mean", np.mean), ("max", np.max)):
    print(
        f"{label:>4s} | {of(before):11.4%} {of(after):13.6%} {of(estimates):12.6%} "
        f"({of(milliseconds):6.1f})"
    )

# Uncertainty: draws of Saltelli's scheme, from a Sobol' sequence.
salib = {
    "num_vars": NUM_MODES,
    "names": list(space.names),
    "bounds": [[-3, 3, 0, 1]] * NUM_MODES,  # of k, and its mean and deviation
    "dists": ["truncnorm"] * NUM_MODES,
}
draws = sobol_sample.sample(salib, NUM_BASE, calc_second_order=False, seed=1)
side = np.linspace(0, 1, 25)
x, y = np.meshgrid(side, side)
points = np.stack([x.ravel(), y.ravel()], axis=1)


def at_quarter(points, u):
    """u(1/4, 1/4), which is one of the points."""
    return u[:, np.abs(points - 0.25).max(axis=1).argmin()]


begin = time.perf_counter()
u = lrnr.sweep(fast, draws, points).values[..., 0]
seconds = time.perf_counter() - begin
quantity = at_quarter(points, u)
settings = {"calc_second_order": False, "seed": 1}
indices = sobol.analyze(salib, quantity, **settings)

# The first and the last of each NUM_MODES + 2 rows are independent draws.
independent = np.concatenate([u[:: NUM_MODES + 2], u[NUM_MODES + 1 :: NUM_MODES + 2]])
mean, deviation = independent.mean(axis=0), independent.std(axis=0)

# The same by the reference, for as many whole sets of rows as there is time for.
whole = max(1, NUM_REFERENCE // (NUM_MODES + 2)) * (NUM_MODES + 2)
begin = time.perf_counter()
exact = np.stack([finite_elements(k) for k in draws[:whole]])
reference_seconds = time.perf_counter() - begin
same = lrnr.sweep(fast, draws[:whole], fem.points).values[..., 0]
mean_error = fem.relative_l2(same.mean(axis=0), exact.mean(axis=0))
variance_error = fem.relative_l2(same.var(axis=0), exact.var(axis=0))
ours = sobol.analyze(salib, quantity[:whole], **settings)
theirs = sobol.analyze(salib, at_quarter(fem.points, exact), **settings)
index_error = max(float(np.abs(ours[i] - theirs[i]).max()) for i in ("S1", "ST"))

print(f"\nSobol indices of u(1/4, 1/4), {len(draws)} draws, those above 0.01 in all")
print(" number | alone (95 %)      in all (95 %)")
for i in np.argsort(-indices["ST"]):
    if indices["ST"][i] > 0.01:
        print(
            f" {space.names[i]:>6s} | {indices['S1'][i]:.3f} +- "
            f"{indices['S1_conf'][i]:.3f}   {indices['ST'][i]:.3f} +- "
            f"{indices['ST_conf'][i]:.3f}"
        )
print(
    f"u(1/4, 1/4): mean {quantity.mean():.5f}, standard deviation "
    f"{quantity.std():.5f}\n"
    f"The same {whole} draws by finite elements: mean of u differs by "
    f"{mean_error:.4%} in L2, its variance by {variance_error:.4%}, Sobol indices by "
    f"at most {index_error:.1e}\n"
    f"{len(draws)} draws: {seconds:.1f} s; finite elements: {reference_seconds:.1f} s "
    f"for {whole}. Offline: {offline_seconds:.0f} s. "
    f"Everything: {time.time() - start:.0f} s"
)
report.keep(
    "darcy",
    **report.summary(before, after, milliseconds, offline_seconds, "L2"),
    estimated_mean=float(np.mean(estimates)),
    explained_variance=field.explained_variance,
    draws=len(draws),
    reference_draws=whole,
    mean_error=mean_error,
    variance_error=variance_error,
    index_error=index_error,
    first=np.asarray(indices["S1"]).tolist(),
    total=np.asarray(indices["ST"]).tolist(),
    confidence=float(np.max(indices["ST_conf"])),
    seconds=seconds,
    reference_seconds=reference_seconds,
)

fig, axes = plt.subplots(1, 4, figsize=(15, 3.4), layout="constrained")
a = np.exp(field(points, mu[0])).reshape(x.shape)
for ax, values, title in (
    (axes[0], np.log10(a), "log10 of a, one draw"),
    (axes[1], mean.reshape(x.shape), "mean of u"),
    (axes[2], deviation.reshape(x.shape), "standard deviation of u"),
):
    fig.colorbar(ax.contourf(x, y, values, 20), ax=ax)
    ax.set(title=title, xlabel="x", ylabel="y", aspect="equal")
number = np.arange(NUM_MODES)
for key, shift, label in (("S1", -0.2, "alone"), ("ST", 0.2, "with the others")):
    bars = indices[key + "_conf"]
    axes[3].bar(number + shift, indices[key], 0.4, yerr=bars, label=label)
axes[3].set(title="Sobol indices of u(1/4, 1/4)", xlabel="number of the mode")
axes[3].legend()
os.makedirs("results", exist_ok=True)
fig.savefig("results/darcy.png", dpi=120)
