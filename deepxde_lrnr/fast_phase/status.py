"""How a least squares solve, or the paper's Adam, ended."""

from __future__ import annotations

from enum import Enum


class Status(str, Enum):
    """How a solve ended. Each is the string that it is written as.

    Attributes:
        sentence: What that means.
    """

    CONVERGED = ("converged", "A further step would hardly lower the residual.")
    ITERATIONS_DONE = (
        "iterations done",
        "All steps were taken; more of them could lower the residual.",
    )
    NO_DESCENT = (
        "no further descent",
        "Of a step that lowers the residual there is none.",
    )
    NO_IMPROVEMENT = (
        "no improvement",
        "The start was returned: nothing has a lower residual at held-out points.",
    )
    NOT_FINITE = ("not finite", "The residual or its Jacobian is NaN or infinite.")
    NOT_RESOLVED = (
        "not resolved",
        "The relative error of u, estimated or likely for the residual, is above what "
        "is allowed: a per cent, or the tolerance.",
    )

    def __new__(cls, text: str, sentence: str):
        status = str.__new__(cls, text)
        status._value_, status.sentence = text, sentence
        return status

    # Arrays of them are printed and written to files as strings.
    __repr__ = str.__repr__
    __str__ = str.__str__
