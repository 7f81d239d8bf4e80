"""Every example runs from its first line to its last, in a short form."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
# Modules that examples import, and examples with a test file of their own.
NOT_HERE = {"reference", "report", "drop_in_burgers"}
SCRIPTS = sorted(
    p
    for p in EXAMPLES.glob("*.py")
    if p.stem not in NOT_HERE and not p.stem.startswith("reference_")
)
# What tests of every push can afford; the others are marked slow.
FAST = {"convection_diffusion_reaction_loss_terms"}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(p, id=p.stem, marks=() if p.stem in FAST else pytest.mark.slow)
        for p in SCRIPTS
    ],
)
def test_an_example_ends_in_a_table_of_errors_and_a_picture(script, tmp_path):
    environment = {**os.environ, "DEEPXDE_LRNR_QUICK": "1", "MPLBACKEND": "Agg"}
    environment.pop("DDE_BACKEND", None)  # a newcomer has not chosen one
    result = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={
            **environment,
            "HOME": str(tmp_path),
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(EXAMPLES.parent), os.environ.get("PYTHONPATH")])
            ),
        },
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    mean = re.search(r"^ *mean \|(.*)$", result.stdout, re.MULTILINE)
    assert mean, result.stdout[-2000:]
    errors = [float(e) for e in re.findall(r"([\d.]+)%", mean.group(1))]
    assert len(errors) >= 2
    # Some steps of training are enough to be better than nothing at all.
    assert 0 < errors[1] <= errors[0] * 1.05 < 100
    assert (tmp_path / "results" / f"{script.stem}.png").stat().st_size > 10_000
