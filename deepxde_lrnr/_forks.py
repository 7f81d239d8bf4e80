"""Notices that this process was forked from one in which TensorFlow had started.

The threads of TensorFlow do not live on in a forked child, but TensorFlow there waits
for them: the first compiled function hangs for ever. Python's ``multiprocessing`` forks
by default on Linux before Python 3.14. Nothing is wrong if TensorFlow is first used
after the fork, so that is what has to be known: whether it had started before.
"""

from __future__ import annotations

import os
import sys


class _Process:
    """What is known of this process.

    Attributes:
        used: Whether this package has computed in it, or in one that it was forked
            from.
        forked: Whether TensorFlow had started when it was forked.
    """

    used = False
    forked = False


def check_fork(what: str) -> None:
    """Checks that TensorFlow can compute in this process.

    Args:
        what: What is about to be computed, for the message, e.g. "predict()".

    Raises:
        RuntimeError: If the process was forked from one in which TensorFlow was used.
    """
    if _Process.forked:
        raise RuntimeError(
            f"{what} would hang: this process was forked from one in which TensorFlow "
            "had been used, and TensorFlow does not work in a forked child. Start "
            'processes with multiprocessing.get_context("spawn") (or "forkserver"), or '
            'call multiprocessing.set_start_method("spawn") first; concurrent.futures.'
            'ProcessPoolExecutor takes mp_context=multiprocessing.get_context("spawn").'
        )
    _Process.used = True


def _started() -> bool:
    """Whether TensorFlow has started its threads, by whomever it was used."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = getattr(module, "_context", None)
    # TensorFlow has no public way to ask without starting it.
    return getattr(context, "_context_handle", None) is not None


def _after_fork() -> None:
    _Process.forked = _Process.forked or _Process.used or _started()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)
