"""A step of the meta phase on several devices, each with its share of the mu."""

from __future__ import annotations

import tensorflow as tf

from .._point_major import share_of


def check_strategy(strategy) -> None:
    """Refuses what is no strategy of one machine."""
    if strategy is not None and not isinstance(strategy, tf.distribute.Strategy):
        raise TypeError(
            f"strategy is {strategy!r}; it must be a tf.distribute.MirroredStrategy, "
            "or None."
        )


def check_share(num_mu: int, num_devices: int) -> None:
    """Checks that each device gets as many mu as the others.

    Raises:
        ValueError: If not.
    """
    if num_mu % num_devices:
        raise ValueError(
            f"A step has {num_mu} mu, which {num_devices} devices cannot share "
            "equally; let batch_size (or without one num_parameters) be a multiple of "
            f"{num_devices}."
        )


def check_created(strategy, variables, what: str) -> None:
    """Checks that variables are mirrored on the devices of ``strategy``.

    Raises:
        ValueError: If they were created outside its scope.
    """
    for variable in variables:
        if not strategy.extended.variable_created_in_scope(_raw(variable)):
            raise ValueError(
                f"{what} has variables from outside the scope of strategy; create it "
                "with strategy.scope()."
            )


def distributed_step(strategy, compute_losses, optimizer, find_variables):
    """A training step like DeepXDE's whose mu are shared by the devices.

    Losses are means over mu, and all devices have equally many. So the mean of their
    gradients is the gradient of the whole batch.

    Args:
        strategy: ``tf.distribute.Strategy``.
        compute_losses: Function of ``(inputs, targets, auxiliary)`` to a Tensor of
            weighted losses.
        optimizer: Keras optimizer.
        find_variables: Function without arguments that returns the variables trained.

    Returns:
        Function of ``(inputs, targets, auxiliary)``.
    """
    num_devices = strategy.num_replicas_in_sync

    @tf.function
    def train_step(inputs, targets, auxiliary):
        num_mu = inputs[0].shape[0]
        check_share(num_mu, num_devices)
        variables = find_variables()

        def gradients(inputs, auxiliary):
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            share = _share(inputs, auxiliary, replica, num_devices)
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(compute_losses(share[0], targets, share[1]))
            return tape.gradient(loss, variables)

        found = strategy.run(gradients, args=(inputs, auxiliary))
        # Outside of the replicas, so that a norm to clip is that of the whole gradient.
        pairs = [(g, v) for g, v in zip(found, variables, strict=True) if g is not None]
        means = strategy.extended.batch_reduce_to(
            tf.distribute.ReduceOp.MEAN, [(g, _raw(v)) for g, v in pairs]
        )
        optimizer.apply_gradients(
            [(mean, v) for mean, (_, v) in zip(means, pairs, strict=True)]
        )

    return train_step


def _raw(variable):
    return variable if isinstance(variable, tf.Variable) else variable.value


def _share(inputs, auxiliary, replica, num_devices: int):
    """The part of a batch with the mu of one device."""

    def of(rows):
        return share_of(rows, inputs[0].shape[0], replica, num_devices)

    targets = [
        {name: of(rows) for name, rows in of_one.items()}
        for of_one in auxiliary["targets"]
    ]
    return tuple(map(of, inputs)), {**auxiliary, "targets": targets}
