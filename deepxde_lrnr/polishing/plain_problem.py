"""A problem without parameters as a family of one member."""

from __future__ import annotations

import contextlib

import deepxde as dde
import numpy as np

from .._checks import as_function
from ..data import ParametricPDE
from ..data.errors import Errors
from ..parameters import ParameterSpace
from .variables import Variables

_UNSUPPORTED = (dde.data.FPDE, dde.data.IDE)


class PlainProblem(ParametricPDE):
    """A ``dde.data.PDE`` or ``TimePDE`` as it is: nothing in it takes mu.

    Whatever mu is, the errors are those of the problem: there is a parameter because
    the machinery wants one.

    Args:
        problem: ``dde.data.PDE`` or ``dde.data.TimePDE``.
        variables: The unknown numbers of an inverse problem, read by its functions.

    Raises:
        TypeError: If ``problem`` is of another type.
        ValueError: If a function takes the wrong number of arguments, or the PDE or an
            IC/BC has no points.
    """

    def __init__(self, problem, variables: Variables):
        check_data(problem)
        self.variables = variables
        super().__init__(problem, ParameterSpace(none=(0, 1)), 1, num_test=1)
        self.errors = _Errors(variables, problem, self.conditions)

    def _check_arguments(self) -> None:
        pde = self.problem.pde
        if pde is not None:
            as_function("pde", pde, (2,), "(x, u)")
        for condition in self.conditions:
            if condition.takes_mu:
                raise ValueError(
                    f"The function of {condition.name} takes auxiliary variables, "
                    "which polish() does not have; it must be a function of x."
                )
        if self.measured:
            raise ValueError(
                f"{self.bc_names[min(self.measured)]} has measurements at mu of their "
                "own; without parameters it must be a dde.icbc.PointSetBC."
            )
        if pde is None and not self.conditions:
            raise ValueError("The problem of model has neither a pde nor conditions.")

    def _sample(self, n: int, distribution: str) -> np.ndarray:
        # Any, without a random number.
        return np.zeros((n, 1), dde.config.real(np))


class _Errors(Errors):
    """Errors whose functions read the unknown numbers in the precision of x.

    Args:
        variables: These.
        problem: As for ``Errors``.
        conditions: The same.
    """

    def __init__(self, variables: Variables, problem, conditions):
        super().__init__(problem, conditions)
        self._variables = variables

    @contextlib.contextmanager
    def _calling(self, name, rows):
        with self._variables.read_as(rows.x.dtype), super()._calling(name, rows):
            yield


def check_data(problem) -> None:
    """Checks the data of a ``dde.Model``.

    Raises:
        TypeError: If it is no ``dde.data.PDE`` or ``TimePDE``.
        ValueError: If it has auxiliary variables.
    """
    if not isinstance(problem, dde.data.PDE) or isinstance(problem, _UNSUPPORTED):
        raise TypeError(
            f"The data of model is a {type(problem).__module__}."
            f"{type(problem).__name__}; polish() takes dde.data.PDE and "
            "dde.data.TimePDE, whose residual it needs."
        )
    if problem.auxiliary_var_fn is not None:
        raise ValueError(
            "The data of model has an auxiliary_var_function, which polish() does not "
            "take; functions of x can be computed in pde itself."
        )
