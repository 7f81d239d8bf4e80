"""A family goes from training to the fast phase on geometries other than boxes."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest

SPACE = lrnr.ParameterSpace(a=(0.5, 1.5), b=(-1, 1))
HOLE = dde.geometry.CSGDifference(
    dde.geometry.Disk([0, 0], 1), dde.geometry.Disk([0.3, 0.2], 0.25)
)
L_SHAPE = dde.geometry.Polygon([[0, 0], [0, 1], [-1, 1], [-1, -1], [1, -1], [1, 0]])


def harmonic(x, mu):
    """a (x^2 - y^2) + b x y, values and boundary values."""
    a, b = mu[:, 0:1], mu[:, 1:2]
    x, y = x[:, 0:1], x[:, 1:2]
    return a * (x**2 - y**2) + b * x * y


def laplace(x, u, mu):
    return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)


def heat(x, u, mu):
    return dde.grad.jacobian(u, x, i=0, j=2) - laplace(x, u, mu)


def steady(geom):
    bc = dde.icbc.DirichletBC(geom, harmonic, lambda _, on: on)
    return dde.data.PDE(geom, laplace, bc, 400, 200)


def unsteady(geom):
    """What is harmonic stays as it is."""
    geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))
    bc = dde.icbc.DirichletBC(geomtime, harmonic, lambda _, on: on)
    ic = dde.icbc.IC(geomtime, harmonic, lambda _, on: on)
    return dde.data.TimePDE(geomtime, heat, [bc, ic], 400, 200, 200)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make, geom", [(steady, HOLE), (steady, L_SHAPE), (unsteady, HOLE)]
)
def test_boundary_conditions_as_loss_terms(make, geom):
    problem = make(geom)
    data = lrnr.data.ParametricPDE(problem, SPACE, num_parameters=64)
    dim = problem.geom.dim
    net = lrnr.nn.HyperLRNR(
        [dim, 16, 16, 1],
        "tanh",
        "Glorot normal",
        rank=4,
        bias_rank=2,
        parameter_space=SPACE,
        hypernetwork=(16,),
    )
    weights = [1] + [10] * len(data.conditions)
    model = lrnr.Model(data, net)
    model.compile("SOAP", lr=1e-2, loss_weights=weights, verbose=0)
    model.train(iterations=250, batch_size=(16, 64), verbose=0)
    fast = model.reduce(points=100, num_parameters=20)

    for residual in (fast.residual, fast.held_out):
        points = residual.collocation.pde_points[:, :2]
        assert geom.inside(points).all() and not geom.on_boundary(points).any()
        boundary = residual.collocation.condition_points[0][:, :2]
        assert geom.on_boundary(boundary).all()
    # Those of the boundary are on all of its parts.
    inner = HOLE.geom2 if geom is HOLE else dde.geometry.Rectangle([0, 0], [1, 1])
    assert inner.on_boundary(fast.residual.collocation.condition_points[0][:, :2]).any()

    mu = SPACE.sample(4, "Halton")
    solution = fast.solve(mu, lrnr.fast_phase.LeastSquares())
    assert (solution.residual <= solution.initial_residual).all()
    assert (solution.residual < 0.9 * solution.initial_residual).any()

    x = problem.geom.random_points(500)
    exact = np.stack([harmonic(x, np.tile(m, (len(x), 1))) for m in mu])

    def error(u):
        return np.linalg.norm(u - exact) / np.linalg.norm(exact)

    before, after = error(model.predict(x, mu)), error(solution.predict(x))
    assert before < 0.5 and after < before
