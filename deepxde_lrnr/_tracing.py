"""Functions of TensorFlow, made anew for each network; compiled by XLA where it can."""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from ._user_errors import clearest
from ._workspace import ALIGNMENT


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


class Compiled:
    """A ``tf.function`` compiled by XLA, or without it where XLA cannot.

    XLA makes the many small steps of a fast phase several times faster. But it has no
    gradient for some operations, e.g. for third derivatives through ``tf.concat``, and
    does not know others that users may write.

    Args:
        function: Function of Tensors.
        xla: Whether XLA is tried at all.

    Attributes:
        function: The ``tf.function`` in use.
    """

    def __init__(self, function, xla: bool = True):
        self._plain = traced(function)
        self.function = traced(function, jit_compile=True) if xla else self._plain

    @property
    def uses_xla(self) -> bool:
        """Whether XLA compiles it. If not, it must not run in two threads at once:
        temporary variables of TensorFlow's loops would get in each other's way.
        """
        return self.function is not self._plain

    def __call__(self, *args):
        if not self.uses_xla:
            return self._plain(*args)
        try:
            return self.function(*args)
        except Exception:  # of the tracing or of the XLA compiler, of many types
            result = self._plain(*args)  # an error of the user's comes up again here
            self.function = self._plain
            return result


class CompiledOnce(Compiled):
    """As ``Compiled``, for Tensors that have the same shapes in every call.

    Which of a function's traces fits is then not looked for each time, which would
    take longer than a small residual itself.
    """

    _call = None

    def __call__(self, *args):
        if self._call is not None:
            return self._call(args)
        result = super().__call__(*args)
        used = self.function if self.uses_xla else self._plain
        self._call = _direct(used.get_concrete_function(*args))
        return result

    def read(self, array: np.ndarray, *args):
        """As a call for the Tensor of an array; XLA reads it where it is.

        The array may be written again afterwards.
        """
        # What XLA returns has memory of its own. Its code wants aligned arguments.
        address = array.__array_interface__["data"][0]
        if not self.uses_xla or address % ALIGNMENT or not array.flags.c_contiguous:
            return self(tf.constant(array), *args)
        return self(tf.experimental.dlpack.from_dlpack(array.__dlpack__()), *args)


def _direct(concrete):
    """Function of a tuple of Tensors that calls a concrete function.

    TensorFlow binds arguments to names, and looks for tapes, in more time than a small
    residual takes; what it then calls is not public, so that it may be missing.
    """
    inner = getattr(concrete, "_inference_function", None)
    if not hasattr(inner, "call_preflattened"):
        return lambda args: concrete(*args)
    captured = concrete.captured_inputs
    return lambda args: inner.call_preflattened([*args, *captured])
