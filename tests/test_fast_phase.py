"""The fast phase: many mu at once, the paper's Adam, the Solution."""

from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._cores import at_most, num_cores
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import Adam, LeastSquares, Solution, Status
from deepxde_lrnr.fast_phase import adam as adam_module
from deepxde_lrnr.fast_phase.adam import in_batches
from deepxde_lrnr.offline import reduce_model

# Decay u_t = -k u from u(0) = a. The network is as small as the problem.
SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
TIME = dde.geometry.TimeDomain(0, 1)
WEIGHTS = [1, 5]
MU = np.array([[0.8, 1.2], [1.5, 0.7], [2.5, 1.4]], np.float32)
T = np.array([[0.1], [0.4], [0.9]], np.float32)
SOLVER = LeastSquares(3)


@pytest.fixture
def without_xla(monkeypatch):
    """XLA compiles for seconds."""
    monkeypatch.setattr(Compiled, "uses_xla", False)


def decay(x, u, mu):
    return dde.grad.jacobian(u, x) + mu[:, 0:1] * u


def sometimes_nan(x, u, mu):
    """The decay, but not a number where a < 1."""
    return decay(x, u, mu) * tf.where(mu[:, 1:2] < 1, np.float32(np.nan), 1.0)


def family(pde=decay):
    ic = dde.icbc.IC(TIME, lambda x, mu: mu[:, 1:2], lambda _, on: on)
    problem = dde.data.PDE(TIME, pde, [ic], 20, 2)
    return lrnr.data.ParametricPDE(problem, SPACE, 16)


def network(data, transform=None):
    net = lrnr.nn.HyperLRNR(
        [data.geom.dim, 8, 8, 1],
        "tanh",
        "Glorot normal",
        rank=2,
        bias_rank=1,
        parameter_space=data.parameter_space,
        hypernetwork=(8,),
    )
    if transform is not None:
        net.apply_feature_transform(transform)
    net((data.train_mu[:1], data.train_collocation.points[:1]))
    return net


def reduced(data=None, net=None, **kwargs):
    data = data or family()
    settings = {"points": 20, "rank": 2, "num_parameters": 12}
    settings["method"] = "eim"
    net = net or network(data)
    return reduce_model(data, net, WEIGHTS, **{**settings, **kwargs})


@pytest.fixture(scope="module")
def fast():
    return reduced()


def errors(net, collocation, mu, z):
    """Errors of the PDE and of the IC for one mu each, without any of DeepXDE."""
    mu = tf.constant(mu)
    (initial,) = collocation.condition_points
    result = []
    for i in range(len(mu)):
        one, coefficients = mu[i : i + 1], z[i : i + 1]
        k, a = one[0, 0], one[0, 1]
        t = tf.constant(collocation.pde_points)
        with tf.GradientTape() as tape:
            tape.watch(t)
            u = net.evaluate(one, t, coefficients)
        pde = tape.gradient(u, t) + k * u
        ic = net.evaluate(one, tf.constant(initial), coefficients) - a
        result.append((pde, ic))
    return result


def loss(net, collocation, mu, z):
    """DeepXDE's weighted MSE loss for each mu."""
    return tf.stack(
        [
            sum(w * tf.reduce_mean(e**2) for w, e in zip(WEIGHTS, pair, strict=True))
            for pair in errors(net, collocation, mu, z)
        ]
    )


def absolute(net, collocation, mu, z):
    """The sum of absolute errors for each mu, as in the paper."""
    return tf.stack(
        [
            tf.reduce_sum(tf.abs(pde)) + tf.reduce_sum(tf.abs(ic))
            for pde, ic in errors(net, collocation, mu, z)
        ]
    )


# Many mu


def test_a_worker_may_leave_cores_to_others():
    every = num_cores()
    with at_most(1):
        assert num_cores() == 1
    with at_most(every + 1):
        assert num_cores() == every
    assert num_cores() == every


def test_many_mu_at_once_are_each_of_them_in_order_to_the_bit(fast):
    mus = SPACE.sample(40, "Halton")
    whole = fast.solve(mus, SOLVER)
    assert whole.coefficients.shape == (40, fast.space.size + 1)
    assert whole.history.shape == (40, 4)
    assert np.median(whole.history[:, -1] / whole.history[:, 0]) < 0.1
    for n in (1, 3, 9):
        part = fast.solve(mus[:n], SOLVER)
        np.testing.assert_array_equal(part.mu, mus[:n])
        assert part.status.shape == part.steps.shape == (n,)
        same_outcome(part, whole, slice(n))
    backwards = fast.solve(mus[::-1], SOLVER)
    same_outcome(backwards, whole, slice(None, None, -1))
    for i in (3, 38):
        one = fast.solve(dict(zip(("k", "a"), mus[i], strict=True)), SOLVER)
        assert isinstance(one.status, str)
        assert one.coefficients.shape == (fast.space.size + 1,)
        assert one.history.shape == (4,)
        same_outcome(one, whole, i)


def same_outcome(actual, expected, index):
    names = ("coefficients", "initial_coefficients", "history", "residual", "objective")
    for name in (*names, "initial_residual", "steps", "status"):
        np.testing.assert_array_equal(
            getattr(actual, name), getattr(expected, name)[index], name
        )


@pytest.mark.parametrize("number, sizes", [(1, [1]), (3, [4]), (16, [16])])
def test_batches_are_padded_to_one_of_few_sizes(number, sizes):
    seen = []

    def solve(mu):
        seen.append(len(mu))
        return Solution(mu, *[mu] * 2, *[np.ones(len(mu))] * 7)

    mus = SPACE.sample(number + 32, "Halton")
    found = in_batches(solve, mus)
    assert seen == [16, 16, *sizes]
    np.testing.assert_array_equal(found.coefficients, mus)
    assert found.steps.shape == (len(mus),)


@pytest.fixture
def compiled(monkeypatch):
    """All that ``Adam`` compiles, without XLA."""
    made = []

    def recorded(function):
        made.append(Compiled(function))
        made[-1].function = made[-1]._plain
        return made[-1]

    monkeypatch.setattr(adam_module, "Compiled", recorded)
    return made


def test_xla_changes_nothing(fast, compiled, monkeypatch):
    solver = Adam(5, 1e-2, "MSE")
    plain = solver.prepare(fast)(MU)
    assert not any(c.uses_xla for c in compiled)
    monkeypatch.undo()
    xla = solver.prepare(fast)(MU)
    for name, how in (("coefficients", {"atol": 1e-3}), ("history", {"rtol": 1e-2})):
        np.testing.assert_allclose(getattr(plain, name), getattr(xla, name), **how)
    assert (xla.history[:, -1] < xla.history[:, 0]).any()


# Adam, as in the paper


@pytest.mark.parametrize("objective, value", [("absolute", absolute), ("MSE", loss)])
def test_adam_is_that_of_keras_on_the_coefficients_of_fast_lrnr(fast, objective, value):
    net, points = fast.reduced, fast.residual.collocation
    z0 = fast.full.coefficients(MU)
    z = tf.Variable(z0)
    optimizer = tf.keras.optimizers.Adam(1e-2, epsilon=1e-8)
    history = []
    for _ in range(6):
        with tf.GradientTape() as tape:
            distance = tf.reduce_sum(tf.abs(z - z0), axis=1)
            values = value(net, points, MU, z) + 0.3 * distance
        history.append(values.numpy())
        if len(history) < 6:
            optimizer.apply_gradients([(tape.gradient(values, z), z)])
    s = fast.solve(MU, Adam(5, 1e-2, objective, locality=0.3))
    np.testing.assert_allclose(s.history, np.transpose(history), rtol=1e-3)
    np.testing.assert_allclose(s.coefficients, z, rtol=1e-3, atol=2e-4)
    np.testing.assert_allclose(s.initial_coefficients, z0, atol=1e-6)
    assert np.abs(s.coefficients - z0).max() > 2e-2
    assert (s.history[:, -1] < s.history[:, 0]).all()
    assert s.status.tolist() == ["iterations done"] * 3
    assert (s.steps == 5).all()
    # FastLRNR is another function than the full LRNR.
    full = value(fast.full, points, MU, z0)
    assert np.abs(s.history[:, 0] / full - 1).max() > 5e-3
    # What is said of the error comes from the full LRNR at other points.
    watched = fast.held_out.collocation
    for rms, c in ((s.initial_residual, z0), (s.residual, s.coefficients)):
        np.testing.assert_allclose(
            rms**2, loss(fast.full, watched, MU, tf.constant(c)), rtol=2e-3
        )


def test_with_every_neuron_kept_adam_is_that_of_the_full_network(without_xla):
    fast = reduced(rank=8, method="qdeim")
    assert fast.reduced.stack.widths == (8, 8)
    settings = {"iterations": 30, "lr": 5e-3, "objective": "MSE", "locality": 0.1}
    one, other = (
        fast.solve(MU, Adam(network=name, **settings)) for name in ("fast", "full")
    )
    assert np.abs(other.coefficients - other.initial_coefficients).max() > 0.05
    np.testing.assert_allclose(one.coefficients, other.coefficients, atol=2e-3)
    np.testing.assert_allclose(one.history, other.history, rtol=1e-2)


def test_locality_holds_the_coefficients(fast, without_xla):
    moved = {
        locality: np.abs(s.coefficients - s.initial_coefficients).max()
        for locality in (0.0, 1e6)
        for s in [fast.solve(MU, Adam(60, 1e-3, locality=locality))]
    }
    assert moved[0.0] > 0.03
    assert moved[1e6] < 0.01


def test_adam_is_compiled_once_for_every_mu(fast, compiled):
    solver = Adam(2)
    for mu in SPACE.sample(5, "Halton"):
        fast.solve(mu, solver)
    for n in range(2, 9):
        fast.solve(SPACE.sample(n, "Halton"), solver)
    # One mu, up to four, up to 16.
    assert len(compiled) == 2
    for one in compiled:
        assert one.function.experimental_get_tracing_count() == 3


def test_adam_marks_mu_without_a_finite_residual():
    fast = reduced(family(sometimes_nan))
    solver = Adam(10, 1e-2)
    s = fast.solve(MU, solver)
    assert s.status.tolist() == ["iterations done", "not finite", "iterations done"]
    np.testing.assert_array_equal(s.coefficients[1], s.initial_coefficients[1])
    assert np.isfinite(s.predict(T)).all()
    others = fast.solve(MU[[0, 2]], solver)
    np.testing.assert_allclose(s.coefficients[[0, 2]], others.coefficients, atol=1e-4)
    assert (s.history[[0, 2], -1] < s.history[[0, 2], 0]).all()


# Without XLA, in double precision


def test_third_derivatives_through_concat_work(monkeypatch):
    """XLA has no gradient for these; mu without a finite residual are marked too."""
    geom = dde.geometry.GeometryXTime(dde.geometry.Interval(0, 1), TIME)

    def airy(x, u, mu):
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        u_xxx = dde.grad.jacobian(u_xx, x, i=0, j=0)
        nan = tf.where(mu[:, 1:2] < 1, np.float32(np.nan), 0.0)
        return dde.grad.jacobian(u, x, i=0, j=1) + 0.01 * mu[:, 0:1] * u_xxx + nan

    ic = dde.icbc.IC(geom, lambda x: np.sin(2 * np.pi * x[:, :1]), lambda _, on: on)
    problem = dde.data.TimePDE(geom, airy, [ic], 8, 0, 8)
    data = lrnr.data.ParametricPDE(problem, SPACE, 16)
    net = network(
        data,
        lambda x: tf.concat(
            [tf.sin(2 * np.pi * x[:, :1]), tf.cos(2 * np.pi * x[:, :1]), x[:, 1:]], 1
        ),
    )
    fast = reduced(data, net, points=24)
    made = []

    def recorded(function):
        made.append(Compiled(function))
        return made[-1]

    monkeypatch.setattr(adam_module, "Compiled", recorded)
    adam = fast.solve(MU[:2], Adam(5, 1e-2, "MSE", 0))
    assert made[0].function is made[0]._plain
    for s in (adam, fast.solve(MU[:2], SOLVER)):
        assert s.history[0, -1] < s.history[0, 0]
        assert s.status[1] == "not finite" != s.status[0]
        np.testing.assert_array_equal(s.coefficients[1], s.initial_coefficients[1])


def test_double_precision_goes_all_the_way(without_xla):
    dde.config.set_default_float("float64")
    fast = reduced()
    mu = MU.astype(float)
    for solver in (SOLVER, Adam(5, 1e-2, "MSE", 0, "full")):
        s = fast.solve(mu, solver)
        assert s.coefficients.dtype == s.history.dtype == s.predict(T).dtype == float
        network = fast.solvers.prepared(solver).predictor.network
        z = tf.constant(s.coefficients)
        expected = loss(network, fast.residual.collocation, mu, z)
        np.testing.assert_allclose(s.objective, expected, rtol=1e-10)
        assert (s.objective < s.initial_objective).any()


def test_what_xla_cannot_compile_runs_without_it():
    square = Compiled(lambda x: tf.py_function(np.square, [x], tf.float32))
    for x in (2.0, 3.0):
        assert square(tf.constant(x)) == x**2
    assert square.function is square._plain


def test_errors_of_the_user_come_up_and_xla_stays():
    def only_positive(x):
        if x.shape[0] == 2:
            raise KeyError("no pairs")
        return x + 1

    function = Compiled(only_positive)
    with pytest.raises(KeyError, match="no pairs"):
        function(tf.zeros(2))
    np.testing.assert_array_equal(function(tf.zeros(3)), 1)
    assert function.function is not function._plain


# The frozen model


def test_training_afterwards_changes_nothing(without_xla):
    model = lrnr.Model(family(), network(family()))
    model.compile("adam", lr=1e-2, loss_weights=WEIGHTS, verbose=0)
    model.train(iterations=1, verbose=0, display_every=100)
    fast = model.reduce(points=20, rank=4, num_parameters=12)
    solver = LeastSquares(3)
    before, u = fast.solve(MU, solver), model.predict(T, MU)
    prediction = before.predict(T)
    model.train(iterations=20, verbose=0, display_every=100)
    assert np.abs(model.predict(T, MU) - u).max() > 1e-2
    after = fast.solve(MU, solver)
    np.testing.assert_array_equal(after.coefficients, before.coefficients)
    np.testing.assert_array_equal(before.predict(T), prediction)


# The Solution


def test_predictions_and_operators_are_those_of_the_readout(fast):
    s = fast.solve(MU, SOLVER)
    assert s.predict(T).dtype == float
    t = tf.constant(T, tf.float64)
    u, u_t = [], []
    for mu, w in zip(MU.astype(float), s.coefficients, strict=True):
        with tf.GradientTape() as tape:
            tape.watch(t)
            u.append(fast.space.evaluate([mu], t, w[None, :-1]))
        u_t.append(tape.gradient(u[-1], t))
    u, u_t = np.stack(u), np.stack(u_t)
    assert s.predict(T).shape == (3, 3, 1)
    np.testing.assert_allclose(s.predict(T), u, rtol=1e-10)
    by_two = s.predict(T, lambda x, u: dde.grad.jacobian(u, x))
    np.testing.assert_allclose(by_two, u_t, rtol=1e-10, atol=1e-12)
    by_three = s.predict(T, decay)
    expected = u_t + MU[:, :1, None].astype(float) * u
    np.testing.assert_allclose(by_three, expected, rtol=1e-8, atol=1e-10)
    one = fast.solve(MU[1], SOLVER)
    assert one.mu.shape == (2,)
    np.testing.assert_allclose(one.predict(T), u[1], rtol=1e-10)
    np.testing.assert_allclose(one.predict(T, decay), expected[1], rtol=1e-8, atol=1e-9)
    assert np.abs(u[1] - fast.full((MU[1:2], T))).max() > 1e-2  # the start is another


def test_mu_outside_the_box_are_solved_with_a_warning(fast):
    with pytest.warns(lrnr.OutsideParameterSpaceWarning) as record:
        s = fast.solve({"k": 3.2, "a": 1.0}, SOLVER)
    assert record[0].filename == __file__
    assert s.residual <= s.initial_residual
    assert np.isfinite(s.coefficients).all()


# Bad input


@pytest.mark.parametrize(
    "mu",
    [
        np.ones(3),
        np.ones((2, 3)),
        np.ones((1, 2, 2)),
        np.empty((0, 2)),
        {"k": 1.0},
        {"k": 1.0, "b": 1.0},
        {"k": 1.0, "a": float("nan")},
        [np.inf, 1.0],
    ],
)
def test_mu_that_do_not_fit_are_refused(fast, mu):
    with pytest.raises(ValueError, match="mu"):
        fast.solve(mu, SOLVER)


@pytest.mark.parametrize("solver", ["adam", LeastSquares, Adam, 3])
def test_a_solver_is_a_solver_object(fast, solver):
    with pytest.raises(TypeError, match="solver is .*LeastSquares()"):
        fast.solve(MU, solver)


@pytest.mark.parametrize("x", [0.5, [0.1, 0.2], np.ones((3, 2)), np.ones((0, 1))])
def test_points_of_predict_have_the_dimension_of_the_geometry(fast, x):
    s = fast.solve(MU[0], SOLVER)
    with pytest.raises(ValueError, match=r"x has shape .*\(N, 1\)"):
        s.predict(x)


@pytest.mark.parametrize(
    "argument, value",
    [
        ("iterations", 0),
        ("iterations", 1.5),
        ("lr", 0),
        ("lr", float("nan")),
        ("lr", float("inf")),
        ("objective", "MAE"),
        ("locality", -1),
        ("locality", float("nan")),
        ("network", "reduced"),
    ],
)
def test_wrong_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} is .*must be"):
        Adam(**{argument: value})


@pytest.mark.parametrize("status", Status)
def test_a_status_is_a_string_with_a_sentence_and_an_advice(status):
    assert f"{status}" == str(np.array([status], object)[0]) == status
    assert repr(status) == repr(str(status)) and status.sentence.endswith(".")
    assert Status(str(status)) is status
    page = Path(__file__).parent.parent / "docs" / "troubleshooting.md"
    assert f'### The status is "{status}"' in page.read_text()
