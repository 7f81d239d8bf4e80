"""What all low rank networks share."""

from __future__ import annotations

import math
import warnings

import deepxde as dde

from .._checks import as_integer, is_integer, shown
from .._deepxde import Network
from .coefficients import CoefficientLayout
from .low_rank import LowRankStack, hidden_activations
from .regularizers import Regularization


class LowRankNN(Network):
    """Base of the low rank networks: a ``dde.nn.NN`` that fits Keras 3."""

    # Set by the subclasses.
    layout: CoefficientLayout | None = None
    stack: LowRankStack | None = None

    def __init__(self, dtype: str | None = None):
        super().__init__()
        # Keras's own default is fixed by the first layer of the process; a later
        # dde.config.set_default_float would not be heard.
        self.dtype_policy = dtype or dde.config.default_float()

    def build(self, input_shape):
        # Each layer makes its weights in the first call, which knows the features.
        # Without this method Keras would call the network once more to that end.
        pass

    def _make_stack(
        self,
        layer_sizes,
        activation,
        kernel_initializer,
        regularization,
        ranks: tuple[int, ...],
        bias_rank: int = 0,
        kind: type[LowRankStack] = LowRankStack,
    ) -> None:
        """Checks the arguments of a constructor; sets the layers, of that kind.

        ``check_layer_sizes`` has checked ``layer_sizes``, and ``ranks`` fit.
        """
        widths = tuple(layer_sizes[1:-1])
        kernel_initializer = _initializer(kernel_initializer)
        self.layer_sizes = tuple(layer_sizes)
        self.regularization_terms = Regularization(regularization)
        # DeepXDE adds net.losses to the loss if net.regularizer is not None.
        self.regularizer = self.regularization_terms or None
        self.layout = CoefficientLayout(
            ranks=ranks, bias_ranks=(bias_rank,) * len(widths)
        )
        self.stack = kind(
            widths,
            self.layout,
            self.layer_sizes[-1],
            hidden_activations(activation, len(widths)),
            kernel_initializer,
            kernel_regularizer=self.regularization_terms.kernel,
            factor_regularizer=self.regularization_terms.factor,
        )

    def _add_penalty(self, scales) -> None:
        """Adds the regularisation of the coefficients s_l to ``losses``."""
        penalty = self.regularization_terms.of_coefficients(scales)
        if penalty is not None:
            self.add_loss(penalty)

    def num_trainable_parameters(self) -> int:
        """Number of trainable parameters; 0, with a warning, before the first call.

        As in DeepXDE, weights are made when the number of features is known.
        """
        if not self.stack.built:
            warnings.warn(
                "The network has no weights before its first call; ask for their "
                "number after Model.train, or after calling the network once.",
                stacklevel=2,
            )
            return 0
        # DeepXDE's own method, and Model.state_dict, ask for methods of Keras 2.
        return sum(math.prod(w.shape) for w in self.trainable_variables)

    def get_weight_paths(self) -> dict:
        """Values of the weights by their paths, for ``dde.Model.state_dict``."""
        return {w.path: w.numpy() for w in self.weights}


def _initializer(identifier):
    try:
        return dde.nn.initializers.get(identifier)
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"kernel_initializer is {shown(identifier)}; it must be an initializer of "
            "Keras or one of DeepXDE's names, e.g. 'Glorot normal'."
        ) from None


def check_layer_sizes(layer_sizes) -> tuple[int, ...]:
    """Checks ``layer_sizes`` of an LRNR; returns the hidden widths."""
    if not isinstance(layer_sizes, (list, tuple)):
        raise ValueError(
            f"layer_sizes is {shown(layer_sizes)}; it must be a list, e.g. "
            "[2, 64, 64, 1]."
        )
    sizes = list(layer_sizes)
    if len(sizes) < 4:
        raise ValueError(
            f"layer_sizes is {shown(sizes)}; a low rank network has an input, at least "
            "two hidden layers (a dense one, then low rank ones) and an output."
        )
    if not all(map(is_integer, sizes)):
        raise ValueError(
            f"layer_sizes is {shown(sizes)}; all sizes must be integers >= 1."
        )
    return tuple(sizes[1:-1])


def equal_ranks(widths: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Checks ``rank`` of an LRNR; returns it for each of the low rank layers."""
    if as_integer("rank", rank) > min(widths):
        raise ValueError(
            f"rank is {rank}, larger than the narrowest hidden layer in layer_sizes, "
            f"{min(widths)}; a layer's rank is at most its width."
        )
    return (rank,) * (len(widths) - 1)


def check_num_features(expected: int, x, features) -> None:
    """Checks that ``layer_sizes[0]`` is the number of inputs or of features.

    DeepXDE's own networks for TensorFlow do not look at ``layer_sizes[0]``; scripts
    with a feature transform may therefore give either number.
    """
    num_inputs, num_features = x.shape[-1], features.shape[-1]
    if expected not in (num_inputs, num_features):
        given = f"points of dimension {num_inputs}"
        if features is not x:
            given += f" (features after the transform: {num_features})"
        raise ValueError(
            f"layer_sizes[0] is {expected}, but the network is given {given}; "
            f"layer_sizes must begin with {num_features}."
        )
