"""The drop-in example runs, shortened, and ends in the errors of both networks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_drop_in_burgers_prints_parameters_and_errors_of_both_networks(tmp_path):
    run = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "drop_in_burgers.py")],
        cwd=tmp_path,
        env={
            **os.environ,
            "DEEPXDE_LRNR_QUICK": "1",
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
            ),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    lines = re.findall(
        r"^(\w+): (\d+) parameters, L2 relative error ([\d.e+-]+), \d+ s$",
        run.stdout,
        re.MULTILINE,
    )
    assert [name for name, *_ in lines] == ["FNN", "LRNR"]
    parameters = [int(count) for _, count, _ in lines]
    assert abs(parameters[0] - parameters[1]) < 0.05 * parameters[0]
    assert all(0 < float(error) < 2 for *_, error in lines)
    assert (tmp_path / "results" / "drop_in_burgers.png").exists()
