"""Imports point up the table of CONTRIBUTING.md; one file knows DeepXDE's inside."""

import ast
import graphlib
import re
from pathlib import Path

import deepxde
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "deepxde_lrnr"


def module_of(path):
    """The module in a file, e.g. ("deepxde_lrnr", "data", "residual")."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


# The package itself is left out: it names what others hold, and imports it on demand.
FILES = {module_of(path): path for path in PACKAGE.rglob("*.py")}
MODULES = [module for module in FILES if len(module) > 1]


def imported_by(module) -> set:
    """Modules of the package that one imports, at its top or in a function."""
    path = FILES[module]
    package = module if path.name == "__init__.py" else module[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = (*start, *(node.module or "").split(".")) if node.module else start
            # What is imported may be a module, or a name in one.
            names = {(*base, alias.name) for alias in node.names}
            found |= {name if name in FILES else base for name in names}
    return {name for name in found if name[0] == PACKAGE.name}


def layers() -> list[str]:
    """The folders and files in the first column of the table, from its top."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    cells = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", text, re.MULTILINE)
    names = [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]
    start = f"{PACKAGE.name}/"
    return [
        n.removeprefix(start).removesuffix(".py") for n in names if n.startswith(start)
    ]


def layer_of(module) -> str:
    return "_*" if re.match(r"_[^_]", module[1]) else module[1]


def test_the_table_has_every_folder_and_file():
    assert sorted(layers()) == sorted({layer_of(module) for module in MODULES})


@pytest.mark.parametrize("layer", layers())
def test_imports_point_up_the_table(layer):
    above = layers()[: layers().index(layer) + 1]
    wrong = [
        f"{'.'.join(module)} imports {'.'.join(other)}"
        for module in MODULES
        if layer_of(module) == layer
        for other in imported_by(module)
        if len(other) == 1 or layer_of(other) not in above
    ]
    assert not wrong


def test_no_modules_import_each_other_in_a_circle():
    graph = {module: imported_by(module) for module in MODULES}
    assert graph["deepxde_lrnr", "model"]  # they are read at all
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which lists them


def private_names(path, classes=None) -> set:
    """Names with an underscore that classes in a file define, or that a file uses."""
    tree = ast.parse(path.read_text())
    nodes = [tree]
    if classes is not None:
        nodes = [n for n in tree.body if getattr(n, "name", None) in classes]
    found = set()
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return {name for name in found if re.match(r"_[^_]", name)}


def test_one_file_knows_what_deepxde_keeps_to_itself():
    folder = Path(deepxde.__file__).parent
    theirs = private_names(folder / "model.py", {"Model", "TrainState"})
    theirs |= private_names(folder / "nn" / "tensorflow" / "nn.py", {"NN"})
    theirs |= private_names(folder / "data" / "sampler.py", {"BatchSampler"})
    own = PACKAGE / "_deepxde.py"
    assert {"_test", "_train_step", "_indices"} <= theirs & private_names(own)
    others = [path for path in PACKAGE.rglob("*.py") if path != own]
    wrong = {path.name: theirs & private_names(path) for path in others}
    assert not {name: found for name, found in wrong.items() if found}
    for path in others:
        for word in ("outputs_losses", '"timedomain"', "autocache"):
            assert word not in path.read_text(), path
