"""Gauss-Newton steps in NumPy, against SciPy's and by hand."""

import numpy as np
import pytest
from deepxde_lrnr.fast_phase.factors import Factors
from deepxde_lrnr.fast_phase.gauss_newton import minimise
from deepxde_lrnr.fast_phase.jet_equations import Linearised
from scipy.optimize import least_squares


def problem(residual, jacobian, held_out=None):
    """For ``minimise``; ``calls`` counts residuals and Jacobians."""
    calls = {"residuals": 0, "jacobians": 0}

    def evaluate(w):
        calls["residuals"] += 1
        r = residual(w)

        def J():
            calls["jacobians"] += 1
            return np.asfortranarray(jacobian(w))

        return Linearised(r, r if held_out is None else held_out(w), J)

    return evaluate, calls


def affine(m=30, n=6, seed=0):
    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((m, n)), rng.standard_normal(m)
    return A, b, *problem(lambda w: A @ w - b, lambda w: A.copy())


def curved(seed=0, size=0.3):
    """sin and squares of affine functions."""
    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((40, 5)), rng.standard_normal(40)

    def residual(w):
        v = A @ w
        return v + size * np.sin(v) ** 2 - b

    def jacobian(w):
        return (1 + size * np.sin(2 * A @ w))[:, None] * A

    return residual, jacobian


def test_an_affine_problem_takes_one_step():
    A, b, evaluate, calls = affine()
    start = np.ones(6)
    found = minimise(evaluate, start, 20, 1e-3)
    np.testing.assert_allclose(
        found.unknowns, np.linalg.lstsq(A, b, rcond=None)[0], rtol=1e-10
    )
    assert len(found.history) == 2 and found.status == "converged"
    assert found.factorisations == calls["jacobians"] == 1
    assert calls["residuals"] == 2
    np.testing.assert_allclose(found.history[0], np.sum((A @ start - b) ** 2))
    np.testing.assert_array_equal(start, 1)


@pytest.mark.parametrize("seed", range(5))
def test_a_curved_problem_ends_where_scipy_ends(seed):
    residual, jacobian = curved(seed)
    evaluate, calls = problem(residual, jacobian)
    found = minimise(evaluate, np.zeros(5), 100, 1e-9)
    expected = least_squares(
        residual, np.zeros(5), jacobian, ftol=1e-15, xtol=1e-15, gtol=1e-15
    )
    np.testing.assert_allclose(found.unknowns, expected.x, atol=1e-6)
    np.testing.assert_allclose(found.history[-1], 2 * expected.cost, rtol=1e-9)
    # A Jacobian serves several steps.
    assert calls["jacobians"] == found.factorisations <= len(found.history)


@pytest.mark.parametrize("size", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_objective_never_rises_however_curved(seed, size):
    evaluate, _ = problem(*curved(seed, size))
    start = 3 * np.random.default_rng(seed).standard_normal(5)
    found = minimise(evaluate, start, 15, 1e-6)
    assert (np.diff(found.history) < 0).all()
    assert len(found.history) <= 16 and len(found.held_out) == len(found.history)
    np.testing.assert_array_equal(
        evaluate(found.unknowns).fitted @ evaluate(found.unknowns).fitted,
        found.history[-1],
    )


def test_iterations_are_counted_and_said():
    evaluate, _ = problem(*curved())
    found = minimise(evaluate, np.full(5, 2.0), 1, 0)
    assert found.status == "iterations done" and len(found.history) == 2


def test_columns_that_say_the_same_do_no_harm():
    A, b, _, _ = affine()
    twice = np.hstack([A, A[:, :2], 0 * A[:, :1]])
    evaluate, _ = problem(lambda w: twice @ w - b, lambda w: twice.copy())
    found = minimise(evaluate, np.zeros(9), 20, 1e-3)
    best = np.linalg.lstsq(A, b, rcond=None)[1]
    np.testing.assert_allclose(found.history[-1], best[0], rtol=1e-10)
    assert np.abs(found.unknowns).max() < 100 and found.unknowns[-1] == 0


def test_columns_of_very_different_sizes_are_told_apart():
    A, b, _, _ = affine()
    scale = 10.0 ** np.array([-12, -6, 0, 3, 6, 9])
    evaluate, _ = problem(lambda w: (A * scale) @ w - b, lambda w: A * scale)
    found = minimise(evaluate, np.zeros(6), 20, 1e-3)
    expected = np.linalg.lstsq(A, b, rcond=None)[0]
    np.testing.assert_allclose(found.unknowns * scale, expected, rtol=1e-9)


def test_a_jacobian_of_zeros_is_no_step():
    evaluate, _ = problem(lambda w: np.ones(4), lambda w: np.zeros((4, 2)))
    found = minimise(evaluate, np.zeros(2), 5, 0.1)
    assert found.history == [4.0] and found.status == "converged"
    np.testing.assert_array_equal(found.unknowns, 0)


def test_a_residual_of_zero_is_an_end():
    A, _, _, _ = affine()
    evaluate, _ = problem(lambda w: A @ w, lambda w: A.copy())
    found = minimise(evaluate, np.zeros(6), 5, 0.0)
    assert found.history == [0.0] and found.status == "converged"


@pytest.mark.parametrize("where", ["residual", "jacobian", "held out"])
def test_what_is_no_number_at_the_start_is_said(where):
    A, b, _, _ = affine()
    nan = {name: np.nan * (name == where) for name in ("residual", "jacobian")}
    nan = {k: 0.0 if v == 0 else v for k, v in nan.items()}
    held_out = (lambda w: np.array([np.nan])) if where == "held out" else None
    evaluate, _ = problem(
        lambda w: A @ w - b + nan["residual"], lambda w: A + nan["jacobian"], held_out
    )
    found = minimise(evaluate, np.zeros(6), 5, 0.1)
    assert found.status == "not finite" and len(found.history) == 1
    np.testing.assert_array_equal(found.unknowns, 0)


def test_a_full_step_into_nowhere_is_shortened():
    """log(w) is no number for w < 0, where a full step leads."""

    def residual(w):
        with np.errstate(invalid="ignore"):
            return np.log(w) - np.log([1.0])

    evaluate, _ = problem(residual, lambda w: np.diag(1 / w))
    found = minimise(evaluate, np.array([8.0]), 50, 1e-8)
    np.testing.assert_allclose(found.unknowns, 1, rtol=1e-6)
    assert np.isfinite(found.history).all()


def test_uphill_only_is_said():
    A, b, _, _ = affine()
    evaluate, _ = problem(lambda w: A @ w - b, lambda w: -A)
    found = minimise(evaluate, np.zeros(6), 5, 0.1)
    assert found.status == "no further descent" and len(found.history) == 1


def test_factors_are_those_of_scaled_columns():
    rng = np.random.default_rng(0)
    J, r = rng.standard_normal((50, 40)) * np.arange(1, 41), rng.standard_normal(50)
    factors = Factors(np.asfortranarray(J))
    assert factors.rank == 40
    removable, step = factors.project(r)
    expected = np.linalg.lstsq(J, -r, rcond=None)[0]
    np.testing.assert_allclose(step, expected, rtol=1e-9)
    left = np.sum((J @ step + r) ** 2)
    np.testing.assert_allclose(np.sum(removable[40:] ** 2), left, rtol=1e-9)
    np.testing.assert_allclose(np.sum(removable**2), np.sum(r**2), rtol=1e-12)


def test_an_affine_problem_with_an_exact_solution_takes_one_step():
    A, _, _, _ = affine()
    b = A @ np.arange(6.0)
    evaluate, calls = problem(lambda w: A @ w - b, lambda w: A.copy())
    found = minimise(evaluate, np.zeros(6), 20, 0.1)
    np.testing.assert_allclose(found.unknowns, np.arange(6), atol=1e-12)
    assert len(found.history) == 2 and calls["jacobians"] == 1
