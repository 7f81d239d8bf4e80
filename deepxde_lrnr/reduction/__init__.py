"""Model order reduction of hidden states: arrays in, arrays out.

A hidden layer of width M is *reduced* when only a few of its M neurons are ever
computed. Three steps lead there, each a plain function on arrays:

- ``pod``: an orthonormal basis of the hidden states seen in training (*modes*).
- ``deim_indices``, ``qdeim_indices``, ``oversampled_indices``: which neurons to keep.
- ``interpolation_map``, ``fitted_map``: how what the next layer needs of the whole
  layer follows from the kept neurons.

``reduce_layer`` puts them together. Throughout, a snapshot matrix has shape (M, n):
columns are snapshots, rows are neurons.
"""

__all__ = [
    "METHODS",
    "ReducedLayer",
    "condition",
    "deim_indices",
    "fitted_map",
    "interpolation_map",
    "oversampled_indices",
    "pod",
    "qdeim_indices",
    "reduce_layer",
]

from .indices import deim_indices, oversampled_indices, qdeim_indices
from .layer import METHODS, ReducedLayer, reduce_layer
from .maps import condition, fitted_map, interpolation_map
from .pod import pod
