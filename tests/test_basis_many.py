"""Many mu at once in a reduced basis: normal equations, interpolation, one call."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.fast_phase.factors import Factors
from deepxde_lrnr.fast_phase.parallel import AT_ONCE
from deepxde_lrnr.reduced_basis import BasisLeastSquares, equations, solver
from deepxde_lrnr.reduced_basis.interpolation import Interpolation
from deepxde_lrnr.reduced_basis.jacobians import (
    CholeskyFactors,
    NormalEquations,
    Stack,
)
from scipy.interpolate import RBFInterpolator

IN_BASIS = BasisLeastSquares()
# The conditions of the system contradict each other; bits do not care.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def stacked(k=5, n=7, m=30, seed=0):
    """Transposed Jacobians and residuals."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((k, n, m)), rng.standard_normal((k, m))


def test_normal_equations_solve_least_squares_problems():
    J, r = stacked()
    normal = NormalEquations(tuple(range(5)), J)
    projected, steps = normal.project(r)
    for i in range(5):
        expected, _, rank, _ = np.linalg.lstsq(J[i].T, -r[i], rcond=None)
        np.testing.assert_allclose(steps[i], expected, rtol=1e-10)
        factors = normal.factors(i)
        assert isinstance(factors, CholeskyFactors) and factors.rank == rank
        alone = factors.project(r[i])
        np.testing.assert_array_equal(alone[0], projected[i])
        np.testing.assert_array_equal(alone[1], steps[i])
        # Lengths are those of Q^T r.
        theirs, _ = Factors(np.array(J[i].T, order="F")).project(r[i])
        ours = projected[i]
        for rows in (slice(7), slice(7, None)):
            np.testing.assert_allclose(
                np.linalg.norm(ours[rows]), np.linalg.norm(theirs[rows]), rtol=1e-10
            )


@pytest.mark.parametrize("share", [0.0, 1e-9, 1e-6])
def test_columns_that_are_nearly_combinations_of_others_are_left_to_qr(share):
    J, r = stacked()
    J[2, 3] = J[2, 4] + share * J[2, 3]
    normal = NormalEquations(tuple(range(5)), J)
    assert isinstance(normal.factors(2), Factors)
    _, step = normal.factors(2).project(r[2])
    expected = np.linalg.lstsq(J[2].T, -r[2], rcond=1e-12)[0]
    residuals = (np.linalg.norm(J[2].T @ s + r[2]) for s in (step, expected))
    np.testing.assert_allclose(*residuals, rtol=1e-8)


def test_a_jacobian_that_is_not_finite_has_no_factors():
    J, _ = stacked()
    J[1, 0, 0] = np.nan
    normal = NormalEquations(tuple(range(5)), J)
    assert normal.factors(1) is None
    assert normal.factors(0) is not None


def test_what_one_asks_for_is_computed_for_all_or_for_it_alone():
    J, r = stacked()
    made = []

    def make(part):
        made.append(part)
        return J[part]

    together = Stack((3, 1, 4, 0, 2), r, r, make, True).linearised()
    alone = Stack((3, 1, 4, 0, 2), r, r, make, False).linearised()
    for i in (2, 0):
        for at in (together[i], alone[i]):
            np.testing.assert_array_equal(at.jacobian(), J[i].T)
            projected, step = at.projected(at.stack.factors(i))
            np.testing.assert_allclose(
                step, np.linalg.lstsq(J[i].T, -r[i], rcond=None)[0], rtol=1e-10
            )
    assert made == [slice(None), slice(2, 3), slice(0, 1)]


@pytest.mark.parametrize("num_nodes, dim", [(200, 3), (30, 1), (60, 6), (12, 2)])
def test_interpolation_is_that_of_scipy(num_nodes, dim):
    rng = np.random.default_rng(0)
    nodes = rng.uniform(-1, 1, (num_nodes, dim))
    values = np.sin(nodes @ rng.standard_normal((dim, 4)))
    ours = Interpolation(nodes, values)
    degree = ours.degree
    theirs = RBFInterpolator(nodes, values, kernel="cubic", degree=degree)
    y = rng.uniform(-1.2, 1.2, (16, dim))
    np.testing.assert_allclose(ours(y), theirs(y), atol=1e-10)
    np.testing.assert_allclose(ours(nodes), values, atol=1e-10)
    for i in range(len(y)):
        np.testing.assert_array_equal(ours(y[i : i + 1])[0], ours(y)[i])


def oscillator():
    """A nonlinear system with conditions of several kinds, all as losses."""
    line = dde.geometry.Interval(0, 1)

    def pde(x, u, mu):
        a, b = u[:, 0:1], u[:, 1:2]
        k = mu[:, 0:1]
        return [
            dde.grad.jacobian(u, x, i=0) - k * b + 0.1 * a * b,
            dde.grad.jacobian(u, x, i=1) + k * tf.sin(a),
        ]

    def left(x, on_boundary):
        return on_boundary and np.isclose(x[0], 0)

    def right(x, on_boundary):
        return on_boundary and np.isclose(x[0], 1)

    conditions = [
        dde.icbc.DirichletBC(line, lambda x, mu: 0.5 + 0.1 * mu, left, component=0),
        dde.icbc.PeriodicBC(line, 0, lambda x, on: on, component=1),
        dde.icbc.RobinBC(line, lambda x, u, mu: 0.1 * mu * u[:, 1:2], right),
    ]
    space = lrnr.ParameterSpace(k=(0.5, 1.5))
    data = dde.data.PDE(line, pde, conditions, num_domain=64, num_boundary=8)
    return lrnr.data.ParametricPDE(data, space, num_parameters=8)


@pytest.fixture(scope="module")
def fast():
    data = oscillator()
    dde.config.set_random_seed(0)
    net = lrnr.nn.HyperLRNR(
        [1, 12, 12, 2],
        "tanh",
        "Glorot normal",
        rank=3,
        parameter_space=data.parameter_space,
    )
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=20, verbose=0)
    fast = model.reduce(verbose=0)
    fast.build_basis(1e-6, 8, num_candidates=24, verbose=0)
    return fast


def test_many_are_evaluated_together_to_the_last_bit(fast, monkeypatch):
    mu = fast.parameter_space.sample(3 * AT_ONCE + 5, "pseudo")
    monkeypatch.setattr(solver, "MANY", 8)
    calls = []
    together = equations._Together.__call__

    def counted(self, *args):
        calls.append(len(args[0]))
        return together(self, *args)

    monkeypatch.setattr(equations._Together, "__call__", counted)
    many = fast.solve(mu, IN_BASIS)
    assert len(calls) >= 4
    used = fast.basis.equations._together
    assert used.tried and used.usable
    # As where XLA rounds otherwise for many rows.
    monkeypatch.setattr(used, "usable", False)
    calls.clear()
    alone = fast.solve(mu, IN_BASIS)
    assert not calls
    for name in ("coefficients", "residual", "objective", "history", "steps"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(many, name))
    for i in (0, AT_ONCE, len(mu) - 1):
        one = fast.solve(mu[i], IN_BASIS)
        np.testing.assert_array_equal(one.coefficients, many.coefficients[i])
