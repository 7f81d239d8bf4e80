"""Eight forward problems for a plain ``dde.Model``: data, network sizes, and solutions.

They are of the kinds in DeepXDE's own gallery, written anew, for fewer steps and, where
there are thousands, fewer points. ``PROBLEMS`` maps their names to functions without
arguments that make one.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import deepxde as dde
import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))

from reference import burgers as burgers_solution  # noqa: E402
from reference_reaction_diffusion import allen_cahn as allen_cahn_solution  # noqa: E402


@dataclass(frozen=True)
class ForwardProblem:
    """What a script of DeepXDE has up to the line of the network, and its solution.

    Attributes:
        data: ``dde.data.PDE`` or ``TimePDE``.
        points: Where errors are taken, array of shape (n, d).
        exact: Solution there, array of shape (n, number of components).
        layer_sizes: Of ``dde.nn.FNN``.
        iterations: Number of steps.
        activation: Of ``dde.nn.FNN``.
        initializer: DeepXDE's name of the kernel initializer.
        output_transform: Function of (x, u), or ``None``.
        learning_rate: Of Adam, at the start.
        seeds: Number of trainings that errors are the median of; more where they differ
            by orders of magnitude.
    """

    data: dde.data.Data
    points: np.ndarray
    exact: np.ndarray
    layer_sizes: list
    iterations: int
    activation: str = "tanh"
    initializer: str = "Glorot uniform"
    output_transform: Callable | None = None
    learning_rate: float = 1e-3
    seeds: int = 3

    def trained(self, kind, iterations: int):
        """A ``dde.Model`` trained by Adam with a cosine decay.

        Args:
            kind: Class of its network.
            iterations: Number of steps.
        """
        model = dde.Model(self.data, self.network(kind))
        decay = ("cosine", iterations, 1e-2)
        model.compile("adam", lr=self.learning_rate, decay=decay, verbose=0)
        model.train(iterations=iterations, display_every=10**9, verbose=0)
        return model

    def network(self, kind, **kwargs):
        """A network in the place of ``dde.nn.FNN``.

        Args:
            kind: Class of the network.
            **kwargs: Further arguments of the class.

        Returns:
            The network, with the output transform of the problem.
        """
        # One of DeepXDE's initializers draws the same numbers for each layer.
        draw = dde.nn.initializers.get(self.initializer)

        def anew(shape, dtype=None):
            return draw.clone()(shape, dtype)

        net = kind(self.layer_sizes, self.activation, anew, **kwargs)
        if self.output_transform is not None:
            net.apply_output_transform(self.output_transform)
        return net

    def error(self, model) -> float:
        """L2 relative error over all points and components."""
        return dde.metrics.l2_relative_error(self.exact, model.predict(self.points))


def _grid(x, t):
    return np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)


def _on_boundary(_, on_boundary):
    return on_boundary


def _on_initial(_, on_initial):
    return on_initial


def poisson_hard() -> ForwardProblem:
    """-u'' = f on [0, pi], u = x at both ends, exact by the output transform."""
    modes = ((1, 1.0), (2, 0.5), (3, 1 / 3), (4, 0.25), (8, 0.125))

    def pde(x, u):
        f = sum(a * k**2 * tf.sin(k * x) for k, a in modes)
        return -dde.grad.hessian(u, x) - f

    x = np.linspace(0, np.pi, 401)[:, None]
    data = dde.data.PDE(dde.geometry.Interval(0, np.pi), pde, [], num_domain=64)
    return ForwardProblem(
        data,
        x,
        x + sum(a * np.sin(k * x) for k, a in modes),
        [1] + [50] * 3 + [1],
        iterations=3000,
        output_transform=lambda x, u: x * (np.pi - x) * u + x,
    )


def poisson_robin() -> ForwardProblem:
    """u'' = 2 on [-1, 1], u(-1) = 0, u'(1) = u(1): u = (x + 1)^2."""
    geom = dde.geometry.Interval(-1, 1)
    left = dde.icbc.DirichletBC(
        geom, lambda x: 0, lambda x, on: on and dde.utils.isclose(x[0], -1)
    )
    right = dde.icbc.RobinBC(
        geom, lambda x, u: u, lambda x, on: on and dde.utils.isclose(x[0], 1)
    )
    data = dde.data.PDE(
        geom,
        lambda x, u: dde.grad.hessian(u, x) - 2,
        [left, right],
        num_domain=16,
        num_boundary=2,
    )
    x = np.linspace(-1, 1, 201)[:, None]
    return ForwardProblem(data, x, (x + 1) ** 2, [1] + [50] * 3 + [1], iterations=3000)


def burgers() -> ForwardProblem:
    """u_t + u u_x = nu u_xx on [-1, 1] x [0, 0.99], nu = 0.05 / pi."""
    nu = 0.05 / np.pi
    geom = dde.geometry.Interval(-1, 1)
    geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 0.99))

    def pde(x, u):
        u_x = dde.grad.jacobian(u, x, i=0, j=0)
        u_t = dde.grad.jacobian(u, x, i=0, j=1)
        return u_t + u * u_x - nu * dde.grad.hessian(u, x, i=0, j=0)

    bc = dde.icbc.DirichletBC(geomtime, lambda x: 0, _on_boundary)
    ic = dde.icbc.IC(geomtime, lambda x: -np.sin(np.pi * x[:, :1]), _on_initial)
    data = dde.data.TimePDE(
        geomtime, pde, [bc, ic], num_domain=600, num_boundary=40, num_initial=80
    )
    x, t = np.linspace(-1, 1, 129), np.linspace(0, 0.99, 50)
    return ForwardProblem(
        data,
        _grid(x, t),
        burgers_solution(x, t, nu).reshape(-1, 1),
        [2] + [20] * 3 + [1],
        iterations=3000,
        initializer="Glorot normal",
        learning_rate=5e-3,
    )


def allen_cahn() -> ForwardProblem:
    """u_t = 0.01 u_xx + 2 (u - u^3) on [-1, 1] x [0, 1]; hard conditions."""
    d, k = 0.01, 2.0
    geom = dde.geometry.Interval(-1, 1)
    geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 1))

    def pde(x, u):
        u_t = dde.grad.jacobian(u, x, i=0, j=1)
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        return u_t - d * u_xx - k * (u - u**3)

    def transform(x, u):
        x, t = x[:, :1], x[:, 1:]
        return x**2 * tf.cos(np.pi * x) + t * (1 - x**2) * u

    data = dde.data.TimePDE(geomtime, pde, [], num_domain=600)
    x, t = np.linspace(-1, 1, 129), np.linspace(0, 1, 51)
    return ForwardProblem(
        data,
        _grid(x, t),
        allen_cahn_solution(x, t, d, k).reshape(-1, 1),
        [2] + [20] * 3 + [1],
        iterations=3000,
        initializer="Glorot normal",
        output_transform=transform,
        learning_rate=5e-3,
    )


def klein_gordon() -> ForwardProblem:
    """u_tt - u_xx + u^2 = f on [-1, 1] x [0, 5]: u = x cos(t)."""
    geom = dde.geometry.Interval(-1, 1)
    geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 5))

    def solution(x):
        return x[:, :1] * np.cos(x[:, 1:])

    def pde(x, u):
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        u_tt = dde.grad.hessian(u, x, i=1, j=1)
        wave = x[:, :1] * tf.cos(x[:, 1:])
        return u_tt - u_xx + u**2 + wave - wave**2

    conditions = [
        dde.icbc.DirichletBC(geomtime, solution, _on_boundary),
        dde.icbc.IC(geomtime, solution, _on_initial),
        dde.icbc.OperatorBC(
            geomtime,
            lambda x, u, _: dde.grad.jacobian(u, x, i=0, j=1),
            lambda x, _: dde.utils.isclose(x[1], 0),
        ),
    ]
    data = dde.data.TimePDE(
        geomtime, pde, conditions, num_domain=400, num_boundary=80, num_initial=40
    )
    points = _grid(np.linspace(-1, 1, 65), np.linspace(0, 5, 51))
    return ForwardProblem(
        data,
        points,
        solution(points),
        [2] + [40] * 2 + [1],
        iterations=2000,
        learning_rate=3e-3,
    )


def helmholtz() -> ForwardProblem:
    """-Laplace u - k^2 u = f on the unit square, k = 4 pi, two waves a side."""
    k = 4 * np.pi

    def pde(x, u):
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        u_yy = dde.grad.hessian(u, x, i=1, j=1)
        f = k**2 * tf.sin(k * x[:, :1]) * tf.sin(k * x[:, 1:])
        return -u_xx - u_yy - k**2 * u - f

    def transform(x, u):
        x, y = x[:, :1], x[:, 1:]
        return x * (1 - x) * y * (1 - y) * u

    data = dde.data.PDE(dde.geometry.Rectangle([0, 0], [1, 1]), pde, [], num_domain=256)
    points = _grid(np.linspace(0, 1, 61), np.linspace(0, 1, 61))
    return ForwardProblem(
        data,
        points,
        np.prod(np.sin(k * points), axis=1, keepdims=True),
        [2] + [150] * 3 + [1],
        iterations=5000,
        activation="sin",
        output_transform=transform,
        seeds=12,
    )


def euler_beam() -> ForwardProblem:
    """u'''' = -1 on [0, 1], clamped at 0 and free at 1."""
    geom = dde.geometry.Interval(0, 1)

    def derivative(u, x, order):
        for _ in range(order):
            u = dde.grad.jacobian(u, x)
        return u

    def at(end):
        return lambda x, on: on and dde.utils.isclose(x[0], end)

    conditions = [
        dde.icbc.DirichletBC(geom, lambda x: 0, at(0)),
        dde.icbc.NeumannBC(geom, lambda x: 0, at(0)),
        dde.icbc.OperatorBC(geom, lambda x, u, _: derivative(u, x, 2), at(1)),
        dde.icbc.OperatorBC(geom, lambda x, u, _: derivative(u, x, 3), at(1)),
    ]
    data = dde.data.PDE(
        geom,
        lambda x, u: derivative(u, x, 4) + 1,
        conditions,
        num_domain=10,
        num_boundary=2,
    )
    x = np.linspace(0, 1, 201)[:, None]
    return ForwardProblem(
        data,
        x,
        -(x**4) / 24 + x**3 / 6 - x**2 / 4,
        [1] + [20] * 3 + [1],
        iterations=3000,
        seeds=12,
    )


def oscillator() -> ForwardProblem:
    """The system u' = v, v' = -u on [0, 6], u(0) = 0 and v(0) = 1."""
    time = dde.geometry.TimeDomain(0, 6)

    def ode(t, y):
        u, v = y[:, :1], y[:, 1:]
        u_t = dde.grad.jacobian(y, t, i=0)
        v_t = dde.grad.jacobian(y, t, i=1)
        return [u_t - v, v_t + u]

    conditions = [
        dde.icbc.IC(time, lambda t: 0, _on_initial, component=0),
        dde.icbc.IC(time, lambda t: 1, _on_initial, component=1),
    ]
    data = dde.data.PDE(time, ode, conditions, num_domain=35, num_boundary=2)
    t = np.linspace(0, 6, 201)[:, None]
    return ForwardProblem(
        data,
        t,
        np.hstack([np.sin(t), np.cos(t)]),
        [1] + [50] * 3 + [2],
        iterations=3000,
        learning_rate=3e-3,
        seeds=12,
    )


PROBLEMS = {
    problem.__name__: problem
    for problem in (
        poisson_hard,
        poisson_robin,
        burgers,
        allen_cahn,
        klein_gordon,
        helmholtz,
        euler_beam,
        oscillator,
    )
}
