"""Jets: arithmetic of truncated Taylor polynomials, against exact polynomials."""

import itertools
import math
from functools import partial

import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._workspace import Workspace
from deepxde_lrnr.taylor import jets
from deepxde_lrnr.taylor.activations import sin_series, tanh_series
from deepxde_lrnr.taylor.feature_jets import coordinate_jets
from deepxde_lrnr.taylor.jets import MultiIndices
from hypothesis import given, settings
from hypothesis import strategies as st


@st.composite
def index_sets(draw):
    """Sets of multi-indices of order up to 4 in one to three variables."""
    dim = draw(st.integers(1, 3))
    every = [i for i in itertools.product(range(5), repeat=dim) if sum(i) <= 4]
    chosen = draw(st.lists(st.sampled_from(every), min_size=1, max_size=6))
    return MultiIndices(chosen)


def times(a: dict, b: dict) -> dict:
    """Product of polynomials, without truncation."""
    result = {}
    for (i, x), (j, y) in itertools.product(a.items(), b.items()):
        total = tuple(map(sum, zip(i, j, strict=True)))
        result[total] = result.get(total, 0) + x * y
    return result


def random_polynomial(indices, rng) -> dict:
    return {index: rng.standard_normal() for index in indices.indices}


def jets_of(polynomial: dict, indices) -> np.ndarray:
    """At the origin, as jets of one function at one point."""
    return np.array([[[polynomial.get(i, 0.0)]] for i in indices.indices])


# Sets of multi-indices


@settings(max_examples=60, deadline=None)
@given(index_sets())
def test_sets_are_closed_sorted_and_begin_with_the_value(indices):
    given_ = set(indices.indices)
    orders = [sum(i) for i in indices.indices]
    assert orders == sorted(orders) and orders[0] == 0
    assert len(given_) == len(indices) and max(orders) == indices.order
    for index in given_:
        for j, order in enumerate(index):
            if order:
                assert tuple(i - (k == j) for k, i in enumerate(index)) in given_


@pytest.mark.parametrize("dim, order", list(itertools.product((1, 2, 3), range(5))))
def test_all_up_to_an_order_are_as_many_as_there_are(dim, order):
    indices = MultiIndices.up_to(dim, order)
    assert len(indices) == math.comb(dim + order, order)
    assert indices.dim == dim and indices.order == order
    assert MultiIndices(indices.indices) == indices
    assert hash(MultiIndices(indices.indices)) == hash(indices)


# Products and compositions


@settings(max_examples=60, deadline=None)
@given(index_sets(), st.integers(0, 100))
def test_products_are_those_of_polynomials(indices, seed):
    rng = np.random.default_rng(seed)
    a, b = (random_polynomial(indices, rng) for _ in range(2))
    x, y = jets_of(a, indices)[:, 0, 0], jets_of(b, indices)[:, 0, 0]
    product = x[0] * y + x * y[0]
    product[0] = x[0] * y[0]
    for place, pairs in enumerate(indices.products):
        product[place] += sum(x[i] * y[j] for i, j in pairs)
    expected = jets_of(times(a, b), indices)[:, 0, 0]
    np.testing.assert_allclose(product, expected, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(index_sets(), st.integers(0, 100))
def test_compositions_are_those_of_polynomials(indices, seed):
    """f of degree 5, of a g with any Taylor coefficients."""
    rng = np.random.default_rng(seed)
    g = random_polynomial(indices, rng)
    f = np.polynomial.Polynomial(rng.standard_normal(6))
    zero = (0,) * indices.dim
    expected, power = {zero: f.coef[0]}, {zero: 1.0}
    for c in f.coef[1:]:
        power = times(power, g)
        for index, value in power.items():
            expected[index] = expected.get(index, 0) + c * value
    inner = jets_of(g, indices)
    series = [
        (f.deriv(k) if k else f)(inner[0]) / math.factorial(k)
        for k in range(indices.order + 1)
    ]
    found = indices.compose(lambda v, workspace: series, inner)
    np.testing.assert_allclose(found, jets_of(expected, indices), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize(
    "function, series", [(tf.tanh, tanh_series), (tf.sin, sin_series)]
)
def test_two_layers_have_the_derivatives_of_nested_autodiff(dim, function, series):
    rng = np.random.default_rng(dim)
    x = rng.uniform(-1, 1, (4, dim))
    W, V = rng.standard_normal((dim, 3)), rng.standard_normal((3, 2))
    order = 4 if dim < 3 else 3
    indices = MultiIndices.up_to(dim, order)
    inner = W.T @ coordinate_jets(indices, x)
    series = partial(series, order=order)
    hidden = indices.compose(series, inner)
    inner = V.T @ hidden
    found = indices.compose(series, inner)

    def network(x):
        return function(function(x @ W) @ V)

    expected = families.taylor_by_autodiff(network, x, indices.indices)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("at_once", [1, 7, 12, 30, 10**6])
def test_functions_are_composed_some_at_a_time(at_once, monkeypatch):
    """Any number of them, into a part of an array that is not contiguous."""
    rng = np.random.default_rng(0)
    indices = MultiIndices([(2, 0), (1, 1)])
    series = partial(tanh_series, order=indices.order)
    inner = rng.standard_normal((len(indices), 5, 6))
    expected = indices.compose(series, inner)
    monkeypatch.setattr(jets, "_AT_ONCE", at_once)
    out, workspace = np.full((len(indices), 9, 6), np.nan), Workspace()
    for _ in range(2):
        found = indices.compose(series, inner, out[:, 2:7], workspace)
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.isnan(out[0, :, 0]), [1, 1, 0, 0, 0, 0, 0, 1, 1])


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (0, 0)])
def test_no_functions_and_no_points_have_no_jets(shape):
    indices = MultiIndices([(2, 0), (0, 1)])
    inner = np.zeros((len(indices), *shape))
    series = partial(tanh_series, order=indices.order)
    assert indices.compose(series, inner).shape == inner.shape


def test_coordinates_are_their_own_jets():
    x = np.random.default_rng(0).standard_normal((3, 2))
    indices = MultiIndices([(2, 0), (0, 1)])
    jets = coordinate_jets(indices, x)
    assert indices.indices == ((0, 0), (1, 0), (0, 1), (2, 0))
    np.testing.assert_array_equal(jets[0], x.T)
    np.testing.assert_array_equal(jets[1:, :, 0], [[1, 0], [0, 1], [0, 0]])
