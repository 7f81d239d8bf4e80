"""Least squares for the readout of a network that a plain ``dde.Model`` has trained."""

from __future__ import annotations

import deepxde as dde
import numpy as np
from threadpoolctl import threadpool_limits

from .._checks import as_choice, as_integer, as_loss_weights, shown
from .._forks import check_fork
from .._workspace import Workspace
from ..data.residual import Residual
from ..fast_phase.error_estimate import RESOLVED, from_richer
from ..fast_phase.expansion import find_expansion
from ..fast_phase.gauss_newton import minimise
from ..fast_phase.points import PER_UNKNOWN_RANDOM, fast_collocations, num_points
from ..fast_phase.random_features import RandomFeatures, search_scales
from ..fast_phase.status import Status
from ..prediction import Predictor
from ..taylor.precision import Precision
from .dense import PlainNetwork, check_layers
from .plain_problem import PlainProblem, check_data
from .solution import PolishedSolution
from .trial_space import DenseTrialSpace, equations_of
from .variables import Variables

# Random features that are compared, as far as there are no more unknowns than so many.
_COUNTS, _MOST_UNKNOWNS = (128, 256), 700
# More of them have to divide the residual at held-out points by so much.
_WORTH = 1.2
_FEWEST_POINTS = 256
# Random features more, of the space that the error is estimated by.
_NUM_MORE = 128
# Steps while spaces are compared, and at the end.
_FEW_STEPS, _STEPS, _RTOL = 6, 30, 0.3


def polish(
    model, layers: str = "all", random_features: int | None = None
) -> PolishedSolution:
    """Polishes what a plain ``dde.Model`` has trained.

    Training makes good functions, the hidden states of the network, and leaves their
    combination far from the best. That is found here, in double precision: the readout
    of all hidden states, and of random features beside them where they lower the
    residual, by Gauss-Newton steps on the residual of the problem itself, as DeepXDE
    computes it, at fresh points. The numbers of ``external_trainable_variables`` are
    unknowns like the others. The result never has a larger residual at points held out
    than the trained network; ``model`` is not changed. A few more random features tell
    how far off it is (``PolishedSolution.error``).

    Args:
        model: ``dde.Model``, trained: of a ``dde.data.PDE`` or ``TimePDE`` and a
            ``dde.nn.FNN``, ``dde.nn.PFNN`` or ``nn.LRNR``, with any transforms. Its
            ``loss_weights`` hold here as well; the loss is taken to be "MSE".
        layers: "all" hidden layers, or the "last" alone, without random features: a
            network of the same form, see ``PolishedSolution.assign``.
        random_features: Number of random tanh features of the feature transform's
            output. By default it is chosen by the residual at points held out.

    Raises:
        TypeError: If ``model`` is no ``dde.Model``, or its data or network is none of
            these.
        ValueError: If it is not compiled or not trained, an argument is not as above, a
            loss weight is negative, or the problem takes auxiliary variables.

    Warns:
        PrecisionWarning: If a function of the user's can only be computed in single
            precision.

    References:
        `S. Dong, & Z. Li. Local extreme learning machines and domain decomposition for
        solving linear and nonlinear partial differential equations. Computer Methods
        in Applied Mechanics and Engineering, 387, 114129, 2021
        <https://doi.org/10.1016/j.cma.2021.114129>`_: nonlinear least squares for the
        last layer of a random network.
    """
    check_fork("polish()")
    _check_model(model)
    last = as_choice("layers", layers, ("all", "last")) == "last"
    if random_features is not None:
        random_features = as_integer("random_features", random_features, 0)
    if last and random_features:
        raise ValueError(
            f"random_features is {random_features} with layers='last'; it must be 0 or "
            "None there: a network of the same form has none."
        )
    weights = as_loss_weights(model.loss_weights)
    variables = Variables(model.external_trainable_variables)
    data = PlainProblem(model.data, variables)
    network = PlainNetwork(model.net, data, last)
    precision = Precision(network)
    few = np.asarray(data.train_collocation.points[:8], float)
    precision.settle_transforms(few[:2], np.zeros((2, 1)), stacklevel=3)
    space = DenseTrialSpace(network, precision)
    check_layers(model.net, space, few)
    expansion = find_expansion(data, weights, precision)
    more = 0 if last else max(_COUNTS) if random_features is None else random_features
    size = space.size + more * space.num_outputs
    if random_features is None and expansion.indices is None:
        more, size = 0, space.size  # by autodiff each unknown takes its time
    elif random_features is None:
        size = max(space.size, min(size, _MOST_UNKNOWNS))
    count = num_points(size, expansion.num_equations, PER_UNKNOWN_RANDOM)
    count = max(_FEWEST_POINTS, count)
    residuals = [Residual(data, c, weights) for c in fast_collocations(data, count)]
    equations = equations_of(expansion, *residuals, space)
    with threadpool_limits(limits=1, user_api="blas"):
        points = residuals[0].collocation.points
        search = _Search(equations, space, points, size)
        if random_features:
            search.try_random(random_features)
        elif more:
            search.enrich()
        space, minimum, held_out = search.finish()
    initial = search.initial
    # A comparison with NaN is false.
    better = len(minimum.history) > 1 and minimum.held_out[-1] < initial**2
    status, unknowns = minimum.status, minimum.unknowns
    if not better:
        space, unknowns = search.space, search.space.start()
        status = status if status == Status.NOT_FINITE else Status.NO_IMPROVEMENT
    residual = float(np.sqrt(minimum.held_out[-1])) if better else initial
    error = np.nan
    if not last and status != Status.NOT_FINITE and expansion.indices is not None:
        with threadpool_limits(limits=1, user_api="blas"):
            error = search.error_of(space, unknowns, residual)
    if error > RESOLVED:
        status = Status.NOT_RESOLVED
    variables.assign(unknowns[space.num_readouts :])
    return PolishedSolution(
        initial_residual=initial,
        residual=residual,
        error=error,
        unknowns=unknowns,
        variables=variables.split(unknowns[space.num_readouts :]),
        steps=search.steps if better else 0,
        status=status,
        num_random_features=len(space.random),
        _predictor=Predictor(space, data.geom),
        _data=data,
        _net=model.net,
        _held_out=held_out,
    )


class _Search:
    """Spaces with more and more functions, each started from the best before it.

    Args:
        equations: For all of them.
        space: Without random features.
        points: Points all over the domain.
        most: Largest number of unknowns.

    Attributes:
        initial: Residual of the trained network at points held out.
        steps: Number of steps of the last solve.
    """

    def __init__(self, equations, space: DenseTrialSpace, points, most: int):
        self._equations, self.space, self._most = equations, space, most
        self.steps = 0
        self._points, self._features = points, space.features(points)
        self._first = self._solve(space, space.start(), _FEW_STEPS)
        self._best = space, self._first
        self.initial = float(np.sqrt(self._best[1].held_out[0]))

    def _at(self, space):
        return self._equations.of(space).at(np.zeros(1), Workspace())

    def _solve(self, space, start, iterations):
        return minimise(self._at(space), start, iterations, _RTOL)

    def try_random(self, count: int, scales=1.0) -> float:
        """The residual with so many random features; kept if it is lower."""
        best, found = self._best
        random = RandomFeatures.draw(self._features, count, scales)
        space, start = self.space.with_random(random), found.unknowns
        if not np.array_equal(
            best.random.weights, random.weights[:, : len(best.random)]
        ):
            best, start = self.space, self._first.unknowns
        new = self._solve(space, space.embed(start, best), _FEW_STEPS)
        if new.held_out[-1] * _WORTH**2 < found.held_out[-1]:
            self._best = space, new
        return float(np.sqrt(new.held_out[-1]))

    def enrich(self) -> None:
        """Random features, as far as they lower the residual at points held out."""
        if not np.isfinite(self.initial):
            return
        outputs = self.space.num_outputs
        counts = [c for c in _COUNTS if self.space.size + c * outputs <= self._most]
        if not counts:
            return
        scales, _ = search_scales(
            lambda scales: self.try_random(counts[0], scales), len(self._features)
        )
        for count in counts[1:]:
            if len(self._best[0].random):
                self.try_random(count, scales)

    def error_of(self, space, unknowns, residual: float) -> float:
        """Estimated relative L2 error of u, as by ``ErrorEstimate``.

        Args:
            space: Where it was found.
            unknowns: Its unknowns.
            residual: Root mean square of its residual at points held out.
        """
        scales = space.random.scales(self._features)
        more = RandomFeatures.draw(self._features, _NUM_MORE, scales, seed=1)
        richer = space.with_random(space.random.beside(more))
        at, start = self._at(richer), richer.embed(unknowns, space)
        minimum = minimise(at, start, _FEW_STEPS, _RTOL)
        if minimum.status == Status.NOT_FINITE:
            return np.nan
        mu, x = np.zeros((1, 1)), self._points.astype(float)
        u, better = (
            richer.evaluate(mu, x, found[None]).numpy()
            for found in (start, minimum.unknowns)
        )
        squares, zero = minimum.held_out[-1], np.zeros(richer.size)
        return from_richer(u, better, residual, squares, at, zero)

    def finish(self):
        """Steps to the end in the best space.

        Returns:
            Space, ``Minimum``, and function of unknowns to the residual held out.
        """
        space, found = self._best
        at = self._at(space)
        minimum = found
        if found.status != Status.CONVERGED:
            minimum = minimise(at, found.unknowns, _STEPS, _RTOL)
        if not minimum.held_out[-1] <= found.held_out[-1]:
            minimum = found
        elif minimum is not found:
            minimum = minimum._replace(history=found.history + minimum.history[1:])
        self.steps = len(minimum.history) - 1
        return space, minimum, lambda w: float(np.linalg.norm(at(w).held_out))


def _check_model(model) -> None:
    if not isinstance(model, dde.Model):
        raise TypeError(f"model is {shown(model)}; it must be a dde.Model.")
    if getattr(model, "is_parametric", False):
        raise TypeError(
            "model is a deepxde_lrnr.Model of a family; polish() takes a dde.Model. "
            "For a family: model.reduce(), then fast.solve(mu)."
        )
    check_data(model.data)
    if model.opt_name is None:
        raise ValueError(
            "model is not compiled; polish() takes a trained one: call "
            "model.compile(...) and model.train(...) before."
        )
    if not model.net.built or not model.net.weights:
        raise ValueError(
            "model is not trained, its network has no weights yet; call "
            "model.train(...) before."
        )
