"""An estimate of the error of u, by least squares in a richer trial space.

A residual has the units of the PDE and says little about u. In a space with more
functions the same problem has a solution nearer to the true one; what it differs by is
most of the error.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tensorflow as tf
from threadpoolctl import threadpool_limits

from .._point_major import rows_of
from .._workspace import Workspace
from ..data.residual import Residual
from ..data.spread_points import spread_points
from ..taylor.jets import MultiIndices
from .gauss_newton import minimise
from .points import fast_collocations, num_points
from .random_features import RandomFeatures
from .refinement import points_like
from .status import Status

# Random features by which the richer space is larger.
_NUM_MORE = 128
# Seed of these features and of the points; the solver's own have 0.
_SEED = 1
_STEPS = 4
_FEWEST_HELD_OUT = 64
# If the richer space leaves more than this share of the residual, the error is not one
# that more functions of this kind would show.
_MOST_LEFT, _BOUND = 0.8, 0.95
# A relative error above it is named.
RESOLVED = 1e-2
# What a residual says of such errors is not learnt from those below this share.
_FAR_BELOW = 1e-2


class NotResolvedWarning(UserWarning):
    """The fast phase is likely off by more than a per cent somewhere in the box."""


class ErrorEstimate:
    """Relative errors of u in the L2 norm, estimated.

    With u' found in the richer space, and q the residual that it leaves over that of u,
    both at held-out points,

        |u' - u| / |u'| / (1 - q^2)^(1/2)

    is the estimate. A least squares solution is a projection: what is left of the error
    in u' is orthogonal to u' - u, in the norm of the residual, and q times the error of
    u. (The norm of u is another one; hence an estimate.) Where q is near 1, as at a
    layer or a kink that no smooth function follows, u' says nothing of the error; the
    residual relative to that of N = 0 is the estimate there if it is larger, which is
    small only if little of the problem is left, e.g. rounding.

    Args:
        fast: ``FastModel``, with its problem.

    References:
        `R. E. Bank, & R. K. Smith. A posteriori error estimates based on hierarchical
        bases. SIAM Journal on Numerical Analysis, 30(4), 921--935, 1993
        <https://doi.org/10.1137/0730048>`_: the saturation assumption.
    """

    def __init__(self, fast):
        data, weights = fast.residual.data, fast.residual.loss_weights
        own, expansion = fast.space, fast.expansion
        features = own.features(
            fast.residual.collocation.points, with_solution=own.follows_solution
        )
        scales = own.random.scales(features)
        more = RandomFeatures.draw(features, _NUM_MORE, scales, _SEED)
        random = own.random.beside(more)
        self._space = own.with_random(random)
        self._own, self._rcond = own, fast.rcond
        count = num_points(self._space.size, expansion.num_equations)
        sizes = count, max(count // 4, _FEWEST_HELD_OUT)
        # None of them near one that was fitted: a residual that is small there alone
        # would be so again.
        even = [
            spread_points(data.geom, n, "Halton", (2 + 2 * i) * count)
            for i, n in enumerate(sizes)
        ]
        inside = even
        if own.follows_solution:
            # The points are denser where the solution is steep.
            given = fast.residual.collocation.pde_points
            inside = [
                points_like(data.geom, given, n, _SEED + i) for i, n in enumerate(sizes)
            ]
        collocations = [
            replace(c, pde_points=points) if len(c.pde_points) else c
            for c, points in zip(
                fast_collocations(data, *sizes, seed=_SEED), inside, strict=True
            )
        ]
        residuals = [Residual(data, c, weights) for c in collocations]
        self._equations = expansion.equations(*residuals, self._space)
        # Where the norm of u is taken, not denser anywhere.
        self._data, self._points = data, even[0]
        values_only = MultiIndices.up_to(self._points.shape[1], 0)
        self._functions = self._space.at_points(values_only, self._points)

    def __call__(self, mu, coefficients, residuals, predictor) -> np.ndarray:
        """The estimates.

        Args:
            mu: Shape (P, p).
            coefficients: Of ``LeastSquares``, or others, shape (P, q).
            residuals: Root mean squares at held-out points, shape (P,).
            predictor: ``Predictor`` of the coefficients.

        Returns:
            Array of shape (P,).
        """

        workspaces = Workspace(), Workspace()

        def one(m, z, residual) -> float:
            def values(x):
                return predictor(x, m[None], z[None], True)

            return self._of_one(m, z, residual, values, *workspaces)

        rows = zip(mu, coefficients, residuals, strict=True)
        return np.array([one(*row) for row in rows], float)

    def _of_one(self, mu, coefficients, residual, values, memory, more) -> float:
        with threadpool_limits(limits=1, user_api="blas"):
            readout = self._embedded(coefficients)
            start = self._space.start(mu) if readout is None else readout
            at = self._equations.at(mu, memory)
            minimum = minimise(at, start, _STEPS, 0.1, self._rcond)
            if minimum.status == Status.NOT_FINITE:
                return np.nan
            points = self._data.physical(self._points.astype(float), mu)
            (functions,) = self._functions(mu[None], more)
            better = self._u(mu, points, functions, minimum.unknowns)
            if readout is None:
                u = values(points)
            else:
                u = self._u(mu, points, functions, readout)
        zero = np.zeros(self._space.size)
        return from_richer(u, better, residual, minimum.held_out[-1], at, zero)

    def _embedded(self, coefficients) -> np.ndarray | None:
        """The readout in the richer space, if that is what the coefficients are."""
        own = self._own
        if len(coefficients) != own.size + 1 or coefficients[-1]:
            return None
        w = coefficients[:-1].reshape(own.num_outputs, -1)
        more = np.zeros((own.num_outputs, _NUM_MORE))
        end = own.num_functions - own.num_followed - 1
        return np.hstack([w[:, :end], more, w[:, end:]]).ravel()

    def _u(self, mu, points, functions, readout) -> np.ndarray:
        """Values of u in the richer space at the physical points."""
        values = (readout.reshape(self._own.num_outputs, -1) @ functions).T
        arguments = map(tf.constant, (rows_of(mu[None], points), points, values))
        return self._own.precision.output_transform(*arguments).numpy()


def from_richer(u, better, residual: float, squares: float, at, zero) -> float:
    """The estimate of ``ErrorEstimate``.

    Args:
        u: Values of u.
        better: Those of u', found in the richer space.
        residual: Root mean square of that of u at held-out points.
        squares: The square of that of u'.
        at: The residual in the richer space.
        zero: Its unknowns for N = 0.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.sqrt(squares) / residual
        change = np.linalg.norm(better - u) / np.linalg.norm(better)
    if left < _MOST_LEFT:
        return float(change / np.sqrt(1 - left**2))
    of_zero = np.linalg.norm(at(zero).held_out)
    # Where N = 0 is a solution there is no such share.
    share = residual / of_zero if of_zero else 0.0
    return float(max(change / np.sqrt(1 - min(left, _BOUND) ** 2), share))


def error_per_residual(errors: np.ndarray, residuals: np.ndarray) -> float | None:
    """The largest error for its residual, of those that are not far below a per cent.

    Args:
        errors: Estimates of the relative error of u at a few mu.
        residuals: The residuals there, after the fast phase.

    Returns:
        The factor, 0 where all errors are far below; ``None`` if no error is known.
    """
    known = np.isfinite(errors) & (residuals > 0)
    if not known.any():
        return None
    near = known & (errors > _FAR_BELOW * RESOLVED)
    return float(np.max(errors[near] / residuals[near], initial=0))
