"""The reduction of a model, the fast phase, and sweeps."""

from __future__ import annotations

import deepxde_lrnr as lrnr
import deepxde as dde
from deepxde_lrnr.fast_phase import Adam, LeastSquares
from hypothesis import strategies as st

from .kinds import (
    FLOATS,
    FUNCTIONS,
    NO_FILE,
    NONE,
    OPERATOR,
    POSITIVE_FLOATS,
    VERBOSE,
    WEIGHTS,
    Kind,
    add_predict,
    choice,
    count,
    instance,
    is_path,
    mus,
    number,
    shaped,
)

REDUCTION = {
    "points": 20,
    "method": "eim",
    "rank": 2,
    "num_parameters": 6,
}


def _reduction_kinds(space):
    return {
        "points": NONE | count() | shaped(None, 2),
        "method": choice(*lrnr.reduction.METHODS),
        "rank": NONE | count(1, 8),
        "rtol": NONE | number(lambda v: 0 < v < 1),
        "oversampling": number(lambda v: v >= 1),
        "num_parameters": count(),
        "random_features": NONE | count(0),
        "seed": count(0),
        "verbose": VERBOSE,
        "mu": NONE | mus(space),
    }


def _add_reduction(add, tiny):
    add(
        "Model.reduce",
        dict(REDUCTION),
        _reduction_kinds(tiny.space),
        call=tiny.model.reduce,
    )
    kinds = {
        "data": instance(lrnr.data.ParametricPDE),
        "net": instance(lrnr.nn.HyperLRNR),
        "loss_weights": NONE | WEIGHTS,
        **_reduction_kinds(tiny.space),
    }
    good = {"data": tiny.data, "net": tiny.net, **REDUCTION}
    add("offline.reduce_model", good, kinds)
    add(
        "load_fast",
        {"path": tiny.fast_file},
        {"path": NO_FILE, "data": NONE | kinds["data"], **FUNCTIONS},
    )


def _add_polish(add, tiny):
    add(
        "polish",
        {"model": tiny.plain_model, "random_features": 0},
        {
            "model": instance(dde.Model),
            "layers": choice("all", "last"),
            # Others than 0 are refused with layers="last".
            "random_features": NONE | count(0, 0),
        },
        result=lambda solution: [solution.unknowns, solution.residual],
    )
    add_predict(add, tiny, "PolishedSolution.predict", tiny.polished.predict, mu=False)


def add_fast_phase(add, tiny):
    _add_reduction(add, tiny)
    _add_polish(add, tiny)
    fast = tiny.fast
    solver = instance(LeastSquares, Adam)
    add_predict(add, tiny, "FastModel.predict", fast.predict)
    add_predict(add, tiny, "Solution.predict", tiny.solution.predict, mu=False)
    surrogate = tiny.surrogate
    add_predict(add, tiny, "Surrogate.predict", surrogate.predict, operator=False)
    add(
        "Surrogate.coefficients",
        {"mu": tiny.mu},
        {"mu": mus(tiny.space)},
        {"mu": st.tuples(FLOATS, POSITIVE_FLOATS)},
        surrogate.coefficients,
    )
    add("load_surrogate", {"path": tiny.basis_file}, {"path": NO_FILE})
    add(
        "Solution.gradient",
        {"x": tiny.points},
        {"x": shaped(None, 2)},
        call=tiny.in_basis.gradient,
    )
    add(
        "FastModel.save",
        {"path": tiny.folder / "fast.npz"},
        {"path": Kind(is_path)},
        call=fast.save,
    )
    add(
        "FastModel.estimate_errors",
        {"count": 2},
        {"count": count(), "mu": NONE | mus(tiny.space)},
        call=fast.estimate_errors,
    )
    add(
        "FastModel.solve",
        {"mu": tiny.mu, "solver": tiny.solver},
        # A solver is given: there is no tolerance besides.
        {"mu": mus(tiny.space), "solver": NONE | solver, "tolerance": NONE},
        {"mu": st.builds(dict, k=st.floats(-5, 5), a=st.floats(0.1, 5))},
        fast.solve,
        result=lambda solution: [solution.coefficients, solution.residual],
    )
    positive, weight = number(lambda v: v > 0), number(lambda v: v >= 0)
    add(
        "FastModel.build_basis",
        {"tolerance": 0.1, "max_size": 8, "num_candidates": 8, "verbose": 0},
        {
            "tolerance": positive,
            "max_size": count(8, 8),
            "num_candidates": count(8),
            "verbose": VERBOSE,
        },
        call=tiny.fast.build_basis,
        result=lambda basis: [basis.mu, basis.errors],
    )
    for name in ("fast_phase.LeastSquares", "reduced_basis.BasisLeastSquares"):
        add(name, {}, {"iterations": count(), "rtol": number(lambda v: 0 <= v < 1)})
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
            "operator": OPERATOR,
            "solver": NONE | solver,
            "client": NONE,
            "chunk_size": NONE | count(),
            "out": NONE | NO_FILE,
            "verbose": VERBOSE,
            "tolerance": NONE,
        },
        result=lambda sweep: [sweep.residual, sweep.values],
    )
