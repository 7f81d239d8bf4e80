"""Networks as a header, which JSON can say, and arrays; and back.

Sizes are not written but follow from the arrays, so that they cannot contradict them.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._tracing import traced
from ..nn import FastLRNR, HyperLRNR
from ..nn.coefficients import CoefficientLayout
from ..nn.hyper_lrnr import ParametricNN
from ..nn.hypernetwork import Hypernetwork
from ..nn.low_rank import LowRankStack, hidden_activations
from ..parameter_space import ParameterSpace
from .functions import NotStorable, rebuild, trace

# Activations that DeepXDE knows by name.
_ACTIVATIONS = ("elu", "relu", "selu", "sigmoid", "silu", "sin", "tanh")
FUNCTIONS = ("feature_transform", "output_transform", "activation")


@dataclass
class Packed:
    """Header and arrays, as ``container.write`` takes them."""

    header: dict = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


# The user's functions


def pack_functions(net, dim: int, stacklevel: int) -> Packed:
    """The transforms and the activations of a network.

    Args:
        net: ``ParametricNN``.
        dim: Dimension d of the points.
        stacklevel: As for ``warnings.warn``.

    Warns:
        UserWarning: If one of them cannot be saved. It then has to be passed again when
            the file is loaded.
    """
    packed = Packed()
    x, mu, y = dim, net.parameter_space.dim, net.stack.num_outputs

    def store(key, function, *columns):
        try:
            program, constants = _trace(function, columns, net.compute_dtype)
            _compare(function, rebuild(program, constants), columns, net.compute_dtype)
        except NotStorable as error:
            name = key.partition("-")[0]
            warnings.warn(
                f"The {name} is not saved with the rest: {error}. The file can be "
                f"loaded with {name}=... passed again.",
                stacklevel=stacklevel + 2,
            )
            return {"missing": str(error)}
        for name, constant in constants.items():
            packed.arrays[f"functions/{key}/{name}"] = constant
        return program

    feature, output = net._input_transform, net._output_transform
    packed.header["feature_transform"] = packed.header["output_transform"] = None
    if feature is not None:
        columns = (x, mu)[: dde.utils.get_num_args(feature)]
        packed.header["feature_transform"] = store(
            "feature_transform", feature, *columns
        )
    if output is not None:
        packed.header["output_transform"] = store(
            "output_transform", lambda mu, x, y: output((mu, x), y), mu, x, y
        )
    known = {dde.nn.activations.get(name): name for name in _ACTIVATIONS}
    packed.header["activation"] = [
        known.get(function) or store(f"activation-{i}", function, width)
        for i, (function, width) in enumerate(
            zip(net.stack.activations, net.stack.widths, strict=True)
        )
    ]
    return packed


def _trace(function, columns, dtype):
    """As ``trace``, in double precision if that can be, so that no constant is rounded.

    The fast phase computes in double precision what was trained in single.
    """
    shapes = [(None, n) for n in columns]
    try:
        return trace(function, shapes, "float64")
    except NotStorable:
        return trace(function, shapes, dtype)


def _compare(function, again, columns, dtype) -> None:
    """Sees whether a function does the same for any number of rows."""
    rng = np.random.default_rng(0)
    for rows in (1, 8):
        inputs = [tf.constant(rng.uniform(0.1, 0.9, (rows, n)), dtype) for n in columns]
        try:
            expected = traced(function)(*inputs)
        # Errors of the user's code, of any type.
        except Exception as error:
            raise NotStorable(f"it fails for {rows} rows ({error})") from error
        if not np.allclose(again(*inputs), expected, 1e-4, 1e-5, equal_nan=True):
            raise NotStorable("its operations depend on the number of rows")


def unpack_functions(header: dict, arrays: dict, given: dict) -> dict:
    """The functions, those that were given again in place of those of the file.

    Args:
        header: From ``pack_functions``.
        arrays: The same.
        given: Functions by the names in ``FUNCTIONS``, or ``None``. An "activation" is
            as for ``HyperLRNR``.

    Returns:
        Functions by their names; "activation" is a list, one for each hidden layer and
        for the output, where it is not used.

    Raises:
        MissingFunctions: If some were not saved and are not given.
    """
    missing = {}

    def restore(key, program):
        if isinstance(program, str):
            return dde.nn.activations.get(program)
        if "missing" in program:
            missing[key.partition("-")[0]] = str(program["missing"])
            return None
        prefix = f"functions/{key}/"
        constants = {
            name.removeprefix(prefix): array
            for name, array in arrays.items()
            if name.startswith(prefix)
        }
        return rebuild(program, constants)

    feature, output = given.get("feature_transform"), given.get("output_transform")
    if feature is None and header["feature_transform"] is not None:
        feature = _with_arguments(
            restore("feature_transform", header["feature_transform"]),
            header["feature_transform"].get("inputs"),
        )
    if output is None and header["output_transform"] is not None:
        program = restore("output_transform", header["output_transform"])

        def output(inputs, y):
            return program(*inputs, y)

    activation = given.get("activation")
    if activation is None:
        stored = enumerate(header["activation"])
        activation = [restore(f"activation-{i}", entry) for i, entry in stored]
        activation.append(None)
    if missing:
        raise MissingFunctions(missing)
    return dict(zip(FUNCTIONS, (feature, output, activation), strict=True))


def _with_arguments(program, count):
    """With as many arguments as the transform had, which say what it takes."""

    def of_points(x):
        return program(x)

    def of_points_and_parameters(x, mu):
        return program(x, mu)

    return of_points if count == 1 else of_points_and_parameters


class MissingFunctions(ValueError):
    """Functions that the file lacks; ``reasons`` says why."""

    def __init__(self, reasons: dict[str, str]):
        self.reasons = reasons
        super().__init__(
            "; ".join(
                f"it was saved without its {name}, since {reason}: pass {name}=..."
                for name, reason in reasons.items()
            )
        )


# Weights


def weights(net) -> dict[str, tf.Variable]:
    """Weights of a ``ParametricNN`` by name."""
    stack, hyper = net.stack, net.hypernetwork
    named = {"W_in": stack.W_in, "W_out": stack.W_out, "b_out": stack.b_out}
    for symbol, start, values in (
        ("U", 1, stack.U),
        ("V", 1, stack.V),
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


@dataclass(frozen=True)
class Sizes:
    """Sizes of a network, read off its weights."""

    features: int
    widths: tuple[int, ...]
    outputs: int
    layout: CoefficientLayout
    hidden: tuple[int, ...]

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray], num_parameters: int) -> Sizes:
        """Reads the sizes and checks every shape against them.

        Raises:
            ValueError: If the arrays do not belong to one network.
        """

        def last(symbol, start) -> list[int]:
            sizes = []
            while f"{symbol}_{start + len(sizes)}" in arrays:
                sizes.append(arrays[f"{symbol}_{start + len(sizes)}"].shape[-1])
            return sizes

        widths, ranks, hidden = last("b", 0), last("U", 1), last("bias", 0)
        bias_ranks = [
            arrays[f"B_{i}"].shape[-1] if f"B_{i}" in arrays else 0
            for i in range(len(widths))
        ]
        layout = CoefficientLayout(tuple(ranks), tuple(bias_ranks))
        features, outputs = arrays["W_in"].shape[0], arrays["b_out"].shape[0]
        shapes = {
            "W_in": (features, widths[0]),
            "W_out": (widths[-1], outputs),
            "b_out": (outputs,),
        }
        for i, (width, rank) in enumerate(zip(widths, bias_ranks, strict=True)):
            shapes |= {f"b_{i}": (width,)} | ({f"B_{i}": (width, rank)} if rank else {})
        for i, rank in enumerate(ranks, 1):
            shapes |= {f"U_{i}": (widths[i], rank), f"V_{i}": (widths[i - 1], rank)}
        before = (num_parameters, *hidden)
        for i, size in enumerate(hidden):
            shapes |= {f"kernel_{i}": (before[i], size), f"bias_{i}": (size,)}
        fits = len(ranks) == len(widths) - 1 and hidden[-1] == layout.size
        if not fits or shapes != {name: a.shape for name, a in arrays.items()}:
            raise ValueError("the weights do not fit together")
        if not all(a.size for a in arrays.values()):
            raise ValueError("there are weights without entries")
        return cls(features, tuple(widths), outputs, layout, tuple(hidden[:-1]))


def _fill(net, sizes: Sizes, arrays: dict[str, np.ndarray]) -> None:
    """Makes the layers of a network and gives them their weights."""
    net.stack.build((None, sizes.features))
    net.hypernetwork.build(None)
    for name, variable in weights(net).items():
        if arrays[name].dtype != net.compute_dtype:
            raise ValueError(f"{name} has dtype {arrays[name].dtype}")
        variable.assign(arrays[name])
    net.built = True


def restore_weights(net: HyperLRNR, arrays: dict, path) -> None:
    """Gives a network the weights of ``pack_hyper``.

    Raises:
        ValueError: If they have other shapes than those of the network.
    """
    arrays, variables = below(arrays, "weights"), weights(net)
    if {n: a.shape for n, a in arrays.items()} != {
        name: tuple(variable.shape) for name, variable in variables.items()
    }:
        raise ValueError(
            f"{path} has the weights of a network of other sizes; load_model makes "
            "the network it was saved with."
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def below(arrays: dict, prefix: str) -> dict:
    """The arrays whose names begin with ``prefix`` and "/", without it."""
    start = f"{prefix}/"
    return {n.removeprefix(start): a for n, a in arrays.items() if n.startswith(start)}


# Networks


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
    (rank,), (bias_rank,) = {*sizes.layout.ranks}, {*sizes.layout.bias_ranks}
    net = HyperLRNR(
        [int(header["inputs"]), *sizes.widths, sizes.outputs],
        functions["activation"],
        "zeros",
        header["regularization"],
        rank,
        space,
        bias_rank,
        sizes.hidden,
    )
    _fill(net, sizes, arrays)
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
    """
    sizes = Sizes.of(arrays, space.dim)
    net = ParametricNN()
    net.parameter_space, net.layout = space, sizes.layout
    activations = hidden_activations(functions["activation"], len(sizes.widths))
    net.stack = LowRankStack(
        sizes.widths, sizes.layout, sizes.outputs, activations, "zeros"
    )
    start = [0.0] * sizes.layout.num_scales
    net.hypernetwork = Hypernetwork(space, sizes.layout, sizes.hidden, start)
    _fill(net, sizes, arrays)
    _apply_transforms(net, functions)
    # All of its neurons: the selection was made before.
    fast = FastLRNR(net)
    fast.kept, fast.full_size = kept, full_size
    return fast


def _apply_transforms(net, functions: dict) -> None:
    if functions["feature_transform"] is not None:
        net.apply_feature_transform(functions["feature_transform"])
    if functions["output_transform"] is not None:
        net.apply_output_transform(functions["output_transform"])
