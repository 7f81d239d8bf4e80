"""Reduction: from a trained network to the ``FastModel``."""

__all__ = ["reduce_model"]

from .reduce import reduce_model
