"""Reference solutions by spectral elements, with u = 0 on the boundary.

Polynomials of degree 8 on quadrilaterals that are curved where the boundary is, and
where the solution is singular at a corner, polynomials of a variable in which it is
not: the error is of spectral order. Errors of others are taken in the L2 norm of the
same space, so that they are needed at its nodes only. Only NumPy and SciPy are needed.
"""

import numpy as np
from numpy.polynomial import legendre
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import eigsh, splu
from scipy.special import roots_jacobi


def disk_with_hole(center, radius: float, num: int = 4, degree: int = 8) -> np.ndarray:
    """Elements between the unit circle and a circle inside of it.

    Args:
        center: Center of the inner circle, two numbers.
        radius (float): Radius of the inner circle.
        num (int): Number of layers of elements from one circle to the other; there are
            five times as many elements around.
        degree (int): Degree of the polynomials.

    Returns:
        Array of shape (number of elements, degree + 1, degree + 1, 2), the nodes.

    Raises:
        ValueError: If the inner circle is not inside the unit circle.
    """
    if radius <= 0 or np.hypot(*center) + radius >= 1:
        raise ValueError(
            f"center is {center} and radius {radius}; that circle is not inside the "
            "unit circle."
        )
    s, theta = _grid(
        np.linspace(0, 1, num + 1), np.linspace(0, 2 * np.pi, 5 * num + 1), degree
    )
    direction = np.stack([np.cos(theta), np.sin(theta)], axis=-1)
    inner, s = np.add(center, radius * direction), s[..., None]
    return (1 - s) * inner + s * direction


def unit_square(num: int = 6, degree: int = 8) -> np.ndarray:
    """Elements of [0, 1]^2.

    Args:
        num (int): Number of elements along each side.
        degree (int): Degree of the polynomials.

    Returns:
        Array of shape (number of elements, degree + 1, degree + 1, 2), the nodes.
    """
    x, y = _grid(np.linspace(0, 1, num + 1), np.linspace(0, 1, num + 1), degree)
    return np.stack([x, y], axis=-1)


def l_shape(num: int = 5, degree: int = 8) -> np.ndarray:
    """Elements of [-1, 1]^2 without the quadrant x > 0, y > 0.

    x = rho^3 b with b on the boundary, all of which is seen from the re-entrant corner,
    and rho in [0, 1]. For a smooth source the solution is there a series of the powers
    of r^(1/3), hence smooth in rho; in r it would take ever smaller layers.

    Args:
        num (int): Number of layers of elements from the corner to the boundary, and of
            elements along each piece of it of length 1.
        degree (int): Degree of the polynomials.

    Returns:
        Array of shape (number of elements, degree + 1, degree + 1, 2), the nodes.
    """
    corners = np.array(
        [[0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1], [1, 0]], float
    )
    # The root makes layers in rho^3 wide outside and narrow at the corner, where the
    # polynomials are of few degrees in r.
    rho, along = _grid(
        np.linspace(0, 1, num + 1) ** 0.5, np.linspace(0, 6, 6 * num + 1), degree
    )
    boundary = np.stack(
        [np.interp(along, np.arange(7), values) for values in corners.T], axis=-1
    )
    return rho[..., None] ** 3 * boundary


class DirichletProblem:
    """-div(a grad u) - shift u = f with u = 0 on the boundary, by spectral elements.

    Args:
        elements: Nodes of the elements, array of shape (m, q, q, 2), in a row those of
            Gauss, Legendre and Lobatto. Neighbours share the nodes of an edge.

    Attributes:
        points: Nodes, array of shape (n, 2).
    """

    def __init__(self, elements: np.ndarray):
        m, q = elements.shape[:2]
        # Nodes at one place are one node: of neighbours, and where an edge has no
        # length (those at the corner of the L-shape).
        _, first, node = np.unique(
            np.round(elements.reshape(-1, 2), 10) + 0.0,
            axis=0,
            return_index=True,
            return_inverse=True,
        )
        self.points = elements.reshape(-1, 2)[first]
        node = node.reshape(m, q, q)
        self._node = node.reshape(m, -1)
        edges = np.concatenate([node[:, 0], node[:, -1], node[:, :, 0], node[:, :, -1]])
        # An edge is known by its ends. Those that one element alone has are on the
        # boundary.
        _, edge, count = np.unique(
            np.sort(edges[:, [0, -1]], axis=1),
            axis=0,
            return_inverse=True,
            return_counts=True,
        )
        on_boundary = np.zeros(len(self.points), bool)
        on_boundary[edges[count[edge.ravel()] == 1]] = True
        self._free = np.flatnonzero(~on_boundary)

        # Values and derivatives of the polynomials at points of Gauss: of degree enough
        # for products on curved elements, too.
        at, weights = legendre.leggauss(q + 3)
        value, slope = _lagrange(_lobatto(q - 1), at)
        self._values = np.einsum("ai,bj->abij", value, value).reshape(-1, q * q)
        slopes = np.stack(
            [
                np.einsum("ai,bj->abij", slope, value).reshape(-1, q * q),
                np.einsum("ai,bj->abij", value, slope).reshape(-1, q * q),
            ]
        )
        nodes = elements.reshape(m, -1, 2)
        jacobian = np.einsum("dgi,mic->mgcd", slopes, nodes)
        self._places = self._values @ nodes  # of the quadrature
        self._weights = (
            np.abs(np.linalg.det(jacobian)) * np.outer(weights, weights).ravel()
        )
        gradients = np.einsum("mgdc,dgi->mgci", np.linalg.inv(jacobian), slopes)
        self._gradients = gradients
        scaled = gradients * self._weights[..., None, None]
        self._gradients, self._scaled = gradients, scaled
        self._stiffness = self._stiffness_for(np.ones(self._weights.shape))
        self._mass = self._assemble(
            self._values.T @ (self._weights[..., None] * self._values)
        )
        self._factored = (None, None)

    def solve(self, source, shift: float = 0.0, coefficient=None) -> np.ndarray:
        """Solves for one source.

        Args:
            source: f, a function of an array of points (n, 2) that returns n values.
            shift (float): 0 for Poisson's equation, k^2 for that of Helmholtz. No
                eigenvalue of -Laplace.
            coefficient: a, a function as ``source``, positive; by default 1.

        Returns:
            u at ``points``, shape (n,).
        """
        if coefficient is not None:
            a = np.reshape(
                coefficient(self._places.reshape(-1, 2)), self._weights.shape
            )
            factored = splu(self._inner(self._stiffness_for(a), shift).tocsc())
        else:
            if self._factored[0] != shift:
                matrix = self._inner(self._stiffness, shift)
                self._factored = shift, splu(matrix.tocsc())
            factored = self._factored[1]
        f = np.reshape(source(self._places.reshape(-1, 2)), self._weights.shape)
        load = np.bincount(
            self._node.ravel(), ((self._weights * f) @ self._values).ravel()
        )
        u = np.zeros(len(self.points))
        u[self._free] = factored.solve(load[self._free])
        return u

    def eigenvalues(self, num: int) -> np.ndarray:
        """The ``num`` smallest eigenvalues of -Laplace."""
        return np.sort(
            eigsh(
                self._inner(self._stiffness),
                num,
                self._inner(self._mass),
                sigma=0,
                return_eigenvectors=False,
            )
        )

    def relative_l2(self, u, reference) -> float:
        """L2 relative error of values at ``points``, both of shape (n,)."""
        difference = np.subtract(u, reference)
        if difference.shape != (len(self.points),):
            raise ValueError(
                f"u and reference must have shape ({len(self.points)},), "
                f"got {np.shape(u)} and {np.shape(reference)}."
            )

        def squared(v):
            return v @ (self._mass @ v)

        return float(np.sqrt(squared(difference) / squared(reference)))

    def _stiffness_for(self, a: np.ndarray):
        """Sparse matrix for a coefficient at the places of the quadrature."""
        m, _, _, size = self._gradients.shape
        scaled = self._scaled * a[..., None, None]
        return self._assemble(
            np.swapaxes(self._gradients.reshape(m, -1, size), 1, 2)
            @ scaled.reshape(m, -1, size)
        )

    def _inner(self, matrix, shift=0.0):
        return (matrix - shift * self._mass)[self._free][:, self._free]

    def _assemble(self, matrices):
        """Sparse matrix from those of the elements, shape (m, q^2, q^2)."""
        rows = np.broadcast_to(self._node[:, :, None], matrices.shape)
        columns = np.broadcast_to(self._node[:, None, :], matrices.shape)
        places = rows.ravel(), columns.ravel()
        n = len(self.points)
        return coo_matrix((matrices.ravel(), places), shape=(n, n)).tocsr()


def _grid(first, second, degree):
    """Nodes of elements between the numbers of two lists.

    Returns:
        Two arrays of shape (number of elements, degree + 1, degree + 1).
    """
    unit = (1 + _lobatto(degree)) / 2
    a, b = (x[:-1, None] + np.diff(x)[:, None] * unit for x in (first, second))
    q = degree + 1
    shape = len(a), len(b), q, q
    return (
        np.broadcast_to(a[:, None, :, None], shape).reshape(-1, q, q),
        np.broadcast_to(b[None, :, None, :], shape).reshape(-1, q, q),
    )


def _lobatto(degree: int) -> np.ndarray:
    """Nodes of Gauss, Legendre and Lobatto in [-1, 1]: the ends, and between them
    where the Legendre polynomial of this degree has no slope."""
    inner, _ = roots_jacobi(degree - 1, 1, 1)
    return np.concatenate([[-1], inner, [1]])


def _lagrange(nodes, x):
    """Values and derivatives at x of the polynomials that are 1 at one of the nodes and
    0 at the others, each of shape (len(x), len(nodes))."""
    degree = len(nodes) - 1
    inverse = np.linalg.inv(legendre.legvander(nodes, degree))
    slopes = legendre.legval(x, legendre.legder(np.eye(degree + 1))).T
    return legendre.legvander(x, degree) @ inverse, slopes @ inverse
