"""What only reads arguments or files imports no TensorFlow; all names are there."""

import ast
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("tensorflow", "keras", "deepxde", "scipy", "matplotlib")
# Runs the package as `python -m` does, and says how it ended and what was imported.
RUN = f"""
import runpy, sys
sys.argv = ["deepxde_lrnr", *sys.argv[1:]]
try:
    runpy.run_module("deepxde_lrnr", run_name="__main__")
except SystemExit as end:
    print("exit code", end.code)
print("imported", [name for name in {HEAVY} if name in sys.modules])
"""


def run(code, *arguments, **variables):
    ended = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return ended.stdout, ended.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    space = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
    geometry = dde.geometry.TimeDomain(0, 1)
    lrnr.Model(*families.decay_network(geometry, space)).save(folder / "model.npz")
    families.decay(geometry, space).save(folder / "fast.npz")
    (folder / "problem.py").write_text("raise SystemExit('was executed')\n")
    return folder


@pytest.mark.parametrize(
    "line, code, says",
    [
        ("--help", 0, "info FILE"),
        ("predict --help", 0, "--grid"),
        ("info {0}/model.npz", 0, "to train or reduce"),
        ("info {0}/fast.npz", 0, "trial space"),
        ("info {0}/none.npz", 1, "No such file"),
        ("", 2, "COMMAND"),
        ("predict {0}/fast.npz --mu k=1 --out o.npz", 2, "--grid"),
        ("predict {0}/fast.npz --mu k=1 --grid 9 --out o.npz", 2, "--mu lacks a"),
        ("predict {0}/fast.npz --mu k=1,a=1 --grid 0 --out o.npz", 2, "--grid is"),
        ("sweep {0}/fast.npz --mus no.csv --grid 9 --out o.npz", 1, "No such file"),
        ("solve {0}/fast.npz --mu k=1,a=1 --grid 9 --out no/o.npz", 2, "no folder"),
    ],
)
def test_reading_arguments_and_files_imports_nothing_heavy(folder, line, code, says):
    out, err = run(RUN, *line.format(folder).split())
    assert f"exit code {code}" in out and says in out + err
    assert "imported []" in out


def test_importing_the_package_imports_nothing_heavy():
    out, _ = run(
        "import sys, deepxde_lrnr as lrnr\n"
        "lrnr.ParameterSpace(k=(0, 1)).as_array({'k': 0.5}), lrnr.FileFormatError\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert out.strip() == "[]"


def test_every_name_is_there_by_attribute_by_from_and_by_star():
    names = {}
    exec("from deepxde_lrnr import *", names)
    for name in lrnr.__all__:
        assert names[name] is getattr(lrnr, name)
    assert {*lrnr.__all__, "__getattr__"} <= set(dir(lrnr))
    with pytest.raises(AttributeError, match="no attribute 'sweeep'"):
        getattr(lrnr, "sweeep")  # noqa: B009
    with pytest.raises(ImportError, match="cannot import name 'Modell'"):
        exec("from deepxde_lrnr import Modell")


def test_type_checkers_are_told_the_names_that_are_imported_later():
    tree = ast.parse(Path(lrnr.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    told = {
        alias.name: statement.module
        for statement in block.body
        for alias in statement.names
    }
    assert told == {**dict.fromkeys(lrnr._MODULES), **lrnr._HOME}
    assert {*told, "__version__"} == set(lrnr.__all__)


def test_no_module_can_take_the_place_of_a_function_or_class():
    modules = {module.name for module in pkgutil.iter_modules(lrnr.__path__)}
    assert not modules & set(lrnr._HOME)
    # Whatever was imported before: a sweep over workers imports this module.
    out, err = run(
        "import deepxde_lrnr.sweeps.sweep, deepxde_lrnr as lrnr\n"
        "print(callable(lrnr.sweep))"
    )
    assert out.strip().endswith("True"), err


def test_a_backend_that_is_changed_before_the_first_use_is_an_error():
    code = (
        "import os, deepxde_lrnr as lrnr\n"
        "os.environ['DDE_BACKEND'] = 'pytorch'\n"
        "lrnr.Model"
    )
    _, err = run(code)
    assert "ImportError: deepxde_lrnr needs DeepXDE's backend" in err
    assert 'DDE_BACKEND is set to "pytorch"' in err
