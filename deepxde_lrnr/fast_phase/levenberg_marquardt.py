"""Levenberg-Marquardt on the coefficients of many mu at once, as one graph."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

# A step that lowers the objective divides the damping by 2, a refused one multiplies
# it by 10.
_DECREASE, _INCREASE = 0.5, 10.0
# Refused steps in a row after which the model of the descent has proved wrong.
MAX_REFUSED = 3


class Descent(NamedTuple):
    """Where the iteration ended, for P mu.

    Attributes:
        z: Coefficients, shape (P, q).
        objective: ||r||^2 there, shape (P,).
        watched: The watched objective there, shape (P,).
        history: Objective before the first step and after each, shape
            (P, iterations + 1); constant after the last step.
        steps: Steps tried, shape (P,).
        status: 0 if all steps were done, 1 if converged, 2 if refused too often.
    """

    z: tf.Tensor
    objective: tf.Tensor
    watched: tf.Tensor
    history: tf.Tensor
    steps: tf.Tensor
    status: tf.Tensor


def minimise(
    residual,
    z0,
    directions,
    damping,
    iterations: int,
    rtol: float,
    differentiate=None,
    J0=None,
    refresh: int = 1,
    watch=None,
) -> Descent:
    """Minimises ||r(z)||^2 for each mu by damped Gauss-Newton steps.

    A step that does not lower the objective, or raises the watched one, is refused.

    Args:
        residual: z of shape (P, q) -> r of shape (P, n).
        z0: Start, shape (P, q).
        directions: Steps are taken in their span; shape (q, k).
        damping: Of the first step, relative to the mean square of J's columns; scalar.
        iterations: Largest number of steps.
        rtol: Stops when a step lowers the objective by less than this share.
        differentiate: z -> J along the directions, shape (P, n, k).
        J0: Instead of it, J at the start.
        refresh: J is differentiated anew every so many steps; between, and from J0 on,
            it is corrected by Broyden's update.
        watch: ``None``, or z -> objective at other points, shape (P,).
    """
    broyden = differentiate is None or refresh > 1
    real = z0.dtype
    num_mu = z0.shape[0]

    def objectives(z):
        r = residual(z)
        f = tf.reduce_sum(tf.square(r), axis=1)
        return r, f, tf.zeros_like(f) if watch is None else watch(z)

    def body(i, z, J, r, f, h, damping, refused, steps, done, history):
        if differentiate is not None and refresh == 1:
            J = differentiate(z)
        elif differentiate is not None:
            J = tf.cond(i % refresh == 0, lambda: differentiate(z), lambda: J)
        dy = damped_step(J, r, damping)
        # J depends on x; derivatives of u with respect to x must not see that.
        new_z = tf.stop_gradient(z + tf.matmul(dy, directions, transpose_b=True))
        new_r, new_f, new_h = objectives(new_z)
        # Comparisons with NaN are false: such a step is refused.
        better = (new_f < f) & ~done
        if watch is not None:
            better &= new_h < h
        if broyden:
            J = broyden_update(J, dy, new_r - r)
        small = better & (f - new_f < rtol * f)
        refused = tf.where(done, refused, tf.where(better, 0, refused + 1))
        steps = tf.where(done, steps, steps + 1)
        done |= small | (refused >= MAX_REFUSED)
        z = tf.where(better[:, None], new_z, z)
        r = tf.where(better[:, None], new_r, r)
        f, h = tf.where(better, new_f, f), tf.where(better, new_h, h)
        factor = tf.where(better, _DECREASE, _INCREASE)
        damping *= tf.cast(factor, real)
        history = history.write(i + 1, f)
        return i + 1, z, J, r, f, h, damping, refused, steps, done, history

    r0, f0, h0 = objectives(z0)
    history = tf.TensorArray(real, iterations + 1, element_shape=f0.shape)
    J = J0
    if differentiate is not None:
        J = tf.zeros((num_mu, r0.shape[1], directions.shape[1]), real)
    none = tf.zeros((num_mu,), tf.int32)
    state = (
        0,
        z0,
        J,
        r0,
        f0,
        h0,
        tf.fill((num_mu,), damping),
        none,
        none,
        ~(tf.math.is_finite(f0) & tf.math.is_finite(h0)),
        history.write(0, f0),
    )
    state = tf.while_loop(
        lambda i, *rest: (i < iterations) & ~tf.reduce_all(rest[-2]), body, state
    )
    tried, z, _, _, f, h, _, refused, steps, done, history = state
    # Rows after the last step tried by any mu were not written.
    written = tf.range(iterations + 1)[:, None] <= tried
    history = tf.transpose(tf.where(written, history.stack(), f))
    status = tf.where(done, tf.where(refused >= MAX_REFUSED, 2, 1), 0)
    return Descent(z, f, h, history, steps, status)


def damped_step(J, r, damping):
    """dy with (J^T J + damping s I) dy = -J^T r, in double precision.

    Args:
        J: Shape (P, n, k).
        r: Shape (P, n).
        damping: Shape (P,), relative to s, the mean square of J's columns.
    """
    tiny = np.finfo(J.dtype.as_numpy_dtype).tiny
    J, r64 = tf.cast(J, tf.float64), tf.cast(r, tf.float64)
    gram = tf.matmul(J, J, transpose_a=True)
    k = gram.shape[-1]
    # The floor keeps the matrix regular where no coefficient has any effect.
    shift = tf.cast(damping, tf.float64) * tf.linalg.trace(gram) / k + tiny
    gram += shift[:, None, None] * tf.eye(k, dtype=tf.float64)
    slope = tf.matmul(J, r64[:, :, None], transpose_a=True)
    return tf.cast(-solve_definite(gram, slope), r.dtype)


def solve_definite(A, b):
    """Solves A y = b for many small symmetric positive definite A, by elimination.

    XLA's Cholesky decomposition and substitutions are much slower on a CPU. Such
    matrices need no pivoting.

    Args:
        A: Shape (P, k, k).
        b: Shape (P, k, 1).

    Returns:
        Tensor of shape (P, k).
    """
    k = A.shape[-1]
    unit = tf.eye(k, dtype=A.dtype)

    def eliminate(j, rows):
        pivot = rows[:, j, :]
        pivot /= tf.gather(pivot, j, axis=1)[:, None]
        # Row j becomes the pivot row; column j of all others becomes zero.
        factors = rows[:, :, j] - unit[j]
        return j + 1, rows - factors[:, :, None] * pivot[:, None, :]

    rows = tf.concat([A, b], axis=2)
    _, rows = tf.while_loop(lambda j, _: j < k, eliminate, (0, rows))
    return rows[:, :, -1]


def broyden_update(J, dy, dr):
    """Least change of J after which it explains the change of the residual."""
    dy_norm = tf.reduce_sum(tf.square(dy), axis=1)
    unexplained = dr - tf.linalg.matvec(J, dy)
    usable = tf.reduce_all(tf.math.is_finite(unexplained), axis=1) & (dy_norm > 0)
    unexplained = tf.where(usable[:, None], unexplained, tf.zeros_like(unexplained))
    scaled = dy / tf.where(dy_norm > 0, dy_norm, tf.ones_like(dy_norm))[:, None]
    scaled = tf.where(usable[:, None], scaled, tf.zeros_like(scaled))
    return J + unexplained[:, :, None] * scaled[:, None, :]
