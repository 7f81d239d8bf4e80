"""A ParameterSpace is a box: sampled inside, read by name and scaled to a cube."""

import copy
import json
import pickle
import re
import warnings

import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.parameters.space import OutsideParameterSpaceWarning, ParameterSpace
from hypothesis import assume, given, settings
from hypothesis import strategies as st

DISTRIBUTIONS = ["uniform", "pseudo", "LHS", "Halton", "Hammersley", "Sobol"]

# skopt warns about every Sobol' sample, as DeepXDE leaves out its first points.
pytestmark = pytest.mark.filterwarnings("ignore:The balance properties of Sobol")


def cdr():
    return ParameterSpace(beta=(1, 3), nu=(0, 2), rho=(0, 2))


def mixed():
    return ParameterSpace(beta=(-1, 3), nu=(0.02, 0.2, "log"))


@st.composite
def spaces(draw):
    bounds = {}
    for name in draw(st.lists(st.sampled_from("abcde"), min_size=1, unique=True)):
        scale = draw(st.sampled_from(["linear", "log"]))
        low = draw(st.floats(1e-6, 1e6))
        side = draw(st.floats(1e-3, 1e3)) * low
        if scale == "linear" and draw(st.booleans()):
            low = -low
        bounds[name] = (low, low + side, scale)
    return ParameterSpace(**bounds)


# The space itself


def test_columns_follow_the_order_of_the_keywords():
    space = ParameterSpace(nu=(0.02, 0.2, "log"), beta=(1, 3), alpha=[-1, 0, "linear"])
    assert space.names == ("nu", "beta", "alpha")
    assert space.dim == len(space) == 3
    np.testing.assert_array_equal(space.low, [0.02, 1, -1])
    np.testing.assert_array_equal(space.high, [0.2, 3, 0])
    np.testing.assert_array_equal(space.log, [True, False, False])
    assert space.low.dtype == space.high.dtype == np.float64


def test_any_keyword_may_name_a_parameter():
    space = ParameterSpace(self=(0, 1), n=(0, 1), mu=(0, 1))
    assert space.names == ("self", "n", "mu")


def test_a_space_cannot_be_changed():
    for space in (cdr(), copy.deepcopy(cdr()), pickle.loads(pickle.dumps(cdr()))):
        assert space == cdr()
        with pytest.raises(AttributeError):
            space.low = np.zeros(3)
        with pytest.raises(ValueError, match="read-only"):
            space.low[0] = 0


def test_spaces_are_equal_when_names_bounds_and_scales_are():
    assert cdr() == cdr() and hash(cdr()) == hash(cdr())
    assert cdr() != ParameterSpace(nu=(0, 2), beta=(1, 3), rho=(0, 2))
    assert ParameterSpace(a=(1, 2)) != ParameterSpace(a=(1, 2.5))
    assert ParameterSpace(a=(1, 2)) != ParameterSpace(a=(1, 2, "log"))
    assert ParameterSpace(a=(1, 2)) == ParameterSpace(a=(np.float32(1), 2, "linear"))
    assert cdr() != "beta"


@given(spaces())
def test_descriptions_give_the_space_back(space):
    assert eval(repr(space)) == space
    text = json.dumps(space.to_dict(), sort_keys=True)
    assert ParameterSpace.from_dict(json.loads(text)) == space


@pytest.mark.parametrize(
    "bounds, message",
    [
        ((3, 1), r"nu is \(3, 1\); .* with low < high"),
        ((1, 1), r"nu .* with low < high"),
        ((0, np.nan), "nu .* finite real bounds"),
        ((0, np.inf), "nu .* finite real bounds"),
        ((0, 10**400), "nu .* finite real bounds"),
        ((0, 1j), "nu .* finite real bounds"),
        ((False, True), "nu .* finite real bounds"),
        (("0", "1"), "nu .* finite real bounds"),
        ((0, None), "nu .* finite real bounds"),
        ("01", r"nu is .*; it must be \(low, high\)"),
        (1, r"nu is .*; it must be \(low, high\)"),
        ({0, 1}, r"nu is .*; it must be \(low, high\)"),
        ((1,), r"nu is .*; it must be \(low, high\)"),
        ((0, 1, "log", 2, 3), r"nu is .*; it must be \(low, high\)"),
        ((0, 1, 2, "log"), "nu has 2 .* must be 'log' or 'linear'"),
        ((1, 2, "logarithmic"), "nu has 'logarithmic' .* must be 'log' or 'linear'"),
        ((1, 2, 3.0), "nu has 3.0 .* an integer from 1 to 10000"),
        ((1, 2, 0), "nu has 0 .* an integer from 1 to 10000"),
        ((1, 2, 10**9), "nu has 1000000000 .* an integer from 1 to 10000"),
        ((1, 2, "log", True), "nu has True .* an integer from 1 to 10000"),
        (([0, 0], [1, 1, 1]), "nu .* vectors of one number of entries"),
        (([0, 0], 1, 3), "nu .* vectors of one number of entries"),
        (([0, 0], [1, 0]), r"nu is \(\[0, 0\], \[1, 0\]\); .* with low < high"),
        (([0, np.nan], 1), "nu .* finite real bounds"),
        (([[0, 0]], 1), "nu .* finite real bounds"),
        ((["a"], 1), "nu .* finite real bounds"),
        (([], 1), "nu .* vectors of 1 to 10000 entries"),
        (([0, 1], 2, "log"), "nu is .* on a log axis and must have low > 0"),
        ((0, 1, "log"), r"nu is \(0, 1, 'log'\); .* log axis and must have low > 0"),
        ((-1, 1, "log"), "nu is .* on a log axis and must have low > 0"),
        ((0, 5e-324), "nu is .* must have a side"),
        ((-1.7e308, 1.7e308), "nu is .* must have a side"),
    ],
)
def test_bad_bounds_name_the_parameter(bounds, message):
    with pytest.raises(ValueError, match=message):
        ParameterSpace(beta=(1, 3), nu=bounds)


def test_bad_names():
    with pytest.raises(ValueError, match="at least one parameter"):
        ParameterSpace()
    for name in ("", "a b", "lambda"):
        with pytest.raises(ValueError, match="cannot name a parameter"):
            ParameterSpace(**{name: (0, 1)})


@pytest.mark.parametrize(
    "change, message",
    [
        ({"low": None}, "as to_dict"),
        ({"low": [1]}, "of one length"),
        ({"names": ["a", "a", "b"]}, "must differ"),
        ({"low": [5, 0, 0]}, "beta .* with low < high"),
    ],
)
def test_bad_descriptions(change, message):
    with pytest.raises(ValueError, match=message):
        ParameterSpace.from_dict({**cdr().to_dict(), **change})


def test_description_with_a_part_missing():
    with pytest.raises(ValueError, match="names, low, high and log"):
        ParameterSpace.from_dict({"names": ["a"]})


# Sampling


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_samples_lie_in_the_box(distribution):
    for space in (cdr(), mixed(), ParameterSpace(nu=(0.1, 0.3))):
        mu = space.sample(16, distribution)
        assert mu.dtype == np.float32
        assert mu.shape[1] == space.dim
        assert len(mu) == 16 or distribution == "uniform"
        assert np.all((space.low <= mu) & (mu <= space.high))


@settings(max_examples=30)
@given(spaces())
def test_rounding_to_float32_does_not_leave_the_box(space):
    mu = space.sample(2, "uniform")  # the corners, where it would
    assert len(mu) == 2**space.dim
    assert np.all((space.low <= mu) & (mu <= space.high))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_random_seed_governs_samples(distribution):
    dde.config.set_random_seed(7)
    first, second = mixed().sample(5, distribution), mixed().sample(5, distribution)
    dde.config.set_random_seed(7)
    np.testing.assert_array_equal(mixed().sample(5, distribution), first)
    random = distribution in ("pseudo", "LHS")
    assert np.array_equal(first, second) is not random


def test_samples_have_the_default_float_type():
    try:
        dde.config.set_default_float("float64")
        for distribution in ("uniform", "pseudo"):
            assert cdr().sample(3, distribution).dtype == np.float64
    finally:
        dde.config.set_default_float("float32")


@pytest.mark.parametrize("n, points_per_axis", [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3)])
def test_uniform_is_the_smallest_grid_with_enough_points(n, points_per_axis):
    mu = mixed().sample(n, "uniform")
    assert len(mu) == points_per_axis**2
    if n > 1:
        np.testing.assert_allclose(
            np.unique(mu[:, 0]), np.linspace(-1, 3, points_per_axis), rtol=1e-6
        )
        np.testing.assert_allclose(
            np.unique(mu[:, 1]), np.geomspace(0.02, 0.2, points_per_axis), rtol=1e-6
        )
    else:
        np.testing.assert_allclose(mu, [[1, np.sqrt(0.02 * 0.2)]], rtol=1e-6)


def test_latin_hypercube_has_one_sample_per_stratum():
    n = 20
    unit = (mixed().scale(mixed().sample(n, "LHS").astype(np.float64)) + 1) / 2
    for column in unit.T:
        np.testing.assert_array_equal(np.sort(np.floor(n * column)), np.arange(n))


def test_log_axes_are_sampled_on_the_log_scale():
    mu = ParameterSpace(nu=(1e-4, 1, "log")).sample(64, "Halton")
    assert np.mean(mu < 1e-2) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("n", [0, -1, 2.0, "3", None, True])
def test_bad_sample_sizes(n):
    message = re.escape(f"n is {n!r}; it must be an integer >= 1")
    with pytest.raises(ValueError, match=message):
        cdr().sample(n)


@pytest.mark.parametrize("distribution", ["sobol", "random", None])
def test_unknown_distributions(distribution):
    message = f"distribution is {distribution!r}; .*'Hammersley', 'Sobol'"
    with pytest.raises(ValueError, match=message):
        cdr().sample(3, distribution)


# Reading


def test_all_forms_of_one_parameter_are_read_alike():
    expected = [[2.5, 0.5, 1.0]]
    for mu in (
        {"rho": 1, "beta": 2.5, "nu": np.float32(0.5)},
        {"beta": [2.5], "nu": 0.5, "rho": 1},
        [2.5, 0.5, 1],
        [[2.5, 0.5, 1]],
        np.array([2.5, 0.5, 1], dtype=np.float32),
        tf.constant([[2.5, 0.5, 1]]),
    ):
        array = cdr().as_array(mu)
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, expected)


def test_scalars_are_broadcast_against_arrays():
    mu = {"beta": [1, 2, 3], "nu": 0.5, "rho": (0.0, 0.1, 0.2)}
    np.testing.assert_array_equal(
        cdr().as_array(mu), [[1, 0.5, 0], [2, 0.5, 0.1], [3, 0.5, 0.2]]
    )


def test_a_single_parameter_may_be_a_scalar():
    space = ParameterSpace(nu=(0, 1))
    for mu in (0.5, [0.5], [[0.5]], {"nu": 0.5}, np.float32(0.5)):
        np.testing.assert_array_equal(space.as_array(mu), [[0.5]])
    assert space.as_array(np.zeros((4, 1))).shape == (4, 1)


def test_tables_are_read_by_name_not_by_position():
    class Table:
        columns = {"rho": [1.0, 2.0], "nu": [0.5, 0.6], "beta": [2.5, 2.6]}

        def keys(self):
            return self.columns.keys()

        def __contains__(self, name):
            return name in self.columns

        def __getitem__(self, name):
            return self.columns[name]

    np.testing.assert_array_equal(
        cdr().as_array(Table()), [[2.5, 0.5, 1.0], [2.6, 0.6, 2.0]]
    )


def test_the_array_read_is_a_copy():
    mu = np.ones((2, 3))
    cdr().as_array(mu)[:] = 0
    assert np.all(mu == 1)


@given(spaces(), st.integers(1, 5))
@settings(max_examples=30)
def test_a_dict_of_columns_is_the_array(space, n):
    mu = space.sample(n)
    columns = {name: mu[:, i] for i, name in reversed(list(enumerate(space.names)))}
    np.testing.assert_array_equal(space.as_array(columns), mu)


@pytest.mark.parametrize(
    "mu, message",
    [
        ({"beta": 1, "nu": 1}, "mu lacks rho; the parameters are beta, nu, rho"),
        ({"beta": 1, "nu": 1, "rh": 1}, "mu lacks rho and has unknown rh; the"),
        ({"beta": 1, "nu": 1, "rho": 1, 5: 1}, "mu has unknown 5; the parameters"),
        ({}, "mu lacks beta, nu, rho"),
        ({"beta": [1, 2], "nu": [1, 2, 3], "rho": 1}, "beta: 2, nu: 3, rho: 1"),
        (
            {"beta": [[1]], "nu": 1, "rho": 1},
            r"mu\['beta'\] has shape .* a scalar or one-",
        ),
        ({"beta": [], "nu": 1, "rho": 1}, "mu is empty"),
        (
            [1, 2],
            r"shape \(2,\); it must be \(3,\) or \(n, 3\), with columns beta, nu, rho",
        ),
        ([[1, 2, 3, 4]], r"has shape \(1, 4\)"),
        (1.0, r"has shape \(\)"),
        (np.ones((2, 2, 3)), r"has shape \(2, 2, 3\)"),
        ([], "mu is empty"),
        (np.ones((0, 3)), "mu is empty"),
        ([[1, 2, 3], [1, 2]], "mu is .* must be a rectangular array"),
        ([[1, 1, 1], [1, np.nan, 1]], "mu has in row 1 nu = nan, which is not finite"),
        ([1, 1, -np.inf], "mu has in row 0 rho = -inf, which is not finite"),
    ],
)
def test_bad_values_are_refused(mu, message):
    for read in (cdr().as_array, cdr().contains, cdr().check):
        with pytest.raises(ValueError, match=message):
            read(mu)


@pytest.mark.parametrize(
    "mu", ["abc", ["1", "2", "3"], [1, 2, None], [1, 2, 3j], [True, True, False], None]
)
def test_what_is_no_real_number_is_refused(mu):
    with pytest.raises(TypeError, match="mu is .* must consist of real numbers"):
        cdr().as_array(mu)
    with pytest.raises(
        TypeError, match=r"start\['nu'\] is '2'; it must consist of real"
    ):
        cdr().as_array({"beta": 1, "nu": "2", "rho": 3}, name="start")


def test_one_parameter_needs_a_column_for_several_values():
    with pytest.raises(
        ValueError, match=r"shape \(4,\); it must be \(1,\) or \(n, 1\)"
    ):
        ParameterSpace(nu=(0, 1)).as_array([0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("nu", [0.0, -0.1])
def test_log_axes_refuse_what_has_no_logarithm(nu):
    for read in (mixed().as_array, mixed().contains, mixed().check):
        with pytest.raises(
            ValueError, match=rf"row 1 nu = {nu}, .* positive: log axis"
        ):
            read([[1, 0.1], [1, nu]])
    with pytest.raises(
        ValueError, match=f"nu = {nu}, which must be positive: log axis"
    ):
        mixed().scale(np.array([[1, 0.1], [1, nu]]))
    assert mixed().contains([0, 0.1]).all()  # a linear axis takes what is not positive


# Inside and outside


def test_the_faces_belong_to_the_box():
    inside = [[1, 0, 0], [3, 2, 2], [2, 1, 1]]
    outside = [[0.99, 1, 1], [2, 2.01, 1], [2, 1, -0.01]]
    np.testing.assert_array_equal(
        cdr().contains(inside + outside), [True] * 3 + [False] * 3
    )


@given(spaces())
def test_parameters_that_went_through_float32_stay_inside(space):
    corners = np.stack([space.low, space.high]).astype(np.float32)
    assert space.contains(corners).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(space.check(corners), corners)


def test_one_warning_tells_what_is_outside_and_by_how_much():
    mu = [[2, 1, 1], [2, 2.5, 1], [0, 1, 1]]
    with pytest.warns(OutsideParameterSpaceWarning) as record:
        np.testing.assert_array_equal(cdr().check(mu), mu)
    (warning,) = record
    assert (
        "mu: 2 of 3 rows lie outside the parameter space. First, row 1: nu = 2.5 is "
        "outside [0, 2] by 25% of the side." in str(warning.message)
    )
    assert warning.filename == __file__


def test_the_distance_to_a_log_axis_is_logarithmic():
    with pytest.warns(OutsideParameterSpaceWarning, match=r"100% of the side \(log sc"):
        mixed().check([0, 0.002])


def test_the_stack_level_moves_the_warning_to_the_users_line():
    def library(mu):
        return cdr().check(mu, "start", stacklevel=3)

    with pytest.warns(OutsideParameterSpaceWarning, match="^start: 1 of 1") as record:
        library([0, 0, 0])  # the line to be shown
    with open(__file__) as file:
        line = file.readlines()[record[0].lineno - 1]
    assert "the line to be shown" in line


# Scaling


@given(spaces())
def test_scaling_maps_the_box_to_the_cube(space):
    corners = np.stack([space.low, space.high])
    np.testing.assert_allclose(
        space.scale(corners), [[-1] * space.dim, [1] * space.dim], rtol=1e-9
    )
    unit = space.scale(space.sample(20))
    assert np.all(np.abs(unit) <= 1 + 1e-3)


def test_scaling_extrapolates():
    np.testing.assert_allclose(mixed().scale([[5.0, 2.0]]), [[2, 3]])


def test_scaling_integers_gives_floats():
    np.testing.assert_array_equal(cdr().scale([1, 1, 2]), [-1, 0, 1])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("space", [cdr(), mixed()], ids=["linear", "mixed"])
def test_scaling_keeps_the_float_type_and_agrees_everywhere(space, dtype):
    mu = space.sample(8).astype(dtype)
    expected = space.scale(mu.astype(np.float64))
    tolerance = 16 * np.finfo(dtype).eps

    array = space.scale(mu)
    assert array.dtype == dtype
    np.testing.assert_allclose(array, expected, atol=tolerance)

    signature = [tf.TensorSpec(None, dtype)]
    for scale in (
        space.scale,
        tf.function(space.scale),
        tf.function(space.scale, input_signature=signature),
        tf.function(space.scale, jit_compile=True),
    ):
        tensor = scale(tf.constant(mu))
        assert tensor.dtype == dtype
        np.testing.assert_allclose(tensor, expected, atol=tolerance)


def test_scaling_takes_any_number_of_leading_axes():
    mu = mixed().sample(6).reshape(2, 3, 2)
    assert mixed().scale(mu).shape == mixed().scale(tf.constant(mu)).shape == (2, 3, 2)
    assert mixed().scale(mu[0, 0]).shape == (2,)


def test_the_gradient_of_scaling_is_finite_where_a_linear_axis_is_not_positive():
    mu = tf.Variable([[0.0, 0.1], [-1.0, 0.02]], dtype="float64")
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(mixed().scale(mu))
    half = np.log(10) / 2
    np.testing.assert_allclose(
        tape.gradient(total, mu), [[0.5, 1 / (0.1 * half)], [0.5, 1 / (0.02 * half)]]
    )


def test_scaling_refuses_the_wrong_number_of_columns():
    message = r"shape \(5, 1\); .* last axis of size 3 \(beta, nu, rho\)"
    for mu in (np.ones((5, 1)), tf.ones((5, 1))):
        with pytest.raises(ValueError, match=message):
            cdr().scale(mu)
    with pytest.raises(ValueError, match=r"has shape \(\)"):
        cdr().scale(1.0)


def test_scaling_refuses_what_is_no_real_number():
    with pytest.raises(TypeError, match="mu is 'abc'; it must consist of real numbers"):
        cdr().scale("abc")
    with pytest.raises(TypeError, match="int32.* of a float type"):
        cdr().scale(tf.constant([1, 1, 1]))


def test_samples_and_reading_agree_on_what_is_inside():
    for distribution in DISTRIBUTIONS:
        assert mixed().contains(mixed().sample(8, distribution)).all()


@given(st.floats(-10, 10), st.floats(-3, 3))
def test_contains_is_scale_to_the_cube(beta, log_nu):
    mu = [beta, 0.1 * 10**log_nu]
    size = np.max(np.abs(mixed().scale(mu)))
    assume(abs(size - 1) > 1e-5)
    assert mixed().contains(mu)[0] == (size < 1)


def test_names_that_python_takes_for_one_are_one():
    ligature = "\N{LATIN SMALL LIGATURE FI}"  # NFKC: fi
    space = ParameterSpace(**{ligature: (0, 1), "a": (0, 2)})
    assert space.names == ("fi", "a")
    assert space == ParameterSpace(fi=(0, 1), a=(0, 2))
    # As Python itself reads a keyword.
    assert eval(f"ParameterSpace({ligature}=(0, 1), a=(0, 2))") == space
    for mu in ({ligature: 0.5, "a": 1}, {"fi": 0.5, "a": 1}):
        np.testing.assert_array_equal(space.as_array(mu), [[0.5, 1]])
        assert space.read(mu)[1]
    description = {**space.to_dict(), "names": [ligature, "a"]}
    assert ParameterSpace.from_dict(description) == space


def test_two_names_that_are_one_are_an_error():
    both = {"fi": (0, 1), "\N{LATIN SMALL LIGATURE FI}": (0, 1)}
    with pytest.raises(ValueError, match=r"bounds has fi twice, .*ufb01.*NFKC"):
        ParameterSpace(**both)
    with pytest.raises(ValueError, match="mu has fi twice"):
        ParameterSpace(fi=(0, 1)).as_array(dict.fromkeys(both, 0.5))
    description = {"names": list(both), "low": [0, 0], "high": [1, 1], "log": [0, 0]}
    with pytest.raises(ValueError, match="d has the names .* must differ"):
        ParameterSpace.from_dict(description)


def test_masked_values_are_not_read_through_their_mask():
    space = ParameterSpace(k=(0, 1), a=(0, 2))
    masked = np.ma.masked_array([0.25, 7.0], [False, True])
    for mu in (masked, [masked, [0.5, 1]], {"k": masked, "a": 1}, [0.5, np.ma.masked]):
        for read in (space.as_array, space.scale, space.read):
            if read == space.scale and isinstance(mu, dict):
                continue
            with pytest.raises(ValueError, match="mu.* is a masked array.*filled"):
                read(mu)
    whole = np.ma.masked_array([0.25, 1.0], False)
    np.testing.assert_array_equal(space.as_array(whole), [[0.25, 1]])
