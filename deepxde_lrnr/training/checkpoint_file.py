"""The file from which an interrupted meta phase goes on."""

from __future__ import annotations

import numpy as np

from ..data.state import data_state, restore_data
from ..io import container, tree
from ..io.kinds import CHECKPOINT
from .state import restore_training, settings, training_state


class CheckpointFile:
    """File with the state of one training; it is read, if it is there.

    Args:
        path: Of the file.
        model: ``deepxde_lrnr.Model``, with the callbacks of the training.
        start: Step at which the training began.
        batch_size: As for ``Model.train``.

    Raises:
        FileFormatError: If the file is damaged or foreign, or has weights that are NaN
            or infinite.
        ValueError: If it is the checkpoint of another training.
    """

    def __init__(self, path: str, model, start: int, batch_size):
        self.path, self._model, self._start = path, model, int(start)
        arguments = {"step at which train() begins": self._start}
        self._settings = settings(model, batch_size=batch_size, **arguments)
        self._saved_step = None
        self._content = self._read()
        if self._content is not None:
            # The losses of the test are taken at the points of the start.
            restore_data(model.data, self._content["start"])
        self._data_at_start = data_state(model.data)

    def _read(self) -> dict | None:
        """State of the data at the start, and of the training, if there is a file."""
        try:
            header, arrays = container.read(self.path, CHECKPOINT)
        except FileNotFoundError:
            return None
        different = _differences(header["settings"], self._settings)
        if different:
            raise ValueError(
                f"{self.path} is the checkpoint of another training: "
                f"{'; '.join(different)}. Delete it to train anew, or give each call "
                "of train() its own path."
            )
        content = tree.unpack(header["content"], arrays)
        if not all(np.isfinite(v).all() for v in content["state"]["variables"]):
            raise container.FileFormatError(
                f"{self.path} is the checkpoint of a training that diverged: there are "
                "weights that are NaN or infinite. Delete it to train anew."
            )
        return content

    def resume(self) -> int | None:
        """Sets the model to the state that was read.

        Returns:
            Number of iterations since the start; ``None`` if there was no file.
        """
        if self._content is None:
            return None
        restore_training(self._model, self._content["state"])
        self._saved_step = int(self._model.train_state.step)
        return self._saved_step - self._start

    def save(self) -> None:
        """Writes the present state.

        Raises:
            OSError: If it cannot be written.
        """
        step = int(self._model.train_state.step)
        content = {"start": self._data_at_start, "state": training_state(self._model)}
        packed, arrays = tree.pack(content)
        header = {"settings": self._settings, "content": packed}
        try:
            container.write(self.path, CHECKPOINT, header, arrays)
        except OSError as error:
            last = f"that of step {self._saved_step} is still there"
            if self._saved_step is None:
                last = "there is none of this training yet"
            raise type(error)(
                error.errno,
                f"no checkpoint of step {step} ({error.strerror}); {last}",
                self.path,
            ) from error
        self._saved_step, self._content = step, None


def _differences(old, new, name: str = "") -> list[str]:
    if old == new:
        return []
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return [f"{name} was {old}, and is {new}"]
    found = []
    for key in old | new:
        inner = f"{name}, {key}" if name else key
        found += _differences(old.get(key), new.get(key), inner)
    return found
