"""solution.error is near the true error; families that are not resolved are named."""

import warnings

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import Adam, LeastSquares, NotResolvedWarning
from deepxde_lrnr.fast_phase.error_estimate import error_per_residual
from deepxde_lrnr.offline import following

LINE = dde.geometry.Interval(0, 1)
X = np.linspace(0, 1, 401)[:, None]


@pytest.fixture(scope="module", autouse=True)
def _without_xla():
    """XLA compiles for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "uses_xla", False)
        yield


def trained(pde, space, width=16, iterations=60):
    dde.config.set_random_seed(0)
    problem = dde.data.PDE(LINE, pde, [], num_domain=256)
    data = lrnr.data.ParametricPDE(problem, space, num_parameters=32)
    net = lrnr.nn.HyperLRNR(
        [1, width, width, 1], "tanh", "Glorot normal", rank=4, parameter_space=space
    )
    net.apply_output_transform(lambda inputs, u: inputs[1] * (1 - inputs[1]) * u)
    model = lrnr.Model(data, net)
    model.compile("SOAP", lr=3e-3, verbose=0)
    model.train(iterations=iterations, batch_size=(8, 32), verbose=0)
    return model


def wave(x, u, k):
    return dde.grad.hessian(u, x) + k**2 * tf.sin(k * x)


@pytest.fixture(scope="module")
def smooth():
    """-u'' = k^2 sin(k x), less what is linear at the ends."""

    return trained(wave, lrnr.ParameterSpace(k=(1, 14)))


def exact(x, k):
    return np.sin(k * x) - x * np.sin(k)


@pytest.fixture(scope="module")
def fast(smooth):
    """Few neurons, so that there is an error to estimate."""
    return smooth.reduce(rank=4, verbose=0)


def errors(solution):
    u = solution.predict(X)[..., 0]
    truth = np.stack([exact(X[:, 0], *m) for m in solution.mu])
    return np.linalg.norm(u - truth, axis=1) / np.linalg.norm(truth, axis=1)


@pytest.mark.parametrize("solver", [LeastSquares(), Adam(3)], ids=str)
def test_the_estimate_is_near_the_true_error(fast, solver):
    solution = fast.solve(fast.parameter_space.sample(12, "Halton"), solver)
    true = errors(solution)
    clear = true > 1e-8  # not rounding
    assert clear.sum() >= 6
    ratio = (solution.error / true)[clear]
    assert 0.5 < np.median(ratio) < 2
    assert ratio.min() > 0.1


def test_it_is_computed_once_and_for_each_mu_as_alone(fast):
    mu = fast.parameter_space.sample(3, "Halton")
    several = fast.solve(mu)
    found = several.error
    assert several.error is found and found.shape == (3,)
    alone = fast.solve(mu[1]).error
    assert np.ndim(alone) == 0 and alone == found[1] == several[1].error


def test_a_layer_that_no_smooth_function_follows_is_named(tmp_path, monkeypatch):
    # That features which follow the solution do not help would take a minute.
    monkeypatch.setattr(following, "_COUNTS", ())

    def pde(x, u, eps):
        return dde.grad.jacobian(u, x) - eps * dde.grad.hessian(u, x) - 1

    model = trained(pde, lrnr.ParameterSpace(eps=(1e-5, 1e-4, "log")))
    with pytest.warns(NotResolvedWarning, match=r"above 1%, the largest .* at eps ="):
        fast = model.reduce(verbose=0)
    solution = fast.solve([3e-5])
    assert solution.error > 0.5 and solution.status == "not resolved"
    assert "relative error of u, estimated at 6 mu" in str(fast.report())
    # A file knows it.
    again = lrnr.load_fast(fast.save(tmp_path / "layer.npz"), model.data)
    assert list(again.solve([[3e-5], [5e-5]]).status) == 2 * ["not resolved"]


def test_a_family_that_is_resolved_is_not(smooth):
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotResolvedWarning)
        fast = smooth.reduce(verbose=0)
    assert fast.report().errors is None  # nothing to suspect
    assert fast.estimate_errors(4).max() < 1e-2
    assert fast.report().errors.shape == (4,)
    solution = fast.solve(fast.parameter_space.sample(9, "Halton"))
    assert errors(solution).max() < 1e-2
    assert set(solution.status) == {"converged"}


@pytest.mark.parametrize("width, highest, iterations", [(6, 40, 20), (8, 100, 60)])
def test_every_mu_that_is_off_by_a_per_cent_is_named(width, highest, iterations):
    """Only where k is large: the mean of what is left of the residual is tiny."""
    model = trained(wave, lrnr.ParameterSpace(k=(1, highest)), width, iterations)
    with pytest.warns(NotResolvedWarning):
        fast = model.reduce(random_features=0, verbose=0)
    solution = fast.solve(fast.parameter_space.sample(30, "Halton"))
    true, named = errors(solution), solution.status == "not resolved"
    assert (true > 1e-2).sum() > 5
    assert named[true > 1e-2].all() and not named[true < 1e-3].any()


def test_the_space_grows_where_the_family_is_not_resolved():
    """By random features, though the mean residual is what was asked for."""
    model = trained(wave, lrnr.ParameterSpace(k=(1, 40)), 6, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotResolvedWarning)
        fast = model.reduce(verbose=0)
    assert len(fast.space.random) > 0
    assert "where that does not resolve it" in str(fast.report())
    solution = fast.solve(fast.parameter_space.sample(30, "Halton"))
    assert errors(solution).max() < 1e-4
    assert set(solution.status) == {"converged"}


def test_where_the_residual_does_not_tell_the_error_is_estimated(smooth, monkeypatch):
    fast = smooth.reduce(verbose=0)
    mu = fast.parameter_space.sample(5, "Halton")
    residual = fast.solve(mu).residual[2]
    for likely, status, estimated in (
        (1e-3, "converged", False),
        (5e-3, "converged", True),
        (2e-2, "not resolved", False),
    ):
        monkeypatch.setattr(fast, "error_per_residual", likely / residual)
        solution = fast.solve(mu[2])
        assert solution.status == status
        assert np.isfinite(solution.estimated_error) == estimated
        # A solver that is asked for does no more than solve.
        assert np.isnan(fast.solve(mu[2], LeastSquares()).estimated_error)


def test_errors_are_estimated_where_one_asks(fast):
    fast.estimate_errors(mu={"k": [13.0, 13.5]})
    assert fast.report().errors.shape == (2,)
    assert fast.estimate_errors(mu=[13.0]).shape == (1,)
    with pytest.raises(ValueError, match="mu"):
        fast.estimate_errors(mu={"a": 1})


def test_errors_far_below_a_per_cent_say_nothing_of_larger_ones():
    residuals = np.array([1e-9, 1e-3, 2e-3])
    factor = error_per_residual(np.array([1e-6, 2e-3, np.nan]), residuals)
    assert factor == pytest.approx(2)
    assert error_per_residual(np.array([1e-6, 1e-5, 1e-7]), residuals) == 0
    assert error_per_residual(np.full(3, np.nan), residuals) is None


def test_without_its_problem_there_is_nothing_to_solve(fast, tmp_path):
    path = fast.save(str(tmp_path / "fast.npz"))
    with pytest.raises(RuntimeError, match="needs the problem"):
        lrnr.load_fast(path).estimate_errors()


@pytest.mark.parametrize("count", [0, 1.5, "2"])
def test_a_bad_count_is_named(fast, count):
    with pytest.raises(ValueError, match="count is"):
        fast.estimate_errors(count)
