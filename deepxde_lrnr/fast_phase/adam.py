"""The fast phase of the paper: Adam on the coefficients of FastLRNR."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from .._checks import as_choice, as_integer, as_number
from .._tracing import Compiled
from .prepared import Prepared
from .solution import Solution, joined
from .status import Status

_OBJECTIVES = ("absolute", "MSE")
# mu solved in one compiled call: one, a few, many.
_BATCHES = (1, 4, 16)


@dataclass(frozen=True)
class Adam:
    """Adam on the coefficients, by backpropagation through FastLRNR (SPInProp).

    Minimises, for each mu, the residuals of FastLRNR at the reduction's points plus
    ``locality`` ||s - s_0||_1, s_0 being the hypernetwork's coefficients. The defaults
    are the paper's. It trusts FastLRNR: where that is not accurate the result can be
    worse than the start, and the last iterate is returned whatever it is worth. Use it
    to reproduce the paper.

    Args:
        iterations: Number of steps.
        lr: Learning rate.
        objective: "absolute", the sum of absolute errors of the PDE and the IC/BC over
            all points, or "MSE", DeepXDE's weighted loss.
        locality: Weight of ||s - s_0||_1. (The authors choose it for each target by
            its true error, mostly about 1; a user has no true error.)
        network: "fast", FastLRNR, or "full", the full LRNR, for comparison.

    Raises:
        ValueError: If an argument is out of its range.

    References:
        `W. Cho, K. Lee, N. Park, D. Rim, & G. Welper. FastLRNR and sparse physics
        informed backpropagation. arXiv 2410.04001, 2024
        <https://arxiv.org/abs/2410.04001>`_, section 3.3.
        `D. P. Kingma, & J. Ba. Adam: A method for stochastic optimization. ICLR, 2015
        <https://arxiv.org/abs/1412.6980>`_, algorithm 1.
    """

    iterations: int = 400
    lr: float = 5e-5
    objective: str = "absolute"
    locality: float = 1.0
    network: str = "fast"

    def __post_init__(self):
        checked = {
            "iterations": as_integer("iterations", self.iterations),
            "lr": as_number("lr", self.lr, "a number > 0", lambda v: v > 0),
            "locality": as_number(
                "locality", self.locality, "a number >= 0", lambda v: v >= 0
            ),
        }
        as_choice("objective", self.objective, _OBJECTIVES)
        as_choice("network", self.network, ("fast", "full"))
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def prepare(self, fast) -> Prepared:
        """Makes the solver ready for a ``FastModel``.

        Raises:
            ValueError: If the network has no layers of low rank.
        """
        if not fast.full.layout.num_scales:
            raise ValueError(
                "solver is Adam, which moves the coefficients s of a low rank network "
                "(HyperLRNR); the layers of this one are dense. Use "
                "lrnr.fast_phase.LeastSquares()."
            )
        network = fast.reduced if self.network == "fast" else fast.full
        residual = fast.residual
        absolute = self.objective == "absolute"
        beta_1, beta_2, epsilon = 0.9, 0.999, 1e-8

        def objective(coefficients, start, inputs, auxiliary):
            r = residual(
                network, coefficients, inputs, auxiliary, weighted=not absolute
            )
            size = tf.abs(r) if absolute else tf.square(r)
            distance = tf.reduce_sum(tf.abs(coefficients - start), axis=1)
            return tf.reduce_sum(size, axis=1) + self.locality * distance

        def run(inputs, auxiliary):
            start = network.coefficients(inputs[0])

            def step(i, z, m, v, history):
                value = objective(z, start, inputs, auxiliary)
                # Rows of z are independent: one gradient serves every mu.
                (gradient,) = tf.gradients(value, z)
                history = history.write(i, value)
                m = beta_1 * m + (1 - beta_1) * gradient
                v = beta_2 * v + (1 - beta_2) * tf.square(gradient)
                t = tf.cast(i + 1, z.dtype)
                rate = self.lr * tf.sqrt(1 - beta_2**t) / (1 - beta_1**t)
                return i + 1, z - rate * m / (tf.sqrt(v) + epsilon), m, v, history

            zeros = tf.zeros_like(start)
            history = tf.TensorArray(
                start.dtype, self.iterations + 1, element_shape=start.shape[:1]
            )
            _, z, _, _, history = tf.while_loop(
                lambda i, *_: i < self.iterations,
                step,
                (0, start, zeros, zeros, history),
            )
            # Derivatives with respect to x must not go back through the loop.
            z = tf.stop_gradient(z)
            last = objective(z, start, inputs, auxiliary)
            history = tf.transpose(history.write(self.iterations, last).stack())
            finite = tf.reduce_all(tf.math.is_finite(z), axis=1)
            finite &= tf.math.is_finite(last)
            return start, tf.where(finite[:, None], z, start), history, finite

        def held_out(start, z, inputs, auxiliary):
            return [
                tf.reduce_sum(
                    tf.square(fast.held_out(fast.full, c, inputs, auxiliary)), axis=1
                )
                for c in (start, z)
            ]

        compiled, indicator = Compiled(run), Compiled(held_out)

        def solve(mu) -> Solution:
            start, z, history, finite = compiled(*residual.batch(mu))
            before, after = indicator(start, z, *fast.held_out.batch(mu))
            # Where FastLRNR's residual is a number but the exact one is not.
            exact = tf.math.is_finite(after)
            z, finite = tf.where(exact[:, None], z, start), finite & exact
            after = tf.where(exact, after, before)
            ended = Status.NOT_FINITE, Status.ITERATIONS_DONE
            return Solution(
                mu=mu,
                coefficients=np.asarray(z),
                initial_coefficients=np.asarray(start),
                initial_residual=np.sqrt(before),
                residual=np.sqrt(after),
                initial_objective=np.asarray(history[:, 0]),
                objective=np.where(finite, history[:, -1], history[:, 0]),
                history=np.asarray(history),
                steps=np.full(len(mu), self.iterations),
                status=np.array([ended[int(ok)] for ok in finite], object),
            )

        def solve_all(mu) -> Solution:
            return in_batches(solve, np.asarray(mu, fast.full.compute_dtype))

        predictor = fast.predictor_of(fast.full)
        return Prepared(type(self).__name__, predictor, solve_all, fast.estimate)


def in_batches(solve, mu) -> Solution:
    """Solves for mu of shape (n, p), a batch of one of few sizes after the other.

    Each batch is padded up to the next size, so that no number of mu needs a
    compilation of its own. Larger batches leave the caches.
    """
    parts = []
    for start in range(0, len(mu), _BATCHES[-1]):
        chunk = mu[start : start + _BATCHES[-1]]
        size = next(b for b in _BATCHES if len(chunk) <= b)
        padded = np.vstack([chunk, np.repeat(chunk[:1], size - len(chunk), axis=0)])
        parts.append(solve(padded)[: len(chunk)])
    return joined(parts)
