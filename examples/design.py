"""Which (beta, nu, rho) bring u(x, 1) closest to a target, at the least cost?

    u_t + beta u_x - nu u_xx - rho u (1 - u) = 0,  x in [0, 2 pi] periodic, t in [0, 1],
    u(x, 0) = 1 + sin x,  (beta, nu, rho) in [1, 3] x [0, 2] x [0, 2].

The family of convection_diffusion_reaction.py. Flow, mixing and reaction are the
controls, and each has a price:

    J(mu) = mean over x of (u(x, 1; mu) - target(x))^2 + price |mu|^2.

`scipy.optimize` minimises J over the box. Each step takes a solution in a reduced basis
and its derivatives by mu, `solution.gradient(x)`; differences of solutions check them.
The reference solver minimises the same J from several starts, without derivatives.
"""

import deepxde_lrnr as lrnr
import family
import matplotlib.pyplot as plt
import numpy as np
import report
from reference import convection_diffusion_reaction
from scipy.optimize import minimize

NUM_STARTS = 3 if report.QUICK else 5
PRICE = 0.005
STEP = 1e-3  # of the differences that check the gradient
x = np.linspace(0, 2 * np.pi, 64, endpoint=False)
points = np.stack([x, np.ones_like(x)], axis=1)
target = 0.9 + 0.3 * np.sin(x - 2.2)

fast = family.with_basis()
offline = report.seconds()
space = fast.parameter_space
# Derivatives need solutions in the basis, so there is no way back to the trial space.
in_basis = lrnr.reduced_basis.BasisLeastSquares()


def functional(u, mu):
    """J for u(x, 1), shape (..., 64), and mu, shape (..., 3)."""
    return np.mean((u - target) ** 2, axis=-1) + PRICE * np.sum(mu**2, axis=-1)


def by_basis(mu):
    """J and its gradient."""
    solution = fast.solve(mu, in_basis)
    u, slopes = solution.predict(points)[:, 0], solution.gradient(points)[:, 0]
    return functional(u, mu), 2 * (u - target) @ slopes / len(x) + 2 * PRICE * mu


def by_basis_alone(mu):
    """J for many mu."""
    return functional(fast.solve(mu, in_basis).predict(points)[..., 0], mu)


def by_reference(mu):
    # With these steps the values are within 1e-9 of those at the defaults.
    u = convection_diffusion_reaction(x, [1.0], *mu, dt=1 / 50, num_points=64)
    return functional(u[0], mu)


def gradient_error(mu):
    """Of the gradient, compared with central differences of solutions."""
    above, below = (by_basis_alone(mu + s * np.eye(space.dim)) for s in (STEP, -STEP))
    differences = (above - below) / (2 * STEP)
    error = np.linalg.norm(by_basis(mu)[1] - differences)
    return error / np.linalg.norm(differences)


# From every start, the first of them the middle of the box.
side, bounds = space.high - space.low, np.stack([space.low, space.high], axis=1)
inside = np.random.default_rng(1).uniform(0.1, 0.9, (NUM_STARTS, space.dim))
checked = space.low + side * inside
starts = np.vstack([(space.low + space.high) / 2, checked[1:]])
exactly = {"ftol": 1e-13, "gtol": 1e-7}
closely = {"xatol": 1e-6, "fatol": 1e-13, "maxfev": 2000}
found, milliseconds = report.time_each(
    lambda mu: minimize(
        by_basis, mu, jac=True, method="L-BFGS-B", bounds=bounds, options=exactly
    ),
    starts,
)
expected, reference_milliseconds = report.time_each(
    lambda mu: minimize(
        by_reference, mu, method="Nelder-Mead", bounds=bounds, options=closely
    ),
    starts,
)
ours, theirs = (min(all_, key=lambda f: f.fun) for all_ in (found, expected))


def apart(those, best):
    """The largest distance from the best minimum, in sides of the box."""
    return float(max(np.linalg.norm((f.x - best.x) / side) for f in those))


report.tell(
    "design",
    names=list(space.names),
    mu=ours.x.tolist(),
    reference_mu=theirs.x.tolist(),
    value=float(ours.fun),
    reference_value=float(theirs.fun),
    apart=apart([ours], theirs),
    loss=float(by_reference(ours.x) / theirs.fun - 1),
    starts=NUM_STARTS,
    starts_apart=apart(found, ours),
    reference_apart=apart(expected, theirs),
    gradient_error=float(max(map(gradient_error, checked))),
    solves=float(np.median([f.nfev for f in found])),
    milliseconds=float(np.median(milliseconds)),
    reference_solves=float(np.median([f.nfev for f in expected])),
    reference_milliseconds=float(np.median(reference_milliseconds)),
    estimate=float(fast.solve(ours.x, in_basis).error),
    offline_seconds=offline,
)

# J over nu and rho, beta at the minimum; and u(x, 1) there.
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
nu, rho = np.meshgrid(*(np.linspace(*bounds[i], 41) for i in (1, 2)))
plane = np.stack([np.full(nu.size, ours.x[0]), nu.ravel(), rho.ravel()], axis=1)
drawn = left.contourf(nu, rho, np.log10(by_basis_alone(plane)).reshape(nu.shape), 30)
fig.colorbar(drawn, ax=left, label="log10 J")
left.plot(*starts.T[1:], "w.", label="starts")
left.plot(*ours.x[1:], "C3o", label="minimum")
left.plot(*theirs.x[1:], "k+", ms=12, label="minimum, reference solver")
left.set(title=f"J at beta = {ours.x[0]:.3f}", xlabel="nu", ylabel="rho")
u = fast.solve(np.vstack([starts[0], ours.x]), in_basis).predict(points)[..., 0]
labels = ["u(x, 0)", "target", "u(x, 1), middle of the box", "u(x, 1), minimum"]
right.plot(x, np.stack([1 + np.sin(x), target, *u], axis=1), label=labels)
right.set(xlabel="x", ylabel="u")
left.legend(fontsize="small")
right.legend(fontsize="small")
fig.savefig("results/design.png", dpi=120)
