"""Functions of TensorFlow that are made anew for each network."""

from __future__ import annotations

import functools

import tensorflow as tf


def traced(function=None, **options):
    """``tf.function``, whose tracings are counted apart from those of others.

    TensorFlow counts the tracings of all functions of the same code together, and warns
    of too many. Those made for several models are different functions, each of which
    has to be traced. A ``functools.partial`` has no code, hence is counted alone, so
    that one which is traced again and again is still reported.

    Args:
        function: Function of Tensors; without it, a decorator is returned.
        **options: Of ``tf.function``.
    """
    if function is None:
        return functools.partial(traced, **options)
    return tf.function(functools.partial(function), **options)
