"""Every public function of the package, with arguments with which it works.

What is public is read from ``__all__`` of the package and of its public modules:
functions, constructors of classes, and methods with a docstring (a method without one
is a hook of Keras or DeepXDE, which call it). ``calls`` says for each what its
arguments must be.
"""

from __future__ import annotations

import functools
import inspect
import types
from functools import cached_property
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from bad_inputs import (
    ANY_FLAG,
    NONE,
    Call,
    Kind,
    arrays,
    as_array,
    choice,
    count,
    function,
    instance,
    is_finite,
    is_path,
    number,
    real_array,
    shaped,
)
from deepxde_lrnr.fast_phase import Adam, GaussNewton, reduce_model
from families import decay_network
from hypothesis import strategies as st

# Public by its name, but not for users to call.
NOT_FOR_USERS = {
    "FastModel": "made by Model.reduce and load_fast",
    "Solution": "made by FastModel.solve",
    "Sweep": "made by sweep",
    "reduction.ReducedLayer": "made by reduce_layer",
    "callbacks.Checkpoint.read": "called by Model.train",
    "callbacks.Checkpoint.resume": "called by Model.train",
    "data.ParametricPDE.batch": "called by DeepXDE's training",
    "data.ParametricPDE.draw_collocation": "called by DeepXDE's training",
    "data.ParametricPDE.errors": "called by DeepXDE's training, with Tensors",
    "data.ParametricPDE.check_loss_weights": "called by DeepXDE's training",
    "nn.FastLRNR.features": "called by evaluate, with Tensors",
    "fast_phase.Adam.prepare": "called by FastModel.solve",
    "fast_phase.GaussNewton.prepare": "called by FastModel.solve",
}


def public_functions() -> dict[str, object]:
    """Names, without that of the package, and functions or classes."""
    found = {}
    for name, thing in _exported(lrnr, "", {}).items():
        if inspect.isclass(thing) and issubclass(thing, Exception):
            continue  # raised by the package alone
        found[name] = thing
        if inspect.isclass(thing):
            found |= {f"{name}.{key}": m for key, m in _methods(thing).items()}
    return found


def _exported(module, prefix: str, found: dict) -> dict:
    # Modules first: what is exported twice has the shorter name.
    for name in module.__all__:
        thing = getattr(module, name)
        if isinstance(thing, types.ModuleType):
            _exported(thing, f"{prefix}{name}.", found)
    for name in module.__all__:
        thing = getattr(module, name)
        if callable(thing):
            longer = [key for key, known in found.items() if known is thing]
            for key in longer:
                del found[key]
            found[prefix + name] = thing
    return found


def _methods(cls) -> dict:
    found = {}
    for base in reversed(cls.__mro__):
        ours = base.__module__.startswith("deepxde_lrnr")
        for name, value in vars(base).items():
            method = getattr(value, "__func__", value)
            if name.startswith("_") or not inspect.isfunction(method):
                continue
            found.pop(name, None)
            if ours and method.__doc__:
                found[name] = method
    return found


def takes_arguments(thing) -> bool:
    return bool(set(inspect.signature(thing).parameters) - {"self", "cls"})


class Tiny:
    """One small model and what can be made of it, each made when it is first needed."""

    space = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5, "log"))
    solver = GaussNewton(2, "learned", damping=1e-2)
    points = np.array([[0.2, 0.1], [0.5, 0.5], [0.9, 0.3], [0.4, 0.8]])
    mu = np.array([[1.0, 0.8], [2.0, 1.2]])

    def __init__(self, folder):
        self.folder = Path(folder)

    @cached_property
    def geom(self):
        return dde.geometry.GeometryXTime(
            dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
        )

    @cached_property
    def problem(self):
        return self.data.problem

    @cached_property
    def data_and_net(self):
        return decay_network(self.geom, self.space)

    @property
    def data(self):
        return self.data_and_net[0]

    @property
    def net(self):
        return self.data_and_net[1]

    @cached_property
    def model(self):
        model = lrnr.Model(self.data, self.net)
        model.compile("adam", lr=1e-4, verbose=0)
        model.train(iterations=1, batch_size=2, display_every=10, verbose=0)
        return model

    @cached_property
    def fast(self):
        return reduce_model(
            self.data, self.net, points=20, rank=3, num_parameters=12, num_nodes=8
        )

    @cached_property
    def solution(self):
        return self.fast.solve(self.mu, self.solver)

    @cached_property
    def fast_file(self):
        return self.fast.save(self.folder / "fast.npz")

    @cached_property
    def model_file(self):
        return self.model.save(self.folder / "model.npz")

    @cached_property
    def axes(self):
        from matplotlib.figure import Figure

        return Figure().subplots()

    def untrained(self):
        return lrnr.nn.HyperLRNR(
            [2, 4, 4, 1], "tanh", "Glorot normal", rank=2, parameter_space=self.space
        )

    def modes(self, k: int = 2):
        return np.linalg.qr(np.random.default_rng(0).standard_normal((6, k)))[0]


def _is_mu(space, several: bool = False):
    """Whether a value is one or several mu of which float32 can hold all numbers."""

    def fits(value):
        if hasattr(value, "keys"):
            if set(value) != set(space.names):
                return False
            columns = [as_array(value[name]) for name in space.names]
            if any(c is None or c.ndim > 1 or c.size == 0 for c in columns):
                return False
            sizes = {c.size for c in columns if c.ndim == 1} - {1}
            if len(sizes) > 1:
                return False
            array = np.stack(np.broadcast_arrays(*columns), axis=-1).astype(float)
        else:
            array = as_array(value)
            if array is None or array.ndim not in (1, 2) or array.size == 0:
                return False
            array = array.astype(float)
        if array.shape[-1] != space.dim:
            return False
        finite = np.abs(array) <= 3e38
        return bool(finite.all() and (array[..., space.log] > 0).all())

    return fits


def mus(space, extra=()) -> Kind:
    names = st.sampled_from([*space.names, "b", "nu"])
    values = st.one_of(st.floats(), st.lists(st.floats(), max_size=3), st.none())
    return Kind(
        _is_mu(space), (arrays(), st.dictionaries(names, values, max_size=3), *extra)
    )


def _takes_two(value) -> bool:
    try:
        inspect.signature(value).bind(None, None)
    except (TypeError, ValueError):
        return False
    return True


TAKES_TWO = Kind(_takes_two)
FLOATS = st.floats(-1e30, 1e30)


def calls(tiny: Tiny) -> dict[str, Call]:
    """For each public function that takes arguments, how it is called."""
    entries = {}
    public = public_functions()

    def add(name, arguments, kinds, allowed=None, call=None, result=None):
        entries[name] = Call(
            call or public[name],
            public[name],
            arguments,
            kinds,
            allowed or {},
            result or (lambda value: value),
        )

    _add_space(add, tiny)
    _add_problem(add, tiny)
    _add_networks(add, tiny)
    _add_model(add, tiny)
    _add_fast_phase(add, tiny)
    _add_reduction(add)
    _add_pictures(add, tiny)
    return entries


def _add_space(add, tiny):
    space, mu = tiny.space, mus(tiny.space)
    bounds = Kind(_is_bounds, (st.tuples(st.floats(), st.floats()), st.text()))
    inside = {
        "mu": st.builds(np.array, st.lists(st.floats(0.5, 1.5), min_size=2, max_size=2))
    }
    outside = {"mu": st.tuples(FLOATS, st.floats(1e-30, 1e30))}
    add("ParameterSpace", {"k": (0, 1)}, {"k": bounds})
    add(
        "ParameterSpace.sample",
        {"n": 3, "distribution": "pseudo"},
        {
            "n": count(),
            "distribution": choice(
                "uniform", "pseudo", "LHS", "Halton", "Hammersley", "Sobol"
            ),
        },
        {"n": st.one_of(st.integers(1, 50), st.just(np.uint8(3)))},
        call=space.sample,
    )
    text = instance(str)
    add(
        "ParameterSpace.as_array",
        {"mu": tiny.mu},
        {"mu": mu, "name": text},
        outside,
        space.as_array,
    )
    add(
        "ParameterSpace.is_single",
        {"mu": tiny.mu},
        {"mu": mu},
        outside,
        space.is_single,
    )
    add("ParameterSpace.contains", {"mu": tiny.mu}, {"mu": mu}, outside, space.contains)
    add(
        "ParameterSpace.check",
        {"mu": tiny.mu},
        {"mu": mu, "name": text, "stacklevel": count()},
        outside,
        space.check,
    )
    rows = real_array(
        lambda array: (
            array.ndim > 0
            and array.shape[-1] == space.dim
            and bool((array[..., space.log] > 0).all())
        ),
        1e308,
    )
    add("ParameterSpace.scale", {"mu": tiny.mu}, {"mu": rows}, inside, space.scale)
    description = Kind(
        lambda value: isinstance(value, dict) and value == space.to_dict(),
        (
            st.dictionaries(
                st.sampled_from(["names", "low", "high", "log"]),
                st.one_of(
                    st.lists(st.floats()), st.text(), st.lists(st.text()), st.none()
                ),
            ),
        ),
    )
    add(
        "ParameterSpace.from_dict",
        {"d": space.to_dict()},
        {"d": description},
        call=lrnr.ParameterSpace.from_dict,
    )


def _is_bounds(value):
    if not isinstance(value, (list, tuple, np.ndarray)):
        return False
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return False
    *bounds, scale = value if len(value) == 3 else (*value, "linear")
    if not (isinstance(scale, str) and scale in ("linear", "log")):
        return False
    if len(bounds) != 2 or not all(map(is_finite, bounds)):
        return False
    low, high = map(float, bounds)
    return np.finfo(float).tiny < (high - low) / 2 < np.inf and (
        scale == "linear" or low > 0
    )


def _add_problem(add, tiny):
    problem, space = tiny.problem, tiny.space
    good = {"problem": problem, "parameter_space": space, "num_parameters": 4}
    distribution = choice("uniform", "pseudo", "LHS", "Halton", "Hammersley", "Sobol")
    add(
        "data.ParametricPDE",
        good,
        {
            "problem": instance(dde.data.PDE),
            "parameter_space": instance(lrnr.ParameterSpace),
            "num_parameters": count(),
            "parameter_distribution": distribution,
            "num_test": count(),
            "solution": NONE | function(1, 2),
        },
    )
    data = lrnr.data.ParametricPDE(**good)
    add(
        "data.ParametricPDE.resample_train_parameters",
        {"mu": tiny.mu},
        {"mu": NONE | mus(space)},
        {"mu": st.lists(st.tuples(FLOATS, st.floats(1e-30, 1e30)), min_size=1)},
        data.resample_train_parameters,
    )
    add(
        "data.ParametricPDE.resample_train_points",
        {},
        {"pde_points": ANY_FLAG, "bc_points": ANY_FLAG},
        call=data.resample_train_points,
    )
    add(
        "data.ParametricPDE.collocation",
        {"points": tiny.points},
        {"points": shaped(None, 2), "condition_points": NONE | count()},
        call=data.collocation,
    )


def _add_networks(add, tiny):
    sizes = Kind(_are_sizes, (st.lists(st.integers(-2, 5), max_size=6),))
    activation = (
        choice("tanh", "TANH")
        | Kind(callable)
        | Kind(
            lambda value: (
                isinstance(value, (list, tuple))
                and len(value) == 3
                and all(map(callable, value))
            )
        )
    )
    initializer = choice("Glorot normal", "He normal") | Kind(callable)
    penalty = Kind(
        _is_penalty,
        (
            st.dictionaries(st.sampled_from(["orthogonality", "l2"]), st.floats()),
            st.tuples(st.sampled_from(["l1", "l2", "l1l2", "l3"]), st.floats()),
        ),
    )
    low_rank = {
        "layer_sizes": sizes,
        "activation": NONE | activation,
        "kernel_initializer": initializer,
        "regularization": NONE | penalty,
        "rank": count(1, 4),
    }
    good = {
        "layer_sizes": [2, 4, 4, 1],
        "activation": "tanh",
        "kernel_initializer": "Glorot normal",
        "rank": 2,
    }
    add("nn.LRNR", good, low_rank)
    hidden = Kind(
        lambda value: (
            isinstance(value, (list, tuple)) and all(count().fits(v) for v in value)
        )
    )
    add(
        "nn.HyperLRNR",
        {**good, "parameter_space": tiny.space},
        {
            **low_rank,
            "parameter_space": instance(lrnr.ParameterSpace),
            "bias_rank": count(0),
            "hypernetwork": hidden,
        },
    )
    net, layout = tiny.net, tiny.net.layout
    fast = lrnr.nn.FastLRNR(net)
    one = Kind(lambda value: False, (st.lists(st.integers(-9, 9), max_size=4),))
    add(
        "nn.FastLRNR",
        {"net": net},
        {
            "net": instance(lrnr.nn.HyperLRNR),
            "indices": NONE | one,
            "maps": NONE | one,
            "kept": NONE | Kind(lambda value: False),
        },
    )
    mu, points, z = (
        tf.constant(a, "float32")
        for a in (tiny.mu, np.repeat(tiny.points, 2, axis=0), net.coefficients(tiny.mu))
    )
    for name, network in (("nn.HyperLRNR", net), ("nn.FastLRNR", fast)):
        size = network.layout.size
        add(
            f"{name}.coefficients",
            {"mu": tiny.mu},
            {"mu": mus(tiny.space)},
            {"mu": st.tuples(FLOATS, st.floats(1e-30, 1e30))},
            network.coefficients,
        )
        add(
            f"{name}.evaluate",
            {"mu": mu, "x": points, "coefficients": z},
            {
                "mu": shaped(2, 2),
                "x": real_array(
                    lambda a: (
                        a.ndim == 2
                        and a.shape[1] == 2
                        and a.shape[0] % 2 == 0
                        and len(a) > 0
                    )
                ),
                "coefficients": shaped(2, size),
            },
            call=network.evaluate,
        )
        for transform, kind in (("feature", function(1, 2)), ("output", TAKES_TWO)):
            method = f"apply_{transform}_transform"
            add(
                f"{name}.{method}",
                {"transform": lambda x, y: y},
                {"transform": kind},
                call=functools.partial(_apply, tiny, method),
            )
    good = {"ranks": (2, 3), "bias_ranks": (1, 0, 1)}
    add(
        "nn.CoefficientLayout",
        good,
        {
            "ranks": Kind(
                lambda v: (
                    isinstance(v, (list, tuple))
                    and len(v) > 0
                    and all(count().fits(i) for i in v)
                )
            ),
            "bias_ranks": Kind(
                lambda v: (
                    isinstance(v, (list, tuple))
                    and len(v) > 0
                    and all(count(0).fits(i) for i in v)
                )
            ),
        },
    )
    other = lrnr.nn.CoefficientLayout(**good)
    add(
        "nn.CoefficientLayout.split",
        {"coefficients": np.ones((3, other.size))},
        {
            "coefficients": real_array(
                lambda a: a.ndim == 2 and a.shape[1] == other.size
            )
        },
        call=other.split,
    )
    add(
        "nn.CoefficientLayout.keep",
        {"kept": np.ones(layout.size, bool)},
        {"kept": Kind(lambda value: False)},
        call=layout.keep,
    )
    positive = number(lambda v: v > 0)
    decay = number(lambda v: 0 <= v < 1)
    add(
        "optimizers.SOAP",
        {},
        {
            "learning_rate": positive | Kind(callable),
            "beta_1": decay,
            "beta_2": decay,
            "epsilon": positive,
            "frequency": count(),
            "max_size": count(),
            "name": NONE | instance(str),
        },
    )


def _apply(tiny, method, transform):
    getattr(tiny.untrained(), method)(transform)


def _are_sizes(value):
    return (
        isinstance(value, (list, tuple, range))
        and len(value) >= 4
        and all(count().fits(size) for size in value)
    )


def _is_penalty(value):
    if isinstance(value, dict):
        return set(value) <= {"orthogonality", "sparsity"} and all(
            is_finite(v) and v >= 0 for v in value.values()
        )
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return isinstance(value, (list, tuple)) and len(value) == 0
    return value[0] in ("l1", "l2") and is_finite(value[1]) and value[1] >= 0


def _weights(size: int) -> Kind:
    def fits(value):
        array = as_array(value)
        return (
            array is not None
            and array.shape == (size,)
            and all(is_finite(float(v)) and v >= 0 for v in array)
        )

    return Kind(fits, (st.lists(st.floats(), max_size=3),))


def _add_model(add, tiny):
    model = tiny.model
    good = {"data": tiny.data, "net": tiny.net}
    strategy = NONE | instance(tf.distribute.Strategy)
    kinds = {
        "data": instance(lrnr.data.ParametricPDE),
        "net": instance(lrnr.nn.HyperLRNR),
    }
    add("Model", good, {**kinds, "strategy": strategy})
    names = (*dde.losses.LOSS_DICT, "cubic")
    positive = number(lambda v: v > 0)
    add(
        "Model.compile",
        {"optimizer": "adam", "lr": 1e-3, "verbose": 0},
        {
            "optimizer": choice("adam", "nadam", "sgd", "L-BFGS", "L-BFGS-B", "SOAP")
            | Kind(lambda v: isinstance(v, str) and v.upper() == "SOAP")
            | instance(tf.keras.optimizers.Optimizer),
            "lr": positive,
            "loss": choice(*names[:-1])
            | Kind(callable)
            | Kind(lambda v: isinstance(v, (list, tuple)) and not v),
            "metrics": NONE | Kind(lambda v: isinstance(v, (list, tuple)) and not v),
            "decay": NONE
            | Kind(
                _is_decay,
                (
                    st.tuples(
                        st.sampled_from(["cosine", "inverse time", "step"]),
                        st.floats(),
                        st.floats(),
                    ),
                ),
            ),
            "loss_weights": NONE
            | Kind(
                lambda v: (
                    isinstance(v, (list, tuple))
                    and all(is_finite(w) and w >= 0 for w in v)
                ),
                (st.lists(st.floats()),),
            )
            | _weights(1)
            | _weights(2)
            | _weights(3),
            "external_trainable_variables": NONE
            | Kind(lambda v: isinstance(v, (list, tuple)) and not v),
            "verbose": ANY_FLAG | count(0),
        },
        call=functools.partial(_compile, tiny),
    )
    add(
        "Model.train",
        {"iterations": 1, "batch_size": 2, "display_every": 10, "verbose": 0},
        {
            "iterations": count(0),
            "batch_size": NONE
            | Kind(_is_batch, (st.lists(st.integers(-2, 99), max_size=3),)),
            "display_every": count(),
            "disregard_previous_best": ANY_FLAG,
            "callbacks": NONE | Kind(lambda v: isinstance(v, (list, tuple)) and not v),
            "model_restore_path": NONE,
            "model_save_path": NONE | Kind(is_path),
            "epochs": NONE | count(0),
            "verbose": ANY_FLAG | count(0),
        },
        call=model.train,
        result=lambda result: result[0].loss_train,
    )
    path = Kind(is_path)
    add(
        "Model.save",
        {"save_path": tiny.folder / "model.npz"},
        {
            "save_path": path,
            "protocol": choice("backend", "pickle"),
            "verbose": ANY_FLAG | count(0),
        },
        call=model.save,
    )
    missing = Kind(lambda value: False, (st.text(max_size=5),))
    add(
        "Model.restore",
        {"save_path": tiny.model_file},
        {"save_path": missing, "verbose": ANY_FLAG | count(0)},
        call=model.restore,
    )
    _add_predict(add, tiny, "Model.predict", model.predict)
    add("Model.reduce", dict(_REDUCTION), _reduction_kinds(), call=model.reduce)
    add(
        "fast_phase.reduce_model",
        {**good, **_REDUCTION},
        {**kinds, "loss_weights": NONE | _weights(1), **_reduction_kinds()},
    )
    transforms = {
        "feature_transform": NONE | function(1, 2),
        "output_transform": NONE | TAKES_TWO,
        "activation": NONE | choice("tanh", "TANH") | Kind(callable),
    }
    add(
        "load_model",
        {"path": tiny.model_file, "data": tiny.data},
        {"path": missing, "data": kinds["data"], **transforms},
    )
    add(
        "load_fast",
        {"path": tiny.fast_file},
        {"path": missing, "data": NONE | kinds["data"], **transforms},
    )
    add(
        "callbacks.Checkpoint",
        {"path": tiny.folder / "checkpoint"},
        {"path": path, "every": count()},
    )
    weight = number(lambda v: v >= 0)
    add(
        "callbacks.ParameterResampler",
        {},
        {
            "period": count(),
            "method": choice("uniform", "residual"),
            "power": weight,
            "offset": weight,
            "candidates": count(),
            "num_points": count(),
        },
    )
    resampler = lrnr.callbacks.ParameterResampler(method="residual", num_points=4)
    resampler.model = model
    add(
        "callbacks.ParameterResampler.parameter_losses",
        {"mu": tiny.mu},
        {"mu": mus(tiny.space)},
        call=resampler.parameter_losses,
    )
    add("callbacks.Progress", {}, {"disable": NONE | ANY_FLAG})


_REDUCTION = {
    "points": 20,
    "method": "eim",
    "rank": 2,
    "num_parameters": 6,
    "num_nodes": 4,
}


def _reduction_kinds():
    return {
        "points": NONE | count() | shaped(None, 2),
        "method": choice(*lrnr.reduction.METHODS),
        "rank": NONE | count(1, 8),
        "rtol": NONE | number(lambda v: 0 < v < 1),
        "oversampling": number(lambda v: v >= 1),
        "num_parameters": count(),
        "num_nodes": NONE | count(),
        "seed": count(0),
    }


def _compile(tiny, **arguments):
    lrnr.Model(tiny.data, tiny.net).compile(**arguments)


def _is_decay(value):
    return (
        isinstance(value, (list, tuple))
        and len(value) == 3
        and value[0] in ("cosine", "inverse time")
        and is_finite(value[1])
        and is_finite(value[2])
        and value[1] > 0
        and value[2] >= 0
    )


def _is_batch(value):
    sizes = value if isinstance(value, (list, tuple)) else [value]
    limits = (8, 20)
    return 0 < len(sizes) <= 2 and all(
        size is None or count(1, limit).fits(size)
        for size, limit in zip(sizes, limits, strict=False)
    )


def _add_predict(add, tiny, name, call):
    mu = {"mu": mus(tiny.space)} if name != "Solution.predict" else {}
    add(
        name,
        {"x": tiny.points, **({"mu": tiny.mu} if mu else {})},
        {"x": shaped(None, 2), "operator": NONE | function(2, 3), **mu},
        {
            "x": st.one_of(
                st.lists(st.tuples(FLOATS, FLOATS), min_size=1),
                st.just(tiny.points.astype("f2")),
                st.just(np.asfortranarray(tiny.points)),
                st.just(np.array([[1, 2], [3, 4]])),
            ),
            **({"mu": st.tuples(FLOATS, st.floats(1e-30, 1e30))} if mu else {}),
        },
        call,
    )


def _add_fast_phase(add, tiny):
    fast = tiny.fast
    solver = instance(GaussNewton, Adam)
    _add_predict(add, tiny, "FastModel.predict", fast.predict)
    _add_predict(add, tiny, "Solution.predict", tiny.solution.predict)
    add(
        "FastModel.save",
        {"path": tiny.folder / "fast.npz"},
        {"path": Kind(is_path)},
        call=fast.save,
    )
    add(
        "FastModel.solve",
        {"mu": tiny.mu, "solver": tiny.solver},
        {"mu": mus(tiny.space), "solver": NONE | solver},
        {"mu": st.builds(dict, k=st.floats(-5, 5), a=st.floats(0.1, 5))},
        fast.solve,
        result=lambda solution: [solution.coefficients, solution.residual],
    )
    positive, weight = number(lambda v: v > 0), number(lambda v: v >= 0)
    add(
        "fast_phase.GaussNewton",
        {},
        {
            "iterations": count(),
            "jacobian": choice("auto", "learned", "selected", "fast", "exact"),
            "damping": choice("auto") | positive,
            "rtol": number(lambda v: 0 <= v < 1),
        },
    )
    add(
        "fast_phase.Adam",
        {},
        {
            "iterations": count(),
            "lr": positive,
            "objective": choice("absolute", "MSE"),
            "locality": weight,
            "network": choice("fast", "full"),
        },
    )
    add(
        "sweep",
        {
            "fast": fast,
            "mus": tiny.mu,
            "x": tiny.points,
            "solver": tiny.solver,
            "verbose": 0,
        },
        {
            "fast": instance(lrnr.FastModel),
            "mus": mus(tiny.space),
            "x": NONE | shaped(None, 2),
            "operator": NONE | function(2, 3),
            "solver": NONE | solver,
            "client": NONE,
            "chunk_size": NONE | count(),
            "out": NONE | Kind(lambda value: False, (st.text(max_size=4),)),
            "verbose": ANY_FLAG | count(0),
        },
        result=lambda sweep: [sweep.coefficients, sweep.values],
    )


def _add_reduction(add):
    rng = np.random.default_rng(0)
    modes = np.linalg.qr(rng.standard_normal((6, 2)))[0]
    snapshots = rng.standard_normal((6, 9))
    matrix = shaped(None, None, largest=1e308)
    tall = real_array(
        lambda a: a.ndim == 2 and a.shape[0] >= a.shape[1] > 0, largest=1e308
    )
    rows = real_array(lambda a: a.ndim == 2 and a.shape[0] == 6 and a.size, 1e308)
    indices = real_array(
        lambda a: (
            a.ndim == 1
            and a.dtype.kind in "iu"
            and len(a) >= 2
            and bool(((a >= 0) & (a < 6)).all())
        )
    )
    finite = st.one_of(
        st.just(snapshots * 1e150),
        st.just(snapshots * 1e-150),
        st.just(snapshots.astype("f2")),
        st.just(snapshots.tolist()),
        st.just(np.outer(snapshots[:, 0], np.ones(9))),
        st.just(snapshots[:, :1]),
        st.just(np.asfortranarray(snapshots)),
        st.just((9 * snapshots).astype(int)),
    )
    for name in ("deim_indices", "qdeim_indices"):
        add(f"reduction.{name}", {"modes": modes}, {"modes": tall})
    add(
        "reduction.oversampled_indices",
        {"modes": modes, "size": 3},
        {"modes": tall, "size": count(2, 6)},
    )
    add(
        "reduction.pod",
        {"snapshots": snapshots, "rank": 2},
        {
            "snapshots": matrix,
            "rank": NONE | count(1, 6),
            "rtol": NONE | number(lambda v: 0 < v < 1),
        },
        {"snapshots": finite.filter(lambda a: np.shape(a)[1] > 1)},
    )
    add(
        "reduction.condition",
        {"modes": modes, "indices": [0, 1]},
        {"modes": tall, "indices": indices},
    )
    add(
        "reduction.interpolation_map",
        {"modes": modes, "indices": [0, 1], "target": snapshots},
        {"modes": tall, "indices": indices, "target": rows},
        {"target": finite},
    )
    columns = real_array(lambda a: a.ndim == 2 and a.shape[1] == 9 and a.size, 1e308)
    add(
        "reduction.fitted_map",
        {"selected": snapshots[:3], "targets": snapshots},
        {
            "selected": columns,
            "targets": columns,
            "ridge": NONE | number(lambda v: v >= 0),
        },
        {"selected": finite.filter(lambda a: np.shape(a)[1] == 9)},
    )
    several = (
        NONE
        | rows
        | Kind(lambda v: isinstance(v, (list, tuple)) and all(map(rows.fits, v)))
    )
    add(
        "reduction.reduce_layer",
        {"snapshots": snapshots, "target": snapshots[:, :2], "rank": 2},
        {
            "snapshots": rows,
            "target": rows,
            "method": choice(*lrnr.reduction.METHODS),
            "rank": NONE | count(1, 6),
            "rtol": NONE | number(lambda v: 0 < v < 1),
            "oversampling": number(lambda v: v >= 1),
            "derivative_snapshots": several,
            "held_out": NONE | rows,
            "held_out_derivatives": several,
            "ridge": NONE | number(lambda v: v >= 0),
        },
        {
            "snapshots": finite.filter(lambda a: np.shape(a)[1] > 1),
            "target": finite,
            "derivative_snapshots": finite,
        },
        # NaN where there is no derivative.
        result=lambda layer: [layer.map, layer.singular_values, layer.error_values],
    )
    jacobians = rng.standard_normal((2, 8, 3))
    rows_of = real_array(
        lambda a: a.shape == (8,) and a.dtype.kind in "iu" and bool((a >= 0).all())
    )
    add(
        "reduction.select_points",
        {"jacobians": jacobians, "point_of_row": np.arange(8), "num_rows": 4},
        {
            "jacobians": real_array(
                lambda a: a.ndim == 3 and a.shape[1] == 8 and a.size
            ),
            "point_of_row": rows_of,
            "num_rows": count(1, np.inf),
            "always": real_array(
                lambda a: (
                    a.ndim == 1
                    and (a.size == 0 or a.dtype.kind in "iu")
                    and bool(((a >= 0) & (a < 8)).all())
                )
            ),
        },
    )


def _add_pictures(add, tiny):
    from matplotlib.axes import Axes

    ax = NONE | instance(Axes)
    parameter = choice(*tiny.space.names)
    solution = instance(lrnr.Solution)
    one = tiny.solution[0]
    drawn = {"ax": tiny.axes}
    add(
        "plot.solution",
        {"solution": one, "x": np.linspace([0, 0.5], [1, 0.5], 5), **drawn},
        {
            "solution": solution,
            "x": shaped(None, 2),
            "reference": NONE | shaped(5) | shaped(5, 1),
            "component": count(0, 0),
            "geom": NONE
            | instance(dde.geometry.geometry.Geometry, dde.geometry.GeometryXTime),
            "ax": ax,
        },
        result=lambda ax: None,
    )
    models = instance(lrnr.Model, lrnr.FastModel)
    add(
        "plot.coefficients",
        {"model": tiny.fast, "num": 3, **drawn},
        {"model": models, "parameter": NONE | parameter, "num": count(2), "ax": ax},
    )
    report = type(tiny.fast.report())
    add(
        "plot.singular_values",
        {"model": tiny.fast, **drawn},
        {"model": instance(lrnr.FastModel, report), "ax": ax},
    )
    add(
        "plot.convergence",
        {"solution": tiny.solution, **drawn},
        {"solution": solution, "ax": ax},
    )
    add(
        "plot.indicator",
        {"solution": tiny.solution, **drawn},
        {
            "solution": instance(lrnr.Solution, lrnr.Sweep),
            "parameters": NONE
            | parameter
            | Kind(
                lambda v: (
                    isinstance(v, (list, tuple))
                    and 0 < len(v) < 3
                    and len(set(v)) == len(v)
                    and all(map(parameter.fits, v))
                )
            ),
            "ax": ax,
        },
    )
