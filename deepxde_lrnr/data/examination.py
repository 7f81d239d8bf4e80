"""What the user's functions do, found out before the first step of a training."""

from __future__ import annotations

from dataclasses import dataclass

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._point_major import by_point
from .._tracing import traced
from .deformation import pulled_back
from .orders import order_of_errors
from .parametric_pde import ParametricPDE

# Points of the PDE; those of the conditions are all there.
_NUM_POINTS = 6
# Places of three mu in the box. The middle one is the same both times.
_PLACES = ((0.3, 0.5, 0.8), (0.7, 0.5, 0.2))
_MIDDLE = 1
# Size of the changes of the coefficients, relative to theirs.
_CHANGE = 0.3
# Relative difference that is no rounding. Shapes being equal, there is hardly any.
_RTOL = {"float16": 1e-2, "float32": 1e-4, "float64": 1e-9}


def examine(data: ParametricPDE, net) -> None:
    """Looks at the functions of a problem for three mu and a few points.

    - The errors of a mu must be the same whichever other mu are in the batch.
    - With a deformation, the highest order of the derivatives of u by x that are asked
      for is found: so many of those of the reference points are computed.
    - A condition whose function is content with a Tensor of points, in place of a NumPy
      array, is from now on drawn like the others in each step
      (``Condition.keeps_all_points``).

    No random number is drawn, and nothing of the network is changed.

    Args:
        data: The problem.
        net: ``ParametricNN`` that has its weights.

    Raises:
        ValueError: If the errors of a mu depend on the others.
    """
    trials = _Trials(data, net)
    if data.deformation is not None:
        data.deformation.order = trials.order()
    first, drawn = trials(0)
    again, _ = trials(0)
    other, _ = trials(1)
    names = data.errors.names(len(first))
    mixed = [
        name
        for name, *errors in zip(names, first, again, other, strict=True)
        if _depends(*(e[:, _MIDDLE] for e in errors))
    ]
    if mixed:
        raise ValueError(
            f"The residual of one mu depends on the other mu of the batch, in "
            f"{' and '.join(mixed)}. Rows are points times mu, so that a mean, sum, "
            "maximum or norm over all rows mixes the mu, and mu[0] is that of one of "
            "them. Sort rows by mu first, lrnr.data.as_rows(tf.reduce_mean("
            "lrnr.data.per_parameter(u), axis=1, keepdims=True)), and take columns "
            "of mu as mu[:, 0:1]."
        )
    num_pde = len(first) - len(data.conditions)
    for i, error in drawn.items():
        condition = data.conditions[i]
        if not condition.mixes_points and _equal(error, first[num_pde + i]):
            condition.keeps_all_points = False


@dataclass
class _Trials:
    """Errors of the problem for three mu, at coefficients that are changed a little."""

    data: ParametricPDE
    net: object

    def __post_init__(self):
        data = self.data
        whole = data.train_collocation
        n = len(whole.pde_points)
        few = np.unique(np.linspace(0, n - 1, min(n, _NUM_POINTS)).astype(int))
        self._collocation = whole.take([None] * len(data.conditions), few)
        self._function = traced(self._errors)

    def order(self) -> int:
        """Highest order of the derivatives of u by x in the errors."""
        mu, changes = self._mu(0), self._changes(0)

        def evaluate(mu, x, *more):
            return self.net.evaluate(mu, x, self._coefficients(mu, changes), *more)

        return order_of_errors(self.data, mu, self._collocation, evaluate)

    def __call__(self, number: int):
        """Errors, and those of the conditions that were content with a Tensor.

        Returns:
            List of arrays of shape (points, 3, k), and a dictionary of such arrays by
            the numbers of the conditions.
        """
        mu = self._mu(number)
        inputs, auxiliary = self.data.batch(mu, self._collocation)
        changes = self._changes(number)
        errors, drawn = self._function(inputs, auxiliary, changes)

        def sorted_by_mu(error):
            return by_point(np.asarray(error), len(mu))

        drawn = {i: sorted_by_mu(error) for i, error in drawn.items()}
        return [sorted_by_mu(error) for error in errors], drawn

    def _mu(self, number: int) -> np.ndarray:
        space, places = self.data.parameter_space, np.array(_PLACES[number])[:, None]
        mu = space.low + (space.high - space.low) * places
        return mu.astype(dde.config.real(np))

    def _changes(self, number: int) -> np.ndarray:
        shape = (2, len(_PLACES[number]), self.net.num_coefficients)
        changes = _CHANGE * np.random.default_rng(0).standard_normal(shape)[number]
        middle = np.random.default_rng(1).standard_normal(shape[2])
        changes[_MIDDLE] = _CHANGE * middle
        return changes.astype(dde.config.real(np))

    def _coefficients(self, mu, changes):
        z = self.net.coefficients(mu)
        return z + changes * (
            tf.abs(z) + tf.reduce_mean(tf.abs(z), axis=1, keepdims=True)
        )

    def _errors(self, inputs, auxiliary, changes):
        data, net = self.data, self.net
        mu, x = inputs[:2]
        z = self._coefficients(mu, changes)

        def function(points):
            more = pulled_back(data.deformation, inputs, points)
            return net.evaluate(mu, points, z, *more)

        outputs = function(x)
        errors = data.errors(inputs, outputs, auxiliary, function)
        drawn = {}
        for i, condition in enumerate(data.conditions):
            if not (condition.may_be_drawn and condition.keeps_all_points):
                continue
            condition.keeps_all_points = False
            try:
                batch = inputs, outputs, auxiliary, function
                drawn[i] = data.errors.of_condition(i, *batch)
            # Of any type: NumPy's and TensorFlow's, and whatever user code makes of it.
            # The function has just worked with NumPy points.
            except Exception:
                pass
            finally:
                condition.keeps_all_points = True
        dde.grad.clear()
        return errors, drawn


def _depends(first, again, other) -> bool:
    """Whether ``other`` differs from ``first``, by more than it does by itself."""
    finite = np.isfinite(first) & np.isfinite(again)
    scale = np.abs(first[finite]).max(initial=0)
    noise = np.abs(first - again)[finite].max(initial=0)
    tolerance = _RTOL[first.dtype.name] * scale + np.finfo(first.dtype).tiny
    if noise > tolerance or not np.array_equal(np.isfinite(first), np.isfinite(again)):
        return False  # random
    changed = np.where(np.isfinite(other), np.abs(other - first), np.inf)[finite]
    return bool((changed > tolerance).any())


def _equal(error, expected) -> bool:
    finite = np.abs(expected[np.isfinite(expected)])
    atol = _RTOL[expected.dtype.name] * finite.max(initial=0)
    return error.shape == expected.shape and np.allclose(
        error, expected, rtol=0, atol=atol, equal_nan=True
    )
