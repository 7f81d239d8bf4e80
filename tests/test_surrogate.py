"""A surrogate is the reduced basis at interpolated coefficients, by NumPy alone."""

import os
import subprocess
import sys
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.cli import commands as command
from deepxde_lrnr.io import container
from deepxde_lrnr.io.kinds import FAST_MODEL
from deepxde_lrnr.reduced_basis.interpolation import Interpolation
from deepxde_lrnr.reduced_basis.prediction import BasisPredictor
from scipy.interpolate import RBFInterpolator
from test_numpy_functions import const, node, program

ROOT = Path(__file__).resolve().parent.parent
LINE = dde.geometry.Interval(0, 1)
X = np.linspace(0, 1, 1200)[:, None]  # several blocks of points, and a part of one


@pytest.fixture(scope="module", autouse=True)
def _without_xla():
    """XLA compiles for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "uses_xla", False)
        yield


def family(pde, space, conditions=(), outputs=1, features=1, activation="tanh", **more):
    """A ``FastModel`` with a basis that is good enough, after a short training."""
    dde.config.set_random_seed(0)
    problem = dde.data.PDE(LINE, pde, list(conditions), num_domain=128, num_boundary=2)
    data = lrnr.data.ParametricPDE(problem, space, num_parameters=16)
    net = lrnr.nn.HyperLRNR(
        [features, 16, 16, outputs],
        activation,
        "Glorot normal",
        rank=3,
        parameter_space=space,
    )
    for name in ("feature_transform", "output_transform"):
        if name in more:
            getattr(net, f"apply_{name}")(more[name])
    model = lrnr.Model(data, net)
    model.compile("SOAP", lr=3e-3, verbose=0)
    model.train(iterations=40, batch_size=(8, 32), verbose=0)
    fast = model.reduce(verbose=0, **more.get("reduce", {}))
    fast.build_basis(tolerance=1e-3, max_size=16, num_candidates=40, verbose=0)
    return fast


def wave(x, u, mu):
    """u = a + sin(k x)."""
    k = mu[:, 0:1]
    return dde.grad.jacobian(u, x) - k * tf.cos(k * x)


def rotation(x, y, k):
    u, v = y[:, 0:1], y[:, 1:2]
    u_x, v_x = (dde.grad.jacobian(y, x, i=i) for i in range(2))
    return [u_x - k * v, v_x + k * u]


def left(x, on_boundary):
    return on_boundary and np.isclose(x[0], 0)


def start(inputs, u):
    mu, x = inputs
    return mu[:, 1:2] + x * u


def waves(x):
    return tf.concat([tf.cos(x), tf.sin(x), 2 * x - 1], axis=1)


def waves_of_mu(x, mu):
    return tf.concat([tf.cos(mu[:, 0:1] * x), tf.sin(x)], axis=1)


def algebraic(v):
    return v / (1 + tf.abs(v))


TWO = lrnr.ParameterSpace(k=(1, 8, "log"), a=(1.5, 2))
ONE = lrnr.ParameterSpace(k=(1, 8))
CONDITIONS = [
    dde.icbc.DirichletBC(LINE, lambda x: 0, left, component=0),
    dde.icbc.DirichletBC(LINE, lambda x: 1, left, component=1),
]
FAMILIES = {
    "both transforms": lambda: family(
        wave, TWO, features=3, feature_transform=waves, output_transform=start
    ),
    "features of mu, random ones": lambda: family(
        wave,
        TWO,
        features=2,
        feature_transform=waves_of_mu,
        output_transform=start,
        reduce={"random_features": 20},
    ),
    "system with conditions as losses": lambda: family(rotation, ONE, CONDITIONS, 2),
    "sin": lambda: family(wave, TWO, activation="sin", output_transform=start),
    "a function as activation": lambda: family(
        wave, TWO, activation=algebraic, output_transform=start
    ),
}
_made = {}


@pytest.fixture(params=FAMILIES)
def pair(request, tmp_path_factory):
    """A ``FastModel``, and its file; made once."""
    return made(request.param, tmp_path_factory)


def made(name, tmp_path_factory):
    if name not in _made:
        fast = FAMILIES[name]()
        path = fast.save(tmp_path_factory.mktemp("saved") / "fast.npz")
        _made[name] = fast, path
    return _made[name]


@pytest.fixture
def scalar(tmp_path_factory):
    return made("both transforms", tmp_path_factory)


def by_tensorflow(fast, x, mu):
    """The basis predictor at the interpolated coefficients."""
    basis = fast.basis
    c = basis.interpolation(fast.parameter_space.scale(mu))
    return BasisPredictor(basis.functions, fast.geom)(x, mu, c, False)


def test_it_is_the_prediction_of_the_basis_at_the_interpolated_coefficients(pair):
    fast, path = pair
    surrogate = lrnr.load_surrogate(path)
    mu = fast.parameter_space.sample(7, "Halton").astype(float)
    expected = by_tensorflow(fast, X, mu)
    found = surrogate.predict(X, mu)
    scale = np.abs(expected).max()
    assert found.shape == expected.shape and found.dtype == np.float64
    assert np.abs(found - expected).max() <= 1e-12 * scale
    # One mu is what it is among others, to the last bit.
    assert np.array_equal(surrogate.predict(X, mu[2]), found[2])
    assert np.array_equal(surrogate.coefficients(mu)[2], surrogate.coefficients(mu[2]))
    assert surrogate.size == fast.basis.size and surrogate.usable == fast.basis.usable


def test_its_error_is_what_it_says(scalar):
    fast, path = scalar
    surrogate = lrnr.load_surrogate(path)
    mu = TWO.sample(60, "Hammersley").astype(float)
    u = surrogate.predict(X, mu)[..., 0]
    k, a = mu.T[:, :, None]
    exact = a + np.sin(k * X[:, 0])
    errors = np.linalg.norm(u - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert errors.max() <= 4 * surrogate.errors.max()
    assert errors.mean() >= surrogate.errors.mean() / 4
    assert f"max {surrogate.errors.max():.1e}" in repr(surrogate)
    # The errors of solves in the basis are others, and much smaller.
    assert fast.basis.errors.max() < surrogate.errors.max()


def test_a_large_grid_is_that_of_its_parts(scalar, monkeypatch):
    surrogate = lrnr.load_surrogate(scalar[1])
    mu = TWO.sample(5).astype(float)
    whole = surrogate.predict(X, mu)
    from deepxde_lrnr.reduced_basis import surrogate as module
    from deepxde_lrnr.reduced_basis import values

    monkeypatch.setattr(module, "_MAX_ROWS", 1000)
    monkeypatch.setattr(values, "_MAX_COMPUTED", 1500)
    monkeypatch.setattr(values, "_MAX_KEPT", 4000)
    again = lrnr.load_surrogate(scalar[1]).predict(X, mu)
    np.testing.assert_allclose(again, whole, rtol=1e-6)  # blocks end elsewhere


def test_outside_of_box_and_geometry_it_warns(scalar):
    surrogate = lrnr.load_surrogate(scalar[1])
    with pytest.warns(lrnr.OutsideParameterSpaceWarning) as found:
        surrogate.predict(X, {"k": 9, "a": 1.6})
    assert found[0].filename == __file__
    with pytest.warns(lrnr.OutsideGeometryWarning, match="1 of 2 points") as found:
        surrogate.predict([[0.5], [1.5]], {"k": 2, "a": 1.6})
    assert found[0].filename == __file__


@pytest.mark.parametrize("dim, count", [(1, 12), (2, 40), (3, 90), (6, 40)])
def test_the_interpolation_is_that_of_scipy(dim, count):
    rng = np.random.default_rng(dim)
    nodes, values = rng.uniform(-1, 1, (count, dim)), rng.standard_normal((count, 3))
    interpolation = Interpolation(nodes, values)
    degree = {1: 3, 2: 3, 3: 3, 6: 1}[dim]
    theirs = RBFInterpolator(nodes, values, kernel="cubic", degree=degree)
    y = rng.uniform(-1.2, 1.2, (200, dim))
    expected = theirs(y)
    np.testing.assert_allclose(interpolation(nodes), values, atol=1e-9)
    np.testing.assert_allclose(
        interpolation(y), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max()
    )
    assert np.array_equal(interpolation(y)[7], interpolation(y[7:8])[0])


# Nothing heavy

WITHOUT = r"""
import sys
import deepxde_lrnr as lrnr
surrogate = lrnr.load_surrogate(sys.argv[1])
surrogate.predict([[0.1], [0.7]], {"k": 1.2, "a": 1.6})
from deepxde_lrnr.__main__ import main
main(["predict", sys.argv[1], "--mu", "k=1,a=1.7", "--grid", "9", "--out", sys.argv[2]])
open("mus.csv", "w").write("k,a\n1,1\n2,1.5\n")
main(["sweep", sys.argv[1], "--mus", "mus.csv", "--grid", "9", "--out", sys.argv[2]])
print([n for n in ("tensorflow", "keras", "deepxde", "scipy") if n in sys.modules])
"""


@pytest.mark.parametrize("name", ["both transforms", "features of mu, random ones"])
def test_nothing_heavy_is_imported(name, tmp_path, tmp_path_factory):
    _, path = made(name, tmp_path_factory)
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT, path, tmp_path / "out.npz"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ended.stdout.strip().endswith("\n[]"), ended.stderr
    assert np.load(tmp_path / "out.npz")["u"].shape == (2, 9, 1)


# The command line


@pytest.fixture
def run(tmp_path, capsys):
    """Runs a command; what it wrote, and what it says."""

    def run(name, path, *arguments):
        out = tmp_path / "out.npz"
        line = [name, str(path), *arguments, "--grid", "9", "--out", str(out)]
        assert command.main(line) == 0
        with np.load(out) as result:
            return dict(result), capsys.readouterr().err

    return run


GRID = np.linspace(0, 1, 9)[:, None]
INTERPOLATED = "reduced basis, interpolated"


def test_commands_take_the_basis(scalar, run, tmp_path):
    path = scalar[1]
    expected = lrnr.load_surrogate(path).predict(GRID, [[1, 1.6], [2, 1.5]])
    for name in ("predict", "solve"):
        result, said = run(name, path, "--mu", "k=1,a=1.6")
        assert result["status"] == INTERPOLATED
        assert np.array_equal(result["u"], expected[0])
        assert said.startswith("note: u is interpolated over the box")
        assert "error of up to" in said
    (tmp_path / "mus.csv").write_text("k,a\n1,1.6\n2,1.5\n")
    result, said = run("sweep", path, "--mus", str(tmp_path / "mus.csv"))
    assert result["status"].tolist() == [INTERPOLATED] * 2
    assert np.array_equal(result["u"], expected)


def changed(path, tmp_path, change):
    """A copy of a file in which something was changed."""
    header, arrays = container.read(path, FAST_MODEL)
    change(header, arrays)
    container.write(tmp_path / "changed.npz", FAST_MODEL, header, arrays)
    return tmp_path / "changed.npz"


def test_a_basis_that_does_not_reach_its_tolerance_is_not_taken(scalar, run, tmp_path):
    fast, path = scalar

    def worse(header, arrays):
        arrays["basis/errors"] = arrays["basis/errors"] + 1

    path = changed(path, tmp_path, worse)
    assert not lrnr.load_surrogate(path).usable
    result, said = run("predict", path, "--mu", "k=1,a=1.6")
    assert result["status"] == "trained network"
    assert "trained network's prediction" in said
    np.testing.assert_allclose(result["u"], fast.predict(GRID, [1, 1.6]), rtol=1e-5)


def only_tensorflow(header, arrays):
    """The same output transform, and something that changes nothing."""
    double = header["functions"]["output_transform"]["double"]
    number = 3 + len(double["nodes"])
    arguments = {"y": double["output"], "dy": double["output"]}
    for more in (
        node("TanhGrad", arguments),
        node("ZerosLike", {"x": [number, 0]}),
        node("AddV2", {"x": [number + 1, 0], "y": double["output"]}),
    ):
        double["nodes"].append(more)
    double["output"] = [number + 2, 0]


def test_what_only_tensorflow_computes_it_computes(scalar, run, tmp_path):
    expected = lrnr.load_surrogate(scalar[1]).predict(GRID, [1, 1.6])
    path = changed(scalar[1], tmp_path, only_tensorflow)
    with pytest.raises(ValueError, match="output_transform .* uses TanhGrad"):
        lrnr.load_surrogate(path)
    result, said = run("predict", path, "--mu", "k=1,a=1.6")
    assert result["status"] == INTERPOLATED
    assert "uses TanhGrad, which only TensorFlow computes. So TensorFlow" in said
    np.testing.assert_allclose(result["u"], expected, rtol=1e-12)


# What is not as it must be


def test_a_file_without_a_basis_says_what_is_missing(scalar, tmp_path):
    fast, _ = scalar
    basis, fast.basis = fast.basis, None
    try:
        path = fast.save(tmp_path / "fast.npz")
    finally:
        fast.basis = basis
    with pytest.raises(ValueError, match="no reduced basis.*build_basis"):
        lrnr.load_surrogate(path)


DAMAGES = {
    "cut": lambda array: array[:-1],
    "not finite": lambda array: array * np.nan,
    "integers": lambda array: array.astype(int),
    "missing": None,
}
FORGED = [
    (name, damage)
    for name in ("mu", "readouts", "transform", "nodes", "coefficients")
    for damage in DAMAGES
]
# A mu that could not be solved has no error.
FORGED += [("interpolation_errors", d) for d in ("cut", "integers", "missing")]
FORGED = [(f"basis/{name}", damage) for name, damage in FORGED]
FORGED += [("full/U_1", damage) for damage in DAMAGES]
FORGED += [("random/weights", d) for d in ("cut", "missing")]


@pytest.mark.parametrize("name, damage", FORGED)
def test_forged_arrays_are_refused(scalar, tmp_path, name, damage):
    def change(header, arrays):
        array = arrays.pop(name)
        if damage != "missing":
            arrays[name] = DAMAGES[damage](array)

    with pytest.raises(lrnr.FileFormatError):
        lrnr.load_surrogate(changed(scalar[1], tmp_path, change))


def huge(header, arrays):
    arrays["functions/output_transform-double/size"] = np.array([2**40, 2**40])
    written = program(
        const("size"),
        const("constant_3"),
        node("Fill", {"dims": [1, 0], "value": [2, 0]}),
    )
    header["functions"]["output_transform"]["double"] = {**written, "inputs": 3}


def no_columns(header, arrays):
    written = program(node("Identity", {"input": [0, 0]}), output=[1, 0])
    header["functions"]["feature_transform"]["double"] = written


def code(header, arrays):
    written = program(["PyFunc", "y", {"input": [[0, 0]]}, {"token": "x"}])
    header["functions"]["feature_transform"]["double"] = written


def other_activation(header, arrays):
    header["functions"]["activation"][0] = "__import__"


@pytest.mark.parametrize("change", [huge, no_columns, code, other_activation])
def test_forged_functions_are_refused(scalar, tmp_path, change):
    with pytest.raises(ValueError, match="changed.npz"):
        lrnr.load_surrogate(changed(scalar[1], tmp_path, change))


def test_a_header_of_another_form_is_refused(scalar, tmp_path):
    for key in ("functions", "parameter_space", "single_precision"):
        path = changed(scalar[1], tmp_path, lambda header, _, key=key: header.pop(key))
        with pytest.raises(lrnr.FileFormatError, match="well-formed"):
            lrnr.load_surrogate(path)
