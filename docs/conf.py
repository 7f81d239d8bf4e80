"""Configuration of the documentation; `sphinx-build -W docs docs/_build`."""

import os
import re
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
    """Makes the page of the gallery from that in examples/, if it has been written."""
    source, target = HERE.parent / "examples", HERE / "_generated"
    target.mkdir(exist_ok=True)
    text = "# Gallery\n\nThe examples stand in `examples/`.\n"
    if (source / "README.md").exists():
        text = as_page((source / "README.md").read_text())
    if (source / "pictures").exists():
        shutil.copytree(source / "pictures", target / "pictures", dirs_exist_ok=True)
    page = target / "gallery.md"
    if not page.exists() or page.read_text() != text:
        page.write_text(text)


def as_page(text: str) -> str:
    """What is a page of the repository as one of the site.

    Anchors become targets of MyST, and links to files of examples/, which are not in
    the site, become their names.
    """
    text = re.sub(r'<a id="([^"]+)"></a>', r"(\1)=", text)
    return re.sub(r"(?<!!)\[[^\]]+\]\((?!https?:|#)([^)]+)\)", r"`examples/\1`", text)


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
