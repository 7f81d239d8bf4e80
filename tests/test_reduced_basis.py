"""A reduced basis: combinations of solutions solve the PDE, to a tolerance."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import Adam, LeastSquares
from deepxde_lrnr.io import container
from deepxde_lrnr.io.kinds import FAST_MODEL
from deepxde_lrnr.reduced_basis import BasisLeastSquares, SlowDecayWarning
from deepxde_lrnr.reduced_basis.greedy import Greedy

LINE = dde.geometry.Interval(0, 1)
X = np.linspace(0, 1, 101)[:, None]
IN_BASIS = BasisLeastSquares()


@pytest.fixture(scope="module", autouse=True)
def _without_xla():
    """XLA compiles for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "uses_xla", False)
        yield


def problem():
    """-u'' + u^2 = f with u = sin(k x) - x sin(k): nonlinear, one parameter."""

    def pde(x, u, k):
        exact = tf.sin(k * x) - x * tf.sin(k)
        f = k**2 * tf.sin(k * x) + exact**2
        return dde.grad.hessian(u, x) - u**2 + f

    space = lrnr.ParameterSpace(k=(1, 8))
    pde = dde.data.PDE(LINE, pde, [], num_domain=256)
    return lrnr.data.ParametricPDE(pde, space, num_parameters=32)


def exact(k):
    return np.sin(k * X) - X * np.sin(k)


def family(data, num_outputs=1, transform=True):
    dde.config.set_random_seed(0)
    net = lrnr.nn.HyperLRNR(
        [1, 24, 24, num_outputs],
        "tanh",
        "Glorot normal",
        rank=4,
        parameter_space=data.parameter_space,
    )
    if transform is True:
        net.apply_output_transform(lambda inputs, u: inputs[1] * (1 - inputs[1]) * u)
    elif transform:
        net.apply_output_transform(transform)
    model = lrnr.Model(data, net)
    model.compile("SOAP", lr=3e-3, verbose=0)
    model.train(iterations=60, batch_size=(8, 32), verbose=0)
    return model


@pytest.fixture(scope="module")
def model():
    return family(problem())


@pytest.fixture(scope="module")
def fast(model):
    fast = model.reduce(verbose=0)
    fast.build_basis(tolerance=1e-5, max_size=24, num_candidates=60, verbose=0)
    return fast


K = np.linspace(1.13, 7.91, 12)[:, None]


def true_errors(solution):
    u = solution.predict(X)[..., 0]
    v = np.array([exact(k)[:, 0] for k in np.ravel(solution.mu)])
    return np.linalg.norm(u - v, axis=-1) / np.linalg.norm(v, axis=-1)


def test_the_tolerance_holds_at_mu_that_nothing_was_chosen_by(fast):
    solution = fast.solve(K)
    assert set(solution.method) == {"reduced basis"}
    assert solution.coefficients.shape == (len(K), fast.basis.size)
    assert true_errors(solution).max() <= 1e-5


def test_it_is_near_the_trial_space(fast):
    ours = true_errors(fast.solve(K, IN_BASIS))
    theirs = true_errors(fast.solve(K, LeastSquares()))
    assert ours.mean() <= max(2 * theirs.mean(), 2e-6)


def test_the_estimate_is_near_the_error(fast):
    solution = fast.solve(K, IN_BASIS)
    ratio = solution.error / true_errors(solution)
    # At errors of 1e-12 to 1e-8, where the ratio to the residual varies a lot.
    assert 0.2 <= np.median(ratio) <= 5
    assert ratio.min() >= 0.1


def test_the_solutions_it_is_made_of_are_in_it(model):
    fast = model.reduce(verbose=0)
    fast.build_basis(tolerance=1e-2, max_size=24, num_candidates=60, verbose=0)
    assert fast.basis.size == len(fast.basis.mu) < 24
    functions = fast.basis.functions.values(X)[0].T
    inside = slice(1, -1)
    for mu in fast.basis.mu:
        u = fast.all_neurons.solve(mu).predict(X)
        output = (u / (X * (1 - X)).clip(1e-9))[inside]
        coefficients, *_ = np.linalg.lstsq(functions[inside], output, rcond=None)
        distance = np.linalg.norm(functions[inside] @ coefficients - output)
        assert distance <= 1e-8 * np.linalg.norm(output)


def test_a_basis_of_fewer_functions_than_solutions_fits_them_best(fast):
    """Oracle: the singular values of the matrix of the solutions."""
    greedy = Greedy(fast.all_neurons, max_size=6, capacity=14)
    mu = np.linspace(1, 8, 14)[:, None]
    readouts = greedy.solve(mu)
    greedy.begin(mu, readouts)
    smaller = greedy.compressed(6)
    assert smaller.functions().transform.shape == (greedy.size, 6)
    columns = [
        (greedy._scales * greedy._solution(*s)).ravel()
        for s in zip(mu, readouts, strict=True)
    ]
    S = np.transpose([c / np.linalg.norm(c) for c in columns])
    basis = (smaller._scales[:, :, None] * smaller._jets).transpose(2, 0, 1, 3)
    Q = basis.reshape(6, -1).T
    assert np.allclose(Q.T @ Q, np.eye(6), atol=1e-10)
    left = np.linalg.norm(S - Q @ (Q.T @ S))
    assert np.isclose(left, np.linalg.norm(np.linalg.svd(S)[1][6:]), rtol=1e-6)


def test_the_jacobian_is_the_derivative(fast):
    equations, rng = fast.basis.equations, np.random.default_rng(0)
    c = rng.standard_normal(fast.basis.size)
    at = equations.at(K[3])
    J = np.array(at(c).jacobian())
    step = rng.standard_normal(len(c))
    h = 1e-6
    difference = (at(c + h * step).fitted - at(c - h * step).fitted) / (2 * h)
    assert np.allclose(J @ step, difference, rtol=1e-6, atol=1e-8 * np.abs(J).max())


def test_an_operator_is_that_of_the_solution(fast):
    solution = fast.solve(K[:2], IN_BASIS)
    slopes = solution.predict(X, lambda x, u: dde.grad.jacobian(u, x))
    k = K[:2, None]
    assert np.abs(slopes - (k * np.cos(k * X) - np.sin(k))).max() < 1e-4
    values = solution.predict(X, lambda x, u: u)
    assert np.abs(values - solution.predict(X)).max() < 1e-9


def test_many_mu_give_what_each_gives_alone_to_the_last_bit(fast):
    together = fast.solve(K, IN_BASIS)
    u = together.predict(X)
    for i, k in enumerate(K):
        alone = fast.solve(k, IN_BASIS)
        assert np.array_equal(alone.coefficients, together.coefficients[i])
        assert alone.residual == together.residual[i]
        assert alone.error == together.error[i] == together[i].error
        assert np.array_equal(alone.predict(X), u[i])
        assert np.array_equal(alone.predict(X), alone.predict(X.copy()))


def test_a_sweep_takes_the_basis_and_where_it_must_the_trial_space(fast):
    mu = np.vstack([K, [[11.0]]])
    with pytest.warns(lrnr.OutsideParameterSpaceWarning):
        solution = fast.solve(mu)
    with pytest.warns(lrnr.OutsideParameterSpaceWarning):
        sweep = lrnr.sweep(fast, mu, X, chunk_size=4, verbose=0)
    assert set(sweep.method) == {"reduced basis", "trial space"}
    for name in ("method", "status", "residual", "estimated_error"):
        np.testing.assert_array_equal(getattr(sweep, name), getattr(solution, name))
    np.testing.assert_array_equal(sweep.values, solution.predict(X))
    accurate = lrnr.sweep(fast, K[:2], X, tolerance=1e-15, verbose=0)
    assert set(accurate.method) == {"all neurons"}


def test_the_exact_objective_never_grows(fast):
    solution = fast.solve(K, IN_BASIS)
    assert np.all(solution.objective <= solution.initial_objective)
    assert np.all(np.diff(solution.history, axis=1) <= 0)


def test_outside_of_the_box_the_trial_space_takes_over(fast):
    with pytest.warns(lrnr.OutsideParameterSpaceWarning):
        solution = fast.solve([[2.0], [12.0], [3.0]])
    assert solution.method.tolist() == ["reduced basis", "trial space", "reduced basis"]
    # Each with its own coefficients, one by one or together.
    u = solution.predict(X)
    assert np.array_equal(u[0], fast.solve([2.0]).predict(X))
    assert np.array_equal(u[1], solution[1].predict(X))
    slopes = solution.predict(X, lambda x, u: dde.grad.jacobian(u, x))
    assert slopes.shape == (3, len(X), 1)


def test_a_tolerance_goes_on_until_it_holds(fast):
    loose = fast.solve(K, tolerance=1e-3)
    assert set(loose.method) == {"reduced basis"}
    assert np.all(loose.error <= 1e-3)
    tight = fast.solve(K[-3:], tolerance=1e-13)
    assert set(tight.method) <= {"trial space", "all neurons"}
    assert set(tight.status) == {"not resolved"}
    assert "not resolved" in repr(tight)


def test_without_a_basis_a_tolerance_begins_with_the_trial_space(model):
    fast = model.reduce(rank=4, verbose=0)
    solution = fast.solve(K, tolerance=1e-5)
    assert "all neurons" in solution.method
    assert np.all(solution.error[solution.status != "not resolved"] <= 1e-5)
    assert true_errors(solution).max() < 3e-5


def test_a_tolerance_is_a_positive_number_and_no_solver_beside_it(fast):
    for bad in (0, -1, np.nan, "small"):
        with pytest.raises((TypeError, ValueError), match="tolerance"):
            fast.solve(K, tolerance=bad)
    with pytest.raises(ValueError, match="solver and tolerance"):
        fast.solve(K, Adam(iterations=2), tolerance=1e-3)


@pytest.mark.parametrize(
    "arguments",
    [
        {"tolerance": 0},
        {"tolerance": "1e-5"},
        {"max_size": 3},
        {"max_size": 2.5},
        {"num_candidates": 10},
    ],
)
def test_bad_sizes_are_refused_by_name(fast, arguments):
    (name,) = arguments
    with pytest.raises((TypeError, ValueError), match=name):
        fast.build_basis(**arguments)


def test_a_basis_that_is_too_small_says_so_and_is_not_taken(model):
    fast = model.reduce(verbose=0)
    with pytest.warns(SlowDecayWarning, match="above the tolerance"):
        basis = fast.build_basis(
            tolerance=1e-9, max_size=8, num_candidates=40, verbose=0
        )
    assert not basis.usable and basis.size == 8
    # They are combinations of more solutions.
    assert 8 < len(basis.mu) <= 16
    assert fast.solve(K[0]).method == "trial space"
    assert fast.solve(K[0], IN_BASIS).method == "reduced basis"
    assert "functions: 8" in repr(basis)


def test_all_candidates_may_be_taken(model):
    fast = model.reduce(rank=8, verbose=0)
    with pytest.warns(SlowDecayWarning):
        basis = fast.build_basis(1e-12, 8, num_candidates=8, verbose=0)
    assert 0 < basis.size == len(basis.mu) <= 8


def test_the_largest_residual_falls_as_the_basis_grows(fast):
    basis = fast.basis
    assert np.all(np.diff(basis.sizes) >= 0)
    assert basis.decay[-1] < basis.decay[0]
    assert basis.sizes[-1] == basis.size


def test_a_solver_in_the_basis_needs_one(model):
    with pytest.raises(ValueError, match="build_basis"):
        model.reduce(rank=4, verbose=0).solve(K, IN_BASIS)


def test_a_residual_that_is_not_pointwise_is_refused():
    nodes, weights = lrnr.data.quadrature(LINE, 4)

    def mean(x, u, X, k):
        u = lrnr.data.per_parameter(u)
        return lrnr.data.as_rows(tf.reduce_sum(weights * u, 1, keepdims=True)) - k

    condition = dde.icbc.PointSetOperatorBC(nodes, 0, mean)
    pde = dde.data.PDE(
        LINE, lambda x, u, k: dde.grad.jacobian(u, x), [condition], num_domain=64
    )
    data = lrnr.data.ParametricPDE(pde, lrnr.ParameterSpace(k=(1, 2)), 8)
    fast = family(data, transform=False).reduce(rank=4, verbose=0)
    with pytest.raises(ValueError, match="not pointwise"):
        fast.build_basis(verbose=0)


def test_a_file_keeps_it(fast, tmp_path):
    path = fast.save(tmp_path / "fast.npz")
    loaded = lrnr.load_fast(path, problem())
    assert np.array_equal(loaded.solve(K).predict(X), fast.solve(K).predict(X))
    assert np.array_equal(loaded.solve(K).error, fast.solve(K).error)
    assert repr(loaded.basis) == repr(fast.basis)
    assert lrnr.load_fast(path).basis.size == fast.basis.size


@pytest.mark.parametrize("name", ["mu", "readouts", "transform", "coefficients"])
@pytest.mark.parametrize("damage", ["shape", "nan"])
def test_a_forged_basis_is_refused(fast, tmp_path, name, damage):
    path = fast.save(tmp_path / "fast.npz")
    header, arrays = container.read(path, FAST_MODEL)
    array = arrays[f"basis/{name}"]
    arrays[f"basis/{name}"] = array[:, :-1] if damage == "shape" else array * np.nan
    container.write(path, FAST_MODEL, header, arrays)
    with pytest.raises(lrnr.FileFormatError, match="basis"):
        lrnr.load_fast(path)


def test_a_system_with_conditions_as_losses():
    """u' = k v, v' = -k u, u(0) = 0, v(0) = 1."""

    def pde(x, y, k):
        u, v = y[:, 0:1], y[:, 1:2]
        u_x, v_x = (dde.grad.jacobian(y, x, i=i) for i in range(2))
        return [u_x - k * v, v_x + k * u]

    def left(x, on_boundary):
        return on_boundary and np.isclose(x[0], 0)

    conditions = [
        dde.icbc.DirichletBC(LINE, lambda x: 0, left, component=0),
        dde.icbc.DirichletBC(LINE, lambda x: 1, left, component=1),
    ]
    pde = dde.data.PDE(LINE, pde, conditions, num_domain=128, num_boundary=2)
    space = lrnr.ParameterSpace(k=(1, 6))
    data = lrnr.data.ParametricPDE(pde, space, num_parameters=16)
    fast = family(data, 2, transform=False).reduce(verbose=0)
    fast.build_basis(tolerance=1e-4, max_size=20, num_candidates=40, verbose=0)
    solution = fast.solve([[1.7], [5.3]])
    k = np.array([1.7, 5.3])[:, None, None]
    u = np.concatenate([np.sin(k * X), np.cos(k * X)], axis=-1)
    assert set(solution.method) == {"reduced basis"}
    assert np.abs(solution.predict(X) - u).max() < 1e-4


def test_the_gradient_by_mu_is_that_of_the_exact_solution(fast):
    k = np.array([[1.0], [2.7], [8.0]])  # the ends of the box as well
    solution = fast.solve(k)
    exact = X * np.cos(k[:, None] * X) - X * np.cos(k[:, None])
    found = solution.gradient(X)
    assert found.shape == (3, len(X), 1, 1)
    assert np.abs(found[..., 0] - exact).max() < 2e-5
    assert np.array_equal(solution[1].gradient(X), found[1])


def test_the_gradient_is_that_of_the_solves(fast):
    h = 1e-4
    high, low = (fast.solve([3.3 + s], IN_BASIS).predict(X) for s in (h, -h))
    found = fast.solve([3.3], IN_BASIS).gradient(X)[..., 0]
    assert np.abs(found - (high - low) / (2 * h)).max() < 1e-5


def test_the_gradient_on_a_logarithmic_axis_and_through_a_transform_of_mu():
    """u' = -k u, u(0) = a, with the initial value in the output transform."""

    def pde(x, u, mu):
        return dde.grad.jacobian(u, x) + mu[:, 0:1] * u

    space = lrnr.ParameterSpace(k=(0.1, 3, "log"), a=(1, 2))
    pde = dde.data.PDE(LINE, pde, [], num_domain=128)
    data = lrnr.data.ParametricPDE(pde, space, num_parameters=32)
    fast = family(data, transform=lambda inputs, u: inputs[0][:, 1:2] + inputs[1] * u)
    fast = fast.reduce(verbose=0)
    fast.build_basis(tolerance=1e-5, max_size=20, num_candidates=60, verbose=0)
    k, a = mu = np.array([0.7, 1.3])
    u = np.exp(-k * X[:, 0])
    found = fast.solve(mu, IN_BASIS).gradient(X)[:, 0]
    assert np.abs(found - np.stack([-a * X[:, 0] * u, u], 1)).max() < 1e-5


@pytest.mark.parametrize("solver", [LeastSquares(), Adam(iterations=2)])
def test_another_method_has_no_gradient(fast, solver):
    with pytest.raises(ValueError, match=r"gradient\(\).*build_basis"):
        fast.solve(K[0], solver).gradient(X)


def test_a_basis_is_built_anew_from_the_trial_space(model):
    """Where all neurons are kept, the model that solves is the one with a basis."""
    fast = model.reduce(rank=24, verbose=0)
    assert fast.all_neurons is fast
    first = fast.build_basis(1e-2, max_size=8, num_candidates=40, verbose=0)
    assert first.usable and fast.solve(K[0]).method == "reduced basis"
    errors = fast.estimate_errors(2)
    second = fast.build_basis(1e-5, max_size=24, num_candidates=60, verbose=0)
    assert second.functions.readouts.shape == (second.size, fast.space.size)
    assert true_errors(fast.solve(K)).max() <= 1e-5
    # What it says of the trial space does not come of a basis.
    assert np.array_equal(errors, fast.estimate_errors(2))
