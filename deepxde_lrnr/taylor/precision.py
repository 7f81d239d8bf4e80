"""User code in double precision, or in its own where it cannot be.

Scripts are written for DeepXDE's default float. A constant in single precision,
``tf.constant([[1., 2.]])``, raises as soon as it meets x in double precision. Such a
function is then evaluated in single precision, and its result is converted; that bounds
the accuracy, and the user is told which line would be right.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from .._checks import num_args
from .._tracing import traced


class PrecisionWarning(UserWarning):
    """A function of the user's can only be computed in single precision."""


@dataclass
class Precision:
    """How the functions of a problem are computed: in double precision if they can be.

    Args:
        network: ``ParametricNN``, whose transforms are the user's.

    Attributes:
        single: Names of the functions that are computed in single precision, and the
            reasons.
        feature_jets: Jets of the feature transform, by derivatives and points.
        feature_functions: Functions that compute them, by derivatives.
    """

    network: object
    single: dict[str, str] = field(default_factory=dict)
    feature_jets: dict = field(default_factory=dict, repr=False)
    feature_functions: dict = field(default_factory=dict, repr=False)

    def dtype(self, name: str):
        """The precision of a function."""
        return tf.float32 if name in self.single else tf.float64

    def feature_transform(self, x, mu_rows):
        """Features of rows in double precision."""
        dtype = self.dtype("feature_transform")
        features = self.network.features(tf.cast(mu_rows, dtype), tf.cast(x, dtype))
        return tf.cast(features, tf.float64)

    def output_transform(self, mu_rows, x, values):
        """u from N, for rows in double precision."""
        transform = self.network.output_transform
        if transform is None:
            return values
        dtype = self.dtype("output_transform")
        mu_rows, x, values = (tf.cast(a, dtype) for a in (mu_rows, x, values))
        return tf.cast(transform((mu_rows, x), values), tf.float64)

    def activations(self, functions, stacklevel: int = 2) -> list:
        """Activations of the hidden layers that take and return double precision.

        Raises:
            Exception: What one raises.

        Warns:
            PrecisionWarning: As ``settle``.
        """
        names, taken = {}, []
        for layer, function in enumerate(functions):
            own = f"activation of hidden layer {layer}"
            # A function of several layers is looked at once.
            name = names.setdefault(function, own)

            def run(dtype, function=function):
                return [traced(function)(tf.zeros((1, 1), dtype))]

            self.settle(name, run, stacklevel + 1)
            if name in self.single:
                self.single.setdefault(own, self.single[name])
                function = _in_single(function)
            taken.append(function)
        return taken

    def settle(self, name: str, run, stacklevel: int = 2) -> None:
        """Finds out in which precision a function can be computed.

        Args:
            name: Of the function.
            run: Function of a dtype that evaluates it and returns its results. It may
                be called twice.
            stacklevel: As for ``warnings.warn``.

        Raises:
            Exception: What the function raises in double precision, if it raises in
                single precision as well.

        Warns:
            PrecisionWarning: If it can only be computed in single precision.
        """
        if name in self.single:
            return
        try:
            results = run(tf.float64)
            if all(r.dtype == tf.float64 for r in results):
                return
            reason = "it returns float32 for float64"
        # Of TensorFlow's many types.
        except Exception as error:
            try:
                run(tf.float32)
            except Exception:
                raise error from error.__cause__
            # AutoGraph puts lines of its own before the error; what is right is below.
            text = str(error.__cause__ or error).strip() or type(error).__name__
            lines = text.splitlines()
            reason = lines[-1].strip().rstrip(".")
        self.single[name] = reason
        warnings.warn(
            f"{name} is computed in single precision, which bounds the accuracy of the "
            f"fast phase: {reason}. Constants that follow the precision of their "
            "argument, tf.constant(..., dtype=x.dtype) or tf.cast(..., x.dtype), make "
            "it exact.",
            PrecisionWarning,
            stacklevel=stacklevel + 1,
        )

    def settle_transforms(self, x: np.ndarray, mu: np.ndarray, stacklevel=2) -> None:
        """As ``settle``, for both transforms.

        Args:
            x: Some points, shape (n, d).
            mu: Some mu, shape (n, p).
            stacklevel: As for ``warnings.warn``.
        """
        network = self.network
        if network.feature_transform is not None:

            def features(dtype):
                f = traced(lambda mu, x: network.features(mu, x))
                return [f(tf.constant(mu, dtype), tf.constant(x, dtype))]

            self.settle("feature_transform", features, stacklevel + 1)
        if network.output_transform is not None:

            def outputs(dtype):
                y = tf.ones((len(x), network.stack.num_outputs), dtype)
                f = traced(lambda mu, x, y: network.output_transform((mu, x), y))
                return [f(tf.constant(mu, dtype), tf.constant(x, dtype), y)]

            self.settle("output_transform", outputs, stacklevel + 1)


def _in_single(function):
    """A function computed in single precision, that takes and returns double."""
    return lambda v: tf.cast(function(tf.cast(v, tf.float32)), tf.float64)


def takes_parameters(transform) -> bool:
    """Whether a feature transform takes (x, mu)."""
    return transform is not None and num_args(transform) == 2
