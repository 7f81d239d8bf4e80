"""Pages do what they say: blocks run, messages exist, the drawing is its script's."""

import ast
import re
import sys
from pathlib import Path

import deepxde_lrnr as lrnr
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled

DOCS = Path(__file__).resolve().parent.parent / "docs"
# Without those that a build generates.
PAGES = [p for p in sorted(DOCS.rglob("*.md")) if "_generated" not in p.parts]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
# Shown only: what would take long, or needs a cluster.
FRAGMENT = re.compile(r"^```\{code-block\} python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page):
    return BLOCK.findall(page.read_text())


# What a page claims about its own results, given its names after the last block.
CLAIMS = {
    "first_family": lambda n: (
        n["error"] < 0.01 and n["solution"].residual <= n["solution"].initial_residual
    ),
    "geometry": lambda n: np.isfinite(n["solution"].residual),
    "deformations": lambda n: n["error"] < 1e-3 and len(n["condition"].points) > 0,
    "conditions": lambda n: np.isfinite(losses_of(n)).all(),
    "transforms": lambda n: np.allclose(n["u"].ravel(), [2, 4, 2], atol=1e-4),
    "fields": lambda n: (
        n["error"] < 1e-3 and abs(n["values"].var() - n["variance"]) < 0.2
    ),
    "plots": lambda n: n["left"].get_figure() is not None,
    "sweeps": lambda n: n["stored"]["values"].shape == (500, 11, 1),
    "saving": lambda n: np.array_equal(
        n["before"].coefficients, n["after"].coefficients
    ),
    "long_trainings": lambda n: (
        n["model"].train_state.step == 200 and n["error"].step == 101
    ),
    "reduced_basis": lambda n: (
        n["basis"].usable
        and np.allclose(n["slopes"][-1, 0], np.exp(-1.3) * np.array([-1.7, 1]), 1e-3)
    ),
    "polish": lambda n: n["solution"].residual < 1e-6,
    "other_networks": lambda n: all(
        np.allclose(u, np.exp(1.3 * n["t"]), rtol=1e-6) for u in (n["u"], n["v"])
    ),
    "install": lambda n: True,
}


def without_xla(self, function, xla=True):
    """XLA compiles for longer than the pages compute."""
    self.function = self._plain = tf.function(function)


def losses_of(names):
    return np.concatenate([np.ravel(loss) for loss in names["losses"].loss_train])


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [p for p in PAGES if blocks(p)], ids=lambda page: page.stem
)
def test_the_blocks_of_a_page_run_one_after_the_other(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Compiled, "__init__", without_xla)
    names = {"__name__": "page"}
    text = page.read_text()
    for block in BLOCK.finditer(text):
        # At its own lines of the page: autograph reads the source of functions there.
        code = "\n" * text[: block.start(1)].count("\n") + block[1]
        exec(compile(code, str(page), "exec"), names)
    plt.close("all")
    assert CLAIMS[page.stem](names)


def test_what_is_only_shown_is_at_least_python_and_is_marked():
    number = 0
    for page in PAGES:
        for fragment in FRAGMENT.findall(page.read_text()):
            mark, _, code = fragment.partition("\n\n")
            assert mark == ":class: fragment", page
            compile(code, str(page), "exec")
            number += 1
    assert 0 < number < sum(len(blocks(page)) for page in PAGES) / 3


def templates():
    """Strings of the package's code, with a NUL for each value that is put in."""

    def text(node):
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(map(text, node.values))
        return "\0"

    for path in Path(lrnr.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.JoinedStr, ast.Constant)):
                yield text(node)


def test_messages_that_are_explained_are_those_of_the_code():
    text = (DOCS / "troubleshooting.md").read_text()
    headings = re.findall(r"^### (`.*`)$", text, re.MULTILINE)
    messages = [m for h in headings for m in re.findall("`(.*?)`", h)]
    assert len(messages) > 25
    known = list(templates())
    for message in messages:
        parts = [re.escape(part) for part in message.split("...")]
        pattern = re.compile(".*".join(parts), re.DOTALL)
        assert any(pattern.search(template) for template in known), message


def test_the_drawing_of_the_pipeline_is_that_of_its_script(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import draw_pipeline

    draw_pipeline.save(tmp_path / "new.svg")
    sys.modules.pop("draw_pipeline")

    def words(path):
        return re.findall(r">([^<>]+)</text>", path.read_text())

    drawn = words(tmp_path / "new.svg")
    assert drawn == words(DOCS / "pictures" / "pipeline.svg")
    public = {"ParametricPDE", "Model", "FastModel", "Solution"}
    assert public <= set(drawn)
    for name in public - {"ParametricPDE"}:
        assert hasattr(lrnr, name)


def test_the_gallery_becomes_a_page_of_the_site(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    import conf

    sys.modules.pop("conf")
    text = (
        '<a id="wave"></a>\n\n## Waves\n[wave.py](wave.py), [wave](#wave)\n'
        "![Waves](pictures/wave.png) [paper](https://arxiv.org)\n"
    )
    assert conf.as_page(text) == (
        "(wave)=\n\n## Waves\n`examples/wave.py`, [wave](#wave)\n"
        "![Waves](pictures/wave.png) [paper](https://arxiv.org)\n"
    )


def test_every_public_name_is_in_the_reference():
    text = (DOCS / "api.md").read_text()
    for module in ("data", "nn", "callbacks", "optimizers", "fast_phase"):
        for name in getattr(lrnr, module).__all__:
            short = f"deepxde_lrnr.{name}" in text
            assert short or f"deepxde_lrnr.{module}.{name}" in text, name
    for name in lrnr.__all__:
        is_module = name in ("data", "nn", "callbacks", "optimizers", "fast_phase")
        assert is_module or name == "__version__" or f"deepxde_lrnr.{name}" in text


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+?)\)", page.read_text()):
            if not re.match(r"https?://", target):
                assert (page.parent / target).exists(), f"{page}: {target}"
