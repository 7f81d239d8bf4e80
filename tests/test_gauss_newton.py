"""Gauss-Newton: exact residuals, a safeguard, and the sources of the Jacobian."""

from types import SimpleNamespace

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.data.residual import Residual
from deepxde_lrnr.fast_phase import FastModel, GaussNewton, gauss_newton, reduce_model
from deepxde_lrnr.fast_phase import jacobian as jacobian_module
from deepxde_lrnr.fast_phase.calibration import (
    DAMPINGS,
    choose_damping,
    choose_jacobian,
)
from deepxde_lrnr.fast_phase.compilation import Compiled
from deepxde_lrnr.fast_phase.jacobian import directional_jacobian
from deepxde_lrnr.fast_phase.learned_jacobian import LearnedJacobian
from deepxde_lrnr.fast_phase.levenberg_marquardt import damped_step, solve_definite
from deepxde_lrnr.nn import FastLRNR
from scipy.optimize import least_squares

# Decay u_t = -k u from u(0) = a. The network is as small as the problem.
SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5))
TIME = dde.geometry.TimeDomain(0, 1)
WEIGHTS = [1, 5]
SOURCES = ["learned", "selected", "all", "fast", "exact"]
LEAST_SQUARES = GaussNewton(40, "exact", damping=1e-2, rtol=1e-4, smoothing=0)
SETTINGS = {"points": 20, "rank": 3, "num_parameters": 12, "num_nodes": 10}


@pytest.fixture(scope="module", autouse=True)
def _without_xla():
    """XLA compiles for seconds; test_fast_phase.py shows that it changes nothing."""

    def plain(self, function):
        self.function = self._plain = tf.function(function)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "__init__", plain)
        yield


def decay(x, u, mu):
    return dde.grad.jacobian(u, x) + mu[:, 0:1] * u


def sometimes_nan(x, u, mu):
    """The decay, but not a number where a < 1."""
    return decay(x, u, mu) * tf.where(mu[:, 1:2] < 1, np.float32(np.nan), 1.0)


def family(pde=decay):
    ic = dde.icbc.IC(TIME, lambda x, mu: mu[:, 1:2], lambda _, on: on)
    problem = dde.data.PDE(TIME, pde, [ic], 20, 2)
    return lrnr.data.ParametricPDE(problem, SPACE, 16)


def network(dim, space):
    return lrnr.nn.HyperLRNR(
        [dim, 8, 8, 1],
        "tanh",
        "Glorot normal",
        rank=2,
        bias_rank=1,
        parameter_space=space,
        hypernetwork=(8,),
    )


def oracle(net, collocation, mu, z):
    """The weighted loss at coefficients z, one mu, without any of DeepXDE."""
    k, a = mu
    mu, z = tf.constant([mu], tf.float32), tf.constant([z], tf.float32)
    (initial,) = collocation.condition_points
    t = tf.constant(collocation.pde_points)
    with tf.GradientTape() as tape:
        tape.watch(t)
        u = net.evaluate(mu, t, z)
    pde = tape.gradient(u, t) + k * u
    ic = net.evaluate(mu, tf.constant(initial), z) - a
    return WEIGHTS[0] * np.mean(pde**2) + WEIGHTS[1] * np.mean(ic**2)


def selected_loss(fast, mu, z):
    """The weighted loss at the selected points: weights times errors of ``oracle``."""
    learned, feed = fast.learned_jacobian, fast.residual.feed(mu[None, :])
    z = tf.constant(z[None, :], tf.float32)
    whole = tf.function(lambda z, feed: fast.residual(fast.full, z, *feed))(z, feed)[0]
    r = whole.numpy()[learned.entries] * learned.factors
    return np.sum(r**2)


@pytest.fixture(scope="module")
def model():
    model = lrnr.Model(family(), network(1, SPACE))
    model.compile("SOAP", lr=1e-2, loss_weights=WEIGHTS, verbose=0)
    model.train(iterations=100, batch_size=8, display_every=1000, verbose=0)
    return model


@pytest.fixture(scope="module")
def fast(model):
    return model.reduce(**SETTINGS)


@pytest.fixture(scope="module")
def unwatched(fast):
    """Held-out points are those of the fast phase: nothing but the objective counts."""
    same = fast.residual
    return FastModel(fast.full, fast.reduced, fast.layers, same, same, 10)


@pytest.fixture(scope="module")
def half_nan(model):
    """The trained network with a PDE that is not a number on half of the box."""
    return reduce_model(family(sometimes_nan), model.net, WEIGHTS, **SETTINGS)


# The objective


@pytest.mark.parametrize("source", SOURCES)
def test_objective_is_the_exact_loss_and_never_rises(fast, source):
    mus = SPACE.sample(4, "Halton")
    s = fast.solve(mus, GaussNewton(4, source, damping=1e-2, smoothing=0))
    assert (np.diff(s.history, axis=1) <= 0).all()
    assert (s.objective <= s.initial_objective).all()
    assert np.sum(s.objective < 0.9 * s.initial_objective) >= 2  # it does something
    unmoved = s.status == "no improvement"
    assert (s.coefficients == s.initial_coefficients)[unmoved].all()
    assert (s.residual <= 0.95 * s.initial_residual)[~unmoved].all()
    held_out, points = fast.held_out.collocation, fast.residual.collocation
    few = source in ("learned", "selected")
    for i, mu in enumerate(mus):
        start, end = s.initial_coefficients[i], s.coefficients[i]
        for value, where, z in (
            (s.initial_objective[i], points, start),
            (s.objective[i], points, end),
            (s.initial_residual[i] ** 2, held_out, start),
            (s.residual[i] ** 2, held_out, end),
        ):
            if where is points and few:
                expected = selected_loss(fast, mu, z)
            else:
                expected = oracle(fast.full, where, mu, z)
            np.testing.assert_allclose(value, expected, rtol=2e-3)


def test_it_starts_at_the_loss_and_the_coefficients_of_the_model(model, fast):
    mu = SPACE.sample(1, "Halton")
    s = fast.solve(mu, GaussNewton(1, "exact", 1e-2, smoothing=0))
    np.testing.assert_allclose(
        s.initial_coefficients, model.net.coefficients(mu), rtol=1e-5, atol=1e-6
    )
    inputs, auxiliary = model.data.batch(mu, fast.residual.collocation)
    model.net.auxiliary_vars = auxiliary
    losses = model.outputs_losses_test(inputs, None, auxiliary)[1]
    np.testing.assert_allclose(s.initial_objective[0], np.sum(losses), rtol=1e-4)


def test_with_damping_that_fades_it_is_least_squares(unwatched):
    residual, full = unwatched.residual, unwatched.full
    mu = SPACE.sample(1, "Halton")
    s = unwatched.solve(mu[0], LEAST_SQUARES)
    feed = tensors(residual.feed(mu))

    @tf.function
    def vector(z):
        return residual(full, z, *feed)[0]

    def fun(z):
        return vector(tf.constant(z[None, :], tf.float32)).numpy()

    best = least_squares(fun, s.initial_coefficients, diff_step=1e-3)
    assert s.history[-1] < 0.5 * s.history[0]
    np.testing.assert_allclose(s.history[-1], 2 * best.cost, rtol=0.03)


def test_a_step_that_raises_the_held_out_residual_is_not_taken(fast, unwatched):
    """The held-out points want another solution than the fitted ones."""
    other = family(lambda x, u, mu: u + mu[:, 0:1])
    watcher = Residual(other, fast.held_out.collocation, [1, 0])
    watched = FastModel(fast.full, fast.reduced, [], fast.residual, watcher)
    mu = SPACE.sample(1, "Halton")[0]
    free, held = unwatched.solve(mu, LEAST_SQUARES), watched.solve(mu, LEAST_SQUARES)
    assert held.residual <= held.initial_residual
    assert held.history[-1] > 1.5 * free.history[-1]


def test_where_nothing_is_better_the_start_is_returned_and_said(model, fast):
    """A Jacobian of the wrong sign leads uphill only."""
    wrong = FastLRNR(model.net)
    wrong.stack.W_out.assign(-wrong.stack.W_out)
    misled = FastModel(fast.full, wrong, [], fast.residual, fast.held_out)
    s = misled.solve(SPACE.sample(3, "Halton"), GaussNewton(5, "fast", damping=1e-1))
    assert s.status.tolist() == ["no improvement"] * 3
    assert (s.steps == 3).all()
    np.testing.assert_array_equal(s.coefficients, s.initial_coefficients)
    np.testing.assert_array_equal(s.history, s.history[:, :1].repeat(6, axis=1))
    np.testing.assert_array_equal(s.residual, s.initial_residual)


@pytest.mark.parametrize("source", SOURCES)
def test_a_gain_that_the_held_out_points_hardly_see_is_none(fast, source):
    """To them the coefficients are a small part of a large residual."""
    other = family(lambda x, u, mu: 0.01 * decay(x, u, mu) + 1)
    watcher = Residual(other, fast.held_out.collocation, [1, 0])
    watched = FastModel(fast.full, fast.reduced, [], fast.residual, watcher, 10)
    s = watched.solve(SPACE.sample(4, "Halton"), GaussNewton(6, source, 1e-2))
    assert (s.status == "no improvement").all()
    np.testing.assert_array_equal(s.coefficients, s.initial_coefficients)
    np.testing.assert_array_equal(s.residual, s.initial_residual)
    np.testing.assert_array_equal(s.objective, s.initial_objective)


@pytest.mark.parametrize("source", ["learned", "selected", "all"])
def test_a_way_that_leads_astray_is_given_up(fast, unwatched, source):
    """The held-out points of another PDE refuse what the selected points like.

    There is nothing between the two ends of the way: it is curved in u, so that
    halfway both residual and error can be larger than at either end.
    """
    other = family(lambda x, u, mu: u - mu[:, 1:2] + 0.02)
    watcher = Residual(other, fast.held_out.collocation, [1, 0])
    watched = FastModel(fast.full, fast.reduced, [], fast.residual, watcher, 10)
    mus = SPACE.sample(8, "Halton")
    solver = GaussNewton(6, source, 1e-3)
    free, held = unwatched.solve(mus, solver), watched.solve(mus, solver)
    given_up = held.status == "no improvement"
    assert given_up.any() and (free.status != "no improvement").all()
    np.testing.assert_array_equal(
        held.coefficients,
        np.where(given_up[:, None], held.initial_coefficients, free.coefficients),
    )
    assert (held.residual <= held.initial_residual).all()
    assert (held.objective <= held.initial_objective).all()


# Linear algebra


@pytest.mark.parametrize("size", [1, 2, 7, 40])
def test_elimination_solves_definite_systems(size):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((3, size + 2, size))
    A, b = X.transpose(0, 2, 1) @ X, rng.standard_normal((3, size, 1))
    A[1] = np.diag(10.0 ** -np.arange(size) / 3)  # badly scaled
    expected = np.linalg.solve(A, b)[..., 0]
    actual = solve_definite(tf.constant(A), tf.constant(b))
    np.testing.assert_allclose(actual, expected, rtol=1e-7)


def test_a_step_without_any_effect_of_the_coefficients_is_zero():
    J, r = tf.zeros((2, 5, 3)), tf.ones((2, 5))
    np.testing.assert_array_equal(damped_step(J, r, tf.constant([1e-3, 1e-30])), 0)


# Why it stopped


def test_status_and_steps_are_those_of_the_history(fast):
    """Also where other mu of the same batch go on."""
    iterations, rtol = 8, 0.3
    solver = GaussNewton(iterations, "exact", damping=1e-3, rtol=rtol)
    s = fast.solve(SPACE.sample(8, "Halton"), solver)
    assert len(set(s.steps)) > 1
    for i, (history, steps, status) in enumerate(
        zip(s.history, s.steps, s.status, strict=True)
    ):
        assert (history[steps:] == history[steps]).all()
        falls = -np.diff(history[: steps + 1])
        if status == "converged":
            assert 0 < falls[-1] < rtol * history[steps - 1]
        elif status == "iterations done":
            assert steps == iterations
        elif status == "no further descent":
            assert (falls[-3:] == 0).all() and falls.any()
        else:
            # Refused steps, or a way whose end the held-out points refused.
            assert status == "no improvement"
            assert s.objective[i] == s.initial_objective[i]
    assert "converged" in s.status


@pytest.mark.parametrize("source", SOURCES)
def test_mu_without_a_finite_residual_are_marked_and_left_alone(half_nan, source):
    mus = np.array([[0.8, 1.2], [1.5, 0.7], [2.5, 1.4]], np.float32)
    solver = GaussNewton(3, source, damping=1e-2)
    s = half_nan.solve(mus, solver)
    assert (s.status == "not finite").tolist() == [False, True, False]
    np.testing.assert_array_equal(s.coefficients[1], s.initial_coefficients[1])
    assert np.isfinite(s.predict([[0.5]])).all()
    assert (s.objective[[0, 2]] < s.initial_objective[[0, 2]]).all()
    others = half_nan.solve(mus[[0, 2]], solver)
    np.testing.assert_allclose(
        s.coefficients[[0, 2]], others.coefficients, rtol=1e-3, atol=1e-4
    )


def test_automatic_damping_survives_mu_without_a_finite_residual(half_nan):
    s = half_nan.solve([0.8, 1.2], GaussNewton(3, "learned"))
    assert s.objective < s.initial_objective


# The Jacobian


def tensors(feed):
    return tf.nest.map_structure(
        lambda a: tf.constant(a) if isinstance(a, np.ndarray) else a, feed
    )


def tape_jacobian(residual, net, mu, z):
    """d r_i / d z_j for all pairs of mu, shape (P, n, P, q), in reverse mode."""
    feed = tensors(residual.feed(mu))

    @tf.function
    def compute(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            r = residual(net, z, *feed)
        return tape.jacobian(r, z, experimental_use_pfor=False)

    return compute(z).numpy()


def own_blocks(J):
    """d r_i / d z_i."""
    return np.stack([J[i, :, i] for i in range(len(J))])


@pytest.fixture(scope="module")
def heat():
    """u_t = k u_xx with all kinds of targets: values, with and without mu, normals."""
    space = lrnr.ParameterSpace(k=(0.1, 0.5), a=(0.5, 1.5))
    geom = dde.geometry.GeometryXTime(dde.geometry.Interval(0, 1), TIME)

    def pde(x, u, mu):
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        return dde.grad.jacobian(u, x, i=0, j=1) - mu[:, 0:1] * u_xx

    bcs = [
        dde.icbc.DirichletBC(
            geom,
            lambda x, mu: mu[:, 1:2] * (1 + x[:, 1:2]),
            lambda x, on: on and np.isclose(x[0], 0),
        ),
        dde.icbc.NeumannBC(
            geom, lambda x: x[:, 1:2], lambda x, on: on and np.isclose(x[0], 1)
        ),
        dde.icbc.IC(geom, lambda x, mu: mu[:, 1:2] * x[:, :1] ** 2, lambda _, on: on),
    ]
    problem = dde.data.TimePDE(geom, pde, bcs, 10, 8, 4)
    data = lrnr.data.ParametricPDE(problem, space, 4)
    net = network(2, space)
    net((space.sample(1), data.train_collocation.points[:1]))
    return Residual(data, data.train_collocation, [1, 2, 3, 5]), FastLRNR(net)


def test_forward_mode_gives_the_derivatives_of_reverse_mode(heat, monkeypatch):
    residual, net = heat
    mu = net.parameter_space.sample(3, "Halton")
    z = net.coefficients(mu)
    J = tape_jacobian(residual, net, mu, z)
    assert np.abs(J).max() > 0.1
    for i in range(3):  # the residual of a mu knows only its own coefficients
        assert not np.delete(J[i], i, axis=1).any()
    D = tf.constant(np.random.standard_normal((z.shape[1], 5)), tf.float32)
    expected = own_blocks(J) @ D.numpy()
    rows = 3 * len(residual.collocation.points)
    for columns in (5, 2):  # at once, and in padded blocks
        monkeypatch.setattr(jacobian_module, "MAX_SIZE", columns * rows * 8)

        @tf.function
        def compute(z, feed):
            return directional_jacobian(residual, net, z, D, *feed)

        actual = compute(z, residual.feed(mu))
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4)


def test_learned_jacobian_is_exact_at_its_nodes(fast):
    learned = fast.learned_jacobian
    mu = SPACE.sample(10, "Hammersley")
    weights = learned.weights(SPACE.scale(mu.astype(float)))
    np.testing.assert_allclose(weights, np.eye(10), atol=1e-8)
    z = fast.full.coefficients(mu[:3])
    exact = own_blocks(tape_jacobian(learned.residual, fast.full, mu[:3], z))
    np.testing.assert_allclose(
        learned.values[:3], exact @ learned.directions, rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(
        learned(weights[:3].astype(np.float32)), learned.values[:3], atol=1e-5
    )


def test_weights_of_the_nodes_sum_to_one_everywhere(fast):
    scaled = np.random.uniform(-1.5, 1.5, (20, 2))
    weights = fast.learned_jacobian.weights(scaled)
    assert weights.shape == (20, 10)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-8)


def test_more_nodes_make_the_learned_jacobian_more_accurate(fast):
    few, many = (
        LearnedJacobian.compute(fast.residual, fast.full, n, True) for n in (8, 40)
    )
    assert many.error < 0.5 * few.error
    assert few.error < 1
    # The error said is about that at other mu.
    mu = SPACE.sample(16, "Halton")
    z = fast.full.coefficients(mu)
    exact = own_blocks(tape_jacobian(many.residual, fast.full, mu, z)) @ many.directions
    guess = np.tensordot(
        many.weights(SPACE.scale(mu.astype(float))), many.values, axes=1
    )
    error = np.linalg.norm(guess - exact) / np.linalg.norm(exact)
    assert 0.1 * error < many.error < 10 * error


def test_nodes_without_a_finite_jacobian_are_left_out(half_nan):
    learned = half_nan.learned_jacobian
    assert np.isfinite(learned.values).all()
    assert 3 <= len(learned.values) < 10
    weights = learned.weights(np.random.uniform(-1, 1, (5, 2)))
    assert weights.shape == (5, len(learned.values))


@pytest.mark.parametrize("source", ["selected", "fast"])
@pytest.mark.parametrize("min_gain", [0, 0.2, 0.7, 0.999])
def test_the_held_out_residual_falls_by_min_gain_or_the_start_is_returned(
    fast, source, min_gain
):
    mus = SPACE.sample(8, "Halton")
    s = fast.solve(mus, GaussNewton(8, source, 1e-2, min_gain=min_gain))
    better = s.residual < s.initial_residual
    enough = (1 - min_gain) * s.initial_residual * (1 + 1e-5)
    assert (s.residual <= enough)[better].all()
    unchanged = np.all(s.coefficients == s.initial_coefficients, axis=1)
    np.testing.assert_array_equal(unchanged, ~better)
    np.testing.assert_array_equal(s.status == "no improvement", ~better)
    if min_gain != 0.7:  # which depends on how well it was trained
        assert better.any() == (min_gain < 0.5)


# What is chosen automatically


def fake(ratios):
    """A solver whose held-out residual falls by the ratio of the damping."""

    def run(mu, damping):
        ratio = ratios[damping] if isinstance(ratios, dict) else ratios
        before = np.ones(len(mu))
        return SimpleNamespace(initial_residual=before, residual=ratio * before)

    return run


@pytest.mark.parametrize(
    "ratios, chosen",
    [
        ((0.9, 0.5, 0.301, 0.3), 1e-3),
        ((0.3, 0.301, 0.3, 0.3), 1e-1),
        ((0.9, 0.8, 0.7, 0.3), 1e-4),
        ((1.0, 1.0, 1.0, 1.0), 1e-1),
        ((0.0, 0.5, 0.5, 0.5), 1e-1),
        ((np.nan, np.nan, np.nan, np.nan), 1e-1),
    ],
)
def test_the_strongest_of_equally_good_dampings_is_chosen(ratios, chosen):
    run = fake(dict(zip(DAMPINGS, ratios, strict=True)))
    if np.isnan(ratios[0]):
        healthy = run

        def run(mu, damping):
            outcome = healthy(mu, damping)
            outcome.initial_residual[:] = np.nan
            return outcome

    damping, ratio = choose_damping(run, SPACE)
    assert damping == chosen
    expected = dict(zip(DAMPINGS, ratios, strict=True))[chosen]
    # Nothing can be compared with NaN; a residual of zero has no logarithm.
    assert ratio == pytest.approx(np.nan_to_num(expected, nan=1.0), abs=1e-15)


@pytest.mark.parametrize(
    "ratios, chosen",
    [
        ({"learned": 0.505, "fast": 0.9, "exact": 0.5}, "learned"),
        # 0.98 gains a seventh of what 0.86 does.
        ({"learned": 0.98, "fast": 0.87, "exact": 0.86}, "exact"),
        ({"learned": 0.95, "fast": 0.9, "exact": 0.5}, "exact"),
        ({"learned": 1.0, "fast": 1.0, "exact": 1.0}, "learned"),
        ({"exact": 0.5, "fast": 0.51, "learned": 0.5}, "exact"),
        ({"selected": 1.0}, "selected"),
    ],
)
def test_the_first_of_equally_good_jacobians_is_chosen(ratios, chosen):
    assert choose_jacobian(ratios) == chosen


def test_choices_are_made_away_from_the_nodes_of_the_learned_jacobian():
    """For one parameter the sequences of Halton and Hammersley are the same."""
    space = lrnr.ParameterSpace(k=(0, 1))
    seen = []

    def run(mu, damping):
        seen.extend(mu.ravel())
        return fake(0.5)(mu, damping)

    choose_damping(run, space)
    assert not np.isin(seen, space.sample(60, "Hammersley")).any()


@pytest.mark.parametrize(
    "pointwise, sources", [(True, ["selected", "all"]), (False, ["learned", "fast"])]
)
def test_auto_compares_two_sources(fast, monkeypatch, pointwise, sources):
    other = FastModel(
        fast.full, fast.reduced, fast.layers, fast.residual, fast.held_out, 10
    )
    assert other.pointwise
    other.pointwise = pointwise
    compiled = []
    compile_steps = gauss_newton.compile_steps

    def recorded(solver, model, source):
        compiled.append(source)
        return compile_steps(solver, model, source)

    monkeypatch.setattr(gauss_newton, "compile_steps", recorded)
    solver = GaussNewton(3, damping=1e-2)
    mu = {"k": 1.2, "a": 1.1}
    s = other.solve(mu, solver)
    assert compiled == sources  # each of them once
    source, damping = other.choices[solver]
    assert source in sources and damping == 1e-2
    expected = other.solve(mu, GaussNewton(3, source, damping=1e-2)).coefficients
    np.testing.assert_allclose(s.coefficients, expected, rtol=1e-5, atol=1e-6)
    assert s.objective < s.initial_objective


def test_auto_compares_each_source_at_its_own_damping(monkeypatch, fast):
    """What one of them needs need not be good for the other."""
    best = {"selected": 1e-1, "all": 1e-3}

    def fake_steps(solver, model, source):
        floor = 0.5 if source == "selected" else 0.1

        def run(mu, damping):
            return fake(floor if damping == best[source] else 0.9)(mu, damping)

        run.compiled, run.max_batch = None, 1
        return run

    monkeypatch.setattr(gauss_newton, "compile_steps", fake_steps)
    other = FastModel(fast.full, fast.reduced, [], fast.residual, fast.held_out, 10)
    solver = GaussNewton()
    solver.prepare(other)
    assert other.choices[solver] == ("all", 1e-3)


@pytest.mark.parametrize("source", ["selected", "all"])
def test_broyden_between_two_derivatives_changes_the_steps_not_the_start(fast, source):
    """The first step is that of the exact Jacobian, the next ones need none."""
    mus = SPACE.sample(3, "Halton")
    one, many = (fast.solve(mus, GaussNewton(n, source, damping=1e-2)) for n in (1, 6))
    np.testing.assert_allclose(one.history[:, 1], many.history[:, 1], rtol=1e-4)
    assert (many.history[:, -1] < 0.9 * one.history[:, -1]).any()


# Arguments


@pytest.mark.parametrize(
    "argument, value",
    [
        ("iterations", 0),
        ("iterations", 2.5),
        ("jacobian", "reverse"),
        ("damping", 0),
        ("damping", -1.0),
        ("damping", float("nan")),
        ("damping", float("inf")),
        ("damping", "small"),
        ("rtol", -0.1),
        ("rtol", 1),
        ("min_gain", -0.1),
        ("min_gain", 1),
        ("rtol", float("nan")),
        ("smoothing", -0.1),
        ("smoothing", "auto"),
        ("iterations", True),
        ("damping", None),
        ("damping", [1e-3]),
        ("rtol", "1e-3"),
    ],
)
def test_wrong_arguments_are_named(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} is .*must be"):
        GaussNewton(**{argument: value})


def test_numbers_of_numpy_are_numbers():
    solver = GaussNewton(np.int64(3), damping=np.float32(0.5), rtol=np.float64(0))
    assert solver == GaussNewton(3, damping=0.5, rtol=0.0)
    assert type(solver.iterations) is int
    assert type(solver.damping) is float
