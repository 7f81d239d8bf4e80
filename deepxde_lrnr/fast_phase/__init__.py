"""The fast phase: solves for new mu."""

__all__ = [
    "Adam",
    "FastModel",
    "LeastSquares",
    "NotResolvedWarning",
    "PrecisionWarning",
    "Solution",
]

from ..taylor.precision import PrecisionWarning
from .adam import Adam
from .error_estimate import NotResolvedWarning
from .fast_model import FastModel
from .least_squares import LeastSquares
from .solution import Solution
