"""Memory that is used again."""

from __future__ import annotations

import math

import numpy as np

# Bytes to whose multiples TensorFlow aligns memory.
ALIGNMENT = 64


class Workspace:
    """Arrays that are written again and again, one set for each thread.

    Large arrays that are asked for anew in each solve cost more time than the
    arithmetic in them: the operating system hands out their pages one by one, and
    several threads wait for each other there.
    """

    def __init__(self):
        self._arrays, self._memory = {}, {}
        self._owners, self._parts = {}, {}

    def part(self, name) -> Workspace:
        """Another set of arrays, which stay as they are when these are written."""
        if name not in self._parts:
            self._parts[name] = Workspace()
        return self._parts[name]

    def empty(self, name, shape: tuple[int, ...]) -> np.ndarray:
        """The array of this name, with whatever is in it.

        One of another shape that had the name before lies in the same memory.
        """
        array = self._arrays.get(name)
        if array is None or array.shape != shape:
            size, memory = math.prod(shape), self._memory.get(name)
            if memory is None or len(memory) < size:
                memory = self._memory[name] = _aligned(size)
            array = self._arrays[name] = memory[:size].reshape(shape)
        return array

    def filled(self, name, owner, shape: tuple[int, ...], fill) -> np.ndarray:
        """As ``empty``, of which a part is written once for each owner.

        Args:
            name: Of no array of ``empty``.
            owner: Whoever asks; if that was another one the last time, the array is
                written anew.
            shape: Of the array.
            fill: Function of the array that writes what stays as it is.
        """
        array = self.empty(name, shape)
        if self._owners.get(name) != (owner, shape):
            fill(array)
            self._owners[name] = owner, shape
        return array


def _aligned(size: int) -> np.ndarray:
    """Empty memory that TensorFlow can read where it is."""
    memory = np.empty(size + ALIGNMENT // 8)
    first = -memory.ctypes.data % ALIGNMENT // 8
    return memory[first : first + size]
