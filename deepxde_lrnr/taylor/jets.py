"""Truncated Taylor polynomials of many functions at many points ("jets").

A jet holds the Taylor coefficients c_alpha = D^alpha f / alpha! of functions of x at
points, alpha over a set of multi-indices; sums, products and compositions of jets give
all derivatives of a network in one forward pass, without autodiff (Taylor mode).

References:
    `A. Griewank, & A. Walther. Evaluating derivatives, 2nd edition. SIAM, 2008
    <https://doi.org/10.1137/1.9780898717761>`_, chapter 13.
"""

from __future__ import annotations

import itertools
from functools import cached_property

import numpy as np

from .._workspace import Workspace

# Numbers that are composed at a time: those computed between stay in the cache.
_AT_ONCE = 65_536


class MultiIndices:
    """A set of multi-indices, closed under taking smaller ones.

    Args:
        indices: Tuples of d integers >= 0. Smaller ones are added, since a composition
            needs them.

    Attributes:
        indices: Tuple of multi-indices, by their order; the first is zero.
        order: The largest order |alpha|.
    """

    def __init__(self, indices):
        closed = set()
        for index in indices:
            closed.update(itertools.product(*(range(i + 1) for i in index)))
        self.indices = tuple(sorted(closed, key=lambda i: (sum(i), i[::-1])))
        self.order = max(map(sum, self.indices))

    @classmethod
    def up_to(cls, dim: int, order: int) -> MultiIndices:
        """All multi-indices of ``dim`` entries up to an order."""
        every = itertools.product(range(order + 1), repeat=dim)
        return cls(index for index in every if sum(index) <= order)

    @property
    def dim(self) -> int:
        """Number of variables, d."""
        return len(self.indices[0])

    def __len__(self) -> int:
        return len(self.indices)

    def __eq__(self, other):
        return isinstance(other, MultiIndices) and self.indices == other.indices

    def __hash__(self):
        return hash(self.indices)

    @cached_property
    def products(self) -> list[list[tuple[int, int]]]:
        """For each multi-index the pairs of places, none zero, that add up to it."""
        place = {index: i for i, index in enumerate(self.indices)}
        pairs = [[] for _ in self.indices]
        for (i, a), (j, b) in itertools.product(enumerate(self.indices), repeat=2):
            total = place.get(tuple(map(sum, zip(a, b, strict=True))))
            if i and j and total is not None:
                pairs[total].append((i, j))
        return pairs

    def polynomial(self, jets, distance):
        """Values of the polynomials with given jets, of arrays or of Tensors.

        Args:
            jets: Shape (``len(self)``, m, n).
            distance: Shape (n, d), from the points of the jets.

        Returns:
            Values of shape (m, n).
        """
        columns = [distance[:, j] for j in range(self.dim)]
        monomials = {self.indices[0]: None}
        total = jets[0]
        for place, index in enumerate(self.indices[1:], start=1):
            j = next(j for j, order in enumerate(index) if order)
            smaller = monomials[tuple(i - (k == j) for k, i in enumerate(index))]
            monomials[index] = columns[j] if smaller is None else smaller * columns[j]
            total = total + jets[place] * monomials[index]
        return total

    def compose(
        self,
        series,
        inner: np.ndarray,
        out: np.ndarray | None = None,
        workspace: Workspace | None = None,
    ) -> np.ndarray:
        """Jets of f(g), from the Taylor coefficients of f at the values of g.

        Args:
            series: Function of values g of shape (m, n), and of a ``workspace``, to the
                list of f^(k)(g) / k! for k = 0, ..., ``order``.
            inner: Jets of g, shape (``len(self)``, m, n).
            out: Where the result is written, by default a new array.
            workspace: For what is computed between.

        Returns:
            Array of the shape of ``inner``.
        """
        workspace = workspace or Workspace()
        result = np.empty_like(inner) if out is None else out
        rows = max(1, _AT_ONCE // max(inner.shape[2], 1))
        for first in range(0, inner.shape[1], rows):
            part = inner[:, first : first + rows]
            coefficients = series(part[0], workspace=workspace)
            place = result[:, first : first + rows]
            self._compose(coefficients, part, place, workspace)
        return result

    def _compose(
        self, series: list[np.ndarray], inner, result, workspace: Workspace
    ) -> None:
        """``compose`` for some functions g, from coefficients of f."""
        result[0] = series[0]
        if self.order > 0:
            np.multiply(series[1], inner[1:], out=result[1:])
        # Entries of (g - g(x))^k, of order k or more.
        power = dict(enumerate(inner[1:], start=1))
        term = workspace.empty("term", inner.shape[1:])
        for k in range(2, self.order + 1):
            previous, power = power, {}
            for total, pairs in enumerate(self.products):
                sums = None
                for i, j in pairs:
                    if i not in previous:
                        continue
                    if sums is None:
                        sums = workspace.empty(("power", k % 2, total), term.shape)
                        np.multiply(previous[i], inner[j], out=sums)
                    else:
                        sums += np.multiply(previous[i], inner[j], out=term)
                if sums is not None:
                    power[total] = sums
                    result[total] += np.multiply(series[k], sums, out=term)
