"""User code with constants in single precision goes on working, and is told so once."""

import warnings

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.fast_phase import PrecisionWarning
from deepxde_lrnr.offline import reduce_model

SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
TIME = dde.geometry.TimeDomain(0, 1)
MU = np.array([[0.8, 1.2], [2.5, 1.4]])
T = np.linspace(0, 1, 11)[:, None]
EXACT = MU[:, 1:2] * np.exp(-MU[:, :1] * T.T)
TABLE = np.array([[0.0, 1.0, 2.0]], np.float32)


def decay(x, u, mu):
    return dde.grad.jacobian(u, x) + mu[:, 0:1] * u


def of_table(x, u, mu):
    return decay(x, u, mu) * tf.reduce_sum(tf.constant(TABLE))


def cast_down(x, u, mu):
    return tf.cast(decay(x, u, mu), tf.float32)


def constant_in_feature(x):
    return tf.concat([x, x**2], axis=1) * tf.constant([[1.0, 2.0]])


def follows(x):
    return tf.concat([x, x**2], axis=1) * tf.constant([[1.0, 2.0]], x.dtype)


def constant_in_output(inputs, y):
    return y * tf.constant(2.0)


def initial_error(inputs, u, X, mu):
    return (u - mu[:, 1:2]) * tf.constant(1.5)


def solved(pde=decay, feature=None, output=None, operator=None):
    bc = dde.icbc.IC(TIME, lambda x, mu: mu[:, 1:2], lambda _, on: on)
    if operator is not None:
        bc = dde.icbc.OperatorBC(TIME, operator, lambda x, _: np.isclose(x[0], 0))
    problem = dde.data.PDE(TIME, pde, [bc], 20, 2)
    data = lrnr.data.ParametricPDE(problem, SPACE, 8)
    net = lrnr.nn.HyperLRNR(
        [1 if feature is None else 2, 10, 10, 1],
        "tanh",
        "Glorot normal",
        rank=3,
        bias_rank=2,
        parameter_space=SPACE,
    )
    if feature is not None:
        net.apply_feature_transform(feature)
    if output is not None:
        net.apply_output_transform(output)
    net((data.train_mu[:1], data.train_collocation.points[:1]))
    families.randomise(net, 1.0)
    fast = reduce_model(data, net, [1, 5], points=100, rank=10, num_parameters=8)
    return fast, fast.solve(MU)


CASES = {
    "feature_transform": {"feature": constant_in_feature},
    "output_transform": {"output": constant_in_output},
    "pde, a table": {"pde": of_table},
    "pde, a cast": {"pde": cast_down},
    "bcs[0] (OperatorBC)": {"operator": initial_error},
}


@pytest.mark.parametrize("name", CASES)
def test_it_works_with_one_warning_that_names_the_function(name, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fast, s = solved(**CASES[name])
        s.predict(T)
    ours = [w for w in caught if issubclass(w.category, PrecisionWarning)]
    assert len(ours) == 1, [str(w.message) for w in ours]
    function = name.partition(",")[0]
    message = str(ours[0].message)
    assert message.startswith(f"{function} is computed in single precision")
    assert "dtype=x.dtype" in message
    assert f"in single precision: {function}" in str(fast.report())
    np.testing.assert_allclose(s.predict(T)[..., 0], EXACT, atol=2e-3)
    assert (s.residual < 1e-2 * s.initial_residual).all()


@pytest.mark.parametrize("name", ["feature_transform", "pde, a table"])
def test_a_file_remembers_it_and_does_not_tell_again(name, tmp_path):
    with pytest.warns(PrecisionWarning):
        fast, s = solved(**CASES[name])
    fast.save(tmp_path / "fast.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("error", PrecisionWarning)
        loaded = lrnr.load_fast(tmp_path / "fast.npz", fast.residual.data)
        again = loaded.solve(MU)
    assert loaded.precision.single == fast.precision.single
    np.testing.assert_array_equal(again.coefficients, s.coefficients)


@pytest.mark.parametrize("how", [{}, {"feature": follows}])
def test_without_such_constants_there_is_no_warning(how):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast, s = solved(**how)
        s.predict(T, decay)
    assert "single precision" not in str(fast.report())
    np.testing.assert_allclose(s.predict(T)[..., 0], EXACT, atol=1e-5)


def test_an_operator_with_such_a_constant_is_evaluated():
    _, s = solved()
    found = s.predict(T, lambda x, u: u * tf.constant([[1.0, 2.0]]))
    u = s.predict(T)
    np.testing.assert_allclose(found, u * [1, 2], rtol=1e-5)
    exact = s.predict(T, lambda x, u: 2 * u)
    assert exact.dtype == np.float64
    np.testing.assert_array_equal(exact, 2 * u)


def test_a_problem_in_double_precision_needs_none_of_it():
    dde.config.set_default_float("float64")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, s = solved(
            feature=lambda x: tf.concat([x, x**2], 1) * tf.constant([[1, 2]], "float64")
        )
    np.testing.assert_allclose(s.predict(T)[..., 0], EXACT, atol=1e-5)


def test_an_error_of_the_user_is_the_users():
    def broken(x, u, mu):
        raise KeyError("no such table")

    with pytest.raises(KeyError, match="no such table"):
        solved(broken)
