"""Claims about POD, the choice of neurons, reduced maps and reduced layers."""

import math

import numpy as np
import pytest
import scipy.linalg
from deepxde_lrnr.reduction import (
    condition,
    deim_indices,
    fitted_map,
    interpolation_map,
    oversampled_indices,
    pod,
    qdeim_indices,
    reduce_layer,
)
from deepxde_lrnr.reduction.maps import RIDGES
from hypothesis import given, settings
from hypothesis import strategies as st
from pymor.algorithms.ei import deim as pymor_deim
from pymor.vectorarrays.numpy import NumpyVectorSpace
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """For matrices this small, BLAS threads only wait for each other."""
    with threadpool_limits(1):
        yield


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def shifted_gaussians(width=60, number=200):
    """Gaussian bumps of several widths that move over a grid."""
    x = np.linspace(-1, 1, width)[:, None]
    centre = np.linspace(-0.7, 0.7, number)
    spread = 0.2 + 0.1 * np.cos(5 * np.arange(number))
    return np.exp(-(((x - centre) / spread) ** 2))


def hidden_states(width=60, number=400, inputs=3, seed=0, data_seed=1):
    """A tanh layer at random inputs, and its derivatives in the first input."""
    rng = np.random.default_rng(seed)
    weights = 0.7 * rng.standard_normal((width, inputs))
    biases = rng.uniform(-1, 1, (width, 1))
    points = np.random.default_rng(data_seed).uniform(-1, 1, (inputs, number))
    states = np.tanh(weights @ points + biases)
    return states, (1 - states**2) * weights[:, :1]


SNAPSHOTS = {
    "random": normal(60, 200),
    "shifted Gaussians": shifted_gaussians(),
    "tanh layer": hidden_states()[0],
}
every_kind = pytest.mark.parametrize("kind", SNAPSHOTS)


def smallest_singular_value(modes, indices):
    return np.linalg.svd(modes[indices], compute_uv=False)[-1]


# --- POD ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(30, 12), (30, 30), (30, 5000), (1, 7), (7, 1)])
def test_pod_is_the_singular_value_decomposition(shape):
    snapshots = normal(*shape)
    rank = min(shape[0], shape[1], 4)
    modes, sigma = pod(snapshots, rank=rank)
    left, exact, _ = scipy.linalg.svd(snapshots, full_matrices=False)
    assert modes.shape == (shape[0], rank)
    assert sigma == pytest.approx(exact, rel=1e-12)
    # Equal up to signs.
    np.testing.assert_allclose(
        np.abs(modes.T @ left[:, :rank]), np.eye(rank), atol=1e-9
    )


def test_pod_resolves_small_singular_values_of_many_snapshots():
    """To 1e-5 relative where the Gram matrix in float64 would give noise."""
    exact = np.logspace(0, -10, 21)
    left, _ = np.linalg.qr(normal(40, 21))
    right, _ = np.linalg.qr(normal(6000, 21))
    modes, sigma = pod(left * exact @ right.T, rank=21)
    assert sigma[:21] == pytest.approx(exact, rel=1e-5)
    np.testing.assert_allclose(np.abs(modes.T @ left), np.eye(21), atol=1e-5)


@settings(deadline=None, max_examples=30)
@given(
    width=st.integers(2, 25),
    number=st.integers(2, 60),
    rank=st.integers(1, 25),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_basis_represents_the_snapshots_better(width, number, rank, seed):
    rank = min(rank, width, number)
    snapshots = normal(width, number, seed=seed)
    modes, sigma = pod(snapshots, rank=rank)
    np.testing.assert_allclose(modes.T @ modes, np.eye(rank), atol=1e-12)
    error = np.linalg.norm(snapshots - modes @ (modes.T @ snapshots))
    # Eckart-Young: the tail of the singular values, and no other basis does better.
    assert error == pytest.approx(np.linalg.norm(sigma[rank:]), abs=1e-10)
    other, _ = np.linalg.qr(modes + 0.1 * normal(width, rank, seed=seed ^ 1))
    assert error <= np.linalg.norm(snapshots - other @ (other.T @ snapshots)) + 1e-10


@every_kind
@pytest.mark.parametrize("rtol", [0.5, 1e-2, 1e-5])
def test_pod_takes_the_fewest_modes_that_honour_the_tolerance(kind, rtol):
    snapshots = SNAPSHOTS[kind]
    modes, _ = pod(snapshots, rtol=rtol)

    def error(basis):
        return np.linalg.norm(snapshots - basis @ (basis.T @ snapshots))

    bound = rtol * np.linalg.norm(snapshots)
    assert error(modes) <= bound * (1 + 1e-9)
    assert error(modes[:, :-1]) > bound


def test_pod_with_rank_and_tolerance_takes_the_smaller_number():
    snapshots = shifted_gaussians()
    number = pod(snapshots, rtol=1e-3)[0].shape[1]
    assert pod(snapshots, rank=number - 1, rtol=1e-3)[0].shape[1] == number - 1
    assert pod(snapshots, rank=number + 1, rtol=1e-3)[0].shape[1] == number


def test_few_modes_of_a_wide_layer_are_as_exact_as_all():
    """The Lanczos iterations taken there give the same modes, in every run the same."""
    snapshots = np.hstack([hidden_states(1000, 1000)[0], 0.1 * normal(1000, 5)])
    modes, sigma = pod(snapshots, rank=6)
    np.testing.assert_array_equal(modes, pod(snapshots, rank=6)[0])
    left, exact, _ = scipy.linalg.svd(snapshots, full_matrices=False)
    assert sigma == pytest.approx(exact[:6], rel=1e-12)
    np.testing.assert_allclose(np.abs(modes.T @ left[:, :6]), np.eye(6), atol=1e-9)


def test_pod_takes_single_precision_and_returns_double():
    snapshots = hidden_states()[0]
    modes, sigma = pod(snapshots.astype(np.float32), rank=5)
    assert modes.dtype == sigma.dtype == np.float64
    assert sigma[:5] == pytest.approx(pod(snapshots, rank=5)[1][:5], rel=1e-5)


# --- Which neurons --------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("rank", [1, 4, 12])
def test_deim_equals_that_of_pymor(kind, rank):
    modes, _ = pod(SNAPSHOTS[kind], rank=rank)
    vectors = NumpyVectorSpace.from_numpy(modes)
    theirs, basis, _ = pymor_deim(vectors, pod=False)
    indices = deim_indices(modes)
    np.testing.assert_array_equal(indices, theirs)

    # And so does the interpolant of states that the modes do not span.
    states = normal(60, 3)
    values = np.linalg.solve(basis.dofs(theirs).reshape(rank, rank), states[theirs])
    interpolant = basis.lincomb(values).to_numpy()
    ours = interpolation_map(modes, indices, np.eye(60)) @ states[indices]
    np.testing.assert_allclose(ours, interpolant, rtol=1e-8, atol=1e-8)


@settings(deadline=None, max_examples=30)
@given(
    width=st.integers(1, 30), number=st.integers(1, 30), seed=st.integers(0, 2**32 - 1)
)
def test_indices_are_distinct_neurons_that_determine_the_modes(width, number, seed):
    number = min(number, width)
    modes, _ = np.linalg.qr(normal(width, number, seed=seed))
    for select in (deim_indices, qdeim_indices):
        indices = select(modes)
        assert len(set(indices)) == number
        assert set(indices) <= set(range(width))
        assert np.isfinite(condition(modes, indices))


def test_qdeim_depends_on_the_span_only():
    modes, _ = pod(hidden_states()[0], rank=8)
    turned = modes @ np.linalg.qr(normal(8, 8))[0]
    np.testing.assert_array_equal(qdeim_indices(modes), qdeim_indices(turned))


@every_kind
def test_oversampling_only_ever_raises_the_smallest_singular_value(kind):
    modes, _ = pod(SNAPSHOTS[kind], rank=8)
    indices = oversampled_indices(modes, 60)
    assert sorted(indices) == list(range(60))
    np.testing.assert_array_equal(indices[:8], qdeim_indices(modes))
    values = [smallest_singular_value(modes, indices[:m]) for m in range(8, 61)]
    assert (np.diff(values) >= -1e-12).all()
    assert values[-1] == pytest.approx(1)


@every_kind
def test_a_smaller_oversampled_choice_is_the_beginning_of_a_larger(kind):
    modes, _ = pod(SNAPSHOTS[kind], rank=6)
    larger = oversampled_indices(modes, 20)
    np.testing.assert_array_equal(oversampled_indices(modes, 11), larger[:11])


@every_kind
@pytest.mark.parametrize("rank", [1, 2, 8])
def test_oversampling_beats_neurons_taken_at_random(kind, rank):
    modes, _ = pod(SNAPSHOTS[kind], rank=rank)
    greedy = smallest_singular_value(modes, oversampled_indices(modes, 2 * rank))
    rng = np.random.default_rng(0)
    for _ in range(50):
        others = rng.permutation(60)[: 2 * rank]
        assert greedy > smallest_singular_value(modes, others)


@pytest.mark.parametrize("rank", [2, 5])
def test_the_neuron_added_is_close_to_the_best_one(rank):
    """The bound that ranks the neurons costs little of the true growth."""
    modes, _ = pod(hidden_states()[0], rank=rank)
    indices = oversampled_indices(modes, rank + 1)
    before = smallest_singular_value(modes, indices[:-1]) ** 2
    growth = smallest_singular_value(modes, indices) ** 2 - before
    best = max(
        smallest_singular_value(modes, np.append(indices[:-1], i)) ** 2 - before
        for i in set(range(60)) - set(indices[:-1])
    )
    assert growth >= 0.8 * best


def test_oversampling_goes_on_where_one_neuron_cannot_help():
    """A double smallest singular value needs two neurons, one for each direction."""
    axes = np.eye(3)
    modes = np.vstack([1e-3 * axes, 0.5 * axes, 0.4 * axes])
    indices = oversampled_indices(modes, 6)
    assert set(indices) == {3, 4, 5, 6, 7, 8}


def test_oversampling_damps_noise_in_the_neurons():
    modes, _ = pod(hidden_states()[0], rank=8)
    states = modes @ normal(8, 200)
    noise = 1e-2 * normal(60, 200, seed=1)

    def error(indices):
        lift = interpolation_map(modes, indices, np.eye(60))
        return np.linalg.norm(lift @ (states + noise)[indices] - states)

    twice = oversampled_indices(modes, 16)
    assert error(twice) < 0.75 * error(deim_indices(modes))
    assert error(twice) < 0.75 * error(qdeim_indices(modes))


# --- Reduced maps ---------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("size", [8, 13])
def test_interpolation_is_exact_on_the_span_of_the_modes(kind, size):
    modes, _ = pod(SNAPSHOTS[kind], rank=8)
    target = normal(60, 4)
    indices = oversampled_indices(modes, size)
    reduced = interpolation_map(modes, indices, target)
    assert reduced.shape == (4, size)
    states = modes @ normal(8, 5)
    np.testing.assert_allclose(reduced @ states[indices], target.T @ states, atol=1e-10)


@settings(deadline=None, max_examples=30)
@given(
    width=st.integers(2, 30),
    number=st.integers(1, 30),
    extra=st.integers(0, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_interpolation_error_is_bounded_by_condition(width, number, extra, seed):
    number = min(number, width)
    modes, _ = np.linalg.qr(normal(width, number, seed=seed))
    indices = oversampled_indices(modes, min(number + extra, width))
    states = normal(width, 10, seed=seed ^ 1)
    interpolated = interpolation_map(modes, indices, np.eye(width)) @ states[indices]
    error = np.linalg.norm(states - interpolated, axis=0)
    best = np.linalg.norm(states - modes @ (modes.T @ states), axis=0)
    assert (error <= condition(modes, indices) * best * (1 + 1e-9) + 1e-9).all()


def test_condition_is_one_with_all_neurons_and_infinite_without_information():
    modes = np.eye(6)[:, :2]
    assert condition(modes, np.arange(6)) == pytest.approx(1)
    assert condition(modes, [3, 4]) == np.inf


@settings(deadline=None, max_examples=30)
@given(
    size=st.integers(1, 12),
    outputs=st.integers(1, 6),
    number=st.integers(1, 60),
    ridge=st.sampled_from([0, 1e-12, 1e-6, 1e-2, 10]),
    seed=st.integers(0, 2**32 - 1),
)
def test_fitted_map_solves_the_ridge_problem(size, outputs, number, ridge, seed):
    """Against numpy.linalg.lstsq with the penalty as additional snapshots."""
    selected = normal(size, number, seed=seed)
    targets = normal(outputs, number, seed=seed ^ 1)
    weight = math.sqrt(ridge) * np.linalg.norm(selected, 2)
    rows = np.vstack([selected.T, weight * np.eye(size)])
    right = np.vstack([targets.T, np.zeros((size, outputs))])
    expected = np.linalg.lstsq(rows, right, rcond=None)[0].T
    reduced = fitted_map(selected, targets, ridge)
    assert reduced.shape == (outputs, size)
    scale = 1 + np.abs(expected).max()
    np.testing.assert_allclose(reduced, expected, atol=1e-7 * scale)


def test_fitted_map_of_many_snapshots_is_that_of_least_squares():
    selected, targets = normal(9, 5000), normal(3, 5000, seed=1)
    expected = np.linalg.lstsq(selected.T, targets.T, rcond=None)[0].T
    np.testing.assert_allclose(fitted_map(selected, targets, 0), expected, atol=1e-12)


def test_fitted_map_without_ridge_is_the_smallest_of_the_best():
    selected = normal(6, 40)
    selected[5] = selected[4]
    targets = normal(2, 40, seed=1)
    expected = targets @ np.linalg.pinv(selected)
    np.testing.assert_allclose(fitted_map(selected, targets, 0), expected, atol=1e-10)


@pytest.mark.parametrize("ridge", [None, 0, 1e-3])
def test_fitted_map_of_dead_neurons_is_zero(ridge):
    reduced = fitted_map(np.zeros((3, 10)), normal(2, 10), ridge)
    np.testing.assert_array_equal(reduced, np.zeros((2, 3)))


@pytest.mark.parametrize("noise", [1e-3, 1e-1, 1])
@pytest.mark.parametrize("number", [15, 30, 60, 400])
def test_cross_validation_finds_almost_the_best_ridge(noise, number):
    """Correlated neurons, noisy targets: judged on states that were not fitted."""
    states, tests = hidden_states()[0][:, :number], hidden_states(data_seed=2)[0]
    indices = np.arange(0, 60, 2)
    target = normal(60, 20) / 8
    targets = target.T @ states + noise * normal(20, number, seed=5)

    def error(ridge):
        reduced = fitted_map(states[indices], targets, ridge)
        return np.linalg.norm(target.T @ tests - reduced @ tests[indices])

    assert error(None) <= 1.5 * min(error(ridge) for ridge in RIDGES[::4])


def test_cross_validation_prefers_a_small_map_when_ridges_are_equally_good():
    """Neurons that hardly vary must not get large weights for the sake of noise."""
    strong, weak = normal(4, 2000), 1e-6 * normal(4, 2000, seed=1)
    selected, exact = np.vstack([strong, weak]), normal(3, 4, seed=2)
    targets = exact @ strong + 0.1 * normal(3, 2000, seed=3)
    chosen = fitted_map(selected, targets)
    np.testing.assert_allclose(chosen[:, :4], exact, atol=0.3)
    assert (
        np.abs(chosen[:, 4:]).max() < 1 < np.abs(fitted_map(selected, targets, 0)).max()
    )


# --- Reduced layers -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fitted", "eim", "qdeim"])
@pytest.mark.parametrize("number", [10, 60, 400])
def test_with_every_neuron_kept_nothing_changes(method, number):
    states, derivatives = hidden_states(number=number)
    target = normal(60, 7)
    layer = reduce_layer(
        states, target, method, rank=60, derivative_snapshots=derivatives
    )
    np.testing.assert_array_equal(layer.indices, np.arange(60))
    np.testing.assert_array_equal(layer.map, target.T)
    assert layer.modes == 60
    assert layer.condition == 1
    assert layer.error_values == layer.error_derivatives == 0


def test_oversampling_up_to_every_neuron_changes_nothing_either():
    target = normal(60, 7)
    layer = reduce_layer(hidden_states()[0], target, rank=30, oversampling=2)
    np.testing.assert_array_equal(layer.map, target.T)
    assert layer.modes == 30


@pytest.mark.parametrize(
    "method, select", [("eim", deim_indices), ("qdeim", qdeim_indices)]
)
def test_interpolating_methods_are_pod_indices_and_map_in_turn(method, select):
    states, target = hidden_states()[0], normal(60, 7)
    layer = reduce_layer(states, target, method, rank=9)
    modes, sigma = pod(states, rank=9)
    indices = select(modes)
    np.testing.assert_array_equal(layer.indices, indices)
    np.testing.assert_allclose(layer.map, interpolation_map(modes, indices, target))
    np.testing.assert_array_equal(layer.singular_values, sigma)
    assert layer.condition == condition(modes, indices)
    assert layer.modes == 9
    assert math.isnan(layer.error_derivatives)


@pytest.mark.parametrize("oversampling, size", [(1, 9), (1.5, 14), (2, 18), (99, 60)])
def test_fitted_layers_keep_as_many_neurons_as_asked(oversampling, size):
    layer = reduce_layer(
        hidden_states()[0], normal(60, 7), rank=9, oversampling=oversampling
    )
    assert len(set(layer.indices)) == size
    assert layer.map.shape == (7, size)


def test_fitting_beats_interpolation_on_unseen_states_and_their_derivatives():
    states, derivatives = hidden_states()
    unseen, unseen_derivatives = hidden_states(data_seed=2)
    tests = {"held_out": unseen, "held_out_derivatives": unseen_derivatives}
    target = normal(60, 7)
    eim = reduce_layer(states, target, "eim", rank=10, **tests)
    fitted = reduce_layer(
        states, target, rank=10, derivative_snapshots=derivatives, **tests
    )
    assert fitted.error_values < 0.5 * eim.error_values
    assert fitted.error_derivatives < 0.5 * eim.error_derivatives


def test_with_the_same_neurons_fitting_beats_interpolation():
    """By construction on the snapshots, and here on unseen states as well."""
    states, unseen = hidden_states()[0], hidden_states(data_seed=2)[0]
    target = normal(60, 7)
    for tests in (states, unseen):
        qdeim = reduce_layer(states, target, "qdeim", rank=10, held_out=tests)
        fitted = reduce_layer(states, target, rank=10, oversampling=1, held_out=tests)
        np.testing.assert_array_equal(qdeim.indices, fitted.indices)
        assert fitted.error_values < qdeim.error_values


def test_derivative_snapshots_make_derivatives_accurate():
    states, derivatives = hidden_states()
    unseen, unseen_derivatives = hidden_states(data_seed=2)
    tests = {"held_out": unseen, "held_out_derivatives": unseen_derivatives}
    without = reduce_layer(states, normal(60, 7), rank=10, **tests)
    given_them = reduce_layer(
        states, normal(60, 7), rank=10, derivative_snapshots=derivatives, **tests
    )
    assert given_them.error_derivatives < without.error_derivatives


def test_the_unit_of_a_derivative_does_not_matter():
    states, derivatives = hidden_states()
    target = normal(60, 7)
    one = reduce_layer(states, target, rank=9, derivative_snapshots=derivatives)
    other = reduce_layer(
        states, target, rank=9, derivative_snapshots=[1e3 * derivatives]
    )
    np.testing.assert_array_equal(one.indices, other.indices)
    np.testing.assert_allclose(one.map, other.map, atol=1e-8)
    assert one.error_derivatives == pytest.approx(other.error_derivatives)


def test_derivatives_of_every_kind_weigh_the_same():
    """Each array is scaled; within one array the large drown the small."""
    states, first = hidden_states()
    second = 1e-3 * normal(60, 10) @ normal(10, 400, seed=1)
    target = normal(60, 7)
    tests = {"held_out_derivatives": second}
    apart = reduce_layer(
        states, target, rank=20, derivative_snapshots=[first, second], **tests
    )
    together = reduce_layer(
        states,
        target,
        rank=20,
        derivative_snapshots=np.hstack([first, second]),
        **tests,
    )
    assert apart.error_derivatives < 0.1 * together.error_derivatives


def test_held_out_derivatives_of_every_kind_weigh_the_same():
    states, first = hidden_states()
    second = normal(60, 10)
    errors = [
        reduce_layer(states, normal(60, 7), rank=9, held_out_derivatives=tests)
        for tests in ([first, second], [1e-3 * first, 1e3 * second])
    ]
    assert errors[0].error_derivatives == pytest.approx(errors[1].error_derivatives)


def test_errors_are_those_on_held_out_states():
    states, target = hidden_states()[0], normal(60, 7)
    unseen, unseen_derivatives = hidden_states(data_seed=2)
    layer = reduce_layer(
        states,
        target,
        rank=9,
        held_out=unseen,
        held_out_derivatives=unseen_derivatives,
    )
    for tested, error in [
        (unseen, layer.error_values),
        (unseen_derivatives, layer.error_derivatives),
    ]:
        exact = target.T @ tested
        missed = exact - layer.map @ tested[layer.indices]
        assert error == pytest.approx(np.linalg.norm(missed) / np.linalg.norm(exact))


def test_a_tolerance_sets_the_size_of_a_layer():
    states, target = hidden_states()[0], normal(60, 7)
    sizes = [reduce_layer(states, target, rtol=r).modes for r in (1e-1, 1e-2, 1e-3)]
    assert sizes == [pod(states, rtol=r)[0].shape[1] for r in (1e-1, 1e-2, 1e-3)]
    assert sizes[0] < sizes[1] < sizes[2]


# --- Mistakes -------------------------------------------------------------------------

GOOD = normal(6, 20)
MODES = np.eye(6)[:, :3]
TARGET = normal(6, 2)


def spoiled(value):
    array = GOOD.copy()
    array[2, 3] = value
    return array


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: pod(GOOD), "rank, rtol or both"),
        (lambda: pod(GOOD, rank=7), r"rank = 7 .* more modes than snapshots .*most 6"),
        (lambda: pod(GOOD[:, :4], rank=5), r"rank = 5 .* at most 4"),
        (lambda: pod(GOOD, rank=0), "rank is 0; it must be an integer >= 1"),
        (lambda: pod(GOOD, rank=2.5), "rank is 2.5; it must be an integer"),
        (lambda: pod(GOOD, rank=True), "rank is True; it must be an integer"),
        (lambda: pod(GOOD, rtol=0), r"rtol is 0; it must be in \(0, 1\)"),
        (lambda: pod(GOOD, rtol=1.0), r"rtol is 1.0; it must be in \(0, 1\)"),
        (lambda: pod(GOOD, rtol=math.nan), r"rtol is nan; it must be in \(0, 1\)"),
        (lambda: pod(GOOD[0], rank=1), r"snapshots has shape \(20,\); .* a 2-D"),
        (lambda: pod(GOOD[:, :0], rank=1), r"snapshots is empty, of shape \(6, 0\)"),
        (lambda: pod(spoiled(np.nan), rank=1), "snapshots has 1 NaN .* must be finite"),
        (
            lambda: pod(spoiled(-np.inf), rank=1),
            "snapshots has 1 NaN .* must be finite",
        ),
        (lambda: pod(GOOD + 1j, rank=1), "snapshots has dtype complex128; .* real"),
        (lambda: pod(0 * GOOD, rank=1), "snapshots are all zero"),
        (lambda: deim_indices(MODES.T), r"\(3, 6\); .* no more modes than neurons"),
        (lambda: qdeim_indices(MODES.T), r"\(3, 6\); .* no more modes than neurons"),
        (lambda: deim_indices(np.ones((6, 2))), "linearly independent columns"),
        (lambda: qdeim_indices(np.ones((6, 2))), "linearly independent columns"),
        (lambda: qdeim_indices(np.zeros((6, 2))), "linearly independent columns"),
        (
            lambda: deim_indices(spoiled(np.nan)[:, :4]),
            "modes has 1 NaN .* must be finite",
        ),
        (
            lambda: oversampled_indices(MODES, 2),
            "size is 2; .* modes, 3, .* neurons, 6",
        ),
        (
            lambda: oversampled_indices(MODES, 7),
            "size is 7; .* modes, 3, .* neurons, 6",
        ),
        (lambda: oversampled_indices(MODES, 4.0), "size is 4.0; it must be an integer"),
        (
            lambda: interpolation_map(MODES, [0, 1], TARGET),
            "indices has 2 entries; it must have at least as many .* modes, 3",
        ),
        (
            lambda: interpolation_map(MODES, [0, 1, 6], TARGET),
            r"indices has values from 0 to 6; they must be in 0, \.\.\., 5",
        ),
        (
            lambda: interpolation_map(MODES, [0.0, 1.0, 2.0], TARGET),
            "dtype float64; it must be a 1-D array of integers",
        ),
        (
            lambda: interpolation_map(MODES, [0, 1, 4], TARGET),
            "indices must determine the modes",
        ),
        (
            lambda: interpolation_map(MODES, [0, 1, 2], TARGET[:5]),
            r"target has shape \(5, 2\); it must have 6 rows, one per neuron",
        ),
        (
            lambda: condition(MODES, [0, 1]),
            "indices has 2 entries; .* at least as many",
        ),
        (
            lambda: condition(MODES, [-1, 0, 1]),
            "indices has values from -1 to 1; they must be in 0",
        ),
        (
            lambda: fitted_map(GOOD, GOOD[:, :19]),
            "20 columns .* 19; they must have the same number",
        ),
        (lambda: fitted_map(GOOD, GOOD, -1.0), "ridge is -1.0; it must be .* >= 0"),
        (lambda: fitted_map(GOOD, GOOD, math.inf), "ridge is inf; it must be"),
        (
            lambda: fitted_map(GOOD, spoiled(np.nan)),
            "targets has 1 NaN .* must be finite",
        ),
        (
            lambda: reduce_layer(GOOD, TARGET, "deim", rank=2),
            "method is 'deim'; it must be one of 'fitted', 'eim', 'qdeim'",
        ),
        (lambda: reduce_layer(GOOD, TARGET), "rank, rtol or both"),
        (lambda: reduce_layer(GOOD, TARGET, rank=7), "than the layer has neurons, 6"),
        (lambda: reduce_layer(GOOD, TARGET, rank=0), "rank is 0; it must be"),
        (
            lambda: reduce_layer(GOOD[:, :4], TARGET, rank=5),
            "more modes than snapshots",
        ),
        (
            lambda: reduce_layer(GOOD, TARGET, rank=2, oversampling=0.5),
            "oversampling is 0.5; it must be at least 1",
        ),
        (
            lambda: reduce_layer(GOOD, TARGET[:5], rank=2),
            "target has .* must have 6 rows",
        ),
        (
            lambda: reduce_layer(GOOD, TARGET, rank=2, held_out=GOOD[:5]),
            "held_out has .* must have 6 rows",
        ),
        (
            lambda: reduce_layer(GOOD, TARGET, rank=2, derivative_snapshots=GOOD[:5]),
            "derivative_snapshots has .* must have 6 rows",
        ),
        (
            lambda: reduce_layer(
                GOOD, TARGET, rank=2, held_out_derivatives=[GOOD, spoiled(np.nan)]
            ),
            r"held_out_derivatives\[1\] has 1 NaN .* must be finite",
        ),
        (
            lambda: reduce_layer(GOOD, TARGET, rank=2, ridge=-1),
            "ridge is -1; it must be",
        ),
    ],
)
def test_mistakes_are_named_where_they_are_made(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_sum_that_overflows_is_no_mistake():
    snapshots = np.full((2, 3), 1.7e308)
    with np.errstate(over="ignore"):
        reduced = fitted_map(snapshots / 1e300, snapshots / 1e300)
    assert np.isfinite(reduced).all()
    assert deim_indices(np.array([[1.7e308], [1.6e308]])).tolist() == [0]
