"""The verdict on what comes of the arguments that a public function is given.

A public function that is given a bad value must say so itself: by an error of a type
that its docstring has under "Raises:", raised by a ``raise`` of this package (or by the
system, for files), with a message that names the argument. An error from the depth of
NumPy, Keras or TensorFlow, a warning that is not under "Warns:", and a result as if
nothing were wrong are faults. So is a result with NaN or infinity of values that are
allowed.
"""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import linecache
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import deepxde_lrnr as lrnr
import numpy as np
import tensorflow as tf
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from .kinds import Kind, is_real

PACKAGE = str(Path(lrnr.__file__).resolve().parent)


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
        places = builtins, lrnr, lrnr.fast_phase, lrnr.reduced_basis, lrnr.data
        return tuple(
            next(getattr(place, name) for place in places if hasattr(place, name))
            for name in names
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
