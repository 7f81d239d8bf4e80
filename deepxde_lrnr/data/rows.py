"""What the rows are that a user's function gets: points times mu.

While ``Errors`` calls a function of the user's it is known how many mu
the batch has and which rows belong to the points of that function. The helpers below
look it up, so that the user need not know.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

import tensorflow as tf

from .. import _point_major
from .._checks import as_reals

_HOW = "call it in pde, or in the function of a RobinBC or an OperatorBC"


@dataclass(frozen=True)
class Rows:
    """Rows of a batch, point-major: (x_1, mu_1), (x_1, mu_2), ..., (x_N, mu_P).

    Attributes:
        x: Tensor of shape (N P, d).
        num_mu: P, or ``None`` where the points of a prediction come in chunks.
        begin: First row of the function's own points.
        end: Row after the last of them.
        all_rows: Whether the function gets, and returns, all rows, and not only its
            own.
        function: x -> outputs for Tensors of shape (N P, d), or ``None``.
        mixes_points: Called when values of several points are taken together.
        inverse: ``None``, or with a deformation J^-1, Tensor of shape (N P, d^2).
        mu: Tensor of shape (N P, p).
    """

    x: tf.Tensor
    num_mu: int | None
    begin: int
    end: int | None
    all_rows: bool
    function: Callable | None
    mixes_points: Callable = lambda: None
    inverse: tf.Tensor | None = None
    mu: tf.Tensor | None = None


_rows: ContextVar[Rows | None] = ContextVar("rows", default=None)


@contextlib.contextmanager
def known_rows(rows: Rows):
    """Lets the helpers know the rows while a function of the user's is called."""
    token = _rows.set(rows)
    try:
        yield
    finally:
        _rows.reset(token)


def _here(helper: str) -> Rows:
    rows = _rows.get()
    if rows is None:
        raise RuntimeError(f"{helper}() is called outside of a problem; {_HOW}.")
    return rows


def _in_batch(helper: str) -> Rows:
    rows = _here(helper)
    if rows.num_mu is None:
        raise RuntimeError(
            f"{helper}() is called by an operator of predict(), which gets the points "
            "in chunks; take means of the array that predict() returns."
        )
    return rows


def _as_tensor(name: str, value, dtype):
    """A Tensor of floats as it is, an array as a Tensor of such."""
    if not tf.is_tensor(value):
        value = tf.constant(as_reals(name, value), dtype)
    if not value.dtype.is_floating:
        raise TypeError(
            f"{name} is a Tensor of {value.dtype.name}; it must be a float."
        )
    return value


def refuse_elsewhere(x):
    """In place of the function of ``values_at`` where the geometry depends on mu.

    Raises:
        NotImplementedError: Always.
    """
    raise NotImplementedError(
        "values_at() is called in a problem with a deformation, where the network is "
        "known at the points of the rows alone; it works without a deformation."
    )


def per_parameter(values):
    """Values of the rows, sorted by mu: what a mean or an integral is taken of.

    The Tensors that ``pde`` and the functions of conditions get have a row for each
    point *and* each mu of the batch. ``tf.reduce_mean(u)`` would mix all mu;
    ``tf.reduce_mean(per_parameter(u), axis=1)`` is the mean over the points of each mu.
    ``as_rows`` is the way back:

    .. code-block:: python

        points, weights = lrnr.data.quadrature(geom, 32)


        def mean(x, u, X, mu):
            u = lrnr.data.per_parameter(u)
            integral = tf.reduce_sum(weights * u, axis=1, keepdims=True)
            return lrnr.data.as_rows(integral) - mu[:, 0:1]


        bc = dde.icbc.PointSetOperatorBC(points, 0, mean)

    In a condition the points are those of the condition, all of them and in their
    order, in every batch. In ``pde`` they are the points of the PDE that the batch has.

    Args:
        values: Tensor of the rows, shape (rows, k), such as u.

    Returns:
        Tensor of shape (number of mu, number of points, k).

    Raises:
        RuntimeError: If it is not called by a function of a problem.
        TypeError: If ``values`` is not made of real numbers.
        ValueError: If ``values`` has another shape.
    """
    rows = _in_batch("per_parameter")
    values = _as_tensor("values", values, rows.x.dtype)
    own = rows.end - rows.begin
    if values.shape.rank != 2 or values.shape[0] not in (own, rows.x.shape[0]):
        raise ValueError(
            f"values has shape {tuple(values.shape)}; it must be "
            f"({rows.x.shape[0] if rows.all_rows else own}, k), rows as those of x."
        )
    rows.mixes_points()
    if values.shape[0] != own:
        values = values[rows.begin : rows.end]
    return _point_major.by_parameter(values, rows.num_mu)


def as_rows(values):
    """Values of each mu, or of each mu and point, as rows: undoes ``per_parameter``.

    Args:
        values: Tensor of shape (number of mu, number of points, k), or (number of mu,
            1, k), such as a mean with ``keepdims=True``, which every point gets.

    Returns:
        Tensor of shape (rows, k), for rows as those of x. Rows that belong to other
        conditions are zero; the function's error is not looked at there.

    Raises:
        RuntimeError: If it is not called by a function of a problem.
        TypeError: If ``values`` is not made of real numbers.
        ValueError: If ``values`` has another shape.
    """
    rows = _in_batch("as_rows")
    values = _as_tensor("values", values, rows.x.dtype)
    own, num_mu = rows.end - rows.begin, rows.num_mu
    num_points = own // num_mu
    shape = values.shape
    if shape.rank != 3 or shape[0] != num_mu or shape[1] not in (1, num_points):
        raise ValueError(
            f"values has shape {tuple(shape)}; it must be ({num_mu}, {num_points}, k) "
            f"or ({num_mu}, 1, k): mu, points, components. Take means with "
            "keepdims=True."
        )
    if shape[1] != num_points:
        values = tf.tile(values, (1, num_points, 1))
    found = _point_major.as_rows(values)
    if rows.all_rows:
        after = rows.x.shape[0] - rows.end
        found = tf.pad(found, ((rows.begin, after), (0, 0)))
    return found


def volume_elements():
    """What a deformation makes of volumes, |det dPhi/dxi| at the rows; without one, 1.

    Weights of ``quadrature`` on the reference geometry times it are weights on the
    physical one. A condition that the integral of u is mu, on a geometry that depends
    on mu:

    .. code-block:: python

        points, weights = lrnr.data.quadrature(geom, 256)


        def mean(x, u, X, mu):
            u = lrnr.data.per_parameter(u * lrnr.data.volume_elements())
            integral = tf.reduce_sum(weights * u, axis=1, keepdims=True)
            return lrnr.data.as_rows(integral) - mu[:, 0:1]

    Returns:
        Tensor of shape (rows, 1), rows as those of the x that the function gets.

    Raises:
        RuntimeError: If it is not called by a function of a problem.
    """
    rows = _in_batch("volume_elements")
    if rows.inverse is None:
        found = tf.ones_like(rows.x[:, :1])
    else:
        dim = rows.x.shape[1]
        inverse = tf.reshape(rows.inverse, (-1, dim, dim))
        found = 1 / tf.abs(tf.linalg.det(inverse))[:, None]
    return found if rows.all_rows else found[rows.begin : rows.end]


def values_at(x):
    """u at other points, for each row at the mu of that row.

    For equations that are not local: integrals up to x, delays, values at a fixed
    point. The integral of u from 0 to x, with the nodes of ``quadrature`` on (0, 1):

    .. code-block:: python

        nodes, weights = lrnr.data.quadrature(dde.geometry.Interval(0, 1), 8)


        def pde(x, u, mu):
            integral = sum(
                w * x * lrnr.data.values_at(s * x)
                for s, w in zip(nodes.ravel(), weights.ravel())
            )
            return dde.grad.jacobian(u, x) + mu[:, 0:1] * integral

    Each call costs as much as u itself.

    Args:
        x: Tensor with rows as those of the x that the function gets, shape (rows, d);
            or one point, an array of shape (1, d).

    Returns:
        Tensor of shape (rows, number of components).

    Raises:
        RuntimeError: If it is not called by a function of a problem, or of an operator
            of ``predict``.
        TypeError: If ``x`` is not made of real numbers.
        ValueError: If ``x`` has another shape.
    """
    rows = _here("values_at")
    if rows.function is None:
        raise RuntimeError("values_at() is called where the network is not known.")
    x = _as_tensor("x", x, rows.x.dtype)
    total, dim = rows.x.shape
    own = total if rows.end is None else rows.end - rows.begin
    if x.shape.rank != 2 or x.shape[1] != dim or x.shape[0] not in (1, own, total):
        expected = total if rows.all_rows else own
        raise ValueError(
            f"x has shape {tuple(x.shape)}; it must be ({expected}, {dim}), rows as "
            f"those of the function's x, or (1, {dim})."
        )
    if x.shape[0] == 1:
        like = rows.x if rows.all_rows else rows.x[rows.begin : rows.end]
        x = tf.broadcast_to(x, tf.shape(like))
        x.set_shape(like.shape)
    if own == total or x.shape[0] == total:
        return rows.function(x)
    # In their places among all rows, so that each has the coefficients of its row.
    x = tf.concat((rows.x[: rows.begin], x, rows.x[rows.end :]), axis=0)
    return rows.function(x)[rows.begin : rows.end]
