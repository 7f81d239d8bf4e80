"""Weights of a network as arrays, and back."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from ..nn import HyperLRNR
from ..parameters import ParameterSpace
from .container import FileFormatError
from .sizes import NotFinite, Sizes, below, check_finite
from .user_functions import activation_names


def weights(net) -> dict[str, tf.Variable]:
    """Weights of a ``ParametricNN`` by name."""
    stack, hyper = net.stack, net.hypernetwork
    named = {"W_in": stack.W_in, "W_out": stack.W_out, "b_out": stack.b_out}
    for symbol, start, values in (
        ("U", 1, stack.U),
        ("V", 1, stack.V),
        ("W", 1, stack.W),
        ("b", 0, stack.b),
        ("B", 0, stack.B),
        ("kernel", 0, hyper.kernels),
        ("bias", 0, hyper.biases),
    ):
        named |= {f"{symbol}_{i}": v for i, v in enumerate(values, start)}
    return {name: v for name, v in named.items() if v is not None}


def pack_weights(net, prefix: str) -> dict[str, np.ndarray]:
    """Weights as arrays."""
    return {f"{prefix}/{name}": np.asarray(v) for name, v in weights(net).items()}


def fill(net, sizes: Sizes, arrays: dict[str, np.ndarray]) -> None:
    """Makes the layers of a network and gives them their weights."""
    net.stack.build((None, sizes.features))
    net.hypernetwork.build(None)
    check_finite(arrays)
    for name, variable in weights(net).items():
        if arrays[name].dtype != net.compute_dtype:
            raise ValueError(f"{name} has dtype {arrays[name].dtype}")
        variable.assign(arrays[name])
    net.built = True


def restore_weights(net: HyperLRNR, header: dict, arrays: dict, path) -> None:
    """Gives a network the weights of ``pack_hyper``.

    Raises:
        FileFormatError: If the file is not well-formed.
        ValueError: If they are those of a network of another parameter space, float
            type, sizes or activation, or of one with transforms where this has none, or
            not finite.
    """
    arrays, variables = below(arrays, "weights"), weights(net)
    try:
        differences = _differences(net, header)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is not well-formed: {error!r}.") from error
    if differences:
        raise ValueError(
            f"{path} has the weights of another network: {'; '.join(differences)}. "
            "load_model makes the network it was saved with."
        )
    if {n: a.shape for n, a in arrays.items()} != {
        name: tuple(variable.shape) for name, variable in variables.items()
    }:
        raise ValueError(
            f"{path} has the weights of a network of other sizes; load_model makes "
            "the network it was saved with."
        )
    try:
        check_finite(arrays)
    except NotFinite as error:
        raise ValueError(f"{path}: {error}.") from None
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _differences(net: HyperLRNR, header: dict) -> list[str]:
    """What a header of ``pack_hyper`` says otherwise than a network, in words."""
    saved, functions = {}, header["functions"]
    saved["parameter space"] = ParameterSpace.from_dict(header["parameter_space"])
    saved["float type"] = header["dtype"]
    ours = {"parameter space": net.parameter_space, "float type": net.compute_dtype}
    for name, transform in (
        ("feature_transform", net.feature_transform),
        ("output_transform", net.output_transform),
    ):
        ours[name] = "none" if transform is None else "one"
        saved[name] = "none" if functions[name] is None else "one"
    names = activation_names(net)
    # A function that has no name cannot be compared.
    stored = [a if isinstance(a, str) else None for a in functions["activation"]]
    if len(names) == len(stored) and None not in (*names, *stored):
        ours["activation"], saved["activation"] = names, stored
    return [
        f"its {name} is {saved[name]}, that of net is {value}"
        for name, value in ours.items()
        if saved[name] != value
    ]
