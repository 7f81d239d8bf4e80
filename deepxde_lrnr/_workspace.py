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
        self._arrays = {}

    def part(self, name) -> Workspace:
        """Another set of arrays, which stay as they are when these are written."""
        return self.kept(("part", name), Workspace)

    def empty(self, name, shape: tuple[int, ...]) -> np.ndarray:
        """The array of this name, with whatever is in it."""
        array = self._arrays.get(name)
        if array is None or array.shape != shape:
            array = self._arrays[name] = _aligned(shape)
        return array

    def kept(self, name, make):
        """What has this name, made by ``make()`` the first time."""
        if name not in self._arrays:
            self._arrays[name] = make()
        return self._arrays[name]


def _aligned(shape) -> np.ndarray:
    """An empty array that TensorFlow can read where it is."""
    size = math.prod(shape)
    memory = np.empty(size + ALIGNMENT // 8)
    first = -memory.ctypes.data % ALIGNMENT // 8
    return memory[first : first + size].reshape(shape)
