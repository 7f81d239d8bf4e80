"""Which functions are public.

What is public is read from ``__all__`` of the package and of its public modules:
functions, constructors of classes, and methods with a docstring (a method without one
is a hook of Keras or DeepXDE, which call it).
"""

from __future__ import annotations

import inspect
import types

import deepxde_lrnr as lrnr

# Public by its name, but not for users to call.
NOT_FOR_USERS = {
    "Model.compute_losses": "called by training, with Tensors",
    "Model.losses_of": "called by training",
    "FastModel": "made by Model.reduce and load_fast",
    "FastModel.predictor_of": "called by solvers",
    "FastModel.estimate": "called by Solution.error",
    "FastModel.warn_outside": "called by sweep",
    "FastModel.residual_of_hypernetwork": "called by LeastSquares",
    "Solution": "made by FastModel.solve",
    "Solution.with_errors": "called by FastModel.solve",
    "Solution.evaluate": "called by predict and sweep",
    "Solution.reference_points": "called by plot.solution",
    "Surrogate": "made by load_surrogate",
    "PolishedSolution": "made by polish",
    "Sweep": "made by sweep",
    "reduction.ReducedLayer": "made by reduce_layer",
    "data.ParametricPDE.batch": "called by DeepXDE's training",
    "data.ParametricPDE.draw_collocation": "called by DeepXDE's training",
    "data.ParametricPDE.collocation_of": "called by reduce_model",
    "data.ParametricPDE.deformed": "called by batch and the fast phase",
    "data.ParametricPDE.physical": "called by the error estimate",
    "data.ParametricPDE.targets": "called by DeepXDE's training",
    "data.ParametricPointSetBC.measured_error": "called by training, with Tensors",
    "data.ParametricPointSetBC.measurements": "called by training",
    "nn.FastLRNR.features": "called by evaluate, with Tensors",
    "nn.Parametric.features": "called by evaluate, with Tensors",
    "fast_phase.Status": "made by solvers",
    "fast_phase.Adam.prepare": "called by FastModel.solve",
    "fast_phase.LeastSquares.prepare": "called by FastModel.solve",
    "reduced_basis.BasisLeastSquares.prepare": "called by FastModel.solve",
    "reduced_basis.ReducedBasis": "made by FastModel.build_basis",
    "reduced_basis.ReducedBasis.estimate_errors": "called by Solution.error",
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
