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

import os
import time

import deepxde_lrnr as lrnr  # chooses DeepXDE's backend, hence before deepxde
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import reference
import tensorflow as tf
from report import QUICK, keep
from scipy.optimize import minimize

WIDTH, RANK, ITERATIONS = 96, 12, 1000
TOLERANCE, MAX_SIZE, NUM_CANDIDATES = 1e-4, 60, 200  # of the basis
NUM_STARTS = 5
if QUICK:
    WIDTH, RANK, ITERATIONS = 32, 6, 60
    TOLERANCE, MAX_SIZE, NUM_CANDIDATES = 3e-2, 16, 32
    NUM_STARTS = 3
PRICE = 0.005
STEP = 1e-3  # of the differences that check the gradient
x = np.linspace(0, 2 * np.pi, 64, endpoint=False)
target = 0.9 + 0.3 * np.sin(x - 2.2)

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

points = np.stack([x, np.ones_like(x)], axis=1)
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
    u = reference.convection_diffusion_reaction(x, [1.0], *mu, dt=1 / 50, num_points=64)
    return functional(u[0], mu)


# The gradient, compared with central differences of solutions.
rng = np.random.default_rng(1)
side = space.high - space.low
checked = space.low + side * rng.uniform(0.1, 0.9, (NUM_STARTS, space.dim))
print("\nGradient of J, and central differences of J")
largest = 0.0
for mu in checked:
    _, slopes = by_basis(mu)
    both = by_basis_alone(
        np.vstack([mu + s * np.eye(space.dim) for s in (STEP, -STEP)])
    )
    differences = (both[: space.dim] - both[space.dim :]) / (2 * STEP)
    error = np.linalg.norm(slopes - differences) / np.linalg.norm(differences)
    largest = max(largest, float(error))
    row = "".join(
        f"{s:10.6f} ({d:10.6f})" for s, d in zip(slopes, differences, strict=True)
    )
    print(f"  {row}  relative error {error:.1e}")

# From every start, the first of them the middle of the box.
starts = np.vstack([(space.low + space.high) / 2, checked[1:]])
bounds = list(zip(space.low, space.high, strict=True))
path = [starts[0]]
found, milliseconds = [], []
for i, start_mu in enumerate(starts):
    begin = time.perf_counter()
    found.append(
        minimize(
            by_basis,
            start_mu,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 1e-13, "gtol": 1e-7},
            callback=(lambda mu: path.append(mu.copy())) if i == 0 else None,
        )
    )
    milliseconds.append(1e3 * (time.perf_counter() - begin))
by_reference_found, reference_milliseconds = [], []
for start_mu in starts:
    begin = time.perf_counter()
    by_reference_found.append(
        minimize(
            by_reference,
            start_mu,
            method="Nelder-Mead",
            bounds=bounds,
            options={"xatol": 1e-6, "fatol": 1e-13, "maxfev": 2000},
        )
    )
    reference_milliseconds.append(1e3 * (time.perf_counter() - begin))

optimum = min(found, key=lambda f: f.fun)
expected = min(by_reference_found, key=lambda f: f.fun)
apart = np.linalg.norm((optimum.x - expected.x) / side)
starts_apart = max(np.linalg.norm((f.x - optimum.x) / side) for f in found)
reference_apart = max(
    np.linalg.norm((f.x - expected.x) / side) for f in by_reference_found
)
loss = by_reference(optimum.x) / expected.fun - 1
solves = [f.nfev for f in found]
reference_solves = [f.nfev for f in by_reference_found]
error = float(fast.solve(optimum.x, in_basis).error)

print(
    "\nMinimum over the box "
    + " ".join(f"{n:>10s}" for n in space.names)
    + "          J"
)
for name, f in (("reduced basis", optimum), ("reference", expected)):
    print(f"  {name:>18s} " + " ".join(f"{m:10.6f}" for m in f.x) + f" {f.fun:10.7f}")
print(
    f"mu differs by {apart:.1e} of the sides of the box; by the reference solver, J at "
    f"our mu is above its minimum by {loss:.1e} of it"
)
print(
    f"{NUM_STARTS} starts end within {starts_apart:.1e} of the sides of each other, "
    f"those of the reference solver within {reference_apart:.1e}"
)
print(
    f"From a start: {np.median(solves):.0f} solves, {np.median(milliseconds):.0f} ms; "
    f"reference solver {np.median(reference_solves):.0f} solves, "
    f"{np.median(reference_milliseconds):.0f} ms (medians)"
)
print(f"Estimated error of u at the minimum: {error:.1e}")
print(f"Offline: {offline_seconds:.0f} s. Everything: {time.time() - start:.0f} s")
keep(
    "design",
    names=list(space.names),
    mu=optimum.x.tolist(),
    reference_mu=expected.x.tolist(),
    value=float(optimum.fun),
    reference_value=float(expected.fun),
    apart=float(apart),
    loss=float(loss),
    starts=NUM_STARTS,
    starts_apart=float(starts_apart),
    reference_apart=float(reference_apart),
    gradient_error=largest,
    solves=float(np.median(solves)),
    milliseconds=float(np.median(milliseconds)),
    reference_solves=float(np.median(reference_solves)),
    reference_milliseconds=float(np.median(reference_milliseconds)),
    estimate=error,
    offline_seconds=offline_seconds,
)

# J over the two parameters with the longest way, the third one at the optimum.
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
path = np.array(path)
nu, rho = (np.linspace(*bounds[i], 41) for i in (1, 2))
plane = np.stack(np.meshgrid(nu, rho), axis=-1).reshape(-1, 2)
plane = np.column_stack([np.full(len(plane), optimum.x[0]), plane])
values = by_basis_alone(plane).reshape(len(rho), len(nu))
drawn = left.contourf(nu, rho, np.log10(values), 30)
fig.colorbar(drawn, ax=left, label="log10 J")
left.plot(path[:, 1], path[:, 2], "w.-", lw=1, label="path, all three vary")
left.plot(*optimum.x[1:], "C3o", label="minimum")
left.plot(*expected.x[1:], "k+", ms=12, label="minimum, reference solver")
left.set(title=f"J at beta = {optimum.x[0]:.3f}", xlabel="nu", ylabel="rho")
left.legend(fontsize="small")
right.plot(x, 1 + np.sin(x), color="0.7", label="u(x, 0)")
right.plot(x, target, "k:", label="target")
u = fast.solve(np.vstack([starts[0], optimum.x]), in_basis).predict(points)[..., 0]
right.plot(x, u[0], "C0--", label="u(x, 1), middle of the box")
right.plot(x, u[1], "C0", label="u(x, 1), minimum")
right.set(xlabel="x", ylabel="u")
right.legend(fontsize="small")
os.makedirs("results", exist_ok=True)
fig.savefig("results/design.png", dpi=120)
