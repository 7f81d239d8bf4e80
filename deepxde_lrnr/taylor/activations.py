"""Taylor coefficients of activation functions."""

from __future__ import annotations

from functools import partial

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._tracing import traced
from .._workspace import Workspace
from ..io.numpy_operations import ACTIVATIONS


def taylor_series(activation, order: int):
    """Taylor coefficients of an activation, up to an order.

    Args:
        activation: Function of Tensors in double precision that acts on each entry.
        order: Largest order.

    Returns:
        Function of an array v, and of a ``workspace`` if there is one, to the list of
        f^(k)(v) / k!, k = 0, ..., ``order``, in double precision.

    Raises:
        ValueError: If ``activation`` has no derivative.
    """
    closed = {
        dde.nn.activations.get("tanh"): tanh_series,
        dde.nn.activations.get("sin"): sin_series,
    }
    if activation in closed:
        return partial(closed[activation], order=order)
    return _by_autodiff(activation, order)


def values(activation):
    """An activation as a function of arrays in double precision.

    Args:
        activation: As for ``taylor_series``.

    Returns:
        Function of an array, which it may overwrite, to an array.
    """
    closed = {dde.nn.activations.get(name): name for name in ("tanh", "sin")}
    if activation in closed:
        return ACTIVATIONS[closed[activation]]
    series = taylor_series(activation, 0)
    return lambda v: series(v)[0]


def tanh_series(v, order: int, workspace: Workspace | None = None) -> list[np.ndarray]:
    """From f' = 1 - f^2."""
    series, term = _places(v, order, workspace)
    np.tanh(v, out=series[0])
    for k in range(order):
        # Coefficient k of f^2, of which each product comes twice but one in the middle.
        square = series[k + 1]
        square[...] = 0
        for i in range((k + 1) // 2):
            square += np.multiply(series[i], series[k - i], out=term)
        square *= 2
        if k % 2 == 0:
            square += np.multiply(series[k // 2], series[k // 2], out=term)
        if k == 0:
            np.subtract(1, square, out=square)
        else:
            square /= -(k + 1)
    return series


def sin_series(v, order: int, workspace: Workspace | None = None) -> list[np.ndarray]:
    """From f'' = -f."""
    series, _ = _places(v, order, workspace)
    for function, place in zip((np.sin, np.cos), series, strict=False):
        function(v, out=place)
    for k in range(2, order + 1):
        np.divide(series[k - 2], -(k * (k - 1)), out=series[k])
    return series


def _places(v, order: int, workspace: Workspace | None):
    """Arrays for a series, and one more."""
    workspace = workspace or Workspace()
    shape = np.shape(v)
    series = [workspace.empty(("series", k), shape) for k in range(order + 1)]
    return series, workspace.empty("term", shape)


def _by_autodiff(activation, order: int):
    """As ``taylor_series``, by reverse mode, one order after the other."""

    def derivatives(v):
        series = [activation(v)]
        for k in range(1, order + 1):
            (slope,) = tf.gradients(series[-1], v)
            if slope is None:
                if k == 1:
                    raise ValueError(
                        f"The activation {activation!r} has no derivative with respect "
                        "to its argument; a PDE needs one that TensorFlow can "
                        "differentiate."
                    )
                # TensorFlow has none where a derivative does not depend on v.
                slope = tf.zeros_like(v)
            series.append(slope / tf.cast(k, v.dtype))
        return series

    run = traced(derivatives, reduce_retracing=True)
    run(np.zeros((1, 1)))

    def series(v, workspace=None):
        flat = run(np.ascontiguousarray(v).reshape(1, -1))
        return [np.asarray(f).reshape(v.shape) for f in flat]

    return series
