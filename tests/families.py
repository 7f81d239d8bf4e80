"""Families with random weights, for tests that need no trained one, and geometries."""

import math

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf
from deepxde_lrnr.offline import reduce_model


def decay_network(geom, space):
    """u_{x_last} = -k u, k the first parameter, on any geometry.

    Args:
        geom: DeepXDE geometry, with or without time.
        space: ``ParameterSpace``.

    Returns:
        ``ParametricPDE``, and ``HyperLRNR`` of 8 neurons a layer.
    """

    def pde(x, u, mu):
        u_last = dde.grad.jacobian(u, x, i=0, j=geom.dim - 1)
        return u_last + mu[:, 0:1] * u

    timed = hasattr(geom, "timedomain")
    problem = (dde.data.TimePDE if timed else dde.data.PDE)(geom, pde, [], 20)
    data = lrnr.data.ParametricPDE(problem, space, 8)
    net = lrnr.nn.HyperLRNR(
        [geom.dim, 8, 8, 1],
        "tanh",
        "Glorot normal",
        rank=2,
        bias_rank=1,
        parameter_space=space,
        hypernetwork=(8,),
    )
    net((data.train_mu[:1], data.train_collocation.points[:1]))
    # The same in every process, whichever tests are selected.
    rng = np.random.default_rng(0)
    net.set_weights([0.5 * rng.standard_normal(w.shape) for w in net.get_weights()])
    return data, net


def decay(geom, space, **kwargs):
    """``FastModel`` of ``decay_network``.

    Args:
        geom: The same.
        space: The same.
        **kwargs: Of ``reduce_model``.
    """
    data, net = decay_network(geom, space)
    settings = {"points": 20, "method": "eim", "rank": 3}
    settings.update(num_parameters=12)
    return reduce_model(data, net, [1], **{**settings, **kwargs})


def randomise(net, size: float) -> None:
    """Random weights, the same in every process, with which no layer is asleep."""
    rng = np.random.default_rng(0)
    net.set_weights([size * rng.standard_normal(w.shape) for w in net.get_weights()])
    variable = net.hypernetwork.biases[-1]
    bias = np.asarray(variable)
    scales = np.arange(len(bias)) < net.layout.num_scales
    variable.assign(np.where(scales, np.abs(bias) + 1, bias))


def taylor_by_autodiff(function, x, indices):
    """Taylor coefficients D^alpha f / alpha! by nested reverse mode, row by row.

    Args:
        function: Function of a Tensor (n, d) to one of (n, m), each row of its own.
        x: Array of shape (n, d).
        indices: Multi-indices.

    Returns:
        Array of shape (number of indices, m, n), as jets are.
    """

    @tf.function(autograph=False)
    def compute(x):
        known = {(0,) * x.shape[1]: tf.unstack(function(x), axis=1)}

        def derivatives(index):
            if index not in known:
                j = next(j for j, order in enumerate(index) if order)
                smaller = tuple(i - (k == j) for k, i in enumerate(index))
                known[index] = [
                    tf.gradients(c, x, unconnected_gradients="zero")[0][:, j]
                    for c in derivatives(smaller)
                ]
            return known[index]

        return tf.stack(
            [
                tf.stack(derivatives(i)) / math.prod(map(math.factorial, i))
                for i in indices
            ]
        )

    return compute(tf.constant(np.asarray(x, float))).numpy()
