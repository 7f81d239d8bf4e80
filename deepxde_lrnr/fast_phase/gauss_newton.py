"""The fast phase to trust: damped Gauss-Newton with a safeguard on exact residuals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from .calibration import choose_damping, choose_jacobian
from .compilation import Compiled
from .jacobian import MAX_SIZE, directional_jacobian
from .outcome import Outcome

_JACOBIANS = ("auto", "learned", "fast", "exact")
# A step that lowers the objective divides the damping by 2, a refused one multiplies
# it by 4.
_DECREASE, _INCREASE = 0.5, 4.0
# mu solved at once.
_LARGEST_BATCH = 64
# Refused steps in a row after which the model of the descent has proved wrong.
_MAX_REFUSED = 3
_STATUS = np.array(
    [
        "iterations done",
        "converged",
        "no further descent",
        "no improvement",
        "not finite",
    ],
    dtype=object,
)


@dataclass(frozen=True)
class GaussNewton:
    """Levenberg-Marquardt on the coefficients, residuals always exact.

    Residuals are those of the full LRNR, forward only; derivatives come from where
    ``jacobian`` says. A step is taken only if it lowers the exact objective at the
    points of the fast phase *and* at held-out points; so the objective never rises, and
    where nothing better is found the hypernetwork's coefficients are returned.

    Args:
        iterations: Largest number of steps tried.
        jacobian: Source of the derivatives.

            - "learned": computed exactly at reduction for some tens of mu, interpolated
              over the box, and corrected by Broyden's update along the way. No
              derivative is taken online.
            - "fast": forward mode through FastLRNR (the paper's idea, SPInProp) at each
              step.
            - "exact": forward mode through the full LRNR at each step.
            - "auto": the fastest of them that, for some mu of the box, reaches 80 % of
              the best one's fall of the held-out residual. All three are compiled and
              timed for that, once.
        damping: Weight lambda of ||dz||^2 in the first step, relative to the mean
            square of the Jacobian's columns; "auto" takes the strongest with which the
            held-out residual, for some mu of the box, is within 2 % of the best.
        rtol: Stops when a step lowers the objective by less than this share.

    Raises:
        ValueError: If an argument is out of its range.

    References:
        `J. Nocedal, & S. J. Wright. Numerical optimization, 2nd edition. Springer,
        2006 <https://doi.org/10.1007/978-0-387-40065-5>`_, sections 10.3 and 11.1.
    """

    iterations: int = 16
    jacobian: str = "auto"
    damping: float | str = "auto"
    rtol: float = 1e-2

    def __post_init__(self):
        if not (isinstance(self.iterations, int) and self.iterations >= 1):
            raise ValueError(
                f"iterations is {self.iterations!r}; it must be an integer >= 1."
            )
        if self.jacobian not in _JACOBIANS:
            raise ValueError(
                f"jacobian is {self.jacobian!r}; it must be one of {_JACOBIANS}."
            )
        automatic = self.damping == "auto"
        if not automatic and (
            isinstance(self.damping, str) or not 0 < self.damping < float("inf")
        ):
            raise ValueError(
                f"damping is {self.damping!r}; it must be 'auto' or a number > 0."
            )
        if not 0 <= self.rtol < 1:
            raise ValueError(f"rtol is {self.rtol}; it must be in [0, 1).")

    def prepare(self, fast):
        """Compiles the fast phase of a ``FastModel``.

        Returns:
            Function of mu, an array of shape (P, p), that returns an ``Outcome``. It
            is compiled once for each P.
        """
        if self.jacobian == "auto":
            runs = {s: compile_steps(self, fast, s) for s in _JACOBIANS[1:]}
            run = runs[choose_jacobian(runs, fast.parameter_space)]
        else:
            run = compile_steps(self, fast, self.jacobian)
        damping = self.damping
        if damping == "auto":
            damping = choose_damping(run, fast.parameter_space)

        def solve(mu) -> Outcome:
            return run(mu, damping)

        solve.compiled = run.compiled
        solve.max_batch = run.max_batch
        return solve


def compile_steps(solver: GaussNewton, fast, source: str):
    """Function of mu (P, p) and of the damping, compiled once for each P."""
    residual, held_out, full = fast.residual, fast.held_out, fast.full
    learned = fast.learned_jacobian if source == "learned" else None
    network = fast.reduced if source == "fast" else full
    real = np.dtype(full.compute_dtype)
    if learned is not None:
        directions = tf.constant(learned.directions, real)
    else:
        directions = tf.eye(full.layout.size, dtype=real)

    def objective(r):
        return tf.reduce_sum(tf.square(r), axis=1)

    def step(r, J, damping):
        """(J^T J + damping I) dy = -J^T r, in double precision."""
        J, r = tf.cast(J, tf.float64), tf.cast(r, tf.float64)
        gram = tf.matmul(J, J, transpose_a=True)
        size = tf.linalg.trace(gram) / gram.shape[-1]
        # The floor keeps the matrix regular where no coefficient has any effect.
        shift = tf.cast(damping, tf.float64) * size + np.finfo(real).tiny
        gram += shift[:, None, None] * tf.eye(gram.shape[-1], dtype=tf.float64)
        slope = tf.matmul(J, r[:, :, None], transpose_a=True)
        dy = -tf.linalg.cholesky_solve(tf.linalg.cholesky(gram), slope)
        return tf.cast(dy[:, :, 0], real)

    def run(feed, held_feed, weights, start_damping):
        z0 = full.coefficients(feed[0][0])
        num_mu = z0.shape[0]

        def differentiate(z):
            return directional_jacobian(residual, network, z, directions, *feed)

        def trial(z):
            r = residual(full, z, *feed)
            return r, objective(r), objective(held_out(full, z, *held_feed))

        def body(i, z, J, r, f, h, damping, refused, steps, done, history):
            if learned is None:
                J = differentiate(z)
            dy = step(r, J, damping)
            # J depends on x; derivatives of u with respect to x must not see that.
            new_z = tf.stop_gradient(z + tf.matmul(dy, directions, transpose_b=True))
            new_r, new_f, new_h = trial(new_z)
            # Comparisons with NaN are false: such a step is refused.
            better = (new_f < f) & (new_h < h) & ~done
            if learned is not None:
                J = _broyden(J, dy, new_r - r)
            small = better & (f - new_f < solver.rtol * f)
            refused = tf.where(done, refused, tf.where(better, 0, refused + 1))
            steps = tf.where(done, steps, steps + 1)
            done |= small | (refused >= _MAX_REFUSED)
            z = tf.where(better[:, None], new_z, z)
            r = tf.where(better[:, None], new_r, r)
            f, h = tf.where(better, new_f, f), tf.where(better, new_h, h)
            damping *= tf.where(better, real.type(_DECREASE), real.type(_INCREASE))
            history = history.write(i + 1, f)
            return i + 1, z, J, r, f, h, damping, refused, steps, done, history

        r0, f0, h0 = trial(z0)
        finite = tf.math.is_finite(f0) & tf.math.is_finite(h0)
        history = tf.TensorArray(real, solver.iterations + 1, element_shape=f0.shape)
        if learned is None:
            J = tf.zeros((num_mu, r0.shape[1], directions.shape[1]), real)
        else:
            J = tf.tensordot(weights, learned.values, axes=1)
        state = (
            0,
            z0,
            J,
            r0,
            f0,
            h0,
            tf.fill((num_mu,), start_damping),
            tf.zeros((num_mu,), tf.int32),
            tf.zeros((num_mu,), tf.int32),
            ~finite,
            history.write(0, f0),
        )
        state = tf.while_loop(
            lambda i, *rest: (i < solver.iterations) & ~tf.reduce_all(rest[-2]),
            body,
            state,
        )
        tried, z, _, _, f, h, _, refused, steps, done, history = state
        status = tf.where(done, tf.where(refused >= _MAX_REFUSED, 2, 1), 0)
        status = tf.where(f < f0, status, tf.where(finite, 3, 4))
        # Rows after the last step tried by any mu were not written.
        written = tf.range(solver.iterations + 1)[:, None] <= tried
        history = tf.where(written, history.stack(), f)
        return z0, z, h0, h, tf.transpose(history), steps, status

    compiled = Compiled(run)

    def solve(mu, damping) -> Outcome:
        weights = np.zeros((len(mu), 0), real)
        if learned is not None:
            scaled = full.parameter_space.scale(mu.astype(float))
            weights = learned.weights(scaled).astype(real)
        z0, z, h0, h, history, steps, status = compiled(
            residual.feed(mu), held_out.feed(mu), weights, real.type(damping)
        )
        return Outcome.make(
            z0,
            z,
            history,
            steps=steps,
            status=_STATUS[np.asarray(status)],
            initial_residual=h0,
            residual=h,
        )

    solve.compiled = compiled
    solve.max_batch = _LARGEST_BATCH
    if learned is None:
        # Every mu is copied for each column of J.
        rows = len(residual.collocation.points) * directions.shape[1]
        size = rows * max(network.stack.widths)
        solve.max_batch = max(1, min(_LARGEST_BATCH, MAX_SIZE // size))
    return solve


def _broyden(J, dy, dr):
    """Least change of J after which it explains the change of the residual."""
    dy_norm = tf.reduce_sum(tf.square(dy), axis=1)
    unexplained = dr - tf.linalg.matvec(J, dy)
    usable = tf.reduce_all(tf.math.is_finite(unexplained), axis=1) & (dy_norm > 0)
    unexplained = tf.where(usable[:, None], unexplained, tf.zeros_like(unexplained))
    scaled = dy / tf.where(dy_norm > 0, dy_norm, tf.ones_like(dy_norm))[:, None]
    scaled = tf.where(usable[:, None], scaled, tf.zeros_like(scaled))
    return J + unexplained[:, :, None] * scaled[:, None, :]
