"""The callback that saves checkpoints (`training/checkpoint_file.py`)."""

from __future__ import annotations

import deepxde as dde

from .._checks import as_integer, as_path
from .._deepxde import HookedModel, iterations


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

    def on_train_begin(self):
        if not isinstance(self.model, HookedModel):
            raise TypeError(
                f"Checkpoint needs a deepxde_lrnr.Model; the model is a "
                f"{type(self.model).__name__}."
            )

    def on_epoch_end(self):
        if iterations(self.model.train_state) % self.every == 0:
            self.save()

    def on_train_end(self):
        self.save()

    def save(self) -> None:
        """Writes a checkpoint at once.

        Raises:
            OSError: If it cannot be written.
            DivergenceError: If the weights are not finite.
        """
        self.model.hooks.save()
