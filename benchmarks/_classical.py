"""Which classical solvers are peers of a family, and in which sizes.

Each in several sizes, which are points of a curve of time and error. Nothing was tuned:
they double what is resolved until the error is about that of the references.
"""

from __future__ import annotations

from functools import partial

from _collocation import Kovasznay
from _exponential_integrator import AllenCahn, Fourier
from _finite_elements import Poisson, ReducedPoisson

# Points and steps; points in x and in y; layers of elements and degree.
SIZES = {
    "cdr": ((16, 10), (32, 20), (32, 40), (48, 80)),
    "convection": ((8, 100),),
    "burgers": ((32, 40), (64, 40), (128, 100), (192, 200)),
    "allen_cahn": ((32, 20), (48, 20), (64, 40), (128, 80)),
    "kovasznay": ((8, 5), (10, 5), (12, 5), (14, 5)),
    "poisson": ((2, 3), (2, 6), (4, 6), (4, 8)),
}
# pyMOR's bases have at most so many functions, from solutions with these elements at so
# many mu.
BASES, ELEMENTS, NUM_SNAPSHOTS = (40, 100, 200), (4, 6), 1000


def classical_solvers(name: str, quick: bool, problem=()) -> dict:
    """Makers of the solvers of a family, by the names that they have in the table.

    Args:
        name: Of the family.
        quick: Whether it is a short run, which takes the two smallest.
        problem: Of Poisson's equation the source as a function of points and mu, and
            center and radius of the hole.

    Returns:
        Functions without arguments to solvers, with methods ``solve(mu)`` and
        ``values(found, ...)``, and an attribute ``num_unknowns``.
    """
    make = {
        "allen_cahn": AllenCahn,
        "kovasznay": Kovasznay,
        "poisson": partial(Poisson, *problem),
    }.get(name, partial(Fourier, name))
    sizes = SIZES[name][: 2 if quick else None]
    return {f"classical {a} x {b}": partial(make, a, b) for a, b in sizes}


def reduced_bases(quick: bool, problem, space) -> dict:
    """The same for pyMOR's reduced bases of Poisson's equation.

    Args:
        quick: Whether it is a short run.
        problem: As for ``classical_solvers``.
        space: The ``ParameterSpace``.
    """

    def make(size):
        number = 20 if quick else NUM_SNAPSHOTS
        mu = space.sample(number, "Halton").astype(float)
        elements = SIZES["poisson"][0] if quick else ELEMENTS
        return ReducedPoisson(Poisson(*problem, *elements), mu, size)

    sizes = BASES[:1] if quick else BASES
    return {f"pyMOR {size}": partial(make, size) for size in sizes}
