"""Resampling of mu and of points where the residual is large."""

from __future__ import annotations

from dataclasses import replace

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._checks import as_flag, as_integer, as_number, as_points
from .._deepxde import has_timedomain
from .._tracing import traced
from ..data.residual import Residual
from ..nn.hyper_lrnr import ParametricNN
from .parameter_resampler import check_parametric

# Numbers of mu, and of points, whose loss is taken at once: bounded memory, one
# compilation.
_MU_AT_ONCE, _POINTS_AT_ONCE = 64, 1024


class AdaptiveSampler(dde.callbacks.Callback):
    """Draws mu and points to train on where the residual is large, every given period.

    Both are drawn from candidates of the whole box and the whole geometry, with a
    probability that grows with the loss of the network there: first the mu, then the
    points, at some of these mu. A step takes all points for each of its mu, so that
    there is one density of mu and one of points. Points of IC/BC, those of the PDE on
    the boundary or at the initial time, and the user's anchors remain.

    Args:
        period: Number of iterations between two resamplings.
        parameters: Whether mu are drawn.
        points: Whether points of the PDE are drawn.
        power: k of the density (loss^k / mean(loss^k) + ``offset``). The loss is the
            square of a residual, hence 0.5.
        offset: Uniform part of that density.
        candidates: Number of mu and of points to draw from, as a multiple of those
            drawn.
        num_points: Number of points of the PDE at which the loss of a mu is taken (of
            each IC/BC the same share).
        num_parameters: Number of mu at which the loss of a point is taken.

    Raises:
        ValueError: If an argument is out of its range, or neither mu nor points are
            drawn.

    References:
        `C. Wu, M. Zhu, Q. Tan, Y. Kartha, & L. Lu. A comprehensive study of
        non-adaptive and residual-based adaptive sampling for physics-informed neural
        networks. Computer Methods in Applied Mechanics and Engineering, 403, 115671,
        2023 <https://doi.org/10.1016/j.cma.2022.115671>`_, algorithm 2 (RAD, for
        points).
    """

    def __init__(
        self,
        period: int = 200,
        parameters: bool = True,
        points: bool = True,
        power: float = 0.5,
        offset: float = 1.0,
        candidates: int = 2,
        num_points: int = 64,
        num_parameters: int = 16,
    ):
        super().__init__()
        self.period = as_integer("period", period)
        self.parameters = as_flag("parameters", parameters)
        self.points = as_flag("points", points)
        if not (self.parameters or self.points):
            raise ValueError(
                "parameters and points are both False; one of them must be drawn."
            )
        for name, value in (("power", power), ("offset", offset)):
            as_number(name, value, "a number >= 0", lambda v: v >= 0)
        self.power, self.offset = power, offset
        self.candidates = as_integer("candidates", candidates)
        self.num_points = as_integer("num_points", num_points)
        self.num_parameters = as_integer("num_parameters", num_parameters)
        self._iterations = 0
        self._of_parameters = self._of_points = None

    def on_train_begin(self):
        check_parametric(self)
        net = self.model.net
        if not isinstance(net, ParametricNN):
            raise TypeError(
                f"net is a {type(net).__name__}; AdaptiveSampler needs a HyperLRNR or "
                "a Parametric."
            )
        # Loss weights, which are constants in there, may have changed.
        self._of_parameters = self._of_points = None

    def on_epoch_end(self):
        self._iterations += 1
        if self._iterations % self.period == 0:
            self.resample()

    def resample(self) -> None:
        """Resamples at once."""
        data = self.model.data
        if self.parameters:
            count = data.num_parameters
            mu = data.parameter_space.sample(self.candidates * count, "pseudo")
            data.resample_train_parameters(
                mu[self._drawn(self.parameter_losses(mu), count)]
            )
        if self.points and data.problem.pde is not None:
            inner = _is_inner(data.problem)
            count = int(inner.sum())
            if count:
                x = _candidates(data.problem, self.candidates * count)
                chosen = x[self._drawn(self.point_losses(x), min(count, len(x)))]
                _replace_points(data.problem, ~inner, chosen)

    def _drawn(self, losses, count: int) -> np.ndarray:
        """Indices of ``count`` of the candidates."""
        probability = self._probability(losses)
        return np.random.choice(len(losses), count, replace=False, p=probability)

    def _probability(self, losses) -> np.ndarray:
        """Probability of each candidate, shape (n,)."""
        losses = np.nan_to_num(losses.astype(np.float64), nan=np.inf)
        losses = np.minimum(losses, np.finfo(np.float32).max)
        largest = losses.max()
        density = (losses / largest if largest > 0 else losses + 1) ** self.power
        # Drawing without replacement needs some probability everywhere.
        density = density / density.mean() + max(self.offset, 1e-12)
        return density / density.sum()

    def parameter_losses(self, mu) -> np.ndarray:
        """Weighted MSE loss of each mu at ``num_points`` points.

        Args:
            mu: Array of shape (n, p), or whatever ``ParameterSpace.as_array`` takes.

        Returns:
            Array of shape (n,).

        Raises:
            TypeError: If ``mu`` is not made of real numbers.
            ValueError: If ``mu`` does not fit the parameter space.
        """
        data, net = self.model.data, self.model.net
        mu = data.parameter_space.as_array(mu).astype(dde.config.real(np))
        collocation = data.train_collocation
        if self.num_points < len(collocation.pde_points):
            collocation = data.draw_collocation(self.num_points)
        residual = self._residual(collocation)
        if self._of_parameters is None:

            @traced
            def losses(inputs, auxiliary):
                r = residual(net, net.coefficients(inputs[0]), inputs, auxiliary)
                return tf.reduce_sum(tf.square(r), axis=1)

            self._of_parameters = losses
        return _in_chunks(
            lambda mu: self._of_parameters(*residual.batch(mu)), mu, _MU_AT_ONCE
        )

    def point_losses(self, x) -> np.ndarray:
        """Weighted squares of the PDE's residual at points, a mean over mu.

        Args:
            x: Points, array of shape (n, d); of the reference geometry, if it is
                deformed.

        Returns:
            Array of shape (n,), for ``num_parameters`` of the mu trained on, drawn at
            random.

        Raises:
            TypeError: If ``x`` is not made of real numbers.
            ValueError: If it is not as above, or there is no PDE.
        """
        data, net = self.model.data, self.model.net
        if data.problem.pde is None:
            raise ValueError("problem has no pde, whose residual points could have.")
        x = as_points("x", x, data.geom.dim)
        count = min(self.num_parameters, data.num_parameters)
        mu = data.train_mu[np.random.choice(data.num_parameters, count, replace=False)]
        # As few points of the IC/BC as there can be; they are not looked at.
        collocation = data.draw_collocation(1)
        residual, num_conditions = self._residual(collocation), len(data.conditions)
        if self._of_points is None:

            @traced
            def losses(inputs, auxiliary, num_points: int):
                blocks = residual.blocks(
                    net, net.coefficients(inputs[0]), inputs, auxiliary
                )
                shape = (inputs[0].shape[0], num_points, -1)
                of_pde = blocks[: len(blocks) - num_conditions]
                squares = [tf.reshape(tf.square(block), shape) for block in of_pde]
                # Blocks are divided by the number of points.
                mean = tf.reduce_mean(tf.concat(squares, axis=2), axis=0)
                return num_points * tf.reduce_sum(mean, axis=1)

            self._of_points = losses

        def of(points):
            batch = data.batch(mu, replace(collocation, pde_points=points))
            return self._of_points(*batch, len(points))

        return _in_chunks(of, x, _POINTS_AT_ONCE)

    def _residual(self, collocation) -> Residual:
        data, net = self.model.data, self.model.net
        weights = data.losses.weights_of_errors(
            self.model.loss_weights, net.regularizer is not None
        )
        return Residual(data, collocation, weights)


def _in_chunks(function, rows: np.ndarray, most: int) -> np.ndarray:
    """Values of a function of rows; all chunks have the same size."""
    size = min(len(rows), most)
    parts = []
    for start in range(0, len(rows), size):
        chunk = rows[start : start + size]
        padded = np.vstack([chunk, np.repeat(chunk[:1], size - len(chunk), axis=0)])
        parts.append(function(padded).numpy()[: len(chunk)])
    return np.concatenate(parts)


def _is_inner(problem) -> np.ndarray:
    """Which points of the PDE are neither at an edge nor the user's anchors."""
    geom, x = problem.geom, problem.train_x_all
    inner = np.ones(len(x), bool)
    try:
        inner &= ~geom.on_boundary(x)
    except ValueError:
        pass  # a cloud of points without a boundary
    if has_timedomain(geom):
        inner &= ~geom.on_initial(x)
    if problem.anchors is not None:
        anchors = {row.tobytes() for row in problem.anchors.astype(x.dtype)}
        inner &= [row.tobytes() not in anchors for row in x]
    return inner


def _candidates(problem, count: int) -> np.ndarray:
    """Random points of the geometry that the user does not exclude."""
    x = problem.geom.random_points(count, random="pseudo")
    if problem.exclusions is not None:
        for excluded in np.asarray(problem.exclusions):
            x = x[~np.isclose(x, excluded).all(axis=1)]
    return x


def _replace_points(problem, kept, chosen) -> None:
    """Replaces points of the PDE; ``kept`` says which remain."""
    kept = problem.train_x_all[kept]
    problem.train_x_all = np.vstack((kept, chosen.astype(kept.dtype)))
    # DeepXDE puts its own arrays together again.
    problem.train_x = problem.train_y = problem.train_aux_vars = None
    problem.train_next_batch()
