"""The spectral element references solve their equations, on those of the examples."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import reference_fem

CENTER, RADIUS = (0.3, 0.2), 0.25


def gaussian(x, center, w):
    """Values, gradients and Laplacians of exp(-|x - center|^2 / (2 w^2))."""
    d = x - center
    g = np.exp(-np.sum(d**2, axis=1) / (2 * w**2))
    gradient = -d / w**2 * g[:, None]
    return g, gradient, (np.sum(d**2, axis=1) / w**4 - 2 / w**2) * g


def product(first, second):
    """Values, gradients and Laplacians of a product."""
    (p, dp, lp), (q, dq, lq) = first, second
    return (
        p * q,
        dp * q[:, None] + p[:, None] * dq,
        p * lq + 2 * np.sum(dp * dq, axis=1) + q * lp,
    )


def circles(x):
    """0 on the unit circle and on that around the hole."""
    d = x - CENTER
    four = np.full(len(x), 4.0)
    return product(
        (1 - np.sum(x**2, axis=1), -2 * x, -four),
        (np.sum(d**2, axis=1) - RADIUS**2, 2 * d, four),
    )


def corner(x):
    """r^(2/3) cos(2 phi / 3), 0 on two edges, times what is 0 on the others."""
    z = (-x[:, 0] - x[:, 1] + 1j * (x[:, 0] - x[:, 1])) / np.sqrt(2)
    slope = 2 / 3 * z ** (-1 / 3)
    gradient = np.real(np.outer(slope, [-1 + 1j, -1 - 1j])) / np.sqrt(2)
    singular = np.real(z ** (2 / 3)), gradient, np.zeros(len(x))
    sides = []
    for j in range(2):
        d = np.zeros_like(x)
        d[:, j] = -2 * x[:, j]
        sides.append((1 - x[:, j] ** 2, d, np.full(len(x), -2.0)))
    return product(singular, product(*sides))


def error(elements, family, shift):
    """Relative error with the source of family(x) exp(-|x - (-0.4, -0.3)|^2 / ...)."""

    def solution(x):
        return product(family(x), gaussian(x, [-0.4, -0.3], 0.15))

    def source(x):
        u, _, laplacian = solution(x)
        return -laplacian - shift * u

    problem = reference_fem.DirichletProblem(elements)
    with np.errstate(divide="ignore", invalid="ignore"):  # the gradient at the corner
        exact = solution(problem.points)[0]
    return problem.relative_l2(problem.solve(source, shift), exact)


# Exact solutions a little sharper than those of the examples.


@pytest.mark.parametrize("shift", [0, 9.0])
def test_disk_with_hole_is_accurate_to_a_millionth(shift):
    assert error(reference_fem.disk_with_hole(CENTER, RADIUS), circles, shift) < 1e-6


def test_disk_with_hole_converges_exponentially():
    coarse, fine, finest = (
        error(reference_fem.disk_with_hole(CENTER, RADIUS, degree=d), circles, 0)
        for d in (4, 7, 10)
    )
    assert fine < coarse / 25 and finest < fine / 25


@pytest.mark.parametrize("shift", [0, 5.8**2, 6.25**2])
def test_l_shape_is_accurate_to_two_millionths(shift):
    assert error(reference_fem.l_shape(), corner, shift) < 2e-6


def test_the_singular_function_itself_is_resolved():
    """A source that sees the corner: u is the singular function itself there."""
    problem = reference_fem.DirichletProblem(reference_fem.l_shape())
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = corner(problem.points)[0]
        u = problem.solve(lambda x: -corner(x)[2])
    assert problem.relative_l2(u, exact) < 1e-8


def difference(domain, sources, degree=8, finer=12):
    """Largest relative L2 difference of solutions from those of a higher degree."""
    coarse = reference_fem.DirichletProblem(domain(degree))
    fine = reference_fem.DirichletProblem(domain(finer))
    q = finer + 1
    to_nodes, _ = reference_fem._lagrange(
        reference_fem._lobatto(finer), reference_fem._lobatto(degree)
    )
    largest = 0
    for source, shift in sources:
        values = fine.solve(source, shift)[fine._node].reshape(-1, q, q)
        at_nodes = to_nodes @ values @ to_nodes.T
        reference = np.empty(len(coarse.points))
        reference[coarse._node] = at_nodes.reshape(coarse._node.shape)
        error = coarse.relative_l2(coarse.solve(source, shift), reference)
        largest = max(largest, error)
    return largest


def test_poisson_source_has_a_reference_of_a_ten_millionth():
    sources = [
        (lambda x, m=m: gaussian(x, m[:2], m[2])[0], 0)
        for m in [(0, 0.2, 0.15), (-0.6, -0.5, 0.15), (0, 0.5, 0.15), (-0.3, 0, 0.3)]
    ]
    assert (
        difference(
            lambda degree: reference_fem.disk_with_hole(CENTER, RADIUS, degree=degree),
            sources,
        )
        < 3e-7
    )


def test_helmholtz_has_a_reference_of_a_ten_millionth():
    """Also where the waves are nearly resonant, at the ends of the band."""
    sources = [
        (lambda x, x0=x0: gaussian(x, [x0, -0.4], 0.2)[0], k**2)
        for k in (5.8, 6.0, 6.25)
        for x0 in (-0.6, 0.0, 0.6)
    ]
    assert (
        difference(lambda degree: reference_fem.l_shape(degree=degree), sources) < 1e-7
    )


def test_l_shape_has_the_published_eigenvalues():
    """Betcke & Trefethen, SIAM Review 47 (2005), p. 469; the third is 2 pi^2."""
    problem = reference_fem.DirichletProblem(reference_fem.l_shape())
    values = problem.eigenvalues(6)
    np.testing.assert_allclose(
        values[[0, 1, 2, 4]],
        [9.6397238440219, 15.1972519266011, 2 * np.pi**2, 31.9126359571],
        rtol=1e-8,
    )
    # The band of helmholtz.py is between two of them.
    assert values[4] < 5.8**2 and 6.25**2 < values[5]


def test_the_domains_are_those_meant():
    """Area, and the norm of y over that of 1, which is their second moment."""
    ring = np.pi * (1 - RADIUS**2)
    of_ring = np.pi / 4 - np.pi * RADIUS**2 * (RADIUS**2 / 4 + CENTER[1] ** 2)
    for elements, area, moment in (
        (reference_fem.disk_with_hole(CENTER, RADIUS), ring, of_ring),
        (reference_fem.l_shape(2), 3, 1),
    ):
        problem = reference_fem.DirichletProblem(elements)
        assert problem._weights.sum() == pytest.approx(area, rel=1e-9)
        one, y = np.ones(len(problem.points)), problem.points[:, 1]
        expected = np.sqrt(moment / area)
        assert problem.relative_l2(one + y, one) == pytest.approx(expected, rel=1e-9)
        # No node twice.
        assert len(np.unique(np.round(problem.points, 8), axis=0)) == len(y)


@pytest.mark.parametrize("center, radius", [((0.8, 0), 0.25), ((0, 0), 0), ((0, 0), 1)])
def test_a_hole_that_is_not_inside_is_refused(center, radius):
    with pytest.raises(ValueError, match="not inside the unit circle"):
        reference_fem.disk_with_hole(center, radius)


def test_values_of_another_shape_are_refused():
    problem = reference_fem.DirichletProblem(reference_fem.l_shape(1, 4))
    u = np.ones(len(problem.points))
    with pytest.raises(ValueError, match="must have shape"):
        problem.relative_l2(u[:, None], u)


def test_a_variable_coefficient_has_a_known_solution():
    """u = sin(pi x) sin(2 pi y), and a that varies by a factor of hundreds."""
    problem = reference_fem.DirichletProblem(reference_fem.unit_square())

    def coefficient(points):
        x, y = points.T
        return np.exp(3 * np.sin(3 * x) * y + 2 * x)

    def source(points):
        x, y = np.pi * points[:, 0], 2 * np.pi * points[:, 1]
        u_x, u_y = np.pi * np.cos(x) * np.sin(y), 2 * np.pi * np.sin(x) * np.cos(y)
        laplace = -5 * np.pi**2 * np.sin(x) * np.sin(y)
        x, y = points.T
        g_x, g_y = 9 * np.cos(3 * x) * y + 2, 3 * np.sin(3 * x)
        return -coefficient(points) * (laplace + g_x * u_x + g_y * u_y)

    x, y = problem.points.T
    u = problem.solve(source, coefficient=coefficient)
    assert problem.relative_l2(u, np.sin(np.pi * x) * np.sin(2 * np.pi * y)) < 1e-9


def test_a_random_medium_has_a_reference_of_a_millionth():
    """Also at the ends of the box, in the field of darcy.py: u at its quarter point."""
    geom = dde.geometry.Rectangle([0, 0], [1, 1])
    field = lrnr.data.RandomField(geom, "squared exponential", 16, length=0.4)
    draws = [*field.sample(3), 3 * (-1.0) ** np.arange(16)]
    found = []
    for degree in (12, 14):
        problem = reference_fem.DirichletProblem(reference_fem.unit_square(4, degree))
        distance = np.abs(problem.points - 0.25).max(axis=1)
        assert distance.min() < 1e-12
        solutions = [
            problem.solve(
                lambda x: np.ones(len(x)),
                coefficient=lambda x, k=k: np.exp(field(x, k)),
            )
            for k in draws
        ]
        found.append([u[distance.argmin()] for u in solutions])
    np.testing.assert_allclose(*found, rtol=1e-6)
