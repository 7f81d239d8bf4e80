"""Where a family is not resolved: points at fronts, and features that follow them."""

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase.refinement import candidates, draw, points_like
from deepxde_lrnr.offline import following, reduce, reduce_model
from deepxde_lrnr.offline.family import Found
from test_enrichment import MU, advected

PLANE = dde.geometry.GeometryXTime(
    dde.geometry.Interval(-1, 1), dde.geometry.TimeDomain(0, 2)
)
DISK = dde.geometry.Disk([0, 0], 1)


@pytest.fixture(scope="module", autouse=True)
def _without_xla():
    """XLA compiles for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "uses_xla", False)
        yield


def near_front(points, width=0.05):
    return np.mean(np.abs(points[:, 0] - points[:, 1] / 4) < width)


def front(points):
    return 1 / np.cosh((points[:, 0] - points[:, 1] / 4) / 0.02)


@pytest.mark.parametrize("geom", [PLANE, DISK], ids=["plane", "disk"])
def test_points_like_others_are_in_the_geometry_and_as_dense(geom):
    dense = geom.random_points(4000)
    dense = dense[
        (np.random.default_rng(0).uniform(size=4000) < 0.1) | (dense[:, 0] > 0)
    ]
    new = points_like(geom, dense, 2000, 0)
    where = new[:, :1] if geom is PLANE else new
    assert np.all(geom.geometry.inside(where) if geom is PLANE else geom.inside(where))
    assert len(new) > 1500
    assert np.mean(new[:, 0] > 0) == pytest.approx(np.mean(dense[:, 0] > 0), abs=0.05)


def test_points_gather_where_the_residual_is_large_and_stay_everywhere():
    points = PLANE.random_points(1000)
    for seed in range(3):
        new = candidates(PLANE, points, 4000, seed + 1)
        points = new[draw(PLANE, new, front(new)[None], 1000, seed)]
    # Of two equal parts one is uniform, the other as the residual.
    assert near_front(points) > 0.3
    assert len(np.unique(points, axis=0)) == 1000
    rest = points[np.abs(points[:, 0] - points[:, 1] / 4) > 0.2]
    counts, _, _ = np.histogram2d(*rest.T, bins=4, range=[(-1, 1), (0, 2)])
    assert counts[:1].min() > 5 and counts[-1:].min() > 5


def test_candidates_that_are_dense_already_do_not_count_twice():
    """Without a residual the density is uniform again."""
    crowd = PLANE.random_points(500) * [0.05, 1]
    points = np.vstack([PLANE.random_points(4000), crowd])
    new = points[draw(PLANE, points, np.ones((1, len(points))), 1000, 0)]
    assert near_front(new, 2) == 1
    assert np.mean(np.abs(new[:, 0]) < 0.05) < 0.12


@pytest.fixture(scope="module")
def followed():
    """A model whose random features follow the solution."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reduce, "enlarge_trial_space", lambda *args: None)
        patch.setattr(reduce, "RESOLVED", 0.0)
        patch.setattr(reduce, "choose_trial_space", plain_only)
        patch.setattr(following, "_COUNTS", (64,))
        data, net = advected(6)
        with pytest.warns(lrnr.fast_phase.NotResolvedWarning):
            fast = reduce_model(data, net, [1, 10], num_parameters=8, verbose=0)
    return data, fast


def plain_only(family, *args):
    return Found(*family.reduced(6)), (1.0, MU[0])


@pytest.mark.slow
def test_features_that_follow_are_taken_where_they_halve_the_error(followed):
    _, fast = followed
    assert fast.space.follows_solution and len(fast.space.random) == 64
    assert "random features and N" in str(fast.report())
    assert np.isfinite(fast.estimated_errors).all()


@pytest.mark.slow
def test_a_file_keeps_them(followed, tmp_path):
    data, fast = followed
    x = data.geom.random_points(50)
    expected = fast.solve(MU).predict(x)
    again = lrnr.load_fast(fast.save(tmp_path / "fast.npz"), data)
    assert again.space.follows_solution
    np.testing.assert_allclose(again.solve(MU).predict(x), expected, atol=1e-5)
    np.testing.assert_array_equal(
        again.residual.collocation.points, fast.residual.collocation.points
    )


def test_there_are_none_where_the_family_is_resolved():
    data, net = families.decay_network(
        dde.geometry.Interval(0, 1), lrnr.ParameterSpace(k=(0.5, 1.5))
    )
    fast = reduce_model(data, net, [1], num_parameters=8, verbose=0)
    assert not fast.space.follows_solution


def test_where_there_is_no_pde_there_are_no_points_to_draw():
    """A condition on values that vary faster than any of the functions."""
    bc = dde.icbc.DirichletBC(
        DISK, lambda x, mu: np.sin(1000 * x[:, :1] * mu), lambda x, on_boundary: True
    )
    problem = dde.data.PDE(DISK, None, bc, num_domain=8, num_boundary=512)
    space = lrnr.ParameterSpace(k=(1, 2))
    net = lrnr.nn.HyperLRNR(
        [2, 6, 6, 1], "tanh", "Glorot normal", rank=2, parameter_space=space
    )
    model = lrnr.Model(lrnr.data.ParametricPDE(problem, space, 8), net)
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=1, verbose=0)
    with pytest.warns(lrnr.fast_phase.NotResolvedWarning):
        fast = model.reduce(verbose=0)
    assert not fast.space.follows_solution
