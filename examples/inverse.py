"""Which (beta, nu, rho) made these measurements? An inverse problem, with error bars.

    u_t + beta u_x - nu u_xx - rho u (1 - u) = 0,  x in [0, 2 pi] periodic, t in [0, 1],
    u(x, 0) = 1 + sin x,  (beta, nu, rho) in [1, 3] x [0, 2] x [0, 2].

The family of convection_diffusion_reaction.py. Eight sensors measure u at five times,
each of the 40 values with noise of a standard deviation of 1 % of the range of u. The
fast phase is the forward model of a least-squares fit over (beta, nu, rho). Derivatives
need not be as accurate: they are differences of what the hypernetwork predicts. The
covariance is sigma^2 (J^T J)^-1. Twenty such experiments, whose data are made by the
reference solver, tell whether the error bars are true. The same fits with the reference
solver as forward model tell what the fast phase adds to the error.
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
from scipy.stats import norm

WIDTH, RANK, ITERATIONS = 96, 12, 4000
NUM_TRIALS = 20
if QUICK:
    WIDTH, RANK, ITERATIONS, NUM_TRIALS = 32, 6, 150, 3
NOISE = 0.01  # standard deviation, relative to the range of u
STEP = 0.02  # of the differences in mu
SENSORS = np.linspace(0, 2 * np.pi, 8, endpoint=False)
TIMES = np.linspace(0.2, 1, 5)

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
offline_seconds = time.time() - start

# Forward models: from mu, shape (n, 3), to the 40 values that are measured, (n, 40).
points = np.stack(np.meshgrid(SENSORS, TIMES), axis=-1).reshape(-1, 2)


def fast_phase(mu):
    return fast.solve(mu).predict(points)[..., 0].astype(float)


def hypernetwork(mu):
    return model.predict(points, mu)[..., 0].astype(float)


def reference_solver(mu):
    return np.stack(
        [
            reference.convection_diffusion_reaction(SENSORS, TIMES, *m).ravel()
            for m in mu
        ]
    )


def fit(forward, differentiated, measured, sigma):
    """The least-squares estimate of mu, and its covariance."""

    def residual(mu):
        return (forward(mu[None])[0] - measured) / sigma

    def jacobian(mu):
        # Central differences; none of the six mu leaves the box.
        high = np.minimum(mu + STEP * np.eye(3), space.high)
        low = np.maximum(mu - STEP * np.eye(3), space.low)
        values = differentiated(np.vstack([high, low]))
        return (values[:3] - values[3:]).T / np.diag(high - low) / sigma

    middle, bounds = (space.low + space.high) / 2, (space.low, space.high)
    found = least_squares(residual, middle, jacobian, bounds, xtol=1e-4)
    return found.x, np.linalg.inv(found.jac.T @ found.jac)


# The experiments: truths in the middle 80 % of each side, data by the reference solver.
rng = np.random.default_rng(1)
side = space.high - space.low
truth = space.low + side * rng.uniform(0.1, 0.9, (NUM_TRIALS, space.dim))
clean = reference_solver(truth)
sigmas = NOISE * np.ptp(clean, axis=1)
measured = clean + sigmas[:, None] * rng.standard_normal(clean.shape)

models = {
    "fast": (fast_phase, hypernetwork),
    "reference": (reference_solver, reference_solver),
}
fits, milliseconds = {}, {}
for name, pair in models.items():
    fit(*pair, measured[0], sigmas[0])  # compiles
    fits[name], times = [], []
    for m, sigma in zip(measured, sigmas, strict=True):
        begin = time.perf_counter()
        fits[name].append(fit(*pair, m, sigma))
        times.append(1e3 * (time.perf_counter() - begin))
    milliseconds[name] = float(np.mean(times))

mu = np.array([x for x, _ in fits["fast"]])
covariances = np.array([c for _, c in fits["fast"]])
deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
errors = (mu - truth) / deviations  # in standard deviations
mu_reference = np.array([x for x, _ in fits["reference"]])
shift = (mu - mu_reference) / deviations

print("\nEstimate +- standard deviation (error in standard deviations)")
print("  " + " ".join(f"{name:>27s}" for name in space.names))
for m, d, e in zip(mu, deviations, errors, strict=True):
    print(
        "  "
        + " ".join(
            f"{mi:8.4f} +- {di:6.4f} ({ei:+5.2f})"
            for mi, di, ei in zip(m, d, e, strict=True)
        )
    )
print(f"\nOf {errors.size} estimates, within")
coverage = {}
for k in (1, 2, 3):
    coverage[k] = float(np.mean(np.abs(errors) <= k))
    nominal = norm.cdf(k) - norm.cdf(-k)
    print(f"  {k} standard deviations: {coverage[k]:6.1%} (nominal {nominal:.1%})")
print(f"Largest error: {np.abs(errors).max():.2f} standard deviations")
print(
    "Fits with the reference solver differ by at most "
    f"{np.abs(shift).max():.3f} standard deviations"
)
print(
    f"A fit: {milliseconds['fast']:.0f} ms with the fast phase, "
    f"{milliseconds['reference']:.0f} ms with the reference solver. "
    f"Offline: {offline_seconds:.0f} s"
)
keep(
    "inverse",
    trials=NUM_TRIALS,
    coverage=list(coverage.values()),
    largest_error=float(np.abs(errors).max()),
    largest_shift=float(np.abs(shift).max()),
    largest_reference_error=float(np.abs((mu_reference - truth) / deviations).max()),
    mean_deviation=deviations.mean(axis=0).tolist(),
    milliseconds=milliseconds["fast"],
    reference_milliseconds=milliseconds["reference"],
    offline_seconds=offline_seconds,
)

fig, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
for i, (ax, name) in enumerate(zip(axes, space.names, strict=True)):
    ax.plot([space.low[i], space.high[i]], [space.low[i], space.high[i]], "k:", lw=1)
    ax.errorbar(truth[:, i], mu[:, i], 3 * deviations[:, i], fmt="o", ms=4, capsize=3)
    ax.set(title=name, xlabel="truth", ylabel="estimate, 3 standard deviations")
os.makedirs("results", exist_ok=True)
fig.savefig("results/inverse.png", dpi=120)
