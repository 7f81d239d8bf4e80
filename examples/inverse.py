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

import time

import deepxde_lrnr as lrnr
import family
import matplotlib.pyplot as plt
import numpy as np
import reference_inverse as reference
import report
from scipy.optimize import least_squares
from scipy.stats import chi2, multivariate_t, norm

NUM_TRIALS, NUM_REFERENCE = 200, 20  # fits in the basis, by the reference
NUM_DRAWS, NUM_NODES = 20_000, 11  # of the posterior; nodes on an axis of the grid
if report.QUICK:
    NUM_TRIALS, NUM_REFERENCE, NUM_DRAWS, NUM_NODES = 8, 2, 1_000, 7
NOISE, LEVEL = 0.01, 0.95  # deviation, relative to the range of u; of the error bars

fast = family.with_basis()
offline = report.seconds()
space = fast.parameter_space
points = np.stack(np.meshgrid(reference.SENSORS, reference.TIMES), axis=-1)
points = points.reshape(-1, 2)
# Derivatives need solutions in the basis, so there is no way back to the trial space.
in_basis = lrnr.reduced_basis.BasisLeastSquares()


def values(mu):
    """The 40 values that are measured, for one mu."""
    return fast.solve(mu, in_basis).predict(points)[:, 0]


def slopes(mu):
    """Their derivatives by mu, of shape (40, 3)."""
    return fast.solve(mu, in_basis).gradient(points)[:, 0]


def fit(forward, derivative, measured, sigma):
    """The least-squares estimate of mu, and its covariance."""
    found = least_squares(
        lambda mu: (forward(mu) - measured) / sigma,
        (space.low + space.high) / 2,
        lambda mu: derivative(mu) / sigma,
        (space.low, space.high),
        ftol=1e-6,
        xtol=1e-4,
    )
    return found.x, np.linalg.inv(found.jac.T @ found.jac)


# The experiments: truths in the middle 80 % of each side, data by the reference solver.
rng = np.random.default_rng(1)
inside = rng.uniform(0.1, 0.9, (NUM_TRIALS, space.dim))
truth = space.low + (space.high - space.low) * inside
clean = np.array([reference.values(m, dt=1 / 400) for m in truth])
sigmas = NOISE * np.ptp(clean, axis=1)
measured = clean + sigmas[:, None] * rng.standard_normal(clean.shape)
trials = list(zip(measured, sigmas, strict=True))

# The fits, and their errors in standard deviations.
fits, milliseconds = report.time_each(lambda of: fit(values, slopes, *of), trials)
by_reference, reference_milliseconds = report.time_each(
    lambda of: fit(reference.values, lambda mu: reference.slopes(mu, space), *of),
    trials[:NUM_REFERENCE],
)
mu, covariances = map(np.array, zip(*fits, strict=True))
mu_reference = np.array([m for m, _ in by_reference])
deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
errors = (mu - truth) / deviations
shift = np.abs(mu[:NUM_REFERENCE] - mu_reference) / deviations[:NUM_REFERENCE]
reference_errors = (mu_reference - truth[:NUM_REFERENCE]) / deviations[:NUM_REFERENCE]
half = norm.ppf((1 + LEVEL) / 2)  # of an error bar, in standard deviations
covered = (np.abs(errors) <= half).mean(axis=0)
off = mu - truth
distances = np.einsum("ni,nij,nj->n", off, np.linalg.inv(covariances), off)

# The posterior of the first experiment: draws from a t distribution, whose tails are
# heavier than the posterior's, in the box, where the prior is constant.
begin = time.perf_counter()
proposal = multivariate_t(mu[0], covariances[0], df=5, seed=2)
draws = proposal.rvs(NUM_DRAWS)
draws = draws[np.all((draws >= space.low) & (draws <= space.high), axis=1)]
u = fast.solve(draws, in_basis).predict(points)[..., 0]
misfit = np.sum(((u - measured[0]) / sigmas[0]) ** 2, axis=1)
log_weights = -misfit / 2 - proposal.logpdf(draws)
mean, spread, sample_size = reference.moments(draws, log_weights)
posterior_seconds = time.perf_counter() - begin
begin = time.perf_counter()
known, known_spread, nodes = reference.posterior(
    *by_reference[0], *trials[0], space, NUM_NODES
)
reference_seconds = time.perf_counter() - begin

report.tell(
    "inverse",
    trials=NUM_TRIALS,
    level=LEVEL,
    coverage=dict(zip(space.names, covered.tolist(), strict=True)),
    ellipsoid=float(np.mean(distances <= chi2.ppf(LEVEL, space.dim))),
    by_chance=float(np.sqrt(LEVEL * (1 - LEVEL) / NUM_TRIALS)),
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
    nodes=nodes,
    reference_seconds=reference_seconds,
    mean_shift=float((np.abs(mean - known) / known_spread).max()),
    spread_difference=float(np.abs(spread / known_spread - 1).max()),
    fit_difference=float(np.abs(deviations[0] / known_spread - 1).max()),
    offline_seconds=offline,
)

fig, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
weights = np.exp(log_weights - log_weights.max())
for i, (above, below, name) in enumerate(zip(*axes, space.names, strict=True)):
    above.plot(*2 * [[space.low[i], space.high[i]]], "k:", lw=1)
    bars = half * deviations[:40, i]
    above.errorbar(truth[:40, i], mu[:40, i], bars, fmt="o", ms=3, capsize=2, lw=1)
    above.set(xlabel=f"{name}, truth", ylabel=f"estimate, {LEVEL:.0%}")
    grid = mean[i] + spread[i] * np.linspace(-4, 4, 41)
    style = {"weights": weights, "density": True, "alpha": 0.4}
    below.hist(draws[:, i], grid, label="posterior, draws in the basis", **style)
    below.plot(grid, norm.pdf(grid, mu[0, i], deviations[0, i]), label="fit, error bar")
    normal = norm.pdf(grid, known[i], known_spread[i])
    below.plot(grid, normal, "k:", label="mean and deviation, reference")
    below.axvline(truth[0, i], color="C3", lw=1, label="truth")
    below.set(xlabel=name, ylabel="density" if i == 0 else "")
lines = axes[1, 0].get_legend_handles_labels()
fig.legend(*lines, loc="outside lower center", ncols=4, fontsize="small")
fig.savefig("results/inverse.png", dpi=120)
