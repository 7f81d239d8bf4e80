"""What the command line says."""

from __future__ import annotations

import sys


class UsageError(Exception):
    """An argument is not as it must be."""


def show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    say("warning", message)


def say(kind: str, message) -> None:
    """One line to stderr."""
    print(f"{kind}: {' '.join(str(message).split())}", file=sys.stderr)
