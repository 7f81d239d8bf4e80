"""DeepXDE plugin: solve the same PDE for many parameters, each in milliseconds."""

__all__ = [
    "DivergenceError",
    "FastModel",
    "FileFormatError",
    "Model",
    "OutsideGeometryWarning",
    "OutsideParameterSpaceWarning",
    "ParameterSpace",
    "Solution",
    "Sweep",
    "__version__",
    "callbacks",
    "data",
    "fast_phase",
    "load_fast",
    "load_model",
    "nn",
    "optimizers",
    "plot",
    "reduction",
    "sweep",
]

from . import _backend  # noqa: F401  # isort: skip  (before DeepXDE is imported)
from . import callbacks, data, fast_phase, nn, optimizers, plot, reduction
from ._version import __version__
from .data.outside import OutsideGeometryWarning
from .fast_phase import FastModel, Solution
from .io import FileFormatError
from .loading import load_fast, load_model
from .model import Model
from .parameter_space import OutsideParameterSpaceWarning, ParameterSpace
from .sweep import Sweep, sweep
from .training import DivergenceError
