"""Data at points that depend on mu: measurements, and functions of (x, mu)."""

from __future__ import annotations

import numpy as np

from .._checks import as_function, as_integer, as_points, as_reals, num_args


class ParametricPointSetBC:
    """Values of u, or of an operator on u, at given points, that depend on mu.

    As ``dde.icbc.PointSetBC`` and ``PointSetOperatorBC``, and like them one of the
    ``bcs`` of the problem, with a weight of its own in ``loss_weights``. There are two
    kinds:

    - Measurements of several runs, (mu_i, x_i, u_i): ``values`` is an array, and ``mu``
      has a row for each of its rows. They are a loss of the meta phase at these pairs
      alone. They say nothing about other mu, so that the fast phase does not have them.
    - A function of (x, mu), without ``mu``: it holds for every mu, also in the fast
      phase.

    .. code-block:: python

        runs = lrnr.data.ParametricPointSetBC(x, u, mu=mu)  # (n, d), (n, 1), (n, p)
        law = lrnr.data.ParametricPointSetBC(x, lambda x, mu: mu[:, 0:1] * x[:, 0:1])
        problem = dde.data.PDE(geom, pde, [bc, runs, law], num_domain=200)

    A step takes all measurements or, if they are more than the rows of its batch, as
    many drawn at random.

    Args:
        points: Array of shape (n, d).
        values: With ``mu``, a number or an array of shape (n, 1). Without, a function
            of ``(x, mu)``, NumPy arrays of (n, d) and (n, p), that returns such.
        mu: ``None``, an array of shape (n, p), or of (p,) for one run.
        component (int): Component of u.
        operator: ``None``, or a function of Tensors ``(x, u)`` or ``(x, u, mu)`` whose
            result, of shape (rows, 1), is compared instead of the component.

    Raises:
        TypeError: If ``points``, ``values`` or ``mu`` is not made of real numbers.
        ValueError: If an argument has another shape or is not finite, or a function
            takes the wrong number of arguments. When the ``ParametricPDE`` is made, if
            ``mu`` does not fit its parameter space.
    """

    def __init__(self, points, values, mu=None, component: int = 0, operator=None):
        self.points = as_points("points", points)
        self.component = as_integer("component", component, 0)
        self.operator = operator
        if operator is not None:
            as_function("operator", operator, (2, 3), "(x, u) or (x, u, mu)")
        n = len(self.points)
        self.mu = self.func = self.values = None
        if mu is None:
            if not callable(values):
                raise ValueError(
                    "values is an array, and mu is None: give the mu of each of its "
                    "rows. For values that are the same for every mu there is "
                    "dde.icbc.PointSetBC."
                )
            self.func = as_function("values", values, (1, 2), "(x, mu)")
            return
        if callable(values):
            raise ValueError(
                "values is a function, and mu is given; a function of (x, mu) holds "
                "for every mu: leave mu out."
            )
        self.mu = as_points("mu", np.atleast_2d(as_reals("mu", mu)))
        if len(self.mu) not in (1, n):
            raise ValueError(
                f"mu has {len(self.mu)} rows for {n} points; it must have a row for "
                "each point, or be one mu."
            )
        self.mu = np.broadcast_to(self.mu, (n, self.mu.shape[1]))
        array = as_reals("values", values)
        if array.shape not in ((), (1, 1), (n, 1)):
            raise ValueError(
                f"values has shape {array.shape} for {n} points; it must be ({n}, 1), "
                "or a single number."
            )
        self.values = as_points("values", np.broadcast_to(array, (n, 1)))

    @property
    def is_measured(self) -> bool:
        """Whether it holds at its own mu only."""
        return self.mu is not None

    def __len__(self):
        return len(self.points)

    # As DeepXDE's IC/BC

    def collocation_points(self, X):
        # Measurements are no points for every mu.
        return self.points[:0] if self.is_measured else self.points

    def error(self, X, inputs, outputs, beg, end, aux_var=None):
        if self.is_measured or aux_var is None:
            raise TypeError(
                "ParametricPointSetBC needs a deepxde_lrnr.data.ParametricPDE."
            )
        found = self._observed(inputs, outputs, aux_var)
        return found[beg:end] - self.func(X, beg, end, aux_var)

    def measured_error(self, function, mu, x, values):
        """Errors at measurements.

        Args:
            function: Of Tensors mu (n, p) and x (n, d) to outputs.
            mu: Tensor of shape (n, p).
            x: Tensor of shape (n, d).
            values: Tensor of shape (n, 1).

        Returns:
            Tensor of shape (n, 1).
        """
        return self._observed(x, function(mu, x), mu) - values

    def _observed(self, x, u, mu):
        if self.operator is not None:
            return self.operator(*(x, u, mu)[: num_args(self.operator)])
        if self.component >= u.shape[1]:
            raise ValueError(
                f"component is {self.component}; u has {u.shape[1]}, from 0 on."
            )
        return u[:, self.component : self.component + 1]

    def measurements(self, most: int | None = None, *more: np.ndarray):
        """Arrays mu, x and values; ``most`` of them, drawn at random, if they are more.

        Args:
            most: ``None`` means all.
            *more: Other arrays with a row for each, of which the same are drawn.
        """
        arrays = (self.mu, self.points, self.values, *more)
        if most is not None and len(self) > most:
            chosen = np.random.permutation(len(self))[:most]
            arrays = tuple(array[chosen] for array in arrays)
        return arrays
