"""Constraints for pip: the lowest release of what pyproject.toml declares.

    python .ci/lowest.py > constraints.txt
    pip install -c constraints.txt -e ".[distributed,test]"

Dependencies of the package and those of the extras that a user may want are pinned to
the lower bound of their declaration; what only tests, documentation and linting need is
not. Markers are kept, so that the file is right for any Python.
"""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.requirements import Requirement

try:
    import tomllib
except ImportError:  # Python 3.10; pytest brings it there
    import tomli as tomllib

EXTRAS = ("distributed",)


def lowest(declaration: str) -> str:
    """The constraint for one declared dependency, e.g. ``numpy==1.26``.

    Args:
        declaration: As in pyproject.toml, e.g. ``"numpy>=1.26"``.

    Raises:
        ValueError: If it has not exactly one lower bound, ">=".
    """
    requirement = Requirement(declaration)
    bounds = [s.version for s in requirement.specifier if s.operator == ">="]
    if len(bounds) != 1:
        raise ValueError(
            f"{declaration!r} has {len(bounds)} lower bounds; it must have one, "
            f"as {requirement.name}>=1.0."
        )
    marker = f"; {requirement.marker}" if requirement.marker else ""
    return f"{requirement.name}=={bounds[0]}{marker}"


def constraints(project: dict) -> list[str]:
    """Constraints for the dependencies of a project and of its ``EXTRAS``.

    Args:
        project: The table ``project`` of pyproject.toml.
    """
    declared = list(project["dependencies"])
    for extra in EXTRAS:
        declared += project["optional-dependencies"][extra]
    return [lowest(declaration) for declaration in declared]


if __name__ == "__main__":
    path = Path(__file__).resolve().parent.parent / "pyproject.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    sys.stdout.write("\n".join(constraints(table)) + "\n")
