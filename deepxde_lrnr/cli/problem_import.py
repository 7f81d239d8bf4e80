"""The problem that the command line solves: a name in a module, or in a file."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import tokenize
from typing import TYPE_CHECKING

from .messages import UsageError
from .names import may_define

if TYPE_CHECKING:
    from ..data import ParametricPDE


def check_problem(text: str) -> tuple[str, str, bool]:
    """Looks whether a problem can be there, without running any code.

    Returns:
        The module or file, the name in it, and whether it is a file.

    Raises:
        UsageError: If ``text`` is not as for ``import_problem``, there is no such
            file, or it has no such name.
    """
    where, colon, name = text.rpartition(":")
    if not colon or not where or not name.isidentifier():
        raise UsageError(
            f"--problem is {text!r}; it must be module:name or file.py:name."
        )
    is_file = where.endswith(".py")
    if is_file:
        if not os.path.isfile(where):
            raise UsageError(f"--problem is {text!r}, but there is no file {where}.")
        try:
            with tokenize.open(where) as file:
                there = may_define(file.read(), name)
        # What is no Python code, running it shows best.
        except (RecursionError, SyntaxError, ValueError):
            there = True
        if not there:
            raise UsageError(
                f"--problem is {text!r}, but {where} has no {name} (it was not run)."
            )
    return where, name, is_file


def import_problem(text: str) -> ParametricPDE:
    """Imports the problem, which executes the code of its module.

    Args:
        text: "module:name" or "file.py:name" of a ``ParametricPDE`` or of a function
            without arguments that returns one.

    Raises:
        UsageError: If ``text`` is not of this form, or there is no such thing.
        ValueError: If its code raises an error.
    """
    where, name, is_file = check_problem(text)
    from ..data import ParametricPDE

    # As for a script, what is beside it can be imported.
    sys.path.insert(0, os.path.dirname(os.path.realpath(where)) if is_file else "")
    try:
        if is_file:
            spec = importlib.util.spec_from_file_location("_problem", where)
            module = importlib.util.module_from_spec(spec)
            # Autograph finds the source of a function by its module.
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(where)
        if not hasattr(module, name):
            raise UsageError(f"--problem is {text!r}, but {where} has no {name}.")
        problem = getattr(module, name)
        if callable(problem) and not isinstance(problem, ParametricPDE):
            problem = problem()
    except UsageError:
        raise
    # Errors of the user's code, of any type.
    except Exception as error:
        kind = type(error).__name__
        raise ValueError(f"--problem {text}: {kind}: {error}") from error
    if not isinstance(problem, ParametricPDE):
        raise UsageError(
            f"--problem {text} is a {type(problem).__name__}; it must be a "
            "ParametricPDE, or a function that returns one."
        )
    return problem
