"""Karhunen-Loeve: the eigenpairs of a covariance on a geometry, as polynomials."""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh

# Eigenvalues nearer than this, relative to the largest, are taken for one: on a square
# many come in pairs.
_EQUAL = 1e-7
# Smaller ones, relative to the largest, are rounding.
_ROUNDING = 1e-12
# Singular values of the polynomials at the nodes that are left out, relative to the
# largest: on a geometry that does not fill its box they are nearly dependent.
_CUT = 1e-10
# Root mean square error of the field, by polynomials in the place of its modes,
# relative to its standard deviation: what is aimed at, and what is the most.
AIM, MOST = 1e-4, 1e-2
# Numbers of polynomials of a coordinate that are tried.
_NUMBERS = (4, 6, 8, 10, 12, 14, 16, 20, 24, 32, 48)


def eigenpairs(
    matrix: np.ndarray, weights: np.ndarray, scaled: np.ndarray, num_modes: int
) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues of a covariance, and eigenfunctions at the nodes.

    By the Nystrom method: the integral of the eigenvalue problem becomes a sum over
    nodes. Where an eigenvalue is there several times, its eigenfunctions are fixed by
    the geometry, and signs by the first nodes, so that they do not depend on LAPACK.

    Args:
        matrix: Covariances of the nodes, shape (n, n).
        weights: Of the nodes, shape (n,).
        scaled: The nodes, in [-1, 1]^d, shape (n, d).
        num_modes: How many.

    Returns:
        Eigenvalues, shape (num_modes,), and eigenfunctions of norm 1 in L2, shape
        (n, num_modes).

    Raises:
        ValueError: If there are not so many positive ones.
    """
    n = len(weights)
    roots = np.sqrt(weights)
    # One more, so that the last one is seen to be alone, or not.
    first = max(0, n - num_modes - 8)
    values, vectors = eigh(
        roots[:, None] * matrix * roots, subset_by_index=(first, n - 1)
    )
    values, vectors = values[::-1], vectors[:, ::-1] / roots[:, None]
    positive = int(np.sum(values[:num_modes] > _ROUNDING * values[0]))
    if positive < num_modes:
        raise ValueError(
            f"num_modes is {num_modes}; the covariance has only {positive} modes that "
            "are not zero."
        )
    shape = _generic(scaled) * weights
    start = 0
    while start < num_modes:
        stop = start + 1
        while stop < len(values) and values[start] - values[stop] < _EQUAL * values[0]:
            stop += 1
        if stop > start + 1:
            block = vectors[:, start:stop]
            _, rotation = np.linalg.eigh(block.T @ (shape[:, None] * block))
            vectors[:, start:stop] = block @ rotation
        start = stop
    vectors = vectors[:, :num_modes]
    large = np.abs(vectors) > 0.6 * np.abs(vectors).max(axis=0)
    signs = np.sign(vectors[np.argmax(large, axis=0), np.arange(num_modes)])
    return values[:num_modes], signs * vectors


def _generic(scaled: np.ndarray) -> np.ndarray:
    """A function without the symmetries of boxes and disks."""
    numbers = np.sqrt(np.arange(2, 2 + scaled.shape[1]))
    return scaled**2 @ numbers + 0.3 * scaled @ numbers[::-1] + 0.2 * scaled.prod(1)


def as_polynomials(
    values: np.ndarray, weights: np.ndarray, scaled: np.ndarray, most: int
) -> tuple[np.ndarray, float]:
    """Modes at the nodes as products of Legendre polynomials.

    A mode is the smoother the larger its eigenvalue, whatever the covariance. So
    polynomials of a moderate degree follow the modes, and have derivatives, also where
    the covariance has none.

    Args:
        values: Modes at the nodes, shape (n, m).
        weights: Of the nodes, shape (n,).
        scaled: The nodes, in [-1, 1]^d, shape (n, d).
        most: Largest number of polynomials of a coordinate that the nodes allow.

    Returns:
        Coefficients, shape (q, ..., q, m), and the root mean square error relative to
        the values themselves.
    """
    roots = np.sqrt(weights)[:, None]
    wanted = roots * values
    best = None
    for q in [q for q in _NUMBERS if q < most] + [most]:
        functions = [
            np.polynomial.legendre.legvander(column, q - 1) for column in scaled.T
        ]
        products = functions[0]
        for function in functions[1:]:
            products = (products[:, :, None] * function[:, None]).reshape(
                len(values), -1
            )
        matrix = roots * products
        coefficients, *_ = np.linalg.lstsq(matrix, wanted, rcond=_CUT)
        left = np.linalg.norm(matrix @ coefficients - wanted) / np.linalg.norm(wanted)
        if best is None or left < best[1]:
            shape = [q] * scaled.shape[1] + [values.shape[1]]
            best = coefficients.reshape(shape), float(left)
        if left <= AIM:
            break
    return best
