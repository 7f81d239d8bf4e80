"""How much faster one gradient step is through FastLRNR than through LRNR.

One step of the fast phase: the gradient of the objective (the sum of the absolute
residuals of convection, diffusion and reaction, through ``dde.grad``) with respect to
the coefficients of one mu. LRNR has width 4,000 and rank 100, FastLRNR 5 neurons a
layer, as in the paper's comparison (36 times). Weights, neurons and maps are random:
they do not change the time.

FastLRNR's steps run as in the fast phase, in a loop compiled by XLA. LRNR's run in the
same loop, with XLA or without, whichever is faster.

- ``fast_ms``: FastLRNR at 12 points (4 x 3 in x and t)
- ``lrnr_12_ms``, ``lrnr_1000_ms``: LRNR at the same 12 and at 1,000 points
- ``ratio_12``, ``ratio_1000``: these over ``fast_ms``

    python benchmarks/backprop_time.py --json benchmarks/results/backprop_time.json
"""

import sys

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from _harness import milliseconds, run, table

WIDTH, RANK, LOW_RANK_LAYERS = 4000, 100, 3
NEURONS = 5
# Steps of one call and number of calls: those of FastLRNR are short.
FAST_STEPS, LRNR_12_STEPS, LRNR_1000_STEPS = 400, 5, 1
REPEATS = 7
MU = np.array([[2.0, 0.5, 1.0]], "float32")


def compute(quick):
    net = full_network(WIDTH // 20 if quick else WIDTH)
    fast = small_network(net)
    few, many = grid(4, 3), grid(40, 25)

    functions = {"fast": descent(fast, few, FAST_STEPS, xla=True)}
    steps = {"fast": FAST_STEPS}
    for xla in (True, False):
        for count, points, n in (
            (12, few, LRNR_12_STEPS),
            (1000, many, LRNR_1000_STEPS),
        ):
            name = f"lrnr_{count}{'_xla' if xla else ''}"
            functions[name] = descent(net, points, n, xla)
            steps[name] = n
    times = milliseconds(list(functions.values()), REPEATS)
    ms = {
        f"{name}_ms": time / n
        for (name, n), time in zip(steps.items(), times, strict=True)
    }
    both = dict(ms)
    for count in (12, 1000):
        ms[f"lrnr_{count}_ms"] = min(
            ms[f"lrnr_{count}_ms"], ms.pop(f"lrnr_{count}_xla_ms")
        )
        ms[f"ratio_{count}"] = ms[f"lrnr_{count}_ms"] / ms["fast_ms"]
    return {**ms, "with_and_without_xla": both}


def describe(results):
    rows = [
        ["FastLRNR", 12, results["fast_ms"], 1.0],
        ["LRNR", 12, results["lrnr_12_ms"], results["ratio_12"]],
        ["LRNR", 1000, results["lrnr_1000_ms"], results["ratio_1000"]],
    ]
    return "The paper reports 4 ms against 140 ms, 36 times.\n\n" + table(
        ["network", "points", "ms a gradient", "times FastLRNR's"], rows
    )


def full_network(width, rank=RANK):
    """LRNR of the paper's comparison."""
    space = lrnr.ParameterSpace(beta=(1, 3), nu=(0, 2), rho=(0, 2))
    net = lrnr.nn.HyperLRNR(
        [2] + [width] * (LOW_RANK_LAYERS + 1) + [1],
        "tanh",
        "Glorot normal",
        rank=min(rank, width),
        parameter_space=space,
        bias_rank=0,
    )
    net((MU, np.zeros((1, 2), "float32")))
    return net


def small_network(net):
    """FastLRNR with random neurons and maps."""
    rng = np.random.default_rng(0)
    rows = [*net.layout.ranks, 1]
    indices = [rng.choice(net.stack.widths[0], NEURONS, replace=False) for _ in rows]
    maps = [rng.standard_normal((n, NEURONS)) / NEURONS for n in rows]
    return lrnr.nn.FastLRNR(net, indices, maps)


def grid(num_x, num_t):
    """Uniform points in [0, 2 pi] x [0, 1], shape (num_x num_t, 2)."""
    x, t = np.meshgrid(np.linspace(0, 2 * np.pi, num_x), np.linspace(0, 1, num_t))
    return np.stack([x.ravel(), t.ravel()], axis=1).astype("float32")


def residual(x, u, mu):
    """u_t + beta u_x - nu u_xx - rho u (1 - u)."""
    beta, nu, rho = mu[:, 0:1], mu[:, 1:2], mu[:, 2:3]
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    u_t = dde.grad.jacobian(u, x, i=0, j=1)
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    return u_t + beta * u_x - nu * u_xx - rho * u * (1 - u)


def descent(network, points, steps, xla):
    """Function that takes so many gradient steps from the start of the fast phase."""

    @tf.function(jit_compile=xla)
    def run(mu, x):
        def step(i, z):
            u = network.evaluate(mu, x, z)
            objective = tf.reduce_sum(tf.abs(residual(x, u, mu)))
            (gradient,) = tf.gradients(objective, z)
            # Not so small that it is lost in rounding, nor so large that z runs away.
            return i + 1, z - 1e-6 * gradient

        start = network.coefficients(mu)
        return tf.while_loop(lambda i, _: i < steps, step, (0, start))[1]

    mu, x = tf.constant(MU), tf.constant(points)
    return lambda: run(mu, x).numpy()


if __name__ == "__main__":
    run(sys.modules[__name__])
