"""Parameters and grids, from arguments and tables of the command line."""

from __future__ import annotations

import csv
import math
from unicodedata import normalize

import numpy as np

from ..parameters import ParameterSpace
from .messages import UsageError


def parse_mu(text: str, space: ParameterSpace) -> np.ndarray:
    """Array of shape (p,) from "name=value,..."."""
    values = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        try:
            number = float(value)
        except ValueError:
            raise UsageError(
                f"--mu has {part.strip()!r}; it must be e.g. {_example(space)}."
            ) from None
        if name in values:
            raise UsageError(f"--mu has {name} twice.")
        values[name] = number
    try:
        return space.as_array(values, "--mu")[0]
    except ValueError as error:
        raise UsageError(str(error)) from None


def _example(space: ParameterSpace) -> str:
    middle = zip(space.names, space.low / 2 + space.high / 2, strict=True)
    return ",".join(f"{name}={value:g}" for name, value in middle)


def read_table(path: str, space: ParameterSpace) -> np.ndarray:
    """Array of shape (n, p) from a CSV file, whose columns may be in any order.

    Raises:
        OSError: If it cannot be read.
        ValueError: If its header is not that of the parameters, or a value is no finite
            number; the message names the line.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file, skipinitialspace=True)
        # As a ParameterSpace has its names.
        header = [normalize("NFKC", name.strip()) for name in next(lines, [])]
        if sorted(header) != sorted(space.names):
            raise ValueError(
                f"{path} has the columns {', '.join(header) or 'none'}; its first line "
                f"must name the parameters: {', '.join(space.names)}."
            )
        rows = []
        for line in lines:
            if not line:
                continue
            where = f"{path}, line {lines.line_num}"
            if len(line) != len(header):
                raise ValueError(f"{where} has {len(line)} values, not {len(header)}.")
            pairs = zip(header, line, strict=True)
            rows.append([_number(value, f"{where}, {name}") for name, value in pairs])
    if not rows:
        raise ValueError(f"{path} has no mu below its header.")
    columns = dict(zip(header, np.array(rows).T, strict=True))
    return space.as_array(columns, path)


def _number(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{where} is {text!r}; it must be a finite number.")
    return number


def parse_grid(text: str, low, high) -> list[np.ndarray]:
    """Equispaced coordinates along each side of the bounding box."""
    counts = text.lower().split("x")
    if not all(count.isascii() and count.isdigit() for count in counts):
        raise UsageError(f"--grid is {text!r}; it must be e.g. 256x101.")
    if len(counts) != len(low) or min(map(int, counts)) < 2:
        raise UsageError(
            f"--grid is {text!r}; it must have {len(low)} numbers of points, at least "
            "2 each, time last."
        )
    return [
        np.linspace(*side) for side in zip(low, high, map(int, counts), strict=True)
    ]
