"""Checks of numbers, made where they enter."""

from __future__ import annotations

import math
import numbers


def as_integer(name: str, value, low: int = 1) -> int:
    """Returns ``value`` as an ``int`` of at least ``low``, or says what is wrong.

    Raises:
        ValueError: If it is not an integer, or less than ``low``.
    """
    integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integer or value < low:
        raise ValueError(f"{name} is {value!r}; it must be an integer >= {low}.")
    return int(value)


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
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and fits(float(value))):
        raise ValueError(f"{name} is {value!r}; it must be {what}.")
    return float(value)
