"""Other networks for the same families, with the same help as ours.

All of them get the features and the exact constraints of ``_families``, the same rows
a step, the same optimizer, and initial weights drawn anew for each layer (under Keras 3
DeepXDE's FNN starts with equal weights in layers of equal shape).
"""

import math
import time
from types import SimpleNamespace

import deepxde as dde
import numpy as np
import tensorflow as tf
from _families import Family, constrained, features, problem
from deepxde_lrnr.fast_model import FastModel
from deepxde_lrnr.fast_phase import LeastSquares
from deepxde_lrnr.fast_phase.gauss_newton import minimise
from deepxde_lrnr.fast_phase.jet_equations import JetEquations
from deepxde_lrnr.nn.hyper_lrnr import rows_of
from deepxde_lrnr.optimizers import SOAP
from deepxde_lrnr.taylor.activations import tanh_series
from deepxde_lrnr.taylor.feature_jets import feature_jets
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

HIDDEN = [64] * 4


def _scaled(space, mu):
    low, high = (tf.constant(bound, mu.dtype) for bound in (space.low, space.high))
    return 2 * (mu - low) / (high - low) - 1


def _draw_anew(denses, seed: int) -> None:
    for i, dense in enumerate(denses):
        draw = tf.keras.initializers.GlorotNormal(seed=1000 * seed + i)
        dense.kernel.assign(draw(dense.kernel.shape, dense.kernel.dtype))


class MuAsInput(dde.nn.NN):
    """DeepXDE's FNN with mu as more inputs."""

    def __init__(self, space, seed: int = 0):
        super().__init__()
        self.space, self.seed = space, seed
        self.fnn = dde.nn.FNN([3 + space.dim, *HIDDEN, 1], "tanh", "Glorot normal")

    def build(self, input_shape):
        self.fnn(tf.zeros((1, 3 + self.space.dim)))
        _draw_anew(self.fnn.denses, self.seed)

    def call(self, inputs, training=False):
        mu, x = inputs
        mu_rows = rows_of(mu, x)
        rows = tf.concat([features(x), _scaled(self.space, mu_rows)], axis=1)
        return constrained((mu_rows, x), self.fnn(rows))


class DeepONet(dde.nn.NN):
    """DeepXDE's ``DeepONetCartesianProd``: mu through the branch, x through the trunk.

    Its two networks are DeepXDE's; the rows are those of ``ParametricPDE``.
    """

    def __init__(self, space, seed: int = 0):
        super().__init__()
        self.space, self.seed = space, seed
        net = dde.nn.DeepONetCartesianProd(
            [space.dim, *HIDDEN], [3, *HIDDEN], "tanh", "Glorot normal"
        )
        self.branch, self.trunk = net.branch, net.trunk

    def build(self, input_shape):
        self.branch(tf.zeros((1, self.space.dim)))
        self.trunk(tf.zeros((1, 3)))
        _draw_anew(self.branch.denses, self.seed)
        _draw_anew(self.trunk.denses, self.seed + 1)
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")

    def call(self, inputs, training=False):
        mu, x = inputs
        mu_rows = rows_of(mu, x)
        branch = self.branch(_scaled(self.space, mu))
        trunk = self.trunk(features(x))
        num_mu = mu.shape[0] or tf.shape(mu)[0]
        trunk = tf.reshape(trunk, (-1, num_mu, HIDDEN[-1]))
        u = tf.reshape(tf.reduce_sum(branch * trunk, axis=2), (-1, 1)) + self.bias
        return constrained((mu_rows, x), u)


def train_for(family: Family, make_net, seconds: float):
    """Trains a network for so many seconds of wall time; returns it and the seconds.

    Compilation is part of the time, as it is of ours.
    """
    dde.config.set_random_seed(family.seed)
    optimizer = SOAP.from_config({"learning_rate": 3e-3})
    clock = _Clock(seconds, optimizer)
    data, net = problem(family), make_net(family.space)
    net((data.train_mu[:1], data.train_collocation.points[:1]))
    model = dde.Model(data, net)
    model.compile(optimizer, verbose=0)
    model.train(
        iterations=10**7,
        batch_size=family.batch,
        display_every=10**9,
        callbacks=[clock],
        verbose=0,
    )
    return net, time.perf_counter() - clock.start


class _Clock(dde.callbacks.Callback):
    """Cosine decay of the learning rate in wall time, and the end of the training."""

    def __init__(self, seconds: float, optimizer):
        super().__init__()
        self.start, self.seconds = time.perf_counter(), seconds
        self.rate, self.initial = (
            optimizer.learning_rate,
            float(optimizer.learning_rate),
        )

    def share(self) -> float:
        """Of the time, what is gone."""
        return (time.perf_counter() - self.start) / self.seconds

    def on_batch_begin(self):
        cosine = (1 + math.cos(math.pi * min(self.share(), 1))) / 2
        self.rate.assign(self.initial * (1e-3 + (1 - 1e-3) * cosine))

    def on_batch_end(self):
        self.model.stop_training = self.share() >= 1


class Tuned:
    """A ``MuAsInput`` whose weights are coefficients, another set for each mu.

    It has what ``Adam`` asks of a network, so that it can tune it as it tunes an LRNR.

    Args:
        net: Trained (or untrained) network.
    """

    compute_dtype = "float32"

    def __init__(self, net: MuAsInput):
        self.parameter_space = net.space
        self.weights = [
            np.asarray(w) for d in net.fnn.denses for w in (d.kernel, d.bias)
        ]
        flat = [w.ravel() for w in self.weights]
        self.start = np.concatenate(flat).astype("float32")

    def coefficients(self, mu):
        return tf.tile(tf.constant(self.start)[None, :], (tf.shape(mu)[0], 1))

    def evaluate(self, mu, x, coefficients):
        num_mu = mu.shape[0] or tf.shape(mu)[0]
        mu_rows = rows_of(mu, x)
        rows = tf.concat([features(x), _scaled(self.parameter_space, mu_rows)], axis=1)
        parts = tf.split(coefficients, [w.size for w in self.weights], axis=1)
        weights = [
            tf.reshape(part, (-1, *w.shape))
            for part, w in zip(parts, self.weights, strict=True)
        ]
        pairs = list(zip(weights[::2], weights[1::2], strict=True))
        for level, (kernel, bias) in enumerate(pairs):
            if num_mu == 1:
                rows = tf.matmul(rows, kernel[0]) + bias
            else:
                rows = tf.reshape(rows, (-1, num_mu, rows.shape[1]))
                rows = tf.einsum("npi,pio->npo", rows, kernel) + bias
                rows = tf.reshape(rows, (-1, bias.shape[1]))
            if level < len(pairs) - 1:
                rows = tf.tanh(rows)
        return constrained((mu_rows, x), rows)

    def by_adam(self, ours: FastModel, solver):
        """Function of mu (1, p) to coefficients (1, q), at the points of ours.

        Args:
            ours: The points and held-out points.
            solver: ``Adam`` with ``network="full"``.
        """
        model = SimpleNamespace(
            full=self, reduced=self, residual=ours.residual, held_out=ours.held_out
        )
        solve = solver.prepare(model)
        return lambda mu: solve(mu)["coefficients"]


class ReadoutOfFNN:
    """Hidden states of a trained ``MuAsInput`` as a trial space, in double precision.

    It has what ``JetEquations`` asks of a ``TrialSpace``; the least squares are ours.

    Args:
        net: Trained network.
        ours: Ours, for the points, the derivatives, and the precision of transforms.
        last: Whether the states of the last hidden layer are all there is.
    """

    num_outputs = 1

    def __init__(self, net: MuAsInput, ours: FastModel, last: bool):
        self.precision, self.parameter_space = ours.precision, net.space
        layers = [
            tuple(np.asarray(w, float) for w in (d.kernel, d.bias))
            for d in net.fnn.denses
        ]
        *self._hidden, (kernel, bias) = layers
        self._last = last
        widths = [len(b) for _, b in self._hidden]
        self.num_functions = (widths[-1] if last else sum(widths)) + 1
        self.size = self.num_functions
        self._start = np.zeros(self.size)
        self._start[-1 - widths[-1] :] = [*kernel[:, 0], bias[0]]
        self._equations = JetEquations(
            ours.residual, ours.held_out, self, ours.expansion.indices, xla=True
        )

    def start(self) -> np.ndarray:
        """The network's own readout."""
        return self._start

    def at_points(self, indices, points):
        """As ``TrialSpace.at_points``."""
        features = feature_jets(self.precision, indices, points)

        def jets(mu, workspace=None):
            found = features(mu)
            scaled = np.zeros((len(indices), mu.shape[1], len(points)))
            scaled[0] = self.parameter_space.scale(mu).T
            state, states = np.concatenate([found, scaled], axis=1), []
            for kernel, bias in self._hidden:
                inner = kernel.T @ state
                inner[0] += bias[:, None]
                state = indices.compose(tanh_series(inner[0], indices.order), inner)
                states.append(state)
            one = np.zeros((len(indices), 1, len(points)))
            one[0] = 1
            return np.concatenate([*(states[-1:] if self._last else states), one], 1)

        return jets

    def solve(self, mu) -> np.ndarray:
        """The readout for one mu, (p,); that of the network if it is no better."""
        steps, rtol = LeastSquares().iterations, LeastSquares().rtol
        with threadpool_limits(limits=1, user_api="blas"):
            minimum = minimise(self._equations.at(mu), self._start, steps, rtol)
        better = minimum.held_out[-1] < minimum.held_out[0]
        return minimum.unknowns if better else self._start

    def predict(self, mu, x, readout) -> np.ndarray:
        """u at points (n, 2)."""
        mu_rows = np.tile(np.asarray(mu, float), (len(x), 1))
        rows = features(tf.constant(x, tf.float64)).numpy()
        state = np.hstack([rows, self.parameter_space.scale(mu_rows)])
        states = []
        for kernel, bias in self._hidden:
            state = np.tanh(state @ kernel + bias)
            states.append(state)
        states = states[-1:] if self._last else states
        values = np.hstack([*states, np.ones((len(x), 1))]) @ readout
        x, mu_rows = tf.constant(x, tf.float64), tf.constant(mu_rows)
        return constrained((mu_rows, x), values[:, None]).numpy()


def lbfgs(tuned: Tuned, ours: FastModel, iterations: int):
    """Function of mu (1, p) to coefficients (1, q), by SciPy's L-BFGS-B."""
    residual = ours.residual

    @tf.function(jit_compile=True)
    def loss_and_gradient(z, inputs, auxiliary):
        loss = tf.reduce_sum(tf.square(residual(tuned, z, inputs, auxiliary)))
        return loss, tf.gradients(loss, z)[0]

    def solve(mu):
        feed = residual.feed(mu)

        def fun(z):
            z = tf.constant(z[None, :], tf.float32)
            loss, gradient = loss_and_gradient(z, *feed)
            return float(loss), gradient.numpy()[0].astype(float)

        result = minimize(
            fun,
            tuned.start.astype(float),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": iterations, "maxcor": 50, "ftol": 0, "gtol": 0},
        )
        return result.x[None, :].astype("float32")

    return solve
