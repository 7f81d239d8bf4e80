"""Of which order the derivatives are that functions of the user's take, found out."""

from __future__ import annotations

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._tracing import traced
from .collocation import bounding_box
from .deformation import HIGHEST_ORDER, pulled_back

# Of the polynomials that are added to u: above the rounding of what is there.
_AMOUNT = 1e3


def order_of(evaluate, x: np.ndarray, sides: np.ndarray) -> int:
    """Highest order of the derivatives of u by x that results depend on.

    Homogeneous polynomials of order 1, 2, ... about each point are added to u. One of
    them changes the results if derivatives of its order are in them.

    Args:
        evaluate: Function of a Tensor x and of a function of Tensors like it, what is
            added to u, to a list of Tensors.
        x: Points, shape (n, d).
        sides: Of the bounding box, shape (d,).

    Returns:
        The order; ``HIGHEST_ORDER`` where results are not finite, which tell nothing.
    """
    dtype = x.dtype
    directions = np.random.default_rng(2).uniform(0.5, 1, x.shape[1]) / sides

    def results(x, amounts):
        center = tf.stop_gradient(x)

        def added(points):
            along = (points - center) * tf.constant(directions, points.dtype)
            along = tf.reduce_sum(along, axis=1, keepdims=True)
            total = power = along
            total *= amounts[0]
            for k in range(1, HIGHEST_ORDER):
                power *= along
                total += amounts[k] * power
            return total

        found = evaluate(x, added)
        dde.grad.clear()
        return found

    compute = traced(results)
    plain = [np.asarray(r) for r in compute(x, np.zeros(HIGHEST_ORDER, dtype))]
    if not all(np.isfinite(r).all() for r in plain):
        return HIGHEST_ORDER
    order = 0
    for k, amounts in enumerate(_AMOUNT * np.eye(HIGHEST_ORDER, dtype=dtype), 1):
        pairs = zip(compute(x, amounts), plain, strict=True)
        if not all(np.array_equal(a, b) for a, b in pairs):
            order = k
    return order


def order_of_errors(data, mu: np.ndarray, collocation, evaluate, dtype=None) -> int:
    """Highest order of the derivatives of u in the errors of a problem.

    Args:
        data: ``ParametricPDE`` with a deformation.
        mu: Some mu, shape (P, p).
        collocation: Some points.
        evaluate: Function of Tensors mu, x and the reference points to u.
        dtype: Float type, by default DeepXDE's.
    """
    inputs, auxiliary = data.batch(mu, collocation, dtype)

    def errors(x, added):
        arguments = (tf.constant(inputs[0]), x, *map(tf.constant, inputs[2:]))

        def function(points):
            # To the first order, which is enough to be no special case.
            more = pulled_back(data.deformation, arguments, points, 1)
            u = evaluate(arguments[0], points, *more)
            return u + tf.cast(added(points), u.dtype)

        targets = tf.nest.map_structure(tf.constant, auxiliary["targets"])
        return data.errors(
            arguments, function(x), {**auxiliary, "targets": targets}, function
        )

    low, high = bounding_box(data.geom)
    return order_of(errors, inputs[1], high - low)
