"""Every public function of the package, with arguments with which it works."""

from .family import add_problem, add_space
from .fast_phase import add_fast_phase
from .meta_phase import add_meta_phase
from .networks import add_networks
from .plots import add_plots
from .public import NOT_FOR_USERS, public_functions, takes_arguments
from .reduction import add_reduction
from .tiny import Tiny
from .verdict import Call, faults

__all__ = [
    "NOT_FOR_USERS",
    "Tiny",
    "calls",
    "faults",
    "public_functions",
    "takes_arguments",
]


def calls(tiny: Tiny) -> dict[str, Call]:
    """For each public function that takes arguments, what they must be."""
    entries = {}
    public = public_functions()

    def add(name, arguments, kinds, allowed=None, call=None, result=None):
        entries[name] = Call(
            call or public[name],
            public[name],
            arguments,
            kinds,
            allowed or {},
            result or (lambda value: value),
        )

    for add_some in (
        add_space,
        add_problem,
        add_networks,
        add_meta_phase,
        add_fast_phase,
        add_reduction,
        add_plots,
    ):
        add_some(add, tiny)
    return entries
