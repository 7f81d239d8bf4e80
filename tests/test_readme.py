"""The script of README.md runs as it stands there, and is right."""

import re
from pathlib import Path

import deepxde_lrnr as lrnr
import numpy as np
import pytest

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.slow
def test_the_script_of_the_readme_solves_its_problem():
    (script,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    names = {}
    exec(compile(script, str(README), "exec"), names)
    # -kappa u'' = pi^2 sin(pi x), u(0) = u(1) = 0, kappa = 1.3
    exact = np.sin(np.pi * np.linspace(0, 1, 101)[:, None]) / 1.3
    assert np.abs(names["u"] - exact).max() < 0.01


def test_the_citation_is_of_this_version():
    citation = (README.parent / "CITATION.cff").read_text()
    assert f'version: "{lrnr.__version__}"' in citation
