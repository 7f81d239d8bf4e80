"""What users write by mistake in their functions is named in our words, first."""

import math

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf

LINE = dde.geometry.Interval(0, 1)
SPACE = lrnr.ParameterSpace(m=(0.5, 2))
X = np.linspace(0, 1, 3)[:, None]


def everywhere(_, on):
    return on


def plain(x, u, mu):
    return dde.grad.hessian(u, x) + mu


def model(pde=plain, bcs=(), features=None, transform=None, space=SPACE):
    problem = dde.data.PDE(LINE, pde, list(bcs), num_domain=16, num_boundary=2)
    data = lrnr.data.ParametricPDE(problem, space, num_parameters=4)
    net = lrnr.nn.HyperLRNR(
        [1, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=space
    )
    if features is not None:
        net.apply_feature_transform(features)
    if transform is not None:
        net.apply_output_transform(transform)
    return lrnr.Model(data, net)


def train(**options):
    made = model(**options)
    made.compile("adam", lr=1e-3, verbose=0)
    made.train(iterations=1, verbose=0)
    return made


def refused(message, **options):
    """Training is; the message, whatever TensorFlow says, begins with ours."""
    with pytest.raises((TypeError, ValueError)) as caught:
        train(**options)
    assert str(caught.value).startswith(message)
    return caught.value


def with_if(x, u, mu):
    if mu > 1:
        return u
    return 2 * u


def with_loop(x, u, mu):
    total = 0
    for row in mu:
        total = total + row
    return total * u


def with_unpacking(x, u, mu):
    (a,) = mu
    return a * u


PDES = {
    "np.sin of x": (lambda x, u, mu: u - np.sin(x[:, 0:1]), "calls NumPy, or"),
    "np.exp of u": (lambda x, u, mu: np.exp(u) - mu, "calls NumPy, or"),
    "np.where": (lambda x, u, mu: np.where(x < 0.5, u, mu), "calls NumPy, or"),
    "math.sin": (lambda x, u, mu: u - math.sin(x), "calls NumPy, or"),
    "numpy()": (lambda x, u, mu: u.numpy() - mu, "uses a method of NumPy's"),
    "reshape": (lambda x, u, mu: u.reshape(-1, 1), "uses a method of NumPy's"),
    "if": (with_if, "has a branch of Python's (if"),
    "if else": (lambda x, u, mu: u if mu > 1 else 2 * u, "has a branch of Python's"),
    "and": (
        lambda x, u, mu: tf.where(mu > 1 and x > 0, u, mu),
        "has a branch of Python's",
    ),
    "max": (lambda x, u, mu: max(u, mu), "has a branch of Python's"),
    "a loop": (with_loop, "takes a Tensor apart row by row"),
    "unpacking": (with_unpacking, "takes a Tensor apart row by row"),
    "another precision": (
        lambda x, u, mu: u * tf.constant(np.pi, tf.float64) - mu,
        "joins Tensors of two precisions",
    ),
    "no return": (lambda x, u, mu: None, "returned None; it must return a Tensor"),
}


@pytest.mark.parametrize("name", PDES)
def test_mistakes_in_pde_are_named(name):
    pde, message = PDES[name]
    refused(f"pde {message}", pde=pde)


def test_the_error_behind_it_is_kept():
    error = refused("pde calls NumPy", pde=lambda x, u, mu: np.exp(u))
    assert isinstance(error.__cause__, NotImplementedError)


def test_an_error_that_is_none_of_these_comes_as_it_is():
    def pde(x, u, mu):
        raise KeyError("viscosity")

    with pytest.raises(KeyError, match="^'viscosity'$"):
        train(pde=pde)


def test_a_branch_on_one_number_is_allowed():
    def pde(x, u, mu):
        if tf.shape(x)[0] > 1000:
            return u
        return u - mu

    train(pde=pde)


CONDITIONS = {
    "NumPy in a RobinBC": (
        dde.icbc.RobinBC(LINE, lambda x, y, mu: np.sin(y), everywhere),
        "The function of bcs[0] (RobinBC) calls NumPy",
    ),
    "a branch in an OperatorBC": (
        dde.icbc.OperatorBC(
            LINE, lambda x, u, X, mu: u if mu > 1 else 2 * u, everywhere
        ),
        "The function of bcs[0] (OperatorBC) has a branch of Python's",
    ),
    "a branch in values": (
        dde.icbc.DirichletBC(LINE, lambda x, mu: 1 if mu > 1 else 0, everywhere),
        "The function of bcs[0] (DirichletBC) has a branch of Python's (if, and, or, "
        "max, min) on an array",
    ),
    "math in values": (
        dde.icbc.DirichletBC(LINE, lambda x: math.sin(x), everywhere),
        "The function of bcs[0] (DirichletBC) calls Python's math",
    ),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_mistakes_in_conditions_are_named(name):
    bc, message = CONDITIONS[name]
    refused(message, bcs=[bc])


@pytest.mark.parametrize(
    "space", [SPACE, lrnr.ParameterSpace(a=(1, 2), b=(1, 2))], ids=["one mu", "two"]
)
@pytest.mark.parametrize(
    "transform",
    [
        lambda x, y: x * (1 - x) * y,
        lambda x, y: x[:, 0:1] * y,
        lambda x, y: tf.sin(x) * y,
        lambda x, y: x * y,
    ],
)
def test_an_output_transform_of_x_is_told_what_it_gets(transform, space):
    refused(
        "The output transform is written (x, outputs); it must be (inputs, outputs)",
        transform=transform,
        space=space,
    )


TRANSFORMS = {
    "NumPy": (lambda i, y: np.sin(i[1]) * y, "The output transform calls NumPy"),
    "a branch": (
        lambda i, y: y if i[0] > 1 else 2 * y,
        "The output transform has a branch of Python's",
    ),
    "nothing": (lambda i, y: None, "The output transform returned a NoneType; it must"),
    # All rows with all rows: this was trained.
    "a row": (
        lambda i, y: i[1][:, 0] * y,
        "The output transform returned shape (18, 18) for 18 rows; it must be (18, n",
    ),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_mistakes_in_output_transforms_are_named(name):
    transform, message = TRANSFORMS[name]
    refused(message, transform=transform)


FEATURES = {
    "NumPy": (lambda x: np.sin(x), "The feature transform calls NumPy"),
    "a branch": (
        lambda x, mu: x if mu > 1 else 2 * x,
        "The feature transform has a branch of Python's",
    ),
    "a list": (lambda x: [x, x], "The feature transform returned a list; it must"),
    "one axis": (
        lambda x: x[:, 0],
        "The feature transform returned shape (1,) for 1 rows; it must be (1, n)",
    ),
}


@pytest.mark.parametrize("name", FEATURES)
def test_mistakes_in_feature_transforms_are_named(name):
    features, message = FEATURES[name]
    refused(message, features=features)


@pytest.mark.parametrize(
    "operator, message",
    [
        (lambda x, u: np.sin(u), "operator calls NumPy"),
        (lambda x, u, mu: u if mu > 1 else 2 * u, "operator has a branch of Python's"),
    ],
)
def test_mistakes_in_operators_are_named(operator, message):
    with pytest.raises(TypeError) as caught:
        model().predict(X, [1.0], operator)
    assert str(caught.value).startswith(message)


def test_an_output_transform_may_take_components_together():
    """Three outputs of the network, one component of u."""
    made = model(transform=lambda inputs, y: tf.reduce_sum(y, axis=1, keepdims=True))
    assert made.predict(X, [1.0]).shape == (3, 1)


def test_a_transform_may_make_as_many_components_as_there_are_rows():
    made = model(
        transform=lambda inputs, y: tf.concat(3 * [y], axis=1),
        features=lambda x: tf.concat(3 * [x], axis=1),
    )
    assert made.predict(X, [1.0]).shape == (3, 3)
