"""Which (beta, nu, rho) made these measurements? Error bars and a Bayesian posterior.

    u_t + beta u_x - nu u_xx - rho u (1 - u) = 0,  x in [0, 2 pi] periodic, t in [0, 1],
    u(x, 0) = 1 + sin x,  (beta, nu, rho) in [1, 3] x [0, 2] x [0, 2].

The family of convection_diffusion_reaction.py. Eight sensors measure u at five times,
each of the 40 values with noise of a standard deviation of 1 % of the range of u.
Solutions in a reduced basis, and their derivatives by mu, `solution.gradient(x)`, are
the forward model of a least-squares fit, whose covariance is sigma^2 (J^T J)^-1. Two
hundred such experiments, whose data the reference solver makes, tell whether the error
bars are true; fits with the reference solver tell what the basis adds to the error.

For one of them, the posterior for a uniform prior on the box: importance sampling from
a Student t distribution about the fit, all draws solved at once. The reference solver's
posterior is integrated on a grid instead, about its own fit.
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
from scipy.optimize import least_squares
from scipy.stats import chi2, multivariate_t, norm

WIDTH, RANK, ITERATIONS = 96, 12, 1000
TOLERANCE, MAX_SIZE, NUM_CANDIDATES = 1e-4, 60, 200  # of the basis
NUM_TRIALS, NUM_REFERENCE = 200, 20  # fits in the basis, by the reference
NUM_DRAWS, NUM_NODES = 20_000, 11  # of the posterior; nodes on an axis of the grid
if QUICK:
    WIDTH, RANK, ITERATIONS = 32, 6, 60
    TOLERANCE, MAX_SIZE, NUM_CANDIDATES = 3e-2, 16, 32
    NUM_TRIALS, NUM_REFERENCE, NUM_DRAWS, NUM_NODES = 8, 2, 1_000, 7
NOISE = 0.01  # standard deviation, relative to the range of u
SENSORS = np.linspace(0, 2 * np.pi, 8, endpoint=False)
TIMES = np.linspace(0.2, 1, 5)
STEP = 1e-3  # of differences of the reference solver
FREEDOM = 5  # of the Student t distribution: tails heavier than the posterior's
LEVEL = 0.95

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

points = np.stack(np.meshgrid(SENSORS, TIMES), axis=-1).reshape(-1, 2)
# Derivatives need solutions in the basis, so there is no way back to the trial space.
in_basis = lrnr.reduced_basis.BasisLeastSquares()


def values(mu):
    """The 40 values that are measured, for one mu."""
    return fast.solve(mu, in_basis).predict(points)[:, 0]


def slopes(mu):
    """Their derivatives by mu, of shape (40, 3)."""
    return fast.solve(mu, in_basis).gradient(points)[:, 0]


def reference_values(mu):
    # With these steps the values are within 1e-9 of those at the defaults.
    return reference.convection_diffusion_reaction(
        SENSORS, TIMES, *mu, dt=1 / 50, num_points=64
    ).ravel()


def reference_slopes(mu):
    high = np.minimum(mu + STEP * np.eye(space.dim), space.high)
    low = np.maximum(mu - STEP * np.eye(space.dim), space.low)
    columns = [
        (reference_values(b) - reference_values(a)) / np.linalg.norm(b - a)
        for a, b in zip(low, high, strict=True)
    ]
    return np.transpose(columns)


def fit(forward, derivative, measured, sigma):
    """The least-squares estimate of mu, and its covariance."""

    def residual(mu):
        return (forward(mu) - measured) / sigma

    def jacobian(mu):
        return derivative(mu) / sigma

    middle, bounds = (space.low + space.high) / 2, (space.low, space.high)
    found = least_squares(residual, middle, jacobian, bounds, ftol=1e-6, xtol=1e-4)
    return found.x, np.linalg.inv(found.jac.T @ found.jac)


def fit_each(forward, derivative, measured, sigmas):
    """Estimates, covariances, and the milliseconds that each fit took."""
    fit(forward, derivative, measured[0], sigmas[0])  # compiles
    found, milliseconds = [], []
    for m, sigma in zip(measured, sigmas, strict=True):
        begin = time.perf_counter()
        found.append(fit(forward, derivative, m, sigma))
        milliseconds.append(1e3 * (time.perf_counter() - begin))
    mu, covariances = map(np.array, zip(*found, strict=True))
    return mu, covariances, milliseconds


def moments(mu, log_weights):
    """Mean, standard deviations, and the effective sample size of weighted mu."""
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    mean = weights @ mu
    return mean, np.sqrt(weights @ (mu - mean) ** 2), 1 / np.sum(weights**2)


# The experiments: truths in the middle 80 % of each side, data by the reference solver.
rng = np.random.default_rng(1)
side = space.high - space.low
truth = space.low + side * rng.uniform(0.1, 0.9, (NUM_TRIALS, space.dim))
clean = np.array(
    [reference.convection_diffusion_reaction(SENSORS, TIMES, *m).ravel() for m in truth]
)
sigmas = NOISE * np.ptp(clean, axis=1)
measured = clean + sigmas[:, None] * rng.standard_normal(clean.shape)

# The fits.
mu, covariances, milliseconds = fit_each(values, slopes, measured, sigmas)
mu_reference, _, reference_milliseconds = fit_each(
    reference_values, reference_slopes, measured[:NUM_REFERENCE], sigmas[:NUM_REFERENCE]
)
deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
errors = (mu - truth) / deviations  # in standard deviations
first = slice(NUM_REFERENCE)
shift = np.abs(mu[first] - mu_reference) / deviations[first]
reference_errors = (mu_reference - truth[first]) / deviations[first]
covered = np.abs(errors) <= norm.ppf((1 + LEVEL) / 2)
distances = np.einsum(
    "ni,nij,nj->n", mu - truth, np.linalg.inv(covariances), mu - truth
)
in_ellipsoid = distances <= chi2.ppf(LEVEL, space.dim)
by_chance = np.sqrt(LEVEL * (1 - LEVEL) / NUM_TRIALS)

# The posterior of the first experiment: draws in the box, where the prior is constant.
begin = time.perf_counter()
proposal = multivariate_t(mu[0], covariances[0], df=FREEDOM, seed=2)
draws = proposal.rvs(NUM_DRAWS)
draws = draws[np.all((draws >= space.low) & (draws <= space.high), axis=1)]
u = fast.solve(draws, in_basis).predict(points)[..., 0]
misfit = np.sum(((u - measured[0]) / sigmas[0]) ** 2, axis=1)
log_weights = -misfit / 2 - proposal.logpdf(draws)
mean, spread, sample_size = moments(draws, log_weights)
posterior_seconds = time.perf_counter() - begin

# The same by the reference solver: nodes one standard deviation apart along the axes
# of its own fit. For what is nearly a Gaussian this trapezoidal rule is exact to 1e-7.
begin = time.perf_counter()
center, covariance = fit(reference_values, reference_slopes, measured[0], sigmas[0])
axis = np.arange(NUM_NODES) - NUM_NODES // 2
nodes = np.stack(np.meshgrid(*[axis] * space.dim), axis=-1).reshape(-1, space.dim)
nodes = center + nodes @ np.linalg.cholesky(covariance).T
nodes = nodes[np.all((nodes >= space.low) & (nodes <= space.high), axis=1)]
log_density = [
    -np.sum(((reference_values(m) - measured[0]) / sigmas[0]) ** 2) / 2 for m in nodes
]
reference_mean, reference_spread, _ = moments(nodes, np.array(log_density))
reference_seconds = time.perf_counter() - begin
mean_shift = np.abs(mean - reference_mean) / reference_spread
spread_ratio = spread / reference_spread

print("\nEstimate +- standard deviation (error in standard deviations)")
print("  " + " ".join(f"{name:>27s}" for name in space.names))
for m, d, e in list(zip(mu, deviations, errors, strict=True))[:10]:
    print(
        "  "
        + " ".join(
            f"{mi:8.4f} +- {di:6.4f} ({ei:+5.2f})"
            for mi, di, ei in zip(m, d, e, strict=True)
        )
    )
print(f"\nOf {NUM_TRIALS} experiments, share with the truth within {LEVEL:.0%}")
for name, share in zip(space.names, covered.mean(axis=0), strict=True):
    print(f"  {name + ', error bar':>20s}: {share:6.1%}")
print(f"  {'ellipsoid':>20s}: {in_ellipsoid.mean():6.1%}")
print(
    f"  (by chance {LEVEL:.0%} +- {by_chance:.1%}). "
    f"Largest error: {np.abs(errors).max():.2f} standard deviations"
)
print(
    f"{NUM_REFERENCE} fits with the reference solver differ by at most "
    f"{shift.max():.4f} standard deviations"
)
print(
    f"A fit: {np.median(milliseconds):.1f} ms in the basis (median; slowest "
    f"{np.max(milliseconds):.1f}), {np.median(reference_milliseconds):.0f} ms with the "
    "reference solver"
)
print(
    f"\nPosterior of the first experiment, {len(draws)} draws in "
    f"{posterior_seconds:.1f} s, effective sample size {sample_size:.0f}; the "
    f"reference solver at {len(nodes)} nodes, {reference_seconds:.1f} s"
)
print("            truth |     fit +-          posterior +-          reference +-")
for i, name in enumerate(space.names):
    print(
        f"  {name:>6s} {truth[0, i]:8.4f} | {mu[0, i]:7.4f} {deviations[0, i]:7.4f}"
        f"   {mean[i]:11.4f} {spread[i]:7.4f}"
        f"   {reference_mean[i]:12.4f} {reference_spread[i]:7.4f}"
    )
print(
    f"Means differ by at most {mean_shift.max():.3f} standard deviations, those by "
    f"{np.abs(spread_ratio - 1).max():.2%}"
)
print(f"Offline: {offline_seconds:.0f} s. Everything: {time.time() - start:.0f} s")
keep(
    "inverse",
    trials=NUM_TRIALS,
    level=LEVEL,
    coverage=dict(zip(space.names, covered.mean(axis=0).tolist(), strict=True)),
    ellipsoid=float(in_ellipsoid.mean()),
    by_chance=float(by_chance),
    largest_error=float(np.abs(errors).max()),
    reference_fits=NUM_REFERENCE,
    largest_shift=float(shift.max()),
    largest_reference_error=float(np.abs(reference_errors).max()),
    mean_deviation=deviations.mean(axis=0).tolist(),
    milliseconds=float(np.median(milliseconds)),
    slowest_milliseconds=float(np.max(milliseconds)),
    reference_milliseconds=float(np.median(reference_milliseconds)),
    draws=len(draws),
    sample_size=float(sample_size),
    posterior_seconds=posterior_seconds,
    nodes=len(nodes),
    reference_seconds=reference_seconds,
    mean_shift=float(mean_shift.max()),
    spread_difference=float(np.abs(spread_ratio - 1).max()),
    fit_difference=float(np.abs(deviations[0] / reference_spread - 1).max()),
    offline_seconds=offline_seconds,
)

fig, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
weights = np.exp(log_weights - log_weights.max())
for i, (above, below, name) in enumerate(zip(*axes, space.names, strict=True)):
    ends = [space.low[i], space.high[i]]
    above.plot(ends, ends, "k:", lw=1)
    bars = norm.ppf((1 + LEVEL) / 2) * deviations[:40, i]
    above.errorbar(truth[:40, i], mu[:40, i], bars, fmt="o", ms=3, capsize=2, lw=1)
    above.set(xlabel=f"{name}, truth", ylabel=f"estimate, {LEVEL:.0%}")
    below.hist(
        draws[:, i],
        bins=np.linspace(*(mean[i] + 4 * spread[i] * np.array([-1, 1])), 41),
        weights=weights,
        density=True,
        color="C0",
        alpha=0.4,
        label="posterior, draws in the basis",
    )
    grid = mean[i] + spread[i] * np.linspace(-4, 4, 201)
    fitted = norm.pdf(grid, mu[0, i], deviations[0, i])
    below.plot(grid, fitted, "C1", label="fit, error bar")
    known = norm.pdf(grid, reference_mean[i], reference_spread[i])
    below.plot(grid, known, "k:", label="mean and deviation, reference")
    below.axvline(truth[0, i], color="C3", lw=1, label="truth")
    below.set(xlabel=name, ylabel="density" if i == 0 else "")
lines = axes[1, 0].get_legend_handles_labels()
fig.legend(*lines, loc="outside lower center", ncols=4, fontsize="small")
os.makedirs("results", exist_ok=True)
fig.savefig("results/inverse.png", dpi=120)
