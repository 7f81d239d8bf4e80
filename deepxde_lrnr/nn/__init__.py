"""Low rank neural representations as DeepXDE networks."""

__all__ = ["CoefficientLayout", "FastLRNR", "HyperLRNR", "LRNR"]

from .coefficients import CoefficientLayout
from .fast_lrnr import FastLRNR
from .hyper_lrnr import HyperLRNR
from .lrnr import LRNR
