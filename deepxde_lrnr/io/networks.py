"""Networks as a header, which JSON can say, and arrays; and back.

Sizes are not written but follow from the arrays, so that they cannot contradict them.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..data.deformation import Deformation
from ..nn import FastLRNR, HyperLRNR
from ..nn.coefficients import CoefficientLayout
from ..nn.hyper_lrnr import ParametricNN
from ..nn.hypernetwork import Hypernetwork
from ..nn.low_rank import LowRankStack, hidden_activations
from ..parameters import ParameterSpace
from .sizes import Sizes, below
from .user_functions import Packed, pack_functions, unpack_functions
from .weights import fill, pack_weights


def pack_hyper(net: HyperLRNR, dim: int, stacklevel: int) -> Packed:
    """A ``HyperLRNR`` that has weights; arguments as for ``pack_functions``."""
    packed = pack_functions(net, dim, stacklevel + 1)
    packed.header = {
        "parameter_space": net.parameter_space.to_dict(),
        "dtype": net.compute_dtype,
        "inputs": net.layer_sizes[0],
        "regularization": net.regularization_terms.identifier,
        "functions": packed.header,
    }
    packed.arrays |= pack_weights(net, "weights")
    return packed


def unpack_hyper(header: dict, arrays: dict, given: dict) -> HyperLRNR:
    """The ``HyperLRNR`` of ``pack_hyper``; ``given`` as for ``unpack_functions``."""
    space = ParameterSpace.from_dict(header["parameter_space"])
    arrays, all_arrays = below(arrays, "weights"), arrays
    sizes = Sizes.of(arrays, space.dim)
    functions = unpack_functions(header["functions"], all_arrays, given)
    if header["inputs"] != sizes.features:
        raise ValueError(f"inputs is {header['inputs']!r}, not {sizes.features}")
    (rank,), (bias_rank,) = {*sizes.ranks}, {*sizes.bias_ranks}
    net = HyperLRNR(
        [sizes.features, *sizes.widths, sizes.outputs],
        functions["activation"],
        "zeros",
        header["regularization"],
        rank,
        space,
        bias_rank,
        sizes.hidden,
    )
    fill(net, sizes, arrays)
    _apply_transforms(net, functions)
    return net


def unpack_fast(
    space: ParameterSpace, functions: dict, arrays: dict, kept, full_size: int
) -> FastLRNR:
    """A ``FastLRNR``.

    Args:
        space: Its parameter space.
        functions: From ``unpack_functions``.
        arrays: Its weights, from ``pack_weights``, without the prefix.
        kept: Its attribute ``kept``.
        full_size: Its attribute ``full_size``.

    Raises:
        ValueError: If these do not belong together, or the weights are not finite.
    """
    sizes = Sizes.of(arrays, space.dim)
    check_kept(kept, full_size, sizes.num_inner)
    net = network_of(space, functions, arrays)
    # All of its neurons: the selection was made before.
    fast = FastLRNR(net)
    fast.kept, fast.full_size = kept, full_size
    return fast


def network_of(space: ParameterSpace, functions: dict, arrays: dict) -> ParametricNN:
    """A network of given weights.

    Args:
        space: Its parameter space.
        functions: From ``unpack_functions``.
        arrays: Its weights, by the names that ``weights`` gives them.

    Raises:
        ValueError: If these do not belong together, or the weights are not finite.
    """
    sizes = Sizes.of(arrays, space.dim)
    net = ParametricNN()
    layout = CoefficientLayout(sizes.ranks, sizes.bias_ranks, sizes.readouts)
    net.parameter_space, net.layout = space, layout
    activations = hidden_activations(functions["activation"], len(sizes.widths))
    net.stack = LowRankStack(sizes.widths, layout, sizes.outputs, activations, "zeros")
    net.hypernetwork = Hypernetwork(
        space,
        layout,
        sizes.hidden,
        [0.0] * layout.num_scales,
        functions["hypernetwork"],
    )
    fill(net, sizes, arrays)
    _apply_transforms(net, functions)
    return net


def check_kept(kept: np.ndarray, full_size: int, number: int) -> None:
    """Checks which coefficients were kept of how many.

    Args:
        kept: Their indices.
        full_size: Number of coefficients before some were dropped.
        number: How many the weights are for.

    Raises:
        ValueError: If that cannot be.
    """
    fits = kept.dtype.kind in "iu" and kept.shape == (number,)
    if not fits or not (np.diff([-1, *kept.astype(int), full_size]) > 0).all():
        raise ValueError(f"kept is none of {number} of {full_size} coefficients")


def most_coefficients(sizes: Sizes) -> int:
    """Number of coefficients that a network of these widths can have had.

    A layer has at most the rank of its width; bias coefficients are never dropped.
    """
    ranks = (min(pair) for pair in itertools.pairwise(sizes.widths))
    return sum(ranks) + sum(sizes.bias_ranks)


def _apply_transforms(net, functions: dict) -> None:
    if functions["feature_transform"] is not None:
        net.apply_feature_transform(functions["feature_transform"])
    if functions["output_transform"] is not None:
        net.apply_output_transform(functions["output_transform"])
    if functions["deformation"] is not None:
        function, points, time = functions["deformation"]
        space = net.parameter_space
        net.deformation = Deformation(function, space, points, time)
