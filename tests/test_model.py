"""A model of a family trains and predicts as DeepXDE's, for any mu."""

import warnings

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr import prediction
from deepxde_lrnr.data.outside import outside

SPACE = lrnr.ParameterSpace(a=(1, 3), b=(0.5, 2))
TIME = dde.geometry.GeometryXTime(
    dde.geometry.Interval(0, 2), dde.geometry.TimeDomain(0, 1)
)
X = np.array([[0.1, 0.2], [0.5, 0.9], [1.7, 0.3], [2.0, 1.0]])


def transport(x, u, mu):
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    return dde.grad.jacobian(u, x, i=0, j=1) + mu[:, 0:1] * u_x


def solution(x, mu):
    return mu[:, 1:2] * np.sin(x[:, 0:1] - mu[:, 0:1] * x[:, 1:2])


def family(pde=transport, bcs=None, **kwargs):
    if bcs is None:
        bcs = [dde.icbc.IC(TIME, solution, lambda _, on: on)]
    problem = dde.data.TimePDE(TIME, pde, bcs, 16, 8, 8)
    return lrnr.data.ParametricPDE(problem, SPACE, 8, **kwargs)


def small_net(dim=2, outputs=1, space=SPACE, **kwargs):
    sizes = [dim, 8, 8, outputs]
    return lrnr.nn.HyperLRNR(
        sizes, "tanh", "Glorot normal", rank=2, parameter_space=space, **kwargs
    )


def compiled(net=None, data=None, **kwargs):
    model = lrnr.Model(data or family(), net or small_net())
    model.compile(**{"optimizer": "adam", "lr": 1e-2, "verbose": 0, **kwargs})
    return model


@pytest.fixture(scope="module")
def trained():
    """A model with everything on: metrics, regularization, decay, callbacks."""
    model = compiled(
        small_net(regularization={"orthogonality": 1e-3, "sparsity": 1e-3}),
        family(solution=solution),
        lr=2e-2,
        decay=("cosine", 100, 0.1),
        metrics=["l2 relative error", "MSE"],
        loss_weights=[1, 10, 1],
    )
    model.train(
        iterations=100,
        batch_size=(4, 8),
        display_every=50,
        callbacks=[
            dde.callbacks.EarlyStopping(patience=1000, monitor="loss_test"),
            dde.callbacks.Timer(10),
        ],
        verbose=0,
    )
    return model


# Training


def test_training_lowers_loss_and_error(trained):
    history = trained.losshistory
    assert history.steps == [0, 50, 100]
    losses = np.array(history.loss_test)
    assert losses.shape == (3, 3)
    assert losses[-1].sum() < 0.5 * losses[0].sum()
    error, mse = np.array(history.metrics_test).T
    assert error[-1] < 0.9 * error[0]
    assert mse[-1] < mse[0]


def test_metrics_compare_with_the_solution(trained):
    (mu, x), y, _ = trained.data.test()
    u = trained.net((mu, x)).numpy()
    expected = np.linalg.norm(u - y) / np.linalg.norm(y)
    np.testing.assert_allclose(trained.train_state.metrics_test[0], expected, rtol=1e-4)


def test_soap_takes_lr_and_decay_as_adam_does():
    model = compiled(optimizer="SOAP", lr=1e-2, decay=("cosine", 10, 0.1))
    optimizer = model.opt_name
    assert isinstance(optimizer, lrnr.optimizers.SOAP)
    np.testing.assert_allclose(optimizer.learning_rate, 1e-2)
    before = model.net.stack.W_in.numpy()
    model.train(iterations=10, batch_size=4, verbose=0)
    np.testing.assert_allclose(optimizer.learning_rate, 1e-3, rtol=1e-5)
    assert np.abs(model.net.stack.W_in - before).max() > 1e-2


def test_soap_without_decay():
    model = compiled(optimizer="soap", lr=1e-2)
    np.testing.assert_allclose(model.opt_name.learning_rate, 1e-2)


@pytest.fixture
def short_lbfgs():
    """Its number of iterations."""
    old = dict(dde.optimizers.LBFGS_options)
    dde.optimizers.set_LBFGS_options(maxiter=50)
    yield 50
    dde.optimizers.config.LBFGS_options.update(old)


@pytest.mark.parametrize("batch_size", [None, 4, (4, 8)])
def test_lbfgs_traces_its_loss_once_also_for_batches(short_lbfgs, batch_size):
    model = compiled(optimizer="L-BFGS", lr=None)
    model.train(batch_size=batch_size, verbose=0)
    assert model.train_step.function.experimental_get_tracing_count() == 1
    assert 0 < model.train_state.step <= short_lbfgs
    losses = np.sum(model.losshistory.loss_train, axis=1)
    assert losses[-1] < losses[0]


def test_lbfgs_ends_at_the_lowest_loss_that_it_saw(short_lbfgs):
    model = compiled(optimizer="L-BFGS", lr=None)
    variables = model.net.trainable_variables
    start = np.concatenate([np.ravel(v).astype(float) for v in variables])
    found = []
    function = model.train_step.function

    def watched(*batch):
        loss, gradient = function(*batch)
        found.append(float(loss))
        return loss, gradient

    model.train_step.function = watched
    model.train(verbose=0)
    assert np.sum(model.losshistory.loss_train[-1]) == pytest.approx(
        min(found), rel=1e-4
    )
    end = np.concatenate([np.ravel(v).astype(float) for v in variables])
    assert np.abs(end - start).max() > 0


def test_lbfgs_trains_variables_of_the_user(short_lbfgs):
    speed = dde.Variable(1.0)

    def pde(x, u, mu):
        return dde.grad.jacobian(u, x, j=1) - speed * mu[:, :1]

    model = lrnr.Model(family(pde=pde), small_net())
    model.compile("L-BFGS", external_trainable_variables=speed, verbose=0)
    model.train(verbose=0)
    assert float(speed) != 1.0


def test_arguments_of_compile_are_deepxdes():
    speed = dde.Variable(1.0)
    data = family(solution=solution)
    model = lrnr.Model(data, small_net())
    model.compile("adam", 1e-3, "MSE", ["MSE"], None, [1, 2], speed, 0)
    assert model.loss_weights == [1, 2]
    assert model.external_trainable_variables == [speed]
    assert len(model.metrics) == 1


def test_a_plain_model_is_refused_before_its_first_step():
    # It would train, and not know what to do with mu in predict.
    model = dde.Model(family(), small_net())
    model.compile("adam", lr=1e-2, verbose=0)
    with pytest.raises(
        TypeError, match=r"^model is a deepxde.model.Model; .* by deepxde_lrnr.Model\("
    ):
        model.train(iterations=1, batch_size=(4, 8), verbose=0)
    assert model.train_state.step == 0


def test_saved_weights_are_restored(trained, tmp_path):
    path = trained.save(str(tmp_path / "model"))
    model = compiled(small_net(regularization={"orthogonality": 1e-3}))
    model.restore(path)
    mu = SPACE.sample(3)
    np.testing.assert_array_equal(model.predict(X, mu), trained.predict(X, mu))


def test_float64_goes_all_the_way():
    dde.config.set_default_float("float64")
    model = compiled()
    model.train(iterations=2, batch_size=4, verbose=0)
    assert model.predict(X, [2, 1]).dtype == np.float64
    assert model.train_state.loss_train.dtype == np.float64
    assert model.predict(X, [2, 1], transport).dtype == np.float64


# Prediction


def value(model, x, mu):
    """u(x; mu) one pair at a time."""
    real = dde.config.real(np)
    return model.net((np.array([mu], real), np.array([x], real))).numpy()[0]


def test_one_mu_in_any_form_gives_one_solution(trained):
    expected = np.array([value(trained, x, [2, 1]) for x in X])
    for mu in ({"a": 2, "b": 1}, {"b": 1, "a": 2}, [2, 1], np.array([2, 1])):
        u = trained.predict(X, mu)
        assert u.shape == (4, 1)
        np.testing.assert_allclose(u, expected, rtol=1e-5, atol=1e-6)


def test_several_mu_give_an_axis_more(trained):
    several = [[2, 1], [1, 2], [3, 0.5]]
    expected = np.array([[value(trained, x, mu) for x in X] for mu in several])
    forms = (several, {"a": [2, 1, 3], "b": [1, 2, 0.5]})
    for mu in forms:
        u = trained.predict(X, mu)
        assert u.shape == (3, 4, 1)
        np.testing.assert_allclose(u, expected, rtol=1e-5, atol=1e-6)
    assert trained.predict(X, [[2, 1]]).shape == (1, 4, 1)
    assert trained.predict(X, {"a": [2, 3], "b": 1}).shape == (2, 4, 1)


@pytest.mark.parametrize("max_rows", [1, 7])
def test_chunks_make_no_difference(trained, max_rows, monkeypatch):
    def slope(x, u):
        return dde.grad.jacobian(u, x, i=0, j=0)

    x = np.random.rand(5, 2)
    mu = SPACE.sample(3)
    whole = [trained.predict(x, mu, operator) for operator in (None, slope)]
    monkeypatch.setattr("deepxde_lrnr.prediction.MAX_ROWS", max_rows)
    chunked = [trained.predict(x, mu, operator) for operator in (None, slope)]
    np.testing.assert_allclose(chunked, whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("num_points, num_mu", [(5, 3), (2, 23)])
def test_no_call_sees_more_rows_than_the_limit(
    trained, num_points, num_mu, monkeypatch
):
    # Neither many points nor many mu may fill the memory.
    rows = []

    def counted(result, num_rows):
        rows.append(num_rows)
        return checked(result, num_rows)

    checked = prediction._rows
    monkeypatch.setattr(prediction, "_rows", counted)
    monkeypatch.setattr(prediction, "MAX_ROWS", 7)
    x, mu = np.random.rand(num_points, 2), SPACE.sample(num_mu)
    u = trained.predict(x, mu)
    assert 1 < max(rows) <= 7
    one_by_one = np.stack([trained.predict(x, m) for m in mu])
    np.testing.assert_allclose(u, one_by_one, rtol=1e-5, atol=1e-6)


def test_operators_take_two_or_three_arguments(trained):
    mu = SPACE.sample(3)
    residual = trained.predict(X, mu, transport)
    assert residual.shape == (3, 4, 1)
    # Central differences.
    h = 1e-2
    along = [
        (trained.predict(X + shift, mu) - trained.predict(X - shift, mu)) / (2 * h)
        for shift in np.diag([h, h])
    ]
    np.testing.assert_allclose(
        residual, along[1] + mu[:, None, 0:1] * along[0], rtol=1e-2, atol=1e-2
    )

    def slope(x, u):
        return dde.grad.jacobian(u, x, i=0, j=0)

    np.testing.assert_allclose(
        trained.predict(X, mu, slope), along[0], rtol=1e-2, atol=1e-2
    )
    assert trained.predict(X, mu[0], slope).shape == (4, 1)


def test_operators_may_return_a_list(trained):
    mu = SPACE.sample(3)
    u, sums = trained.predict(X, mu, lambda x, u, mu: [u, tf.reduce_sum(mu, axis=1)])
    np.testing.assert_allclose(u, trained.predict(X, mu), rtol=1e-5, atol=1e-6)
    assert sums.shape == (3, 4, 1)
    np.testing.assert_allclose(sums[:, 0, 0], mu.sum(axis=1), rtol=1e-6)


def test_components_are_the_last_axis():
    model = compiled(small_net(outputs=3), family(lambda x, u, mu: u * mu[:, 0:1], []))
    assert model.predict(X, [2, 1]).shape == (4, 3)
    assert model.predict(X, [[2, 1], [1, 1]]).shape == (2, 4, 3)


def test_predictions_need_no_compilation():
    net = small_net(dim=3)
    net.apply_feature_transform(lambda x: tf.concat([tf.sin(x), x[:, 1:]], axis=1))
    assert lrnr.Model(family(), net).predict(X, [2, 1]).shape == (4, 1)


def test_mu_outside_the_box_are_warned_about_where_they_are_written(trained):
    with pytest.warns(lrnr.OutsideParameterSpaceWarning, match="a = 5") as record:
        u = trained.predict(X, {"a": 5, "b": 1})
    assert record[0].filename == __file__
    assert np.isfinite(u).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained.predict(X, SPACE.high)


# Bad input


@pytest.mark.parametrize(
    "mu, message",
    [
        ([2, 1, 3], r"mu has shape .* must be \(2,\) or \(n, 2\)"),
        (2, r"mu has shape .* must be \(2,\) or \(n, 2\)"),
        (np.ones((2, 2, 2)), r"mu has shape .* must be \(2,\) or \(n, 2\)"),
        ({"a": 2}, "mu .*b"),
        ({"a": 2, "b": 1, "c": 1}, "mu .*c"),
        ([2, np.nan], "mu .*b = nan.* not finite"),
        ({"a": np.inf, "b": 1}, "mu .*a = inf.* not finite"),
        ([], "mu is empty"),
    ],
)
def test_mu_that_do_not_fit_the_space_are_refused(trained, mu, message):
    with pytest.raises(ValueError, match=message):
        trained.predict(X, mu)


@pytest.mark.parametrize("x", [np.ones(2), np.ones((4, 3)), np.ones((0, 2)), 1.0])
def test_points_must_have_the_dimension_of_the_geometry(trained, x):
    message = r"x has shape \(.*\); points must have shape \(N, 2\)"
    with pytest.raises(ValueError, match=message):
        trained.predict(x, [2, 1])


@pytest.mark.parametrize(
    "operator, message",
    [
        (lambda x: x, "operator takes 1 argument"),
        (lambda x, u, mu, t: u, "operator takes 4 argument"),
        (lambda x, u: tf.reduce_sum(u), r"operator returned .* \(\) for 4 rows"),
        (lambda x, u: u[:2], r"operator returned .* \(2, 1\) for 4 rows"),
    ],
)
def test_operators_that_do_not_fit_are_refused(trained, operator, message):
    with pytest.raises(ValueError, match=message):
        trained.predict(X, [2, 1], operator)


def test_layer_sizes_must_fit_the_geometry():
    with pytest.raises(ValueError, match=r"layer_sizes\[0\] is 3, .* dimension 2"):
        compiled(small_net(dim=3))
    net = small_net(dim=3)
    net.apply_feature_transform(lambda x: tf.concat([x, x], axis=1))
    with pytest.raises(ValueError, match=r"layer_sizes\[0\] is 3, .* transform: 4"):
        compiled(net)


def test_a_transform_may_come_after_the_model():
    model = lrnr.Model(family(), net := small_net(dim=3))
    net.apply_feature_transform(lambda x: tf.concat([x, x[:, :1]], axis=1))
    model.compile("adam", lr=1e-3, verbose=0)


def test_reduction_comes_after_training():
    model = compiled()
    with pytest.raises(RuntimeError, match=r"call train\(\) first"):
        model.reduce()


def test_a_diverged_network_is_not_reduced(trained):
    model = compiled()
    model.train(iterations=0, verbose=0)
    model.net.stack.b_out.assign([np.nan])
    with pytest.raises(RuntimeError, match="diverged"):
        model.reduce()


@pytest.mark.parametrize("loss_weights", [[1], [1, 1, 1]])
def test_every_loss_has_a_weight(loss_weights):
    data = family(lambda x, u, mu: [u, u - mu[:, 0:1]])
    net = small_net(regularization={"orthogonality": 1})
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, loss_weights=loss_weights, verbose=0)
    given = f"has {len(loss_weights)} entries"
    entries = r"pde\[0\], pde\[1\], bcs\[0\] \(IC\), regularization"
    message = f"loss_weights {given}; it must be a list of 4, one for each of {entries}"
    with pytest.raises(ValueError, match=message):
        model.train(iterations=1, batch_size=2, verbose=0)


def test_loss_weights_are_a_list():
    with pytest.raises(ValueError, match="loss_weights is 10; it must be a list"):
        compiled(loss_weights=10)


def test_every_error_has_a_loss():
    model = compiled(loss=["MSE"] * 3)
    message = r"loss has 3 entries; .* list of 2, one for each of pde, bcs\[0\] \(IC\)"
    with pytest.raises(ValueError, match=message):
        model.train(iterations=1, batch_size=2, verbose=0)


def test_losses_may_differ():
    model = compiled(loss=["MSE", "mean absolute error"])
    inputs, _, auxiliary = model.data.train_next_batch(4)
    losses = model.outputs_losses_train(inputs, None, auxiliary)[1]
    mu, x = inputs
    (count,) = auxiliary["counts"]
    start = x[: count * 4]
    target = solution(start, np.tile(mu, (count, 1)))
    u = model.net(inputs).numpy()[: count * 4]
    np.testing.assert_allclose(losses[1], np.mean(np.abs(u - target)), rtol=1e-5)


def test_metrics_need_a_solution():
    with pytest.raises(ValueError, match=r"metrics is \['MSE'\].*solution="):
        compiled(metrics=["MSE"])


def test_soap_needs_a_learning_rate():
    with pytest.raises(ValueError, match="lr is None: no learning rate for SOAP"):
        compiled(optimizer="SOAP", lr=None)


def test_data_and_network_are_those_of_a_family():
    with pytest.raises(TypeError, match="data is a TimePDE; it must be a .*Parametric"):
        lrnr.Model(family().problem, small_net())
    with pytest.raises(TypeError, match="net is a FNN; it must be a .*HyperLRNR"):
        lrnr.Model(family(), dde.nn.FNN([2, 8, 1], "tanh", "Glorot normal"))


def test_data_and_network_share_their_space():
    space = lrnr.ParameterSpace(a=(1, 3), b=(0.5, 4))
    with pytest.raises(ValueError, match=r"b=\(0.5, 4.0\).*data has .*b=\(0.5, 2.0\)"):
        lrnr.Model(family(), small_net(space=space))


def test_training_comes_after_compile():
    with pytest.raises(RuntimeError, match=r"train\(\) .* call compile\(\) first"):
        lrnr.Model(family(), small_net()).train(iterations=1)


def test_the_float_type_is_chosen_before_the_network_is_made():
    data, net = family(), small_net()
    model = compiled(small_net(), family())
    dde.config.set_default_float("float64")
    message = "net was made in float32, but DeepXDE's default float is float64 now"
    for use in (
        lambda: lrnr.Model(data, net),
        lambda: model.compile("adam", lr=1e-3),
        lambda: model.train(iterations=1, batch_size=2),
        lambda: model.predict(X, [2, 1]),
        lambda: model.reduce(),
    ):
        with pytest.raises(ValueError, match=message):
            use()


def test_lists_of_conditions_in_a_list_are_refused():
    data = family()
    problem = data.problem
    problem.bcs = [problem.bcs]
    with pytest.raises(ValueError, match=r"bcs\[0\] of problem is a list; .* one list"):
        lrnr.data.ParametricPDE(problem, SPACE, 8)


@pytest.mark.parametrize(
    "callback",
    [
        lambda: dde.callbacks.OperatorPredictor(X, lambda x, y: y),
        lambda: dde.callbacks.FirstDerivative(X),
        lambda: dde.callbacks.MovieDumper("movie", [0, 0], [1, 1]),
    ],
)
def test_callbacks_that_evaluate_at_x_alone_are_refused_by_name(callback):
    callback = callback()
    model = compiled()
    name = type(callback).__name__
    with pytest.raises(ValueError, match=rf"a dde.callbacks.{name}, .* no mu; use .*"):
        model.train(iterations=1, batch_size=2, callbacks=[callback], verbose=0)
    assert model.train_state.step == 0


# Outside of the geometry

DISK = dde.geometry.Disk([0, 0], 1)
HOLE = dde.geometry.CSGDifference(dde.geometry.Rectangle([-2, -2], [2, 2]), DISK)
ANGLES = np.linspace(0, 2 * np.pi, 50)
CIRCLE = np.stack((np.cos(ANGLES), np.sin(ANGLES)), axis=1)
INTERVAL = dde.geometry.Interval(0.1, 0.7)
ENDS = np.array([[0.1], [0.7]])


@pytest.mark.parametrize(
    "geom, inside, out",
    [
        (INTERVAL, ENDS, [[0.701]]),
        (dde.geometry.TimeDomain(0.1, 0.7), ENDS, [[0.05]]),
        (DISK, CIRCLE, [[0.8, 0.8]]),
        (HOLE, CIRCLE, [[0.5, 0.5]]),
        (dde.geometry.GeometryXTime(HOLE, dde.geometry.TimeDomain(0, 1)), None, None),
        (dde.geometry.Sphere([0, 0, 0], 1), [[1, 0, 0], [0, 0.6, 0.8]], [[0.9] * 3]),
        (TIME, [[0, 0], [2, 1], [0, 1]], [[1, 1.01]]),
        (TIME, [[1, 0.5]], [[-0.1, 0.5]]),
        (dde.geometry.PointCloud(CIRCLE), [[0.1, 0.2]], [[3, 0]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_points_outside_are_told_from_those_of_the_boundary(geom, inside, out):
    if inside is None:
        inside = np.hstack((CIRCLE, np.linspace(0, 1, 50)[:, None]))
        out = [[0.5, 0.5, 0.5], [1.5, 1.5, 1.1]]
    for dtype in ("float32", "float64"):
        assert not outside(geom, np.asarray(inside, dtype)).any()
        assert outside(geom, np.asarray(out, dtype)).all()


def test_points_outside_are_warned_about_where_they_are_written(trained):
    x = np.vstack((X, [[2.5, 0.5], [1, -3]]))
    with pytest.warns(
        lrnr.OutsideGeometryWarning, match=r"2 of 6 .* at \(2.5, 0.5\)"
    ) as w:
        u = trained.predict(x, [2, 1])
    assert w[0].filename == __file__
    assert np.isfinite(u).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained.predict(X, [2, 1])
        trained.predict(trained.data.train_collocation.points, [2, 1])


def test_a_geometry_that_cannot_say_what_is_inside_warns_of_its_box_only():
    class Mine(dde.geometry.Rectangle):
        def inside(self, x):
            raise NotImplementedError

    geom = Mine([0, 0], [1, 1])
    np.testing.assert_array_equal(
        outside(geom, np.array([[0.5, 0.5], [2, 0]])), [False, True]
    )


# What one sees


def test_a_model_says_what_it_is(trained):
    text = repr(trained)
    assert "family over a=(1.0, 3.0), b=(0.5, 2.0)" in text
    assert "HyperLRNR([2, 8, 8, 1], rank 2), " in text
    assert "TimePDE in 2 coordinates, IC; 8 mu, 32 points" in text
    assert "100 steps, loss " in text and "not compiled" not in text
    fresh = repr(lrnr.Model(family(bcs=[]), small_net()))
    assert "no conditions" in fresh and "training: none (not compiled)" in fresh


def test_further_arguments_of_save_go_to_deepxde(monkeypatch, tmp_path):
    given = {}

    def save(self, save_path, protocol="backend", verbose=0, **kwargs):
        given.update(kwargs)
        return save_path

    monkeypatch.setattr(dde.Model, "save", save)
    model = compiled()
    model.save(tmp_path / "weights", use_iteration_suffix=False)
    assert given == {"use_iteration_suffix": False}
    with pytest.raises(TypeError, match="one file takes no use_iteration_suffix"):
        model.save(tmp_path / "model.npz", use_iteration_suffix=False)
