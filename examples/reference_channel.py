"""Reference solutions of channel.py, by spectral elements on the deformed channel."""

import numpy as np
from reference_fem import DirichletProblem, _grid
from scipy.sparse.linalg import spsolve


def channel(deform, length: float, num: int = 12, degree: int = 8) -> np.ndarray:
    """Elements of the image of [0, length] x [0, 1].

    Args:
        deform: Function of points, arrays of shape (n, 2), to their images.
        length (float): Of the channel.
        num (int): Number of elements along the channel; across there are half as many,
            thinner at the lower wall.
        degree (int): Degree of the polynomials.

    Returns:
        Array of shape (number of elements, degree + 1, degree + 1, 2), the nodes.
    """
    along = np.linspace(0, length, num + 1)
    across = np.linspace(0, 1, num // 2 + 1) ** 1.5
    nodes = np.stack(_grid(along, across, degree), axis=-1)
    return deform(nodes.reshape(-1, 2)).reshape(nodes.shape)


class HeatedChannel(DirichletProblem):
    """v . grad T = eps Laplace T in a channel, T given on the walls and at the inlet.

    At the outlet there is no flux by conduction, the natural condition.

    Args:
        elements: From ``channel``.
        velocity: Function of points, arrays of shape (n, 2), to v of the same shape.
        epsilon (float): The conductivity.
        wall: Function of points to T where it is given.
        outlet (float): x of the outlet.

    Attributes:
        points: Nodes, array of shape (n, 2).
        T: The temperature there, shape (n,).
    """

    def __init__(self, elements, velocity, epsilon: float, wall, outlet: float):
        super().__init__(elements)
        v = velocity(self._places.reshape(-1, 2)).reshape(self._places.shape)
        scaled = self._weights[..., None] * v
        along = np.einsum("mgc,mgci->mgi", scaled, self._gradients)
        advection = self._assemble(self._values.T @ along)
        matrix = (advection + epsilon * self._stiffness).tocsr()
        given = np.ones(len(self.points), bool)
        given[self._free] = False
        # At the outlet the ends alone, which belong to the walls.
        at_outlet = np.flatnonzero(np.isclose(self.points[:, 0], outlet))
        order = np.argsort(self.points[at_outlet, 1])
        given[at_outlet[order[1:-1]]] = False
        T = np.where(given, wall(self.points), 0.0)
        load = -(matrix @ T)
        T[~given] = spsolve(matrix[~given][:, ~given].tocsc(), load[~given])
        self.T = T


def channel_with_bump(
    h: float, c: float, num: int = 12, degree: int = 8
) -> HeatedChannel:
    """Solves the problem of channel.py: the lower wall has a bump and is heated.

    Args:
        h (float): Height of the bump.
        c (float): Its place.
        num (int): As in ``channel``.
        degree (int): As in ``channel``.

    Returns:
        The spectral elements, with the temperature at their nodes.
    """
    length, width, epsilon = 3.0, 0.4, 0.02

    def bump(x):
        return h * np.exp(-(((x[:, 0:1] - c) / width) ** 2))

    def deform(x):
        return np.hstack([x[:, 0:1], bump(x) + (1 - bump(x)) * x[:, 1:2]])

    def velocity(x):
        s = (x[:, 1:2] - bump(x)) / (1 - bump(x))
        slope = -2 * (x[:, 0:1] - c) / width**2 * bump(x)
        along = 6 * s * (1 - s) / (1 - bump(x))
        return np.hstack([along, along * slope * (1 - s)])

    def wall(x):
        return np.where(x[:, 1] > 1 - 1e-9, 0, 1 - np.exp(-2 * x[:, 0] ** 2))

    elements = channel(deform, length, num, degree)
    return HeatedChannel(elements, velocity, epsilon, wall, length)
