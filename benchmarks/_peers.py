"""Other networks for the same families, with the same help as ours.

All of them get the features and the exact constraints of our network, as many hidden
layers, the same rows a step, and the same optimizer. ``lrnr.nn.Parametric`` makes them
networks of a family, and ``reduce`` and ``solve`` are those of ours.
"""

import math
import time
from types import SimpleNamespace

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from deepxde_lrnr._point_major import rows_of
from deepxde_lrnr._user_errors import apply_output_transform
from deepxde_lrnr.fast_model import FastModel
from deepxde_lrnr.fast_phase import LeastSquares
from deepxde_lrnr.fast_phase.gauss_newton import minimise
from deepxde_lrnr.fast_phase.trial_space import TrialSpace
from deepxde_lrnr.optimizers import SOAP
from deepxde_lrnr.prediction import Predictor
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

WIDTH = 64


def fnn(ours: lrnr.nn.HyperLRNR) -> lrnr.nn.Parametric:
    """DeepXDE's FNN with mu as more inputs, for the problem of our network."""
    inputs, hidden, outputs = _sizes(ours)
    sizes = [ours.parameter_space.dim + inputs, *hidden, outputs]
    return _with_transforms(dde.nn.FNN(sizes, "tanh", "Glorot normal"), ours)


def deeponet(ours: lrnr.nn.HyperLRNR) -> lrnr.nn.Parametric:
    """DeepXDE's ``DeepONetCartesianProd``: mu to the branch, x to the trunk.

    Of several components each has a part of the branch's outputs, and they share the
    trunk.
    """
    inputs, hidden, outputs = _sizes(ours)
    branch = [ours.parameter_space.dim, *hidden[:-1], outputs * WIDTH]
    strategy = None if outputs == 1 else "split_branch"
    net = dde.nn.DeepONetCartesianProd(
        branch,
        [inputs, *hidden],
        "tanh",
        "Glorot normal",
        outputs,
        strategy,
    )
    return _with_transforms(net, ours)


def _sizes(ours) -> tuple[int, list[int], int]:
    """Features, hidden layers of ``WIDTH`` neurons, and components."""
    inputs, *hidden, outputs = ours.layer_sizes
    return inputs, [WIDTH] * len(hidden), outputs


def _with_transforms(net, ours) -> lrnr.nn.Parametric:
    net = lrnr.nn.Parametric(net, ours.parameter_space)
    if ours.feature_transform is not None:
        net.apply_feature_transform(ours.feature_transform)
    if ours.output_transform is not None:
        net.apply_output_transform(ours.output_transform)
    return net


def train_for(ours: lrnr.Model, batch: tuple, make_net, seconds: float, seed: int = 0):
    """Trains a network for so many seconds of wall time; returns model and seconds.

    Compilation is part of the time, as it is of ours.

    Args:
        ours: Our model, compiled; its problem and its loss weights are taken.
        batch: Number of mu and of points in a step.
        make_net: Function of our network to the other.
        seconds: Wall time.
        seed: Random seed.
    """
    dde.config.set_random_seed(seed)
    optimizer = SOAP.from_config({"learning_rate": 3e-3})
    clock = _Clock(seconds, optimizer)
    model = lrnr.Model(ours.data, make_net(ours.net))
    model.compile(optimizer, loss_weights=ours.loss_weights, verbose=0)
    model.train(
        iterations=10**7,
        batch_size=batch,
        display_every=10**9,
        callbacks=[clock],
        verbose=0,
    )
    return model, time.perf_counter() - clock.start


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
    """An ``fnn`` whose weights are coefficients, another set for each mu.

    It has what ``Adam`` asks of a network, so that it can tune it as it tunes an LRNR.

    Args:
        net: Trained (or untrained) network.
    """

    compute_dtype = "float32"

    def __init__(self, net: lrnr.nn.Parametric):
        self._net, self.parameter_space = net, net.parameter_space
        self.weights = [
            np.asarray(w) for d in net.net.denses for w in (d.kernel, d.bias)
        ]
        flat = [w.ravel() for w in self.weights]
        self.layout = SimpleNamespace(num_scales=sum(map(len, flat)))
        self.start = np.concatenate(flat).astype("float32")

    def coefficients(self, mu):
        return tf.tile(tf.constant(self.start)[None, :], (tf.shape(mu)[0], 1))

    def evaluate(self, mu, x, coefficients):
        num_mu = mu.shape[0] or tf.shape(mu)[0]
        mu_rows = rows_of(mu, x)
        features = self._net.features(mu_rows, x)
        rows = tf.concat([self.parameter_space.scale(mu_rows), features], axis=1)
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
        if self._net.output_transform is None:
            return rows
        return apply_output_transform(self._net.output_transform, mu_rows, x, rows)

    def by_adam(self, ours: FastModel, solver):
        """Function of mu (1, p) to coefficients (1, q), at the points of ours.

        Args:
            ours: The points and held-out points.
            solver: ``Adam`` with ``network="full"``.
        """
        model = SimpleNamespace(
            full=self,
            reduced=self,
            residual=ours.residual,
            held_out=ours.held_out,
            predictor_of=Predictor,
            estimate=None,
        )
        solve = solver.prepare(model)
        return lambda mu: solve(mu).coefficients


class LastLayer:
    """The states of the last hidden layer alone as trial functions.

    Args:
        fast: A reduced model, for its network, points and derivatives.
    """

    def __init__(self, fast: FastModel):
        self.space = TrialSpace(fast.full, fast.precision, last=True)
        self._equations = fast.expansion.equations(
            fast.residual, fast.held_out, self.space, xla=True
        )
        self._predict = Predictor(self.space)

    def solve(self, mu) -> np.ndarray:
        """The readout for one mu, (p,); that of the network if it is no better."""
        start, solver = self.space.start(mu), LeastSquares()
        with threadpool_limits(limits=1, user_api="blas"):
            at = self._equations.at(mu)
            minimum = minimise(at, start, solver.iterations, solver.rtol)
        better = minimum.held_out[-1] < minimum.held_out[0]
        return minimum.unknowns if better else start

    def predict(self, x, mu, readouts) -> np.ndarray:
        """u at points (n, 2) for several mu."""
        return self._predict(x, mu, np.asarray(readouts), False)


def lbfgs(tuned: Tuned, ours: FastModel, iterations: int):
    """Function of mu (1, p) to coefficients (1, q), by SciPy's L-BFGS-B."""
    residual = ours.residual

    @tf.function(jit_compile=True)
    def loss_and_gradient(z, inputs, auxiliary):
        loss = tf.reduce_sum(tf.square(residual(tuned, z, inputs, auxiliary)))
        return loss, tf.gradients(loss, z)[0]

    def solve(mu):
        batch = residual.batch(mu)

        def fun(z):
            z = tf.constant(z[None, :], tf.float32)
            loss, gradient = loss_and_gradient(z, *batch)
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
