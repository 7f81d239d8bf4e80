"""Points of the fast phase are spread over every geometry, none of them twice."""

import deepxde as dde
import numpy as np
import pytest
from deepxde_lrnr.data.spread_points import spread_points

GEOMETRY = dde.geometry
TIME = GEOMETRY.TimeDomain(0, 2)
INTERVAL = GEOMETRY.Interval(1, 3)
RECTANGLE = GEOMETRY.Rectangle([0, 0], [2, 1])
DISK = GEOMETRY.Disk([0.5, 0], 1)
HOLE = GEOMETRY.CSGDifference(DISK, GEOMETRY.Disk([0.8, 0.2], 0.3))
QUARTER = GEOMETRY.CSGIntersection(
    GEOMETRY.Rectangle([0, 0], [1, 1]), GEOMETRY.Disk([0, 0], 0.6)
)
L_SHAPE = GEOMETRY.Polygon([[0, 0], [0, 1], [-1, 1], [-1, -1], [1, -1], [1, 0]])
GEOMETRIES = {
    "interval": INTERVAL,
    "rectangle": RECTANGLE,
    "disk": DISK,
    "hole": HOLE,
    "quarter": QUARTER,
    "two intervals": GEOMETRY.CSGUnion(INTERVAL, GEOMETRY.Interval(7, 7.5)),
    "polygon": L_SHAPE,
    "triangle": GEOMETRY.Triangle([0, 0], [1, 0], [0, 1]),
    "ball": GEOMETRY.Sphere([0, 0, 0], 1),
    "ball of dimension 6": GEOMETRY.Hypersphere(np.zeros(6), 1),
    "time": TIME,
    "interval and time": GEOMETRY.GeometryXTime(INTERVAL, TIME),
    "hole and time": GEOMETRY.GeometryXTime(HOLE, TIME),
}


@pytest.mark.parametrize("geom", GEOMETRIES.values(), ids=GEOMETRIES)
@pytest.mark.parametrize("sequence, skip", [("Hammersley", 0), ("Halton", 150)])
def test_points_are_inside_and_distinct(geom, sequence, skip):
    points = spread_points(geom, 150, sequence, skip)
    assert points.shape == (150, geom.dim) and points.dtype == np.float32
    assert len(np.unique(points, axis=0)) == 150
    if hasattr(geom, "timedomain"):
        times, points = points[:, -1], points[:, :-1]
        assert times.min() > 0 and times.max() < 2
        geom = geom.geometry
    assert np.all(geom.inside(points))


@pytest.mark.parametrize(
    "geom, dim",
    [
        (INTERVAL, 1),
        (RECTANGLE, 2),
        (GEOMETRY.GeometryXTime(INTERVAL, TIME), 2),
        (GEOMETRY.GeometryXTime(RECTANGLE, TIME), 3),
    ],
)
def test_in_a_box_they_are_those_of_deepxde(geom, dim):
    np.testing.assert_array_equal(
        spread_points(geom, 40, "Hammersley"), geom.random_points(40, "Hammersley")
    )
    np.testing.assert_array_equal(
        spread_points(geom, 40, "Halton", 20), geom.random_points(60, "Halton")[20:]
    )


@pytest.mark.parametrize("geom", [HOLE, QUARTER, L_SHAPE])
@pytest.mark.parametrize("sequence, skip", [("Hammersley", 0), ("Halton", 384)])
def test_they_are_more_even_than_random_ones(geom, sequence, skip):
    """Means over the geometry of x, y, x^2, x y, y^2, against a fine grid."""

    def means(x):
        return np.mean([x[:, 0], x[:, 1], x[:, 0] ** 2, x.prod(1), x[:, 1] ** 2], 1)

    low, high = geom.bbox
    grid = np.stack(np.meshgrid(*np.linspace(low, high, 801).T), -1).reshape(-1, 2)
    exact = means(grid[geom.inside(grid)])
    error = np.abs(means(spread_points(geom, 384, sequence, skip)) - exact).max()
    random = [np.abs(means(geom.random_points(384)) - exact).max() for _ in range(20)]
    assert error < np.mean(random) / 2


def test_points_skipped_are_not_given():
    first = spread_points(HOLE, 100, "Halton")
    later = spread_points(HOLE, 100, "Halton", 120)
    assert not (first[:, None] == later[None]).all(axis=2).any()


def test_a_geometry_without_volume_gives_its_own_points():
    cloud = np.random.default_rng(0).uniform(size=(30, 2)).astype(np.float32)
    points = spread_points(GEOMETRY.PointCloud(cloud), 20, "Hammersley")
    assert (points[:, None] == cloud[None]).all(axis=2).any(axis=1).all()
