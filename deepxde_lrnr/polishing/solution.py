"""What ``polish`` returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from .._checks import as_function
from ..data.outside import warn_outside
from ..fast_phase.status import Status


@dataclass(frozen=True, repr=False, eq=False)
class PolishedSolution:
    """Solution of one PDE: trained functions, combined by least squares.

    Attributes:
        initial_residual: Root mean square of the residual, weighted as the loss, at
            points held out: of the network as it was trained.
        residual: The same of this solution; never larger.
        error: Estimated relative L2 error of u, all components together: from the
            difference to the solution with 128 random features more, which is nearer to
            the true one. NaN for the last layer alone, and where the residual is not a
            function of derivatives at one point.
        unknowns: The readout, that of the first component first, and behind it the
            numbers of the ``dde.Variable``.
        variables: Values of the ``external_trainable_variables``, in their order.
        steps: Number of Gauss-Newton steps of the last solve.
        status: How it ended; a ``fast_phase.Status`` is a string.
        num_random_features: Random features beside the hidden states.
    """

    initial_residual: float
    residual: float
    error: float
    unknowns: np.ndarray
    variables: list[np.ndarray]
    steps: int
    status: Status
    num_random_features: int
    _predictor: object = field(repr=False)
    _data: object = field(repr=False)
    _net: object = field(repr=False)
    _held_out: object = field(repr=False)

    def __repr__(self):
        more = ""
        if self.variables:
            shown = ", ".join(np.array2string(v, precision=6) for v in self.variables)
            more = f"; variables {shown}"
        return (
            f"PolishedSolution(residual {self.initial_residual:.1e} -> "
            f"{self.residual:.1e}, estimated error {self.error:.1e}, "
            f"{len(self.unknowns)} unknowns, "
            f"{self.num_random_features} random features, {self.status}{more})"
        )

    def predict(self, x, operator=None) -> np.ndarray:
        """The solution at points, in double precision.

        Args:
            x: Points, array of shape (N, d).
            operator: ``None``, or a function of Tensors ``(x, u)``, such as the PDE,
                whose result is returned instead of u.

        Returns:
            Array of shape (N, number of components); a list of them if ``operator``
            returns a list.

        Raises:
            TypeError: If ``x`` is not made of real numbers.
            ValueError: If ``x`` or ``operator`` is not as above.

        Warns:
            OutsideGeometryWarning: If a point is not in the geometry, or its time not
                in the time domain.
        """
        x = self._predictor.check_points(x)
        warn_outside(self._predictor.geom, x, stacklevel=2)
        variables, given = self._data.variables, operator
        variables.assign(self.unknowns[len(self.unknowns) - variables.size :])
        if given is not None:
            as_function("operator", given, (2,), "(x, u)")

            def operator(x, u):
                with variables.read_as(x.dtype):
                    return given(x, u)

        mu = np.zeros((1, 1))
        return self._predictor(x, mu, self.unknowns[None], True, operator)

    def assign(self) -> None:
        """Gives the trained network the readout found, and its variables their values.

        From then on ``model.predict`` gives this solution, in DeepXDE's default float.
        Only a readout of the last hidden layer alone is a network of the same form:
        ``polish(model, layers="last")``.

        Raises:
            ValueError: If the readout is one of other functions as well, or does not
                survive the rounding to the network's precision.
        """
        space, net = self._predictor.network, self._net
        layer = getattr(net, "stack", None)
        if layer is None and not isinstance(net.denses[-1], list):
            layer = net.denses[-1]
        if not space.is_last or layer is None:
            raise ValueError(
                "The solution is a combination of more than the states of the last "
                "hidden layer, which no weights of the network give; polish(model, "
                'layers="last") finds one that they give (not for a dde.nn.PFNN with '
                "separate outputs). solution.predict(x) gives this one."
            )
        readout, values = np.split(self.unknowns, [space.num_readouts])
        w = readout.reshape(space.num_outputs, -1)
        kernel, bias = getattr(layer, "W_out", None), getattr(layer, "b_out", None)
        if kernel is None:
            kernel, bias = layer.kernel, layer.bias
        dtype = np.dtype(str(kernel.dtype))
        rounded = np.concatenate([w.astype(dtype).ravel(), values]).astype(float)
        left = self._held_out(rounded)
        if not left <= self.initial_residual:
            raise ValueError(
                f"In {dtype.name} the readout found leaves a residual of {left:.1e}, "
                f"the trained network {self.initial_residual:.1e}; take "
                'dde.config.set_default_float("float64") before the network is made, '
                "or solution.predict(x)."
            )
        kernel.assign(w[:, :-1].T.astype(dtype))
        bias.assign(w[:, -1].astype(dtype))
        for v, value in zip(self._data.variables.given, self.variables, strict=True):
            v.assign(tf.cast(value, v.dtype))
