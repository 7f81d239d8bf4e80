"""What keeps a meta phase going: its state, its divergence, its devices."""

__all__ = ["DivergenceError"]

from .divergence import DivergenceError
