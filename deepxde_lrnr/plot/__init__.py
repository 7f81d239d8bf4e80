"""Pictures of the stages: coefficients, reduction, basis, solve, solution, indicator.

Every function draws on Matplotlib axes, ``ax``, or on those of a new figure, and
returns them, so that labels and limits can be changed afterwards; nothing is shown.
Matplotlib's pyplot is imported when a new figure is needed, not before.
"""

__all__ = [
    "basis",
    "coefficients",
    "convergence",
    "indicator",
    "singular_values",
    "solution",
]

from ._basis import basis
from ._family import coefficients, singular_values
from ._solution import solution
from ._solves import convergence, indicator
