"""Resampling of the mu to train on."""

from __future__ import annotations

import deepxde as dde

from .._checks import as_integer
from ..data import ParametricPDE


class ParameterResampler(dde.callbacks.Callback):
    """Draws the mu to train on anew every given period, from the whole box.

    For points ``dde.callbacks.PDEPointResampler`` does the same. ``AdaptiveSampler``
    draws both where the residual is large.

    Args:
        period: Number of iterations between two resamplings.

    Raises:
        ValueError: If ``period`` is not an integer >= 1.
    """

    def __init__(self, period: int = 100):
        super().__init__()
        self.period = as_integer("period", period)
        self._iterations = 0

    def on_train_begin(self):
        check_parametric(self)

    def on_epoch_end(self):
        self._iterations += 1
        if self._iterations % self.period == 0:
            self.resample()

    def resample(self) -> None:
        """Resamples at once."""
        self.model.data.resample_train_parameters()


def check_parametric(callback) -> None:
    """Checks that the model of a callback has mu to draw.

    Raises:
        TypeError: If not.
    """
    data = callback.model.data
    if not isinstance(data, ParametricPDE):
        raise TypeError(
            f"{type(callback).__name__} resamples the mu of a ParametricPDE, but data "
            f"of the model is a {type(data).__name__}."
        )
