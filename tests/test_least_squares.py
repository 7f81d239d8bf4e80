"""The default fast phase: what it finds, and what it promises whatever it finds."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.fast_phase import Adam, LeastSquares
from deepxde_lrnr.offline import reduce_model

SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
TIME = dde.geometry.TimeDomain(0, 1)
PLANE = dde.geometry.GeometryXTime(dde.geometry.Interval(0, 1), TIME)
MU = np.array([[0.8, 1.2], [1.5, 0.7], [2.5, 1.4]])
T = np.linspace(0, 1, 11)[:, None]
FIELDS = (
    "mu coefficients initial_coefficients initial_residual residual "
    "initial_objective objective history steps status".split()
)


def decay(x, u, mu):
    return dde.grad.jacobian(u, x) + mu[:, 0:1] * u


def logistic(x, u, mu):
    return dde.grad.jacobian(u, x) - mu[:, 0:1] * u * (2 - u)


def family(pde=decay, **kwargs):
    ic = dde.icbc.IC(TIME, lambda x, mu: mu[:, 1:2], lambda _, on: on)
    problem = dde.data.PDE(TIME, pde, [ic], 20, 2)
    return lrnr.data.ParametricPDE(problem, SPACE, 16, **kwargs)


def network(data, features=None, outputs=1, width=12, size=1.0):
    net = lrnr.nn.HyperLRNR(
        [data.geom.dim if features is None else features, width, width, outputs],
        "tanh",
        "Glorot normal",
        rank=3,
        bias_rank=2,
        parameter_space=data.parameter_space,
        hypernetwork=(8,),
    )
    net((data.train_mu[:1], data.train_collocation.points[:1]))
    families.randomise(net, size)
    return net


def reduced(data=None, net=None, weights=(1, 5), **kwargs):
    data = family() if data is None else data
    net = network(data) if net is None else net
    settings = {"points": 100, "rank": 12, "num_parameters": 8}
    return reduce_model(data, net, weights, **{**settings, **kwargs})


@pytest.fixture(scope="module")
def fast():
    return reduced()


@pytest.fixture(scope="module")
def curved():
    """From a start of the size of the solution: a far one may end elsewhere."""
    data = family(logistic)
    return reduced(data, network(data, size=0.5))


# What it finds


def test_a_linear_problem_takes_one_step_and_is_solved(fast):
    s = fast.solve(MU)
    assert s.steps.tolist() == [1, 1, 1] and set(s.status) == {"converged"}
    exact = MU[:, 1:2] * np.exp(-MU[:, :1] * T.T)
    np.testing.assert_allclose(s.predict(T)[..., 0], exact, atol=1e-6)
    assert (s.residual < 1e-4 * s.initial_residual).all()


def test_a_nonlinear_problem_is_solved(curved):
    s = curved.solve(MU)
    k, a = MU[:, :1], MU[:, 1:2]
    exact = 2 / (1 + (2 / a - 1) * np.exp(-2 * k * T.T))
    np.testing.assert_allclose(s.predict(T)[..., 0], exact, atol=1e-4)
    assert (s.steps > 1).all() and (np.diff(s.history, axis=1) <= 0).all()


@pytest.mark.parametrize("float_", ["float32", "float64"])
def test_a_solution_in_the_trial_space_is_recovered(float_):
    """The forcing is that of a readout of the very trial functions."""
    dde.config.set_default_float(float_)
    spaces = []

    def pde(x, u, mu):
        target = spaces[0].evaluate(mu[:1], x, wanted[None]) if spaces else 0 * u
        return u - tf.cast(target, u.dtype)

    fast = reduced(family(pde), weights=[1, 0])
    wanted = np.random.default_rng(1).standard_normal(fast.space.size)
    # The residual is traced at the first solve.
    spaces.append(fast.space)
    s = fast.solve(MU[0])
    expected = fast.space.evaluate(MU[:1], T, wanted[None])
    np.testing.assert_allclose(s.predict(T), expected, atol=1e-8)


def test_an_exact_solution_is_found_to_rounding():
    """u = a + k t is a combination of 1 and the feature transform's t."""

    def pde(x, u, mu):
        return dde.grad.jacobian(u, x) - mu[:, 0:1]

    data = family(pde)
    net = network(data)
    s = reduced(data, net).solve(MU)
    exact = MU[:, 1:2] + MU[:, :1] * T.T
    np.testing.assert_allclose(s.predict(T)[..., 0], exact, atol=1e-7)


def test_mu_is_not_rounded_to_single_precision(fast):
    # Near the distance of numbers in single precision.
    step = 1e-7
    one, other = (fast.solve(MU[0] + [shift, 0]).predict(T) for shift in (0, step))
    slope = (other - one) / step
    exact = -T * MU[0, 1] * np.exp(-MU[0, 0] * T)
    np.testing.assert_allclose(slope, exact, atol=0.02)


def test_it_is_double_precision_whatever_the_default_float(fast):
    single = fast.solve(MU)
    weights = [np.asarray(w, float) for w in fast.full.get_weights()]
    dde.config.set_default_float("float64")
    data = family()
    net = network(data)
    double = reduced(data, net).solve(MU)
    assert single.coefficients.dtype == double.coefficients.dtype == np.float64
    assert single.predict(T).dtype == np.float64 and weights
    exact = MU[:, 1:2] * np.exp(-MU[:, :1] * T.T)
    for s in (single, double):
        np.testing.assert_allclose(s.predict(T)[..., 0], exact, atol=1e-6)


# Alone, in a batch, over threads


@pytest.mark.parametrize("name", ["fast", "curved"])
def test_each_mu_is_solved_as_if_alone_to_the_bit(name, request):
    fast = request.getfixturevalue(name)
    mus = SPACE.sample(9, "Halton")
    whole = fast.solve(mus)
    parts = [fast.solve(mus[i]) for i in range(9)]
    with ThreadPoolExecutor(3) as pool:
        threads = list(pool.map(fast.solve, mus))
    for i in range(9):
        for other in (parts[i], threads[i]):
            for field in FIELDS:
                np.testing.assert_array_equal(
                    getattr(whole, field)[i], getattr(other, field), field
                )


# What it promises


@pytest.mark.parametrize("rank", [1, 2, 4, 12])
@pytest.mark.parametrize("pde", [decay, logistic])
def test_the_held_out_residual_is_never_larger_than_the_hypernetworks(rank, pde):
    fast = reduced(family(pde), rank=rank)
    s = fast.solve(SPACE.sample(12, "Halton"))
    assert (s.residual <= s.initial_residual).all()
    same = s.residual == s.initial_residual
    np.testing.assert_array_equal(same, s.status == "no improvement")
    unmoved = (s.coefficients == s.initial_coefficients).all(axis=1)
    np.testing.assert_array_equal(same, unmoved)
    if not fast.watches_start:
        return
    before = [fast.residual_of_hypernetwork(m) ** 0.5 for m in s.mu]
    np.testing.assert_allclose(s.initial_residual, before, rtol=1e-12)


def test_where_nothing_is_better_the_start_is_returned_and_said(fast):
    """The held-out points want another solution than the fitted ones."""
    start = fast.space.start(MU[0])
    other = reduced()

    class Elsewhere:
        def __init__(self, equations):
            self.equations, self.space = equations, equations.space

        def at(self, mu, workspace=None):
            evaluate = self.equations.at(mu)
            return lambda w: evaluate(w)._replace(held_out=1e-3 + (w - start))

    other.__dict__["equations"] = Elsewhere(fast.equations)
    s = other.solve(MU)
    assert set(s.status) == {"no improvement"}
    np.testing.assert_array_equal(s.coefficients, s.initial_coefficients)
    np.testing.assert_array_equal(s.residual, s.initial_residual)
    np.testing.assert_array_equal(s.objective, s.initial_objective)
    np.testing.assert_allclose(s.predict(T), fast.predict(T, MU), rtol=1e-4, atol=1e-5)


def test_the_residual_said_is_that_of_the_solution(curved):
    """By DeepXDE's operators on the solution itself, at the held-out points."""
    s = curved.solve(MU)
    watched = curved.held_out.collocation
    (initial,) = watched.condition_points
    errors = s.predict(watched.pde_points, logistic)
    starts = s.predict(initial) - MU[:, None, 1:2]
    squares = np.mean(errors**2, axis=(1, 2)) + 5 * np.mean(starts**2, axis=(1, 2))
    np.testing.assert_allclose(s.residual, np.sqrt(squares), rtol=1e-5)


def test_models_and_solutions_tell_what_they_are(fast):
    text = repr(fast)
    assert "k=(0.5, 3.0)" in text and f"{fast.space.size} unknowns" in text
    assert len(text.splitlines()) < 8
    one, many = repr(fast.solve(MU[0])), repr(fast.solve(SPACE.sample(12, "Halton")))
    assert one.splitlines()[1].startswith(f"  k={MU[0, 0]:.6g}, a=")
    assert "converged" in one and len(one.splitlines()) == 3
    assert len(many.splitlines()) == 13 and "and 2 more mu" in many


def test_fewer_iterations_are_obeyed(curved):
    s = curved.solve(MU, LeastSquares(1, rtol=0))
    assert s.history.shape == (3, 2) and (s.steps == 1).all()
    assert set(s.status) <= {"iterations done"}


# Systems, and what is not taken pointwise


def test_a_system_is_solved():
    def oscillator(x, u, mu):
        u_t, v_t = (dde.grad.jacobian(u, x, i=i) for i in (0, 1))
        return [u_t - u[:, 1:], v_t + mu[:, :1] ** 2 * u[:, :1]]

    bcs = [
        dde.icbc.IC(TIME, lambda x, mu: mu[:, 1:2], lambda _, on: on, component=0),
        dde.icbc.IC(TIME, lambda x: 0, lambda _, on: on, component=1),
    ]
    problem = dde.data.PDE(TIME, oscillator, bcs, 20, 2)
    data = lrnr.data.ParametricPDE(problem, SPACE, 8)
    s = reduced(data, network(data, outputs=2), None).solve(MU)
    k, a = MU[:, :1], MU[:, 1:2]
    found = s.predict(T)
    np.testing.assert_allclose(found[..., 0], a * np.cos(k * T.T), atol=1e-4)
    np.testing.assert_allclose(found[..., 1], -a * k * np.sin(k * T.T), atol=1e-4)


def test_a_mean_over_points_is_found_not_pointwise_and_solved():
    """u = a + c t with c = k mean(u)."""

    def pde(x, u, mu):
        return dde.grad.jacobian(u, x) - mu[:, :1] * tf.reduce_mean(u)

    fast = reduced(family(pde), rank=6)
    s = fast.solve(MU[:2] / [4, 1])
    assert fast.expansion.indices is None
    assert "not pointwise" in str(fast.report())
    for (k, a), u in zip(s.mu, s.predict(T)[..., 0], strict=True):
        # The mean over the points of the PDE and of the IC, near that over [0, 1].
        slope = np.polyfit(T[:, 0], u, 1)[0]
        assert slope == pytest.approx(k * a / (1 - k / 2), rel=0.1)
        np.testing.assert_allclose(u, a + slope * T[:, 0], atol=1e-3)


# Conditions with few points


def test_a_condition_trained_at_few_points_holds_between_them():
    """Laplace's equation in a square, u_n = k (g - u) on all of its boundary."""
    square = dde.geometry.Rectangle([0, 0], [1, 1])

    def laplace(x, u, mu):
        return dde.grad.hessian(u, x, i=0, j=0) + dde.grad.hessian(u, x, i=1, j=1)

    def exact(x):
        return x[:, :1] * x[:, 1:] + x[:, :1] ** 2 - x[:, 1:] ** 2

    def robin(x, y, mu):
        values = x[:, :1] * x[:, 1:] + x[:, :1] ** 2 - x[:, 1:] ** 2
        slopes = tf.concat([x[:, 1:] + 2 * x[:, :1], x[:, :1] - 2 * x[:, 1:]], axis=1)
        sides = [x[:, :1] < 1e-6, x[:, :1] > 1 - 1e-6]
        sides += [x[:, 1:] < 1e-6, x[:, 1:] > 1 - 1e-6]
        left, right, low, high = (tf.cast(s, y.dtype) for s in sides)
        normal = tf.concat([right - left, high - low], axis=1)
        # DeepXDE's normal of a corner has unit length.
        normal /= tf.norm(normal, axis=1, keepdims=True)
        flux = tf.reduce_sum(normal * slopes, axis=1, keepdims=True)
        return flux + mu[:, :1] * (values - y)

    bc = dde.icbc.RobinBC(square, robin, lambda _, on: on)
    problem = dde.data.PDE(square, laplace, [bc], 60, 16)
    data = lrnr.data.ParametricPDE(problem, SPACE, 8)
    fast = reduced(data, network(data, width=24), [1, 1], points=400, rank=24)
    assert len(data.train_collocation.condition_points[0]) == 16
    s = fast.solve(MU)
    x = square.random_points(200)
    error = np.abs(s.predict(x) - exact(x)).max()
    assert error < 3e-3
    assert (s.residual < 1e-2 * s.initial_residual).all()
    fresh = square.random_boundary_points(100)
    fresh = fresh[(np.abs(fresh - 0.5) < 0.499).any(axis=1)]
    assert np.abs(s.predict(fresh) - exact(fresh)).max() < 3e-3


# Too few points


def test_more_unknowns_than_residuals_is_an_error_that_says_what_would_do(fast):
    few = reduced(points=12)
    with pytest.raises(ValueError, match="25 unknowns .* only 9 residuals"):
        reduced(points=8).solve(MU)
    with pytest.raises(ValueError) as error:
        reduced(points=6, random_features=20).solve(MU)
    assert "45 unknowns" in str(error.value) and "points=135" in str(error.value)
    assert "solver=lrnr.fast_phase.Adam()" in str(error.value)
    enough = reduced(points=135, random_features=20)
    assert enough.solve(MU[0]).status == "converged"
    # The paper's fast phase has other unknowns.
    assert np.isfinite(few.solve(MU, Adam(2)).coefficients).all()


def test_by_default_there_are_three_residuals_for_each_unknown():
    fast = reduced(points=None)
    inside, on_conditions = fast.report().num_points
    assert fast.space.size == 25 and inside == 128
    wide = reduced(points=None, random_features=60)
    assert wide.report().num_points[0] >= 3 * 85
    assert on_conditions >= 1


@pytest.mark.parametrize(
    "argument, value",
    [
        ("iterations", 0),
        ("iterations", 2.5),
        ("iterations", True),
        ("rtol", -0.1),
        ("rtol", 1),
        ("rtol", float("nan")),
        ("rtol", "1e-3"),
    ],
)
def test_wrong_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} is .*must be"):
        LeastSquares(**{argument: value})


def test_numbers_of_numpy_are_numbers():
    solver = LeastSquares(np.int64(3), np.float32(0.5))
    assert solver == LeastSquares(3, 0.5)
    assert type(solver.iterations) is int and type(solver.rtol) is float


def test_without_constants_of_its_own_there_is_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reduced().solve(MU[0])


def test_it_works_in_time_and_space():
    fast = families.decay(PLANE, SPACE, method="fitted", points=60, rank=8)
    s = fast.solve(MU)
    assert (s.residual < 0.1 * s.initial_residual).all()
