"""Every example runs from its first line to its last, in a short form."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
# Modules that examples import, and examples with a test file of their own.
NOT_HERE = {"family", "reference", "report", "drop_in_burgers"}
SCRIPTS = sorted(
    p
    for p in EXAMPLES.glob("*.py")
    if p.stem not in NOT_HERE and not p.stem.startswith("reference_")
)


def errors_fall(printed, figures):
    """The table of errors: some training is enough to be better than nothing at all."""
    mean = re.search(r"^ *mean \|(.*)$", printed, re.MULTILINE)
    assert mean, printed[-2000:]
    errors = [float(e) for e in re.findall(r"([\d.]+)%", mean.group(1))]
    assert len(errors) >= 2
    # The table has six digits after the point; some errors are smaller.
    assert 0 <= errors[1] <= errors[0] < 100
    assert figures["after_mean"] > 0
    for error, when in zip(errors, ("before", "after"), strict=False):
        assert figures[f"{when}_mean"] == pytest.approx(error / 100, abs=1e-6)
    assert figures["milliseconds"] > 0 and figures["offline_seconds"] > 0


def error_of_one(printed, figures):
    """A single mu, without the plugin."""
    (error,) = re.findall(r"^L1 relative error ([\d.]+)%", printed, re.MULTILINE)
    assert 0 < float(error) < 100


def estimates_with_error_bars(printed, figures):
    # Whatever the network has learned, the error bars hold for the reference solver.
    assert figures["largest_reference_error"] < 4
    assert 0 < max(figures["mean_deviation"]) < 0.2
    assert all(0 <= c <= 1 for c in figures["coverage"].values())
    assert 1 < figures["sample_size"] <= figures["draws"]
    assert f"sample size: {figures['sample_size']:.6g}\n" in printed


def a_minimum_of_the_functional(printed, figures):
    # Of a basis to three per cent, whose least squares leave a residual.
    assert figures["gradient_error"] < 2e-2
    assert figures["starts_apart"] < 1e-3 and figures["reference_apart"] < 1e-3
    assert 0 <= figures["loss"] < 0.05
    assert "reference value: " in printed


def quantiles_near_the_reference(printed, figures):
    assert 0 < figures["paired"] < 0.05
    assert 0 < figures["sampling"] < 0.1
    assert 0 < figures["in_basis"] <= figures["draws"]
    assert 0 < figures["estimate"] < 1
    assert f"draws: {figures['draws']}\n" in printed


def indices_near_the_reference(printed, figures):
    errors_fall_at_draws(printed, figures)
    assert figures["estimated_mean"] < 5 * figures["after_mean"]
    assert 0 < figures["mean_error"] < 0.01 and 0 < figures["variance_error"] < 0.02
    assert 0 <= figures["index_error"] < 0.02
    assert figures["explained_variance"] > 0.99
    assert "index error: " in printed


def errors_fall_at_draws(printed, figures):
    assert 0 < figures["after_mean"] < 0.01 < figures["before_mean"]
    assert f"mean | {figures['before_mean']:11.4%}" in printed


CHECKS = {
    "darcy": indices_near_the_reference,
    "diffusion_reaction_single": error_of_one,
    "design": a_minimum_of_the_functional,
    "inverse": estimates_with_error_bars,
    "uncertainty": quantiles_near_the_reference,
}


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_an_example_ends_in_errors_and_a_picture(script, tmp_path):
    if script.stem == "darcy":
        pytest.importorskip("SALib", reason="of the extra examples")
    environment = {**os.environ, "DEEPXDE_LRNR_QUICK": "1", "MPLBACKEND": "Agg"}
    environment.pop("DDE_BACKEND", None)  # a newcomer has not chosen one
    if script.stem == "diffusion_reaction_single":  # without the plugin one must
        environment["DDE_BACKEND"] = "tensorflow"
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
    results = tmp_path / "results"
    kept = results / f"{script.stem}.json"
    figures = json.loads(kept.read_text()) if kept.exists() else None
    CHECKS.get(script.stem, errors_fall)(result.stdout, figures)
    assert (results / f"{script.stem}.png").stat().st_size > 10_000
