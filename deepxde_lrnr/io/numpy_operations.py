"""TensorFlow's mathematical operations in NumPy: those that go entry by entry.

Each is called as its namesake in ``tf.raw_ops``, with the same names of arguments, and
gives an array of the same shape and type. What is rare is left out, derivatives
(``TanhGrad``) among it.
"""

from __future__ import annotations

import importlib
import inspect
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Operation:
    """An operation.

    Attributes:
        run: Function of its arguments and attributes, to an array or a list of arrays.
        entries: ``None``, or a function of the same that bounds the number of entries
            of the result before there is one. Without it no result is larger than the
            largest argument.
        arguments: Names of the arguments and attributes.
    """

    run: object
    entries: object
    arguments: frozenset[str]


class Table(dict):
    """Operations by their names in ``tf.raw_ops``."""

    def add(self, kind: str, run, entries=None) -> None:
        """Adds an ``Operation``, whose arguments are those of ``run``."""
        names = frozenset(inspect.signature(run).parameters)
        self[kind] = Operation(run, entries, names)

    def operation(self, *kinds: str, entries=None):
        """Decorator of a function that is the operation of these names."""

        def add(run):
            for kind in kinds:
                self.add(kind, run, entries)
            return run

        return add


ENTRYWISE = Table()


def _broadcast(*arguments) -> int:
    """Number of entries where all arguments meet."""
    return math.prod(np.broadcast_shapes(*map(np.shape, arguments)))


def _broadcast_xy(x, y, **_) -> int:
    return _broadcast(x, y)


def sigmoid(v):
    """1 / (1 + exp(-v))."""
    return 1 / (1 + np.exp(-v))


def elu(v):
    """v, or exp(v) - 1 where it is negative."""
    return np.where(v > 0, v, np.expm1(np.minimum(v, 0)))


def selu(v):
    """``elu`` with the constants of self-normalising networks."""
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return v.dtype.type(scale) * np.where(
        v > 0, v, v.dtype.type(alpha) * np.expm1(np.minimum(v, 0))
    )


# DeepXDE's activations by their names, for arrays, which they may overwrite.
ACTIVATIONS = {
    "elu": elu,
    "relu": lambda v: np.maximum(v, 0, out=v),
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": lambda v: v * sigmoid(v),
    "sin": lambda v: np.sin(v, out=v),
    "tanh": lambda v: np.tanh(v, out=v),
}


def _divide(x, y):
    if x.dtype.kind == "f":
        return x / y
    return np.trunc(x / y).astype(x.dtype)  # as in C


def _no_nan(function, x, y, where):
    """A function of x and y where ``where`` holds, elsewhere 0."""
    return np.where(where, function(x, y), np.zeros((), x.dtype))


def _special(name: str):
    """A function of SciPy, which is imported when it is called."""

    def function(*arguments):
        return getattr(importlib.import_module("scipy.special"), name)(*arguments)

    return function


_OF_X = {
    "Abs": np.abs,
    "Acos": np.arccos,
    "Acosh": np.arccosh,
    "Asin": np.arcsin,
    "Asinh": np.arcsinh,
    "Atan": np.arctan,
    "Atanh": np.arctanh,
    "BesselI0": _special("i0"),
    "BesselI0e": _special("i0e"),
    "BesselI1": _special("i1"),
    "BesselI1e": _special("i1e"),
    "BesselJ0": _special("j0"),
    "BesselJ1": _special("j1"),
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Cosh": np.cosh,
    "Digamma": _special("digamma"),
    "Erf": _special("erf"),
    "Erfc": _special("erfc"),
    "Erfinv": _special("erfinv"),
    "Exp": np.exp,
    "Expm1": np.expm1,
    "Floor": np.floor,
    "Inv": np.reciprocal,
    "IsFinite": np.isfinite,
    "IsInf": np.isinf,
    "IsNan": np.isnan,
    "Lgamma": _special("gammaln"),
    "Log": np.log,
    "Log1p": np.log1p,
    "LogicalNot": np.logical_not,
    "Neg": np.negative,
    "OnesLike": np.ones_like,
    "Reciprocal": np.reciprocal,
    "Rint": np.rint,
    "Round": np.rint,
    "Rsqrt": lambda x: 1 / np.sqrt(x),
    "Sigmoid": sigmoid,
    "Sign": np.sign,
    "Sin": np.sin,
    "Sinh": np.sinh,
    "Sqrt": np.sqrt,
    "Square": np.square,
    "Tan": np.tan,
    "Tanh": np.tanh,
    "ZerosLike": np.zeros_like,
}
_OF_INPUT = ("Identity", "PreventGradient", "StopGradient")
_OF_FEATURES = {
    "Elu": elu,
    "Relu": lambda v: np.maximum(v, 0),
    "Relu6": lambda v: np.clip(v, 0, 6),
    "Selu": selu,
    "Softplus": lambda v: np.logaddexp(v, 0).astype(v.dtype),
    "Softsign": lambda v: v / (1 + np.abs(v)),
}
_OF_X_AND_Y = {
    "Add": np.add,
    "AddV2": np.add,
    "Div": _divide,
    "DivNoNan": lambda x, y: _no_nan(np.divide, x, y, y != 0),
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "LogicalAnd": np.logical_and,
    "LogicalOr": np.logical_or,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Mod": np.fmod,
    "Mul": np.multiply,
    "MulNoNan": lambda x, y: _no_nan(np.multiply, x, y, y != 0),
    "Pow": np.power,
    "RealDiv": np.divide,
    "SquaredDifference": lambda x, y: np.square(x - y),
    "Sub": np.subtract,
    "TruncateDiv": _divide,
    "TruncateMod": np.fmod,
    "Xdivy": lambda x, y: _no_nan(np.divide, x, y, x != 0),
    "Xlog1py": lambda x, y: _no_nan(lambda x, y: x * np.log1p(y), x, y, x != 0),
    "Xlogy": lambda x, y: _no_nan(lambda x, y: x * np.log(y), x, y, x != 0),
}


def _of_x(function):
    return lambda x: function(x)


def _of_input(input, message=None):
    return input


def _of_features(function):
    return lambda features: function(features)


def _of_x_and_y(function):
    return lambda x, y: function(x, y)


def _compared(function):
    return lambda x, y, incompatible_shape_error=True: function(x, y)


for _name, _function in _OF_X.items():
    ENTRYWISE.add(_name, _of_x(_function))
for _name in _OF_INPUT:
    ENTRYWISE.add(_name, _of_input)
for _name, _function in _OF_FEATURES.items():
    ENTRYWISE.add(_name, _of_features(_function))
for _name, _function in _OF_X_AND_Y.items():
    ENTRYWISE.add(_name, _of_x_and_y(_function), _broadcast_xy)
for _name, _function in (("Equal", np.equal), ("NotEqual", np.not_equal)):
    ENTRYWISE.add(_name, _compared(_function), _broadcast_xy)


@ENTRYWISE.operation("Atan2", entries=lambda y, x: _broadcast(y, x))
def _atan2(y, x):
    return np.arctan2(y, x)


@ENTRYWISE.operation("Igamma", entries=lambda a, x: _broadcast(a, x))
def _igamma(a, x):
    return _special("gammainc")(a, x)


@ENTRYWISE.operation("Igammac", entries=lambda a, x: _broadcast(a, x))
def _igammac(a, x):
    return _special("gammaincc")(a, x)


@ENTRYWISE.operation("Zeta", entries=lambda x, q: _broadcast(x, q))
def _zeta(x, q):
    return _special("zeta")(x, q)


@ENTRYWISE.operation("LeakyRelu")
def _leaky_relu(features, alpha=0.2):
    return np.where(features > 0, features, features.dtype.type(alpha) * features)


@ENTRYWISE.operation("Cast")
def _cast(x, DstT, Truncate=False):
    return x.astype(DstT)


@ENTRYWISE.operation(
    "ClipByValue", entries=lambda **arguments: _broadcast(*arguments.values())
)
def _clip(t, clip_value_min, clip_value_max):
    return np.minimum(np.maximum(t, clip_value_min), clip_value_max)


@ENTRYWISE.operation(
    "SelectV2", entries=lambda condition, t, e: _broadcast(condition, t, e)
)
def _select_v2(condition, t, e):
    return np.where(condition, t, e)


@ENTRYWISE.operation("Select")
def _select(condition, x, y):
    # A vector chooses whole rows.
    condition = condition.reshape(condition.shape + (1,) * (x.ndim - condition.ndim))
    if x.shape != y.shape:
        raise ValueError("x and y have other shapes")
    return np.where(np.broadcast_to(condition, x.shape), x, y)
