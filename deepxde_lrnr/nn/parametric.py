"""Networks of others, with mu as further inputs, for a PDE family."""

from __future__ import annotations

import math
import warnings

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._checks import shown
from .._deepxde import transforms_of
from .._user_errors import as_it_is
from ..parameters.space import check_space
from .hyper_lrnr import ParametricNN
from .inputs import OfOperator, OfPairs, OfRows
from .low_rank import fresh
from .lrnr import LRNR

_OPERATOR = (dde.nn.DeepONet, dde.nn.DeepONetCartesianProd)


class Parametric(ParametricNN):
    """A network of DeepXDE's, or your own, as that of a PDE family.

    ``Model`` trains it as it trains a ``HyperLRNR``: on rows of points times mu. Then
    ``reduce`` and ``solve`` take its hidden states for trial functions. mu is scaled
    from its box to [-1, 1]^p before the network gets it, and x goes through the feature
    transform, if there is one. How the two are given depends on the network:

    - ``dde.nn.FNN``, ``dde.nn.PFNN`` and ``LRNR``: side by side, mu first, as one array
      of shape (rows, p + number of features);
    - ``dde.nn.DeepONet`` and ``dde.nn.DeepONetCartesianProd``: mu to the branch, x to
      the trunk. The bias b of each component, which Keras 3 does not train in DeepXDE's
      own, is a weight of this network. Its trial functions, those of the trunk, do not
      depend on mu;
    - any other ``dde.nn.NN``: as the tuple ``(mu, x)`` of shapes (rows, p) and (rows,
      number of features), to outputs (rows, number of components). It is trained and
      predicts, but its hidden states cannot be reached: ``reduce`` refuses it.

    Layers whose weights are not made yet start with numbers of their own: DeepXDE's
    start equal where they have equal shapes, under Keras 3.

    Args:
        net: The network, without transforms: these are applied to the ``Parametric``,
            as to a ``HyperLRNR``.
        parameter_space: ``deepxde_lrnr.ParameterSpace`` of mu.

    Raises:
        TypeError: If ``net`` is no ``dde.nn.NN``, is one for a family or for fixed
            points, or ``parameter_space`` is no ``ParameterSpace``.
        ValueError: If ``net`` has transforms, weights in another float type than
            DeepXDE's default, or is a DeepONet whose branch and trunk do not fit, or
            whose branch has an activation without a name.

    References:
        `L. Lu, P. Jin, G. Pang, Z. Zhang, & G. E. Karniadakis. Learning nonlinear
        operators via DeepONet based on the universal approximation theorem of
        operators. Nature Machine Intelligence, 3(3), 218--229, 2021
        <https://doi.org/10.1038/s42256-021-00302-5>`_.
        `S. Wang, H. Wang, & P. Perdikaris. Learning the solution operator of parametric
        partial differential equations with physics-informed DeepONets. Science
        Advances, 7(40), 2021 <https://doi.org/10.1126/sciadv.abi8605>`_.
    """

    def __init__(self, net, parameter_space):
        super().__init__()
        _check_kind(net)
        check_space(parameter_space)
        self.parameter_space = parameter_space
        self.net = net
        self._num_features = None  # known after the first call
        self._check_transforms()
        if type(net) in _OPERATOR:
            self._takes = OfOperator(net)
        elif isinstance(net, (dde.nn.FNN, dde.nn.PFNN, LRNR)):
            self._takes = OfRows(net, parameter_space.dim)
        else:
            self._takes = OfPairs(net, parameter_space.dim)
        for layer in (*self._takes.networks(), *self._takes.layers()):
            self._prepare(layer)
        self.regularizer = next(
            filter(None, (one.regularizer for one in self._takes.networks())), None
        )

    @property
    def title(self) -> str:
        """The network in a few words."""
        return f"Parametric({type(self.net).__name__})"

    @property
    def num_coefficients(self) -> int:
        """What the network gets of one mu: p numbers, or a DeepONet's readouts."""
        return self._takes.num_coefficients

    def build(self, input_shape):
        if self._takes.num_biases:
            values = np.ravel([np.asarray(b) for b in self.net.b])
            self.bias = self.add_weight(
                shape=values.shape,
                initializer=lambda shape, dtype=None: tf.constant(values, dtype),
                name="b",
            )

    def coefficients(self, mu):
        """What the network makes of mu alone: mu, scaled, or a DeepONet's readouts.

        Args:
            mu: Tensor of shape (P, p), or whatever ``ParameterSpace.as_array`` takes.

        Returns:
            Tensor of shape (P, ``num_coefficients``).

        Raises:
            TypeError: If ``mu`` is not made of real numbers.
            ValueError: If ``mu`` does not fit the parameter space.
        """
        if not tf.is_tensor(mu):
            mu = tf.constant(self.parameter_space.as_array(mu), dde.config.real(tf))
        return self._takes.coefficients(self.parameter_space.scale(mu))

    def _num_coordinates(self) -> int | None:
        # DeepXDE's networks for TensorFlow do not keep the size of their input.
        return self._num_features if self.feature_transform is None else None

    def _combine(self, features, coefficients):
        self._check_transforms()
        y = self._takes.combine(features, coefficients)
        if self._takes.num_biases:
            y += self.bias
        self._num_features = features.shape[1]
        shape, rows = getattr(y, "shape", None), features.shape[0]
        if shape is None or len(shape) != 2 or shape[0] not in (None, rows):
            given = type(y).__name__ if shape is None else f"shape {tuple(shape)}"
            raise as_it_is(
                ValueError(
                    f"net, a {type(self.net).__name__}, returned {given} for "
                    f"{rows} rows; it must be a Tensor of shape "
                    "(rows, number of components)."
                )
            )
        return y

    def num_trainable_parameters(self) -> int:
        """Number of trainable parameters; 0, with a warning, before the first call."""
        if not self.built:
            warnings.warn(
                "The network has no weights before its first call; ask for their "
                "number after Model.train, or after calling the network once.",
                stacklevel=2,
            )
            return 0
        return sum(math.prod(w.shape) for w in self.trainable_variables)

    def layers_as_arrays(self) -> tuple[dict[str, np.ndarray], list, str]:
        """The network as that of a ``LowRankStack``, all of whose layers are dense.

        Returns:
            Weights by the names that files give them, the activations of the hidden
            layers, and the name of that of the hypernetwork.

        Raises:
            NotReadable: If its layers cannot be reached.
        """
        arrays, activations, branch = self._takes.read()
        if self._takes.num_biases:
            arrays["b_out"] = np.asarray(self.bias)
        dtype = self.compute_dtype
        return {n: np.asarray(a, dtype) for n, a in arrays.items()}, activations, branch

    def _prepare(self, layer) -> None:
        """Layers without weights get a float type, and random numbers of their own."""
        ours = self.compute_dtype
        if not layer.built:
            layer.dtype_policy = ours
            if hasattr(layer, "kernel_initializer"):
                layer.kernel_initializer = fresh(layer.kernel_initializer)
        elif layer.weights and layer.compute_dtype != ours:
            raise ValueError(
                f"net has weights in {layer.compute_dtype}, but DeepXDE's default "
                f"float is {ours}; call dde.config.set_default_float before net is "
                "used."
            )

    def _check_transforms(self) -> None:
        kinds = ("feature", "output")
        for name, transform in zip(kinds, transforms_of(self.net), strict=True):
            if transform is not None:
                raise as_it_is(
                    ValueError(
                        f"net has a transform of its own; apply it to the Parametric, "
                        f"apply_{name}_transform, which knows x from mu."
                    )
                )


def _check_kind(net) -> None:
    """Refuses what is no network, and networks that cannot take mu beside x."""
    if not isinstance(net, dde.nn.NN):
        raise TypeError(
            f"net is {shown(net)}; it must be a dde.nn.NN, e.g. "
            'dde.nn.FNN([1 + 2, 64, 64, 1], "tanh", "Glorot normal") for one '
            "parameter and points (x, t)."
        )
    if isinstance(net, ParametricNN):
        raise TypeError(
            f"net is a {type(net).__name__}, which takes (mu, x) already: give it to "
            "lrnr.Model as it is."
        )
    fixed = isinstance(net, (dde.nn.DeepONetCartesianProd, dde.nn.PODDeepONet))
    if fixed and type(net) not in _OPERATOR:
        raise TypeError(
            f"net is a {type(net).__name__}, which takes all mu at the same points, "
            "not rows (mu, x); it must be a dde.nn.DeepONet, a dde.nn."
            "DeepONetCartesianProd (no subclass), a dde.nn.FNN, or a dde.nn.NN of rows."
        )
