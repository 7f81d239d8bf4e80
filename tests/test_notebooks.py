"""Notebooks of the examples: what they show is what a reader gets who runs them."""

import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "examples"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def code_cells(notebook):
    cells = json.loads(notebook.read_text())["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def test_there_are_notebooks():
    assert [n.stem for n in NOTEBOOKS] == ["first_family", "inverse_problem"]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.stem)
def test_they_are_stored_as_they_ran_from_the_first_cell_to_the_last(notebook):
    cells = code_cells(notebook)
    counts = [cell["execution_count"] for cell in cells]
    assert counts == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    kinds = [output["output_type"] for output in outputs]
    assert "error" not in kinds and "display_data" in kinds  # a picture
    assert all(output.get("name") != "stderr" for output in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda n: n.stem)
def test_they_run_and_print_the_same_errors_but_for_a_factor(notebook, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    fresh = nbformat.read(notebook, as_version=4)
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(fresh, timeout=600, resources=where).execute()
    stored = errors_of(code_cells(notebook))
    found = errors_of(cell for cell in fresh.cells if cell["cell_type"] == "code")
    assert stored and len(found) == len(stored)
    for new, old in zip(found, stored, strict=True):
        assert new <= 10 * old + 1e-9


def errors_of(cells) -> list[float]:
    """Numbers that follow the word "error", or "mean" and "max" of them."""
    text = "\n".join(
        "".join(output["text"])
        for cell in cells
        for output in cell["outputs"]
        if output.get("name") == "stdout"
    )
    number = r"(?:error|mean|max)[^\n,]*? (\d\.?\d*e-\d+)"
    return [float(n) for n in re.findall(number, text)]
