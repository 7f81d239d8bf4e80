"""The axes of a box of parameters: their names and their bounds."""

from __future__ import annotations

import keyword
import math
import unicodedata

import numpy as np

from ._checks import is_finite, shown


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


def parse_bounds(name, bounds):
    """Returns (low, high, log) of one parameter, or says what is wrong with it."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(
            f"{name!r} cannot name a parameter: it must be usable as a keyword."
        )
    form = f"{name} must be given as (low, high) or (low, high, 'log')"
    listed = isinstance(bounds, (tuple, list))
    listed = listed or isinstance(bounds, np.ndarray) and bounds.ndim == 1
    if not listed or len(bounds) not in (2, 3):
        raise ValueError(f"{form}, got {shown(bounds)}.")
    low, high, scale = (*bounds, "linear")[:3]
    if not (isinstance(scale, str) and scale in ("linear", "log")):
        raise ValueError(
            f"{form}; the third element must be 'log' or 'linear', got {shown(scale)}."
        )
    if not (is_finite(low) and is_finite(high)):
        raise ValueError(f"{form} with finite real bounds, got {shown(bounds)}.")
    low, high = float(low), float(high)
    if not low < high:
        raise ValueError(f"{form} with low < high, got {bounds!r}.")
    if scale == "log" and low <= 0:
        raise ValueError(f"{name} is on a log axis and needs low > 0, got {bounds!r}.")
    # Scaling divides by half the side, which must neither overflow nor vanish.
    if not np.finfo(np.float64).tiny < (high - low) / 2 < math.inf:
        raise ValueError(
            f"{name} must have a side, high - low, that float64 can resolve, "
            f"got {bounds!r}."
        )
    return low, high, scale == "log"
