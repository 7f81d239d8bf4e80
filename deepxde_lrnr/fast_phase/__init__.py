"""The fast phase: solves for new mu."""

__all__ = [
    "Adam",
    "FastModel",
    "LeastSquares",
    "PrecisionWarning",
    "Solution",
]

from ..taylor.precision import PrecisionWarning
from .adam import Adam
from .fast_model import FastModel
from .least_squares import LeastSquares
from .solution import Solution
