"""Functions that were written down, as functions of arrays: NumPy and SciPy alone.

Only values, no derivatives, of the operations that ``numpy_operations`` and the modules
beside it know. The size of each result is known before there is one, and may be what a
row of points needs (``Program.most_entries``).
"""

from __future__ import annotations

import numpy as np

from . import programs
from .numpy_operations import ENTRYWISE
from .numpy_shapes import SHAPING
from .numpy_sums import SUMS
from .programs import ALL_RESULTS, CONSTANT, NotStorable, Program, pick

OPERATIONS = ENTRYWISE | SUMS | SHAPING
# Rows that are computed at once, which bounds the memory.
_MAX_ROWS = 4096


class NotInNumPy(ValueError):
    """A function of a file cannot be computed by NumPy; the message says why."""


class _NumPy:
    """NumPy, for ``programs.parse``."""

    @staticmethod
    def arguments(kind: str) -> frozenset[str]:
        if kind not in OPERATIONS:
            raise NotInNumPy(f"it uses {kind}, which only TensorFlow computes")
        return OPERATIONS[kind].arguments

    @staticmethod
    def dtype(name: str) -> np.dtype:
        try:
            dtype = np.dtype(str(name))
        except TypeError:  # such as bfloat16
            raise NotInNumPy(f"NumPy has no dtype {name!r}") from None
        if dtype.kind not in "biuf":
            raise NotInNumPy(f"{name!r} is no dtype of numbers")
        return dtype


def rebuild(
    program: dict,
    constants: dict[str, np.ndarray],
    columns: tuple[int, ...],
    dtype: str,
    result: int | None = None,
):
    """The function that ``functions.trace`` wrote down, which has been evaluated once.

    Args:
        program: From there.
        constants: The same.
        columns: Number of columns of each argument.
        dtype: Their type.
        result: Number of columns that its result must have, or ``None``.

    Returns:
        Function of as many arrays of this type, with a row for each point, to an array.
        It raises ``NotInNumPy`` where a result would be too large.

    Raises:
        NotInNumPy: If it has an operation that NumPy does not know here, or fails.
        ValueError: If it is not well-formed.
    """
    try:
        parsed = programs.parse(program, constants, _NumPy)
    except NotStorable as error:
        raise NotInNumPy(str(error)) from error
    for rows in (1, 2):
        found = _computed(parsed, [np.full((rows, n), 0.5, dtype) for n in columns])
        fits = found.ndim == 2 and len(found) == rows and found.dtype == dtype
        if not fits or result not in (None, found.shape[1]) or not found.size:
            raise NotInNumPy(
                f"it makes {found.dtype} of shape {found.shape} of {rows} rows"
            )
        result = found.shape[1]

    def function(*inputs):
        starts = range(0, max(len(inputs[0]), 1), _MAX_ROWS)
        return np.concatenate(
            [_computed(parsed, [v[i : i + _MAX_ROWS] for v in inputs]) for i in starts]
        )

    return function


def _computed(program: Program, inputs) -> np.ndarray:
    try:
        # What is not finite says so by itself, as in TensorFlow.
        with np.errstate(all="ignore"):
            return _run(program, inputs)
    except NotInNumPy:
        raise
    # Operations that do not fit together: of NumPy's many types.
    except Exception as error:
        raise NotInNumPy(f"it fails ({error})") from error


def _run(program: Program, inputs) -> np.ndarray:
    if len(inputs) != program.num_inputs:
        raise NotInNumPy(
            f"it takes {program.num_inputs} arguments instead of {len(inputs)}"
        )
    values = [[np.asarray(array)] for array in inputs]
    limit = program.most_entries(len(inputs[0]))
    left = ALL_RESULTS * limit

    for node in program.nodes:
        if node.kind == CONSTANT:
            values.append([np.asarray(node.arguments)])
            continue
        operation = OPERATIONS[node.kind]
        given = {name: pick(values, r) for name, r in node.arguments.items()}
        given |= node.attributes
        if operation.entries is not None and not operation.entries(**given) <= limit:
            raise NotInNumPy(f"{node.kind} has a result of more than {limit} entries")
        made = operation.run(**given)
        made = [np.asarray(v) for v in (made if isinstance(made, list) else [made])]
        left -= sum(v.size for v in made)
        if left < 0:
            raise NotInNumPy(
                "its results have together more entries than a row of points needs"
            )
        values.append(made)
    return pick(values, program.output)
