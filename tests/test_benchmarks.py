"""The benchmarks run, and README says what they measured."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


@pytest.fixture(scope="module", autouse=True)
def _path():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield


def test_readme_says_what_the_files_say():
    text = (ROOT / "README.md").read_text()
    module = importlib.import_module("all")
    assert sorted(module.BLOCKS) == ["example", "peers", "picture", "speed"]
    for name in module.BLOCKS:
        assert f"<!-- {name} -->" in text
    assert module.filled(text, RESULTS) == text


def test_the_page_of_results_says_what_the_files_say(tmp_path):
    module = importlib.import_module("all")
    module.write_page(RESULTS, tmp_path / "results.md")
    page = (ROOT / "docs" / "results.md").read_text()
    assert (tmp_path / "results.md").read_text() == page
    pictures = re.findall(r"\]\((pictures/.*?)\)", page)
    assert pictures
    for picture in pictures:
        assert (ROOT / "docs" / picture).stat().st_size > 1000


def test_every_benchmark_has_a_section():
    module = importlib.import_module("all")
    scripts = {p.stem for p in (ROOT / "benchmarks").glob("[a-z]*.py")}
    # The gallery has a page of its own.
    scripts -= {"all", "gallery"}
    assert scripts == set(module.BENCHMARKS)
    for name in module.BENCHMARKS:
        benchmark = importlib.import_module(name)
        title, _, rest = benchmark.__doc__.strip().partition("\n")
        assert title and f"python benchmarks/{name}.py --json" in rest
        assert callable(benchmark.compute)


def test_a_block_is_filled_between_its_comments(monkeypatch):
    module = importlib.import_module("all")
    monkeypatch.setattr(module, "BLOCKS", {"a": lambda results: "new\n"})
    text = "x\n<!-- a -->\nold\nolder\n<!-- end -->\ny\n"
    assert module.filled(text, None) == "x\n<!-- a -->\nnew\n<!-- end -->\ny\n"


def test_tables_have_three_digits():
    harness = importlib.import_module("_harness")
    lines = harness.table(["a", "b"], [["x", 0.012345], ["y", 1234.5], ["z", 7]])
    assert lines.splitlines()[2:] == ["| x | 0.0123 |", "| y | 1234 |", "| z | 7 |"]
    assert harness.percent(0.0012345) == "0.123 %"
    assert harness.percent(float("nan")) == "-"


def test_a_tuned_network_starts_as_the_trained_one():
    module = importlib.import_module("_peers")
    families = importlib.import_module("_families")
    family = families.Family()
    space, net = family.space, module.fnn(families.build(family).net)
    mu = space.sample(3, "Halton")
    x = np.repeat(np.random.uniform(0, 1, (5, 2)), 3, axis=0).astype("float32")
    expected = net((mu, x))
    tuned = module.Tuned(net)
    for part in (slice(None), slice(1)):  # several mu, and the path for one
        rows = x if part == slice(None) else x[::3]
        z = tuned.coefficients(mu[part])
        actual = tuned.evaluate(mu[part], rows, z)
        wanted = expected if part == slice(None) else net((mu[part], rows))
        np.testing.assert_allclose(actual, wanted, rtol=1e-5, atol=1e-6)
    # A coefficient of one mu moves the values of this mu alone.
    z = np.array(tuned.coefficients(mu))
    z[1] += 0.1
    moved = np.abs(tuned.evaluate(mu, x, z) - expected).reshape(5, 3)
    assert moved[:, 1].max() > 1e-3
    assert moved[:, [0, 2]].max() < 1e-5


@pytest.mark.slow
def test_the_last_layer_starts_as_the_network_and_lowers_the_residual():
    module = importlib.import_module("_peers")
    families = importlib.import_module("_families")
    ours = families.build(families.Family())
    ours.compile("adam", lr=1e-3, verbose=0)
    model, _ = module.train_for(ours, (8, 8), module.fnn, 3)
    fast = model.reduce(rank=module.WIDTH, points=800)
    mu, x = np.array([[2.0, 0.5, 1.0]]), np.random.uniform(0, 1, (5, 2))
    last = module.LastLayer(fast)
    assert last.space.size == module.WIDTH + 1
    start = last.space.start(mu[0])
    wanted = model.predict(x, mu)
    np.testing.assert_allclose(last.predict(x, mu, [start]), wanted, atol=1e-5)
    found = last.solve(mu[0])
    at = last._equations.at(mu[0])
    before, after = (np.linalg.norm(at(w).held_out) for w in (start, found))
    states = fast.solve(mu[0])
    assert states.residual < after < 0.5 * before
    np.testing.assert_allclose(before, states.initial_residual, rtol=1e-8)


@pytest.mark.parametrize("name", ["by_qr", "by_gels"])
def test_what_a_solve_is_compared_with_is_the_least_squares_solution(name):
    module = importlib.import_module("fast_phase")
    rng = np.random.default_rng(0)
    J, r = rng.standard_normal((30, 7)), rng.standard_normal(30)
    wanted = np.linalg.lstsq(J, r, rcond=None)[0]
    found = getattr(module, name)(J.copy(order="F"), r.copy())
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def test_a_block_that_is_not_measured_says_so(tmp_path):
    module = importlib.import_module("all")
    for name, block in module.BLOCKS.items():
        text = block(tmp_path)
        # A figure that is not there needs no words; the table beside it has them.
        assert "Not measured" in text if name != "picture" else text == "", name


@pytest.mark.slow
def test_every_benchmark_runs_in_a_small_size():
    command = [sys.executable, ROOT / "benchmarks" / "all.py", "--quick"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True)
    page = Path(printed.stdout.rpartition("Written: ")[2].strip())
    results = page.parent.parent / "results"
    module = importlib.import_module("all")
    for name in module.BENCHMARKS:
        assert json.loads((results / f"{name}.json").read_text())["seconds"] > 0
        assert f"benchmarks/{name}.py" in page.read_text()
