"""The axes of a box of parameters: their names, their bounds and their columns."""

from __future__ import annotations

import keyword
import math
import unicodedata
from typing import NamedTuple

import numpy as np

from .._checks import as_reals, is_finite, is_integer, shown

SCALES = ("linear", "log")
# More are an oversight: there would be a column for each.
_MOST_ENTRIES = 10_000
# Entries of a vector in a line of text.
_MOST_SHOWN = 4


class Axis(NamedTuple):
    """A parameter, a number or a vector, and its bounds.

    Attributes:
        name: Its name.
        low: Lower bounds of its entries, a tuple of floats; one if it is a number.
        high: Upper bounds, the same.
        log: Whether the axis is logarithmic.
        size: Number of entries, or ``None`` for a number.
    """

    name: str
    low: tuple[float, ...]
    high: tuple[float, ...]
    log: bool
    size: int | None

    @property
    def columns(self) -> list[str]:
        """Names of its columns in an array of parameters."""
        if self.size is None:
            return [self.name]
        return [f"{self.name}_{i}" for i in range(self.size)]

    def __repr__(self):
        low, high = list(self.low), list(self.high)
        if len(set(low)) == len(set(high)) == 1:
            (low, *_), (high, *_) = low, high
        parts = [repr(low), repr(high)] + ["'log'"] * self.log
        # Lists of bounds tell how many there are.
        if self.size is not None and not isinstance(low, list):
            parts.append(repr(self.size))
        return f"{self.name}=({', '.join(parts)})"


def normal(name):
    """The form in which Python compares names; other keys are left as they are."""
    return unicodedata.normalize("NFKC", name) if isinstance(name, str) else name


def normalized(mapping: dict, name: str) -> dict:
    """With keys in their normal form, of which there must not be two alike."""
    result = {}
    for key, value in mapping.items():
        if normal(key) in result:
            raise ValueError(
                f"{name} has {normal(key)} twice, once written as {key!a}: names that "
                "are equal in the normal form NFKC are one name."
            )
        result[normal(key)] = value
    return result


def slices(axes) -> dict[str, slice]:
    """The columns of each axis in an array of parameters."""
    ends = np.cumsum([0, *(len(axis.low) for axis in axes)]).tolist()
    names = [axis.name for axis in axes]
    return dict(zip(names, map(slice, ends, ends[1:]), strict=False))


def shortened(axes, mu, equals: str = "=", digits: int = 6) -> str:
    """One mu as text; of a vector with many entries the first and the last.

    Args:
        axes: Those of the space.
        mu: Shape (p,).
        equals: What stands between a name and its value.
        digits: Of a number.
    """
    parts = []
    for axis, columns in zip(axes, slices(axes).values(), strict=True):
        values = [f"{value:.{digits}g}" for value in mu[columns]]
        if len(values) > _MOST_SHOWN:
            values[2:-1] = ["..."]
        text = values[0] if axis.size is None else f"({', '.join(values)})"
        parts.append(f"{axis.name}{equals}{text}")
    return ", ".join(parts)


def parse_axis(name: str, bounds) -> Axis:
    """The axis of one parameter.

    Raises:
        ValueError: If its bounds are not as ``ParameterSpace`` wants them; the message
            says what is wrong with them.
    """
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(
            f"{name!r} cannot name a parameter: it must be usable as a keyword."
        )
    wrong = f"{name} is {shown(bounds)}; it must be (low, high) or (low, high, 'log')"
    listed = isinstance(bounds, (tuple, list))
    listed = listed or isinstance(bounds, np.ndarray) and bounds.ndim == 1
    if not listed or len(bounds) not in (2, 3, 4):
        raise ValueError(f"{wrong}.")
    low, high, *more = bounds
    scale, size = _scale_and_size(name, more)
    ends, counts = [], set()
    for bound in (low, high):
        if isinstance(bound, (list, tuple, np.ndarray)):
            bound = _vector(wrong, bound)
            counts.add(len(bound))
        elif not is_finite(bound):
            raise ValueError(f"{wrong} with finite real bounds.")
        ends.append(np.asarray(bound, float))
    counts |= {size} - {None}
    if len(counts) > 1:
        raise ValueError(f"{wrong}, vectors of one number of entries.")
    size = counts.pop() if counts else None
    low, high = (np.broadcast_to(end, size or 1).tolist() for end in ends)
    for pair in zip(low, high, strict=True):
        _check_side(name, wrong, pair, scale, bounds)
    return Axis(name, tuple(low), tuple(high), scale == "log", size)


def _scale_and_size(name: str, more: list) -> tuple[str, int | None]:
    """What may come after the bounds: the scale, the number of entries, or both."""
    scale, size = "linear", None
    if len(more) == 2 or more and isinstance(more[0], str):
        scale, *more = more
    if not (isinstance(scale, str) and scale in SCALES):
        raise ValueError(
            f"{name} has {shown(scale)} as its third element; it must be 'log' or "
            "'linear', as in (low, high, 'log')."
        )
    if more:
        (size,) = more
        if not is_integer(size) or size > _MOST_ENTRIES:
            raise ValueError(
                f"{name} has {shown(size)} at the end, as the number of entries of a "
                f"vector; it must be an integer from 1 to {_MOST_ENTRIES}."
            )
    return scale, None if size is None else int(size)


def _vector(wrong: str, bound) -> np.ndarray:
    """Bounds of a vector, one for each entry."""
    try:
        array = as_reals("bounds", bound).astype(float)
    except (TypeError, ValueError):
        array = np.full(1, np.nan)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError(f"{wrong} with finite real bounds.")
    if not 1 <= len(array) <= _MOST_ENTRIES:
        raise ValueError(f"{wrong}, vectors of 1 to {_MOST_ENTRIES} entries.")
    return array


def _check_side(name: str, wrong: str, pair, scale: str, bounds) -> None:
    low, high = pair
    if not low < high:
        raise ValueError(f"{wrong} with low < high.")
    if scale == "log" and low <= 0:
        raise ValueError(
            f"{name} is {shown(bounds)}; it is on a log axis and must have low > 0."
        )
    # Scaling divides by half the side, which must neither overflow nor vanish.
    if not np.finfo(np.float64).tiny < (high - low) / 2 < math.inf:
        raise ValueError(
            f"{name} is {shown(bounds)}; it must have a side, high - low, that float64 "
            "can resolve."
        )


def description(axes) -> dict:
    """As ``ParameterSpace.to_dict``."""
    sizes = [axis.size for axis in axes]
    return {
        "names": [axis.name for axis in axes],
        **({"sizes": sizes} if any(sizes) else {}),
        "low": [low for axis in axes for low in axis.low],
        "high": [high for axis in axes for high in axis.high],
        "log": [axis.log for axis in axes for _ in axis.low],
    }


def described_bounds(d) -> dict:
    """Bounds of each name, as ``ParameterSpace`` takes them, from a description.

    Raises:
        ValueError: If it is none; whether the bounds are good is not looked at.
    """
    keys = ("names", "low", "high", "log")
    if not isinstance(d, dict) or not all(
        isinstance(d.get(key), (list, tuple)) for key in keys
    ):
        raise ValueError(
            f"d is {shown(d)}; it must be a dict of the lists names, low, high and "
            "log, as to_dict() returns it."
        )
    names, *columns = (list(d[key]) for key in keys)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"d has the names {shown(names)}; they must be strings, at least one."
        )
    sizes = d.get("sizes", [None] * len(names))
    if not isinstance(sizes, (list, tuple)) or len(sizes) != len(names):
        raise ValueError(
            f"d has the sizes {shown(sizes)}; they must be a list as long as names."
        )
    if not all(size is None or is_integer(size) for size in sizes):
        raise ValueError(
            f"d has the sizes {shown(sizes)}; they must be integers >= 1 or None."
        )
    ends = np.cumsum([0, *(size or 1 for size in sizes)])
    if any(len(column) != ends[-1] for column in columns):
        raise ValueError(
            f"d is {shown(d)}; names, low, high and log must be of one length (a "
            "vector has an item of the latter for each entry)."
        )
    if len(set(map(normal, names))) != len(names):
        raise ValueError(f"d has the names {names!r}; they must differ.")
    bounds = {}
    for name, size, start, stop in zip(names, sizes, ends, ends[1:], strict=False):
        low, high, log = (column[start:stop] for column in columns)
        if len(set(map(bool, log))) > 1:
            raise ValueError(
                f"d has {log} as log of {name}; it must be the same for all entries of "
                "a vector."
            )
        scale = "log" if log[0] else "linear"
        bounds[name] = (low[0], high[0], scale) if size is None else (low, high, scale)
    return bounds
