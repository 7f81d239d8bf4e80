"""Reduction of a trained model, and the fast phase for new mu."""

__all__ = [
    "Adam",
    "FastModel",
    "LeastSquares",
    "PrecisionWarning",
    "Solution",
    "reduce_model",
]

from .adam import Adam
from .fast_model import FastModel
from .least_squares import LeastSquares
from .precision import PrecisionWarning
from .reduce import reduce_model
from .solution import Solution
