"""Taylor coefficients of activation functions."""

from __future__ import annotations

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._tracing import traced


def taylor_series(activation, order: int):
    """Taylor coefficients of an activation, up to an order.

    Args:
        activation: Function of Tensors in double precision that acts on each entry.
        order: Largest order.

    Returns:
        Function of an array v to the list of f^(k)(v) / k!, k = 0, ..., ``order``, in
        double precision.

    Raises:
        ValueError: If ``activation`` has no derivative.
    """
    closed = {
        dde.nn.activations.get("tanh"): tanh_series,
        dde.nn.activations.get("sin"): sin_series,
    }
    if activation in closed:
        return lambda v: closed[activation](v, order)
    return _by_autodiff(activation, order)


def tanh_series(v, order: int) -> list[np.ndarray]:
    """From f' = 1 - f^2."""
    series = [np.tanh(v)]
    for k in range(order):
        square = sum(series[i] * series[k - i] for i in range(k + 1))
        series.append(1 - square if k == 0 else square / -(k + 1))
    return series


def sin_series(v, order: int) -> list[np.ndarray]:
    series = [np.sin(v), np.cos(v)][: order + 1]
    for k in range(2, order + 1):
        series.append(series[k - 2] / -(k * (k - 1)))
    return series


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

    def series(v):
        flat = run(np.ascontiguousarray(v).reshape(1, -1))
        return [np.asarray(f).reshape(v.shape) for f in flat]

    return series
