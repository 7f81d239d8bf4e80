"""Resampling of the mu to train on."""

from __future__ import annotations

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._checks import as_choice, as_integer, as_number
from .._tracing import traced
from ..data import ParametricPDE
from ..data.residual import Residual
from ..nn.hyper_lrnr import ParametricNN

# Number of mu whose loss is taken at once: bounded memory, one compilation.
_CHUNK = 64


class ParameterResampler(dde.callbacks.Callback):
    """Resamples the mu to train on every given period.

    Args:
        period: Number of iterations between two resamplings.
        method: "uniform" draws from the whole box. "residual" draws mu with a
            probability that grows with the loss of the network at that mu.
        power: k of the density (loss^k / mean(loss^k) + ``offset``) of "residual". The
            loss is the square of a residual, hence 0.5.
        offset: Uniform part of that density.
        candidates: Number of mu, as a multiple of ``num_parameters``, from which
            "residual" draws.
        num_points: Number of points of the PDE at which "residual" takes the loss (of
            each IC/BC the same share).

    Raises:
        ValueError: If an argument is out of its range.

    References:
        `C. Wu, M. Zhu, Q. Tan, Y. Kartha, & L. Lu. A comprehensive study of
        non-adaptive and residual-based adaptive sampling for physics-informed neural
        networks. Computer Methods in Applied Mechanics and Engineering, 403, 115671,
        2023 <https://doi.org/10.1016/j.cma.2022.115671>`_, algorithm 2 (there for
        points).
    """

    def __init__(
        self,
        period: int = 100,
        method: str = "uniform",
        power: float = 0.5,
        offset: float = 1.0,
        candidates: int = 4,
        num_points: int = 64,
    ):
        super().__init__()
        as_choice("method", method, ("uniform", "residual"))
        counts = {"period": period, "candidates": candidates, "num_points": num_points}
        for name, value in counts.items():
            as_integer(name, value)
        for name, value in (("power", power), ("offset", offset)):
            as_number(name, value, "a number >= 0", lambda v: v >= 0)
        self.period = period
        self.method = method
        self.power = power
        self.offset = offset
        self.candidates = candidates
        self.num_points = num_points
        self._iterations = 0
        self._compiled = None

    def on_train_begin(self):
        data, net = self.model.data, self.model.net
        if not isinstance(data, ParametricPDE):
            raise TypeError(
                f"ParameterResampler resamples the mu of a ParametricPDE, but data of "
                f"the model is a {type(data).__name__}."
            )
        if self.method == "residual" and not isinstance(net, ParametricNN):
            raise TypeError(
                f"net is a {type(net).__name__}; method 'residual' needs a HyperLRNR."
            )
        # Loss weights, which are constants in there, may have changed.
        self._compiled = None

    def on_epoch_end(self):
        self._iterations += 1
        if self._iterations % self.period == 0:
            self.resample()

    def resample(self) -> None:
        """Resamples at once."""
        data = self.model.data
        if self.method == "uniform":
            data.resample_train_parameters()
            return
        count = data.num_parameters
        mu = data.parameter_space.sample(self.candidates * count, "pseudo")
        probability = self._probability(self.parameter_losses(mu))
        chosen = np.random.choice(len(mu), count, replace=False, p=probability)
        data.resample_train_parameters(mu[chosen])

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
        weights = data.losses.weights_of_errors(
            self.model.loss_weights, net.regularizer is not None
        )
        residual = Residual(data, collocation, weights)
        if self._compiled is None:

            @traced
            def losses(inputs, auxiliary):
                r = residual(net, net.coefficients(inputs[0]), inputs, auxiliary)
                return tf.reduce_sum(tf.square(r), axis=1)

            self._compiled = losses
        size = min(len(mu), _CHUNK)
        parts = []
        for start in range(0, len(mu), size):
            chunk = mu[start : start + size]
            padded = np.vstack([chunk, np.repeat(chunk[:1], size - len(chunk), axis=0)])
            parts.append(self._compiled(*residual.batch(padded)).numpy()[: len(chunk)])
        return np.concatenate(parts)
