"""The reduction of layers."""

from __future__ import annotations

import deepxde_lrnr as lrnr
import numpy as np
from hypothesis import strategies as st

from .kinds import (
    EMPTY,
    NONE,
    choice,
    count,
    listed,
    number,
    real_array,
    shaped,
)


def add_reduction(add, tiny):
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
    several = NONE | rows | EMPTY | listed(rows)
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
