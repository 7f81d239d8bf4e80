"""Regularisation of the meta phase: R_ortho and R_sparse."""

from __future__ import annotations

from collections.abc import Mapping

import deepxde as dde
import tensorflow as tf

from .._checks import as_number, is_finite, shown

# R_sparse asks that coefficients fall by this factor from one index to the next
# (arXiv 2410.04001, section 3.1).
DECAY = 1.25


def orthogonality(factor):
    """||F^T F - I||_F / r^2 for F = U_l or V_l of shape (M, r): a term of R_ortho."""
    rank = factor.shape[-1]
    gram = tf.matmul(factor, factor, transpose_a=True)
    defect = tf.reduce_sum(tf.square(gram - tf.eye(rank, dtype=gram.dtype)))
    # The norm has no derivative at 0, where an orthonormal factor starts.
    return tf.sqrt(defect + 1e-12) / rank**2


def sparsity(scales, decay: float = DECAY):
    """R_sparse = sum_l sum_i relu(decay * s_{l,i+1} - s_{l,i}), averaged over mu.

    The difference is taken along the coefficient index i, so that coefficients decay
    geometrically and the last of them can be dropped.

    Args:
        scales: List of Tensors s_l of shapes (P, r_l).
        decay: The factor gamma.
    """
    return sum(
        tf.reduce_mean(tf.reduce_sum(tf.nn.relu(decay * s[:, 1:] - s[:, :-1]), axis=1))
        for s in scales
    )


class Regularization:
    """What ``regularization=...`` of an LRNR asks for.

    Args:
        identifier: ``None``; a mapping with weights for ``"orthogonality"`` and
            ``"sparsity"``; or what ``dde.nn.FNN`` accepts, e.g. ``["l2", 1e-4]``.

    Attributes:
        identifier: The same in plain types: ``None``, a dictionary or a list.

    Raises:
        ValueError: If a term is not known or its weight is not a finite number >= 0.
    """

    def __init__(self, identifier):
        terms = ("orthogonality", "sparsity")
        self.weights = dict.fromkeys(terms, 0.0)
        self.kernel = None
        if not isinstance(identifier, Mapping):
            self.kernel = _kernel(identifier)
            if self.kernel is not None:
                identifier = [identifier[0], *map(float, identifier[1:])]
        else:
            for term, weight in identifier.items():
                if term not in terms:
                    raise ValueError(
                        f"regularization has the unknown term {term!r}; known are "
                        f"{', '.join(map(repr, terms))}."
                    )
                self.weights[term] = as_number(
                    f"regularization[{term!r}]",
                    weight,
                    "a finite number >= 0",
                    lambda v: v >= 0,
                )
            identifier = {term: self.weights[term] for term in identifier}
        self.identifier = identifier or None

    def __bool__(self) -> bool:
        return self.kernel is not None or any(self.weights.values())

    @property
    def factor(self):
        """Keras regularizer for U_l and V_l, or ``None``."""
        weight = self.weights["orthogonality"]
        return (lambda factor: weight * orthogonality(factor)) if weight else None

    def of_coefficients(self, scales):
        """Loss for the coefficients s_l, or ``None``."""
        weight = self.weights["sparsity"]
        return weight * sparsity(scales) if weight else None


def _kernel(identifier):
    """Keras regularizer of what ``dde.nn.FNN`` accepts."""
    if identifier is None:
        return None
    listed = isinstance(identifier, (list, tuple))
    if listed and len(identifier) == 0:
        return None
    try:
        if listed and all(is_finite(v) and v >= 0 for v in identifier[1:]):
            return dde.nn.regularizers.get(identifier)
    except (AttributeError, ValueError):  # not a name, or not a name it knows
        pass
    raise ValueError(
        f"regularization is {shown(identifier)}; it must be a mapping with weights of "
        "'orthogonality' and 'sparsity', or a list as ['l2', 1e-4]."
    )
