"""Parametric problems around DeepXDE's own."""

__all__ = [
    "ParametricPDE",
    "ParametricPointSetBC",
    "RandomField",
    "as_rows",
    "per_parameter",
    "quadrature",
    "values_at",
]

from .parametric_pde import ParametricPDE
from .point_sets import ParametricPointSetBC
from .quadrature import quadrature
from .random_field import RandomField
from .rows import as_rows, per_parameter, values_at
