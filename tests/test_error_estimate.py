"""solution.error is near the true error; families that are not resolved are named."""

import warnings

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import Adam, LeastSquares, NotResolvedWarning

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


@pytest.fixture(scope="module")
def smooth():
    """-u'' = k^2 sin(k x), less what is linear at the ends."""

    def pde(x, u, k):
        return dde.grad.hessian(u, x) + k**2 * tf.sin(k * x)

    return trained(pde, lrnr.ParameterSpace(k=(1, 14)))


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


def test_a_layer_that_no_smooth_function_follows_is_named():
    def pde(x, u, eps):
        return dde.grad.jacobian(u, x) - eps * dde.grad.hessian(u, x) - 1

    model = trained(pde, lrnr.ParameterSpace(eps=(1e-5, 1e-4, "log")))
    with pytest.warns(NotResolvedWarning, match=r"above 1%, the largest .* at eps ="):
        fast = model.reduce(verbose=0)
    assert fast.solve([3e-5]).error > 0.5
    assert "relative error of u, estimated at 6 mu" in str(fast.report())


def test_a_family_that_is_resolved_is_not(smooth):
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotResolvedWarning)
        fast = smooth.reduce(verbose=0)
    assert fast.report().errors is None  # nothing to suspect
    assert fast.estimate_errors(4).max() < 1e-2
    assert fast.report().errors.shape == (4,)
    assert errors(fast.solve(fast.parameter_space.sample(9, "Halton"))).max() < 1e-2


def test_without_its_problem_there_is_nothing_to_solve(fast, tmp_path):
    path = fast.save(str(tmp_path / "fast.npz"))
    with pytest.raises(RuntimeError, match="needs the problem"):
        lrnr.load_fast(path).estimate_errors()


@pytest.mark.parametrize("count", [0, 1.5, "2"])
def test_a_bad_count_is_named(fast, count):
    with pytest.raises(ValueError, match="count is"):
        fast.estimate_errors(count)
