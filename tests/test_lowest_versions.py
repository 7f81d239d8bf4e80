"""CI tests the lowest versions that pyproject.toml declares: these and no others."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = runpy.run_path(str(ROOT / ".ci" / "lowest.py"))


@pytest.fixture(scope="module")
def printed():
    output = subprocess.run(
        [sys.executable, ROOT / ".ci" / "lowest.py"], capture_output=True, check=True
    )
    return [Requirement(line) for line in output.stdout.decode().splitlines()]


@pytest.fixture(scope="module")
def project():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return SCRIPT["tomllib"].loads(text)["project"]


def test_every_dependency_is_held_at_the_lower_end_of_what_is_declared(
    printed, project
):
    declared = [Requirement(d) for d in project["dependencies"]]
    pinned = {r.name: r for r in printed}
    assert {r.name for r in declared} <= set(pinned)
    assert {"deepxde", "tensorflow", "numpy", "dask"} <= set(pinned)
    for requirement in declared:
        (specifier,) = pinned[requirement.name].specifier
        assert specifier.operator == "=="
        version = Version(specifier.version)
        assert version in requirement.specifier
        # The release before, whichever it was, is not allowed.
        below = Version(f"{version}.dev0")
        assert not requirement.specifier.contains(below, prereleases=True)


def test_what_only_tests_need_may_be_new(printed, project):
    tests = {Requirement(d).name for d in project["optional-dependencies"]["test"]}
    assert "pytest" in tests
    assert not tests & {r.name for r in printed}


@pytest.mark.parametrize(
    "declaration, constraint",
    [
        ("numpy>=1.26", "numpy==1.26"),
        ("ruff >=0.17, <0.18", "ruff==0.17"),
        # A constraint must not have extras.
        ("dask[distributed]>=2024.8", "dask==2024.8"),
        ("zarr>=3; python_version >= '3.11'", 'zarr==3; python_version >= "3.11"'),
    ],
)
def test_the_constraint_of_a_declaration(declaration, constraint):
    assert SCRIPT["lowest"](declaration) == constraint


@pytest.mark.parametrize("declaration", ["numpy", "numpy<3", "numpy==1.26"])
def test_a_declaration_without_a_lower_bound_is_named(declaration):
    with pytest.raises(ValueError, match=re.escape(f"{declaration!r} has 0 lower")):
        SCRIPT["lowest"](declaration)


def test_ci_begins_with_the_lowest_python_that_is_declared(project):
    lowest = project["requires-python"].removeprefix(">=")
    run = (ROOT / ".ci" / "run").read_text()
    assert f"first_python {lowest} " in run
    for page in ("README.md", "docs/install.md"):
        assert f"Python {lowest} or later" in (ROOT / page).read_text()
