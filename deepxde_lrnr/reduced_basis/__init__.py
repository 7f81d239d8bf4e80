"""Reduced basis: solutions as functions, of which new solutions are combinations."""

__all__ = ["BasisLeastSquares", "ReducedBasis", "SlowDecayWarning"]

from .build import SlowDecayWarning
from .model import ReducedBasis
from .solver import BasisLeastSquares
