"""A progress bar for the meta phase."""

from __future__ import annotations

import deepxde as dde
import numpy as np
from tqdm import tqdm

from .._checks import as_flag

# Without the steps a second, so that both losses fit into 80 columns.
_FORMAT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


class Progress(dde.callbacks.Callback):
    """Shows the steps, the losses, and the time left, as a bar on the error output.

    ``deepxde_lrnr.Model.train`` adds one by itself where the error output is a
    terminal, unless ``verbose=0``. DeepXDE's table is printed above the bar. The losses
    are the sums of those of the table, as of its last line.

    Args:
        disable: ``None`` shows the bar on a terminal only; ``False`` shows it
            everywhere, as in a notebook; ``True`` nowhere.

    Raises:
        ValueError: If ``disable`` is neither a bool nor ``None``.
    """

    # It has nothing that a checkpoint should keep.
    stateless = True

    def __init__(self, disable: bool | None = None):
        super().__init__()
        self.disable = None if disable is None else as_flag("disable", disable)
        self._bar = None
        self._shown = None

    def on_batch_begin(self):
        # Not in on_train_begin: a checkpoint may be read after that.
        if self._bar is None:
            phase = getattr(self.model, "hooks", None)  # a plain dde.Model has none
            total = getattr(phase, "iterations", None)
            self._bar = tqdm(
                desc="Meta phase",
                initial=getattr(phase, "iterations_done", 0),
                total=total,
                disable=self.disable,
                leave=False,
                unit="step",
                bar_format=None if total is None else _FORMAT,
                dynamic_ncols=True,
                # Left to itself, tqdm learns from quick steps to leave out slow ones.
                miniters=1,
            )

    def on_epoch_end(self):
        losses = self.model.train_state.loss_train
        if losses is not self._shown:
            self._shown = losses
            test = self.model.train_state.loss_test
            self._bar.set_postfix_str(
                f"loss {np.sum(losses):.2e}, test {np.sum(test):.2e}",
                refresh=False,
            )
        self._bar.update()

    def on_train_end(self):
        self.close()

    def close(self) -> None:
        """Removes the bar."""
        if self._bar is not None:
            self._bar.close()
        self._bar = self._shown = None
