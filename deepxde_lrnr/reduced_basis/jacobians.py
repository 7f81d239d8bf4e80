"""Jacobians of several mu in a reduced basis, and steps by the normal equations.

They are small: calls for each of them would take longer than the arithmetic, and
threads would wait for each other. So what one of several problems asks for is computed
for all of them, each by the same operations as if it were alone.
"""

from __future__ import annotations

from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from ..fast_phase.factors import Factors

# Condition of the normal equations, the square of that of the Jacobian, up to which
# half of the digits of a step are right.
_MOST = 1e8


class BasisLinearised(NamedTuple):
    """As ``Linearised``; one of several, a ``Stack``.

    Attributes:
        fitted: As there.
        held_out: The same.
        jacobian: Function without arguments.
        stack: The ``Stack``.
        number: Its place there.
    """

    fitted: np.ndarray
    held_out: np.ndarray
    jacobian: object
    stack: Stack
    number: int

    def projected(self, factors) -> tuple[np.ndarray, np.ndarray]:
        """``factors.project(fitted)``."""
        return self.stack.projected(factors, self.number)


def basis_factors(at: BasisLinearised):
    """Factors of the Jacobian, ``None`` if it is not finite."""
    return at.stack.factors(at.number)


class Stack:
    """Residuals of several problems, and what follows from their Jacobians.

    Args:
        numbers: The numbers of the k problems.
        fitted: Residuals at the points fitted, shape (k, m).
        held_out: At the points held out.
        make: Function of a slice of the k problems to their transposed Jacobians, of
            shape (., n, m), which nothing writes to as long as they are used.
        together: Whether all Jacobians are computed once one is asked for.
    """

    def __init__(self, numbers: tuple, fitted, held_out, make, together: bool):
        self._numbers, self._fitted, self._held_out = numbers, fitted, held_out
        self._make, self._together = make, together
        self._normal, self._projected = {}, {}

    def linearised(self) -> list[BasisLinearised]:
        """One for each problem."""
        # Not kept: they hold the stack, and what holds itself is not freed at once.
        return [
            BasisLinearised(*rows, partial(self._jacobian, i), self, i)
            for i, rows in enumerate(zip(self._fitted, self._held_out, strict=True))
        ]

    def _normal_equations(self, i: int) -> tuple[NormalEquations, int]:
        """Those that problem i is among, and its place there."""
        first, part = (0, slice(None)) if self._together else (i, slice(i, i + 1))
        if first not in self._normal:
            made = NormalEquations(self._numbers[part], self._make(part))
            self._normal[first] = made
        return self._normal[first], i - first

    def _jacobian(self, i: int) -> np.ndarray:
        normal, place = self._normal_equations(i)
        return normal.jacobians[place].T

    def factors(self, i: int):
        """As ``basis_factors``."""
        normal, place = self._normal_equations(i)
        return normal.factors(place)

    def projected(self, factors, i: int) -> tuple[np.ndarray, np.ndarray]:
        """As ``BasisLinearised.projected``."""
        normal = getattr(factors, "normal", None)
        if normal is None or normal.numbers != self._numbers:
            return factors.project(self._fitted[i])
        if normal not in self._projected:
            self._projected[normal] = normal.project(self._fitted)
        return tuple(rows[i] for rows in self._projected[normal])


class NormalEquations:
    """Normal equations of several problems, and their Cholesky factors.

    J^T J has the square of the condition of J, and is factored in a third of the time
    that J takes. The columns that an orthonormal basis makes are far from being
    combinations of each other; where they are not, J itself is factored.

    Args:
        numbers: The numbers of the k problems.
        jacobians: Transposed Jacobians, shape (k, n, m), which must stay as they are.

    References:
        `G. H. Golub, & C. F. Van Loan. Matrix computations, 4th edition. Johns Hopkins
        University Press, 2013`_, section 5.3.
    """

    def __init__(self, numbers: tuple, jacobians: np.ndarray):
        self.numbers, self.jacobians = numbers, jacobians

    @cached_property
    def _inverses(self) -> tuple[np.ndarray, list[bool]]:
        """Inverses of the lower Cholesky factors, shape (k, n, n), and which of them
        are accurate.
        """
        gram = np.matmul(self.jacobians, self.jacobians.swapaxes(1, 2))
        inverses, accurate = np.zeros_like(gram), []
        for matrix, inverse in zip(gram, inverses, strict=True):
            # Frobenius norms, which are not below those that the condition is made of;
            # that of the factor.
            square = matrix.trace()
            # LAPACK takes rows for columns.
            upper, failed = lapack.dpotrf(matrix.T, overwrite_a=True)
            if not failed:
                found, failed = lapack.dtrtri(upper, overwrite_c=True)
            if not failed:
                inverse[...] = found.T
                square *= np.vdot(inverse, inverse)
            accurate.append(not failed and square <= _MOST)
        return inverses, accurate

    def factors(self, i: int):
        """Factors of problem i, ``None`` if its Jacobian is not finite."""
        if not np.isfinite(self.jacobians[i]).all():
            return None
        if self._inverses[1][i]:
            return CholeskyFactors(self, i)
        return Factors(np.array(self.jacobians[i].T, order="F"))

    def project(self, r: np.ndarray, part=slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """As ``CholeskyFactors.project`` for r of shape (k, m), and a slice of them."""
        J, inverse, r = self.jacobians[part], self._inverses[0][part], r[..., None]
        inside = np.matmul(inverse, np.matmul(J, r))
        step = -np.matmul(inverse.swapaxes(1, 2), inside)
        beside = r + np.matmul(J.swapaxes(1, 2), step)
        return np.concatenate([inside, beside], axis=1)[..., 0], step[..., 0]


class CholeskyFactors:
    """As ``Factors``, for problem i of normal equations."""

    def __init__(self, normal: NormalEquations, i: int):
        self.normal, self._i = normal, i
        self.rank = normal.jacobians.shape[1]

    def project(self, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates of r: ``rank`` in the range of J, and what is beside it; and the
        step that removes the former.
        """
        part = slice(self._i, self._i + 1)
        projected, step = self.normal.project(r[None], part)
        return projected[0], step[0]
