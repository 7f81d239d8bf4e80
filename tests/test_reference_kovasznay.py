"""The flow of kovasznay.py solves the stationary Navier-Stokes equations."""

import numpy as np
import pytest
from reference_kovasznay import kovasznay


@pytest.mark.parametrize("reynolds", [10, 25, 60])
def test_kovasznay_solves_the_navier_stokes_equations(reynolds):
    rng = np.random.default_rng(0)
    x = rng.uniform([-0.5, -0.5], [1, 1.5], (50, 2))
    h = 1e-4
    w = kovasznay(x, reynolds)
    ahead, behind = (
        [kovasznay(x + s * d, reynolds) for d in h * np.eye(2)] for s in (1, -1)
    )
    w_x, w_y = ((a - b) / (2 * h) for a, b in zip(ahead, behind, strict=True))
    laplacian = (sum(ahead) + sum(behind) - 4 * w) / h**2
    u, v = w[:, 0:1], w[:, 1:2]
    gradient = np.column_stack([w_x[:, 2], w_y[:, 2]])
    momentum = (u * w_x + v * w_y - laplacian / reynolds)[:, :2] + gradient
    np.testing.assert_allclose(momentum, 0, atol=2e-5)
    np.testing.assert_allclose(w_x[:, 0] + w_y[:, 1], 0, atol=1e-5)
    assert np.abs(gradient).max() > 0.1


def test_kovasznay_has_the_published_decay_and_a_reynolds_number_for_each_point():
    # Re = 40: the rate is 20 - sqrt(400 + 4 pi^2) = -0.9637.
    u = kovasznay([[1.0, 0.0]], 40)[0, 0]
    np.testing.assert_allclose(np.log(1 - u), -0.9637, atol=1e-4)
    x = np.array([[0.3, 0.7], [-0.2, 1.1]])
    together = kovasznay(x, np.array([[10.0], [60.0]]))
    alone = [kovasznay(x[:1], 10)[0], kovasznay(x[1:], 60)[0]]
    np.testing.assert_allclose(together, alone)
