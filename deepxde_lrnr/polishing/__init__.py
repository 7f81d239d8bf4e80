"""One PDE without parameters: what DeepXDE has trained, polished by least squares."""

__all__ = ["PolishedSolution", "polish"]

from .polish import polish
from .solution import PolishedSolution
