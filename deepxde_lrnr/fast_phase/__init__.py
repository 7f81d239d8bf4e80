"""The fast phase: solves for new mu."""

__all__ = [
    "Adam",
    "LeastSquares",
    "NotResolvedWarning",
    "PrecisionWarning",
    "Solution",
    "Status",
]

from ..taylor.precision import PrecisionWarning
from .adam import Adam
from .error_estimate import NotResolvedWarning
from .least_squares import LeastSquares
from .solution import Solution
from .status import Status
