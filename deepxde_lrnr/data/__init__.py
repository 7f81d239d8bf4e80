"""Parametric problems around DeepXDE's own."""

__all__ = [
    "DeformationError",
    "ParametricPDE",
    "ParametricPointSetBC",
    "RandomField",
    "as_rows",
    "per_parameter",
    "quadrature",
    "values_at",
    "volume_elements",
]

from .deformation import DeformationError
from .parametric_pde import ParametricPDE
from .point_sets import ParametricPointSetBC
from .quadrature import quadrature
from .random_field import RandomField
from .rows import as_rows, per_parameter, values_at, volume_elements
