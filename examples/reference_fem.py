"""Reference solutions by finite elements (scikit-fem), with u = 0 on the boundary.

Quadratic elements on triangles. Errors are taken in the L2 norm of the same finite
element space, so that other solutions are needed at its nodes only.
"""

import numpy as np
from scipy.sparse.linalg import eigsh, splu
from skfem import (
    BilinearForm,
    ElementTriP2,
    InteriorBasis,
    LinearForm,
    MeshTri,
)
from skfem.helpers import dot, grad


def disk_with_hole(center, radius: float, num: int = 32) -> MeshTri:
    """Triangles between the unit circle and a circle inside of it.

    Args:
        center: Center of the inner circle, two numbers.
        radius (float): Radius of the inner circle.
        num (int): Number of layers from one circle to the other; there are six times
            as many cells, of two triangles each, around.

    Raises:
        ValueError: If the inner circle is not inside the unit circle.
    """
    if radius <= 0 or np.hypot(*center) + radius >= 1:
        raise ValueError(
            f"center is {center} and radius {radius}; that circle is not inside the "
            "unit circle."
        )
    around = 6 * num
    layer, angle = np.indices((num + 1, around))
    s, theta = layer.ravel() / num, 2 * np.pi * angle.ravel() / around
    direction = np.array([np.cos(theta), np.sin(theta)])
    inner = np.asarray(center, float)[:, None] + radius * direction
    vertices = (1 - s) * inner + s * direction

    inside, here = np.indices((num, around)).reshape(2, -1) * [[around], [1]]
    there = (here + 1) % around  # the last cell leads back to the first angle
    outside = inside + around
    cells = np.hstack(
        (
            [inside + here, outside + here, outside + there],
            [inside + here, outside + there, inside + there],
        )
    )
    return MeshTri(vertices, cells)


def l_shape(num_refined: int = 4, num_graded: int = 10) -> MeshTri:
    """Triangles in [-1, 1]^2 without the quadrant x > 0, y > 0.

    Args:
        num_refined (int): Number of times all triangles are divided by four.
        num_graded (int): Number of times those near the re-entrant corner are divided
            again, each time within half the distance: there the solution is like
            r^(2/3), and its gradient is not bounded.
    """
    mesh = MeshTri.init_lshaped().refined(num_refined)
    for i in range(num_graded):
        distance = np.hypot(*mesh.p[:, mesh.t].mean(axis=1))
        mesh = mesh.refined(np.flatnonzero(distance < 0.5 ** (i + 1)))
    return mesh


class DirichletProblem:
    """-Laplace u - shift u = f with u = 0 on the boundary, by quadratic elements.

    Args:
        mesh: ``skfem.MeshTri``.

    Attributes:
        points: Nodes, array of shape (n, 2).
        triangles: Triangles between nodes, for plots, array of shape (m, 3).
    """

    def __init__(self, mesh: MeshTri):
        # Exact for products of a basis function with polynomials of degree 4.
        self._basis = InteriorBasis(mesh, ElementTriP2(), intorder=6)
        self.points = self._basis.doflocs.T
        corners, middles = self._basis.element_dofs[:3], self._basis.element_dofs[3:]
        self.triangles = np.hstack(
            (
                [corners[0], middles[0], middles[2]],
                [corners[1], middles[1], middles[0]],
                [corners[2], middles[2], middles[1]],
                middles,
            )
        ).T
        self._free = self._basis.complement_dofs(self._basis.get_dofs())
        self._stiffness = BilinearForm(lambda u, v, _: dot(grad(u), grad(v))).assemble(
            self._basis
        )
        self._mass = BilinearForm(lambda u, v, _: u * v).assemble(self._basis)
        self._factored = (None, None)

    def solve(self, source, shift: float = 0.0) -> np.ndarray:
        """Solves for one source.

        Args:
            source: f, a function of an array of points (n, 2) that returns n values.
            shift (float): 0 for Poisson's equation, k^2 for that of Helmholtz. No
                eigenvalue of -Laplace.

        Returns:
            u at ``points``, shape (n,).
        """
        if self._factored[0] != shift:
            self._factored = shift, splu(self._inner(self._stiffness, shift).tocsc())
        u = np.zeros(len(self.points))
        u[self._free] = self._factored[1].solve(self._load(source)[self._free])
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
            return v @ self._mass @ v

        return float(np.sqrt(squared(difference) / squared(reference)))

    def _inner(self, matrix, shift=0.0):
        return (matrix - shift * self._mass)[self._free][:, self._free]

    def _load(self, source):
        def form(v, w):
            x = np.array(w.x)  # (2, number of triangles, number of quadrature points)
            return np.reshape(source(x.reshape(2, -1).T), x.shape[1:]) * v

        return LinearForm(form).assemble(self._basis)
