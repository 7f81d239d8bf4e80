"""Classical solvers of Poisson's equation on the disk with a hole.

Finite elements of high order with a matrix that is factored once, and pyMOR's reduced
basis on them: POD of solutions at mu of a Halton sequence, the source by empirical
interpolation (DEIM), Galerkin.

References:
    R. Milk, S. Rave, & F. Schindler. pyMOR: Generic algorithms and interfaces for model
    order reduction. SIAM Journal on Scientific Computing, 38(5), S194--S216, 2016.
    S. Chaturantabut, & D. C. Sorensen. Nonlinear model reduction via discrete empirical
    interpolation. SIAM Journal on Scientific Computing, 32(5), 2737--2764, 2010.
"""

import _examples  # noqa: F401, finds the references
import numpy as np
from numpy.polynomial import legendre
from pymor.algorithms.ei import deim
from pymor.algorithms.pod import pod
from pymor.core.logger import set_log_levels
from pymor.models.basic import StationaryModel
from pymor.operators.constructions import LincombOperator, VectorOperator
from pymor.operators.numpy import NumpyMatrixOperator
from pymor.parameters.functionals import ProjectionParameterFunctional
from pymor.reductors.basic import StationaryRBReductor
from reference_fem import DirichletProblem, disk_with_hole
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import splu

set_log_levels({"pymor": "ERROR"})
# Singular values below this share of the largest are left out.
_RTOL = 1e-9


class Poisson(DirichletProblem):
    """Finite elements between the unit circle and that of the hole.

    Args:
        source: f, a function of points (n, 2) and mu (1, 3) to n values.
        center: Center of the hole.
        radius: Its radius.
        num: Layers of elements, five times as many around.
        degree: Of the polynomials.

    Attributes:
        num_unknowns: Values at nodes that are not on the boundary.
        matrix: Sparse matrix of these.
    """

    def __init__(self, source, center, radius: float, num: int, degree: int):
        elements = disk_with_hole(center, radius, num, degree)
        super().__init__(elements)
        self._source, self._center, self._radius = source, np.array(center), radius
        self._num, self._degree = num, degree
        self.num_unknowns = len(self._free)
        self.matrix = self._inner(self._stiffness).tocsc()
        self._factors = splu(self.matrix)
        # From values of the source at the quadrature to the right-hand side.
        m, q = self._node.shape
        places = self._places.reshape(-1, 2)
        quadrature = np.arange(len(places)).reshape(m, -1, 1)
        rows = np.broadcast_to(self._node[:, None], (m, quadrature.shape[1], q))
        columns = np.broadcast_to(quadrature, rows.shape)
        values = self._weights[..., None] * self._values
        shape = len(self.points), len(places)
        self._load = csr_matrix(
            (values.ravel(), (rows.ravel(), columns.ravel())), shape
        )[self._free]
        self._at = places

    def load(self, mu) -> np.ndarray:
        """The right-hand side for mu of (3,)."""
        return self._load @ self._source(self._at, np.reshape(mu, (1, 3))).ravel()

    def entries_of_load(self, rows):
        """Some entries of the right-hand side, as a function of mu that takes less."""
        part = self._load[rows]
        columns = np.unique(part.indices)
        part, at = part[:, columns], self._at[columns]
        return lambda mu: part @ self._source(at, np.reshape(mu, (1, 3))).ravel()

    def solve(self, mu) -> np.ndarray:
        """u at the inner nodes."""
        return self._factors.solve(self.load(mu))

    def values(self, u: np.ndarray, points) -> np.ndarray:
        """u at points (N, 2), from values at the inner nodes."""
        return self._evaluation(points) @ u

    def _evaluation(self, points):
        """Sparse matrix from the inner nodes to points (N, 2)."""
        a = np.asarray(points, float) - self._center
        # x = c + r e + s (e - c - r e), with e on the unit circle: s is a root.
        c, r = self._center, self._radius
        A = c @ c - (1 - r) ** 2
        B, C = a @ c - r * (1 - r), (a * a).sum(axis=1) - r**2
        s = np.clip((-B - np.sqrt(B**2 - A * C)) / A, 0, 1)
        e = a + s[:, None] * c
        theta = np.arctan2(e[:, 1], e[:, 0]) % (2 * np.pi)
        layers, around = self._num, 5 * self._num
        i = np.minimum((s * layers).astype(int), layers - 1)
        along = theta / (2 * np.pi) * around
        j = np.minimum(along.astype(int), around - 1)
        in_s = _polynomials(self._degree, 2 * (s * layers - i) - 1)
        in_theta = _polynomials(self._degree, 2 * (along - j) - 1)
        values = (in_s[:, :, None] * in_theta[:, None]).reshape(len(a), -1)
        columns = self._node[i * around + j]
        rows = np.broadcast_to(np.arange(len(a))[:, None], columns.shape)
        shape = len(a), len(self.points)
        return csr_matrix((values.ravel(), (rows.ravel(), columns.ravel())), shape)[
            :, self._free
        ]


def _polynomials(degree: int, x) -> np.ndarray:
    """Values at x of the polynomials that are 1 at one node of an element."""
    inner = legendre.Legendre.basis(degree).deriv().roots()
    nodes = np.concatenate([[-1], np.sort(inner.real), [1]])
    inverse = np.linalg.inv(legendre.legvander(nodes, degree))
    return legendre.legvander(x, degree) @ inverse


class ReducedPoisson:
    """pyMOR's reduced basis on finite elements.

    Args:
        full: The finite elements.
        mu: Where they are solved, shape (m, 3).
        size: Most basis functions, and most terms of the source.

    Attributes:
        num_unknowns: Number of basis functions.
    """

    def __init__(self, full: Poisson, mu, size: int):
        operator = NumpyMatrixOperator(full.matrix)
        loads = operator.range.from_numpy(np.array([full.load(m) for m in mu]).T)
        solutions = np.array([full.solve(m) for m in mu]).T
        modes, _ = pod(operator.source.from_numpy(solutions), rtol=_RTOL, modes=size)
        rows, terms, _ = deim(loads, rtol=_RTOL, modes=size)
        self._coefficients = np.linalg.inv(terms.to_numpy()[rows])
        self._few = full.entries_of_load(rows)
        # The parameters of the reduced model are the coefficients of the source.
        count = len(terms)
        right = LincombOperator(
            [VectorOperator(terms[i]) for i in range(count)],
            [ProjectionParameterFunctional("f", count, i) for i in range(count)],
        )
        self._reductor = StationaryRBReductor(StationaryModel(operator, right), modes)
        self._model = self._reductor.reduce()
        self._full, self.num_unknowns = full, len(modes)

    def solve(self, mu):
        """Coefficients in the basis, for mu of (3,)."""
        coefficients = self._coefficients @ self._few(mu)
        return self._model.solve({"f": coefficients})

    def values(self, found, points) -> np.ndarray:
        """u at points (N, 2)."""
        u = self._reductor.reconstruct(found).to_numpy()[:, 0]
        return self._full.values(u, points)
