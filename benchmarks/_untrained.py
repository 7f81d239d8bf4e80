"""Random features without any training, in the place of trained hidden states.

What PIELM (physics-informed extreme learning machines) and the random feature method
do, with the same features and constraints, the same solver and as many unknowns as the
trained trial space: their scales are those that leave the smallest residual at points
held out, one for each feature.

References:
    V. Dwivedi, & B. Srinivasan. Physics informed extreme learning machine (PIELM).
    Neurocomputing, 391, 96--118, 2020.
    J. Chen, X. Chi, W. E, & Z. Yang. Bridging traditional and machine learning-based
    algorithms for solving PDEs: the random feature method. Journal of Machine
    Learning, 1(3), 268--298, 2022.
"""

from __future__ import annotations

import numpy as np
from deepxde_lrnr.data.residual import Residual
from deepxde_lrnr.fast_model import FastModel
from deepxde_lrnr.fast_phase.points import enough_points, fast_collocations
from deepxde_lrnr.fast_phase.random_features import RandomFeatures
from deepxde_lrnr.fast_phase.trial_space import TrialSpace
from deepxde_lrnr.offline import reduce_model
from deepxde_lrnr.offline.choice import Chooser


def random_space(like: FastModel, net) -> FastModel:
    """A trial space of random features, with the unknowns of a trained one.

    Args:
        like: The trained one.
        net: An untrained network of the same problem. One neuron of each layer is among
            the trial functions, as a start is taken from them.
    """
    data, weights = like.residual.data, like.residual.loss_weights
    small = reduce_model(data, net, weights, rank=1, verbose=0)
    plain = small.space
    count = like.space.num_functions - plain.num_functions
    inside = plain.features(like.residual.collocation.pde_points)
    space = plain.with_random(RandomFeatures.draw(inside, count))
    points = enough_points(space, small.expansion.num_equations)
    residuals = [Residual(data, c, weights) for c in fast_collocations(data, points)]
    equations = small.expansion.equations(*residuals, plain)
    own = TrialSpace(small.full, small.precision)
    inside = plain.features(residuals[0].collocation.pde_points)
    random, _ = Chooser(equations, own, 0.0).enrich(plain, inside, [count], np.inf)
    parts = small.full, small.reduced, small.layers, *residuals, small.precision
    return FastModel(*parts, random, small.expansion)
