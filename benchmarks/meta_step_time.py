"""What a training step of the meta phase costs beside the same step written by hand.

Convection, diffusion and reaction with exact constraints; 64 mu times 32 points a step;
LRNR of width 96 and rank 16. ``library_ms`` is a step of ``lrnr.Model.train``, batch
included; ``by_hand_ms`` the same residual, rows and network in plain TensorFlow, with
nothing of DeepXDE or of this package. ``ratio`` is the former over the latter.

    python benchmarks/meta_step_time.py --json benchmarks/results/meta_step_time.json
"""

import sys

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from _harness import milliseconds, run, table

WIDTH, RANK, BIAS_RANK, HIDDEN_LAYERS = 96, 16, 4, 4
HYPERNETWORK = [64, 64]
NUM_MU, NUM_POINTS = 64, 32
ALL_MU, ALL_POINTS = 256, 1024
LEARNING_RATE = 1e-3
REPEATS = 100


def compute(quick):
    library_ms, by_hand_ms = milliseconds(
        [library_step(), step_by_hand()], 2 if quick else REPEATS, 5
    )
    return {
        "library_ms": library_ms,
        "by_hand_ms": by_hand_ms,
        "ratio": library_ms / by_hand_ms,
    }


def describe(results):
    rows = [
        ["lrnr.Model.train", results["library_ms"], results["ratio"]],
        ["by hand", results["by_hand_ms"], 1.0],
    ]
    return table(["step", "ms", "times the one by hand"], rows)


def library_step():
    """One step of ``lrnr.Model.train``: a batch, then the compiled step."""
    geomtime = dde.geometry.GeometryXTime(
        dde.geometry.Interval(0, 2 * np.pi), dde.geometry.TimeDomain(0, 1)
    )

    def pde(x, u, mu):
        beta, nu, rho = mu[:, 0:1], mu[:, 1:2], mu[:, 2:3]
        u_x = dde.grad.jacobian(u, x, i=0, j=0)
        u_t = dde.grad.jacobian(u, x, i=0, j=1)
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        return u_t + beta * u_x - nu * u_xx - rho * u * (1 - u)

    problem = dde.data.TimePDE(geomtime, pde, [], num_domain=ALL_POINTS)
    space = lrnr.ParameterSpace(beta=(1, 3), nu=(0, 2), rho=(0, 2))
    data = lrnr.data.ParametricPDE(problem, space, num_parameters=ALL_MU)
    net = lrnr.nn.HyperLRNR(
        [3] + [WIDTH] * HIDDEN_LAYERS + [1],
        "tanh",
        "Glorot normal",
        rank=RANK,
        parameter_space=space,
        bias_rank=BIAS_RANK,
        hypernetwork=HYPERNETWORK,
    )
    net.apply_feature_transform(features)
    net.apply_output_transform(lambda inputs, outputs: start_at(inputs[1], outputs))
    model = lrnr.Model(data, net)
    model.compile("adam", lr=LEARNING_RATE, verbose=0)
    model.train(iterations=1, batch_size=(NUM_MU, NUM_POINTS), verbose=0)
    print(f"parameters: {net.num_trainable_parameters()} (library)")

    def step():
        model.train_state.set_data_train(*data.train_next_batch((NUM_MU, NUM_POINTS)))
        state = model.train_state
        model.train_step(state.X_train, state.y_train, state.train_aux_vars)

    return step


def features(x):
    """Periodic in x, and t scaled."""
    return tf.concat([tf.cos(x[:, :1]), tf.sin(x[:, :1]), 2 * x[:, 1:] - 1], axis=1)


def start_at(x, outputs):
    """u = 1 + sin(x) at t = 0."""
    return 1 + tf.sin(x[:, :1]) + x[:, 1:] * outputs


def step_by_hand():
    """The same step in plain TensorFlow."""
    rng = np.random.default_rng(0)
    low, high = np.array([1, 0, 0]), np.array([3, 2, 2])
    all_mu = rng.uniform(low, high, (ALL_MU, 3)).astype("float32")
    all_points = rng.uniform([0, 0], [2 * np.pi, 1], (ALL_POINTS, 2)).astype("float32")

    def variable(*shape):
        return tf.Variable(rng.standard_normal(shape).astype("float32") / 10)

    low_rank_layers = HIDDEN_LAYERS - 1
    num_scales = low_rank_layers * RANK
    num_coefficients = num_scales + HIDDEN_LAYERS * BIAS_RANK
    W_in, W_out = variable(3, WIDTH), variable(WIDTH, 1)
    U = [variable(WIDTH, RANK) for _ in range(low_rank_layers)]
    V = [variable(WIDTH, RANK) for _ in range(low_rank_layers)]
    b = [variable(WIDTH) for _ in range(HIDDEN_LAYERS)]
    B = [variable(WIDTH, BIAS_RANK) for _ in range(HIDDEN_LAYERS)]
    b_out = variable(1)
    sizes = [3, *HYPERNETWORK, num_coefficients]
    K = [variable(m, n) for m, n in zip(sizes, sizes[1:], strict=False)]
    k = [variable(n) for n in sizes[1:]]
    weights = [W_in, *U, *V, *b, *B, W_out, b_out, *K, *k]
    print(f"parameters: {sum(int(tf.size(w)) for w in weights)} (by hand)")

    middle = tf.constant((low + high) / 2, tf.float32)
    half = tf.constant((high - low) / 2, tf.float32)
    optimizer = tf.keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(weights)

    def coefficients(mu):
        z = (mu - middle) / half
        for kernel, bias in zip(K[:-1], k[:-1], strict=True):
            z = tf.tanh(z @ kernel + bias)
        z = z @ K[-1] + k[-1]
        s = tf.split(tf.nn.relu(z[:, :num_scales]), low_rank_layers, axis=1)
        return s, tf.split(z[:, num_scales:], HIDDEN_LAYERS, axis=1)

    def network(mu, x):
        s, c = coefficients(mu)

        def rows(h):
            return tf.reshape(h, (NUM_POINTS * NUM_MU, -1))

        def grid(h):
            return tf.reshape(h, (NUM_POINTS, NUM_MU, h.shape[1]))

        h = features(x) @ W_in
        for level in range(HIDDEN_LAYERS):
            if level > 0:
                h = rows(grid(h @ V[level - 1]) * s[level - 1])
                h = tf.matmul(h, U[level - 1], transpose_b=True)
            bias = b[level] + tf.matmul(c[level], B[level], transpose_b=True)
            h = tf.tanh(rows(grid(h) + bias))
        return start_at(x, h @ W_out + b_out)

    @tf.function
    def train_step(mu, x):
        u = network(mu, x)
        du = tf.gradients(u, x)[0]
        u_x, u_t = du[:, 0:1], du[:, 1:2]
        u_xx = tf.gradients(u_x, x)[0][:, 0:1]
        mu_rows = tf.tile(mu, (NUM_POINTS, 1))
        beta, nu, rho = mu_rows[:, 0:1], mu_rows[:, 1:2], mu_rows[:, 2:3]
        residual = u_t + beta * u_x - nu * u_xx - rho * u * (1 - u)
        loss = tf.reduce_mean(tf.square(residual))
        gradients = tf.gradients(loss, weights)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))

    def step():
        mu = all_mu[rng.choice(ALL_MU, NUM_MU, replace=False)]
        points = all_points[rng.choice(ALL_POINTS, NUM_POINTS, replace=False)]
        # Every point with every mu, as the library does.
        train_step(tf.constant(mu), tf.constant(np.repeat(points, NUM_MU, axis=0)))

    return step


if __name__ == "__main__":
    run(sys.modules[__name__])
