"""Reference solution of burgers.py: a steep front that moves."""

import numpy as np
from reference import burgers


def moving_front(x, t, nu: float, speed: float = 0.5) -> np.ndarray:
    """Solves u_t + u u_x = nu u_xx, of period 2 in x, with u(x, 0) = speed - sin(pi x).

    Burgers' equation is the same in a frame that moves at a constant speed, if this is
    taken off u. So u(x, t) = speed + v(x - speed t, t), v being the solution by the
    Cole-Hopf transformation whose mean is zero, ``reference.burgers``.

    Args:
        x: Array of shape (nx,). The points.
        t: Array of shape (nt,). The times, none negative.
        nu: The viscosity, positive.
        speed: The mean of u, at which the front moves.

    Returns:
        Array of shape (nt, nx).
    """
    x = np.asarray(x, dtype=np.float64)
    # v is odd about both ends of [-1, 1], hence of period 2.
    return speed + np.vstack(
        [burgers((x - speed * ti + 1) % 2 - 1, [ti], nu) for ti in np.asarray(t)]
    )
