"""Bad inputs of every public function; what comes of them is judged as by the tests."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import deepxde as dde

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from surface import Tiny, calls, faults  # noqa: E402

ROWS = {
    "public_functions": "public functions called with bad arguments",
    "bad_inputs_tried": "bad inputs",
    "undocumented_errors": (
        "of them, accepted, or with an error that is not documented or not clear"
    ),
    "unusual_inputs_tried": "unusual inputs that are allowed",
    "unusual_inputs_refused": ("of them, refused, or with a result that is not finite"),
}
# Number of faults that are kept as text.
_KEPT = 20


@contextlib.contextmanager
def _inside(folder):
    """Relative paths that are not refused are written to there."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def bad_inputs(examples: int) -> dict:
    """Bad and unusual inputs of every public function, drawn by hypothesis.

    Args:
        examples: Number of bad inputs for each function; of unusual ones that are
            allowed a fourth.

    Returns:
        The figures of ``ROWS``, and ``faults``, the first faults as text.
    """
    dde.config.set_random_seed(0)
    counts = {True: [0, 0], False: [0, 0]}
    texts = []
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        functions = calls(Tiny(folder))
        for name, call in functions.items():
            for allowed in (False, True):
                if allowed and not call.allowed:
                    continue
                number = max(1, examples // 4) if allowed else examples
                found, tried = faults(call, number, allowed)
                counts[allowed][0] += tried
                counts[allowed][1] += len(found)
                texts += [f"{name}, {inputs!r}: {fault}" for inputs, fault in found]
    return {
        "public_functions": len(functions),
        "bad_inputs_tried": counts[False][0],
        "undocumented_errors": counts[False][1],
        "unusual_inputs_tried": counts[True][0],
        "unusual_inputs_refused": counts[True][1],
        "faults": texts[:_KEPT],
    }
