"""One small model."""

import warnings
from functools import cached_property
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
from deepxde_lrnr.fast_phase import LeastSquares
from deepxde_lrnr.offline import reduce_model
from families import decay_network


class Tiny:
    """One small model and what can be made of it, each made when it is first needed."""

    space = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5, "log"))
    solver = LeastSquares(2)
    points = np.array([[0.2, 0.1], [0.5, 0.5], [0.9, 0.3], [0.4, 0.8]])
    mu = np.array([[1.0, 0.8], [2.0, 1.2]])

    def __init__(self, folder):
        self.folder = Path(folder)

    @cached_property
    def geom(self):
        return dde.geometry.GeometryXTime(
            dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
        )

    @cached_property
    def problem(self):
        return self.data.problem

    @cached_property
    def data_and_net(self):
        return decay_network(self.geom, self.space)

    @property
    def data(self):
        return self.data_and_net[0]

    @property
    def net(self):
        return self.data_and_net[1]

    @cached_property
    def model(self):
        model = lrnr.Model(self.data, self.net)
        model.compile("adam", lr=1e-4, verbose=0)
        model.train(iterations=1, batch_size=2, display_every=10, verbose=0)
        return model

    @cached_property
    def plain_model(self):
        """For one value of the parameter, by DeepXDE alone."""

        def pde(x, u):
            return dde.grad.jacobian(u, x, i=0, j=1) + u

        ic = dde.icbc.IC(self.geom, lambda x: 1, lambda x, on: on)
        data = dde.data.TimePDE(self.geom, pde, [ic], 32, 8, 8)
        model = dde.Model(data, dde.nn.FNN([2, 6, 6, 1], "tanh", "Glorot normal"))
        model.compile("adam", lr=1e-3, verbose=0)
        model.train(iterations=2, display_every=10, verbose=0)
        return model

    @cached_property
    def polished(self):
        return lrnr.polish(self.plain_model, random_features=0)

    @cached_property
    def fast(self):
        return reduce_model(self.data, self.net, points=20, rank=3, num_parameters=12)

    @cached_property
    def with_basis(self):
        """A model of its own that has a reduced basis."""
        settings = {"points": 20, "rank": 3, "num_parameters": 12, "verbose": 0}
        fast = reduce_model(self.data, self.net, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fast.build_basis(0.1, 8, 8, verbose=0)
        return fast

    @cached_property
    def in_basis(self):
        return self.with_basis.solve(self.mu, lrnr.reduced_basis.BasisLeastSquares())

    @cached_property
    def solution(self):
        return self.fast.solve(self.mu, self.solver)

    @cached_property
    def fast_file(self):
        return self.fast.save(self.folder / "fast.npz")

    @cached_property
    def basis_file(self):
        return self.with_basis.save(self.folder / "basis.npz")

    @cached_property
    def surrogate(self):
        return lrnr.load_surrogate(self.basis_file)

    @cached_property
    def model_file(self):
        return self.model.save(self.folder / "model.npz")

    @cached_property
    def axes(self):
        from matplotlib.figure import Figure

        return Figure().subplots()

    @cached_property
    def two_axes(self):
        from matplotlib.figure import Figure

        return Figure().subplots(1, 2)

    @cached_property
    def inner(self):
        return dde.nn.FNN([4, 4, 1], "tanh", "Glorot normal")

    @cached_property
    def parametric(self):
        """A network of others, with weights."""
        inner = dde.nn.FNN([4, 4, 1], "tanh", "Glorot normal")
        net = lrnr.nn.Parametric(inner, self.space)
        net((self.mu[:1].astype("f4"), self.points[:1].astype("f4")))
        return net

    def untrained(self):
        return lrnr.nn.HyperLRNR(
            [2, 4, 4, 1], "tanh", "Glorot normal", rank=2, parameter_space=self.space
        )
