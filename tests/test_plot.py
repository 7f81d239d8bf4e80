"""Pictures: what is drawn is what was computed, and mistakes are named."""

import ast
import copy
from dataclasses import replace
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import matplotlib.pyplot as plt
import numpy as np
import pytest
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import LeastSquares

SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.1, 10, "log"))
TIME = dde.geometry.TimeDomain(0, 1)
SQUARE = dde.geometry.Rectangle([0, 0], [1, 1])
CORNER = SQUARE - dde.geometry.Rectangle([0.5, 0.5], [1.1, 1.1])
SOLVER = LeastSquares(3)


@pytest.fixture(scope="module", autouse=True)
def _without_xla():
    """XLA compiles for seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "uses_xla", False)
        yield


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def fast():
    """One space coordinate and time."""
    geom = dde.geometry.Interval(0, 2)
    return families.decay(dde.geometry.GeometryXTime(geom, TIME), SPACE)


@pytest.fixture(scope="module")
def plane():
    return families.decay(CORNER, SPACE)


@pytest.fixture(scope="module")
def several(fast):
    return fast.solve(SPACE.sample(12, "Halton"), SOLVER)


GRID = np.stack(np.meshgrid([0, 0.5, 1, 2], [0, 0.3, 1]), -1).reshape(-1, 2)


def colours(axis):
    """Values of the only coloured artist."""
    (artist,) = axis.collections
    return np.asarray(artist.get_array())


# Solution


def test_a_grid_is_drawn_cell_by_cell_whatever_the_order_of_its_points(several):
    one = several[3]
    shuffled = np.random.default_rng(0).permutation(GRID)
    axis = lrnr.plot.solution(one, shuffled)
    np.testing.assert_allclose(
        colours(axis), one.predict(GRID).reshape(3, 4), rtol=1e-5
    )
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x", "t")
    assert axis.get_title() == f"k = {one.mu[0]:.3g}, a = {one.mu[1]:.3g}"
    assert axis.get_xlim()[0] < 0 < 2 < axis.get_xlim()[1]


def test_the_error_stands_beside_the_solution(several):
    one = several[0]
    u = one.predict(GRID)
    offset = np.linspace(-0.1, 0.3, len(GRID))
    _, axes = plt.subplots(1, 2)
    left, right = lrnr.plot.solution(one, GRID, u[:, 0] - offset, ax=axes)
    assert (left, right) == tuple(axes)
    np.testing.assert_allclose(colours(left), u.reshape(3, 4), rtol=1e-5)
    np.testing.assert_allclose(colours(right).ravel(), offset, atol=1e-6)
    (image,) = right.collections
    np.testing.assert_allclose(image.get_clim(), (-0.3, 0.3), atol=1e-6)
    assert "0.3" in right.get_title()


def test_at_a_fixed_time_each_mu_is_a_line(several):
    x = np.array([[1, 0.5], [0, 0.5], [2, 0.5]])
    few = several[:3]
    axis = lrnr.plot.solution(few, x)
    u = few.predict(x)[:, [1, 0, 2], 0]
    assert len(axis.lines) == 3
    for line, row, mu in zip(axis.lines, u, few.mu, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2])
        np.testing.assert_array_equal(line.get_ydata(), row)
        assert line.get_label() == f"k = {mu[0]:.3g}, a = {mu[1]:.3g}"
    assert axis.get_title() == "t = 0.5"
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x", "u")


def test_lines_with_a_reference(several):
    x = np.array([[0, 0.5], [1, 0.5]])
    u = several[0].predict(x)
    left, right = lrnr.plot.solution(several[0], x, reference=u + 0.25)
    line, reference = left.lines
    np.testing.assert_allclose(reference.get_ydata(), u[:, 0] + 0.25, rtol=1e-6)
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["solution", "reference"]
    np.testing.assert_allclose(right.lines[0].get_ydata(), [-0.25, -0.25], rtol=1e-5)


def test_scattered_points_are_triangles_none_of_them_outside_the_geometry(plane):
    one = plane.solve([1, 1], SOLVER)
    x = CORNER.random_points(200)
    axis = lrnr.plot.solution(one, x)
    np.testing.assert_array_equal(colours(axis), one.predict(x)[:, 0])
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x", "y")
    assert axis.get_aspect() == 1

    def inside(axis):
        (artist,) = axis.collections
        triangles = artist._triangulation
        centres = x[triangles.get_masked_triangles()].mean(axis=1)
        return (centres < 0.5).any(axis=1)

    assert not inside(axis).all()
    assert inside(lrnr.plot.solution(one, x, geom=CORNER)).all()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"x": np.zeros((3, 2))}, r"x varies in 0 of its coordinates \(x, t\)"),
        ({"x": np.zeros((3, 1))}, "x has shape"),
        ({"component": 1}, "component is 1; the solution has 1"),
        ({"component": -1}, "component is -1"),
        ({"reference": np.zeros(5)}, r"reference has shape \(5,\); it must be \(12, 1"),
        ({"index": slice(3)}, r"solution is that of 3 mu.*pass solution\[0\]"),
        ({"x": np.repeat([[0, 0], [1, 1], [2, 2]], 1, 0)}, "between which there are"),
    ],
)
def test_a_wrong_picture_of_a_solution_is_named(several, change, message):
    arguments = {"x": GRID, **change}
    chosen = several[arguments.pop("index", 0)]
    with pytest.raises(ValueError, match=message):
        lrnr.plot.solution(chosen, **arguments)
    assert not plt.get_fignums()


def test_what_is_no_solution_and_no_axes_is_named(several, fast):
    with pytest.raises(TypeError, match="solution is a FastModel"):
        lrnr.plot.solution(fast, GRID)
    with pytest.raises(TypeError, match="solution is a ndarray"):
        lrnr.plot.convergence(np.zeros(3))
    with pytest.raises(TypeError, match="solution is a FastModel"):
        lrnr.plot.indicator(fast)
    with pytest.raises(TypeError, match="model is a Solution"):
        lrnr.plot.coefficients(several)
    with pytest.raises(TypeError, match="model is a Solution"):
        lrnr.plot.singular_values(several)
    axis = plt.subplots()[1]
    with pytest.raises(TypeError, match="it must be 2 Matplotlib axes"):
        lrnr.plot.solution(several[0], GRID, np.zeros(12), ax=axis)
    with pytest.raises(TypeError, match="ax is 'left'"):
        lrnr.plot.convergence(several, ax="left")


def test_a_solution_of_several_mu_has_those_of_each(several):
    part = several[2]
    assert part.mu.shape == (2,) and isinstance(part.status, str)
    np.testing.assert_array_equal(part.mu, several.mu[2])
    np.testing.assert_allclose(part.predict(GRID), several.predict(GRID)[2], rtol=1e-4)
    assert several[4:7].history.shape == (3, 4)
    with pytest.raises(IndexError, match="one mu"):
        part[0]
    with pytest.raises(IndexError):
        several[12]


# Coefficients, reduction


def test_coefficients_along_a_parameter_with_the_others_at_the_centre(fast):
    axis = lrnr.plot.coefficients(fast, "a", num=5)
    values = np.geomspace(0.1, 10, 5)
    mu = np.stack([np.full(5, 1.75), values], axis=1)
    z = np.asarray(fast.full.coefficients(mu))
    drawn = np.stack([line.get_ydata() for line in axis.lines], axis=1)
    np.testing.assert_allclose(drawn, z, rtol=1e-5)
    np.testing.assert_allclose(axis.lines[0].get_xdata(), values)
    assert axis.get_xscale() == "log" and axis.get_xlabel() == "a"
    assert axis.get_title() == "k = 1.75"
    solid = [line.get_linestyle() == "-" for line in axis.lines]
    assert sum(solid) == fast.full.layout.num_scales == np.argmin(solid)
    assert lrnr.plot.coefficients(fast).get_xlabel() == "k"


def test_wrong_parameters_are_named(fast, several):
    with pytest.raises(ValueError, match="parameter is 'b'; .* one of 'k', 'a'"):
        lrnr.plot.coefficients(fast, "b")
    with pytest.raises(ValueError, match="num is 1"):
        lrnr.plot.coefficients(fast, "k", num=1)
    with pytest.raises(ValueError, match="parameters is 'b'; .* one of 'k', 'a'"):
        lrnr.plot.indicator(several, ("a", "b"))
    with pytest.raises(ValueError, match="one or two different names"):
        lrnr.plot.indicator(several, ("a", "a"))
    with pytest.raises(ValueError, match="that of one mu"):
        lrnr.plot.indicator(several[0])
    net = lrnr.nn.HyperLRNR(
        [2, 8, 8, 1], "tanh", "zeros", rank=2, parameter_space=SPACE
    )
    with pytest.raises(ValueError, match="train it first"):
        lrnr.plot.coefficients(lrnr.Model(fast.residual.data, net))


def test_singular_values_and_the_modes_that_were_kept(fast):
    for axis in (
        lrnr.plot.singular_values(fast),
        lrnr.plot.singular_values(fast.report()),
    ):
        lines = axis.lines
        assert len(lines) == 2 * len(fast.layers)
        for layer, line, dot in zip(fast.layers, lines[::2], lines[1::2], strict=True):
            sigma = layer.singular_values / layer.singular_values[0]
            np.testing.assert_array_equal(line.get_ydata(), sigma)
            assert "3 modes, 3 of 8 neurons" in line.get_label()
            assert list(dot.get_xdata()) == [3]
            assert list(dot.get_ydata()) == [sigma[2]]
        assert axis.get_yscale() == "log"


# Solves


def test_the_objective_is_drawn_up_to_the_last_step(several):
    early = replace(several, steps=np.where(np.arange(12) == 1, 1, several.steps))
    axis = lrnr.plot.convergence(early[:3])
    for i, line in enumerate(axis.lines):
        end = early.steps[i] + 1
        np.testing.assert_array_equal(line.get_ydata(), early.history[i][:end])
        np.testing.assert_array_equal(line.get_xdata(), np.arange(end))
        assert early.status[i] in line.get_label()
    assert len(axis.lines[1].get_xdata()) == 2
    assert axis.get_legend() is not None
    many = lrnr.plot.convergence(several)
    assert len(many.lines) == 12 and many.get_legend() is None
    assert len(lrnr.plot.convergence(several[0]).lines) == 1


def test_the_indicator_of_scattered_mu_is_a_point_for_each(several):
    axis = lrnr.plot.indicator(several)
    (points,) = axis.collections
    np.testing.assert_allclose(points.get_offsets(), several.mu, rtol=1e-6)
    np.testing.assert_allclose(points.get_array(), several.residual)
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("k", "a")
    assert (axis.get_xscale(), axis.get_yscale()) == ("linear", "log")
    turned = lrnr.plot.indicator(several, ("a", "k"))
    np.testing.assert_allclose(
        turned.collections[0].get_offsets(), several.mu[:, ::-1], rtol=1e-6
    )
    line = lrnr.plot.indicator(several, "a").lines[0]
    np.testing.assert_array_equal(line.get_xdata(), several.mu[:, 1])
    np.testing.assert_array_equal(line.get_ydata(), several.residual)


def test_the_indicator_of_a_grid_of_mu_is_a_cell_for_each(several):
    mu = np.stack(np.meshgrid([1, 2, 3], [0.1, 1, 5, 10]), -1).reshape(-1, 2)
    residual = np.where(np.arange(12) == 5, np.nan, np.arange(12) + 1.0)
    axis = lrnr.plot.indicator(replace(several, mu=mu, residual=residual))
    shown = np.ma.masked_invalid(residual.reshape(4, 3))
    drawn = np.ma.masked_invalid(colours(axis))
    np.testing.assert_array_equal(drawn.filled(-1), shown.filled(-1))
    (image,) = axis.collections
    assert image.get_clim() == (1, 12)
    axis.figure.canvas.draw()
    assert tuple(image.to_rgba(drawn)[1, 2]) == (0, 0, 0, 1)  # not a number: black


def test_only_a_picture_imports_matplotlib():
    # DeepXDE itself does import pyplot; this is about the package.
    for path in Path(lrnr.__file__).parent.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in getattr(node, "names", [])]
            module = getattr(node, "module", None) or ""
            assert "matplotlib" not in " ".join([module, *names]), path


# Colours


def test_values_of_both_signs_are_white_at_zero(several):
    one = several[0]
    u = one.predict(GRID)

    def limits(offset):
        ((name, solver),) = one._solvers.items()

        class Shifted(type(solver.predictor)):
            def evaluate(self, *args):
                return super().evaluate(*args) - offset

        predictor = copy.copy(solver.predictor)
        predictor.__class__ = Shifted
        solvers = {name: replace(solver, predictor=predictor)}
        axis = lrnr.plot.solution(replace(one, _solvers=solvers), GRID)
        return axis.collections[0].get_clim()

    low, high = limits(u.mean())
    assert low == -high
    low, high = limits(u.min() - 1)  # all of them positive
    assert low == pytest.approx(1) and high > 1


def test_many_lines_are_coloured_by_a_parameter_with_a_scale(several):
    x = np.array([[0, 0.5], [1, 0.5], [2, 0.5]])
    axis = lrnr.plot.solution(several, x)
    assert axis.get_legend() is None
    (bar,) = [a for a in axis.figure.axes if a is not axis]
    assert bar.get_ylabel() == "k"
    shades = np.array([line.get_color()[1] for line in axis.lines])
    assert np.all(np.diff(shades[np.argsort(several.mu[:, 0])]) > 0)


def test_a_component_has_the_name_it_is_given(several):
    _, right = lrnr.plot.solution(several[0], GRID, np.zeros(len(GRID)), name="heat")
    labels = {a.get_ylabel() for a in right.figure.axes}
    assert {"heat", "heat - reference"} <= labels


def test_a_legend_does_not_cover_the_curves(several):
    axis = lrnr.plot.solution(several[:3], np.array([[0, 0.5], [1, 0.5]]))
    axis.figure.canvas.draw()
    legend = axis.get_legend().get_window_extent()
    assert legend.x0 >= axis.get_window_extent().x1


def test_a_basis_is_drawn_by_its_decay_and_its_mu(fast):
    with pytest.raises(ValueError, match="has no basis"):
        lrnr.plot.basis(fast)
    basis = fast.build_basis(1e-3, 8, num_candidates=24, verbose=0)
    decay, chosen = lrnr.plot.basis(fast)
    np.testing.assert_array_equal(decay.lines[0].get_xdata(), basis.sizes)
    np.testing.assert_array_equal(decay.lines[0].get_ydata(), basis.decay)
    (points,) = chosen.collections
    np.testing.assert_allclose(points.get_offsets(), basis.mu)
    assert (chosen.get_xscale(), chosen.get_yscale()) == ("linear", "log")
    _, line = lrnr.plot.basis(basis, "a")
    np.testing.assert_array_equal(line.lines[0].get_xdata(), basis.mu[:, 1])
    with pytest.raises(TypeError, match="FastModel with a basis"):
        lrnr.plot.basis(basis.functions)
