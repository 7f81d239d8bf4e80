"""Reduction of a trained model, and the fast phase for new mu."""

__all__ = ["Adam", "FastModel", "GaussNewton", "Solution", "reduce_model"]

from .adam import Adam
from .fast_model import FastModel
from .gauss_newton import GaussNewton
from .reduce import reduce_model
from .solution import Solution
