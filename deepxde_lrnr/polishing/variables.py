"""``dde.Variable`` of an inverse problem, in double precision."""

from __future__ import annotations

import contextlib

import numpy as np
import tensorflow as tf


class Variables:
    """The unknown numbers of a problem, as one vector.

    A user's function names its variable, of DeepXDE's default float, and so would join
    two precisions. While it is traced in another one the variable stands for a twin of
    that precision; its own value is never changed.

    Args:
        given: List of ``dde.Variable``.

    Attributes:
        size: Number of entries of all of them.

    Raises:
        TypeError: If one is no variable of floats.
    """

    def __init__(self, given):
        self.given = list(given)
        for i, v in enumerate(self.given):
            if not (hasattr(v, "handle") and v.dtype.is_floating):
                raise TypeError(
                    f"external_trainable_variables[{i}] is a {type(v).__name__}; it "
                    "must be a dde.Variable of a float."
                )
        with tf.init_scope():
            self._twins = {
                dtype: [tf.Variable(tf.cast(v, dtype)) for v in self.given]
                for dtype in (tf.float32, tf.float64)
            }
        self._sizes = [int(np.prod(v.shape)) for v in self.given]
        self.size = sum(self._sizes)
        self.initial = self.values()

    def values(self) -> np.ndarray:
        """The numbers, shape (``size``,)."""
        found = [np.ravel(v.numpy()) for v in self._twins[tf.float64]]
        return np.concatenate([[], *found])

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """The numbers of each variable, in its shape."""
        parts = np.split(values, np.cumsum(self._sizes)[:-1])
        return [p.reshape(v.shape) for p, v in zip(parts, self.given, strict=False)]

    def assign(self, values: np.ndarray) -> None:
        """Sets the twins, not what was given."""
        for twins in self._twins.values():
            for twin, part in zip(twins, self.split(values), strict=True):
                twin.assign(tf.cast(part, twin.dtype))

    @contextlib.contextmanager
    def read_as(self, dtype):
        """Within it the given variables are read in a precision, by their twins.

        Not for several threads at once.
        """
        kept = [(v._handle, v._dtype) for v in self.given]
        try:
            for v, twin in zip(self.given, self._twins.get(dtype, ()), strict=False):
                v._handle, v._dtype = twin._handle, twin._dtype
            yield
        finally:
            for v, (handle, own) in zip(self.given, kept, strict=True):
                v._handle, v._dtype = handle, own

    def derivatives(self, values, dtype) -> list:
        """Derivatives of values by each of the numbers, within a graph.

        The gradient is linear in the vector it is multiplied with; its derivative by
        that vector is the forward derivative.

        Args:
            values: Tensor of shape (n,) in double precision.
            dtype: In which they depend on the variables.

        Returns:
            ``size`` Tensors of shape (n,).
        """
        found = []
        for twin, size in zip(self._twins[dtype], self._sizes, strict=True):
            multiplier = tf.ones_like(values)
            (gradient,) = tf.gradients(values, twin, multiplier)
            for entry in range(size):
                slope = None
                if gradient is not None:
                    slope = tf.reshape(gradient, (-1,))[entry]
                    (slope,) = tf.gradients(slope, multiplier)
                found.append(tf.zeros_like(values) if slope is None else slope)
        return found
