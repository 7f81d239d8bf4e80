"""Points where there is no equation: what is said of them."""

from __future__ import annotations

import warnings

import numpy as np

# What is no further outside, relative to the sides of the bounding box, is rounding.
MARGIN = 1e-4
# Points that are looked at.
_MOST = 10_000


class OutsideGeometryWarning(UserWarning):
    """Points are not in the geometry of the problem, or not in its time."""


def outside_box(low: np.ndarray, high: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Whether points are outside of a box by more than rounding.

    Args:
        low: Lower corner, shape (d,).
        high: Upper corner.
        x: Array of shape (n, d).

    Returns:
        Array of shape (n,).
    """
    margin = MARGIN * (high - low)
    return ((x < low - margin) | (x > high + margin)).any(axis=1)


def warn_of_points(outside, x: np.ndarray, stacklevel: int) -> None:
    """Warns of points outside of a geometry.

    Args:
        outside: Function of points to whether they are outside.
        x: Array of shape (n, d).
        stacklevel: As for ``warnings.warn``.

    Warns:
        OutsideGeometryWarning: If there are any (among 10,000, if there are more).
    """
    n = len(x)
    x = x[np.linspace(0, n - 1, min(n, _MOST)).astype(int)]
    bad = outside(x)
    if bad.any():
        first = ", ".join(f"{value:.6g}" for value in x[np.argmax(bad)])
        warnings.warn(
            f"{bad.sum()} of {len(x)} points x lie outside of the geometry, the first "
            f"one at ({first}). No equation was trained there: values mean nothing.",
            OutsideGeometryWarning,
            stacklevel=stacklevel + 1,
        )


def warn_of_places(outside, x, mu, places, names, stacklevel: int) -> None:
    """Warns of points outside of a geometry that depends on mu.

    Args:
        outside: Function of reference points to whether they are outside.
        x: Physical points, shape (N, d).
        mu: Array of shape (P, p).
        places: Reference points of x for each mu, shape (P, N, d), NaN where there are
            none.
        names: Names of the parameters.
        stacklevel: As for ``warnings.warn``.

    Warns:
        OutsideGeometryWarning: If there are any (among 10,000, if there are more).
    """
    flat = places.reshape(-1, places.shape[-1])
    looked_at = np.linspace(0, len(flat) - 1, min(len(flat), _MOST)).astype(int)
    flat = flat[looked_at]
    bad = ~np.isfinite(flat).all(axis=1)
    bad[~bad] = outside(flat[~bad])
    if bad.any():
        first = looked_at[np.argmax(bad)]
        at, of = divmod(int(first), len(x))
        point = ", ".join(f"{value:.6g}" for value in x[of])
        where = ", ".join(f"{n} = {v:.6g}" for n, v in zip(names, mu[at], strict=True))
        warnings.warn(
            f"{bad.sum()} of {len(flat)} points x lie outside of the deformed geometry "
            f"of their mu, the first one at ({point}) for {where}. No equation was "
            "trained there: values mean nothing, and are NaN where the map has no "
            "inverse.",
            OutsideGeometryWarning,
            stacklevel=stacklevel + 1,
        )
