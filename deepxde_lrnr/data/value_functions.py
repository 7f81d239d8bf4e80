"""The user's own value functions, which DeepXDE's IC/BC keep in wrappers.

``DirichletBC(geom, func, ...)`` holds what ``npfunc_range_autocache`` made of ``func``.
That counts every parameter of ``func``, with a default or not: of one that takes
``(x, level=7)`` it makes a function of (x, mu), and of ``(x, mu, i=i)``, the usual
closure of a loop, it makes ``None``, so that ``func`` is lost.
"""

from __future__ import annotations

import functools

from deepxde import utils
from deepxde.icbc import boundary_conditions, initial_conditions

_NAME = "npfunc_range_autocache"
_original = getattr(boundary_conditions, _NAME, None)


def _keep(func):
    """DeepXDE's wrapper; where it would be ``None``, one that still knows ``func``."""
    wrapper = _original(func)
    if wrapper is not None:
        return wrapper

    @functools.wraps(func)
    def kept(X, beg, end, aux_var):
        raise TypeError(
            "DeepXDE's own problems take a value function of (x) or (x, auxiliary "
            "variables), without further parameters."
        )

    return kept


def keep_value_functions() -> None:
    """Lets IC/BC that are made from now on know their functions.

    DeepXDE's own behaviour is as before, but for the message of the error that comes
    of calling ``None``.
    """
    for module in (boundary_conditions, initial_conditions):
        if getattr(module, _NAME, None) is _original and _original is not None:
            setattr(module, _NAME, _keep)


def _wrappers() -> set:
    """The code of the functions that DeepXDE, and ``_keep``, put around others."""
    of_user = [lambda x: x, lambda x, mu: x, lambda x, mu, i: x]
    found = {utils.return_tensor(of_user[0]).__code__}
    if _original is not None:
        found |= {_keep(function).__code__ for function in of_user}
    return found


_WRAPPERS = _wrappers()


def users_function(func):
    """The function that the user gave, inside of DeepXDE's wrappers.

    Args:
        func: Attribute ``func`` of an IC/BC.

    Returns:
        The function; ``func`` itself if it is none of DeepXDE's wrappers.
    """
    # By their code: a wrapper of the user's, which does something, has to stay.
    while getattr(func, "__code__", None) in _WRAPPERS:
        func = func.__wrapped__
    return func
