"""Solutions at a few mu that the random features of others follow; NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..io.sizes import below

# Their arrays in files.
ARRAYS = ("weights", "shifts", "mu", "readouts", "parents", "trained")
# Not the number of an anchor: the trained network's own solution is followed.
TRAINED = -1


@dataclass(frozen=True, eq=False)
class Anchors:
    """Solutions N_k(x) = N(x; mu_k), each found with features that follow another.

    N_k is a combination of the hidden states for mu_k, of tanh(W^T (f(x), N'(x)) + b),
    of the components of N' and of 1, where N' is the anchor ``parents[k]``, or the
    trained network's N(x; mu_k).

    Attributes:
        weights: W, shape (number of features of f and of components, number of random
            features).
        shifts: b, shape (number of random features,).
        mu: The mu_k, shape (K, p).
        readouts: Of each, shape (K, number of components times that of functions).
        parents: For each the number of another before it, or ``TRAINED``.
        trained: Further mu, shape (n, p): where one of them is nearer than all mu_k,
            the trained network's solution is followed.
        parameter_space: ``ParameterSpace``, whose scaled box the distances are in.
        always: ``None``, or what is followed at every mu.
    """

    weights: np.ndarray
    shifts: np.ndarray
    mu: np.ndarray
    readouts: np.ndarray
    parents: np.ndarray
    trained: np.ndarray
    parameter_space: object
    always: int | None = None

    def __len__(self) -> int:
        return len(self.mu)

    def nearest(self, mu: np.ndarray) -> np.ndarray:
        """What is followed at mu of shape (P, p): numbers of anchors, shape (P,)."""
        if self.always is not None:
            return np.full(len(mu), self.always)
        scaled = self.parameter_space.scale(np.asarray(mu, float))
        distances = np.square(scaled[:, None] - self.nodes).sum(axis=2)
        # Of two at the same mu the last one, which follows the other.
        last = len(self.nodes) - 1 - np.argmin(distances[:, ::-1], axis=1)
        return np.maximum(last - len(self.trained), TRAINED)

    @property
    def nodes(self) -> np.ndarray:
        """``trained``, then the mu_k, in the scaled box."""
        return self.parameter_space.scale(np.vstack([self.trained, self.mu]))

    def chain(self, number: int) -> list[int]:
        """An anchor and what it was found with, the first one first."""
        found = []
        while number != TRAINED:
            found.insert(0, int(number))
            number = self.parents[number]
        return found

    def check(self, num_features: int, num_outputs: int, num_states: int) -> None:
        """Checks arrays of a file.

        Args:
            num_features: Of f.
            num_outputs: Number of components.
            num_states: Number of hidden states.

        Raises:
            ValueError: If they contradict each other.
        """
        count, dim = len(self.mu), self.parameter_space.dim
        num_random = len(self.shifts)
        size = num_outputs * (num_states + num_random + num_outputs + 1)
        shapes = {
            "weights": (num_features + num_outputs, num_random),
            "shifts": (num_random,),
            "mu": (count, dim),
            "readouts": (count, size),
            "parents": (count,),
            "trained": (len(self.trained), dim),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} of the anchors does not fit")
        if not np.all((self.parents >= TRAINED) & (self.parents < np.arange(count))):
            raise ValueError("an anchor follows none before it")


def unpack_anchors(arrays: dict, parameter_space, sizes: tuple) -> Anchors | None:
    """The anchors of a file, ``None`` if it has none.

    Args:
        arrays: Of the file.
        parameter_space: ``ParameterSpace``.
        sizes: As for ``Anchors.check``.

    Raises:
        ValueError: If its arrays contradict each other.
    """
    found = below(arrays, "anchors")
    if not found:
        return None
    if found.keys() != set(ARRAYS):
        raise ValueError(f"the anchors have the arrays {sorted(found)}")
    parents = found.pop("parents")
    if parents.dtype.kind != "i":
        raise ValueError("the numbers of the anchors are no integers")
    values = {name: array.astype(float) for name, array in found.items()}
    anchors = Anchors(parents=parents, parameter_space=parameter_space, **values)
    anchors.check(*sizes)
    return anchors
