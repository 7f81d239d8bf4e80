"""Functions of TensorFlow that are made anew for each network."""

from __future__ import annotations

import functools

import tensorflow as tf

from ._user_errors import clearest


class traced:
    """``tf.function``, traced as it is written where that is possible.

    AutoGraph, which rewrites Python's ``if``, ``for`` and ``while`` over Tensors,
    takes most of the time of a tracing, since it rewrites this library and DeepXDE as
    well. A function that needs it raises without it; only then it is used.

    TensorFlow counts the tracings of all functions of the same code together, and warns
    of too many. Those made for several models are different functions, each of which
    has to be traced. A ``functools.partial`` has no code, hence is counted alone, so
    that one which is traced again and again is still reported.

    Args:
        function: Function of Tensors; it may be called again if its tracing fails.
        **options: Of ``tf.function``.
    """

    def __init__(self, function, **options):
        self._functions = [
            tf.function(functools.partial(function), autograph=autograph, **options)
            for autograph in (False, True)
        ]

    def __call__(self, *args):
        return self._first_of(lambda function: function(*args))

    def get_concrete_function(self, *args):
        """As that of ``tf.function``."""
        return self._first_of(lambda function: function.get_concrete_function(*args))

    def experimental_get_tracing_count(self) -> int:
        """As that of ``tf.function``."""
        return self._functions[0].experimental_get_tracing_count()

    def _first_of(self, use):
        function, *others = self._functions
        if not others:
            return use(function)
        try:
            return use(function)
        except tf.errors.OpError:  # of what runs, which AutoGraph does not change
            raise
        except Exception as error:  # of the tracing, of many types
            plain = error
        try:
            result = use(others[0])  # an error of the user's comes up again here
        except Exception as error:
            clearer = clearest(plain, error)
            raise clearer from clearer.__cause__
        self._functions = others
        return result
