"""Checkpoints, from which an interrupted meta phase goes on."""

from __future__ import annotations

import deepxde as dde
import numpy as np

from .._checks import as_integer, as_path
from .._releases import iterations
from ..io import container, tree
from ..io.kinds import CHECKPOINT
from .state import restore_training, settings, training_state


class Checkpoint(dde.callbacks.Callback):
    """Saves the state of the meta phase, and goes on from there after an interruption.

    .. code-block:: python

        model.train(
            iterations=20000,
            batch_size=16,
            callbacks=[lrnr.callbacks.Checkpoint("family.checkpoint", every=500)],
        )

    Run the same script again after it was interrupted, in whatever way: it goes on
    from the last checkpoint and reaches, on the same machine with the same libraries,
    the weights and the loss history of a run without interruption, bit for bit (on a
    GPU, with ``dde.config.set_random_seed``, which makes its operations deterministic).
    A script that is run again after its training has ended goes on with what comes
    after it. To train anew, delete the file.

    The state consists of the weights, ``external_trainable_variables``, the optimizer
    with its learning rate, the loss history and the best step, the mu and the points
    trained on and the position in them, the generators of NumPy and of Python, the
    global generator of TensorFlow, and the other callbacks: those of their attributes
    that are numbers, strings, arrays, or lists and dictionaries of these, and no
    arguments of their constructor. What the script itself draws, such as the
    frequencies of random features, it must draw equally again: seed it.

    The file is replaced in one step, so that the last checkpoint survives whatever
    happens while the next is written. Loading it does not execute code.

    Args:
        path (string): File of the checkpoint. One for each call of ``Model.train``.
        every (int): Number of iterations between two checkpoints; at most so many are
            lost. There is one at the start and one at the end as well, and for
            "L-BFGS", which is a single step for DeepXDE, no others.

    Raises:
        ValueError: If ``every`` is not an integer >= 1, or ``path`` has a null
            character. When training begins, if the
            file is the checkpoint of another training; the message says what differs.
        FileFormatError: When training begins, if the file is damaged or foreign, or
            has weights that are NaN or infinite.
        TypeError: If ``path`` is no path. When training begins, if the model is not a
            ``deepxde_lrnr.Model``.
        OSError: When it cannot be written (full disk, no such folder, no permission);
            the checkpoint before remains.
    """

    def __init__(self, path, every: int = 1000):
        super().__init__()
        self.path = as_path("path", path)
        self.every = as_integer("every", every)
        self._settings = self._start = self._saved_step = None

    # By Model.train

    def read(self, start: int, batch_size) -> dict | None:
        """Reads the checkpoint, when training begins.

        Args:
            start: Step at which this training began.
            batch_size: As for ``Model.train``.

        Returns:
            ``{"start": state of the data at the start, "state": state of training}``,
            or ``None`` if there is none.
        """
        self._start = int(start)
        arguments = {"step at which train() begins": self._start}
        self._settings = settings(self.model, batch_size=batch_size, **arguments)
        self._saved_step = None
        try:
            header, arrays = container.read(self.path, CHECKPOINT)
        except FileNotFoundError:
            return None
        self._check(header["settings"])
        content = tree.unpack(header["content"], arrays)
        if not all(np.isfinite(v).all() for v in content["state"]["variables"]):
            raise container.FileFormatError(
                f"{self.path} is the checkpoint of a training that diverged: there are "
                "weights that are NaN or infinite. Delete it to train anew."
            )
        return content

    def _check(self, saved: dict) -> None:
        different = _differences(saved, self._settings)
        if different:
            raise ValueError(
                f"{self.path} is the checkpoint of another training: "
                f"{'; '.join(different)}. Delete it to train anew, or give each call "
                "of train() its own path."
            )

    def resume(self, content: dict) -> int:
        """Sets the model to a checkpoint.

        Args:
            content: What ``read`` returned.

        Returns:
            Number of iterations since the start.
        """
        restore_training(self.model, content["state"])
        self._saved_step = int(self.model.train_state.step)
        return self._saved_step - self._start

    def save(self) -> None:
        """Writes a checkpoint at once.

        Raises:
            OSError: If it cannot be written.
            DivergenceError: If the weights are not finite.
        """
        self.model.check_finite()
        step = int(self.model.train_state.step)
        content = {
            "start": self.model.data_at_start,
            "state": training_state(self.model),
        }
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
        self._saved_step = step

    # By DeepXDE

    def on_train_begin(self):
        if self._settings is None:
            raise TypeError(
                f"Checkpoint needs a deepxde_lrnr.Model; the model is a "
                f"{type(self.model).__name__}."
            )

    def on_epoch_end(self):
        if iterations(self.model.train_state) % self.every == 0:
            self.save()

    def on_train_end(self):
        self.save()


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
