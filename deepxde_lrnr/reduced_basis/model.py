"""A reduced basis: functions, points, starts, and what errors to expect."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..data.residual import Residual
from ..taylor.jets import MultiIndices
from .arrays import is_usable
from .equations import BasisEquations
from .functions import BasisFunctions
from .interpolation import Interpolation

# Nearest of the mu at which error and residual are known that tell their ratio.
_NUM_NEAREST = 4


@dataclass(frozen=True, eq=False)
class ReducedBasis:
    """What ``FastModel.build_basis`` makes.

    Attributes:
        functions: The basis functions, n of them.
        residual: Residual at the points fitted.
        held_out: At the points held out.
        indices: Derivatives of N that the residual uses.
        interpolation: Coefficients over the box, from which a solve starts.
        checked: mu, not among those that the basis was chosen from, at which the error
            was estimated, shape (m, p).
        errors: These relative L2 errors of u, shape (m,).
        residuals: Root mean square residual at held-out points there, shape (m,).
        interpolation_errors: Estimated errors of u there if the coefficients are
            interpolated instead of solved for, shape (m,).
        tolerance: What was asked for.
        decay: Largest held-out residual over the candidates, for each size from the
            first that was looked at to n, shape (number of sizes,).
        sizes: Those sizes.
        seconds: What it took to build.
        traced: ``None``, or equations at the same points, which are traced already.
    """

    functions: BasisFunctions
    residual: Residual
    held_out: Residual
    indices: MultiIndices
    interpolation: Interpolation
    checked: np.ndarray
    errors: np.ndarray
    residuals: np.ndarray
    interpolation_errors: np.ndarray
    tolerance: float
    decay: np.ndarray
    sizes: np.ndarray
    seconds: float
    traced: BasisEquations | None = None

    @property
    def usable(self) -> bool:
        """Whether ``FastModel.solve`` takes the basis: the tolerance is reached."""
        return is_usable(self.errors, self.tolerance)

    @property
    def limit(self) -> float:
        """Estimated errors above it are not taken from the basis by default."""
        return 2 * self.tolerance

    @property
    def size(self) -> int:
        """Number of basis functions, n."""
        return self.functions.size

    @property
    def mu(self) -> np.ndarray:
        """The mu whose solutions are the basis, in the order of their choice."""
        return self.functions.mu

    def __repr__(self):
        return (
            "ReducedBasis(\n"
            f"  functions: {self.size}\n"
            f"  points: {sum(self.residual.collocation.counts)} of the IC/BC, "
            f"{len(self.residual.collocation.pde_points)} of the PDE\n"
            f"  estimated error at {len(self.errors)} other mu: mean "
            f"{self.errors.mean():.1e}, max {self.errors.max():.1e} "
            f"(tolerance {self.tolerance:.1e})\n"
            f"  built in {self.seconds:.0f} s\n"
            ")"
        )

    @cached_property
    def equations(self) -> BasisEquations:
        """The residual as a function of the coefficients."""
        functions = self.functions
        equations = self.traced or BasisEquations(
            self.residual,
            self.held_out,
            functions.precision,
            functions.num_outputs,
            self.indices,
        )
        return equations.of(functions.jets(self.indices, equations.points))

    @cached_property
    def _ratios(self) -> tuple[np.ndarray, np.ndarray]:
        space = self.functions.parameter_space
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.log(self.errors / self.residuals)
        known = np.isfinite(ratios)
        return space.scale(self.checked[known]), ratios[known]

    def estimate_errors(self, mu, coefficients, residuals, predictor) -> np.ndarray:
        """The relative L2 errors of u at mu of shape (P, p), from the residuals there.

        Error over residual is known at some mu; it is taken from the nearest of them.
        Arguments are those of ``ErrorEstimate``.
        """
        nodes, ratios = self._ratios
        if not len(ratios):
            return np.full(len(mu), np.nan)
        y = self.functions.parameter_space.scale(mu)
        squares = sum((a[:, None] - b) ** 2 for a, b in zip(y.T, nodes.T, strict=True))
        nearest = np.argsort(squares, axis=1, kind="stable")[:, :_NUM_NEAREST]
        return residuals * np.exp(ratios[nearest].mean(axis=1))
