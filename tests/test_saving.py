"""A loaded model is the saved one; a damaged file, or another problem, is an error."""

import json
import warnings
from dataclasses import replace

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._deepxde import iterations
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import Adam, LeastSquares
from deepxde_lrnr.io import container
from deepxde_lrnr.solvers import Solvers

# Decay u_t = -k u from u(0) = a, with a diffusion that makes two dimensions of it.
SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5, "log"))
GEOMETRY = dde.geometry.GeometryXTime(
    dde.geometry.Interval(-1, 2), dde.geometry.TimeDomain(0, 1)
)
X = np.array([[-0.5, 0.1], [0.3, 0.4], [1.9, 0.9]])
MU = np.array([[0.8, 1.2], [1.5, 0.7], [2.5, 1.4]])
SOLVER = LeastSquares(3)


@pytest.fixture
def without_xla(monkeypatch):
    """XLA compiles for seconds."""
    monkeypatch.setattr(Compiled, "uses_xla", False)


def decay(x, u, mu):
    u_xx = dde.grad.hessian(u, x, i=0, j=0)
    return dde.grad.jacobian(u, x, i=0, j=1) + mu[:, 0:1] * u - 0.1 * u_xx


def family(pde=decay, space=SPACE, bcs=None, geometry=GEOMETRY):
    if bcs is None:
        initial = dde.icbc.IC(geometry, lambda x, mu: mu[:, 1:2], lambda _, on: on)
        edges = dde.icbc.PeriodicBC(geometry, 0, lambda _, on: on)
        bcs = [initial, edges]
    problem = dde.data.TimePDE(geometry, pde, bcs, 20, 4, 4)
    return lrnr.data.ParametricPDE(problem, space, 16)


def waves(x, mu):
    return tf.concat([tf.sin(x[:, 0:1]), 2 * x[:, 1:2] - 1, mu[:, 1:2] * x], axis=1)


def scaled(inputs, u):
    mu, x = inputs
    return mu[:, 1:2] * (1 + x[:, 1:2] * u)


def network(feature=waves, output=scaled, space=SPACE, **kwargs):
    defaults = {"rank": 3, "bias_rank": 1, "hypernetwork": (8,)}
    net = lrnr.nn.HyperLRNR(
        [4 if feature is waves else 2, 8, 8, 1],
        kwargs.pop("activation", "tanh"),
        "Glorot normal",
        parameter_space=space,
        **{**defaults, **kwargs},
    )
    if feature is not None:
        net.apply_feature_transform(feature)
    if output is not None:
        net.apply_output_transform(output)
    return net


def trained(data=None, net=None, iterations=5):
    model = lrnr.Model(data or family(), net or network())
    model.compile("adam", lr=1e-3, loss_weights=[1, 5, 2], verbose=0)
    model.train(iterations=iterations, batch_size=4, display_every=10**9, verbose=0)
    return model


def reduced(model):
    # "eim" is the quickest.
    return model.reduce(points=24, method="eim", rank=3, num_parameters=12)


@pytest.fixture(scope="module")
def model():
    return trained()


@pytest.fixture(scope="module")
def fast(model):
    return reduced(model)


@pytest.fixture(scope="module")
def fast_file(fast, tmp_path_factory):
    path = tmp_path_factory.mktemp("fast") / "family.npz"
    fast.solve(MU)
    assert fast.save(path) == str(path)
    return path


def same_solution(a, b):
    for name in (
        "mu",
        "coefficients",
        "initial_coefficients",
        "initial_residual",
        "residual",
        "initial_objective",
        "objective",
        "history",
        "steps",
        "status",
    ):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)


# Models


def test_a_loaded_model_predicts_to_the_last_bit(model, tmp_path):
    path = tmp_path / "model.npz"
    assert model.save(path) == str(path)
    loaded = lrnr.load_model(path, family())
    expected = model.predict(X, MU)
    np.testing.assert_array_equal(loaded.predict(X, MU), expected)
    np.testing.assert_array_equal(
        loaded.predict(X, MU, decay), model.predict(X, MU, decay)
    )
    assert loaded.net.layer_sizes == model.net.layer_sizes
    sizes = [m.net.num_trainable_parameters() for m in (loaded, model)]
    assert sizes[0] == sizes[1]


def test_a_loaded_model_is_trained_further_and_reduced(model, tmp_path, without_xla):
    model.save(tmp_path / "model.npz")
    loaded = lrnr.load_model(tmp_path / "model.npz", family())
    assert loaded.loss_weights == [1, 5, 2]
    loaded.compile("adam", lr=1e-3, loss_weights=[1, 5, 2], verbose=0)
    before = loaded.predict(X, MU)
    loaded.train(iterations=2, batch_size=4, display_every=10**9, verbose=0)
    assert np.abs(loaded.predict(X, MU) - before).max() > 0
    again = lrnr.load_model(tmp_path / "model.npz", family())
    np.testing.assert_array_equal(again.predict(X, MU), before)
    fast = reduced(again)
    assert fast.residual.loss_weights == [1, 5, 2]
    np.testing.assert_array_equal(fast.predict(X, MU), before)


def test_regularization_is_kept(tmp_path):
    for i, given in enumerate(({"orthogonality": 1e-3}, ["l2", 1e-4], None)):
        model = lrnr.Model(family(), network(regularization=given))
        model.save(tmp_path / f"{i}.npz")
        loaded = lrnr.load_model(tmp_path / f"{i}.npz", family())
        terms, expected = (m.net.regularization_terms for m in (loaded, model))
        assert terms.identifier == expected.identifier == given
        assert terms.weights == expected.weights
        inputs = (MU[:1].astype("f4"), X.astype("f4"))
        for m in (loaded, model):
            m.net(inputs)
        np.testing.assert_array_equal(loaded.net.losses, model.net.losses)


def test_an_untrained_model_stays_one(tmp_path):
    lrnr.Model(family(), network()).save(tmp_path / "model.npz")
    loaded = lrnr.load_model(tmp_path / "model.npz", family())
    with pytest.raises(RuntimeError, match="needs a trained model"):
        loaded.reduce()


def test_other_paths_get_weights_as_deepxde_writes_them(model, tmp_path):
    path = model.save(tmp_path / "model")
    assert path == f"{tmp_path / 'model'}-{iterations(model.train_state)}.weights.h5"
    other = lrnr.Model(family(), network())
    other.compile("adam", lr=1e-3, verbose=0)
    other.restore(path)
    np.testing.assert_array_equal(other.predict(X, MU), model.predict(X, MU))
    assert model.save(tmp_path / "model.npz", protocol="pickle").endswith(".pkl")
    with pytest.raises(lrnr.FileFormatError, match="weights.h5 is not a file of"):
        lrnr.load_model(path, family())


@pytest.mark.parametrize("name", ["best", "best.npz"])
def test_checkpoints_of_deepxde_are_restored(name, tmp_path):
    model = lrnr.Model(family(), network())
    model.compile("adam", lr=1e-3, verbose=0)
    checkpoint = dde.callbacks.ModelCheckpoint(str(tmp_path / name), period=3)
    model.train(
        iterations=3,
        batch_size=4,
        display_every=3,
        verbose=0,
        callbacks=[checkpoint],
    )
    (path,) = tmp_path.iterdir()
    assert path.name == ("best.npz" if name.endswith("npz") else "best-3.weights.h5")
    other = lrnr.Model(family(), network())
    other.compile("adam", lr=1e-3, verbose=0)
    other.restore(path)
    np.testing.assert_array_equal(other.predict(X, MU), model.predict(X, MU))


@pytest.mark.parametrize(
    "kwargs, message",
    [
        (
            {"space": lrnr.ParameterSpace(k=(0.5, 30), a=(0.5, 1.5, "log"))},
            r"its parameter space is .*k=\(0.5, 3.0\).* net is .*k=\(0.5, 30.0\)",
        ),
        (
            {"space": lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))},
            "its parameter space is .*log",
        ),
        (
            {"space": lrnr.ParameterSpace(a=(0.5, 3), k=(0.5, 1.5, "log"))},
            "its parameter space is ",
        ),
        ({"output": None}, "its output_transform is one, that of net is none"),
        ({"activation": "sin"}, r"its activation is \['tanh'.* net is \['sin'"),
    ],
)
def test_restore_needs_a_network_of_the_same_meaning(model, kwargs, message, tmp_path):
    # All shapes are the same.
    path = model.save(tmp_path / "model.npz")
    other = lrnr.Model(family(space=kwargs.get("space", SPACE)), network(**kwargs))
    other._build()
    before = other.net.get_weights()
    with pytest.raises(ValueError, match=f"weights of another network: {message}"):
        other.restore(path)
    for one, old in zip(other.net.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, old)


def test_restore_needs_the_float_of_the_file(model, tmp_path):
    path = model.save(tmp_path / "model.npz")
    dde.config.set_default_float("float64")
    other = lrnr.Model(family(), network())
    with pytest.raises(ValueError, match="its float type is float32, .* is float64"):
        other.restore(path)


def test_restore_says_that_a_header_is_malformed(model, tmp_path):
    path = model.save(tmp_path / "model.npz")
    header, arrays = container.read(path, "model")
    del header["functions"]
    container.write(path, "model", header, arrays)
    with pytest.raises(lrnr.FileFormatError, match="not well-formed"):
        lrnr.Model(family(), network()).restore(path)


def test_restore_needs_a_network_of_the_same_sizes(model, tmp_path):
    model.save(tmp_path / "model.npz")
    other = lrnr.Model(family(), network(rank=2))
    with pytest.raises(ValueError, match="model.npz has the weights of .*other sizes"):
        other.restore(tmp_path / "model.npz")


# Reduced models


def test_without_its_problem_a_fast_model_predicts(fast, fast_file):
    loaded = lrnr.load_fast(fast_file)
    np.testing.assert_array_equal(loaded.predict(X, MU), fast.predict(X, MU))
    np.testing.assert_array_equal(loaded.predict(X, MU[0]), fast.predict(X, MU[0]))
    operator = loaded.predict(X, MU[0], lambda x, u: dde.grad.hessian(u, x, i=0, j=0))
    expected = fast.predict(X, MU[0], lambda x, u: dde.grad.hessian(u, x, i=0, j=0))
    np.testing.assert_array_equal(operator, expected)
    report = replace(fast.report(), solve_seconds=None)
    assert str(loaded.report()) == str(report)
    with pytest.raises(RuntimeError, match=r"needs the problem.*load_fast\(path, data"):
        loaded.solve(MU)


def test_predict_is_the_hypernetworks_solution(model, fast):
    np.testing.assert_allclose(
        fast.predict(X, MU), model.predict(X, MU), rtol=1e-5, atol=1e-6
    )
    with pytest.warns(lrnr.OutsideParameterSpaceWarning) as record:
        fast.predict(X, [9, 1])
    assert record[0].filename == __file__
    with pytest.raises(ValueError, match="not finite"):
        fast.predict(X, [np.nan, 1])


@pytest.mark.parametrize(
    "solver",
    [
        SOLVER,
        LeastSquares(),
        pytest.param(Adam(5), marks=pytest.mark.slow),
    ],
)
def test_with_its_problem_it_solves_to_the_last_bit(fast, fast_file, solver):
    fast.solvers = Solvers(fast)
    loaded = lrnr.load_fast(fast_file, family())
    same_solution(loaded.solve(MU, solver), fast.solve(MU, solver))
    # A predictor that has met several mu compiles differently for one.
    fast._predictor = fast.predictor_of(fast.full)
    solution, expected = loaded.solve(MU[1], solver), fast.solve(MU[1], solver)
    np.testing.assert_array_equal(solution.predict(X), expected.predict(X))


def test_also_under_xla(fast, fast_file):
    fast.solvers = Solvers(fast)
    loaded = lrnr.load_fast(fast_file, family())
    same_solution(loaded.solve(MU, SOLVER), fast.solve(MU, SOLVER))


@pytest.mark.parametrize("random_features", [0, 6])
def test_what_was_found_out_is_not_found_out_again(
    model, tmp_path, monkeypatch, random_features
):
    fast = model.reduce(
        points=64, rank=3, num_parameters=12, random_features=random_features
    )
    expected = fast.solve(MU)
    assert len(fast.space.random) == random_features
    fast.save(tmp_path / "fast.npz")

    def never(*args, **kwargs):
        raise AssertionError

    for name in ("find_expansion", "residuals_after"):
        monkeypatch.setattr(f"deepxde_lrnr.fast_model.{name}", never)
    loaded = lrnr.load_fast(tmp_path / "fast.npz", family())
    assert loaded.watches_start == fast.watches_start
    assert loaded.expansion == fast.expansion
    solution = loaded.solve(MU)
    same_solution(solution, expected)
    np.testing.assert_allclose(
        solution.predict(X), expected.predict(X), rtol=1e-12, atol=1e-14
    )


def test_files_of_the_first_design_have_to_be_made_again(fast_file, tmp_path):
    path = changed(fast_file, tmp_path / "old.npz", lambda h, a: h.pop("design"))
    with pytest.raises(lrnr.FileFormatError, match=r"old.npz .*reduce .*again.*reduce"):
        lrnr.load_fast(path)


def test_a_loaded_model_can_be_saved_again(fast_file, tmp_path):
    for data in (None, family()):
        lrnr.load_fast(fast_file, data).save(tmp_path / "again.npz")
        first, again = (
            container.read_any(p) for p in (fast_file, tmp_path / "again.npz")
        )
        assert json.dumps(again.header) == json.dumps(first.header)  # there are NaN
        for name, array in first.arrays.items():
            np.testing.assert_array_equal(again.arrays[name], array, name)


def test_saving_before_the_first_solve(model, tmp_path):
    fast = reduced(model)
    fast.save(tmp_path / "fast.npz")
    loaded = lrnr.load_fast(tmp_path / "fast.npz", family())
    assert "expansion" not in loaded.__dict__
    same_solution(loaded.solve(MU, SOLVER), fast.solve(MU, SOLVER))


def test_dropped_coefficients_stay_dropped(tmp_path):
    model = trained()
    bias = model.net.hypernetwork.biases[-1]
    values = bias.numpy()
    values[[1, 2]] = -100
    bias.assign(values)
    fast = reduced(model)
    fast.save(tmp_path / "fast.npz")
    loaded = lrnr.load_fast(tmp_path / "fast.npz")
    assert loaded.dropped.tolist() == fast.dropped.tolist() == [1, 2]
    np.testing.assert_array_equal(loaded.predict(X, MU), fast.predict(X, MU))


def test_double_precision_goes_all_the_way(tmp_path, without_xla):
    dde.config.set_default_float("float64")
    fast = reduced(trained())
    expected = fast.solve(MU, SOLVER)
    fast.save(tmp_path / "fast.npz")
    loaded = lrnr.load_fast(tmp_path / "fast.npz", family())
    same_solution(loaded.solve(MU, SOLVER), expected)
    assert loaded.predict(X, MU).dtype == np.float64
    dde.config.set_default_float("float32")
    with pytest.raises(ValueError, match=r'float64.*set_default_float\("float64"\)'):
        lrnr.load_fast(tmp_path / "fast.npz")


def test_activations_of_each_layer_are_kept(tmp_path):
    names = ["silu", lambda y: tf.sin(3 * y) + y, None]
    model = lrnr.Model(family(), network(None, None, activation=names))
    model.save(tmp_path / "model.npz")
    loaded = lrnr.load_model(tmp_path / "model.npz", family())
    np.testing.assert_array_equal(
        loaded.predict(X, MU, decay), model.predict(X, MU, decay)
    )


# Functions that are no mathematics

TABLE = tf.Variable([[0.5, 2.0]])


def with_a_variable(x):
    return x * TABLE


def test_a_transform_that_cannot_be_saved_has_to_be_passed_again(tmp_path):
    model = trained(net=network(with_a_variable))
    fast = reduced(model)
    for saved, load in (
        (model, lambda path, **kwargs: lrnr.load_model(path, family(), **kwargs)),
        (fast, lrnr.load_fast),
    ):
        path = tmp_path / "file.npz"
        with pytest.warns(UserWarning, match="feature_transform.*variable") as record:
            saved.save(path)
        # Others, of how TensorFlow converts functions, may be among them.
        ours = [w for w in record if w.category is UserWarning]
        assert ours[0].filename == __file__
        with pytest.raises(ValueError, match="file.npz.*variable.*feature_transform="):
            load(path)
        loaded = load(path, feature_transform=with_a_variable)
        np.testing.assert_array_equal(loaded.predict(X, MU), saved.predict(X, MU))


def test_functions_passed_again_win(fast_file, fast):
    loaded = lrnr.load_fast(fast_file, output_transform=lambda inputs, u: 0 * u + 7)
    assert (loaded.predict(X, MU) == 7).all()


def test_a_transform_for_one_number_of_rows_is_not_saved_wrongly(tmp_path):
    def rows(x):
        return x / (1 if x.shape[0] == 8 else 2)

    model = lrnr.Model(family(), network(rows, None))
    with pytest.warns(UserWarning, match="depend on the number of rows"):
        model.save(tmp_path / "model.npz")


# Without the problem


def test_a_reduced_model_says_that_points_are_outside(fast, fast_file):
    outside = [[5, 0]]
    solution = fast.solve(MU)
    alone = lrnr.load_fast(fast_file)  # it knows the bounding box
    for call in (
        lambda: fast.predict(outside, MU),
        lambda: solution.predict(outside),
        lambda: lrnr.sweep(fast, np.atleast_2d(MU), outside, verbose=0),
        lambda: alone.predict(outside, MU),
    ):
        with pytest.warns(lrnr.OutsideGeometryWarning, match="1 of 1 points x") as w:
            call()
        assert w[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error", lrnr.OutsideGeometryWarning)
        fast.predict(X, MU)
        solution.predict(X)
        alone.predict(X, MU)


def test_a_model_predicts_without_its_problem_and_asks_for_it_else(model, tmp_path):
    path = model.save(tmp_path / "model.npz")
    loaded = lrnr.load_model(path)
    np.testing.assert_array_equal(loaded.predict(X, MU), model.predict(X, MU))
    for call in (
        lambda: loaded.compile("adam", lr=1e-3),
        lambda: loaded.train(iterations=1),
        lambda: loaded.reduce(),
    ):
        with pytest.raises(RuntimeError, match=r"needs the problem, .* load_model\("):
            call()
    with pytest.warns(lrnr.OutsideGeometryWarning, match="1 of 1 points x"):
        loaded.predict([[5, 0]], MU)
    assert "none; load_model(path, data) gives one" in repr(loaded)
    # It can be saved on.
    again = lrnr.load_model(loaded.save(tmp_path / "again.npz"), family())
    np.testing.assert_array_equal(again.predict(X, MU), model.predict(X, MU))
    assert again._has_weights


# Another problem


def other_geometry():
    square = dde.geometry.Rectangle([0, 0], [1, 1])
    return dde.geometry.GeometryXTime(square, dde.geometry.TimeDomain(0, 1))


@pytest.mark.parametrize(
    "data, error, message",
    [
        (lambda: family().problem, TypeError, "TimePDE; it must be .*ParametricPDE"),
        (
            lambda: family(space=lrnr.ParameterSpace(k=(0.5, 3), b=(0.5, 1.5))),
            ValueError,
            "parameter space .*b=.*a=",
        ),
        (
            lambda: family(
                bcs=[
                    dde.icbc.IC(other_geometry(), lambda x: x[:, :1], lambda _, on: on)
                ],
                geometry=other_geometry(),
            ),
            ValueError,
            "dimension 3.* 2",
        ),
        (
            lambda: family(
                bcs=[dde.icbc.IC(GEOMETRY, lambda x, mu: mu[:, :1], lambda _, on: on)]
            ),
            ValueError,
            r"IC/BC bcs\[0\] \(IC\); .*bcs\[1\] \(PeriodicBC\)",
        ),
        (lambda: family(lambda x, u, mu: [u, u]), ValueError, "4 errors"),
        (
            lambda: family(lambda x, u, mu: 1.2 * decay(x, u, mu)),
            ValueError,
            "another problem.* at k = .* error 0 ",
        ),
    ],
)
def test_the_problem_must_be_that_of_the_file(fast_file, data, error, message):
    with pytest.raises(error, match=message):
        lrnr.load_fast(fast_file, data())


def test_the_problem_of_a_model_must_fit(model, tmp_path):
    path = tmp_path / "model.npz"
    model.save(path)
    with pytest.raises(TypeError, match="a int; it must be .*ParametricPDE"):
        lrnr.load_model(path, 3)
    with pytest.raises(ValueError, match="parameter space"):
        lrnr.load_model(path, family(space=lrnr.ParameterSpace(k=(0, 3), a=(1, 2))))
    geometry = other_geometry()
    ic = dde.icbc.IC(geometry, lambda x: x[:, :1], lambda _, on: on)
    with pytest.raises(ValueError, match="dimension 3.*have 2"):
        lrnr.load_model(path, family(bcs=[ic], geometry=geometry))


def test_points_of_measured_values_must_be_the_same(tmp_path):
    def with_values(points):
        bc = dde.icbc.PointSetBC(points, np.ones((len(points), 1)))
        return family(bcs=[bc, *family().problem.bcs[:1]])

    points = np.array([[0.0, 0.5], [1.0, 0.5], [1.0, 0.7]])
    reduced(trained(with_values(points))).save(tmp_path / "fast.npz")
    lrnr.load_fast(tmp_path / "fast.npz", with_values(points))
    for other in (points[:1], points + 0.1):
        with pytest.raises(ValueError, match=r"other points in bcs\[0\] \(PointSetBC"):
            lrnr.load_fast(tmp_path / "fast.npz", with_values(other))


# Files


def test_a_damaged_file_is_never_loaded(fast_file, tmp_path):
    data = fast_file.read_bytes()
    path = tmp_path / "damaged.npz"
    rng = np.random.default_rng(0)
    places = np.linspace(0, len(data) - 1, 200).astype(int)
    for place in places:
        damaged = bytearray(data)
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        with pytest.raises(lrnr.FileFormatError, match="damaged.npz"):
            lrnr.load_fast(path)
    for length in np.linspace(0, len(data) - 1, 100).astype(int):
        path.write_bytes(data[:length])
        with pytest.raises(lrnr.FileFormatError, match="damaged.npz"):
            lrnr.load_fast(path)


def test_kinds_are_told_apart(model, fast_file, tmp_path):
    model.save(tmp_path / "model.npz")
    with pytest.raises(lrnr.FileFormatError, match="holds a model, not a fast model"):
        lrnr.load_fast(tmp_path / "model.npz")
    with pytest.raises(lrnr.FileFormatError, match="holds a fast model, not a model"):
        lrnr.load_model(fast_file, family())


def changed(path, new, change):
    """A file by someone who can make a checksum."""
    content = container.read_any(path)
    change(content.header, content.arrays)
    container.write(new, content.kind, content.header, content.arrays)
    return new


@pytest.mark.parametrize(
    "change",
    [
        lambda h, a: h.pop("functions"),
        lambda h, a: h["functions"]["feature_transform"]["nodes"].insert(
            0, ["ReadFile", "x", {"filename": [0, 0]}, {}]
        ),
        lambda h, a: h["functions"].update(activation=["__import__", "tanh"]),
        lambda h, a: h["parameter_space"].update(names=["a b", "c"]),
        lambda h, a: h["expansion"].update(indices=[[0, -1]]),
        lambda h, a: h["expansion"].update(indices=[[0, 0, 1]]),
        lambda h, a: a.pop("random/shifts"),
        lambda h, a: a.update({"random/weights": np.zeros((3, 2))}),
        lambda h, a: a.update({"full/W_in": np.zeros((4, 9), "f4")}),
        lambda h, a: a.update({"full/U_1": np.zeros((10**9, 0), "f4")}),
        lambda h, a: a.update({"full/W_in": a["full/W_in"].astype("f8")}),
        lambda h, a: a.pop("reduced/U_1"),
        lambda h, a: a.pop("points/pde"),
        lambda h, a: a.pop("kept"),
    ],
)
def test_a_file_that_was_made_up_is_an_error(fast_file, tmp_path, change):
    path = changed(fast_file, tmp_path / "made_up.npz", change)
    with pytest.raises(lrnr.FileFormatError, match="made_up.npz is not well-formed"):
        lrnr.load_fast(path)


def appended(*nodes):
    """Puts operations behind the transform of the features."""

    def change(header, arrays):
        program = header["functions"]["feature_transform"]
        at = program["inputs"] + len(program["nodes"])
        program["nodes"] += [
            [kind, kind, {k: [at + i, 0] for k, i in arguments.items()}, attributes]
            if isinstance(arguments, dict)
            else [kind, kind, arguments, attributes]
            for kind, arguments, attributes in nodes
        ]
        program["output"] = [at + len(nodes) - 1, 0]
        arrays["functions/feature_transform/forged"] = np.array([2**40, 2**40])
        arrays["functions/feature_transform/one"] = np.float32(1)

    return change


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda h, a: h.update(full_size=10**11), "full_size is 100000000000, not at"),
        (lambda h, a: h.update(full_size=0), "full_size is 0"),
        (lambda h, a: h.update(full_size=len(a["kept"]) - 1), "kept is none of"),
        (lambda h, a: a.update(kept=a["kept"][::-1].copy()), "kept is none of"),
        (lambda h, a: a.update(kept=a["kept"] - 1), "kept is none of"),
        (lambda h, a: a.update(kept=a["kept"][:-1]), "kept is none of"),
        (lambda h, a: a.update(kept=a["kept"] + 0.0), "kept is none of"),
        (
            lambda h, a: h["functions"].update(activation=["tanh"] * 99),
            "one activation",
        ),
        (
            lambda h, a: h["functions"].update(activation=["linear"] * 2),
            "no activation",
        ),
        (lambda h, a: a["points/pde"].fill(np.inf), "points/pde has entries"),
        (
            lambda h, a: a.update(
                {"random/weights": np.full((4, 2), np.nan), "random/shifts": np.ones(2)}
            ),
            "random/weights has entries",
        ),
        (
            lambda h, a: a.update({"random/shifts": np.zeros(3)}),
            "the random features have the shapes",
        ),
        (
            appended(
                ("Const", "forged", {}),
                ("Const", "one", {}),
                ("Fill", {"dims": 0, "value": 1}, {}),
            ),
            "feature_transform cannot be used: Fill has a result of more",
        ),
        (appended(*[("Sin", {"x": -1}, {})] * 200_000), "2000.. operations; 4096"),
        (
            lambda h, a: h["functions"]["output_transform"].update(inputs=1),
            "an operation refers to",
        ),
        (
            lambda h, a: h["functions"]["output_transform"].update(
                inputs=1, nodes=[], output=[0, 0]
            ),
            "output_transform cannot be used: it takes 1 arguments instead of 3",
        ),
        (
            lambda h, a: h["functions"]["output_transform"].update(output=[0, 0]),
            None,
        ),
        (
            lambda h, a: h["functions"]["feature_transform"].update(output=[0, 0]),
            "makes 2 columns of 4",
        ),
    ],
)
def test_headers_and_programs_that_do_not_fit_are_found_on_loading(
    fast_file, tmp_path, change, reason
):
    path = changed(fast_file, tmp_path / "forged.npz", change)
    if reason is None:  # another transform, but one that can be computed
        lrnr.load_fast(path)
        return
    with pytest.raises(lrnr.FileFormatError, match=f"forged.npz is not .*{reason}"):
        lrnr.load_fast(path)


def test_weights_that_are_not_finite_are_refused_by_every_loader(
    model, fast_file, tmp_path
):
    path = tmp_path / "diverged.npz"
    for name in ("full/W_in", "reduced/bias_0"):
        changed(fast_file, path, lambda h, a, name=name: a[name].fill(np.nan))
        with pytest.raises(lrnr.FileFormatError, match="diverged.npz: .*NaN.*diverged"):
            lrnr.load_fast(path)
    model.save(tmp_path / "model.npz")
    changed(tmp_path / "model.npz", path, lambda h, a: a["weights/U_1"].fill(np.inf))
    with pytest.raises(lrnr.FileFormatError, match="weights U_1 are NaN or infinite"):
        lrnr.load_model(path, family())
    other = lrnr.Model(family(), network())
    other.compile("adam", lr=1e-3, verbose=0)
    before = other.predict(X, MU)
    with pytest.raises(ValueError, match="diverged.npz: its weights U_1"):
        other.restore(path)
    np.testing.assert_array_equal(other.predict(X, MU), before)


def test_a_model_whose_header_has_other_sizes_is_an_error(model, tmp_path):
    model.save(tmp_path / "model.npz")
    path = tmp_path / "forged.npz"
    changed(tmp_path / "model.npz", path, lambda h, a: h.update(inputs=10**12))
    with pytest.raises(lrnr.FileFormatError, match="inputs is 1000000000000, not 4"):
        lrnr.load_model(path, family())


def test_what_could_not_be_loaded_is_not_saved(tmp_path):
    def all_pairs(x):
        return tf.matmul(x, tf.matmul(x, x, transpose_a=True)) + tf.reduce_sum(
            tf.matmul(x, x, transpose_b=True), axis=1, keepdims=True
        )

    model = lrnr.Model(family(), network(all_pairs, None))
    with pytest.warns(UserWarning, match="MatMul has a result of more than"):
        model.save(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="saved without its feature_transform"):
        lrnr.load_model(tmp_path / "model.npz", family())
    lrnr.load_model(tmp_path / "model.npz", family(), feature_transform=all_pairs)


def test_saving_that_fails_leaves_the_old_file(fast, fast_file, monkeypatch):
    before = fast_file.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="unchanged"):
        fast.save(fast_file)
    monkeypatch.undo()
    assert fast_file.read_bytes() == before
