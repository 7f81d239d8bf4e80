"""What a reduction kept, and what that costs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from ._forks import check_fork
from .fast_phase.least_squares import LeastSquares
from .nn import FastLRNR
from .reduction import ReducedLayer

# Solves that are timed, the first of which is not counted.
_NUM_TIMED = 6


@dataclass(frozen=True)
class Report:
    """Sizes and errors of a reduction; ``print`` it.

    Attributes:
        layers: ``ReducedLayer`` of each hidden layer, with singular values, modes,
            condition, and relative errors on held-out snapshots of what the next layer
            needs, for values and for derivatives.
        widths: Neurons of the full LRNR's hidden layers.
        flops: Floating point operations for u at one point, full LRNR.
        fast_flops: The same for FastLRNR.
        num_unknowns: Unknowns of ``LeastSquares``: the readout of all trial functions.
        num_points: Points of the PDE, and of the IC/BC together, that are fitted.
        num_random: Number of random features among the trial functions.
        residual: Which derivatives of the network the residual uses, or that it is not
            taken pointwise; ``None`` if that has not been looked at.
        single_precision: Functions of the user's computed in single precision.
        choice: Trial spaces compared, with their unknowns and the residuals they leave.
        dropped: Indices of the coefficients s that are zero over the whole box.
        errors: Estimates of the relative error of u after the fast phase, at a few mu
            of the box; ``None`` if there are none.
        seconds: Time of each offline step.
        solve_seconds: Time of a solve by ``LeastSquares`` on this machine, the first
            one, with its compilation, not counted; ``None`` if it has not been
            measured, since the residual is not taken pointwise, the problem is missing,
            or there are too few points.
    """

    layers: tuple[ReducedLayer, ...]
    widths: tuple[int, ...]
    flops: int
    fast_flops: int
    num_unknowns: int
    num_points: tuple[int, int]
    num_random: int
    residual: str | None
    single_precision: tuple[str, ...]
    choice: tuple[str, ...]
    dropped: np.ndarray
    errors: np.ndarray | None
    seconds: dict[str, float]
    solve_seconds: float | None = None

    @classmethod
    def of(cls, fast) -> Report:
        """The report of a ``FastModel``."""
        collocation = fast.residual.collocation
        return cls(
            layers=tuple(fast.layers),
            widths=fast.full.stack.widths,
            flops=count_flops(fast.full),
            fast_flops=count_flops(fast.reduced),
            num_unknowns=fast.space.size,
            num_points=(len(collocation.pde_points), sum(collocation.counts)),
            num_random=len(fast.space.random),
            residual=str(fast.expansion) if "expansion" in fast.__dict__ else None,
            single_precision=tuple(fast.precision.single),
            choice=fast.choice,
            dropped=fast.dropped,
            errors=fast.estimated_errors,
            seconds=dict(fast.seconds),
            solve_seconds=fast._solve_seconds,
        )

    def __str__(self) -> str:
        lines = [
            "layer  width  modes  neurons  condition  sigma_k/sigma_0  "
            "error (values)  error (derivatives)"
        ]
        for i, (layer, width) in enumerate(zip(self.layers, self.widths, strict=True)):
            sigma = layer.singular_values
            decay = sigma[min(layer.modes, len(sigma)) - 1] / sigma[0]
            lines.append(
                f"{i:5d} {width:6d} {layer.modes:6d} {len(layer.indices):8d} "
                f"{layer.condition:10.2f} {decay:16.1e} {layer.error_values:15.1e} "
                f"{layer.error_derivatives:20.1e}"
            )
        lines.append(
            f"u at one point: {self.fast_flops} operations instead of {self.flops} "
            f"({self.flops / self.fast_flops:.1f} times fewer)"
        )
        lines.append(
            "coefficients dropped as zero over the whole box: "
            f"{self.dropped.tolist() or 'none'}"
        )
        inside, on_conditions = self.num_points
        random = f", {self.num_random} random features" if self.num_random else ""
        lines.append(
            f"least squares: {self.num_unknowns} unknowns{random}, {inside} points of "
            f"the PDE, {on_conditions} of the IC/BC"
        )
        if self.solve_seconds is not None:
            lines.append(f"a solve here: {1e3 * self.solve_seconds:.3g} ms")
        if self.residual is not None:
            lines.append(f"residual: {self.residual}")
        if self.single_precision:
            lines.append(f"in single precision: {', '.join(self.single_precision)}")
        if self.choice:
            lines.append(
                "residual left at held-out points, over the trained network's:"
            )
            lines += [f"  {line}" for line in self.choice]
        if self.errors is not None:
            lines.append(
                f"relative error of u, estimated at {len(self.errors)} mu: median "
                f"{np.median(self.errors):.1e}, largest {np.max(self.errors):.1e}"
            )
        steps = ", ".join(f"{name} {s:.1f} s" for name, s in self.seconds.items())
        lines.append(f"offline: {steps}")
        return "\n".join(lines)


def count_flops(network: FastLRNR) -> int:
    """Multiplications and additions of the matrix products for u at one point."""
    stack = network.stack
    factors = (U for U in stack.U if U is not None)
    products = stack.W_in, *factors, *stack.read_from()
    return 2 * sum(int(np.prod(w.shape)) for w in products)


def seconds_of_solve(fast) -> float | None:
    """Median time of a solve in the middle of the box, or ``None``."""
    if fast.residual.data is None or fast.expansion.indices is None:
        return None
    mu = fast.parameter_space.sample(1, "uniform")
    try:
        check_fork("report()")
        solve = fast.solvers.prepared(LeastSquares()).solve
    except (RuntimeError, ValueError):  # a forked process, too few points
        return None
    times = []
    for _ in range(_NUM_TIMED):
        start = time.perf_counter()
        solve(mu)
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))
