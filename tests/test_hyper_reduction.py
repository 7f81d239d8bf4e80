"""Hyper-reduction: few weighted points stand for all."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.data.residual import Residual
from deepxde_lrnr.fast_phase.hyper_reduction import hyper_reduce
from deepxde_lrnr.nn import FastLRNR
from deepxde_lrnr.reduction import select_points

# Selection: arrays in, arrays out


def smooth_jacobians(n=200, k=8, m=6):
    """Jacobians of residuals at points on a line, one for each of m parameters."""
    x = np.linspace(-1, 1, n)[:, None]
    return np.stack([np.cos((1 + 0.1 * i) * np.arange(k) * x + i) for i in range(m)])


def gram_error(jacobians, rows, weights):
    """Largest relative error of J^T J in its own metric (0 is exact, 1 is useless)."""
    errors = []
    for J in jacobians:
        part = J[rows] * np.sqrt(weights)[:, None]
        values, vectors = np.linalg.eigh(J.T @ J)
        vectors, values = vectors[:, values > 1e-3 * values.mean()], values
        whole = vectors.T @ J.T @ J @ vectors
        scale = 1 / np.sqrt(np.diag(whole))
        difference = vectors.T @ part.T @ part @ vectors - whole
        errors.append(np.abs(difference * scale[:, None] * scale).max())
    return max(errors)


def test_few_points_keep_the_gram_matrix():
    jacobians = smooth_jacobians()
    points, weights = select_points(jacobians, np.arange(200), 24)
    assert len(points) == len(weights) == 24
    assert (np.diff(points) > 0).all()
    assert (weights >= 0).all()
    error = gram_error(jacobians, points, weights)
    assert error < 0.3
    # Better than points drawn at random, of equal weight, nineteen times of twenty.
    rng = np.random.default_rng(0)
    others = [
        gram_error(jacobians, rng.choice(200, 24, replace=False), np.full(24, 200 / 24))
        for _ in range(20)
    ]
    assert np.sum(error < others) >= 19


def test_more_points_are_better_and_all_are_exact():
    jacobians = smooth_jacobians()
    errors = []
    # Beyond the rank of these Jacobians the choice is one of rounding.
    for number in (12, 24, 200):
        points, weights = select_points(jacobians, np.arange(200), number)
        errors.append(gram_error(jacobians, points, weights))
    assert errors[1] < 0.5 * errors[0]
    assert errors[2] < 1e-10
    np.testing.assert_array_equal(weights, 1)


def test_rows_of_a_point_stay_together():
    jacobians = smooth_jacobians()
    point_of_row = np.arange(200) // 4  # 50 points of four residuals
    points, weights = select_points(jacobians, point_of_row, 24)
    assert len(points) == 6
    assert points.max() < 50


def test_points_asked_for_are_kept_and_not_counted():
    points, weights = select_points(smooth_jacobians(), np.arange(200), 16, (3, 5))
    assert {3, 5} <= set(points)
    assert len(points) == 18


def test_jacobians_of_low_rank_and_zero_are_no_problem():
    jacobians = smooth_jacobians()
    jacobians[:, :, 4:] = jacobians[:, :, :4]
    jacobians[0] = 0
    points, weights = select_points(jacobians, np.arange(200), 16)
    assert np.isfinite(weights).all()
    assert gram_error(jacobians[1:], points, weights) < 0.5


# The residual at the selected points

SPACE = lrnr.ParameterSpace(k=(0.1, 0.5), a=(0.5, 1.5))


def problem(opaque: bool):
    """A system of two equations on [0, 1] x [0, 1], with three kinds of IC/BC."""
    geom = dde.geometry.GeometryXTime(
        dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
    )

    def pde(x, u, mu):
        u_t = [dde.grad.jacobian(u, x, i=i, j=1) for i in (0, 1)]
        return [u_t[0] + mu[:, 0:1] * u[:, 1:2], u_t[1] - u[:, 0:1]]

    bcs = [
        dde.icbc.PeriodicBC(geom, 0, lambda _, on: on, component=0),
        dde.icbc.IC(geom, lambda x, mu: mu[:, 1:2] * x[:, :1], lambda _, on: on),
    ]
    if opaque:
        bcs.append(
            dde.icbc.OperatorBC(geom, lambda x, u, X: u[:, 1:2], lambda _, on: on)
        )
    data = dde.data.TimePDE(geom, pde, bcs, 120, 40, 30)
    return lrnr.data.ParametricPDE(data, SPACE, 4)


@pytest.mark.parametrize("opaque", [False, True])
def test_selected_entries_are_those_of_the_whole_residual(opaque):
    data = problem(opaque)
    net = lrnr.nn.HyperLRNR(
        [2, 8, 8, 2],
        "tanh",
        "Glorot normal",
        rank=2,
        bias_rank=1,
        parameter_space=SPACE,
        hypernetwork=(8,),
    )
    net((SPACE.sample(1), data.train_collocation.points[:1]))
    full = FastLRNR(net)
    whole = Residual(data, data.train_collocation, [1, 2, 3, 4, 5][: 4 + opaque])
    mu = SPACE.sample(3, "Halton")

    @tf.function
    def evaluate(residual, inputs, auxiliary):
        return residual(full, full.coefficients(inputs[0]), inputs, auxiliary)

    r = evaluate(whole, *whole.feed(mu)).numpy()
    rng = np.random.default_rng(0)
    jacobians = rng.standard_normal((5, r.shape[1], 6))
    few, entries, factors = hyper_reduce(whole, full, jacobians)
    assert len(few.collocation.points) < 0.7 * len(whole.collocation.points)
    actual = evaluate(few, *few.feed(mu)).numpy()
    np.testing.assert_allclose(actual, r[:, entries] * factors, rtol=1e-4, atol=1e-6)
    if opaque:  # its function looks at NumPy points: all of them stay
        kept, all_of_them = (c.collocation.condition_points[2] for c in (few, whole))
        np.testing.assert_array_equal(kept, all_of_them)
    # Paired points stay paired.
    edge = few.collocation.condition_points[0]
    np.testing.assert_allclose(edge[: len(edge) // 2, 1], edge[len(edge) // 2 :, 1])
