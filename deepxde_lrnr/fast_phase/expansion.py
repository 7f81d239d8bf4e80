"""Which derivatives of the network the residual of a problem uses.

Nothing is declared by the user: the residual of the polynomials (``JetEquations``) is
compared with that of the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf

from .._point_major import rows_of
from ..data.collocation import bounding_box
from ..data.orders import order_of_errors
from ..data.residual import Residual
from ..taylor.activations import sin_series
from ..taylor.feature_jets import coordinate_jets
from ..taylor.jets import MultiIndices
from ..taylor.precision import Precision
from .jet_equations import JetEquations
from .network_equations import NetworkEquations
from .points import fast_collocations
from .trial_space import TrialSpace, reference_of

Equations = JetEquations | NetworkEquations
# Orders tried; derivatives that turn out not to be used are left out afterwards.
_ORDERS = (2, 4, 6)
# Points of the PDE at which residuals are compared, and as many others.
_NUM_POINTS = 12
# Number of mu, each with another readout, at which used derivatives are looked for.
_NUM_PARAMETERS = 8
# No PDE has derivatives of a higher order in one variable.
_HIGHEST = 12
# Relative differences taken for rounding.
_ROUNDING = 1e-8
_ROUNDING_SINGLE = 1e-2


@dataclass(frozen=True)
class Expansion:
    """How the residual depends on the network.

    Attributes:
        indices: The derivatives that determine it, or ``None`` where the residual is
            not a function of derivatives at one point at a time: integrals, means over
            points, very high orders.
        num_equations: Residuals of the PDE at a point.
    """

    indices: MultiIndices | None
    num_equations: int

    def equations(
        self, residual: Residual, held_out: Residual, space: TrialSpace, xla=False
    ) -> Equations:
        """The residual as a function of the readout, by jets if they determine it.

        Args:
            residual: At the points fitted.
            held_out: At the points held out.
            space: The trial space.
            xla: As for ``JetEquations``.
        """
        if self.indices is None:
            return NetworkEquations(residual, held_out, space)
        return JetEquations(residual, held_out, space, self.indices, xla)

    def to_dict(self) -> dict:
        """What a file keeps of it."""
        used = None if self.indices is None else [list(i) for i in self.indices.indices]
        return {"indices": used, "num_equations": self.num_equations}

    @classmethod
    def from_dict(cls, saved: dict, dim: int) -> Expansion:
        """From ``to_dict``, for points of dimension ``dim``.

        Raises:
            ValueError: If the derivatives are none that a PDE has.
        """
        indices = saved["indices"]
        if indices is not None:
            indices = [tuple(map(int, index)) for index in indices]
            most = max(max(index, default=0) for index in indices)
            if any(len(i) != dim or min(i) < 0 for i in indices) or most > _HIGHEST:
                raise ValueError(f"the derivatives are {saved['indices']!r}")
            indices = MultiIndices(indices)
        return cls(indices, int(saved["num_equations"]))

    def __str__(self) -> str:
        if self.indices is None:
            return "not pointwise: derivatives by autodiff of the network, slower"
        return f"derivatives up to order {self.indices.order}"


def find_expansion(data, loss_weights, precision: Precision) -> Expansion:
    """Finds the derivatives of the network that the residual uses.

    Args:
        data: The parametric problem.
        loss_weights: As for ``Residual``.
        precision: Of the user's functions; those of the residual are settled here.
    """
    few, others = fast_collocations(data, _NUM_POINTS, _NUM_POINTS, seed=1)
    here = Residual(data, few, loss_weights)
    there = Residual(data, others, loss_weights)
    mu = precision.network.parameter_space.sample(_NUM_PARAMETERS, "Halton")
    mu = mu.astype(float)
    precision.settle_transforms(few.points[:2].astype(float), mu[:2])
    probe = Probe(precision, *bounding_box(data.geom))
    readouts = np.random.default_rng(0).standard_normal((len(mu), probe.size))
    if data.deformation is not None and data.deformation.order is None:
        data.deformation.order = order_of_errors(
            data,
            mu[:1],
            few,
            lambda m, x, *more: probe.evaluate(m, x, readouts[0], *more),
            None if precision.single else float,
        )
    expected = None
    for order in _ORDERS:
        indices = MultiIndices.up_to(data.geom.dim, order)
        equations = JetEquations(here, there, probe, indices)
        if not _is_computable(equations, mu[0], readouts[0]):
            continue
        if expected is None:
            # At other sets of points than the jets' residual: if that looks at more
            # than one point at a time, the two differ.
            reference = NetworkEquations(here, there, probe)
            expected = _evaluate(reference, mu[:2], readouts[:2])
        found = _evaluate(equations, mu[:2], readouts[:2])
        tolerance = _ROUNDING_SINGLE if precision.single else _ROUNDING
        if all(_agree(f, e, tolerance) for f, e in zip(found, expected, strict=True)):
            used = _used(equations, mu, readouts)
            return Expansion(used, equations.num_equations)
    return Expansion(None, probe.num_outputs)


def _is_computable(equations: JetEquations, mu, readout) -> bool:
    """Whether the residual can be computed; its functions' precision is settled.

    DeepXDE raises where a polynomial has no further derivative.
    """
    try:
        return equations.at(mu)(readout) is not None
    # What user code raises on tensors of another precision is of many types.
    except Exception:
        try:
            equations.settle(mu, readout)
        except Exception:
            return False
        return True


class Probe:
    """Waves whose jets are known, in place of a trial space: what ``u`` is matters not.

    Args:
        precision: Of the user's functions.
        low: Lower corner of the domain, shape (d,).
        high: Upper corner.
    """

    num_functions = 3

    def __init__(self, precision: Precision, low: np.ndarray, high: np.ndarray):
        self.precision = precision
        self.num_outputs = precision.network.stack.num_outputs
        self.size = self.num_functions * self.num_outputs
        rng = np.random.default_rng(0)
        self._waves = rng.uniform(1, 2, (len(low), 3)) / (high - low)[:, None]
        self._phases = rng.uniform(0, 1, 3) - low @ self._waves

    def evaluate(self, mu, x, coefficients, reference=None):
        """u for readouts; as ``TrialSpace.evaluate``."""
        mu, x, w = (tf.cast(a, tf.float64) for a in (mu, x, coefficients))
        points = reference_of(x, reference)
        waves = tf.sin(tf.matmul(points, self._waves) + self._phases)
        readout = tf.reshape(w, (self.num_outputs, self.num_functions))
        values = tf.matmul(waves, readout, transpose_b=True)
        return self.precision.output_transform(rows_of(mu, x), x, values)

    def at_points(self, indices: MultiIndices, points: np.ndarray):
        """As ``TrialSpace.at_points``."""
        inner = self._waves.T @ coordinate_jets(indices, points)
        inner[0] += self._phases[:, None]
        jets = indices.compose(partial(sin_series, order=indices.order), inner)
        return lambda mu, workspace=None: jets


def _evaluate(equations, mu, readouts) -> list[np.ndarray]:
    found = []
    for m, w in zip(mu, readouts, strict=True):
        at = equations.at(m)(w)
        found += [at.fitted, at.held_out]
    return found


def _agree(found, expected, tolerance: float) -> bool:
    if found.shape != expected.shape:
        return False
    finite = np.isfinite(found) & np.isfinite(expected)
    if not np.array_equal(np.isfinite(found), np.isfinite(expected)):
        return False
    size = np.abs(expected[finite]).max(initial=0)
    return bool(np.all(np.abs(found - expected)[finite] <= tolerance * size))


def _used(equations: JetEquations, mu, readouts) -> MultiIndices:
    """The derivatives by which some residual has a slope at some mu and readout."""
    used = np.zeros(len(equations.indices), bool)
    for m, w in zip(mu, readouts, strict=True):
        used |= equations.sensitivities(m, w) != 0
    # A problem that does not look at u at all keeps its values.
    used[0] = True
    chosen = np.flatnonzero(used)
    return MultiIndices([equations.indices.indices[i] for i in chosen])
