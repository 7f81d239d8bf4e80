"""GPT-PINN's idea: solutions of PINNs for single mu are the neurons for all others.

The mu of the next neuron is the one of many at which the residual is largest with those
there are. For a new mu their weights are found by our least squares, on the exact
residual, instead of by gradient descent.

References:
    Y. Chen, & S. Koohy. GPT-PINN: Generative pre-trained physics-informed neural
    networks toward non-intrusive meta-learning of parametric PDEs. Finite Elements in
    Analysis and Design, 228, 104047, 2024.
"""

from __future__ import annotations

import time

import numpy as np
import tensorflow as tf
from _peers import Tuned
from deepxde_lrnr._point_major import rows_of
from deepxde_lrnr.data.residual import Residual
from deepxde_lrnr.fast_model import FastModel
from deepxde_lrnr.fast_phase.gauss_newton import minimise_each
from deepxde_lrnr.fast_phase.points import fast_collocations
from deepxde_lrnr.fast_phase.trial_space import TrialSpace
from deepxde_lrnr.nn import FastLRNR
from deepxde_lrnr.offline.layers import as_layers
from deepxde_lrnr.reduced_basis.equations import BasisEquations
from deepxde_lrnr.reduced_basis.functions import solution_jets
from deepxde_lrnr.reduced_basis.jacobians import basis_factors
from deepxde_lrnr.reduced_basis.solver import BasisLeastSquares
from deepxde_lrnr.taylor.jets import MultiIndices
from threadpoolctl import threadpool_limits

# At least and at most so many neurons, whatever time there is; points fitted; mu among
# which the next is chosen.
FEWEST, MOST, NUM_POINTS, NUM_CANDIDATES = 4, 30, 128, 100
# Points at which a neuron is evaluated at once.
_AT_ONCE = 4096
_SOLVER = BasisLeastSquares()


class Neurons:
    """PINNs for single mu, whose outputs are combined for others.

    Args:
        like: Reduced model of the family, for its problem and its functions.
        net: An untrained FNN of (mu, x), with weights.
        pinn: Function of mu (1, p) to the weights of such an FNN (1, q), trained for
            this mu, as of ``Tuned.by_adam``.
        seconds: Wall time for the training of all.
        fewest: Neurons that are trained even if that takes longer.

    Attributes:
        num_unknowns: Number of neurons.
    """

    def __init__(self, like: FastModel, net, pinn, seconds: float, fewest=FEWEST):
        start = time.perf_counter()
        data, weights = like.residual.data, like.residual.loss_weights
        self._precision, self.parameter_space = like.precision, like.parameter_space
        self._indices = like.expansion.indices
        self._net, self._shapes = net, [w.shape for w in Tuned(net).weights]
        self._num_outputs = like.space.num_outputs
        residuals = [
            Residual(data, c, weights) for c in fast_collocations(data, NUM_POINTS)
        ]
        self._equations = BasisEquations(
            *residuals, self._precision, self._num_outputs, self._indices
        )
        self._spaces, jets, self._mu = [], [], []
        candidates = self.parameter_space.sample(NUM_CANDIDATES, "Halton").astype(float)
        mu = self.parameter_space.sample(1, "uniform")[0].astype(float)
        while True:
            begin = time.perf_counter()
            self._spaces.append(self._space(pinn(mu[None])[0]))
            self._mu.append(mu)
            places = self._indices, self._equations.points
            jets.append(self._jets(len(jets), *places))
            self._basis = self._equations.of(np.stack(jets, axis=2))
            now = time.perf_counter()
            late = now - start + (now - begin) > seconds
            if len(jets) >= (fewest if late else MOST):
                break
            left = [self._minimum(m).held_out[-1] for m in candidates]
            order = np.argsort(np.nan_to_num(left, nan=np.inf))[::-1]
            taken = {tuple(m) for m in self._mu}
            mu = next(c for c in candidates[order] if tuple(c) not in taken)
        self.num_unknowns = len(jets)

    def _space(self, weights: np.ndarray) -> TrialSpace:
        """The hidden states of a PINN, given its weights, and how it reads them."""
        ends = np.cumsum([np.prod(shape) for shape in self._shapes])[:-1]
        parts = [
            part.reshape(shape)
            for part, shape in zip(np.split(weights, ends), self._shapes, strict=True)
        ]
        for layer, kernel, bias in zip(
            self._net.net.denses, parts[::2], parts[1::2], strict=True
        ):
            layer.set_weights([kernel, bias.ravel()])
        points = self._equations.points[:8]
        return TrialSpace(FastLRNR(as_layers(self._net, points)), self._precision)

    def _jets(self, i: int, indices: MultiIndices, points) -> np.ndarray:
        """Of one neuron, shape (number of indices, number of components, N)."""
        space, mu, found = self._spaces[i], self._mu[i][None], []
        for first in range(0, len(points), _AT_ONCE):
            part = points[first : first + _AT_ONCE]
            functions = space.at_points(indices, part, keep=False)(mu)
            found.append(
                solution_jets(functions, space.start(mu[0]), self._num_outputs)
            )
        return np.concatenate(found, axis=-1)

    def _minimum(self, mu: np.ndarray):
        """Least squares from the neuron of the nearest mu."""
        scaled = self.parameter_space.scale(np.vstack([*self._mu, mu]))
        nearest = np.argmin(np.sum((scaled[:-1] - scaled[-1]) ** 2, axis=1))
        start = np.eye(len(self._mu))[nearest]
        at = self._basis.at_each(mu[None])
        with threadpool_limits(limits=1, user_api="blas"):
            return minimise_each(
                at, [start], _SOLVER.iterations, _SOLVER.rtol, basis_factors
            )[0]

    def solve(self, mu) -> np.ndarray:
        """Weights of the neurons for mu of shape (p,)."""
        return self._minimum(np.asarray(mu, float)).unknowns

    def predict(self, x: np.ndarray, mu, found) -> np.ndarray:
        """u at points (N, d) for mu (n, p), shape (n, N, number of components)."""
        values = MultiIndices.up_to(x.shape[1], 0)
        neurons = np.stack([self._jets(i, values, x)[0] for i in range(len(self._mu))])
        predicted = []
        for m, c in zip(np.asarray(mu, float), found, strict=True):
            N = np.einsum("j,jcn->nc", c, neurons)
            arguments = map(tf.constant, (rows_of(m[None], x), x, N))
            predicted.append(self._precision.output_transform(*arguments).numpy())
        return np.array(predicted)
