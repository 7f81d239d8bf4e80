"""The training step of a model, where it is not DeepXDE's."""

from __future__ import annotations

from . import devices
from .lbfgs import LBFGS


def own_step(model):
    """Step of L-BFGS, or of several devices.

    Args:
        model: ``deepxde_lrnr.Model``, compiled.

    Returns:
        What ``model.train_step`` should be, ``None`` if DeepXDE's step will do.

    Raises:
        ValueError: If the optimizer, or a variable, does not fit the strategy.
    """

    def find_variables():
        return model.trained_variables

    strategy = model.strategy
    if strategy is None and model.opt is not None:
        return None
    if strategy is None:
        return LBFGS(model.compute_losses, find_variables)
    if model.opt is None:
        raise ValueError(f"{model.opt_name} works on one device only: no strategy.")
    check = devices.check_created
    check(strategy, model.net.trainable_variables, "net")
    check(strategy, model.opt.variables, "optimizer")
    external = model.external_trainable_variables
    check(strategy, external, "external_trainable_variables")
    return devices.distributed_step(
        strategy, model.compute_losses, model.opt, find_variables
    )
