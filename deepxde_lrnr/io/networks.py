"""Networks as a header, which JSON can say, and arrays; and back.

Sizes are not written but follow from the arrays, so that they cannot contradict them.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import warnings
from dataclasses import dataclass, field

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._checks import num_args
from .._tracing import traced
from ..data.deformation import Deformation
from ..nn import FastLRNR, HyperLRNR
from ..nn.coefficients import CoefficientLayout
from ..nn.hyper_lrnr import ParametricNN
from ..nn.hypernetwork import Hypernetwork
from ..nn.low_rank import LowRankStack, hidden_activations
from ..parameter_space import ParameterSpace
from .bounds import check_sizes
from .container import FileFormatError
from .functions import parse, rebuild, trace
from .numpy_transforms import hypernetwork_activation
from .programs import NotStorable
from .sizes import NotFinite, Sizes, below, check_finite, reference_points

# Activations that DeepXDE knows by name.
_ACTIVATIONS = ("elu", "relu", "selu", "sigmoid", "silu", "sin", "tanh")
FUNCTIONS = ("feature_transform", "output_transform", "activation", "deformation")


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

    def traced_program(key, function, columns, dtype):
        program, constants = trace(function, [(None, n) for n in columns], dtype)
        parsed = parse(program, constants)
        # Else it could not be loaded.
        check_sizes(parsed, columns, dtype)
        _compare(function, rebuild(parsed), columns, dtype)
        for name, constant in constants.items():
            packed.arrays[f"functions/{key}/{name}"] = constant
        return program

    def store(key, function, *columns):
        try:
            program = traced_program(key, function, columns, net.compute_dtype)
        except NotStorable as error:
            name = key.partition("-")[0]
            warnings.warn(
                f"The {name} is not saved with the rest: {error}. The file can be "
                f"loaded with {name}=... passed again.",
                stacklevel=stacklevel + 2,
            )
            return {"missing": str(error)}
        if net.compute_dtype != "float64":
            # The fast phase computes in double precision, where constants such as pi
            # have other digits. A function that holds constants in single precision
            # cannot be traced there.
            with contextlib.suppress(Exception):
                key = f"{key}-double"
                program["double"] = traced_program(key, function, columns, "float64")
        return program

    feature, output = net._input_transform, net._output_transform
    packed.header["feature_transform"] = packed.header["output_transform"] = None
    if feature is not None:
        columns = (x, mu) if num_args(feature) == 2 else (x,)
        packed.header["feature_transform"] = store(
            "feature_transform", feature, *columns
        )
    if output is not None:
        packed.header["output_transform"] = store(
            "output_transform", lambda mu, x, y: output((mu, x), y), mu, x, y
        )
    packed.header["deformation"] = None
    if net.deformation is not None:
        program = store("deformation", net.deformation.function, x, mu)
        packed.header["deformation"] = program
        packed.header["deformation_time"] = net.deformation.time
        packed.arrays["reference/points"] = net.deformation.candidates
    packed.header["hypernetwork"] = net.hypernetwork.activation
    packed.header["activation"] = [
        name or store(f"activation-{i}", function, width)
        for i, (name, function, width) in enumerate(
            zip(
                _activation_names(net),
                net.stack.activations,
                net.stack.widths,
                strict=True,
            )
        )
    ]
    return packed


def _activation_names(net) -> list[str | None]:
    """DeepXDE's names of the activations of the hidden layers, if they have one."""
    known = {dde.nn.activations.get(name): name for name in _ACTIVATIONS}
    return [known.get(function) for function in net.stack.activations]


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
        for the output, where it is not used; "deformation" is ``None``, or the function
        with points of the reference geometry, and whether there is time.

    Raises:
        MissingFunctions: If some were not saved and are not given.
    """
    missing = {}
    weights = below(arrays, "weights") or below(arrays, "full")
    x, mu = len(arrays["problem/low"]), weights["kernel_0"].shape[0]
    y, dtype = weights["b_out"].shape[0], weights["W_in"].dtype.name

    def restore(key, program, *columns, result=None):
        name = key.partition("-")[0]
        if "missing" in program:
            missing[name] = str(program["missing"])
            return None
        double = program.get("double")
        try:
            functions = {
                precision: _checked_function(
                    one, below(arrays, f"functions/{place}"), columns, precision, result
                )
                for one, place, precision in (
                    (program, key, dtype),
                    (double, f"{key}-double", "float64"),
                )
                if one is not None
            }
        except NotStorable as error:
            raise ValueError(f"its {name} cannot be used: {error}") from error
        return lambda *args: functions.get(args[0].dtype.name, functions[dtype])(*args)

    feature, output = given.get("feature_transform"), given.get("output_transform")
    program = header["feature_transform"]
    if feature is None and program is not None:
        count = program.get("inputs")
        features = weights["W_in"].shape[0]
        feature = _with_arguments(
            restore("feature_transform", program, *(x, mu)[:count], result=features),
            count,
        )
    if output is None and header["output_transform"] is not None:
        transform = restore("output_transform", header["output_transform"], mu, x, y)

        def output(inputs, y):
            return transform(*inputs, y)

    # Older files have none.
    program, deformation = header.get("deformation"), None
    if program is not None:
        function = given.get("deformation")
        if function is None:
            restored = restore("deformation", program, x, mu, result=x)
            function = _with_arguments(restored, 2)
        points = reference_points(arrays, x)
        deformation = function, points, bool(header["deformation_time"])
    activation = given.get("activation")
    if activation is None:
        stored = header["activation"]
        widths = [a.shape[0] for n, a in weights.items() if re.fullmatch(r"b_\d+", n)]
        if not isinstance(stored, list) or len(stored) != len(widths):
            raise ValueError(f"it has not one activation for each of {len(widths)}")
        activation = [
            _known_activation(entry)
            if isinstance(entry, str)
            else restore(f"activation-{i}", entry, width, result=width)
            for i, (entry, width) in enumerate(zip(stored, widths, strict=True))
        ]
        activation.append(None)
    if missing:
        raise MissingFunctions(missing)
    found = feature, output, activation, deformation
    found = dict(zip(FUNCTIONS, found, strict=True))
    return found | {"hypernetwork": hypernetwork_activation(header)}


def _checked_function(program, constants, columns, dtype, result):
    """A function of a file, which has been evaluated once.

    Args:
        program: From ``trace``.
        constants: The same.
        columns: Number of columns of each argument.
        dtype: Their type.
        result: Number of columns that its result must have, or ``None``.

    Raises:
        NotStorable: If it is larger than any that is saved, or fails.
    """
    parsed = parse(program, constants)
    found = check_sizes(parsed, columns, dtype)
    if found == 0 or result not in (None, found):
        raise NotStorable(f"it makes {found} columns of {result}")
    function = rebuild(parsed)
    try:
        function(*(tf.fill((2, n), tf.constant(0.5, dtype)) for n in columns))
    # TensorFlow's, of any type.
    except Exception as error:
        raise NotStorable(f"it fails for two rows ({error})") from error
    return function


def _known_activation(name: str):
    if name not in _ACTIVATIONS:
        raise ValueError(f"{name!r} is no activation")
    return dde.nn.activations.get(name)


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


def _fill(net, sizes: Sizes, arrays: dict[str, np.ndarray]) -> None:
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
        ("feature_transform", net._input_transform),
        ("output_transform", net._output_transform),
    ):
        ours[name] = "none" if transform is None else "one"
        saved[name] = "none" if functions[name] is None else "one"
    names = _activation_names(net)
    # A function that has no name cannot be compared.
    stored = [a if isinstance(a, str) else None for a in functions["activation"]]
    if len(names) == len(stored) and None not in (*names, *stored):
        ours["activation"], saved["activation"] = names, stored
    return [
        f"its {name} is {saved[name]}, that of net is {value}"
        for name, value in ours.items()
        if saved[name] != value
    ]


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
    _fill(net, sizes, arrays)
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
