"""How many threads are worth it."""

from __future__ import annotations

import contextlib
import os
from contextvars import ContextVar

_most: ContextVar[int | None] = ContextVar("most", default=None)


def num_cores() -> int:
    """Cores that this process may use, or this thread within ``at_most``."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return min(count, _most.get() or count)


@contextlib.contextmanager
def at_most(count: int):
    """Leaves all but so many cores to others."""
    token = _most.set(count)
    try:
        yield
    finally:
        _most.reset(token)
