"""Networks of PDE families: low rank neural representations, and those of others."""

__all__ = ["CoefficientLayout", "FastLRNR", "HyperLRNR", "LRNR", "Parametric"]

from .coefficients import CoefficientLayout
from .fast_lrnr import FastLRNR
from .hyper_lrnr import HyperLRNR
from .lrnr import LRNR
from .parametric import Parametric
