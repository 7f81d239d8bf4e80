"""A family is DeepXDE's problem for each mu, in batches that never go stale."""

import copy
import warnings

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.data.residual import Residual

SPACE = lrnr.ParameterSpace(a=(1, 3), b=(-1, 1))
INTERVAL = dde.geometry.Interval(0, 2)
TIME = dde.geometry.GeometryXTime(INTERVAL, dde.geometry.TimeDomain(0, 1))
SQUARE = dde.geometry.Rectangle([-1, -1], [1, 1])
DISK = dde.geometry.Disk([0, 0], 0.5)


@pytest.fixture
def float64(_same_start_for_every_test):
    dde.config.set_default_float("float64")


def boundary(_, on):
    return on


def initial(_, on):
    return on


def transport(x, u, mu):
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    return dde.grad.jacobian(u, x, i=0, j=1) + mu[:, 0:1] * u_x


def wave_at_start(x, mu):
    return mu[:, 1:2] * np.sin(x[:, 0:1])


def transport_problem(**kwargs):
    conditions = [
        dde.icbc.IC(TIME, wave_at_start, initial),
        dde.icbc.DirichletBC(TIME, lambda x, mu: mu[:, 0:1] * x[:, 1:2], boundary),
    ]
    return dde.data.TimePDE(TIME, transport, conditions, 12, 6, 5, **kwargs)


def transport_family(num_parameters=8, **kwargs):
    return lrnr.data.ParametricPDE(transport_problem(), SPACE, num_parameters, **kwargs)


def small_net(dim=2, space=SPACE, **kwargs):
    return lrnr.nn.HyperLRNR(
        [dim, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=space, **kwargs
    )


# One problem for each mu


def u(x, mu):
    """Two components whose derivatives are all different."""
    a, b = mu[:, 0:1], mu[:, 1:2]
    first, last = x[:, 0:1], x[:, -1:]
    return tf.concat(
        [tf.sin(a * first) + b * last**3, tf.cos(first * last + b) * a], axis=1
    )


def system(x, y, mu):
    laplacian = dde.grad.hessian(y, x, component=0, i=0, j=0)
    return [
        mu[:, 0:1] * laplacian - y[:, 1:2],
        dde.grad.jacobian(y, x, i=1, j=0) + mu[:, 1:2] * y[:, 0:1],
    ]


def flux(x, mu):
    return mu[:, 1:2] * x[:, 0:1] ** 2


def conditions_on(geom, mu=None):
    """Conditions of a family, or of one mu."""

    def values(x):
        return flux(x, np.tile(mu, (len(x), 1)))

    values = flux if mu is None else values
    return [
        dde.icbc.DirichletBC(geom, values, boundary),
        dde.icbc.NeumannBC(geom, values, boundary, component=1),
        dde.icbc.RobinBC(geom, lambda x, y: y[:, 0:1] * x[:, 0:1], boundary),
    ]


GEOMETRIES = {
    "Interval": INTERVAL,
    "Disk": DISK,
    "Polygon": dde.geometry.Polygon([[0, 0], [2, 0], [1.5, 1], [0.2, 1.2]]),
    "CSGDifference": dde.geometry.CSGDifference(SQUARE, DISK),
    "Cuboid": dde.geometry.Cuboid([0, 0, 0], [1, 1, 1]),
    "Disk in time": dde.geometry.GeometryXTime(DISK, dde.geometry.TimeDomain(0, 1)),
}


def errors_of_family(data, mu):
    """Errors of each mu, of shape (n_i, P, k)."""
    inputs, auxiliary = data.batch(mu, data.train_collocation)

    @tf.function(autograph=False)
    def run(inputs, auxiliary):
        mu, x = inputs

        def function(x):
            return u(x, tf.tile(mu, (x.shape[0] // mu.shape[0], 1)))

        return data.errors(inputs, function(x), auxiliary, function)

    return [e.numpy().reshape(-1, len(mu), 1) for e in run(inputs, auxiliary)]


def errors_of_deepxde(problem, conditions, mu):
    """DeepXDE's own errors, for one mu frozen in."""
    frozen = copy.copy(problem)
    frozen.bcs = conditions
    if problem.pde is not None:

        def pde(x, y):
            rows = np.tile(mu, (x.shape[0], 1))
            return problem.pde(*(x, y, rows)[: dde.utils.get_num_args(problem.pde)])

        frozen.pde = pde

    @tf.function(autograph=False)
    def run(x):
        y = u(x, tf.tile(mu[None], (x.shape[0], 1)))
        return frozen.losses(None, y, lambda _, error: error, x, None)

    return [e.numpy() for e in run(problem.train_x)]


def assert_same_errors(problem, conditions_for):
    mu = np.array([[1.3, -0.4], [2.7, 0.9]])
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    errors = errors_of_family(data, mu)
    for j, one in enumerate(mu):
        wanted = errors_of_deepxde(problem, conditions_for(one), one)
        for error, expected in zip(errors, wanted, strict=True):
            np.testing.assert_allclose(error[:, j], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", GEOMETRIES)
def test_a_system_on_any_geometry_has_the_errors_of_deepxde(name, float64):
    geom = GEOMETRIES[name]
    problem = dde.data.PDE(geom, system, conditions_on(geom), 7, 9)
    assert_same_errors(problem, lambda mu: conditions_on(geom, mu))


def test_an_ode_has_the_errors_of_deepxde(float64):
    time = dde.geometry.TimeDomain(0, 3)

    def conditions(mu=None):
        def start(t):
            return flux(t, np.tile(mu, (len(t), 1)))

        return [dde.icbc.IC(time, flux if mu is None else start, initial)]

    problem = dde.data.PDE(time, system, conditions(), 6, 2)
    assert_same_errors(problem, conditions)


def test_anchors_and_exclusions_are_those_of_the_problem(float64):
    corners = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    problem = dde.data.PDE(
        SQUARE,
        system,
        conditions_on(SQUARE),
        9,
        16,
        "uniform",
        anchors=np.array([[0.1, 0.2]]),
        exclusions=corners,
    )
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    np.testing.assert_array_equal(data.train_collocation.points, problem.train_x)
    assert_same_errors(problem, lambda mu: conditions_on(SQUARE, mu))


def test_without_pde_there_are_the_conditions_only(float64):
    problem = dde.data.PDE(SQUARE, None, conditions_on(SQUARE), 9, 16)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    np.testing.assert_array_equal(data.train_collocation.points, problem.train_x)
    assert_same_errors(problem, lambda mu: conditions_on(SQUARE, mu))


def test_the_pde_may_leave_mu_to_the_conditions(float64):
    problem = dde.data.PDE(
        SQUARE, lambda x, y: y[:, 0:1] * x[:, 0:1], conditions_on(SQUARE), 9, 16
    )
    assert_same_errors(problem, lambda mu: conditions_on(SQUARE, mu))


def test_forward_mode_gives_the_errors_of_reverse_mode():
    # In float32, because DeepXDE's forward mode has no other.
    def pde(x, y, mu):
        first = dde.grad.jacobian(y, x, i=0, j=1)
        second = dde.grad.hessian(y, x, i=0, j=0)
        if dde.config.autodiff == "forward":
            first, second = first[0], second[0]
        return first - mu[:, 0:1] * second

    problem = dde.data.PDE(SQUARE, pde, conditions_on(SQUARE)[:1], 9, 16)
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    reverse = errors_of_family(data, data.train_mu)
    dde.config.set_default_autodiff("forward")
    forward = errors_of_family(data, data.train_mu)
    for one, other in zip(reverse, forward, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_errors_may_have_one_axis(float64):
    def with_axes(n):
        def pde(x, y, mu):
            error = mu[:, 0:1] * y[:, 0:1]
            return error if n == 2 else error[:, 0]

        problem = dde.data.PDE(SQUARE, pde, [], 9)
        return lrnr.data.ParametricPDE(problem, SPACE, 4)

    mu = SPACE.sample(3)
    np.testing.assert_array_equal(
        errors_of_family(with_axes(1), mu), errors_of_family(with_axes(2), mu)
    )


# The loss, compiled


def compiled_losses(data, net, **kwargs):
    """Losses of one batch from the compiled function, and the batch."""
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0, **kwargs)
    inputs, _, auxiliary = data.train_next_batch((3, 6))
    losses = model.outputs_losses_train(inputs, None, auxiliary)[1]
    return losses.numpy(), inputs, auxiliary


def test_the_compiled_loss_is_the_weighted_mean_over_mu(float64):
    data, net = transport_family(), small_net()
    weights = [1, 10, 100]
    losses, *batch = compiled_losses(data, net, loss_weights=weights)

    @tf.function(autograph=False)
    def errors(inputs, auxiliary):
        return data.errors(inputs, net(inputs), auxiliary)

    means = [np.mean(np.square(e)) for e in errors(*batch)]
    np.testing.assert_allclose(losses, np.multiply(weights, means), rtol=1e-10)


def test_the_compiled_loss_is_the_same_in_forward_mode():
    def pde(x, y, mu):
        first = dde.grad.jacobian(y, x, i=0, j=1)
        return mu[:, 0:1] * (first[0] if dde.config.autodiff == "forward" else first)

    start = dde.icbc.IC(TIME, wave_at_start, initial)
    problem = dde.data.TimePDE(TIME, pde, start, 12, 0, 5)
    net = small_net(regularization={"orthogonality": 1, "sparsity": 1})
    losses = []
    for mode in ("reverse", "forward"):
        dde.config.set_default_autodiff(mode)
        dde.config.set_random_seed(1)
        data = lrnr.data.ParametricPDE(problem, SPACE, 8)
        losses.append(compiled_losses(data, net)[0])
    np.testing.assert_allclose(*losses, rtol=1e-4)


@pytest.mark.parametrize("loss_weights", [None, [1, 10, 100]])
def test_the_squared_residual_is_the_loss_of_each_mu(loss_weights, float64):
    data, net = transport_family(), small_net()
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, loss_weights=loss_weights, verbose=0)
    residual = Residual(data, data.train_collocation, loss_weights)
    inputs, auxiliary = residual.batch(data.train_mu)

    @tf.function(autograph=False)
    def run(inputs, auxiliary):
        return residual(net, net.coefficients(inputs[0]), inputs, auxiliary)

    losses = model.outputs_losses_train(inputs, None, auxiliary)[1]
    of_each = np.sum(np.square(run(inputs, auxiliary)), axis=1)
    assert of_each.shape == (data.num_parameters,)
    np.testing.assert_allclose(of_each.mean(), np.sum(losses), rtol=1e-10)


# Never stale


def resamplings(data):
    """Everything that may change under a compiled step; yields after each change."""
    yield "as compiled"
    data.resample_train_parameters()
    yield "mu resampled"
    data.resample_train_points(pde_points=True, bc_points=False)
    yield "points of the PDE resampled"
    data.resample_train_points(pde_points=True, bc_points=True)
    yield "all points resampled"
    data.problem.replace_with_anchors(data.geom.random_points(12 + 6 + 5))
    yield "points of the problem replaced"


def test_targets_are_never_stale_in_the_compiled_losses():
    """The network vanishes, so that the losses are means of squared targets."""
    conditions = [
        dde.icbc.IC(TIME, wave_at_start, initial),
        dde.icbc.NeumannBC(TIME, lambda x, mu: mu[:, 0:1] * x[:, 1:2], boundary),
        dde.icbc.DirichletBC(TIME, lambda x: x[:, 1:2] ** 2, boundary),
    ]

    def pde(x, y, mu):
        return y + mu[:, 1:2] * x[:, 1:2]

    problem = dde.data.TimePDE(TIME, pde, conditions, 12, 6, 5, "pseudo", num_test=9)
    data = lrnr.data.ParametricPDE(problem, SPACE, 8, "pseudo")
    net = small_net()
    net.apply_output_transform(lambda inputs, y: 0 * y)
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0)

    def expected(mu, collocation):
        start, side, _ = collocation.condition_points
        x = collocation.pde_points
        return [
            np.mean((mu[:, 1:2] * x[:, 1]) ** 2),
            np.mean((mu[:, 1:2] * np.sin(start[:, 0])) ** 2),
            np.mean((mu[:, 0:1] * side[:, 1]) ** 2),
            np.mean(side[:, 1] ** 4),
        ]

    seen, traces = [], []
    for what in resamplings(data):
        inputs, _, auxiliary = data.train_next_batch(None)
        losses = model.outputs_losses_train(inputs, None, auxiliary)[1]
        wanted = expected(data.train_mu, data.train_collocation)
        np.testing.assert_allclose(losses, wanted, rtol=1e-4, err_msg=what)

        data.test_mu = SPACE.sample(16).astype(np.float32)
        inputs, _, auxiliary = data.test()
        losses = model.outputs_losses_test(inputs, None, auxiliary)[1]
        at_test = copy.copy(wanted)
        x = problem.test_points()[len(problem.train_x_bc) :, 1]
        at_test[0] = np.mean((data.test_mu[:, 1:2] * x) ** 2)
        at_test[1:3] = expected(data.test_mu, data.train_collocation)[1:3]
        np.testing.assert_allclose(losses, at_test, rtol=1e-4, err_msg=what)
        seen.append(tuple(wanted))
        traces.append(model.outputs_losses_train.experimental_get_tracing_count())
    assert len(set(seen)) == len(seen)
    assert len(set(traces)) == 1
    assert model.outputs_losses_test.experimental_get_tracing_count() == 1


def test_targets_are_never_stale_in_the_compiled_step():
    """One step of gradient descent moves the last bias by the mean of u - target."""
    problem = dde.data.TimePDE(
        TIME, None, dde.icbc.IC(TIME, wave_at_start, initial), 0, 0, 5, "pseudo"
    )
    data = lrnr.data.ParametricPDE(problem, SPACE, 8, "pseudo")
    net = small_net()
    model = lrnr.Model(data, net)
    model.compile("sgd", lr=0.5, verbose=0)
    traces = None
    for _ in range(3):
        for batch_size in (4, 4):
            inputs, _, auxiliary = data.train_next_batch(batch_size)
            values = net(inputs).numpy()
            target = np.tile(inputs[0][:, 1:2], (5, 1)) * np.sin(inputs[1][:, 0:1])
            before = net.stack.b_out.numpy()
            model.train_step(inputs, None, auxiliary)
            moved = net.stack.b_out.numpy() - before
            np.testing.assert_allclose(moved, -np.mean(values - target), atol=1e-6)
        if traces is None:
            traces = model.train_step.experimental_get_tracing_count()
        data.resample_train_parameters()
        data.resample_train_points()
    assert model.train_step.experimental_get_tracing_count() == traces


@pytest.mark.parametrize("name", ["RobinBC", "OperatorBC", "PointSetOperatorBC"])
def test_numpy_points_are_never_stale_for_one_trace_more(name):
    """User code looks at points as an array, which is a constant of the trace."""

    def robin(x, y, mu):
        return mu[:, 0:1] * x[:, 1:2]

    def operator(x, y, X, mu):
        return mu[:, 0:1] * X[:, 1:2] + 0 * y

    bc, fixed = {
        "RobinBC": (dde.icbc.RobinBC(TIME, robin, boundary), False),
        "OperatorBC": (dde.icbc.OperatorBC(TIME, operator, boundary), False),
        "PointSetOperatorBC": (
            dde.icbc.PointSetOperatorBC([[0, 0.5], [1, 0.2]], 0, operator),
            True,
        ),
    }[name]
    start = dde.icbc.IC(TIME, wave_at_start, initial)
    problem = dde.data.TimePDE(TIME, transport, [start, bc], 12, 6, 5, "pseudo")
    data = lrnr.data.ParametricPDE(problem, SPACE, 8, "pseudo")
    net = small_net()
    net.apply_output_transform(lambda inputs, y: 0 * y)
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0)

    def check():
        inputs, _, auxiliary = data.train_next_batch((4, 6))
        losses = model.outputs_losses_train(inputs, None, auxiliary)[1].numpy()
        points = data.train_collocation.condition_points[1]
        expected = np.mean((inputs[0][:, 0:1] * points[:, 1]) ** 2)
        np.testing.assert_allclose(losses[2], expected, rtol=1e-4)
        return model.outputs_losses_train.experimental_get_tracing_count()

    assert check() == 1
    data.resample_train_points(pde_points=True, bc_points=False)
    data.resample_train_parameters()
    assert check() == 1
    for traces in (2, 3):
        data.resample_train_points()
        assert check() == traces
        assert check() == traces
    if fixed:
        np.testing.assert_allclose(data.train_collocation.condition_points[1][0, 0], 0)


# Batches


def test_every_mu_of_the_pool_is_visited_in_an_epoch():
    data = transport_family(12)
    for _ in range(2):
        visited = [data.train_next_batch(4)[0][0] for _ in range(3)]
        visited = {tuple(mu) for mu in np.vstack(visited)}
        assert visited == {tuple(mu) for mu in data.train_mu}


def test_a_step_has_all_mu_at_all_points_unless_told_otherwise():
    data = transport_family(7)
    (mu, x), y, _ = data.train_next_batch()
    np.testing.assert_array_equal(mu, data.train_mu)
    assert x.shape == (7 * len(data.problem.train_x), 2)
    assert y is None


@pytest.mark.parametrize("batch_size", [(3, 6), [3, 6]])
def test_a_tuple_draws_points_too_and_of_each_condition_the_same_share(batch_size):
    data = transport_family(7)
    total = len(data.train_collocation.pde_points)
    n = batch_size[1]
    (mu, x), _, auxiliary = data.train_next_batch(batch_size)
    shares = [-(-n * count // total) for count in data.train_collocation.counts]
    assert len(mu) == 3
    assert auxiliary["counts"] == tuple(shares)
    assert x.shape == (3 * (n + sum(shares)), 2)
    points = {tuple(p) for p in data.train_collocation.pde_points}
    drawn_points = x[3 * sum(shares) :: 3]
    assert len({tuple(p) for p in drawn_points}) == n
    assert {tuple(p) for p in drawn_points} <= points


def test_a_tuple_may_leave_either_size_open():
    data = transport_family(7)
    assert len(data.train_next_batch((None, 6))[0][0]) == 7
    (mu, x), _, _ = data.train_next_batch((2, None))
    assert x.shape == (2 * len(data.problem.train_x), 2)


@pytest.mark.parametrize(
    "batch_size, message",
    [
        (0, "must be the number of mu"),
        (-1, "must be the number of mu"),
        (2.5, "must be the number of mu"),
        ("16", "must be the number of mu"),
        ((2, 0), "must be the number of mu"),
        ((), "must be the number of mu"),
        ((2, 3, 4), "must be the number of mu"),
        (9, "asks for 9 mu, but num_parameters is 8"),
        ((2, 10_000), "asks for 10000 points, but those of the PDE are"),
    ],
)
def test_a_wrong_batch_size_is_explained(batch_size, message):
    with pytest.raises(ValueError, match=f"batch_size is .*{message}"):
        transport_family(8).train_next_batch(batch_size)


def test_a_huge_step_is_warned_about(monkeypatch):
    monkeypatch.setattr("deepxde_lrnr.data.parametric_pde._MANY_ROWS", 100)
    data = transport_family(8)
    with pytest.warns(UserWarning, match="batch_size=16"):
        data.train_next_batch()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.train_next_batch((2, 6))


# Parameters and points


def test_mu_are_drawn_as_told():
    data = transport_family(9, parameter_distribution="uniform", num_test=5)
    assert data.train_mu.shape == (9, 2) and data.test_mu.shape == (5, 2)
    assert data.train_mu.dtype == np.float32
    np.testing.assert_array_equal(np.unique(data.train_mu[:, 0]), [1, 2, 3])


def test_a_uniform_grid_may_have_more_mu():
    assert transport_family(8, parameter_distribution="uniform").num_parameters == 9


@pytest.mark.parametrize("distribution", ["uniform", "LHS", "Halton"])
def test_resampled_mu_are_new_and_in_the_box(distribution):
    data = transport_family(9, parameter_distribution=distribution)
    before = data.train_mu
    data.resample_train_parameters()
    assert data.train_mu.shape == before.shape
    assert not np.isin(data.train_mu, before).all()
    assert SPACE.contains(data.train_mu).all()


def test_mu_to_train_on_can_be_given():
    data = transport_family(8)
    data.resample_train_parameters({"a": [1, 2, 3], "b": 0})
    np.testing.assert_array_equal(data.train_mu, [[1, 0], [2, 0], [3, 0]])
    assert data.num_parameters == 3
    assert len(data.train_next_batch(3)[0][0]) == 3


def test_given_mu_are_checked():
    data = transport_family(8)
    with pytest.raises(ValueError, match="not finite"):
        data.resample_train_parameters([[np.nan, 0]])
    with pytest.warns(lrnr.OutsideParameterSpaceWarning) as record:
        data.resample_train_parameters([[5, 0]])
    assert record[0].filename == __file__


def test_test_points_are_those_of_deepxde():
    problem = transport_problem(num_test=9)
    data = lrnr.data.ParametricPDE(problem, SPACE, 8, num_test=3)
    (mu, x), y, _ = data.test()
    np.testing.assert_array_equal(mu, data.test_mu)
    np.testing.assert_array_equal(x[::3], problem.test_x)
    assert y is None


def test_without_num_test_the_test_points_are_those_trained_on_now():
    data = transport_family(8)
    data.resample_train_points()
    np.testing.assert_array_equal(data.test()[0][1][::16], data.problem.train_x)


def test_the_solution_gives_the_test_targets():
    def solution(x, mu):
        return mu[:, 1:2] * np.sin(x[:, 0:1] - mu[:, 0:1] * x[:, 1:2])

    (mu, x), y, _ = transport_family(8, solution=solution).test()
    np.testing.assert_allclose(y, solution(x, np.tile(mu, (len(x) // 16, 1))))


def test_the_solution_of_the_problem_serves_too():
    problem = transport_problem(solution=lambda x: x[:, 0:1])
    data = lrnr.data.ParametricPDE(problem, SPACE, 8)
    (_, x), y, _ = data.test()
    np.testing.assert_array_equal(y, x[:, 0:1])


# Bad input


def problem_with(pde, **kwargs):
    return dde.data.PDE(SQUARE, pde, [], 9, **kwargs)


@pytest.mark.parametrize(
    "pde, message",
    [
        (lambda x, y: y, r"takes no mu.*pde\(x, u, mu\)"),
        (None, r"takes no mu.*pde\(x, u, mu\)"),
    ],
)
def test_something_must_take_mu(pde, message):
    with pytest.raises(ValueError, match=message):
        lrnr.data.ParametricPDE(problem_with(pde), SPACE, 4)


def test_the_pde_takes_x_u_and_mu():
    problem = problem_with(None)
    problem.pde = lambda x: x
    with pytest.raises(ValueError, match=r"pde takes 1 argument.*of \(x, u, mu\)"):
        lrnr.data.ParametricPDE(problem, SPACE, 4)


def test_an_error_of_the_pde_must_be_a_column(float64):
    problem = problem_with(lambda x, y, mu: y[:, 0:1] * mu[:, 0])
    data = lrnr.data.ParametricPDE(problem, SPACE, 4)
    with pytest.raises(ValueError, match=r"pde returned .*\(36, 36\) .* mu\[:, 0:1\]"):
        errors_of_family(data, data.train_mu)


def test_the_pde_must_have_points():
    problem = dde.data.PDE(SQUARE, system, [], 0)
    with pytest.raises(ValueError, match="pde has no points; give num_domain"):
        lrnr.data.ParametricPDE(problem, SPACE, 4)


def test_only_differential_equations_are_supported():
    with pytest.raises(TypeError, match="problem is a function; it must be a dde.data"):
        lrnr.data.ParametricPDE(transport, SPACE, 4)
    ide = dde.data.IDE(
        dde.geometry.TimeDomain(0, 1), lambda x, y, m: y, [], 5, num_domain=4
    )
    with pytest.raises(TypeError, match="problem is a IDE; it must be a dde.data.PDE"):
        lrnr.data.ParametricPDE(ide, SPACE, 4)


def test_there_is_one_third_argument():
    problem = transport_problem(auxiliary_var_function=lambda x: x)
    with pytest.raises(ValueError, match="auxiliary_var_function"):
        lrnr.data.ParametricPDE(problem, SPACE, 4)


def test_the_parameter_space_is_one():
    with pytest.raises(TypeError, match=r"parameter_space is \{'a': \(0, 1\)\}"):
        lrnr.data.ParametricPDE(transport_problem(), {"a": (0, 1)}, 4)


@pytest.mark.parametrize("number", [0, -3, 2.0, "8", None])
@pytest.mark.parametrize("name", ["num_parameters", "num_test"])
def test_numbers_are_integers(name, number):
    arguments = {"num_parameters": 4, name: number}
    with pytest.raises(ValueError, match=f"{name} is {number!r}; it must be an int"):
        lrnr.data.ParametricPDE(transport_problem(), SPACE, **arguments)


@pytest.mark.parametrize(
    "solution, message",
    [
        (lambda: 0, "solution takes 0 arguments"),
        (lambda x, mu: mu[:, 0], r"solution returned .* must be \(\d+, number"),
    ],
)
def test_the_solution_is_checked(solution, message):
    with pytest.raises(ValueError, match=message):
        transport_family(8, solution=solution).test()


def test_negative_weights_have_no_least_squares():
    data = transport_family(8)
    with pytest.raises(ValueError, match=r"loss_weights is \[1, -1\]; .* >= 0"):
        Residual(data, data.train_collocation, [1, -1])
