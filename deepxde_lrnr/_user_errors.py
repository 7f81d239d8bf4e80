"""Errors of the user's functions, of which ours is what is read first.

TensorFlow's own say which of its operations failed, seldom in which function, and never
what would be right here.
"""

from __future__ import annotations

import contextlib
import re

_NUMPY, _BRANCH, _ROWS, _METHOD, _PRECISION = range(5)
# Components of u that a transform may make of one output.
_MOST = 12
# What a message has in it, by what is wrong.
_SIGNS = {
    _BRANCH: (
        r"as a Python `bool`|truth value of an array|must be a scalar"
        r"|`cond`|condition of if"
    ),
    _ROWS: r"Iterating over|not iterable|not an iterable|to unpack",
    _METHOD: r"Tensor'? object has no attribute",
    _NUMPY: (
        r"Cannot convert a symbolic tf.Tensor|must be real number, not"
        r"|argument must be .* real number|can be converted to (a )?(Python|scalar)"
        r"|only (length-1|size-1|0-dimensional) arrays"
    ),
    _PRECISION: (
        r"expected to be a \w+ tensor but is a \w+ tensor"
        r"|Tensor conversion requested dtype|that does not match type"
    ),
}
_OF_TENSORS = {
    _BRANCH: (
        "has a branch of Python's (if, and, or, max, min) on a Tensor, which has a row "
        "for each point and mu; it must be tf.where(mu[:, 0:1] > 1, a, b), with & and "
        "| in the condition, or tf.maximum"
    ),
    _ROWS: (
        "takes a Tensor apart row by row, with a loop or by unpacking; columns are "
        "meant, which are mu[:, 0:1], mu[:, 1:2]"
    ),
    _METHOD: (
        "uses a method of NumPy's arrays, which a Tensor has not; it must be "
        "TensorFlow's function, e.g. tf.reshape(u, (-1, 1))"
    ),
    _NUMPY: (
        "calls NumPy, or Python's math or float, on a Tensor; it must be TensorFlow's "
        "function, e.g. tf.sin(x[:, 0:1]) and not np.sin"
    ),
    _PRECISION: (
        "joins Tensors of two precisions; the other one must follow x: "
        "tf.constant(..., dtype=x.dtype) or tf.cast(..., x.dtype)"
    ),
}
_OF_ARRAYS = {
    _BRANCH: (
        "has a branch of Python's (if, and, or, max, min) on an array, which has a row "
        "for each point and mu; it must be np.where(mu[:, 0:1] > 1, a, b), with & and "
        "| in the condition"
    ),
    _NUMPY: (
        "calls Python's math or float on an array, which has a row for each point; it "
        "must be NumPy's function, e.g. np.sin(x[:, 0:1])"
    ),
}


def as_it_is(error: Exception) -> Exception:
    """The error, in front of which Keras and AutoGraph put no words of their own."""
    error._keras_call_info_injected = error.ag_pass_through = True
    return error


class UserFunctionError(TypeError):
    """A function of the user's does what Tensors, or arrays of rows, do not allow.

    Args:
        message: What is wrong, and what would be right.
        kind: Which of the frequent mistakes it is, if it is one.
    """

    def __init__(self, message: str, kind: int | None = None):
        super().__init__(message)
        self.kind = kind
        as_it_is(self)


@contextlib.contextmanager
def calling(name: str, arrays: bool = False):
    """Within it a function of the user's is called.

    Args:
        name: Of the function, for messages, e.g. "pde".
        arrays: Whether it is called with NumPy arrays; by default with Tensors.

    Raises:
        UserFunctionError: If it raises what is known to come of a frequent mistake;
            from that error.
    """
    try:
        yield
    except UserFunctionError:
        raise
    # Of many types: NumPy's, TensorFlow's, and those of Python itself.
    except Exception as error:
        known = _OF_ARRAYS if arrays else _OF_TENSORS
        kind = next((k for k in known if re.search(_SIGNS[k], str(error))), None)
        if kind is None:
            raise
        raise UserFunctionError(f"{name} {known[kind]}.", kind) from error


def clearest(plain: Exception, converted: Exception) -> Exception:
    """The error to raise if a tracing failed without AutoGraph, and with it.

    AutoGraph makes errors anew, with lines about code that nobody wrote in front.

    Args:
        plain: Error without AutoGraph.
        converted: Error with it.
    """
    error = _clearest(plain, converted)
    if isinstance(error, UserFunctionError) and error.__cause__ is None:
        error.__cause__ = error.__context__  # TensorFlow raises "from None"
    return error


def _clearest(plain, converted):
    origin = converted
    while hasattr(origin.__context__, "ag_error_metadata"):
        origin = origin.__context__
    # The same mistake has a shorter way to it without AutoGraph.
    if type(origin) is type(plain) and str(origin) == str(plain):
        return plain
    kind = getattr(plain, "kind", None)
    # AutoGraph made operations of them, for a condition that is one number, and for
    # rows that are something by themselves.
    of_branch = kind == _BRANCH and re.search(_SIGNS[_BRANCH], str(converted))
    if of_branch or kind == _ROWS:
        return plain
    return origin if isinstance(origin, UserFunctionError) else converted


def apply_output_transform(transform, mu_rows, x, outputs):
    """``transform((mu, x), outputs)``, with words for one that is written (x, outputs).

    Args:
        transform: The user's function.
        mu_rows: Tensor of shape (rows, p).
        x: Tensor of shape (rows, d).
        outputs: Tensor of shape (rows, number of components).

    Raises:
        UserFunctionError: If it takes x in place of (mu, x), or returns no Tensor with
            these rows.
    """
    name = "The output transform"
    try:
        with calling(name):
            result = transform((mu_rows, x), outputs)
            _check_rows(name, result, outputs)
            _check_columns(name, result, outputs)
    except Exception as error:
        if not _works(transform, x, outputs):
            raise
        raise UserFunctionError(
            f"{name} is written (x, outputs); it must be (inputs, outputs), with the "
            "tuple inputs = (mu, x). Write mu, x = inputs in its first line."
        ) from error
    return result


def apply_feature_transform(transform, *arguments):
    """``transform(x)`` or ``transform(x, mu)``.

    Raises:
        UserFunctionError: If it returns no Tensor with these rows.
    """
    name = "The feature transform"
    with calling(name):
        result = transform(*arguments)
        _check_rows(name, result, arguments[0])
    return result


def _works(transform, x, outputs) -> bool:
    """Whether a transform takes x where (mu, x) is meant."""
    try:
        _check_rows("", transform(x, outputs), outputs)
    except Exception:
        return False
    return True


def _check_rows(name: str, result, like) -> None:
    shape = getattr(result, "shape", None)
    if shape is None:
        kind = type(result).__name__
        raise UserFunctionError(
            f"{name} returned a {kind}; it must return a Tensor of shape (rows, n), "
            "e.g. tf.concat([a, b], axis=1)."
        )
    rows, rank = like.shape[0], getattr(shape, "rank", len(shape))
    if rank is None or rank == 2 and (None in (shape[0], rows) or shape[0] == rows):
        return
    raise UserFunctionError(
        f"{name} returned shape {tuple(shape)} for {rows} rows; it must be ({rows}, "
        "n). Take columns as x[:, 0:1], not x[:, 0]."
    )


def _check_columns(name: str, result, outputs) -> None:
    """Refuses what comes of (rows, 1) times (rows,): all rows with all rows."""
    rows, columns = outputs.shape
    shape = result.shape
    if columns == 1 and rows is not None and shape[1:] == (rows,) and rows > _MOST:
        raise UserFunctionError(
            f"{name} returned shape {tuple(shape)} for {rows} rows; it must be "
            f"({rows}, number of components). Take columns as x[:, 0:1], not x[:, 0]."
        )
