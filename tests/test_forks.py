"""A process forked after TensorFlow was used says so instead of waiting for ever."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
from deepxde_lrnr import _forks

forking = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="nothing forks here"
)
SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
X, MU = np.array([[0.5]]), [1.0, 1.0]


@pytest.fixture(scope="module")
def fast():
    return families.decay(dde.geometry.TimeDomain(0, 1), SPACE)


@pytest.fixture(scope="module")
def model():
    model = lrnr.Model(*families.decay_network(dde.geometry.TimeDomain(0, 1), SPACE))
    model.compile("adam", lr=1e-3, verbose=0)
    return model


def in_fork(function):
    """What a function says in a forked child."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def child():
        try:
            sender.send(str(function()))
        except Exception as error:
            sender.send(f"{type(error).__name__}: {error}")

    process = context.Process(target=child)
    process.start()
    try:
        assert receiver.poll(60), "it hangs"
        return receiver.recv()
    finally:
        process.kill()
        process.join()


@forking
@pytest.mark.parametrize("name", ["predict", "train", "sweep", "load_fast", "fast"])
def test_computing_in_a_forked_child_is_an_error_with_the_remedy(
    model, fast, tmp_path, name
):
    data = fast.residual.data
    fast.save(tmp_path / "fast.npz")
    model.predict(X, MU)  # TensorFlow has started
    call = {
        "predict": lambda: model.predict(X, MU),
        "train": lambda: model.train(iterations=1, verbose=0),
        "sweep": lambda: lrnr.sweep(fast, [MU], X),
        "load_fast": lambda: lrnr.load_fast(tmp_path / "fast.npz", data),
        "fast": lambda: fast.predict(X, MU),
    }[name]
    said = in_fork(call)
    assert said.startswith("RuntimeError") and "would hang" in said
    assert 'get_context("spawn")' in said
    # Not the parent, nor what does not compute.
    model.predict(X, MU)
    assert in_fork(lambda: SPACE.contains(MU)) == "[ True]"


@forking
def test_a_child_in_which_tensorflow_starts_computes():
    code = """
import multiprocessing, sys
sys.path.insert(0, "tests")
import deepxde_lrnr as lrnr, deepxde as dde, families

def child():
    geometry = dde.geometry.TimeDomain(0, 1)
    space = lrnr.ParameterSpace(k=(0.5, 3))
    model = lrnr.Model(*families.decay_network(geometry, space))
    print("computed", model.predict([[0.5]], [1.0]).shape)

process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join(120)
process.kill()
"""
    root = Path(__file__).resolve().parent.parent
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True
    )
    assert "computed (1, 1)" in ended.stdout, ended.stderr


def test_tensorflow_used_by_others_counts_too(monkeypatch):
    monkeypatch.setattr(_forks._Process, "used", False)
    monkeypatch.setattr(_forks._Process, "forked", False)
    dde.backend.tf.constant(1.0)
    _forks._after_fork()
    assert _forks._Process.forked
    with pytest.raises(RuntimeError, match="this would hang"):
        _forks.check_fork("this")


def test_before_tensorflow_starts_a_fork_is_harmless(monkeypatch):
    monkeypatch.setattr(_forks._Process, "used", False)
    monkeypatch.setattr(_forks._Process, "forked", False)
    monkeypatch.delitem(sys.modules, "tensorflow.python.eager.context")
    _forks._after_fork()
    assert not _forks._Process.forked
    assert hasattr(os, "register_at_fork") or sys.platform == "win32"
