"""The norm of residuals: what averages to zero hardly counts."""

from types import SimpleNamespace

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.fast_phase import GaussNewton, reduce_model, smoothing
from deepxde_lrnr.fast_phase.smoothing import Smoothing
from hypothesis import given, settings
from hypothesis import strategies as st

FLOOR = 0.03
GEOM = dde.geometry.GeometryXTime(
    dde.geometry.Interval(-1, 3), dde.geometry.TimeDomain(0, 0.5)
)


def fake_residual(n, factors=None, seed=0):
    """Of n points of the PDE, drawn at random."""
    x = np.random.default_rng(seed).uniform([-1, 0], [3, 0.5], (n, 2))
    return SimpleNamespace(
        collocation=SimpleNamespace(pde_points=x),
        data=SimpleNamespace(geom=GEOM),
        row_factors=factors,
    )


def gram(x, length, factors=1.0):
    """K + floor I, over 1 + floor, entry by entry as the docstring has it."""
    sides = np.array([4, 0.5])
    distance = (x[:, None] - x) / (length * sides)
    K = np.exp(-np.sum(distance**2, axis=2) / 2)
    K = K * np.multiply.outer(np.broadcast_to(factors, len(x)), factors)
    K /= np.linalg.eigvalsh(K)[-1]
    return (K + FLOOR * np.eye(len(x))) / (1 + FLOOR)


def smoothed(W, a):
    return W(tf.constant(a)).numpy()


# The metric


@pytest.mark.parametrize("length", [0.03, 0.1, 0.5])
@pytest.mark.parametrize("columns", [(1,), (2,), (1, 3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_squares_are_those_of_the_kernel(length, columns, weighted):
    """For every column of every error; five entries of IC/BC stay as they are."""
    rng = np.random.default_rng(1)
    n, entries = 30, 30 * sum(columns)
    factors = rng.uniform(0.1, 2, n) if weighted else np.ones(n)
    by_entry = np.concatenate([np.repeat(factors, c) for c in columns] + [np.ones(5)])
    residual = fake_residual(n, by_entry if weighted else None)
    r = rng.standard_normal((3, entries + 5))
    actual = smoothed(Smoothing(residual, columns, length), r)
    np.testing.assert_array_equal(actual[:, entries:], r[:, entries:])
    G = gram(residual.collocation.pde_points, length, factors)
    start = 0
    for number in columns:
        for column in range(number):
            of = start + column + number * np.arange(n)
            expected = np.einsum("pi,ij,pj->p", r[:, of], G, r[:, of])
            squares = np.sum(actual[:, of] ** 2, axis=1)
            np.testing.assert_allclose(squares, expected, rtol=2e-3)
        start += number * n


def test_derivatives_are_smoothed_column_by_column():
    W = Smoothing(fake_residual(20), (2, 1), 0.1)
    J = np.random.default_rng(0).standard_normal((2, 64, 5))
    expected = np.stack([smoothed(W, J[:, :, i]) for i in range(5)], axis=2)
    np.testing.assert_allclose(smoothed(W, J), expected, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 60),
    length=st.floats(1e-3, 10),
    seed=st.integers(0, 1000),
    weighted=st.booleans(),
)
def test_it_never_enlarges_and_keeps_at_least_the_floor(n, length, seed, weighted):
    rng = np.random.default_rng(seed)
    factors = rng.uniform(0, 1, n) if weighted else None
    W = Smoothing(fake_residual(n, factors, seed), (1,), length)
    r = rng.standard_normal((4, n))
    before, after = (np.sum(a**2, axis=1) for a in (r, smoothed(W, r)))
    assert (after <= before * (1 + 1e-9)).all()
    assert (after >= FLOOR / (1 + FLOOR) * before * (1 - 1e-9)).all()


def test_a_residual_that_keeps_its_sign_counts_more_than_one_that_does_not():
    residual = fake_residual(1000)
    x = residual.collocation.pde_points[:, 0]
    W = Smoothing(residual, (1,), 0.1)
    r = np.stack([np.sin(k * np.pi * (x + 1) / 4) for k in (1, 4, 40)])
    shares = np.sum(smoothed(W, r) ** 2, axis=1) / np.sum(r**2, axis=1)
    assert shares[0] > 0.5 > shares[1] > 0.1 > shares[2]
    assert shares[2] < 2 * FLOOR


def test_length_zero_changes_nothing():
    r = np.random.default_rng(0).standard_normal((2, 15))
    np.testing.assert_array_equal(smoothed(Smoothing(fake_residual(15), (1,), 0), r), r)


def test_without_points_of_the_pde_there_is_nothing_to_smooth():
    r = np.ones((2, 3))
    W = Smoothing(fake_residual(0), (0,), 0.1)
    np.testing.assert_array_equal(smoothed(W, r), r)


def test_without_a_pde_there_is_nothing_to_smooth():
    residual = fake_residual(20, np.ones(3))
    r = np.ones((2, 3))
    np.testing.assert_array_equal(smoothed(Smoothing(residual, (), 0.1), r), r)


def test_many_points_are_averaged_by_way_of_some(monkeypatch):
    residual = fake_residual(400)
    x = residual.collocation.pde_points
    r = np.stack([np.cos(x[:, 0]), x[:, 1], np.random.default_rng(0).normal(size=400)])
    exact = smoothed(Smoothing(residual, (1,), 0.2), r)
    monkeypatch.setattr(smoothing, "_MAX_CENTRES", 120)
    few = smoothed(Smoothing(residual, (1,), 0.2), r)
    np.testing.assert_allclose(
        np.sum(few**2, axis=1), np.sum(exact**2, axis=1), rtol=1e-2
    )


# What it does to a solve

SPACE = lrnr.ParameterSpace(k=(0.5, 3))
TIME = dde.geometry.TimeDomain(0, 1)


@pytest.fixture(scope="module")
def fast():
    return families.decay(TIME, SPACE)


def test_columns_are_those_of_each_error_of_the_pde():
    """One of one column, one of two; an IC has entries of its own."""
    _, net = families.decay_network(TIME, SPACE)

    def pde(x, u, mu):
        decay = dde.grad.jacobian(u, x) + mu * u
        return decay, tf.concat([decay, u], axis=1)

    ic = dde.icbc.IC(TIME, lambda x: 1, lambda _, on: on)
    problem = dde.data.PDE(TIME, pde, [ic], 20, 2)
    data = lrnr.data.ParametricPDE(problem, SPACE, 8)
    fast = reduce_model(data, net, points=20, rank=2, num_parameters=8)
    assert fast.columns == (1, 2)
    s = fast.solve({"k": 1.0}, GaussNewton(3, "all", damping=1e-2, min_gain=0))
    assert s.objective < s.initial_objective


@pytest.mark.parametrize("source", ["learned", "selected", "all", "fast", "exact"])
def test_objective_and_residual_are_in_the_norm_of_the_solver(fast, source):
    mus = SPACE.sample(4, "Halton")
    solver = GaussNewton(4, source, damping=1e-2, smoothing=0.2, min_gain=0)
    s = fast.solve(mus, solver)
    assert (s.objective < s.initial_objective).any()
    few = fast.learned_jacobian.residual if source in ("learned", "selected") else None
    for residual, before, after in (
        (few or fast.residual, s.initial_objective, s.objective),
        (fast.held_out, s.initial_residual**2, s.residual**2),
    ):
        W = Smoothing(residual, fast.columns, 0.2)

        @tf.function
        def squares(z, feed, residual=residual, W=W):
            return tf.reduce_sum(W(residual(fast.full, z, *feed)) ** 2, axis=1)

        feed = residual.feed(mus.astype(np.float32))
        for z, value in ((s.initial_coefficients, before), (s.coefficients, after)):
            np.testing.assert_allclose(value, squares(z, feed), rtol=2e-3)


def test_a_file_keeps_the_length(fast, tmp_path):
    solver = GaussNewton(3, smoothing=0.3)
    s = fast.solve({"k": 1.7}, solver)
    path = fast.save(tmp_path / "fast.npz")
    loaded = lrnr.load_fast(path, fast.residual.data)
    assert solver in loaded.choices
    again = loaded.solve({"k": 1.7}, solver)
    np.testing.assert_allclose(again.coefficients, s.coefficients, rtol=1e-4, atol=1e-5)
