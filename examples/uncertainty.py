"""How uncertain is u at t = 1 if (beta, nu, rho) are? 100,000 draws on one machine.

    u_t + beta u_x - nu u_xx - rho u (1 - u) = 0,  x in [0, 2 pi] periodic, t in [0, 1],
    u(x, 0) = 1 + sin x,  (beta, nu, rho) in [1, 3] x [0, 2] x [0, 2].

The family of convection_diffusion_reaction.py. Each parameter is drawn from a normal
distribution about the middle of its side, truncated to the box. The bands of quantiles
of u(x, 1) are compared with those of the reference solver.

Every draw is solved. The fast phase would take minutes for that; it takes half a minute
in a reduced basis: some tens of its solutions, of which the others are combinations.
The error of each draw is estimated, and what the basis leaves too far off is solved in
the trial space.
"""

import os
import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import reference
import tensorflow as tf
from report import QUICK, keep
from scipy.stats import truncnorm

WIDTH, RANK, ITERATIONS = 96, 12, 1000
TOLERANCE, MAX_SIZE, NUM_CANDIDATES = 1e-4, 60, 200  # of the basis
NUM_DRAWS, NUM_REFERENCE = 100_000, 500
if QUICK:
    WIDTH, RANK, ITERATIONS = 32, 6, 60
    TOLERANCE, MAX_SIZE, NUM_CANDIDATES = 3e-2, 16, 32
    NUM_DRAWS, NUM_REFERENCE = 1_000, 50
NUM_BLOCKS = 20  # of draws, whose quantiles vary
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

start = time.time()
dde.config.set_random_seed(0)

# The family, its meta phase and its reduction: convection_diffusion_reaction.py.
geom = dde.geometry.Interval(0, 2 * np.pi)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))


def pde(x, u, mu):
    beta, nu, rho = mu[:, 0:1], mu[:, 1:2], mu[:, 2:3]
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    return u_t + beta * u_x - nu * u_xx - rho * u * (1 - u)


problem = dde.data.TimePDE(
    geomtime, pde, [], num_domain=8192, num_test=200, train_distribution="pseudo"
)
space = lrnr.ParameterSpace(beta=(1, 3), nu=(0, 2), rho=(0, 2))
data = lrnr.data.ParametricPDE(problem, space, num_parameters=1000)
net = lrnr.nn.HyperLRNR(
    [3] + [WIDTH] * 4 + [1], "tanh", "Glorot normal", rank=RANK, parameter_space=space
)
net.apply_feature_transform(
    lambda x: tf.concat(
        [tf.cos(x[:, 0:1]), tf.sin(x[:, 0:1]), 2 * x[:, 1:2] - 1], axis=1
    )
)


def output_transform(inputs, u):
    _, x = inputs
    return 1 + tf.sin(x[:, 0:1]) + x[:, 1:2] * u


net.apply_output_transform(output_transform)
model = lrnr.Model(data, net)
model.compile("SOAP", lr=3e-3, decay=("cosine", ITERATIONS, 1e-3))
model.train(iterations=ITERATIONS, batch_size=(64, 32), display_every=250)
fast = model.reduce()
print(fast.build_basis(TOLERANCE, MAX_SIZE, NUM_CANDIDATES))
offline_seconds = time.time() - start

# The draws: standard deviation 0.2 of the side, truncated at 2.5 of them.
middle, side = (space.low + space.high) / 2, space.high - space.low
mu = truncnorm.rvs(-2.5, 2.5, middle, side / 5, (NUM_DRAWS, space.dim), random_state=1)
x = np.linspace(0, 2 * np.pi, 128)
points = np.stack([x, np.ones_like(x)], axis=1)

# Every draw is solved.
begin = time.perf_counter()
sweep = lrnr.sweep(fast, mu, points)
seconds = time.perf_counter() - begin
u = sweep.values[..., 0]
bands = np.quantile(u, QUANTILES, axis=0)
in_basis = int(np.sum(sweep.method == "reduced basis"))
estimate = float(np.nanmax(sweep.estimated_error))

# The reference solver for the first draws.
begin = time.perf_counter()
u_reference = np.stack(
    [
        reference.convection_diffusion_reaction(x, [1.0], *m)[0]
        for m in mu[:NUM_REFERENCE]
    ]
)
reference_seconds = time.perf_counter() - begin
u_range = np.ptp(u_reference)
reference_bands = np.quantile(u_reference, QUANTILES, axis=0)


def difference(bands, others):
    """The largest over x, relative to the range of u(x, 1), for each quantile."""
    return np.abs(bands - others).max(axis=1) / u_range


paired = difference(np.quantile(u[:NUM_REFERENCE], QUANTILES, axis=0), reference_bands)
few = difference(reference_bands, bands)
# How the quantiles of blocks of draws vary, and from that those of all draws.
blocks = [np.quantile(b, QUANTILES, axis=0) for b in np.array_split(u, NUM_BLOCKS)]
sampling = np.std(blocks, axis=0).max(axis=1) / u_range / np.sqrt(NUM_BLOCKS)

print(
    f"\nQuantiles of u(x, 1), largest difference over x from those of the reference "
    f"solver's {NUM_REFERENCE} draws, relative to the range of u(x, 1)"
)
print(f" quantile | the same draws  {NUM_DRAWS} draws  (their standard error)")
for q, *row in zip(QUANTILES, paired, few, sampling, strict=True):
    print(f" {q:8.0%} | {row[0]:14.5%} {row[1]:13.3%} {row[2]:13.3%}")
worst = np.max([paired, few, sampling], axis=1)
print(f"      max | {worst[0]:14.5%} {worst[1]:13.3%} {worst[2]:13.3%}")
print(
    f"{NUM_DRAWS} draws: {seconds:.1f} s, {NUM_DRAWS / seconds:.0f} a second; "
    f"{in_basis} of them in the basis, largest estimated error {estimate:.1e}"
)
print(
    f"Reference solver: {reference_seconds:.1f} s for {NUM_REFERENCE} draws. "
    f"Offline: {offline_seconds:.0f} s. Everything: {time.time() - start:.0f} s"
)
keep(
    "uncertainty",
    draws=NUM_DRAWS,
    reference_draws=NUM_REFERENCE,
    paired=float(worst[0]),
    few=float(worst[1]),
    sampling=float(worst[2]),
    in_basis=in_basis,
    estimate=estimate,
    seconds=seconds,
    reference_seconds=reference_seconds,
    offline_seconds=offline_seconds,
)

fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
for low, high, alpha in ((0, 4, 0.25), (1, 3, 0.5)):
    label = f"{QUANTILES[low]:.0%} to {QUANTILES[high]:.0%}"
    ax.fill_between(x, bands[low], bands[high], color="C0", alpha=alpha, label=label)
ax.plot(x, bands[2], "C0", label="median")
for i, band in enumerate(reference_bands):
    label = None if i else f"reference solver, {NUM_REFERENCE} draws"
    ax.plot(x, band, "k:", lw=1, label=label)
ax.set(title=f"u(x, 1), {NUM_DRAWS} draws of (beta, nu, rho)", xlabel="x", ylabel="u")
ax.legend()
os.makedirs("results", exist_ok=True)
fig.savefig("results/uncertainty.png", dpi=120)
