"""Importing the package chooses DeepXDE's backend, or says why it cannot."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BACKEND_FILE = ROOT / "deepxde_lrnr" / "_backend.py"

# Runs _backend.py alone, and shows what it did without a word of TensorFlow.
LOAD = f"""
import os, runpy, sys
runpy.run_path({str(BACKEND_FILE)!r})
assert not any(name in sys.modules for name in ("tensorflow", "deepxde.backend"))
print(os.environ.get("DDE_BACKEND"))
"""

# The same after an import of DeepXDE with the backend {name}.
LOAD_AFTER_DEEPXDE = """
import sys, types
deepxde = types.ModuleType("deepxde")
deepxde.backend = types.ModuleType("deepxde.backend")
deepxde.backend.backend_name = {name!r}
sys.modules["deepxde"] = deepxde
import os, runpy
runpy.run_path({path!r})
print(os.environ.get("DDE_BACKEND"))
"""


@pytest.fixture
def home(tmp_path):
    """A home directory in which nothing has been chosen."""
    return tmp_path


def run(code, home, **variables):
    """Runs Python code where only `variables` and files in `home` choose."""
    environment = {k: v for k, v in os.environ.items() if "DDE" not in k}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), **variables}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def choose_in_file(home, content):
    path = home / ".deepxde" / "config.json"
    path.parent.mkdir()
    path.write_text(content)
    return path


def printed(result):
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().splitlines()[-1]


def import_error(result):
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    return last


def test_package_chooses_tensorflow_and_writes_no_file(home):
    code = "import deepxde_lrnr, deepxde; print(deepxde.backend.backend_name)"
    assert printed(run(code, home)) == "tensorflow"
    assert not (home / ".deepxde").exists()


def test_nothing_chosen_chooses_tensorflow(home):
    assert printed(run(LOAD, home)) == "tensorflow"
    assert not (home / ".deepxde").exists()


@pytest.mark.parametrize("variable", ["DDE_BACKEND", "DDEBACKEND"])
def test_variable_that_chooses_tensorflow_is_left_as_it_is(home, variable):
    result = run(LOAD, home, **{variable: "tensorflow"})
    assert printed(result) == ("tensorflow" if variable == "DDE_BACKEND" else "None")


@pytest.mark.parametrize("variable", ["DDE_BACKEND", "DDEBACKEND"])
@pytest.mark.parametrize("other", ["pytorch", "jax", "tensorflow.compat.v1", ""])
def test_variable_that_chooses_another_backend_is_an_error(home, variable, other):
    message = import_error(run(LOAD, home, **{variable: other}))
    assert f'{variable} is set to "{other}"' in message
    assert "Set DDE_BACKEND=tensorflow" in message
    assert f"unset {variable}" in message


def test_new_variable_comes_before_the_old_one_and_the_file(home):
    choose_in_file(home, json.dumps({"backend": "jax"}))
    result = run(LOAD, home, DDE_BACKEND="tensorflow", DDEBACKEND="pytorch")
    assert printed(result) == "tensorflow"


@pytest.mark.parametrize("name", ["tensorflow", "TensorFlow"])
def test_file_that_chooses_tensorflow_is_respected(home, name):
    content = json.dumps({"backend": name})
    path = choose_in_file(home, content)
    assert printed(run(LOAD, home)) == "None"
    assert path.read_text() == content


@pytest.mark.parametrize("other", ["pytorch", "tensorflow.compat.v1"])
def test_file_that_chooses_another_backend_is_an_error(home, other):
    content = json.dumps({"backend": other})
    path = choose_in_file(home, content)
    message = import_error(run(LOAD, home))
    assert f'{path} chooses "{other}"' in message
    assert "DDE_BACKEND=tensorflow" in message
    assert "python -m deepxde.backend.set_default_backend tensorflow" in message
    assert path.read_text() == content


def test_broken_file_is_an_error_that_names_it(home):
    path = choose_in_file(home, "backend: tensorflow")
    message = import_error(run(LOAD, home))
    assert str(path) in message
    assert "not valid JSON" in message


def test_deepxde_imported_before_with_tensorflow_is_fine(home):
    code = LOAD_AFTER_DEEPXDE.format(name="tensorflow", path=str(BACKEND_FILE))
    assert printed(run(code, home)) == "None"


@pytest.mark.parametrize("other", ["pytorch", "tensorflow.compat.v1"])
def test_deepxde_imported_before_with_another_backend_is_an_error(home, other):
    code = LOAD_AFTER_DEEPXDE.format(name=other, path=str(BACKEND_FILE))
    message = import_error(run(code, home, DDE_BACKEND="tensorflow"))
    assert f'already been imported with "{other}"' in message
    assert "DDE_BACKEND=tensorflow" in message
    assert "start Python anew" in message
