"""How uncertain is u at t = 1 if (beta, nu, rho) are? 100,000 draws on one machine.

    u_t + beta u_x - nu u_xx - rho u (1 - u) = 0,  x in [0, 2 pi] periodic, t in [0, 1],
    u(x, 0) = 1 + sin x,  (beta, nu, rho) in [1, 3] x [0, 2] x [0, 2].

The family of convection_diffusion_reaction.py. Each parameter is drawn from a normal
distribution about the middle of its side, truncated to the box. The bands of quantiles
of u(x, 1) are compared with those of the reference solver.

The fast phase for every draw would take minutes, and for most draws the hypernetwork is
off by less than the sampling error of the quantiles. So all draws are predicted by the
hypernetwork, and their residual, at a few points, says which of these predictions to
doubt. Some draws are solved by the fast phase as well. Among those where the prediction
was off by more than a tolerance, the smallest residual is the limit: every draw with
such a residual or a larger one is solved by the fast phase.
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

WIDTH, RANK, ITERATIONS = 96, 12, 4000
NUM_DRAWS, NUM_REFERENCE, NUM_CALIBRATION = 100_000, 2_000, 400
if QUICK:
    WIDTH, RANK, ITERATIONS = 32, 6, 150
    NUM_DRAWS, NUM_REFERENCE, NUM_CALIBRATION = 1_000, 100, 32
TOLERANCE = 3e-3  # of u(x, 1), relative to its range over x and all draws
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
model.train(iterations=ITERATIONS, batch_size=(64, 32), display_every=1000)
fast = model.reduce()
fast.solve(space.sample(16))  # compiles
offline_seconds = time.time() - start

# The draws: standard deviation 0.2 of the side, truncated at 2.5 of them.
middle, side = (space.low + space.high) / 2, space.high - space.low
mu = truncnorm.rvs(-2.5, 2.5, middle, side / 5, (NUM_DRAWS, space.dim), random_state=1)
x = np.linspace(0, 2 * np.pi, 128)
points = np.stack([x, np.ones_like(x)], axis=1)

# The hypernetwork, for every draw.
begin = time.perf_counter()
u = model.predict(points, mu)[..., 0]
predict_seconds = time.perf_counter() - begin
spread = np.ptp(u)

# The residual at some points, for every draw.
begin = time.perf_counter()
few = geomtime.random_points(16, "Hammersley")
indicator = np.sqrt(np.mean(model.predict(few, mu, pde)[..., 0] ** 2, axis=1))
indicator_seconds = time.perf_counter() - begin

# Above which residual to doubt a prediction; the fast phase for such draws.
begin = time.perf_counter()
some = slice(NUM_CALIBRATION)
off = np.abs(fast.solve(mu[some]).predict(points)[..., 0] - u[some]).max(axis=1)
too_far = off > TOLERANCE * spread
limit = indicator[some][too_far].min() if too_far.any() else np.inf
doubtful = np.flatnonzero(indicator >= limit)
if len(doubtful):
    u[doubtful] = fast.solve(mu[doubtful]).predict(points)[..., 0]
fast_seconds = time.perf_counter() - begin
bands = np.quantile(u, QUANTILES, axis=0)

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
full = difference(bands, reference_bands)
# What to expect of so few draws: the other blocks of as many, of the same prediction.
blocks = np.split(u, NUM_DRAWS // NUM_REFERENCE)[1:]
sampling = np.mean(
    [difference(np.quantile(b, QUANTILES, axis=0), bands) for b in blocks], axis=0
)

print(
    f"\nQuantiles of u(x, 1), largest difference over x from the reference solver's "
    f"{NUM_REFERENCE} draws, relative to the range of u(x, 1)"
)
print(f" quantile | the same draws  {NUM_DRAWS} draws  (sampling error expected)")
for q, *row in zip(QUANTILES, paired, full, sampling, strict=True):
    print(f" {q:8.0%} | {row[0]:14.4%} {row[1]:13.4%} {row[2]:13.4%}")
worst = np.max([paired, full, sampling], axis=1)
print(f"      max | {worst[0]:14.4%} {worst[1]:13.4%} {worst[2]:13.4%}")
seconds = predict_seconds + indicator_seconds + fast_seconds
print(
    f"{NUM_DRAWS} draws: {seconds:.1f} s ({predict_seconds:.1f} s prediction, "
    f"{indicator_seconds:.1f} s residuals, {fast_seconds:.1f} s fast phase for "
    f"{NUM_CALIBRATION} draws and the {len(doubtful)} doubtful ones)"
)
print(
    f"Reference solver: {reference_seconds:.1f} s for {NUM_REFERENCE} draws. "
    f"Offline: {offline_seconds:.0f} s"
)
keep(
    "uncertainty",
    draws=NUM_DRAWS,
    reference_draws=NUM_REFERENCE,
    paired=float(worst[0]),
    full=float(worst[1]),
    sampling=float(worst[2]),
    doubtful=len(doubtful),
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
