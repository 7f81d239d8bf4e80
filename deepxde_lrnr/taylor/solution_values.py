"""Values of solutions of the fast phase at many points, in NumPy alone.

Values of all hidden states at all points and mu would be far more than the memory
holds, and their derivatives are not needed here: one mu after the other, in blocks of
points that stay in the cache.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from .._cores import num_cores
from ..io.numpy_operations import ACTIVATIONS
from ..io.sizes import Sizes
from .anchors import TRAINED, Anchors

# Points of a block: the states of a layer of 100 neurons take a third of a megabyte.
_BLOCK = 384


def hypernetwork(
    kernels, biases, num_scales: int, y: np.ndarray, activation: str
) -> np.ndarray:
    """The hypernetwork's coefficients, as ``nn.hypernetwork`` has them.

    Args:
        kernels: Of its layers.
        biases: The same.
        num_scales: Number of coefficients s, which come first.
        y: Scaled mu, shape (P, p).
        activation: Name of that of its hidden layers.

    Returns:
        Array of shape (P, number of coefficients).
    """
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        y = ACTIVATIONS[activation](y @ kernel + bias)
    y = y @ kernels[-1] + biases[-1]
    y[:, :num_scales] = np.maximum(y[:, :num_scales], 0)
    return y


class SolutionValues:
    """N(x; mu_j), combinations of trial functions (``TrialSpace``), for several mu_j.

    Args:
        weights: Of the network, by the names that they have in files.
        activations: For each hidden layer, a function of an array of any shape, which
            it may overwrite.
        random: Weights and shifts of the random features, which may follow N of the
            network itself (``TrialSpace``).
        y: Scaled mu_j, shape (n, p).
        readouts: Their readouts, shape (n, number of components times number of trial
            functions).
        activation: Name of the hypernetwork's activation.
        anchors: ``None``, or the ``Anchors`` that random features follow, of which
            components come behind them.
        mu: The mu_j, shape (n, p), with anchors.

    Attributes:
        size: Values for each point, n times the number of components.

    Raises:
        ValueError: If these do not fit together.
    """

    def __init__(
        self,
        weights: dict,
        activations,
        random,
        y,
        readouts,
        activation,
        anchors: Anchors | None = None,
        mu=None,
    ):
        weights = {name: np.asarray(w, float) for name, w in weights.items()}
        sizes = Sizes.of(weights, y.shape[1])
        self._weights, self._activations = weights, activations
        self._depth, self._num_outputs = len(sizes.widths), sizes.outputs
        self._count, self.size = len(y), len(y) * sizes.outputs
        kernels, biases = (
            [weights[f"{name}_{i}"] for i in range(len(sizes.hidden) + 1)]
            for name in ("kernel", "bias")
        )
        z = hypernetwork(kernels, biases, sum(sizes.ranks), y, activation)
        ends = np.cumsum((*sizes.ranks, *sizes.bias_ranks))
        # What is left are the network's own readouts.
        *parts, own = np.split(z, ends, axis=1)
        self._scales = parts[: self._depth - 1]
        self._shifts = parts[self._depth - 1 :]
        followed = sizes.outputs if anchors is not None else 0
        counts = (*sizes.widths, len(random[1]), followed)
        shape = len(y), sizes.outputs, sum(counts) + 1
        *self._readouts, self._random_readouts, self._followed, self._constants = (
            np.split(np.reshape(readouts, shape), np.cumsum(counts), axis=2)
        )
        self._random = np.vstack([*random]).T
        # If the random features are functions of N of the network itself as well.
        self._own = None
        if len(random[0]) > sizes.features:
            self._own = np.tile(weights["W_out"].T, (len(y), 1, 1))
            if own.size:
                self._own += own.reshape(self._own.shape)
        self._anchors, self._numbers = None, [TRAINED] * len(y)
        if anchors is None:
            return
        self._numbers = anchors.nearest(np.asarray(mu, float)).tolist()
        needed = {k for number in self._numbers for k in anchors.chain(number)}
        scaled = anchors.parameter_space.scale(anchors.mu)
        # By themselves, in an order in which each follows one before it.
        self._anchors = {
            k: (
                int(anchors.parents[k]),
                SolutionValues(
                    weights,
                    activations,
                    (anchors.weights, anchors.shifts),
                    scaled[k : k + 1],
                    anchors.readouts[k : k + 1],
                    activation,
                    replace(anchors, always=TRAINED),
                    anchors.mu[k : k + 1],
                ),
            )
            for k in sorted(needed)
        }

    def __call__(self, features, followed=None) -> np.ndarray:
        """Values.

        Args:
            features: Features of the points, shape (m, N), or where they depend on mu
                a list of such arrays, one for each mu_j.
            followed: For an anchor: N that it follows, shape (number of components, N),
                or ``None`` if that is the network's own.

        Returns:
            Array of shape (n, number of components, N).
        """
        shared = not isinstance(features, list)
        N = {TRAINED: followed}
        for k, (parent, solution) in (self._anchors or {}).items():
            N[k] = solution(features, N[parent] if parent != TRAINED else None)[0]
        # With a row of ones, for the biases.
        features = [
            np.vstack([f, np.ones(f.shape[1])])
            for f in ([features] if shared else features)
        ]
        count = features[0].shape[1]
        out = np.empty((self._count, self._num_outputs, count))
        out[...] = self._constants
        alone = self._random.size and self._own is None
        if alone and shared:
            self._add_random(features[0], self._random_readouts, out)

        def add(j):
            own = features[0] if shared else features[j]
            if alone and not shared:
                part = slice(j, j + 1)
                self._add_random(own, self._random_readouts[part], out[part])
            self._add_states(j, own, out[j], N[self._numbers[j]])

        # One thread for each mu: threads of BLAS would wait for each other.
        with (
            threadpool_limits(1, "blas"),
            ThreadPoolExecutor(min(num_cores(), self._count)) as pool,
        ):
            list(pool.map(add, range(self._count)))
        return out

    def _add_random(self, features, readouts, out) -> None:
        """Adds the random features, for several mu_j that have the same."""
        flat = readouts.reshape(-1, readouts.shape[-1])
        for block in _blocks(features.shape[1]):
            states = self._random @ features[:, block]
            np.tanh(states, out=states)
            out[:, :, block] += (flat @ states).reshape(*out.shape[:2], -1)

    def _add_states(self, j: int, features, out, followed) -> None:
        """Adds the hidden states of mu_j, and what follows a solution."""
        forward, backward = self._matrices(j)
        # With a row of ones.
        states = [np.ones((len(w) + 1, _BLOCK)) for w in forward]
        modes = [np.empty((len(w), _BLOCK)) for w in backward]
        for block in _blocks(features.shape[1]):
            before, width = features[:, block], block.stop - block.start
            for level in range(self._depth):
                inner = states[level][:-1, :width]
                np.matmul(forward[level], before, out=inner)
                state = self._activations[level](inner)
                # What the next layer needs of this one, and what N does.
                before = modes[level][:, :width]
                np.matmul(backward[level], state, out=before)
                rank = len(before) - self._num_outputs
                out[:, block] += before[rank:]
                if f"W_{level + 1}" in self._weights:
                    if state is not inner:
                        inner[...] = state
                    before = states[level][:, :width]
                    continue
                before = before[: rank + 1]
                before[rank] = 1
            if self._own is not None:
                if followed is None:
                    N = self._own[j] @ state + self._weights["b_out"][:, None]
                else:
                    N = followed[:, block]
                inputs = np.vstack([features[:-1, block], N, features[-1:, block]])
                inner = np.tanh(self._random @ inputs)
                out[:, block] += self._random_readouts[j] @ inner
                if self._followed.size:
                    out[:, block] += self._followed[j] @ N

    def _matrices(self, j: int):
        """For each layer the matrices before and after the activation."""
        w, forward, backward = self._weights, [], []
        for level in range(self._depth):
            bias = w[f"b_{level}"]
            if f"B_{level}" in w:
                bias = bias + w[f"B_{level}"] @ self._shifts[level][j]
            if level == 0:
                into = w["W_in"].T
            elif f"W_{level}" in w:
                into = w[f"W_{level}"].T
            else:
                into = w[f"U_{level}"] * self._scales[level - 1][j]
            forward.append(np.hstack([into, bias[:, None]]))
            after = [self._readouts[level][j]]
            if f"V_{level + 1}" in w:
                after.insert(0, w[f"V_{level + 1}"].T)
            backward.append(np.vstack(after))
        return forward, backward


def _blocks(count: int):
    """Slices of so many points."""
    ends = (*range(0, count, _BLOCK), count)
    return itertools.starmap(slice, itertools.pairwise(ends))
