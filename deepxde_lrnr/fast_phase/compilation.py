"""Compilation by XLA where XLA can."""

from __future__ import annotations

from .._tracing import traced


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

    _concrete = None

    def __call__(self, *args):
        if self._concrete is not None:
            return self._concrete(*args)
        result = super().__call__(*args)
        used = self.function if self.uses_xla else self._plain
        self._concrete = used.get_concrete_function(*args)
        return result
