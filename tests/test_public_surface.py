"""Whatever a public function is given, only documented errors come out of it."""

import inspect
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from surface import (
    NOT_FOR_USERS,
    Tiny,
    calls,
    faults,
    public_functions,
    takes_arguments,
)
from surface.kinds import JUNK, count, shaped
from surface.verdict import Call, documented_names

# For each function; benchmarks/reliability.py tries many more.
EXAMPLES, UNUSUAL = 40, 8
WITH_ARGUMENTS = [
    name
    for name, function in public_functions().items()
    if takes_arguments(function) and name not in NOT_FOR_USERS
]


@pytest.fixture(scope="module")
def functions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("surface")
    with pytest.MonkeyPatch.context() as patch:
        # XLA compiles for seconds; paths that are allowed are written to.
        patch.setattr(Compiled, "uses_xla", False)
        patch.chdir(folder)
        yield calls(Tiny(folder))


def test_every_public_function_is_here(functions):
    assert sorted(functions) == sorted(WITH_ARGUMENTS)
    assert set(NOT_FOR_USERS) <= set(public_functions())


def test_what_is_not_for_users_is_not_in_the_reference():
    text = (Path(__file__).parent.parent / "docs" / "api.md").read_text()
    listed = set(re.findall(r"autofunction:: deepxde_lrnr\.([\w.]+)", text))
    classes = r"autoclass:: deepxde_lrnr\.([\w.]+)(?:\n   :members: (.+))?"
    for name, members in re.findall(classes, text):
        listed |= {f"{name}.{member}" for member in members.split(", ")}
    assert "FastModel.solve" in listed
    assert not listed & set(NOT_FOR_USERS)


def test_every_argument_has_a_kind(functions):
    left_out = {}
    for name, call in functions.items():
        parameters = set(inspect.signature(call.described).parameters)
        parameters -= {"self", "cls", "kwargs", "bounds", *call.kinds}
        if parameters:
            left_out[name] = parameters
    # DeepXDE's backend "tensorflow" does not look at it.
    assert left_out == {"Model.restore": {"device"}}


@pytest.mark.parametrize("name", WITH_ARGUMENTS)
def test_bad_inputs_are_refused_with_documented_errors(functions, name):
    call = functions[name]
    assert call.fault({}, allowed=True) is None
    found, tried = faults(call, EXAMPLES)
    assert tried >= EXAMPLES // 2
    assert not found
    if call.allowed:
        assert not faults(call, UNUSUAL, allowed=True)[0]


# The verdict itself


def verdict(function, changed=None, allowed=False):
    call = Call(function, function, {"n": 1}, {"n": count()})
    return call.fault(changed or {"n": -1}, allowed)


def test_a_bad_value_that_is_accepted_is_a_fault():
    assert "accepts" in verdict(lambda n: n)
    assert verdict(lambda n: n, {"n": 2}, allowed=True) is None


def test_numbers_that_are_not_finite_are_a_fault():
    assert "nan" in verdict(lambda n: {"a": [np.array([n, np.nan])]}, {"n": 2}, True)


def test_an_error_that_is_not_documented_is_a_fault():
    def function(n):
        """Does something.

        Raises:
            TypeError: If it is raised.
        """
        raise ValueError(f"n is {n}.")

    assert "not documented" in verdict(function)


def test_an_error_from_elsewhere_is_a_fault():
    def function(n):
        """Does something.

        Raises:
            ValueError: If n is bad.
        """
        return np.zeros(n)

    assert "leaves the error to" in verdict(function)


def test_a_warning_that_is_not_documented_is_a_fault():
    def function(n):
        warnings.warn("n", RuntimeWarning, stacklevel=2)

    assert "RuntimeWarning" in verdict(function, {"n": 2}, allowed=True)


def test_an_error_has_to_name_the_argument(functions):
    call = functions["ParameterSpace.sample"]
    assert call.fault({"n": -1}) is None
    renamed = Call(
        lambda size: call.function(n=size), call.described, {}, {"size": count()}
    )
    assert "does not name" in renamed.fault({"size": -1})


def test_documented_names():
    doc = (
        "A.\n\nRaises:\n    TypeError: If\n        so.\n"
        "    OSError: If.\n\nB:\n    C: d"
    )
    assert documented_names(doc, "Raises") == ["TypeError", "OSError"]
    assert documented_names(doc, "Warns") == []
    assert documented_names(None, "Raises") == []


def test_kinds_know_what_is_allowed():
    assert [value for value in JUNK if count(1, 10).fits(value)] == [1, 2, 7]
    points = shaped(None, 2)
    assert points.fits(np.ones((3, 2))) and points.fits([[1, 2]])
    assert points.fits(tf.ones((1, 2)))
    for bad in (np.ones((0, 2)), np.ones(2), [[1, np.nan]], [["1", "2"]]):
        assert not points.fits(bad), bad
    assert not points.fits(np.ones((1, 2), bool))
