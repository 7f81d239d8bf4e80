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

import time

import deepxde_lrnr as lrnr
import family
import matplotlib.pyplot as plt
import numpy as np
import report
from reference import convection_diffusion_reaction
from scipy.stats import truncnorm

NUM_DRAWS, NUM_REFERENCE = (1_000, 50) if report.QUICK else (100_000, 500)
NUM_BLOCKS = 20  # of draws, whose quantiles vary
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

fast = family.with_basis()
offline = report.seconds()

# The draws: standard deviation 0.2 of the side, truncated at 2.5 of them.
space = fast.parameter_space
middle, side = (space.low + space.high) / 2, space.high - space.low
mu = truncnorm.rvs(-2.5, 2.5, middle, side / 5, (NUM_DRAWS, space.dim), random_state=1)
x = np.linspace(0, 2 * np.pi, 128)
points = np.stack([x, np.ones_like(x)], axis=1)

begin = time.perf_counter()
sweep = lrnr.sweep(fast, mu, points)
seconds = time.perf_counter() - begin
u = sweep.values[..., 0]

# The reference solver for the first draws.
begin = time.perf_counter()
some = mu[:NUM_REFERENCE]
u_reference = np.stack([convection_diffusion_reaction(x, [1.0], *m)[0] for m in some])
reference_seconds = time.perf_counter() - begin


def quantiles(u):
    return np.quantile(u, QUANTILES, axis=0)


def difference(bands):
    """The largest, relative to the range of u(x, 1), from those of the reference."""
    return float(np.abs(bands - quantiles(u_reference)).max() / np.ptp(u_reference))


# How the quantiles of blocks of draws vary, and from that those of all draws.
deviation = np.std([quantiles(b) for b in np.array_split(u, NUM_BLOCKS)], axis=0).max()
report.tell(
    "uncertainty",
    draws=NUM_DRAWS,
    reference_draws=NUM_REFERENCE,
    paired=difference(quantiles(u[:NUM_REFERENCE])),
    few=difference(quantiles(u)),
    sampling=float(deviation / np.ptp(u_reference) / np.sqrt(NUM_BLOCKS)),
    in_basis=int(np.sum(sweep.method == "reduced basis")),
    estimate=float(np.nanmax(sweep.estimated_error)),
    seconds=seconds,
    reference_seconds=reference_seconds,
    offline_seconds=offline,
)

fig, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
bands = quantiles(u)
ax.fill_between(x, bands[0], bands[4], color="C0", alpha=0.25, label="5% to 95%")
ax.fill_between(x, bands[1], bands[3], color="C0", alpha=0.5, label="25% to 75%")
ax.plot(x, bands[2], "C0", label="median")
labels = [f"reference solver, {NUM_REFERENCE} draws"] + [None] * 4
ax.plot(x, quantiles(u_reference).T, "k:", lw=1, label=labels)
ax.set(title=f"u(x, 1), {NUM_DRAWS} draws of (beta, nu, rho)", xlabel="x", ylabel="u")
ax.legend()
fig.savefig("results/uncertainty.png", dpi=120)
