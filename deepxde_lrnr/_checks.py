"""Checks of arguments, made where they enter."""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import os
import sys

import numpy as np

# TensorFlow counts with 32 bits.
_LARGEST = 2**31 - 1


def as_integer(name: str, value, low: int = 1) -> int:
    """Returns ``value`` as an ``int`` of at least ``low``, or says what is wrong.

    Raises:
        ValueError: If it is not an integer, less than ``low``, or 2^31 or more.
    """
    integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integer or not low <= value <= _LARGEST:
        most = f" and at most {_LARGEST}" if integer and value > _LARGEST else ""
        raise ValueError(
            f"{name} is {shown(value)}; it must be an integer >= {low}{most}."
        )
    return int(value)


def is_integer(value, low: int = 1) -> bool:
    """Whether ``as_integer`` takes ``value``."""
    try:
        as_integer("", value, low)
    except ValueError:
        return False
    return True


def as_number(name: str, value, what: str, fits) -> float:
    """Returns ``value`` as a finite ``float``, or says what is wrong.

    Args:
        name: Name of the argument.
        value: What the user gave.
        what: What it must be, for the message, e.g. "a number > 0".
        fits: Function of a finite float that says whether it is in range.

    Raises:
        ValueError: If it is not a finite number, or not in range.
    """
    if not is_finite(value) or not fits(float(value)):
        raise ValueError(f"{name} is {shown(value)}; it must be {what}.")
    return float(value)


def is_finite(value) -> bool:
    """Whether ``value`` is a finite real number (and not a ``bool``)."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the range of floats
        return False


def as_choice(name: str, value, choices) -> str:
    """Returns ``value`` if it is one of the strings ``choices``.

    Raises:
        ValueError: If not.
    """
    # Not ``in`` alone, which compares arrays entry by entry.
    if not (isinstance(value, str) and value in choices):
        raise ValueError(
            f"{name} is {shown(value)}; it must be one of "
            f"{', '.join(map(repr, choices))}."
        )
    return value


def as_flag(name: str, value) -> bool:
    """Returns a ``bool``, 0 or 1 as a ``bool``.

    Raises:
        ValueError: If it is something else.
    """
    flag = isinstance(value, (bool, np.bool_)) or is_integer(value, 0) and value < 2
    if not flag:
        raise ValueError(f"{name} is {shown(value)}; it must be True or False.")
    return bool(value)


def as_verbose(value) -> int:
    """Returns how much is printed, DeepXDE's ``verbose``: 0, 1, ..., or a ``bool``.

    Raises:
        ValueError: If it is something else.
    """
    if isinstance(value, (bool, np.bool_)):
        return int(value)
    return as_integer("verbose", value, 0)


def as_path(name: str, value) -> str:
    """Returns a path as a string.

    Raises:
        TypeError: If it is neither a string nor an ``os.PathLike`` of one. (An integer
            would be a file that is open already.)
        ValueError: If it has a null character, which no path can have.
    """
    path = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(path, str):
        raise TypeError(
            f"{name} is {shown(value)}; it must be a path: a string or an os.PathLike."
        )
    if "\0" in path:
        raise ValueError(f"{name} is {shown(value)}; a path has no null characters.")
    return path


def num_args(function) -> int | None:
    """Number of arguments that a function is called with.

    Those are its positional parameters without a default: ``nu`` of
    ``lambda x, u, nu=0.02: ...`` and ``i`` of ``lambda x, mu, i=i: ...`` are the
    user's own.

    Returns:
        The number, or ``None`` if it is no function or does not tell, as ``*args``.
    """
    parameters = _parameters(function)
    if parameters is None:
        return None
    needed = [
        p
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        and p.default is p.empty
    ]
    if not needed and any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    # A method that a decorator wraps may show it.
    return len(needed) - any(p.name == "self" for p in needed)


def _parameters(function) -> list[inspect.Parameter] | None:
    if isinstance(function, np.vectorize):
        function = function.pyfunc
    if not callable(function):
        return None

    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


def check_parameters(name: str, function) -> None:
    """Refuses parameters of a user's function that would never get what they wait for.

    Raises:
        ValueError: If ``mu`` has a default, which it would keep (one that
            ``functools.partial`` has set is meant), or a parameter that is passed by
            its name alone has none.
    """
    frozen = function.keywords if isinstance(function, functools.partial) else {}
    for p in _parameters(function) or ():
        if p.name == "mu" and p.default is not p.empty and "mu" not in frozen:
            raise ValueError(
                f"{name} has a default for mu, which it would always keep: parameters "
                "with a default are the user's own. Write mu without a default."
            )
        if p.kind is p.KEYWORD_ONLY and p.default is p.empty:
            raise ValueError(
                f"{name} has the parameter {p.name} after a *, without a default; "
                "nothing is passed by name, so give it a default."
            )


def as_function(name: str, value, counts: tuple[int, ...], form: str):
    """Returns ``value`` if it is a function of so many arguments.

    Args:
        name: Name of the argument.
        value: What the user gave.
        counts: Numbers of arguments it may take; parameters with a default do not
            count.
        form: What it must take, for the message, e.g. "(x, u) or (x, u, mu)".

    Raises:
        ValueError: If not, or if it has a default for ``mu``.
    """
    check_parameters(name, value)
    count = num_args(value)
    if count not in counts:
        given = f"is {shown(value)}" if count is None else f"takes {count} arguments"
        raise ValueError(f"{name} {given}; it must be a function of {form}.")
    return value


def as_loss_weights(value) -> list[float] | None:
    """Returns loss weights, finite numbers >= 0 or ``None``, as a list.

    Raises:
        ValueError: If they are something else.
    """
    if value is None:
        return None
    listed = isinstance(value, (list, tuple))
    listed = listed or isinstance(value, np.ndarray) and value.ndim == 1
    weights = list(value) if listed else []
    if not weights or not all(is_finite(w) and w >= 0 for w in weights):
        raise ValueError(
            f"loss_weights is {shown(value)}; it must be a list of finite numbers >= 0."
        )
    return [float(weight) for weight in weights]


def accepts(function, count: int) -> bool:
    """Whether a function can be called with so many arguments."""
    try:
        inspect.signature(function).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True


def as_reals(name: str, value, kinds: str = "iuf") -> np.ndarray:
    """Returns an array of real numbers, of the type they have.

    Args:
        name: Name of the argument.
        value: What the user gave.
        kinds: Letters of NumPy's kinds of types that are allowed.

    Raises:
        TypeError: If ``value`` is not made of real numbers.
        ValueError: If it is ragged: rows of different lengths; or if entries of it are
            masked.
    """
    if is_masked(value):
        raise ValueError(
            f"{name} is a masked array, and entries of it are masked; it must have a "
            "value everywhere: leave these out (compressed()) or fill them (filled())."
        )
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{name} is {shown(value)}; it must be a rectangular array."
        ) from None
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name} is {shown(value)}; it must consist of real numbers.")
    return array


def is_masked(value) -> bool:
    """Whether entries of a masked array, or of a list of them, are masked.

    NumPy itself would make an array of the values behind the mask.
    """
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.is_masked(value))
    inner = (list, tuple, np.ma.MaskedArray)
    listed = isinstance(value, (list, tuple))
    return listed and any(is_masked(item) for item in value if isinstance(item, inner))


def float_type() -> type:
    """DeepXDE's default float type, without importing DeepXDE for it.

    A program that has not imported it cannot have changed what it starts with.
    """
    if "deepxde" not in sys.modules:
        return np.float32
    return sys.modules["deepxde"].config.real(np)


def as_points(name: str, value, dim: int | None = None, dtype=None) -> np.ndarray:
    """Returns points as an array of shape (N, d).

    Args:
        name: Name of the argument.
        value: What the user gave.
        dim: d, if it is to be checked.
        dtype: Their float type; by default DeepXDE's.

    Raises:
        TypeError: If they are not made of real numbers.
        ValueError: If they have another shape, or are NaN, infinite, or too large for
            the float type.
    """
    array = as_reals(name, value)
    if array.ndim != 2 or len(array) == 0 or dim not in (None, array.shape[1]):
        d = "d" if dim is None else dim
        raise ValueError(
            f"{name} has shape {array.shape}; points must have shape (N, {d}) with "
            "N >= 1."
        )
    with np.errstate(over="ignore"):
        array = array.astype(dtype or float_type(), copy=False)
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name} has entries that are NaN, infinite, or too large for "
            f"{array.dtype}."
        )
    return array


def shown(value) -> str:
    """``repr`` of a value of any kind, of bounded length."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an int of more digits than Python prints, or user code
        text = f"a {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:200]}..."
