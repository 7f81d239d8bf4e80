"""The functions of a user's in a network: its transforms, activations, deformation."""

from __future__ import annotations

import contextlib
import re
import warnings
from dataclasses import dataclass, field

import deepxde as dde
import numpy as np
import tensorflow as tf

from .._checks import num_args
from .._tracing import traced
from .bounds import check_sizes
from .functions import parse, rebuild, trace
from .numpy_transforms import hypernetwork_activation
from .programs import NotStorable
from .sizes import below, reference_points

# Activations that DeepXDE knows by name.
_ACTIVATIONS = ("elu", "relu", "selu", "sigmoid", "silu", "sin", "tanh")
FUNCTIONS = ("feature_transform", "output_transform", "activation", "deformation")


@dataclass
class Packed:
    """Header and arrays, as ``container.write`` takes them."""

    header: dict = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


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

    feature, output = net.feature_transform, net.output_transform
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
                activation_names(net),
                net.stack.activations,
                net.stack.widths,
                strict=True,
            )
        )
    ]
    return packed


def activation_names(net) -> list[str | None]:
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
