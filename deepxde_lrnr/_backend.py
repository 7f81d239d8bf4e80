"""Makes sure that DeepXDE runs with its backend "tensorflow".

DeepXDE chooses its backend once, when it is imported: from the environment variable
DDE_BACKEND, else from DDEBACKEND (its old name), else from ~/.deepxde/config.json. If
none of them says anything, it takes the first backend it finds and writes that file.

Importing this module, which must come before the first import of DeepXDE in this
package, leads to one of three ends:

- DeepXDE has been imported, or will be, with "tensorflow": nothing is done.
- Nothing has been chosen: DDE_BACKEND is set to "tensorflow" for this process (and the
  processes it starts). DeepXDE then writes no file either.
- Something else has been chosen, "tensorflow.compat.v1" included: ``ImportError``. The
  choice is the user's, so it is not overruled.
"""

from __future__ import annotations

import json
import os
import sys

_BACKEND = "tensorflow"
_VARIABLES = ("DDE_BACKEND", "DDEBACKEND")


def require_tensorflow() -> None:
    """Chooses the backend "tensorflow" if there is still a choice.

    Raises:
        ImportError: If another backend is active or chosen.
    """
    if "tensorflow" not in sys.modules:
        # TensorFlow would write hundreds of lines about types that one of its
        # optimizations passes over, for each function in double precision.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "deepxde" in sys.modules:
        active = sys.modules["deepxde"].backend.backend_name
        if active != _BACKEND:
            raise ImportError(
                f'deepxde_lrnr needs DeepXDE\'s backend "{_BACKEND}", but DeepXDE has '
                f'already been imported with "{active}". Set the environment variable '
                f"DDE_BACKEND={_BACKEND} and start Python anew."
            )
        return

    for variable in _VARIABLES:
        if variable in os.environ:
            chosen = os.environ[variable]
            if chosen != _BACKEND:
                raise ImportError(
                    f'deepxde_lrnr needs DeepXDE\'s backend "{_BACKEND}", but the '
                    f'environment variable {variable} is set to "{chosen}". Set '
                    f"DDE_BACKEND={_BACKEND}, or unset {variable}."
                )
            return

    path = os.path.join(os.path.expanduser("~"), ".deepxde", "config.json")
    if os.path.exists(path):
        chosen = _backend_in_file(path)
        if chosen != _BACKEND:
            # The variable in front is no decoration: this module of DeepXDE's imports
            # the backend that the file still names, which may not be installed.
            raise ImportError(
                f'deepxde_lrnr needs DeepXDE\'s backend "{_BACKEND}", but {path} '
                f'chooses "{chosen}". Set the environment variable '
                f"DDE_BACKEND={_BACKEND}, which comes before that file; or change the "
                f"file: DDE_BACKEND={_BACKEND} python -m "
                f"deepxde.backend.set_default_backend {_BACKEND}"
            )
        return

    os.environ["DDE_BACKEND"] = _BACKEND


def _backend_in_file(path: str) -> str:
    """The backend that DeepXDE reads from its configuration file ("" if none)."""
    with open(path) as file:
        try:
            return json.load(file).get("backend", "").lower()
        except ValueError as error:
            raise ImportError(
                f"{path} should choose DeepXDE's backend, but is not valid JSON "
                f'({error}). Correct it, {{"backend": "{_BACKEND}"}}, or remove it.'
            ) from error


require_tensorflow()
