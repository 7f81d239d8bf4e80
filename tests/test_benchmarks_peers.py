"""The peers: classical solvers are right, and claims are judged by the numbers."""

import importlib
import warnings
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module", autouse=True)
def _path():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "examples"))
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield


X, T = np.linspace(-1, 1, 41), np.linspace(0, 1, 11)


def relative(u, exact):
    return np.abs(u - exact).sum() / np.abs(exact).sum()


@pytest.mark.parametrize(
    "problem, sizes, mu, tolerance",
    [
        ("cdr", (32, 40), (2.0, 0.5, 2.0), 1e-6),
        ("convection", (8, 10), (8.0,), 1e-13),
        ("burgers", (128, 100), (0.02,), 1e-5),
    ],
)
def test_exponential_integrators_agree_with_the_references(
    problem, sizes, mu, tolerance
):
    module = importlib.import_module("_exponential_integrator")
    reference = importlib.import_module("reference")
    exact = {
        "cdr": reference.convection_diffusion_reaction,
        "convection": reference.convection,
        "burgers": importlib.import_module("reference_burgers").moving_front,
    }[problem]
    solver = module.Fourier(problem, *sizes)
    u = solver.values(solver.solve(mu), X, T)
    assert relative(u, exact(X, T, *mu)) < tolerance


def test_that_of_allen_cahn_too():
    module = importlib.import_module("_exponential_integrator")
    allen_cahn = importlib.import_module("reference_reaction_diffusion").allen_cahn
    solver, mu = module.AllenCahn(128, 80), (1e-3, 5.0)
    u = solver.values(solver.solve(mu), X, T)
    assert relative(u, allen_cahn(X, T, *mu)) < 1e-5


def test_the_integrator_is_of_fourth_order():
    etdrk4 = importlib.import_module("_exponential_integrator").etdrk4
    # u' = -3 u + u^2, u(0) = 1
    exact = 3 / (1 + 2 * np.exp(3))
    one = np.ones(1)
    coarse, fine = (
        abs(etdrk4(-3 * one, np.square, one, steps)[-1, 0] - exact)
        for steps in (10, 20)
    )
    assert 12 < coarse / fine < 20


def test_collocation_finds_kovasznay_flow():
    module = importlib.import_module("_collocation")
    kovasznay = importlib.import_module("reference_kovasznay").kovasznay
    solver = module.Kovasznay(14, 5)
    points = np.random.default_rng(0).uniform([-0.5, 0], [1, 1], (50, 2))
    w = solver.values(solver.solve((40.0,)), points)
    np.testing.assert_allclose(w, kovasznay(points, 40.0), atol=1e-6)


def source(x, mu):
    x0, y0, w = mu[:, 0:1], mu[:, 1:2], mu[:, 2:3]
    squared = (x[:, 0:1] - x0) ** 2 + (x[:, 1:2] - y0) ** 2
    return np.exp(-squared / (2 * w**2)) / (2 * np.pi * w**2)


HOLE = (0.3, 0.2), 0.25


def test_finite_elements_and_their_reduced_basis_agree_with_the_reference():
    module = importlib.import_module("_finite_elements")
    fem = importlib.import_module("reference_fem")
    fine = fem.DirichletProblem(fem.disk_with_hole(*HOLE))
    full = module.Poisson(source, *HOLE, 3, 6)
    mu = np.random.default_rng(0).uniform([-0.3, 0, 0.25], [-0.2, 0.1, 0.3], (40, 3))
    reduced = module.ReducedPoisson(full, mu[1:], 20)
    assert reduced.num_unknowns <= 20
    exact = fine.solve(lambda x: source(x, mu[:1]))
    u = full.values(full.solve(mu[0]), fine.points)
    assert fine.relative_l2(u, exact) < 1e-4
    in_basis = reduced.values(reduced.solve(mu[0]), fine.points)
    assert fine.relative_l2(in_basis, u) < 1e-3


def test_a_script_stops_where_it_would_train():
    module = importlib.import_module("_script")
    model, iterations, batch, script = module.until_training("burgers", True)
    assert (iterations, batch) == (script["ITERATIONS"], script["BATCH"])
    assert model.net.parameter_space == script["space"]
    assert model.train_state.step in (None, 0)


@pytest.mark.parametrize("name", ["cdr", "kovasznay"])
def test_mu_are_in_the_box_and_beside_it(name):
    family = importlib.import_module("_peer_families").family_of(name, True)
    mu, space = family.new_parameters(5, 6), family.space
    assert space.contains(mu).tolist() == [True] * 5 + [False] * 6
    values = mu[:, 1:] if name == "cdr" else mu
    assert (values >= 0).all()


def peer(online_ms, mean):
    return {
        "offline_s": 1.0,
        "unknowns": 3,
        "online_ms": online_ms,
        "mean": mean,
        "max": 2 * mean,
        "outside": 3 * mean,
        "memory_mb": 0.5,
        "num_mu": [30, 10],
    }


def test_a_peer_refutes_that_is_faster_and_more_accurate_than_a_setting_of_ours():
    claims = importlib.import_module("_peer_claims")
    peers = {
        "ours": peer(5, 1e-4),
        "ours_accurate": peer(50, 1e-6),
        "ours_basis": peer(0.5, 1e-5),
        "paper": peer(20, 1e-2),
        # Between two settings of ours, one of which is as good in both.
        "between": peer(4, 5e-5),
        # As accurate as the accurate one, but slower.
        "slow": peer(60, 1e-7),
        "fnn": peer(0.0, 1e-3),
        "broken": {"failed": "ValueError: ..."},
        "nan": peer(0.1, float("nan")),
    }
    assert claims.refuting(peers) == {}
    assert "holds on a." in claims.first_claim({"a": peers})
    peers["better"] = peer(5, 1e-7)
    assert claims.refuting(peers) == {"better": "ours_accurate"}
    said = claims.first_claim({"a": peers, "b": {"ours": peer(1, 1)}})
    assert "holds on b; does not hold on a: `better` (0.1 times the error" in said
    assert "0.1 times its time" in said


def test_the_basis_is_to_be_the_best_below_a_millisecond():
    claims = importlib.import_module("_peer_claims")
    peers = {"ours_basis": peer(0.5, 1e-5), "fnn": peer(0.0, 1e-3)}
    assert claims.best_below(peers) == "ours_basis"
    assert "holds on a." in claims.second_claim({"a": peers})
    peers["classical 8 x 8"] = peer(0.9, 1e-6)
    said = claims.second_claim({"a": peers})
    assert "does not hold on a: `classical 8 x 8` (0.1 times the error" in said
    peers["ours_basis"] = peer(1.5, 1e-7)
    assert "the basis takes 1.5 ms" in claims.second_claim({"a": peers})


def test_training_pays_where_it_divides_the_error_at_equal_unknowns():
    claims = importlib.import_module("_peer_claims")
    peers = {
        "ours": peer(1, 1e-4),
        "random": peer(1, 4e-4),
        "ours_accurate": peer(1, 1e-5),
        "random_accurate": peer(1, 2e-5),
    }
    assert claims.gains(peers) == pytest.approx({"ours": 4, "ours_accurate": 2})
    families = {"burgers": peers, "cdr": peers}
    said = claims.third_claim(families)
    assert "does not hold on burgers: `ours_accurate` 2 times." in said
    assert "cdr 4 (`ours`), 2 (`ours_accurate`)" in said
    peers["random_accurate"] = peer(1, 4e-5)
    assert "holds on burgers." in claims.third_claim(families)


def test_the_network_that_is_ahead_most_often_is_recommended():
    claims = importlib.import_module("_peer_claims")
    peers = {
        "ours": peer(1, 3.0),
        "fnn_fast": peer(1, 2.0),
        "ours_basis": peer(1, 1.0),
        "fnn_basis": peer(1, 0.5),
        "ours_accurate": peer(1, 1.0),
        "deeponet_states": peer(1, 2.0),
        "hypernetwork": peer(1, 1.0),
        "fnn": peer(1, 2.0),
    }
    said = claims.recommended({"a": peers})
    assert "FNN 2, HyperLRNR 1. Recommended: FNN." in said
    assert said.endswith("In a reduced basis: a FNN.")


def test_tables_and_figure_of_some_families_and_a_peer_that_failed():
    page = importlib.import_module("_peer_page")
    peers = {
        "ours": peer(5, 1e-4),
        "ours_basis": peer(0.5, 1e-5),
        "random": peer(5, 1e-2),
        "fnn": peer(0.0, 1e-3),
        "classical 8 x 8": peer(1, 1e-3),
        "classical 16 x 8": peer(2, 1e-5),
        "gpt_pinn": {"failed": "RuntimeError: no"},
    }
    results = {n: {"norm": "L1", "peers": peers} for n in ("burgers", "poisson")}
    text = page.describe(results)
    assert "| gpt_pinn | - | failed |" in text
    assert "`gpt_pinn`: RuntimeError: no" in text
    assert "--only poisson --json" in text
    words = page.in_words(results)
    assert words.startswith("- burgers: `ours_basis` 0.00100 % in 0.5 ms, `ours`")
    assert "holds on burgers, poisson" in words
    figure = page.draw(results)
    assert [axes.get_title() for axes in figure.axes] == ["burgers", "poisson"]
    (legend,) = figure.legends
    labels = [t.get_text() for t in legend.get_texts()]
    assert sorted(labels) == ["classical", "fnn", "ours", "ours_basis", "random"]
    assert page.describe({}).strip() == ""


@pytest.mark.slow
def test_all_peers_can_be_measured_on_a_system_with_conditions():
    peers = importlib.import_module("peers")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = peers.Comparison("kovasznay", True).everything()["peers"]
    assert {"ours_basis", "random", "deeponet_states", "gpt_pinn"} <= set(found)
    assert all(np.isfinite(p["mean"]) for p in found.values())
