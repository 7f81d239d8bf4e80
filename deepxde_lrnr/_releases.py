"""What differs between the releases of DeepXDE."""

from __future__ import annotations

import deepxde as dde

# Attribute of ``dde.model.TrainState``: the number of iterations.
ITERATION = "iteration" if hasattr(dde.model.TrainState(), "iteration") else "epoch"


def iterations(train_state) -> int:
    """Number of iterations done, which DeepXDE called ``epoch`` before 1.14."""
    return getattr(train_state, ITERATION)
