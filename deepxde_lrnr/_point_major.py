"""The order of rows: N points times P mu, (x_1, mu_1), (x_1, mu_2), ..., (x_N, mu_P).

What depends on mu alone is computed P times and not N P times. For NumPy arrays and for
Tensors, whose sizes may be unknown while a function is traced.
"""

from __future__ import annotations

import sys

import numpy as np


def number_of(mu):
    """P for a Tensor of shape (P, p), as an integer if it is known."""
    return mu.shape[0] or _module(mu).shape(mu)[0]


def rows_of(mu, x):
    """Repeats mu (P, p) for the rows of x (N P, d): shape (N P, p)."""
    module = _module(mu, x)
    num_mu, num_rows = mu.shape[0], x.shape[0]
    if num_mu is None or num_rows is None:
        num_mu, num_rows = module.shape(mu)[0], module.shape(x)[0]
    elif num_rows % num_mu:
        raise ValueError(
            f"x has {num_rows} rows for {num_mu} rows of mu; rows must be point-major, "
            "every point with every mu."
        )
    elif num_rows == num_mu and module is not np:  # of an array there is a copy
        return mu
    return module.tile(mu, (num_rows // num_mu, 1))


def repeated(points, num_mu: int):
    """Points (N, d) as rows: shape (N P, d)."""
    return _module(points).repeat(points, num_mu, axis=0)


def pairs(points, mu):
    """Points (N, d) and mu (P, p) as rows: shapes (N P, d) and (N P, p)."""
    x = repeated(points, len(mu))
    return x, rows_of(mu, x)


def by_point(rows, num_mu):
    """Rows (N P, k) in shape (N, P, k)."""
    shape = -1, num_mu, rows.shape[-1]
    if rows.shape[-1] is None:
        shape = rows.shape[0] // num_mu, num_mu, -1
    return _module(rows).reshape(rows, shape)


def by_parameter(rows, num_mu):
    """Rows (N P, k) in shape (P, N, k)."""
    return _module(rows).transpose(by_point(rows, num_mu), (1, 0, 2))


def as_rows(values):
    """Undoes ``by_parameter``."""
    module = _module(values)
    found = module.transpose(values, (1, 0, 2))
    return module.reshape(found, (-1, values.shape[-1]))


def rows_at(points: slice, num_mu: int) -> slice:
    """The rows of some of the points, which follow each other."""
    return slice(points.start * num_mu, points.stop * num_mu)


def of_one(rows, num_mu: int, j: int):
    """The rows of the mu number j, shape (N, k)."""
    return rows[j::num_mu]


def share_of(rows, num_mu: int, number, count: int):
    """The rows of the part number ``number`` of ``count`` equal parts of the mu."""
    module, k = _module(rows), rows.shape[-1]
    parts = module.reshape(rows, (-1, count, num_mu // count, k))
    return module.reshape(parts[:, number], (-1, k))


def _module(*arrays):
    """NumPy, or TensorFlow, which whoever has a Tensor has imported."""
    if all(isinstance(array, np.ndarray) for array in arrays):
        return np
    return sys.modules["tensorflow"]
