"""Sweeps: each mu as if solved alone, in order, whatever the chunks and the store."""

import os
import signal
import subprocess
import sys
import warnings
from dataclasses import replace

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import LeastSquares
from deepxde_lrnr.sweeps import stores

SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
SOLVER = LeastSquares(3)
MU = SPACE.sample(23, "Halton")
X = np.array([[0.1], [0.5], [0.9]], np.float32)
FIELDS = "mu initial_residual residual estimated_error steps status method".split()


@pytest.fixture(scope="module", autouse=True)
def _without_xla():
    """XLA compiles for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "uses_xla", False)
        yield


@pytest.fixture(scope="module")
def fast():
    return families.decay(dde.geometry.TimeDomain(0, 1), SPACE)


@pytest.fixture(scope="module")
def solved(fast):
    return fast.solve(MU, SOLVER)


class Fails:
    """A solver that fails at one of its calls."""

    def __init__(self, fails_at):
        self.fails_at, self.sizes = fails_at, []

    def prepare(self, fast):
        good = SOLVER.prepare(fast)

        def solve(mu):
            self.sizes.append(len(mu))
            if len(self.sizes) == self.fails_at:
                raise ArithmeticError(f"a mistake of chunk number {self.fails_at}")
            return good.solve(mu)

        return replace(good, solve=solve)


def same(sweep, solution):
    """Equal up to the rounding of batches of different sizes."""
    assert all(len(getattr(sweep, name)) == len(solution.mu) for name in FIELDS)
    for name in FIELDS:
        given, wanted = getattr(sweep, name), getattr(solution, name)
        if name in ("status", "steps", "mu", "method"):
            np.testing.assert_array_equal(given, wanted)
        else:
            np.testing.assert_allclose(given, wanted, rtol=1e-3, atol=1e-6)
    if sweep.values is not None:
        np.testing.assert_allclose(sweep.values, solution.predict(X), atol=1e-5)


@pytest.mark.parametrize("chunk_size", [None, 1, 7, 23, 100])
def test_a_sweep_is_the_solutions_of_all_mu_in_order(fast, solved, chunk_size):
    result = lrnr.sweep(fast, MU, X, solver=SOLVER, chunk_size=chunk_size)
    same(result, solved)
    assert result.values.shape == (23, 3, 1)
    np.testing.assert_array_equal(result.x, X)
    assert result.parameter_space == SPACE
    without = lrnr.sweep(fast, MU, solver=SOLVER, chunk_size=chunk_size)
    same(without, solved)
    assert without.values is without.x is None


def test_parameters_come_in_all_forms_and_an_operator_may_be_evaluated(fast, solved):
    mus = {"k": MU[:, 0], "a": MU[:, 1]}
    result = lrnr.sweep(
        fast, mus, X, lambda x, u: tf.concat((u, 2 * u), axis=1), SOLVER, chunk_size=9
    )
    assert result.values.shape == (23, 3, 2)
    same(lrnr.Sweep(**{**vars(result), "values": result.values[..., :1]}), solved)
    np.testing.assert_allclose(result.values[..., 1], 2 * result.values[..., 0])


@pytest.mark.parametrize("suffix", ["npz", "zarr"])
def test_a_store_on_the_disk_has_everything_and_nothing_else_is_left(
    fast, solved, tmp_path, suffix
):
    if suffix == "zarr":
        pytest.importorskip("zarr")
    out = tmp_path / f"all.{suffix}"
    result = lrnr.sweep(fast, MU, X, solver=SOLVER, chunk_size=7, out=out)
    same(result, solved)
    assert os.listdir(tmp_path) == [out.name]
    if suffix == "npz":
        assert isinstance(result.values, np.memmap)
        stored = np.load(out)  # and no pickles in it
    else:
        import zarr

        stored = zarr.open_group(out, mode="r")
        assert stored["values"].chunks == (7, 3, 1)
        assert isinstance(result.values, zarr.Array)
    assert sorted(stored) == sorted([*FIELDS, "x", "values", "names"])
    for name in (*FIELDS, "x", "values"):
        np.testing.assert_array_equal(stored[name][:], getattr(result, name)[:])
    assert list(stored["names"][:]) == ["k", "a"]


def same_to_the_bit(result, whole):
    for name in (*FIELDS, "x", "values"):
        kept, wanted = getattr(result, name)[:], getattr(whole, name)[:]
        np.testing.assert_array_equal(kept, wanted)


@pytest.mark.parametrize("suffix", ["npz", "zarr"])
def test_what_fails_half_way_goes_on_and_what_exists_is_not_touched(
    fast, tmp_path, suffix
):
    if suffix == "zarr":
        pytest.importorskip("zarr")
    out, solver = tmp_path / f"all.{suffix}", Fails(3)
    call = {"solver": solver, "chunk_size": 5, "out": out}
    with pytest.raises(ArithmeticError, match="of chunk number 3") as error:
        lrnr.sweep(fast, MU, X, **call)
    if hasattr(error.value, "__notes__"):
        assert "10 of 23 mu are kept" in error.value.__notes__[0]
    assert os.listdir(tmp_path) == [f"{out.name}.partial"]
    solver.fails_at, solver.sizes = None, []
    result = lrnr.sweep(fast, MU, X, **call)
    assert solver.sizes == [1, 5, 5, 3]  # one of those that are there, and the others
    same_to_the_bit(result, lrnr.sweep(fast, MU, X, solver=Fails(None), chunk_size=5))
    del result
    assert os.listdir(tmp_path) == [out.name]
    before = os.stat(out)
    with pytest.raises(FileExistsError, match="which exists; take another name"):
        lrnr.sweep(fast, MU, X, **call)
    assert os.stat(out).st_mtime == before.st_mtime


def test_a_first_chunk_that_fails_leaves_nothing(fast, tmp_path):
    with pytest.raises(ArithmeticError):
        lrnr.sweep(fast, MU, X, solver=Fails(1), out=tmp_path / "all.npz")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "change, named",
    [
        ({"mus": MU[::-1]}, "mus"),
        ({"x": X[::-1]}, "x"),
        ({"solver": SOLVER}, "solver"),
        ({"operator": lambda x, u: 2 * u}, "values"),
        ({"operator": lambda x, u: tf.concat([u, u], axis=1)}, "values"),
    ],
)
def test_another_call_does_not_go_on(fast, tmp_path, change, named):
    solver = Fails(2)
    call = {"mus": MU, "x": X, "solver": solver, "chunk_size": 5}
    call["out"] = tmp_path / "all.npz"
    with pytest.raises(ArithmeticError):
        lrnr.sweep(fast, **call)
    solver.fails_at = None
    with pytest.raises(FileExistsError, match=f"another call .* its {named}"):
        lrnr.sweep(fast, **{**call, **change})
    lrnr.sweep(fast, **call)


KILLED = """
import os, signal
import numpy as np
from deepxde_lrnr.sweeps import stores
stores._SECONDS = 0
store = stores.open_store(OUT, {"mus": np.arange(6.0)}, 2)
with store:
    for i in (0, 2):
        store.write(slice(i, i + 2), {"values": np.full((2, 3), i + 0.5)})
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("suffix", ["npz", "zarr"])
def test_a_killed_process_leaves_its_chunks(tmp_path, suffix):
    if suffix == "zarr":
        pytest.importorskip("zarr")
    out = str(tmp_path / f"all.{suffix}")
    script = KILLED.replace("OUT", repr(out))
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    call = {"mus": np.arange(6.0)}
    with stores.open_store(out, call, 2) as store:
        assert store.done.tolist() == [True] * 4 + [False] * 2
        with pytest.raises(FileExistsError, match="another call is writing"):
            stores.open_store(out, call, 2)
        asked = []

        def again(rows):
            asked.append(rows)
            return {"values": np.full((1, 3), 0.5)}

        assert stores.chunks_left(store, 2, again) == [slice(4, 6)]
        assert asked == [slice(0, 1)]
        store.write(slice(4, 6), {"values": np.full((2, 3), 4.5)})
        values = store.finish({})["values"][:]
    assert values[:, 0].tolist() == [0.5, 0.5, 2.5, 2.5, 4.5, 4.5]
    assert os.listdir(tmp_path) == [os.path.basename(out)]


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"fast": "model"}, TypeError, "fast is a str; it must be a FastModel"),
        ({"mus": np.zeros((3, 3))}, ValueError, "mus has shape"),
        ({"x": np.zeros((3, 2))}, ValueError, r"x has shape \(3, 2\)"),
        ({"operator": lambda x, u: u}, ValueError, "operator needs points x"),
        ({"chunk_size": 0}, ValueError, "chunk_size is 0"),
        ({"out": "values.csv"}, ValueError, "it must end with .npz or .zarr"),
        ({"out": "no/such/a.npz"}, FileNotFoundError, "there is no folder 'no/such'"),
        ({"solver": LeastSquares}, TypeError, "it must be a solver object"),
        ({"client": "local"}, TypeError, "client is a str; it must be a dask"),
        (
            {"x": X, "operator": lambda x, u: [u, u]},
            ValueError,
            "operator returned a list of 2",
        ),
    ],
)
def test_mistakes_are_named(fast, change, error, message):
    with pytest.raises(error, match=message):
        lrnr.sweep(**{"fast": fast, "mus": MU, "solver": SOLVER, **change})


def test_outside_of_the_box_there_is_one_warning_at_the_line_of_the_user(fast):
    mu = MU.copy()
    mu[[3, 20], 0] = 3.1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        lrnr.sweep(fast, mu, solver=SOLVER, chunk_size=4)
    outside = [w for w in caught if w.category is lrnr.OutsideParameterSpaceWarning]
    assert len(outside) == 1
    assert outside[0].filename == __file__


def test_the_bar_of_progress_is_not_seen_in_pipes(fast, capfd):
    lrnr.sweep(fast, MU[:2], solver=SOLVER)
    assert "Sweep" not in capfd.readouterr().err


@pytest.mark.parametrize("missing", ["dask", "zarr"])
def test_an_extra_that_is_missing_is_named(fast, tmp_path, monkeypatch, missing):
    for name in list(sys.modules):
        if name.partition(".")[0] in (missing, "distributed"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "deepxde_lrnr.sweeps.workers", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    arguments = {"client": "any"} if missing == "dask" else {"out": tmp_path / "a.zarr"}
    with pytest.raises(ImportError, match=r'pip install "deepxde-lrnr\[distributed\]'):
        lrnr.sweep(fast, MU, solver=SOLVER, **arguments)


def test_dask_is_needed_only_for_a_client():
    code = (
        "import sys, deepxde_lrnr; "
        "print([m for m in ('dask', 'distributed', 'zarr') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"
