"""Values that an argument must not have, and the verdict on what comes of them.

A public function that is given one must say so itself: by an error of a type that its
docstring has under "Raises:", raised by a ``raise`` of this package (or by the system,
for files), with a message that names the argument. An error from the depth of NumPy,
Keras or TensorFlow, a warning that is not under "Warns:", and a result as if nothing
were wrong are faults. So is a result with NaN or infinity of values that are allowed.
"""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import linecache
import math
import numbers
import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import deepxde_lrnr as lrnr
import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

PACKAGE = str(Path(lrnr.__file__).resolve().parent)
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


def function(*num_args) -> Kind:
    """Functions of so many arguments."""

    def fits(value):
        if not callable(value):
            return False
        try:
            return len(inspect.signature(value).parameters) in num_args
        except (TypeError, ValueError):
            return False

    return Kind(fits)


def is_path(value) -> bool:
    return isinstance(value, (str, os.PathLike)) and "\0" not in os.fspath(value)


@dataclass
class Call:
    """A public function, and arguments with which it works.

    Attributes:
        function: What is called, with keywords.
        described: What has the docstring.
        arguments: Arguments that are right.
        kinds: What these and others must be.
        allowed: Strategies of unusual values that must do no harm.
        result: Function of the result that gives the arrays that must be finite.
    """

    function: Callable
    described: object
    arguments: dict
    kinds: dict[str, Kind]
    allowed: dict[str, st.SearchStrategy] = field(default_factory=dict)
    result: Callable = lambda result: result

    def bad_inputs(self) -> st.SearchStrategy:
        """Dictionaries of one or two arguments that are not allowed."""
        return st.lists(
            st.sampled_from(sorted(self.kinds)), min_size=1, max_size=2, unique=True
        ).flatmap(
            lambda names: st.fixed_dictionaries(
                {name: self.kinds[name].bad() for name in names}
            )
        )

    def allowed_inputs(self) -> st.SearchStrategy:
        """Dictionaries of one unusual argument."""
        return st.one_of(
            st.fixed_dictionaries({name: s}) for name, s in self.allowed.items()
        )

    def fault(self, changed: dict, allowed: bool = False) -> str | None:
        """Calls the function, and says what is wrong with what came of it.

        Args:
            changed: Arguments in place of the right ones.
            allowed: Whether they are allowed.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = self.function(**{**self.arguments, **changed})
            except Exception as error:
                return self._fault_of(error, changed)
        documented = self._documented("Warns")
        for warning in caught:
            deprecated = issubclass(warning.category, DeprecationWarning)
            if not (deprecated or issubclass(warning.category, documented)):
                return f"warns: {warning.category.__name__}: {warning.message}"
        if not allowed:
            return f"accepts it and returns {_short(result)}"
        if not all_finite(self.result(result)):
            return f"returns {_short(result)}"
        return None

    def _documented(self, section: str) -> tuple[type, ...]:
        names = documented_names(inspect.getdoc(self.described), section)
        return tuple(
            getattr(builtins, name, None) or getattr(lrnr, name) for name in names
        )

    def _fault_of(self, error: Exception, changed: dict) -> str | None:
        text = f"{type(error).__name__}: {error}"
        if not isinstance(error, self._documented("Raises")):
            return f"raises what is not documented, {text}"
        if isinstance(error, OSError):
            return None
        trace = error.__traceback__
        while trace.tb_next is not None:
            trace = trace.tb_next
        file = trace.tb_frame.f_code.co_filename
        line = linecache.getline(file, trace.tb_lineno).strip()
        if not (file.startswith(PACKAGE) and line.startswith("raise ")):
            return f"leaves the error to {file}:{trace.tb_lineno}, {text}"
        if not any(
            re.search(rf"\b{re.escape(name)}\b", str(error)) for name in changed
        ):
            return f"raises an error that does not name the argument, {text}"
        return None


def documented_names(doc: str | None, section: str) -> list[str]:
    """Names of the types in a section of a Google docstring, e.g. "Raises"."""
    found = re.search(rf"^{section}:\n((?:[ ]+.*\n|\n)+)", f"{doc}\n", re.MULTILINE)
    return re.findall(r"^ {4}(\w+):", found[1], re.MULTILINE) if found else []


def all_finite(value) -> bool:
    """Whether all numbers in a result are; what holds none is taken as it is."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = [getattr(value, f.name) for f in dataclasses.fields(value) if f.repr]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return all(map(all_finite, value))
    if is_real(value):
        return math.isfinite(value)
    if isinstance(value, np.ndarray) or tf.is_tensor(value):
        array = np.asarray(value)
        return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())
    return True


def _short(value) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 200 else text[:200] + "..."


def faults(call: Call, examples: int, allowed: bool = False) -> tuple[list, int]:
    """Faults of a public function, each with the inputs that show it.

    Args:
        call: The function.
        examples: Number of inputs.
        allowed: Whether they are unusual ones that are allowed, or bad ones.

    Returns:
        A list of (inputs, fault), and the number of inputs that were tried.
    """
    found, tried = [], 0

    # The same inputs in every run; there is no test that could be made smaller.
    @seed(0)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(call.allowed_inputs() if allowed else call.bad_inputs())
    def look(changed):
        nonlocal tried
        tried += 1
        fault = call.fault(changed, allowed)
        if fault is not None:
            found.append((changed, fault))

    look()
    return found, tried
