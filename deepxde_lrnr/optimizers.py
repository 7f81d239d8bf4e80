"""Optimizers of the meta phase beyond those of Keras."""

from __future__ import annotations

__all__ = ["SOAP"]

import tensorflow as tf

from ._checks import as_integer, as_number, num_args, shown


@tf.keras.utils.register_keras_serializable("deepxde_lrnr")
class SOAP(tf.keras.optimizers.Optimizer):
    """Adam in the eigenbasis of Shampoo's preconditioner.

    For a gradient G of shape (m, n) the averages of G G^T and G^T G have eigenvectors
    Q_L and Q_R; Adam's second moment is kept for Q_L^T G Q_R, in which the coordinates
    are nearly decoupled. Losses of PDE residuals are ill-conditioned across the entries
    of a weight, and the factors U_l, V_l and the hypernetwork are small matrices, for
    which the two eigenbases cost little. ``benchmarks/meta_optimizer.py`` compares
    it with Adam.

    Use it in ``lrnr.Model.compile("SOAP", lr=3e-3, decay=...)``, or as an object in any
    ``dde.Model.compile``.

    Args:
        learning_rate: Float or Keras learning rate schedule.
        beta_1: Decay of the average of G.
        beta_2: Decay of the averages of G G^T, G^T G, and of Adam's second moment.
        epsilon: Added to the root of the second moment.
        frequency: Number of steps between two updates of the eigenbases (one step of
            orthogonal iteration).
        max_size: A side of a weight longer than this is not preconditioned.
        name: Name of the optimizer.
        **kwargs: As for Keras optimizers, e.g. ``clipnorm``.

    Raises:
        ValueError: If ``learning_rate`` is neither a number > 0 nor a schedule,
            ``beta_1`` or ``beta_2`` not in [0, 1), ``epsilon`` not a number > 0,
            ``frequency`` not an integer >= 1, ``max_size`` none >= 0, or ``name`` no
            string.

    References:
        `N. Vyas, D. Morwani, R. Zhao, M. Kwun, I. Shapira, D. Brandfonbrener,
        L. Janson, & S. Kakade. SOAP: Improving and stabilizing Shampoo using Adam.
        arXiv 2409.11321, 2024 <https://arxiv.org/abs/2409.11321>`_, algorithm 3.
    """

    def __init__(
        self,
        learning_rate=3e-3,
        beta_1: float = 0.95,
        beta_2: float = 0.95,
        epsilon: float = 1e-8,
        frequency: int = 10,
        max_size: int = 1024,
        name: str = "SOAP",
        **kwargs,
    ):
        check_learning_rate("learning_rate", learning_rate)
        for argument, beta in (("beta_1", beta_1), ("beta_2", beta_2)):
            as_number(argument, beta, "in [0, 1)", lambda v: 0 <= v < 1)
        as_number("epsilon", epsilon, "a number > 0", lambda v: v > 0)
        as_integer("frequency", frequency)
        as_integer("max_size", max_size, 0)
        if not (name is None or isinstance(name, str)):
            raise ValueError(f"name is {shown(name)}; it must be a string.")
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.frequency = frequency
        self.max_size = max_size

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        # For each weight its sides as (side, average of G G^T or G^T G, eigenbasis).
        self._sides = []
        for variable in variables:
            sides = []
            if len(variable.shape) == 2:
                for side, size in enumerate(variable.shape):
                    if 1 < size <= self.max_size:
                        average, basis = (
                            self.add_variable(
                                shape=(size, size),
                                initializer=initializer,
                                dtype=variable.dtype,
                                name=name,
                            )
                            for name, initializer in (
                                ("gram", "zeros"),
                                ("basis", "identity"),
                            )
                        )
                        sides.append((side, average, basis))
            self._sides.append(sides)

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        sides = self._sides[index]
        dtype = variable.dtype
        # tf.cast would round them to float32 on the way to float64.
        beta_1, beta_2 = (
            tf.constant(self.beta_1, dtype),
            tf.constant(self.beta_2, dtype),
        )
        step = tf.convert_to_tensor(self.iterations)
        t = tf.cast(step + 1, dtype)

        self._update_bases(gradient, sides, beta_2, step)
        momentum.assign(beta_1 * momentum + (1 - beta_1) * gradient)
        rotated = _rotate(gradient, sides)
        velocity.assign(beta_2 * velocity + (1 - beta_2) * tf.square(rotated))
        mean = _rotate(tf.convert_to_tensor(momentum), sides) / (1 - beta_1**t)
        spread = tf.sqrt(velocity / (1 - beta_2**t)) + self.epsilon
        update = _rotate(mean / spread, sides, back=True)
        variable.assign_sub(tf.cast(learning_rate, dtype) * update)

    def _update_bases(self, gradient, sides, beta_2, step) -> None:
        if not sides:
            return
        for side, average, _ in sides:
            gram = tf.matmul(
                gradient, gradient, transpose_a=side == 1, transpose_b=side == 0
            )
            average.assign(beta_2 * average + (1 - beta_2) * gram)

        def eigenvectors():
            return tuple(
                tf.reverse(tf.linalg.eigh(average + 0)[1], [1])
                for _, average, _ in sides
            )

        def orthogonal_iteration():
            return tuple(
                tf.linalg.qr(tf.matmul(average, basis))[0]
                for _, average, basis in sides
            )

        def unchanged():
            return tuple(basis + 0 for _, _, basis in sides)

        new = tf.cond(
            tf.equal(step, 0),
            eigenvectors,
            lambda: tf.cond(
                tf.equal(step % self.frequency, 0), orthogonal_iteration, unchanged
            ),
        )
        for (_, _, basis), value in zip(sides, new, strict=True):
            basis.assign(value)

    def get_config(self):
        config = super().get_config()
        for name in ("beta_1", "beta_2", "epsilon", "frequency", "max_size"):
            config[name] = getattr(self, name)
        return config


def check_learning_rate(name: str, value) -> None:
    """Checks that it is a number > 0, or a function or schedule for Keras.

    Raises:
        ValueError: If not.
    """
    schedule = tf.keras.optimizers.schedules.LearningRateSchedule
    if isinstance(value, schedule) or num_args(value) == 0:
        return
    what = "a number > 0, or a learning rate schedule of Keras"
    as_number(name, value, what, lambda v: v > 0)


def _rotate(x, sides, back: bool = False):
    """Q_L^T x Q_R, or back."""
    for side, _, basis in sides:
        if side == 0:
            x = tf.matmul(basis, x, transpose_a=not back)
        else:
            x = tf.matmul(x, basis, transpose_b=back)
    return x
