"""The model that a command is given."""

from __future__ import annotations

import os

import numpy as np

from ..io import container
from ..io.kinds import FAST_MODEL, MODEL
from ..parameters import ParameterSpace
from ..sweeps.stores import SUFFIXES
from .messages import UsageError, say
from .predictions import Predictions, set_float
from .problem_import import check_problem, import_problem
from .values import parse_grid


class GivenModel:
    """A file with a model, and what a command asks of it: all but computations."""

    def __init__(self, options, read_mu):
        self.path, self.out = options.file, options.out
        suffix = os.path.splitext(self.out)[1]
        folder = os.path.dirname(os.path.realpath(self.out))
        if not os.path.isdir(folder):
            raise UsageError(f"--out is {self.out}, but there is no folder {folder}.")
        if options.problem is not None:
            check_problem(options.problem)
        elif options.tolerance is not None:
            raise UsageError(
                "--tolerance is for solving, which needs the problem: --problem."
            )
        content = container.read_any(self.path)
        if content.kind not in (MODEL, FAST_MODEL):
            raise ValueError(
                f"{self.path} holds a {content.kind}, not a model; this command needs "
                "a file that Model.save or FastModel.save wrote."
            )
        self.kind = content.kind
        self.content = content
        try:
            self.dtype = str(content.header["dtype"])
            self.space = ParameterSpace.from_dict(content.header["parameter_space"])
            sides = content.arrays["problem/low"], content.arrays["problem/high"]
        except (KeyError, TypeError, ValueError) as error:
            raise container.FileFormatError(
                f"{self.path} is not well-formed: {error!r}."
            ) from error
        self.mu = read_mu(self.space)
        self.axes = parse_grid(options.grid, *sides)
        if self.mu.ndim == 1 and suffix == ".zarr":
            raise UsageError(f"--out is {self.out}; one solution goes to an .npz file.")
        if self.mu.ndim == 2 and suffix not in SUFFIXES:
            raise UsageError(
                f"--out is {self.out}; it must end with {' or '.join(SUFFIXES)}."
            )
        self.points = np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1).reshape(
            -1, len(self.axes)
        )
        self.problem, self.tolerance = options.problem, options.tolerance

    def with_problem(self):
        """The ``FastModel`` with the problem."""
        if self.kind != FAST_MODEL:
            raise ValueError(
                f"{self.path} holds a {self.kind}, which is not reduced; the fast "
                "phase needs a file that FastModel.save wrote."
            )
        from ..loading import load_fast

        set_float(self.dtype)
        return load_fast(self.path, import_problem(self.problem))

    def predictions(self) -> Predictions:
        """What there is without the problem."""
        return Predictions(
            self.path, self.content, self.points, lambda text: say("note", text)
        )
