"""Files of trained and of reduced models."""

__all__ = ["FileFormatError"]

from .container import FileFormatError
