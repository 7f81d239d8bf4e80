"""Models from files."""

from __future__ import annotations

import contextlib

import deepxde as dde
import numpy as np

from ._checks import as_function, as_path, as_reals
from ._forks import check_fork
from .data import ParametricPDE
from .data.examination import examine
from .data.missing import MissingProblem
from .fast_model import FastModel
from .fast_phase.packing import OldDesign, unpack_fast_model
from .io import FileFormatError, container
from .io.kinds import FAST_MODEL, MODEL
from .io.networks import most_coefficients, unpack_hyper
from .io.sizes import NotFinite, Sizes, below
from .io.user_functions import MissingFunctions
from .model import Model
from .nn import HyperLRNR
from .nn.hyper_lrnr import check_feature_transform, check_output_transform
from .nn.low_rank import hidden_activations
from .parameters import ParameterSpace
from .reduced_basis.packing import unpack_basis

# Arrays of a reduced model in which nothing may be NaN, besides its weights.
_FINITE = (
    "points/",
    "held_out/",
    "random/",
    "basis/residual/",
    "basis/held_out/",
)


def load_model(
    path,
    data=None,
    feature_transform=None,
    output_transform=None,
    activation=None,
    deformation=None,
) -> Model:
    """Loads a model that ``Model.save`` wrote.

    It predicts and reduces as the saved one, and can be compiled and trained further
    (the state of the optimizer is not in the file). Without ``data`` it predicts, and
    everything else is an error that asks for ``data``. Loading never executes code from
    the file, whoever wrote it.

    Args:
        path: The file.
        data: ``None``, or the ``deepxde_lrnr.data.ParametricPDE``, with the parameter
            space and the dimension of the one the model was trained on.
        feature_transform: Instead of that of the file, as for
            ``HyperLRNR.apply_feature_transform``. Needed if it could not be saved.
        output_transform: The same for ``HyperLRNR.apply_output_transform``.
        activation: The same for that of ``HyperLRNR``.
        deformation: The same for that of ``ParametricPDE``; ``data`` has its own.

    Raises:
        OSError: If the file cannot be read.
        FileFormatError: If it is damaged, foreign, of another kind, or newer.
        TypeError: If ``path`` is no path, or ``data`` no ``ParametricPDE``.
        ValueError: If ``data``, or DeepXDE's default float, does not fit the file, or a
            function has to be passed or is none.
    """
    path = as_path("path", path)
    given = _given(feature_transform, output_transform, activation, deformation, data)
    net, header, (low, high) = _load_network(path, given)
    dim = len(low)
    if data is None:
        data = MissingProblem(net.parameter_space, low, high)
    else:
        _check_data(path, data, net.parameter_space)
        _check_deformation(path, data, net.deformation is not None)
    if data.geom.dim != dim:
        raise ValueError(
            f"data has points of dimension {data.geom.dim}; those of the model in "
            f"{path} have {dim}."
        )
    model = Model(data, net)
    model.loss_weights = header["loss_weights"]
    model._has_weights = header["trained"]
    return model


def load_network(path) -> HyperLRNR:
    """Loads the network of a model that ``Model.save`` wrote, without any problem.

    Args and errors are those of ``load_model``.
    """
    return _load_network(path, {})[0]


def _load_network(path, given: dict) -> tuple[HyperLRNR, dict, tuple]:
    """The network, the header, and the bounding box of the points."""
    header, arrays = container.read(path, MODEL)
    with _reading(path):
        _check_float(path, header)
        net = unpack_hyper(header, arrays, given)
        weights = header["loss_weights"]
        if not (weights is None or np.isfinite(weights).all()):
            raise ValueError(f"loss_weights is {weights!r}")
        header = {"loss_weights": weights, "trained": bool(header["trained"])}
        box = tuple(
            as_reals(name, arrays[f"problem/{name}"]).astype(float)
            for name in ("low", "high")
        )
        if box[0].ndim != 1 or box[0].shape != box[1].shape:
            raise ValueError(f"the corners have shapes {[b.shape for b in box]}")
        return net, header, box


def load_fast(
    path,
    data=None,
    feature_transform=None,
    output_transform=None,
    activation=None,
    deformation=None,
) -> FastModel:
    """Loads a reduced model that ``FastModel.save`` wrote.

    With the problem it solves as the saved one does, on the same machine to the last
    bit. Without it, it predicts at the hypernetwork's coefficients. Loading never
    executes code from the file, whoever wrote it.

    Args:
        path: The file.
        data: ``None``, or the ``deepxde_lrnr.data.ParametricPDE`` that the model was
            reduced for. Its residuals are compared with those in the file.
        feature_transform: Instead of that of the file, as for
            ``HyperLRNR.apply_feature_transform``. Needed if it could not be saved.
        output_transform: The same for ``HyperLRNR.apply_output_transform``.
        activation: The same for that of ``HyperLRNR``.
        deformation: The same for that of ``ParametricPDE``; ``data`` has its own.

    Raises:
        OSError: If the file cannot be read.
        FileFormatError: If it is damaged, foreign, of another kind, or newer.
        RuntimeError: With ``data``, in a process forked from one in which TensorFlow
            was used.
        TypeError: If ``path`` is no path, or ``data`` no ``ParametricPDE``.
        ValueError: If ``data`` is another problem, DeepXDE's default float does not fit
            the file, or a function has to be passed or is none.
    """
    path = as_path("path", path)
    given = _given(feature_transform, output_transform, activation, deformation, data)
    header, arrays = container.read(path, FAST_MODEL)
    with _reading(path):
        _check_float(path, header)
        space = ParameterSpace.from_dict(header["parameter_space"])
        _check_fast(header, arrays, space)
    if data is not None:
        check_fork("load_fast() with data")
        _check_data(path, data, space)
        deformed = header["functions"].get("deformation") is not None
        _check_deformation(path, data, deformed)
    with _reading(path):
        parts = unpack_fast_model(header, arrays, given, data)
        if data is not None:
            for name in ("full", "reduced"):
                parts[name].deformation = data.deformation
        fast = FastModel(**parts)
        if header.get("basis") is not None:
            fast.basis = unpack_basis(header["basis"], below(arrays, "basis"), fast)
    if data is not None:
        fast.problem_record.check_shape(data)
        drawn = any(condition.may_be_drawn for condition in data.conditions)
        if drawn or data.deformation is not None:
            examine(data, fast.full)
        fast.problem_record.check_residuals(fast.residual, fast.full)
    return fast


class _Refused(ValueError):
    """An error that is the user's, not the file's."""


@contextlib.contextmanager
def _reading(path):
    """Errors in the middle of a file that is not damaged: someone else wrote it."""
    try:
        yield
    except OldDesign:
        raise FileFormatError(
            f"{path} was reduced for the fast phase of an earlier version; reduce the "
            "trained model again: load_model(path of the model, data).reduce()."
        ) from None
    except MissingFunctions as error:
        raise ValueError(f"{path}: {error}.") from None
    except _Refused as error:
        raise ValueError(str(error)) from None
    except FileFormatError:
        raise
    except NotFinite as error:
        raise FileFormatError(f"{path}: {error}.") from None
    except Exception as error:
        raise FileFormatError(f"{path} is not well-formed: {error!r}.") from error


def _given(feature_transform, output_transform, activation, deformation, data) -> dict:
    """Functions by their names, as ``unpack_functions`` takes them."""
    if feature_transform is not None:
        check_feature_transform("feature_transform", feature_transform)
    if output_transform is not None:
        check_output_transform("output_transform", output_transform)
    if activation is not None:
        several = isinstance(activation, (list, tuple))
        hidden_activations(activation, len(activation) - 1 if several else 1)
    if deformation is not None:
        as_function("deformation", deformation, (2,), "(x, mu)")
    own = getattr(data, "deformation", None)
    if own is not None:
        if deformation is not None:
            raise ValueError(
                "deformation and data are both given, and data has its own; leave "
                "deformation out."
            )
        deformation = own.function
    return {
        "feature_transform": feature_transform,
        "output_transform": output_transform,
        "activation": activation,
        "deformation": deformation,
    }


def _check_fast(header, arrays, space) -> None:
    """Checks what a file says of a reduced model against the arrays in it."""
    sizes = Sizes.of(below(arrays, "full"), space.dim)
    most = most_coefficients(sizes)
    if not min(1, sizes.num_inner) <= header["full_size"] <= most:
        raise ValueError(f"full_size is {header['full_size']!r}, not at most {most}")
    for name, array in arrays.items():
        if name.startswith(_FINITE) and not np.isfinite(array).all():
            raise ValueError(f"{name} has entries that are NaN or infinite")
    shapes = arrays["random/weights"].shape, arrays["random/shifts"].shape
    rows = sizes.features, sizes.features + sizes.outputs
    if shapes[0] not in [(n, *shapes[1]) for n in rows]:
        raise ValueError(f"the random features have the shapes {shapes}")


def _check_float(path, header) -> None:
    saved, ours = header["dtype"], dde.config.default_float()
    if saved != ours:
        raise _Refused(
            f"{path} holds a model in {saved}, but DeepXDE's default float is {ours}; "
            f'call dde.config.set_default_float("{saved}") before the problem is made.'
        )


def _check_data(path, data, space) -> None:
    if not isinstance(data, ParametricPDE):
        raise TypeError(
            f"data is a {type(data).__name__}; it must be the deepxde_lrnr.data."
            f"ParametricPDE that the model in {path} was made for."
        )
    if data.parameter_space != space:
        raise ValueError(
            f"data has the parameter space {data.parameter_space}; that of the model "
            f"in {path} is {space}."
        )


def _check_deformation(path, data, deformed: bool) -> None:
    """Checks that a problem has a deformation if the model has."""
    if deformed != (data.deformation is not None):
        ours, theirs = ("one", "no") if deformed else ("none", "a")
        raise ValueError(
            f"data has {theirs} deformation; the model in {path} has {ours}."
        )
