"""A mu whose residual is no number is marked, and does no harm to the others."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import Adam, LeastSquares
from deepxde_lrnr.offline import reduce_model

# Decay u_t = -k u from u(0) = a.
SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
TIME = dde.geometry.TimeDomain(0, 1)
T = np.array([[0.1], [0.4], [0.9]])
WEIGHTS = [1, 5]
SETTINGS = {"points": 20, "rank": 3, "num_parameters": 12}
# The second of these has a < 1; in its place stands another that has not.
MU = np.array([[0.8, 1.2], [1.5, 0.7], [2.5, 1.4]])
FINITE = np.array([[0.8, 1.2], [1.5, 1.3], [2.5, 1.4]])
OTHERS = [0, 2]
SOLVERS = [
    LeastSquares(),
    LeastSquares(3, rtol=0),
    Adam(10, 1e-3),
    Adam(10, 1e-3, "MSE", network="full"),
]


@pytest.fixture(scope="module", autouse=True)
def _without_xla():
    """XLA compiles for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "uses_xla", False)
        yield


def decay(x, u, mu):
    return dde.grad.jacobian(u, x) + mu[:, 0:1] * u


def start(x, mu):
    return mu[:, 1:2]


def family(pde=decay, value=start):
    ic = dde.icbc.IC(TIME, value, lambda _, on: on)
    problem = dde.data.PDE(TIME, pde, [ic], 20, 2)
    return lrnr.data.ParametricPDE(problem, SPACE, 16)


def where_small(mu, value, otherwise):
    """``value`` where a < 1."""
    value, otherwise = (tf.constant(float(v), mu.dtype) for v in (value, otherwise))
    return tf.where(mu[:, 1:2] < 1, value, otherwise)


def large(mu):
    """A number whose square overflows."""
    return "1e30" if mu.dtype == tf.float32 else "1e200"


# How the residual of a mu with a < 1 comes to be no number.
WAYS = {
    "PDE is NaN": family(
        lambda x, u, mu: decay(x, u, mu) * where_small(mu, "nan", 1.0)
    ),
    "PDE is infinite": family(
        lambda x, u, mu: decay(x, u, mu) + where_small(mu, "inf", 0.0)
    ),
    "PDE overflows": family(
        lambda x, u, mu: decay(x, u, mu) * where_small(mu, large(mu), 1.0)
    ),
    "IC is NaN": family(
        value=lambda x, mu: np.where(mu[:, 1:2] < 1, np.nan, mu[:, 1:2])
    ),
}


@pytest.fixture(scope="module")
def net():
    net = lrnr.nn.HyperLRNR(
        [1, 8, 8, 1],
        "tanh",
        "Glorot normal",
        rank=2,
        bias_rank=1,
        parameter_space=SPACE,
        hypernetwork=(8,),
    )
    model = lrnr.Model(family(), net)
    model.compile("SOAP", lr=1e-2, loss_weights=WEIGHTS, verbose=0)
    model.train(iterations=50, batch_size=8, display_every=1000, verbose=0)
    return net


@pytest.fixture(scope="module", params=WAYS)
def fast(request, net):
    return reduce_model(WAYS[request.param], net, WEIGHTS, **SETTINGS)


@pytest.mark.parametrize("solver", SOLVERS, ids=str)
def test_it_is_marked_and_the_others_do_not_see_it(fast, solver):
    s = fast.solve(MU, solver)
    assert (s.status == "not finite").tolist() == [False, True, False]
    np.testing.assert_array_equal(s.coefficients[1], s.initial_coefficients[1])
    np.testing.assert_allclose(s.predict(T)[1], fast.predict(T, MU[1]), rtol=1e-4)
    assert np.isfinite(s.predict(T)).all()
    # The others: to the last bit what they are beside a mu that has a residual.
    beside = fast.solve(FINITE, solver)
    assert "not finite" not in beside.status
    for name in ("coefficients", "objective", "residual", "history", "steps"):
        np.testing.assert_array_equal(
            getattr(s, name)[OTHERS], getattr(beside, name)[OTHERS], name
        )
    assert (s.coefficients[OTHERS] != s.initial_coefficients[OTHERS]).any()
    # Without it they have other rows in the batch: the same up to rounding.
    alone = fast.solve(MU[OTHERS], solver)
    np.testing.assert_allclose(
        s.coefficients[OTHERS], alone.coefficients, rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("solver", SOLVERS, ids=str)
def test_where_no_mu_has_a_residual_all_are_marked(net, solver):
    data = family(lambda x, u, mu: decay(x, u, mu) * float("nan"))
    fast = reduce_model(data, net, WEIGHTS, **SETTINGS)
    s = fast.solve(MU, solver)
    assert s.status.tolist() == ["not finite"] * 3
    np.testing.assert_array_equal(s.coefficients, s.initial_coefficients)
    np.testing.assert_allclose(s.predict(T), fast.predict(T, MU), rtol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS, ids=str)
def test_a_residual_that_is_finite_at_the_start_alone_is_not_left(net, solver):
    """Steps lead to where it is no number: the start is returned."""

    def at_the_start(x, u, mu):
        mu_, x_ = tf.cast(mu, tf.float32), tf.cast(x, tf.float32)
        first = net.evaluate(mu_, x_, net.coefficients(mu_))
        away = tf.abs(u - tf.cast(first, u.dtype)) > 1e-5
        nan, one = (tf.constant(v, u.dtype) for v in (np.nan, 1.0))
        return decay(x, u, mu) * tf.where(away, nan, one)

    fast = reduce_model(family(at_the_start), net, WEIGHTS, **SETTINGS)
    s = fast.solve(MU, solver)
    np.testing.assert_array_equal(s.coefficients, s.initial_coefficients)
    assert np.isfinite(s.predict(T)).all() and np.isfinite(s.residual).all()
    assert set(s.status) <= {"no improvement", "not finite"}
