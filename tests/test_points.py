"""Points of the fast phase: those that judge are not those that were fitted."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
from deepxde_lrnr.fast_phase.points import fast_collocations

SPACE = lrnr.ParameterSpace(k=(0.5, 3))
LINE = dde.geometry.Interval(0, 1)
PLANE = dde.geometry.GeometryXTime(LINE, dde.geometry.TimeDomain(0, 1))
SQUARE = dde.geometry.Rectangle([0, 0], [1, 1])
DISK = dde.geometry.Disk([0, 0], 1)
POINTS = np.array([[0.2, 0.3], [0.4, 0.6], [0.9, 0.8]])


def boundary(_, on):
    return on


def zero(x):
    return 0 * x[:, :1]


def flux(inputs, u, X):
    return u


CONDITIONS = {
    "Dirichlet": dde.icbc.DirichletBC(SQUARE, zero, boundary),
    "Neumann": dde.icbc.NeumannBC(DISK, zero, boundary),
    "Robin": dde.icbc.RobinBC(SQUARE, lambda x, y: y, boundary),
    "Periodic": dde.icbc.PeriodicBC(PLANE, 0, boundary),
    "Operator": dde.icbc.OperatorBC(PLANE, flux, lambda x, on: np.isclose(x[1], 0)),
    "IC": dde.icbc.IC(PLANE, zero, boundary),
}


def family(condition, geom):
    kind = dde.data.TimePDE if geom is PLANE else dde.data.PDE
    sizes = (20, 8, 6) if geom is PLANE else (20, 8)
    problem = kind(geom, lambda x, u, mu: u - mu, [condition], *sizes)
    return lrnr.data.ParametricPDE(problem, SPACE, 4)


def rows(points):
    return set(map(tuple, np.round(points, 6)))


@pytest.mark.parametrize("name", CONDITIONS)
def test_points_of_conditions_are_fresh_and_on_it(name):
    condition = CONDITIONS[name]
    data = family(condition, condition.geom)
    fitted, watched = fast_collocations(data, 80, 64)
    trained = data.train_collocation.condition_points[0]
    blocks = [c.condition_points[0] for c in (fitted, watched)]
    assert not rows(blocks[1]) & rows(blocks[0])
    assert not rows(blocks[1]) & rows(trained)
    pairs = 2 if name == "Periodic" else 1
    assert [len(b) for b in blocks] == [20 * pairs, 16 * pairs]
    for block in blocks:
        # It would pick all of them.
        assert len(condition.collocation_points(block)) >= len(block)
        if name == "Periodic":
            left, right = np.split(block, 2)
            np.testing.assert_array_equal(left[:, 1], right[:, 1])
            np.testing.assert_allclose(np.abs(left[:, 0] - right[:, 0]), 1)


def test_they_are_the_same_each_time_and_randomness_is_left_alone():
    data = family(CONDITIONS["IC"], PLANE)
    np.random.seed(3)
    expected = np.random.rand(3)
    np.random.seed(3)
    one = fast_collocations(data, 40, 64)
    np.testing.assert_array_equal(np.random.rand(3), expected)
    other = fast_collocations(data, 40, 64)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.points, b.points)
    third = fast_collocations(data, 40, 64, seed=1)
    assert not rows(third[0].condition_points[0]) & rows(one[0].condition_points[0])


def test_a_condition_on_a_small_part_of_the_boundary_has_its_points():
    bc = dde.icbc.DirichletBC(SQUARE, zero, lambda x, on: on and x[0] + x[1] < 0.05)
    anchors = np.array([[0.0, 0.01], [0.0, 0.02]])
    problem = dde.data.PDE(
        SQUARE, lambda x, u, mu: u - mu, [bc], 20, 8, anchors=anchors
    )
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    fitted, watched = fast_collocations(data, 80, 64)
    blocks = [c.condition_points[0] for c in (fitted, watched)]
    for block in blocks:
        assert len(block) >= 4 and (block.sum(axis=1) < 0.05).all()
    assert not rows(blocks[0]) & rows(blocks[1])


def test_where_sampling_finds_none_the_trained_ones_are_taken():
    bc = dde.icbc.DirichletBC(SQUARE, zero, lambda x, on: np.allclose(x, [1, 1]))
    corner = np.array([[1.0, 1.0]])
    problem = dde.data.PDE(SQUARE, lambda x, u, mu: u - mu, [bc], 20, 8, anchors=corner)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    for collocation in fast_collocations(data, 40, 64):
        np.testing.assert_array_equal(collocation.condition_points[0], corner)


def test_both_ends_of_a_line_are_fitted_and_watched():
    bc = dde.icbc.DirichletBC(LINE, zero, boundary)
    problem = dde.data.PDE(LINE, lambda x, u, mu: u - mu, [bc], 20, 2)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    for collocation in fast_collocations(data, 40, 64):
        assert rows(collocation.condition_points[0]) == {(0,), (1,)}


def test_measured_values_are_fitted_all():
    bc = dde.icbc.PointSetBC(POINTS, np.ones((3, 1)))
    data = family(bc, PLANE)
    for collocation in fast_collocations(data, 40, 64):
        np.testing.assert_allclose(collocation.condition_points[0], POINTS, rtol=1e-6)
        assert collocation.selections[0] is not None
