"""Solving again and again traces nothing anew, and leaves nothing in memory."""

import importlib
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import LeastSquares
from deepxde_lrnr.reduced_basis import BasisLeastSquares

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
X = np.linspace([0, 0], [1, 1], 5)


@pytest.fixture(scope="module")
def memory():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        # XLA compiles for seconds.
        patch.setattr(Compiled, "uses_xla", False)
        yield importlib.import_module("_memory")


@pytest.fixture(scope="module")
def fast():
    line, time = dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
    space = lrnr.ParameterSpace(k=(0.5, 3))
    fast = families.decay(dde.geometry.GeometryXTime(line, time), space)
    fast.build_basis(1e-3, 8, num_candidates=24, verbose=0)
    return fast


@pytest.mark.parametrize(
    "solvers",
    [
        pytest.param([LeastSquares(2)], marks=pytest.mark.slow, id="trial space"),
        pytest.param([BasisLeastSquares()], marks=pytest.mark.slow, id="basis"),
        pytest.param(None, marks=pytest.mark.slow, id="several"),
    ],
)
def test_solves_of_any_number_of_mu(memory, fast, solvers):
    number = 60 if solvers else 240
    results = memory.memory_of_solves(
        fast, X, number, number, solvers or memory.SOLVERS
    )
    assert set(results) == set(memory.ROWS)
    assert results["retracings"] == results["mixed_retracings"] == 0
    # The pools of the memory allocator, one a thread, fill up at some time in a long
    # process, in one half; a leak is in both.
    for prefix in ("", "mixed_"):
        late = results[f"{prefix}late_rss_growth_mb"]
        early = results[f"{prefix}rss_growth_mb"] - late
        assert min(early, late) < 30


def test_a_function_that_is_traced_anew_is_counted(memory):
    before = memory.tracings()
    functions = [tf.function(lambda x: x + 1)]
    assert memory.tracings() == before + 1
    for value in (1, 2):  # a Python number is a constant
        functions[0](value)
    assert memory.tracings() == before + 3


def test_memory_that_is_kept_is_measured(memory):
    before = memory.rss()
    kept = np.ones(2**23)
    assert memory.rss() - before == pytest.approx(kept.nbytes, rel=0.1)
