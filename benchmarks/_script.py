"""An example's script, run until it would train: its model, and what it would do."""

import os
import tempfile
from pathlib import Path

import deepxde_lrnr as lrnr
from _examples import EXAMPLES


class _Reached(Exception):
    """``Model.train`` was called."""


def until_training(name: str, quick: bool):
    """Runs a script of examples/ up to its call of ``Model.train``.

    Args:
        name: Of the script.
        quick: Whether it takes the sizes of its short run.

    Returns:
        The compiled model, iterations, batch size, and what the script has named.

    Raises:
        RuntimeError: If the script ends without training.
    """
    import report

    path, train, found = EXAMPLES / f"{name}.py", lrnr.Model.train, []
    was_quick, report.QUICK = report.QUICK, quick
    script = {"__name__": name, "__file__": str(path)}

    def reached(model, iterations, batch_size=None, **options):
        found.extend((model, iterations, batch_size))
        raise _Reached

    place = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        try:
            os.chdir(folder)
            lrnr.Model.train = reached
            exec(compile(path.read_text(), path, "exec"), script)
        except _Reached:
            return *found, script
        finally:
            os.chdir(place)
            lrnr.Model.train, report.QUICK = train, was_quick
    raise RuntimeError(f"{path} ended without a call of Model.train.")
