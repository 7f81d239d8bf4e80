"""Memory that is used again."""

from __future__ import annotations

import numpy as np


class Workspace:
    """Arrays that are written again and again, one set for each thread.

    Large arrays that are asked for anew in each solve cost more time than the
    arithmetic in them: the operating system hands out their pages one by one, and
    several threads wait for each other there.
    """

    def __init__(self):
        self._arrays = {}

    def empty(self, name, shape: tuple[int, ...]) -> np.ndarray:
        """The array of this name, with whatever is in it."""
        array = self._arrays.get(name)
        if array is None or array.shape != shape:
            array = self._arrays[name] = np.empty(shape)
        return array

    def kept(self, name, make) -> np.ndarray:
        """The array of this name, made by ``make()`` the first time."""
        if name not in self._arrays:
            self._arrays[name] = make()
        return self._arrays[name]
