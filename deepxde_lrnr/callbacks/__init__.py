"""Callbacks of the meta phase."""

__all__ = ["AdaptiveSampler", "Checkpoint", "ParameterResampler", "Progress"]

from .adaptive_sampler import AdaptiveSampler
from .checkpoint import Checkpoint
from .parameter_resampler import ParameterResampler
from .progress import Progress
