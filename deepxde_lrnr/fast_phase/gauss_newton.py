"""The fast phase to trust: damped Gauss-Newton with a safeguard on exact residuals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from .._checks import as_choice, as_integer, as_number
from .calibration import DAMPINGS, choose_damping, choose_jacobian
from .compilation import Compiled
from .jacobian import MAX_SIZE, jacobian
from .levenberg_marquardt import minimise
from .outcome import Outcome
from .smoothing import Smoothing

_JACOBIANS = ("auto", "learned", "selected", "all", "fast", "exact")
# mu solved at once.
_LARGEST_BATCH = 16
# Steps between two derivatives of "selected" and "all". A derivative takes as long as
# several residuals.
_REFRESH = 4
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

    Residuals are those of the full LRNR, forward only, in a norm that weighs them by
    what they do to the solution (``smoothing``); derivatives come from where
    ``jacobian`` says. What is returned has a lower exact objective than the
    hypernetwork's coefficients at the points that the steps look at, *and* at held-out
    points a residual that is lower by ``min_gain`` or more; otherwise these
    coefficients are returned.

    Args:
        iterations: Largest number of steps tried.
        jacobian: Source of the derivatives.

            - "learned": computed exactly at reduction for some tens of mu, interpolated
              over the box, and corrected by Broyden's update along the way: no
              derivative is taken online. The steps look only at the few weighted
              points that determine it (``LearnedJacobian.residual``). Where they end,
              the held-out points are looked at.
            - "selected": exact at the same few points, anew every fourth step, with
              Broyden's update between, and with the same end.
            - "all": the same at all points. The few points determine the Jacobian, not
              the part of the residual that no coefficients explain; where that part
              is large they are too few.
            - "fast": through FastLRNR (the paper's idea, SPInProp) at each step, at all
              points; each step must lower both objectives.
            - "exact": the same through the full LRNR.
            - "auto": "selected" or "all" where the residual is taken pointwise (see
              ``FastModel.pointwise``), which it nearly always is, otherwise "learned"
              or "fast": the faster one, if it lowers the held-out residual (its sum of
              squares, for some mu of the box) by at least 98 % of what the other one
              does. Both are compiled for that, once.

            Derivatives are taken in one pass of reverse mode where the residual is
            taken pointwise, otherwise in forward mode.
        damping: Weight lambda of ||dz||^2 in the first step, relative to the mean
            square of the Jacobian's columns; "auto" takes the strongest with which the
            held-out residual, for some mu of the box, is within 2 % of the best.
        rtol: Stops when a step lowers the objective by less than this share.
        smoothing: Length over which the residual of the PDE is averaged before it is
            squared, in units of the sides of the bounding box, time included: what
            changes its sign from point to point hardly matters to the solution. 0 is
            DeepXDE's weighted MSE loss.
        min_gain: Share by which the held-out residual has to fall. Where the
            coefficients explain little of the residual, fitting that little lowers the
            residual, but moves the solution as often away from the true one. 0
            accepts every fall.

    Raises:
        ValueError: If an argument is out of its range.

    References:
        `J. Nocedal, & S. J. Wright. Numerical optimization, 2nd edition. Springer,
        2006 <https://doi.org/10.1007/978-0-387-40065-5>`_, sections 10.3 and 11.1.
        `S. Rojas, P. Maczuga, J. Munoz-Matute, D. Pardo, & M. Paszynski. Robust
        variational physics-informed neural networks. arXiv 2308.16910, 2024
        <https://arxiv.org/abs/2308.16910>`_, section 3: dual norms of residuals.
    """

    iterations: int = 8
    jacobian: str = "auto"
    damping: float | str = "auto"
    rtol: float = 1e-2
    smoothing: float = 0.1
    min_gain: float = 0.05

    def __post_init__(self):
        checked = {
            "iterations": as_integer("iterations", self.iterations),
            **{
                name: as_number(
                    name,
                    getattr(self, name),
                    "a number in [0, 1)",
                    lambda v: 0 <= v < 1,
                )
                for name in ("rtol", "min_gain")
            },
        }
        as_choice("jacobian", self.jacobian, _JACOBIANS)
        if not (isinstance(self.damping, str) and self.damping == "auto"):
            checked["damping"] = as_number(
                "damping", self.damping, "'auto' or a number > 0", lambda v: v > 0
            )
        checked["smoothing"] = as_number(
            "smoothing", self.smoothing, "a number >= 0", lambda v: v >= 0
        )
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def prepare(self, fast):
        """Compiles the fast phase of a ``FastModel``.

        Returns:
            Function of mu, an array of shape (P, p), that returns an ``Outcome``. It
            is compiled once for each P.
        """
        source, damping = fast.choices.get(self, (self.jacobian, self.damping))
        sources = (source,)
        if source == "auto":
            # With one pass of reverse mode for J, no source is better than "selected"
            # and "all" together: benchmarks/fast_phase.py.
            sources = ("selected", "all") if fast.pointwise else ("learned", "fast")
        runs = {s: compile_steps(self, fast, s) for s in sources}
        if "auto" in (source, damping):
            dampings = DAMPINGS if damping == "auto" else (damping,)
            found = {
                s: choose_damping(run, fast.parameter_space, dampings)
                for s, run in runs.items()
            }
            source = choose_jacobian({s: ratio for s, (_, ratio) in found.items()})
            damping, _ = found[source]
        run = runs[source]
        fast.choices[self] = source, damping

        def solve(mu) -> Outcome:
            return run(mu, damping)

        solve.compiled = run.compiled
        solve.max_batch = run.max_batch
        return solve


def compile_steps(solver: GaussNewton, fast, source: str):
    """Function of mu (P, p) and of the damping, compiled once for each P."""
    full, held_out, pointwise = fast.full, fast.held_out, fast.pointwise
    network = fast.reduced if source == "fast" else full
    real = np.dtype(full.compute_dtype)
    # Of the held-out sum of squares, what may remain of it.
    remaining = (1 - solver.min_gain) ** 2
    learned = fast.learned_jacobian if source in ("learned", "selected") else None
    if learned is None:
        residual = fast.residual
        directions = tf.eye(full.layout.size, dtype=real)
    else:
        residual = learned.residual
        directions = tf.constant(learned.directions, real)
    smooth, smooth_held_out = (
        Smoothing(r, fast.columns, solver.smoothing) for r in (residual, held_out)
    )

    def squared(r):
        return tf.reduce_sum(tf.square(r), axis=1)

    def run(feed, held_feed, weights, damping):
        z0 = full.coefficients(feed[0][0])

        def watch(z):
            return squared(smooth_held_out(held_out(full, z, *held_feed)))

        def r(z):
            return smooth(residual(full, z, *feed))

        def J(z):
            return smooth(jacobian(residual, network, z, directions, *feed, pointwise))

        if source == "learned":
            how = {"J0": smooth(learned(weights))}
        elif source in ("selected", "all"):
            how = {"differentiate": J, "refresh": _REFRESH}
        else:
            how = {"differentiate": J, "watch": watch}
        end = minimise(
            r, z0, directions, damping, solver.iterations, solver.rtol, **how
        )
        f0, h0 = squared(r(z0)), watch(z0)
        # Derivatives of u with respect to x must not see the steps.
        z, f, h = tf.stop_gradient(end.z), end.objective, end.watched
        if "watch" not in how:
            h = watch(z)
        # Comparisons with NaN are false: such coefficients are refused.
        better = (f < f0) & (h < remaining * h0)
        z = tf.where(better[:, None], z, z0)
        f, h = tf.where(better, f, f0), tf.where(better, h, h0)
        finite = tf.math.is_finite(f0) & tf.math.is_finite(h0)
        status = tf.where(f < f0, end.status, tf.where(finite, 3, 4))
        return z0, z, end.history, end.steps, status, h0, h, f0, f

    compiled = Compiled(run)

    def solve(mu, damping) -> Outcome:
        weights = np.zeros((len(mu), 0), real)
        if source == "learned":
            scaled = full.parameter_space.scale(mu.astype(float))
            weights = learned.weights(scaled).astype(real)
        z0, z, history, steps, status, h0, h, f0, f = compiled(
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
            initial_objective=f0,
            objective=f,
        )

    solve.compiled = compiled
    solve.max_batch = _LARGEST_BATCH
    if source != "learned" and not pointwise:
        # Every mu is copied for each column of J.
        rows = len(residual.collocation.points) * directions.shape[1]
        size = rows * max(network.stack.widths)
        solve.max_batch = max(1, min(_LARGEST_BATCH, MAX_SIZE // size))
    return solve
