"""What a reduced model remembers of its problem, to know it again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from .._tracing import traced
from .collocation import bounding_box
from .parametric_pde import ParametricPDE
from .residual import Residual

# Number of mu at which residuals are compared.
_NUM_PARAMETERS = 4
# Difference that is not taken for rounding, or for another machine.
_RTOL = 1e-2


@dataclass(frozen=True)
class ProblemRecord:
    """Shape of a problem, and its residuals at the hypernetwork's coefficients.

    Attributes:
        low: Lower corner of the bounding box, time included, shape (d,).
        high: Upper corner.
        conditions: Names of the IC/BC.
        mu: Some mu of the box, shape (n, p).
        residuals: Root mean square of each error (each equation of the PDE, then each
            IC/BC) at these mu, not weighted, shape (n, number of errors).
    """

    low: np.ndarray
    high: np.ndarray
    conditions: tuple[str, ...]
    mu: np.ndarray
    residuals: np.ndarray

    @classmethod
    def of(cls, residual: Residual, network) -> ProblemRecord:
        """The record of the problem of a residual, for a ``ParametricNN``."""
        data = residual.data
        mu = network.parameter_space.sample(_NUM_PARAMETERS, "Halton")
        return cls(
            *bounding_box(data.geom),
            tuple(condition.name for condition in data.conditions),
            mu,
            root_mean_squares(residual, network, mu),
        )

    def check_shape(self, data: ParametricPDE) -> None:
        """Checks that a problem has the dimension and the IC/BC of this one.

        Raises:
            ValueError: If not.
        """
        if data.geom.dim != len(self.low):
            raise ValueError(
                f"data has points of dimension {data.geom.dim}; those of the saved "
                f"model have {len(self.low)}."
            )
        names = tuple(condition.name for condition in data.conditions)
        if names != self.conditions:
            raise ValueError(
                f"data has the IC/BC {', '.join(names) or 'none'}; the saved model has "
                f"{', '.join(self.conditions) or 'none'}."
            )

    def check_residuals(self, residual: Residual, network) -> None:
        """Checks that the problem has the residuals of this one.

        A model reduced for one problem solves another one wrongly without any sign.

        Raises:
            ValueError: If not.
        """
        _check_point_values(residual)
        found = root_mean_squares(residual, network, self.mu)
        saved = self.residuals
        if found.shape[1] != saved.shape[1]:
            raise ValueError(
                f"data has {found.shape[1]} errors (equations of the PDE, and IC/BC); "
                f"the saved model has {saved.shape[1]}."
            )
        # Errors that vanish, as those of conditions that hold exactly, are rounding.
        size = np.nan_to_num(np.abs(saved), posinf=0)
        tolerance = _RTOL * (size + size.max(initial=0) / 10) + 1e-6
        same = np.abs(found - saved) <= tolerance
        same |= ~np.isfinite(found) & ~np.isfinite(saved)
        if not same.all():
            row, error = np.argwhere(~same)[0]
            names = network.parameter_space.names
            mu = ", ".join(
                f"{name} = {value:.6g}"
                for name, value in zip(names, self.mu[row], strict=True)
            )
            raise ValueError(
                f"data is another problem than that of the saved model: at {mu}, error "
                f"{error} has the root mean square {found[row, error]:.6g} instead of "
                f"{saved[row, error]:.6g}, at the same points and for the same network "
                "(or a transform was passed that is another one)."
            )


def _check_point_values(residual: Residual) -> None:
    """Checks that values given at points are given at the points of the residual."""
    collocation = residual.collocation
    for condition, points, selection in zip(
        residual.data.conditions,
        collocation.condition_points,
        collocation.selections,
        strict=True,
    ):
        given = getattr(condition.bc, "points", None)
        if given is None:
            continue
        chosen = np.arange(len(points)) if selection is None else selection
        inside = chosen.max(initial=0) < len(given)
        if not inside or not np.allclose(np.asarray(given)[chosen], points):
            raise ValueError(
                f"data has other points in {condition.name} than the saved model."
            )


def root_mean_squares(residual: Residual, network, mu) -> np.ndarray:
    """Root mean square of each error at the hypernetwork's coefficients.

    Args:
        residual: The residual.
        network: ``ParametricNN``.
        mu: Array of shape (P, p).

    Returns:
        Array of shape (P, number of errors).
    """

    # As many errors as there are, not as there are weights.
    residual = Residual(residual.data, residual.collocation)

    @traced
    def compute(inputs, auxiliary):
        z = network.coefficients(inputs[0])
        blocks = residual.blocks(network, z, inputs, auxiliary, weighted=False)
        return [tf.sqrt(tf.reduce_mean(tf.square(b), axis=1)) for b in blocks]

    return np.stack(compute(*residual.batch(mu)), axis=1).astype(float)
