"""Values that an argument must have, and values that it must not have."""

from __future__ import annotations

import inspect
import math
import numbers
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

LARGEST_COUNT = 2**31 - 1
NAN, INF = float("nan"), float("inf")


class Nothing:
    """An object of no use."""


# Of every type that Python and NumPy users have at hand.
JUNK = (
    *(None, True, False, np.True_, NotImplemented, ..., Nothing(), Nothing, int),
    *(0, 1, -1, 2, 7, -(2**63), 2**31, 2**63, 10**30, 10**400, -(10**400)),
    *(0.0, -0.5, 0.5, 1.0, 2.5, NAN, INF, -INF, 1e300, -1e300, 5e-324, 1j),
    *(np.int64(-3), np.int8(0), np.float32("nan"), np.float64("inf"), Fraction(-1, 3)),
    *("", "a", "1", "auto", "nan", "\0", "é" * 300, b"", b"abc", bytearray(3)),
    *((), [], {}, set(), [1], (1, 2), [[1], [1, 2]], [None], ["a"], [[]], [1, "a"]),
    *({"a": 1}, {"k": 1}, {"k": "x", "a": 1}, {1: 2}, {"k": NAN, "a": 1}, range(3)),
    *(np.array([]), np.array(NAN), np.array([1.0, 2.0]), np.array([[NAN, 1.0]])),
    *(np.zeros((0, 2)), np.zeros((2, 0)), np.ones((3, 5)), np.ones((2, 2, 2))),
    *(np.array(["a", "b"]), np.array([None, {}], object), np.array([[1j, 2]])),
    *(np.array(["2020-01-01"], "datetime64[D]"), np.full((2, 2), INF)),
    *(np.full((2, 2), 1e300), np.ma.masked_array([1.0, 2.0], [True, False])),
    *(slice(3), print, len, lambda: None, lambda *a: None, lambda a, b, c, d, e: a),
    *(tf.constant([1.0, 2.0]), tf.constant("a"), Path("no") / "such" / "file"),
)


def arrays() -> st.SearchStrategy:
    """Arrays of up to three axes, of any type, empty ones and large numbers among
    them."""
    shapes = st.lists(st.integers(0, 4), max_size=3)
    fill = st.sampled_from([0.0, 0.5, 1.0, -2.0, NAN, INF, 1e300, -1e-300])
    types = st.sampled_from(["f8", "f4", "f2", "i4", "?", "c8", "O", "U3"])

    def make(shape, value, dtype, seed):
        array = np.random.default_rng(seed).uniform(0.1, 0.9, shape)
        array[tuple(slice(1) for _ in shape)] = value
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NaN as an integer
            return array.astype(dtype)

    return st.builds(make, shapes, fill, types, st.integers(0, 9))


@dataclass(frozen=True)
class Kind:
    """What an argument must be.

    Attributes:
        fits: Function of any value that says whether it is allowed.
        more: Strategies of values besides ``JUNK``.
    """

    fits: Callable
    more: tuple = ()

    def bad(self) -> st.SearchStrategy:
        """Values that are not allowed."""
        values = st.one_of(st.sampled_from(JUNK), *self.more)
        return values.filter(lambda value: not self.fits(value))

    def __or__(self, other: Kind) -> Kind:
        return Kind(
            lambda value: self.fits(value) or other.fits(value), self.more + other.more
        )


def is_real(value) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def is_finite(value) -> bool:
    try:
        return is_real(value) and math.isfinite(value)
    except OverflowError:  # an int beyond the range of floats
        return False


def count(low: int = 1, high: int = LARGEST_COUNT) -> Kind:
    def fits(value):
        return (
            is_real(value)
            and isinstance(value, numbers.Integral)
            and (low <= value <= high)
        )

    return Kind(fits, (st.integers(), st.floats(), st.text(max_size=3)))


def number(fits=lambda value: True) -> Kind:
    more = (st.floats(), st.integers(), st.fractions(), st.text(max_size=3))
    return Kind(lambda value: is_finite(value) and fits(value), more)


def choice(*names) -> Kind:
    texts = st.sampled_from([*map(str.swapcase, names), *(f"{n} " for n in names)])
    return Kind(
        lambda value: isinstance(value, str) and value in names, (texts, st.text())
    )


NONE = Kind(lambda value: value is None)
ANY_FLAG = Kind(
    lambda value: (
        isinstance(value, (bool, np.bool_))
        or isinstance(value, numbers.Integral)
        and value in (0, 1)
    )
)


def instance(*types) -> Kind:
    return Kind(lambda value: isinstance(value, types))


def as_array(value) -> np.ndarray | None:
    """``value`` as an array of real numbers; ``None`` if it is none."""
    if np.ma.is_masked(value):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            array = np.asarray(value)
    except Exception:
        return None
    return array if array.dtype.kind in "iuf" else None


def real_array(fits, largest: float = 3e38) -> Kind:
    """Arrays of finite numbers that fit."""

    def allowed(value):
        array = as_array(value)
        if array is None:
            return False
        return bool(np.all(np.abs(array.astype(float)) <= largest)) and fits(array)

    return Kind(allowed, (arrays(),))


def shaped(*shape, largest: float = 3e38) -> Kind:
    """Arrays of finite numbers of a shape, in which ``None`` is any number >= 1."""

    def fits(array):
        return array.ndim == len(shape) and all(
            (n == s) if s is not None else n >= 1
            for n, s in zip(array.shape, shape, strict=True)
        )

    return real_array(fits, largest)


def positional(value) -> int | None:
    """Number of parameters without a default; ``None`` if a star leaves it open."""
    parameters = inspect.signature(value).parameters.values()
    needed = [
        p for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL
    ]
    stars = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return None if stars and not needed else len(needed)


def function(*num_args) -> Kind:
    """Functions of so many arguments, without those that have a default."""

    def fits(value):
        if not callable(value):
            return False
        try:
            return positional(value) in num_args
        except (TypeError, ValueError):
            return False

    return Kind(fits)


def is_path(value) -> bool:
    return isinstance(value, (str, os.PathLike)) and "\0" not in os.fspath(value)


def listed(kind: Kind) -> Kind:
    """Lists or tuples, not empty, of what ``kind`` allows."""

    def fits(value):
        return (
            isinstance(value, (list, tuple))
            and len(value) > 0
            and all(map(kind.fits, value))
        )

    more = (st.lists(st.one_of(kind.more), max_size=3),) if kind.more else ()
    return Kind(fits, more)


EMPTY = Kind(lambda value: isinstance(value, (list, tuple)) and not value)
# Loss weights, of whatever number.
WEIGHTS = listed(number(lambda value: value >= 0)) | real_array(
    lambda array: array.ndim == 1 and array.size > 0 and bool((array >= 0).all())
)
NO_FILE = Kind(lambda value: False, (st.text(max_size=5),))
NOTHING_ELSE = Kind(lambda value: False)
VERBOSE = ANY_FLAG | count(0)


def takes(value, count: int) -> bool:
    """Whether a value is a function that can be called with so many arguments."""
    try:
        inspect.signature(value).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True


TAKES_TWO = Kind(lambda value: takes(value, 2))
TRANSFORM = function(2) | Kind(lambda value: takes(value, 1))
# Functions that a network may have.
FUNCTIONS = {
    "feature_transform": NONE | TRANSFORM,
    "output_transform": NONE | TAKES_TWO,
    "activation": NONE | choice("tanh", "TANH") | Kind(callable),
    "deformation": NONE | function(2),
}
# With a result that has not a row for each of the rows of its arguments, or no numbers.
WRONG_OPERATORS = (
    lambda x, u: None,
    lambda x, u: u[:1],
    lambda x, u, mu: [u, u[0, 0]],
    lambda x, u, mu: "u",
)
OPERATOR = NONE | Kind(
    lambda value: function(2, 3).fits(value) and value not in WRONG_OPERATORS,
    (st.sampled_from(WRONG_OPERATORS),),
)


def _is_mu(space):
    """Whether a value is one or several mu of which float32 can hold all numbers."""

    def fits(value):
        if hasattr(value, "keys"):
            if set(value) != set(space.names):
                return False
            columns = [as_array(value[name]) for name in space.names]
            if any(c is None or c.ndim > 1 or c.size == 0 for c in columns):
                return False
            sizes = {c.size for c in columns if c.ndim == 1} - {1}
            if len(sizes) > 1:
                return False
            array = np.stack(np.broadcast_arrays(*columns), axis=-1).astype(float)
        else:
            array = as_array(value)
            if array is None or array.ndim not in (1, 2) or array.size == 0:
                return False
            array = array.astype(float)
        if array.shape[-1] != space.dim:
            return False
        finite = np.abs(array) <= 3e38
        return bool(finite.all() and (array[..., space.log] > 0).all())

    return fits


def mus(space) -> Kind:
    """One or several parameters, in any form."""
    names = st.sampled_from([*space.names, "b", "nu"])
    values = st.one_of(st.floats(), st.lists(st.floats(), max_size=3), st.none())
    return Kind(_is_mu(space), (arrays(), st.dictionaries(names, values, max_size=3)))


# Unusual, but allowed: far outside the box.
FLOATS = st.floats(-1e30, 1e30)
POSITIVE_FLOATS = st.floats(1e-30, 1e30)


def add_predict(add, tiny, name, call, mu: bool = True, operator: bool = True) -> None:
    """Entry of one of the methods ``predict``."""
    arguments, kinds = {"x": tiny.points}, {"x": shaped(None, 2)}
    if operator:
        kinds["operator"] = OPERATOR
    allowed = {
        "x": st.one_of(
            st.lists(st.tuples(FLOATS, FLOATS), min_size=1),
            st.just(tiny.points.astype("f2")),
            st.just(np.asfortranarray(tiny.points)),
            st.just(np.array([[1, 2], [3, 4]])),
        )
    }
    if mu:
        arguments["mu"], kinds["mu"] = tiny.mu, mus(tiny.space)
        allowed["mu"] = st.tuples(FLOATS, POSITIVE_FLOATS)
    add(name, arguments, kinds, allowed, call)
