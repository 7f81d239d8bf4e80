"""Rows are points times mu, (x_1, mu_1), (x_1, mu_2), ..., of arrays and Tensors."""

import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._point_major import (
    as_rows,
    by_parameter,
    by_point,
    of_one,
    pairs,
    repeated,
    rows_at,
    rows_of,
    share_of,
)

POINTS = np.arange(10.0).reshape(5, 2)
MU = 100 + np.arange(12.0).reshape(4, 3)


@pytest.fixture(params=["array", "Tensor"])
def as_given(request):
    return np.asarray if request.param == "array" else tf.constant


def test_every_point_has_every_mu_in_turn(as_given):
    x, mu = repeated(as_given(POINTS), 4), rows_of(as_given(MU), np.zeros((20, 2)))
    for i, point in enumerate(POINTS):
        for j, parameter in enumerate(MU):
            np.testing.assert_array_equal(x[4 * i + j], point)
            np.testing.assert_array_equal(mu[4 * i + j], parameter)
    for rows, expected in zip(pairs(POINTS, MU), (x, mu), strict=True):
        np.testing.assert_array_equal(rows, expected)


def test_rows_are_sorted_and_found_again(as_given):
    rows = as_given(np.hstack(pairs(POINTS, MU)))
    sorted_by_mu = by_parameter(rows, 4)
    np.testing.assert_array_equal(as_rows(sorted_by_mu), rows)
    for j, own in enumerate(np.asarray(sorted_by_mu)):
        np.testing.assert_array_equal(own, of_one(rows, 4, j))
        np.testing.assert_array_equal(own, by_point(rows, 4)[:, j])
        np.testing.assert_array_equal(own[:, 2:], np.tile(MU[j], (5, 1)))
    some = rows[rows_at(slice(1, 3), 4)]
    np.testing.assert_array_equal(some[:, :2], np.repeat(POINTS[1:3], 4, axis=0))


def test_shares_are_rows_of_their_mu(as_given):
    rows = as_given(np.hstack(pairs(POINTS, MU)))
    for number in range(2):
        expected = np.hstack(pairs(POINTS, MU[2 * number : 2 * number + 2]))
        np.testing.assert_array_equal(share_of(rows, 4, number, 2), expected)


def test_what_is_no_number_of_points_is_refused():
    with pytest.raises(ValueError, match="7 rows for 4 rows of mu"):
        rows_of(MU, np.zeros((7, 2)))
