"""The callbacks of a training in their order, with a bar where one is seen."""

from __future__ import annotations

import sys

import deepxde as dde

from .checkpoint import Checkpoint
from .progress import Progress


def arranged(callbacks, verbose: int) -> tuple[list, Checkpoint | None]:
    """The user's callbacks with a progress bar, and the checkpoint at the end.

    Args:
        callbacks: List of them, or ``None``.
        verbose: As for ``Model.train``.

    Returns:
        All of them, and the checkpoint among them.

    Raises:
        ValueError: If there are several checkpoints.
    """
    callbacks = list(callbacks or [])
    checkpoints = [c for c in callbacks if isinstance(c, Checkpoint)]
    if len(checkpoints) > 1:
        raise ValueError(
            f"callbacks has {len(checkpoints)} Checkpoints; there can be one."
        )
    has_bar = any(isinstance(c, Progress) for c in callbacks)
    terminal = sys.stderr is not None and sys.stderr.isatty()
    if verbose > 0 and dde.config.rank == 0 and terminal and not has_bar:
        callbacks.append(Progress())
    # A checkpoint holds what the other callbacks have done in its step.
    callbacks = [c for c in callbacks if c not in checkpoints] + checkpoints
    return callbacks, checkpoints[0] if checkpoints else None
