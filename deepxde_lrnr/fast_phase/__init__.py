"""Reduction of a trained model, and the fast phase for new mu."""

__all__ = ["Adam", "FastModel", "Solution"]

from .adam import Adam
from .fast_model import FastModel
from .solution import Solution
