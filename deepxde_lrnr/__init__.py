"""DeepXDE plugin: solve the same PDE for many parameters, each in milliseconds."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

# _backend chooses DeepXDE's backend, hence comes before DeepXDE is imported, by anyone;
# _forks has to see every fork from now on.
from . import _backend, _forks  # noqa: F401
from ._version import __version__

if TYPE_CHECKING:
    from . import (
        callbacks,
        data,
        fast_phase,
        nn,
        offline,
        optimizers,
        plot,
        reduced_basis,
        reduction,
    )
    from .fast_model import FastModel
    from .fast_phase import Solution
    from .geometry.outside import OutsideGeometryWarning
    from .io import FileFormatError
    from .loading import load_fast, load_model
    from .model import Model
    from .parameters import OutsideParameterSpaceWarning, ParameterSpace
    from .polishing import PolishedSolution, polish
    from .reduced_basis.surrogate import Surrogate, load_surrogate
    from .sweeps.sweep import Sweep, sweep
    from .training import DivergenceError

__all__ = [
    "DivergenceError",
    "FastModel",
    "FileFormatError",
    "Model",
    "OutsideGeometryWarning",
    "OutsideParameterSpaceWarning",
    "ParameterSpace",
    "PolishedSolution",
    "Solution",
    "Surrogate",
    "Sweep",
    "__version__",
    "callbacks",
    "data",
    "fast_phase",
    "load_fast",
    "load_model",
    "load_surrogate",
    "nn",
    "offline",
    "optimizers",
    "plot",
    "polish",
    "reduced_basis",
    "reduction",
    "sweep",
]

# Importing DeepXDE and TensorFlow takes seconds, which what only reads arguments or
# files should not cost: names are imported when they are first used (PEP 562). No
# module may be called like one of them: importing it would put it in their place.
_MODULES = frozenset(
    (
        "callbacks",
        "data",
        "fast_phase",
        "nn",
        "offline",
        "optimizers",
        "plot",
        "reduced_basis",
        "reduction",
    )
)
_HOME = {
    "DivergenceError": "training",
    "FastModel": "fast_model",
    "FileFormatError": "io",
    "Model": "model",
    "OutsideGeometryWarning": "geometry.outside",
    "OutsideParameterSpaceWarning": "parameters",
    "ParameterSpace": "parameters",
    "PolishedSolution": "polishing",
    "Solution": "fast_phase",
    "Surrogate": "reduced_basis.surrogate",
    "Sweep": "sweeps.sweep",
    "load_fast": "loading",
    "load_model": "loading",
    "load_surrogate": "reduced_basis.surrogate",
    "polish": "polishing",
    "sweep": "sweeps.sweep",
}


def __getattr__(name: str):
    if name not in _MODULES and name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # The choice may have been changed since this package was imported.
    _backend.require_tensorflow()
    if name in _MODULES:
        value = importlib.import_module(f".{name}", __name__)
    else:
        value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
