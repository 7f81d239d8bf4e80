"""The network that is reduced, as layers of a ``LowRankStack``."""

from __future__ import annotations

import numpy as np

from ..io.networks import network_of
from ..nn.dense import NotReadable
from ..nn.hyper_lrnr import ParametricNN

# Relative difference of a network from what its layers say.
_ROUNDING = 1e-3


def as_layers(net: ParametricNN, x: np.ndarray) -> ParametricNN:
    """A network as one of a ``LowRankStack``: itself, or a copy of a ``Parametric``.

    Args:
        net: Network with weights.
        x: Some points, shape (n, d), at which the copy is compared.

    Raises:
        TypeError: If the layers of a ``Parametric`` cannot be reached, or it does not
            compute what they say.
    """
    if net.stack is not None:
        return net
    supported = (
        "it must be a dde.nn.FNN, dde.nn.PFNN, deepxde_lrnr.nn.LRNR, dde.nn.DeepONet "
        "or dde.nn.DeepONetCartesianProd, with hidden layers, and no subclass with a "
        "method call of its own. model.predict(x, mu) predicts with any network."
    )
    try:
        arrays, activations, branch = net.layers_as_arrays()
    except NotReadable as error:
        raise TypeError(
            f"The trial functions of reduce() are the hidden states of the network, "
            f"which is {error}; {supported}"
        ) from None
    functions = {
        "feature_transform": net.feature_transform,
        "output_transform": net.output_transform,
        "activation": [*activations, None],
        "deformation": None,
        "hypernetwork": branch,
    }
    copy = network_of(net.parameter_space, functions, arrays)
    copy.deformation = net.deformation
    mu = net.parameter_space.sample(len(x), "Halton")
    x = np.asarray(x, mu.dtype)
    expected, found = (
        np.asarray(n.evaluate(mu, x, n.coefficients(mu))) for n in (net, copy)
    )
    scale = np.abs(expected).max(initial=0)
    same = found.shape == expected.shape
    same = same and np.all(np.abs(found - expected) <= _ROUNDING * scale + 1e-6)
    # What is not finite is said where the residual is.
    if not same and np.isfinite(expected).all():
        raise TypeError(
            f"The network, a {type(net.net).__name__}, does not compute what its "
            f"layers say; {supported}"
        )
    return copy
