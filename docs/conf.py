"""Configuration of the documentation; `sphinx-build -W docs docs/_build`."""

import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("DDE_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from deepxde_lrnr import __version__  # noqa: E402

project = "deepxde_lrnr"
author = "deepxde_lrnr developers"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"deepxde_lrnr {version}"


def gallery(app):
    """The gallery is the page of the examples, with its pictures."""
    source = HERE.parent / "examples"
    text = "# Gallery\n\nThe examples stand in `examples/`.\n"
    if (source / "README.md").exists():
        text = (source / "README.md").read_text()
    page = HERE / "gallery.md"
    if not page.exists() or page.read_text() != text:
        page.write_text(text)
    for folder in source.iterdir():
        if folder.is_dir() and any(folder.glob("*.png")):
            shutil.copytree(folder, HERE / folder.name, dirs_exist_ok=True)


def escape_norms(app, what, name, obj, options, lines):
    """Docstrings write ||x|| and |x|, which reStructuredText takes for substitutions.

    Literals, in double backquotes, are left as they are.
    """
    for i, line in enumerate(lines):
        parts = line.split("``")
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[i] = "``".join(parts)


def setup(app):
    app.connect("builder-inited", gallery)
    app.connect("autodoc-process-docstring", escape_norms)
