"""Reduced basis: solutions as functions, of which new solutions are combinations."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .build import SlowDecayWarning
    from .model import ReducedBasis
    from .solver import BasisLeastSquares

__all__ = ["BasisLeastSquares", "ReducedBasis", "SlowDecayWarning"]

# A surrogate, which stands in this package, is loaded without TensorFlow; so what needs
# it is imported when it is first used (PEP 562).
_HOME = {
    "BasisLeastSquares": "solver",
    "ReducedBasis": "model",
    "SlowDecayWarning": "build",
}


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
