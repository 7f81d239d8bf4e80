"""Parametric problems around DeepXDE's own."""

__all__ = ["ParametricPDE"]

from .parametric_pde import ParametricPDE
