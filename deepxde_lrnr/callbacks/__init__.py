"""Callbacks of the meta phase."""

__all__ = ["Checkpoint", "ParameterResampler", "Progress"]

from .checkpoint import Checkpoint
from .parameter_resampler import ParameterResampler
from .progress import Progress
