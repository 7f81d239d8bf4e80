"""A training that goes on from a checkpoint, and stops at a NaN."""

from __future__ import annotations

import deepxde as dde

from .checkpoint_file import CheckpointFile
from .divergence import Watch
from .lbfgs import run_lbfgs


class MetaPhase:
    """One call of ``Model.train``: the hooks of ``HookedModel``.

    Args:
        model: ``deepxde_lrnr.Model``.
        iterations: Number of iterations that ``train`` was asked for.
        checkpoint: ``None``, or the ``CheckpointFile``.
        verbose: As for ``Model.train``.

    Attributes:
        iterations: As above.
        iterations_done: How many of them are in the checkpoint from which it went on.
    """

    def __init__(
        self, model, iterations: int | None, checkpoint: CheckpointFile | None, verbose
    ):
        self.iterations, self.iterations_done = iterations, 0
        self._model, self._checkpoint = model, checkpoint
        self._verbose = verbose
        self._watch, self._begun = Watch(model), False

    def save(self) -> None:
        """Writes a checkpoint.

        Raises:
            DivergenceError: If the weights are not finite.
            OSError: If it cannot be written.
        """
        self._watch.check()
        self._checkpoint.save()

    def before_losses(self) -> bool:
        """Checks the weights; at the start of a training that goes on, goes on."""
        if not self._begun and self._resume() is not None:
            # In place of the losses at the start. What callbacks do to themselves when
            # training begins comes after this, and ``begin`` undoes it.
            return False
        self._watch.check()
        return True

    def after_losses(self) -> None:
        """Checks the losses."""
        self._watch.check_losses()

    def begin(self, iterations: int | None) -> int | None:
        """Goes on from the checkpoint if there is one, else saves the first one."""
        done, self._begun = self._resume(), True
        if done is not None:
            self.iterations_done = done
            if self._verbose > 0 and dde.config.rank == 0:
                print(
                    f"Resumed at step {self._model.train_state.step} from "
                    f"{self._checkpoint.path}\n"
                )
        elif self._checkpoint is not None:
            self.save()
        self._watch.reset()
        if iterations is None:
            return 0 if self.iterations_done else None
        if self.iterations_done > iterations:
            raise ValueError(
                f"iterations is {iterations}, but {self._checkpoint.path} is after "
                f"{self.iterations_done} iterations."
            )
        return iterations - self.iterations_done

    def _resume(self) -> int | None:
        return None if self._checkpoint is None else self._checkpoint.resume()

    def before_step(self, batch) -> None:
        """Keeps the batch, to find the step that diverged."""
        self._watch.before_step(batch)

    def run_lbfgs(self) -> None:
        """All steps of L-BFGS."""
        run_lbfgs(self._model)

    def end(self) -> None:
        """Checks the weights."""
        self._watch.check()
