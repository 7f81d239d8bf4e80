"""A random field has the covariance it is given, as far as its modes go."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

SQUARE = dde.geometry.Rectangle([0, -1], [2, 1])
NAMES = ["exponential", "Matern 3/2", "Matern 5/2", "squared exponential"]


def field_on(geom=SQUARE, covariance="squared exponential", num_modes=6, **kwargs):
    if isinstance(covariance, str):
        kwargs = {"length": 0.8, **kwargs}
    if getattr(geom, "dim", 1) > 1:  # as many as the tests need
        kwargs = {"num_points": 196, **kwargs}
    return lrnr.data.RandomField(geom, covariance, num_modes, **kwargs)


@pytest.fixture(scope="module")
def field():
    return field_on()


def exponential_eigenvalues(length, side, num):
    """Of exp(-|x - y| / length) on an interval, from its boundary conditions."""
    c, a = 1 / length, side / 2
    roots = []
    for i in range(num):
        # w = c / tan(w a) for even modes, w = -c tan(w a) for odd ones.
        if i % 2 == 0:
            low, high = i / 2 * np.pi / a, (i / 2 + 0.5) * np.pi / a
            w = brentq(lambda w: c * np.cos(w * a) - w * np.sin(w * a), low, high)
        else:
            low, high = (
                (i + 1) / 2 * np.pi / a - np.pi / (2 * a),
                (i + 1) / 2 * np.pi / a,
            )
            w = brentq(lambda w: w * np.cos(w * a) + c * np.sin(w * a), low, high)
        roots.append(2 * c / (w**2 + c**2))
    return np.array(roots)


@pytest.mark.parametrize("length", [0.3, 5])
def test_the_exponential_covariance_has_its_known_eigenvalues(length):
    geom = dde.geometry.Interval(-1, 2)
    found = field_on(geom, "exponential", 8, length=length)
    exact = exponential_eigenvalues(length, 3, 8)
    np.testing.assert_allclose(found.eigenvalues, exact, rtol=4e-3)
    finer = field_on(geom, "exponential", 8, length=length, num_points=512)
    np.testing.assert_allclose(finer.eigenvalues, exact, rtol=6e-4)
    # All eigenvalues together are the variance times the length of the interval.
    assert found.explained_variance == pytest.approx(exact.sum() / 3, rel=1e-3)


def test_modes_of_the_exponential_covariance_are_its_sines_and_cosines():
    """Also their second derivatives, which the covariance itself does not have."""
    found = field_on(dde.geometry.Interval(-1, 1), "exponential", 4, length=1)
    x = tf.constant(np.linspace(-0.95, 0.95, 50)[:, None])
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            modes = found.modes(x)
        slopes = inner.batch_jacobian(modes, x)[..., 0]
    second = outer.batch_jacobian(slopes, x)[..., 0]
    w = np.sqrt(2 / found.eigenvalues - 1)
    # phi'' = -w^2 phi
    scale = np.abs(modes).max(axis=0) * w**2
    assert np.abs((second + w**2 * modes) / scale).max() < 0.03


def test_with_all_modes_the_field_has_its_covariance(field):
    rng = np.random.default_rng(0)
    x, y = (np.hstack([rng.uniform(a, a + 2, (30, 1)) for a in (0, -1)]) for _ in "xy")
    rich = field_on(num_modes=60)
    assert rich.explained_variance > 1 - 1e-6
    exact = np.exp(-((x[:, None] - y) ** 2).sum(-1) / (2 * 0.8**2))
    np.testing.assert_allclose(rich.modes(x) @ rich.modes(y).T, exact, atol=2e-3)
    # Cut off: what is left has the variance that is said.
    points, weights = lrnr.data.quadrature(SQUARE, 400)
    left = weights.T @ (1 - (field.modes(points) ** 2).sum(axis=1))
    assert left[0] / 4 == pytest.approx(1 - field.explained_variance, abs=1e-4)


@pytest.mark.parametrize(
    "geom",
    [
        SQUARE,
        dde.geometry.Disk([1, 0], 2),
        dde.geometry.Rectangle([0, 0], [2, 2]) - dde.geometry.Rectangle([1, 1], [3, 3]),
        dde.geometry.Cuboid([0, 0, 0], [1, 1, 2]),
        dde.geometry.GeometryXTime(
            dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 3)
        ),
    ],
    ids=["square", "disk", "L", "cuboid", "time"],
)
@pytest.mark.parametrize("covariance", ["exponential", "squared exponential"])
def test_modes_are_orthogonal_on_any_geometry(geom, covariance):
    dim = 2 if hasattr(geom, "timedomain") else geom.dim
    found = field_on(geom, covariance, 5, num_points=400)
    points, weights = lrnr.data.quadrature(geom, 3000)
    modes = found.modes(points[:, :dim].astype(float))
    products = modes.T @ (weights * modes)
    np.testing.assert_allclose(
        products, np.diag(found.eigenvalues), atol=0.02 * found.eigenvalues[0]
    )
    assert 0 < found.explained_variance <= 1


def test_lengths_and_variance_scale_the_field(field):
    twice = field_on(variance=4.0, mean=7.0)
    x, k = np.random.default_rng(0).uniform(0, 1, (5, 2)), np.ones(6)
    np.testing.assert_allclose(twice(x, k), 7 + 2 * field(x, k))
    assert twice.explained_variance == pytest.approx(field.explained_variance)
    # The same field in other units.
    stretched = field_on(
        dde.geometry.Rectangle([0, -10], [2, 10]), length=[0.8, 8], num_modes=6
    )
    np.testing.assert_allclose(stretched.eigenvalues, 10 * field.eigenvalues, rtol=1e-6)


def test_a_function_is_a_covariance_too(field):
    def covariance(x, y, length=0.8):
        squares = ((x[:, None] - y) ** 2).sum(axis=-1)
        return np.exp(-squares / (2 * length**2))

    x, k = np.random.default_rng(0).uniform(0, 1, (5, 2)), np.arange(6.0)
    np.testing.assert_allclose(
        field_on(covariance=covariance)(x, k), field(x, k), atol=1e-6
    )


def test_modes_are_the_same_in_every_run(field):
    """Equal eigenvalues, of which a square has many, do not leave a choice."""
    np.random.seed(5)
    again = field_on()
    x = np.random.default_rng(0).uniform(0, 1, (5, 2))
    np.testing.assert_array_equal(field.modes(x), again.modes(x))
    assert field.eigenvalues[1] == pytest.approx(field.eigenvalues[2], rel=1e-6)
    # Nodes in another order are other sums, hence another basis of LAPACK's.
    from deepxde_lrnr.data.karhunen_loeve import eigenpairs

    rng = np.random.default_rng(1)
    nodes, weights = np.polynomial.legendre.leggauss(12)
    x = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)
    weights = np.outer(weights, weights).ravel()
    order = rng.permutation(len(x))
    found = [
        eigenpairs(np.exp(-((x[i][:, None] - x[i]) ** 2).sum(-1)), weights[i], x[i], 6)[
            1
        ]
        for i in (np.arange(len(x)), order)
    ]
    products = found[0][order].T @ (weights[order][:, None] * found[1])
    np.testing.assert_allclose(np.abs(products), np.eye(6), atol=1e-6)


# In pde


@given(st.integers(1, 6), st.booleans())
@settings(max_examples=8, deadline=None)
def test_tensors_and_arrays_agree(field, rows, one):
    rng = np.random.default_rng(rows)
    x = rng.uniform(0, 1, (rows, 2))
    k = rng.standard_normal((6,) if one else (rows, 6))
    expected = field(x, k)
    assert expected.shape == (rows, 1)
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-5)):
        value = field(tf.constant(x, dtype), tf.constant(k, dtype))
        assert value.dtype == dtype and value.shape == (rows, 1)
        np.testing.assert_allclose(value, expected, atol=tolerance)
    mixed = field(x.astype("float32"), tf.constant(k, "float32"))
    np.testing.assert_allclose(mixed, expected, atol=1e-5)


def test_one_point_has_a_value_for_each_k(field):
    x, k = np.array([[0.3, 0.2]]), np.random.default_rng(0).standard_normal((4, 6))
    expected = [field(x, row)[0] for row in k]
    np.testing.assert_allclose(field(x, k), expected)
    signature = [
        tf.TensorSpec((None, 2), "float64"),
        tf.TensorSpec((None, 6), "float64"),
    ]
    traced = tf.function(field, input_signature=signature)
    np.testing.assert_allclose(traced(x, k), expected)


def test_xla_compiles_the_field(field):
    rng = np.random.default_rng(0)
    x, k = rng.uniform(0, 1, (4, 2)), rng.standard_normal((4, 6))
    compiled = tf.function(field, jit_compile=True)
    np.testing.assert_allclose(compiled(tf.constant(x), k), field(x, k), atol=1e-12)


def test_points_outside_of_the_geometry_are_warned_of(field):
    with pytest.warns(lrnr.OutsideGeometryWarning) as record:
        field([[0.5, 0.5], [3, 0]], np.ones(6))
        field.modes([[0.5, 5]])
    assert [warning.filename for warning in record] == [__file__] * 2


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_those_of_the_values(name):
    found = field_on(covariance=name)
    k = np.random.default_rng(0).standard_normal(6)
    x = np.array([[0.3, 0.2], [1.7, -0.8], [1.0, 0.0]])

    @tf.function
    def derivatives(x):
        value = found(x, k)
        first = tf.gradients(value, x)[0]
        return first, tf.gradients(first[:, 0], x)[0]

    first, second = derivatives(tf.constant(x))
    h = 1e-4
    for j in range(2):
        step = h * np.eye(2)[j]
        slope = (found(x + step, k) - found(x - step, k)) / (2 * h)
        np.testing.assert_allclose(first[:, j], slope[:, 0], atol=1e-5)
    step = h * np.eye(2)[0]
    curvature = (found(x + step, k) - 2 * found(x, k) + found(x - step, k)) / h**2
    np.testing.assert_allclose(second[:, 0], curvature[:, 0], atol=1e-4)


def test_a_family_with_a_field_is_solved(monkeypatch):
    """-(a u')' = load with u(0) = u(1) = 0, by integration."""
    monkeypatch.setattr(Compiled, "uses_xla", False)  # which compiles for seconds
    geom = dde.geometry.Interval(0, 1)
    field = field_on(geom, "Matern 5/2", 4, length=0.5)
    space = lrnr.ParameterSpace(k=(-2, 2, 4), load=(1, 2))

    def pde(x, u, mu):
        k, load = space.split(mu).values()
        flux = tf.exp(field(x, k)) * dde.grad.jacobian(u, x)
        return dde.grad.jacobian(flux, x) + load

    problem = dde.data.PDE(geom, pde, [], num_domain=256)
    data = lrnr.data.ParametricPDE(problem, space, num_parameters=64)
    net = lrnr.nn.HyperLRNR(
        [1, 24, 24, 1], "tanh", "Glorot normal", rank=4, parameter_space=space
    )
    net.apply_output_transform(lambda inputs, u: inputs[1] * (1 - inputs[1]) * u)
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=20, batch_size=(8, 16), verbose=0)
    fast = model.reduce(rank=24, random_features=32)
    k = np.array([1.0, -1.5, 0.5, 2.0])
    u = fast.solve({"k": k, "load": 1.5}).predict(np.linspace(0, 1, 401)[:, None])

    x = np.linspace(0, 1, 8001)
    resistance = np.exp(-field(x[:, None], k)[:, 0])

    def integral(f):
        return np.concatenate([[0], np.cumsum((f[1:] + f[:-1]) / 2)]) / 8000

    moment, total = integral(x * resistance), integral(resistance)
    exact = 1.5 * (moment[-1] / total[-1] * total - moment)
    error = np.linalg.norm(u[:, 0] - exact[::20]) / np.linalg.norm(exact[::20])
    assert error < 1e-4


# Draws


def test_draws_are_truncated_normals(field):
    np.random.seed(0)
    k = field.sample(4000, 2)
    assert k.shape == (4000, 6) and np.abs(k).max() <= 2
    # Variance of a standard normal between -2 and 2.
    assert np.var(k) == pytest.approx(0.7737, abs=0.02)
    np.random.seed(0)
    np.testing.assert_array_equal(field.sample(4000, 2), k)


# Mistakes


def not_symmetric(x, y):
    return np.exp(x[:, :1] - y[:, :1].T)


def indefinite(x, y):
    return np.cos(x[:, :1] + y[:, :1].T)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"covariance": "gauss"}, "covariance is 'gauss'; it must be one of 'expon"),
        ({"length": None}, "length is None; .* needs its correlation length"),
        ({"length": -1}, "length is -1; it must be a number > 0, or 2 of them"),
        ({"length": [1, 2, 3]}, r"length is \[1, 2, 3\]; it must be"),
        ({"variance": 0}, "variance is 0; it must be a number > 0"),
        ({"num_modes": 0}, "num_modes is 0; it must be an integer >= 1"),
        ({"num_points": 4, "num_modes": 5}, "num_modes is 5, more than the 4 nodes"),
        ({"num_points": 10**6}, "num_points is 1000000; it must be at most"),
        ({"mean": np.nan}, "mean is nan; it must be a finite number"),
        (
            {"num_modes": 50, "num_points": 64, "length": 0.1},
            "need more than .* quadrature nodes",
        ),
        ({"num_modes": 100, "length": 100}, "has only .* modes that are not zero"),
        ({"covariance": np.exp}, "covariance"),
        ({"covariance": lambda x: x}, "covariance takes 1 arguments"),
        ({"covariance": lambda x, y: x @ y.T, "length": 1}, "length is for a cov"),
        ({"covariance": lambda x, y: x}, r"shape \(196, 2\) for 196 and 196 points"),
        ({"covariance": lambda x, y: np.nan * x @ y.T}, "NaN or infinite"),
        ({"covariance": not_symmetric}, "covariance is not symmetric"),
        ({"covariance": indefinite}, "covariance is that of no field"),
    ],
)
def test_bad_fields_are_refused(change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        field_on(**change)


def test_what_is_no_geometry_is_refused():
    with pytest.raises(TypeError, match="geom is 'square'; it must be a geometry"):
        field_on("square")


@pytest.mark.parametrize(
    "x, k, message",
    [
        (np.ones((3, 3)), np.ones(6), r"dimension 2, .* with time x\[:, :2\]"),
        (np.ones(2), np.ones(6), r"x has shape \(2,\)"),
        (np.ones((3, 2)), np.ones(5), r"k has shape \(5,\); it must be \(3, 6\)"),
        (np.ones((3, 2)), np.ones((2, 6)), r"k has shape \(2, 6\); it must be \(3, 6"),
        (np.ones((3, 2)), 1.0, r"k has shape \(\); it must be"),
    ],
)
def test_bad_rows_are_refused(field, x, k, message):
    for as_type in (np.asarray, tf.constant):
        with pytest.raises(ValueError, match=message):
            field(as_type(x), as_type(k))
