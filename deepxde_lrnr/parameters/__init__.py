"""The box of parameters: numbers and vectors, and the forms in which mu is written."""

__all__ = ["OutsideParameterSpaceWarning", "ParameterSpace"]

from .space import OutsideParameterSpaceWarning, ParameterSpace
