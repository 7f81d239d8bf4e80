"""A parameter may be a vector: one axis of the space, several columns of mu."""

import json
import pickle

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.cli import commands as command
from deepxde_lrnr.parameters.axes import shortened
from deepxde_lrnr.parameters.space import OutsideParameterSpaceWarning, ParameterSpace
from hypothesis import given, settings
from hypothesis import strategies as st


def space_of_both():
    return ParameterSpace(k=(-1, 1, 3), nu=(0.1, 1, "log"), w=(0.5, 2, "log", 2))


NAMES = ("k_0", "k_1", "k_2", "nu", "w_0", "w_1")


@st.composite
def spaces(draw):
    bounds = {}
    for name in draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True)):
        size = draw(st.none() | st.integers(1, 4))
        scale = draw(st.sampled_from(["linear", "log"]))
        lows = st.floats(0.01, 10) if scale == "log" else st.floats(-10, 10)
        if size is None or draw(st.booleans()):
            low = draw(lows)
            bound = low, low + draw(st.floats(0.1, 5)), scale
            bounds[name] = bound if size is None else (*bound, size)
        else:
            low = draw(st.lists(lows, min_size=size, max_size=size))
            bounds[name] = low, [v + draw(st.floats(0.1, 5)) for v in low], scale
    return ParameterSpace(**bounds)


def test_a_vector_has_a_column_for_each_entry():
    space = space_of_both()
    assert space.names == NAMES and space.dim == len(space) == 6
    np.testing.assert_array_equal(space.low, [-1, -1, -1, 0.1, 0.5, 0.5])
    np.testing.assert_array_equal(space.high, [1, 1, 1, 1, 2, 2])
    np.testing.assert_array_equal(space.log, [False] * 3 + [True] * 3)
    assert [(a.name, a.size) for a in space.axes] == [("k", 3), ("nu", None), ("w", 2)]


def test_bounds_may_differ_from_entry_to_entry():
    space = ParameterSpace(k=([-1, -2], 3), w=(0.1, np.array([1.0, 2, 3]), "log"))
    assert space.names == ("k_0", "k_1", "w_0", "w_1", "w_2")
    np.testing.assert_array_equal(space.low, [-1, -2, 0.1, 0.1, 0.1])
    np.testing.assert_array_equal(space.high, [3, 3, 1, 2, 3])
    assert space == ParameterSpace(k=([-1, -2], 3, 2), w=([0.1] * 3, [1, 2, 3], "log"))


def test_a_vector_of_one_entry_is_a_vector():
    space, number = ParameterSpace(k=(0, 1, 1)), ParameterSpace(k_0=(0, 1))
    assert space.names == number.names and space != number
    assert repr(space) == "ParameterSpace(k=(0.0, 1.0, 1))"
    assert space.read({"k": [0.5]})[1] and not number.read({"k_0": [0.5]})[1]


@given(spaces())
def test_descriptions_give_the_space_back(space):
    assert eval(repr(space)) == space
    text = json.dumps(space.to_dict(), sort_keys=True)
    again = ParameterSpace.from_dict(json.loads(text))
    assert again == space and hash(again) == hash(space)
    assert pickle.loads(pickle.dumps(space)) == space


def test_a_description_without_vectors_is_as_it_was():
    space = ParameterSpace(beta=(1, 3), nu=(0.1, 1, "log"))
    assert space.to_dict() == {
        "names": ["beta", "nu"],
        "low": [1, 0.1],
        "high": [3, 1],
        "log": [False, True],
    }


@pytest.mark.parametrize(
    "change, message",
    [
        ({"sizes": 3}, "d has the sizes .* a list as long as names"),
        ({"sizes": [3]}, "d has the sizes .* a list as long as names"),
        ({"sizes": [3, None, 0]}, "d has the sizes .* integers"),
        ({"sizes": [2, None, 2]}, "of one length"),
        ({"sizes": [10**9, None, 2]}, "of one length"),
        (
            {"log": [False, True, False, True, True, True]},
            "as log of k; it must be the same for all",
        ),
    ],
)
def test_bad_descriptions(change, message):
    with pytest.raises(ValueError, match=message):
        ParameterSpace.from_dict({**space_of_both().to_dict(), **change})


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match="k_0 has a column k_0, as k has; .*rename"):
        ParameterSpace(k=(0, 1, 2), k_0=(0, 1))


# Reading


@given(spaces(), st.integers(1, 4), st.data())
@settings(max_examples=60)
def test_all_forms_are_read_alike(space, n, data):
    mu = space.sample(n).astype(float)
    for values, single in ((mu, False), (mu[0], True)):
        parts = {
            name: part if space.axes[i].size is not None else part[..., 0]
            for i, (name, part) in enumerate(space.split(values).items())
        }
        # Some vectors are written as their columns.
        for axis in space.axes:
            if axis.size is not None and data.draw(st.booleans()):
                vector = parts.pop(axis.name)
                parts.update(zip(axis.columns, vector.T, strict=True))
        for form in (values, values.tolist(), parts):
            array, one = space.read(form)
            np.testing.assert_array_equal(array, np.atleast_2d(values))
            assert one is single


def test_a_vector_and_numbers_are_broadcast_together():
    space = ParameterSpace(k=(-1, 1, 2), nu=(0, 1))
    for mu, expected in (
        ({"k": [0.1, 0.2], "nu": [0.5, 0.6]}, [[0.1, 0.2, 0.5], [0.1, 0.2, 0.6]]),
        ({"k": [[0.1, 0.2], [0, 0]], "nu": 1}, [[0.1, 0.2, 1], [0, 0, 1]]),
        ({"nu": [1], "k": np.zeros((3, 2))}, [[0, 0, 1]] * 3),
    ):
        array, single = space.read(mu)
        np.testing.assert_array_equal(array, expected)
        assert not single


@pytest.mark.parametrize(
    "mu, message",
    [
        (
            {"k": 1, "nu": 1},
            r"mu\['k'\] has shape \(\); it must be \(3,\) or \(n, 3\), a vec",
        ),
        ({"k": [1, 1], "nu": 1}, r"shape \(2,\); .* of 3 entries"),
        ({"k": np.ones((3, 4)), "nu": 1}, r"has shape \(3, 4\)"),
        ({"k": np.ones((1, 1, 3)), "nu": 1}, r"has shape \(1, 1, 3\)"),
        ({"nu": 1}, r"mu lacks k; the parameters are k \(3 entries\), nu"),
        ({"k_0": 1, "k_2": 1, "nu": 1}, "mu lacks k_1; the parameters are k"),
        ({"k": [1, 1, 1], "k_0": 1, "nu": 1}, "mu has unknown k_0"),
        ({"k_3": 1, "nu": 1}, "mu lacks k and has unknown k_3"),
        ({"k": np.ones((2, 3)), "nu": [1, 1, 1]}, "lengths k: 2, nu: 3"),
        ({"k": np.ones((0, 3)), "nu": 1}, "mu is empty"),
        ({"k": [1, np.nan, 1], "nu": 1}, "row 0 k_1 = nan, which is not finite"),
        ([1, 1, 1], r"must be \(4,\) or \(n, 4\), with columns k_0, k_1, k_2, nu"),
    ],
)
def test_bad_values_are_refused(mu, message):
    with pytest.raises(ValueError, match=message):
        ParameterSpace(k=(-1, 1, 3), nu=(0, 1)).as_array(mu)


def test_long_vectors_are_shortened_in_text():
    space = ParameterSpace(k=(-1, 1, 6), nu=(0, 1), w=(0, 1, 4))
    text = shortened(space.axes, np.arange(11) / 8, " = ", 3)
    assert text == "k = (0, 0.125, ..., 0.625), nu = 0.75, w = (0.875, 1, 1.12, 1.25)"


def test_what_is_outside_is_told_by_its_column():
    with pytest.warns(OutsideParameterSpaceWarning, match=r"k_1 = 1.5 is outside"):
        array = ParameterSpace(k=(-1, 1, 2)).check({"k": [0, 1.5]})
    np.testing.assert_array_equal(array, [[0, 1.5]])
    assert not ParameterSpace(k=(-1, 1, 2)).contains([0, 1.5]).any()


# In user code


def test_values_are_taken_apart_by_name():
    space = space_of_both()
    mu = space.sample(5)
    for value in (mu, tf.constant(mu)):
        k, nu, w = space.split(value).values()
        assert type(k) is type(value)
        np.testing.assert_array_equal(k, mu[:, :3])
        np.testing.assert_array_equal(nu, mu[:, 3:4])
        np.testing.assert_array_equal(w, mu[:, 4:])
    signature = [tf.TensorSpec(None, tf.float32)]
    split = tf.function(space.split, input_signature=signature)
    np.testing.assert_array_equal(split(tf.constant(mu))["w"], mu[:, 4:])


def test_taking_apart_wants_all_columns():
    for mu in (np.ones((5, 2)), tf.ones((5, 2)), 1.0):
        with pytest.raises(ValueError, match=r"last axis of size 6 \(k_0, k_1"):
            space_of_both().split(mu)


def test_scaling_and_sampling_go_by_column():
    space = space_of_both()
    for distribution in ("pseudo", "LHS", "Halton"):
        mu = space.sample(7, distribution)
        assert mu.shape == (7, 6) and space.contains(mu).all()
        assert np.abs(space.scale(mu)).max() <= 1 + 1e-6
    np.testing.assert_allclose(space.scale(space.high), np.ones(6))


# From training to files


@pytest.fixture(scope="module")
def fast():
    geom = dde.geometry.GeometryXTime(
        dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
    )
    space = ParameterSpace(k=(0.5, 3, 2), a=(0.5, 1.5, "log"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "uses_xla", False)  # which compiles for seconds
        yield families.decay(geom, space)


X = np.array([[0.2, 0.1], [0.5, 0.5]])


def test_a_family_is_solved_for_dictionaries_of_vectors(fast):
    one = fast.solve({"k": [1, 2], "a": 0.8})
    np.testing.assert_array_equal(one.mu, [1, 2, 0.8])
    assert one.predict(X).shape == (2, 1)
    several = fast.solve({"k": [[1, 2], [2, 1]], "a": 0.8})
    assert several.predict(X).shape == (2, 2, 1)
    np.testing.assert_array_equal(several[0].coefficients, one.coefficients)
    assert "k=(1, 2), a=0.8: residual" in repr(one)


def test_a_file_keeps_the_vector(fast, tmp_path, capsys):
    path = fast.save(tmp_path / "fast.npz")
    again = lrnr.load_fast(path)
    assert again.parameter_space == fast.parameter_space
    assert command.main(["info", str(path)]) == 0
    said = capsys.readouterr().out
    assert "k in [0.5, 3]^2" in said and "a in [0.5, 1.5] (log)" in said
    np.testing.assert_array_equal(
        again.predict(X, {"k": [1, 2], "a": 0.8}), fast.predict(X, [1, 2, 0.8])
    )


@pytest.mark.parametrize(
    "line", [["k_0=1,k_1=2,a=0.8"], ["a=0.8", "k_1=2", "k_0=1"]], ids=["one", "apart"]
)
def test_the_command_line_names_entries(fast, tmp_path, line):
    path, out = fast.save(tmp_path / "fast.npz"), tmp_path / "u.npz"
    line = ["predict", str(path), "--mu", *line, "--grid", "2x2", "--out", str(out)]
    assert command.main(line) == 0
    with np.load(out) as result:
        assert result["mu"].tolist() == [1, 2, 0.8]
        assert result["parameters"].tolist() == ["k_0", "k_1", "a"]


def test_the_command_line_says_what_is_missing(fast, tmp_path, capsys):
    path = fast.save(tmp_path / "fast.npz")
    out = ["--grid", "2x2", "--out", str(tmp_path / "u.npz")]
    for mu, message in (
        ("k_0=1,a=1", "--mu lacks k_1; the parameters are k (2 entries), a"),
        ("k=1,a=1", "--mu['k'] has shape (); it must be (2,) or (n, 2)"),
        ("k_0=x", "it must be e.g. k_0=1.75,k_1=1.75,a=1"),
    ):
        assert command.main(["predict", str(path), "--mu", mu, *out]) == 2
        assert message in capsys.readouterr().err


def test_a_table_has_a_column_for_each_entry(fast, tmp_path):
    path, out = fast.save(tmp_path / "fast.npz"), tmp_path / "u.npz"
    (tmp_path / "mus.csv").write_text("k_1,a,k_0\n2,0.8,1\n1,1,3\n")
    line = ["sweep", str(path), "--mus", str(tmp_path / "mus.csv")]
    assert command.main([*line, "--grid", "2x2", "--out", str(out)]) == 0
    with np.load(out) as result:
        assert result["mu"].tolist() == [[1, 2, 0.8], [3, 1, 1]]


def test_entries_are_drawn_by_name(fast):
    ax = lrnr.plot.coefficients(fast, "k_1")
    assert ax.get_xlabel() == "k_1"
    solution = fast.solve(fast.parameter_space.sample(4))
    ax = lrnr.plot.indicator(solution, ("k_0", "a"))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("k_0", "a")
    with pytest.raises(ValueError, match="'k'; .* one of 'k_0', 'k_1', 'a'"):
        lrnr.plot.coefficients(fast, "k")
