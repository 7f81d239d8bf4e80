"""The reference of channel.py: an exact solution, and two resolutions."""

import numpy as np
import pytest
import reference_channel


def test_a_straight_channel_has_an_exact_solution():
    """T = sin(pi y) X(x) in a uniform flow, X(0) = 1 and X'(length) = 0."""
    epsilon, length = 0.1, 2.0
    root = np.sqrt(1 + 4 * epsilon**2 * np.pi**2)
    rates = np.array([1 - root, 1 + root]) / (2 * epsilon)
    # Relative to the outlet, so that nothing is large.
    system = [np.exp(-rates * length), rates]
    a, b = np.linalg.solve(system, [1, 0])

    def exact(x):
        along = np.exp(np.outer(x[:, 0] - length, rates))
        return np.sin(np.pi * x[:, 1]) * (along @ [a, b])

    def wall(x):
        return np.where(x[:, 0] > 0, 0.0, np.sin(np.pi * x[:, 1]))

    def velocity(x):
        return np.stack([np.ones(len(x)), np.zeros(len(x))], axis=1)

    elements = reference_channel.channel(lambda x: x, length)
    fem = reference_channel.HeatedChannel(elements, velocity, epsilon, wall, length)
    assert fem.relative_l2(fem.T, exact(fem.points)) < 1e-8


def test_a_bump_is_resolved():
    norms = []
    for num, degree in ((12, 8), (12, 6)):
        fem = reference_channel.channel_with_bump(0.4, 1.5, num, degree)
        norms.append(fem.relative_l2(fem.T, np.ones_like(fem.T)))
        assert -1e-6 < fem.T.min() and fem.T.max() < 1 + 1e-6
    assert norms[0] == pytest.approx(norms[1], rel=1e-6)
