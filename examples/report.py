"""How an example of the gallery ends: errors, and a picture.

Nothing here knows the PDE. `compare` solves new mu as a user would, one after the
other, prints the table of errors, and keeps its figures in results/NAME.json, from
which benchmarks/gallery.py writes examples/README.md. `picture` draws what was solved.
"""

import itertools
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import deepxde_lrnr as lrnr
import matplotlib.pyplot as plt
import numpy as np
from reference import relative_l1, relative_l2_of_components

QUICK = bool(os.environ.get("DEEPXDE_LRNR_QUICK"))  # a short run, as in the tests
# Of the table; mean and maximum are over all mu.
NUM_ROWS, NUM_PARAMETERS = 12, 4
ERRORS = {"L1": relative_l1, "L2": relative_l2_of_components}  # by the norm
START = time.time()


@dataclass(frozen=True)
class Comparison:
    """What `compare` solved.

    Attributes:
        name: Of the example.
        points: List of n arrays of shape (N, d).
        exact: List of n arrays, the reference at these points.
        solutions: List of n ``lrnr.Solution``.
        before: Relative errors of the hypernetwork, shape (n,).
        components: Names of the components of a solution, a string if each is a letter.
        figures: Those that are in results/NAME.json.
    """

    name: str
    points: list
    exact: list
    solutions: list
    before: np.ndarray
    components: str | tuple
    figures: dict

    @property
    def worst(self) -> int:
        """Number of the mu with the largest error before the fast phase."""
        return int(np.argmax(self.before))


def seconds() -> float:
    """Seconds since the imports of the script."""
    return time.time() - START


def compare(
    name: str,
    model,
    fast,
    mu,
    points,
    exact,
    offline_seconds: float,
    norm: str = "L1",
    error=None,
    components=("u",),
    others=None,
) -> Comparison:
    """Solves each mu, prints its errors, and keeps mean and maximum of them.

    Args:
        name: Of the example; the figures are written to results/NAME.json.
        model: ``lrnr.Model``, trained.
        fast: ``lrnr.FastModel``, reduced from it.
        mu: Array of shape (n, p), parameters that were not trained on.
        points: Where errors are measured, array of shape (N, d); or a list of n of
            them, one for each mu.
        exact: List of n arrays, the reference at the points. Of any shape that a
            prediction, of shape (N, number of components), can be reshaped to.
        offline_seconds: Time of training and reduction together.
        norm: Norm of the errors, "L1" or "L2"; "L2" is taken of each component, and the
            mean is theirs.
        error: Function of two arrays of the shape of ``exact``, solution and reference,
            to the relative error; or a list of n functions. By default it is of the
            norm over values at the points.
        components: Names of the components, a string if each is a letter.
        others: ``None``, or a dictionary of other fast phases to compare with: from
            what each is called to its ``FastModel`` and its solver.

    Returns:
        What was solved.
    """
    same = isinstance(points, np.ndarray)
    places = [points] * len(mu) if same else points
    error = ERRORS[norm] if error is None else error
    measures = [error] * len(mu) if callable(error) else error

    def errors(values):
        """Of each solution and component."""
        rows = zip(measures, values, exact, strict=True)
        return np.array([np.ravel(of(np.reshape(u, e.shape), e)) for of, u, e in rows])

    def errors_of(solutions):
        return errors([s.predict(x) for s, x in zip(solutions, places, strict=True)])

    if same:
        hypernetwork = model.predict(points, mu)
    else:
        hypernetwork = [model.predict(x, m) for x, m in zip(places, mu, strict=True)]
    solutions, milliseconds = solve_each(fast, mu)
    before, by_component = errors(hypernetwork).mean(axis=1), errors_of(solutions)
    after = by_component.mean(axis=1)
    more = {}
    for label, (other, solver) in (others or {}).items():
        their_solutions, their_milliseconds = solve_each(other, mu, solver)
        more[label] = errors_of(their_solutions).mean(axis=1), their_milliseconds
    if by_component.shape[1] > 1:
        norm = f"{norm} (mean of {', '.join(components)})"
    figures = summary(before, after, milliseconds, offline_seconds, norm)
    print(f"\n{norm} relative error, mu not trained on")
    print_table(fast.parameter_space.names, mu, before, after, milliseconds, more)
    if by_component.shape[1] > 1:
        for label, e in zip(components, by_component.T, strict=True):
            print(
                f"{label}: mean {e.mean():.4%}, max {e.max():.4%} after the fast phase"
            )
    print(
        f"Largest after / before: {figures['worst_ratio']:.2f}. "
        f"Offline: {offline_seconds:.0f} s"
    )
    keep(name, **figures)
    return Comparison(name, places, exact, solutions, before, components, figures)


def solve_each(fast, mu, solver=None):
    """Solves each mu on its own, after one that compiles.

    Args:
        fast: ``lrnr.FastModel``.
        mu: Array of shape (n, p).
        solver: As in ``FastModel.solve``.

    Returns:
        List of n solutions, and list of the milliseconds that each took.
    """
    return time_each(lambda m: fast.solve(m, solver), mu)


def time_each(function, rows):
    """Calls a function for each row, after one call that compiles.

    Args:
        function: Of a row.
        rows: Array of n rows, or list of n.

    Returns:
        List of n values, and list of the milliseconds that each took.
    """
    function(rows[0])
    values, milliseconds = [], []
    for row in rows:
        start = time.perf_counter()
        values.append(function(row))
        milliseconds.append(1e3 * (time.perf_counter() - start))
    return values, milliseconds


def print_table(names, mu, before, after, milliseconds, more) -> None:
    """Errors of the first mu, of which the first parameters, and mean and maximum.

    Args:
        names: Of the parameters.
        mu: Array of shape (n, p).
        before: Errors of the hypernetwork, shape (n,).
        after: Those after the fast phase, shape (n,).
        milliseconds: Time of the fast phase for each mu, shape (n,).
        more: Errors and milliseconds of other fast phases, each of shape (n,), by what
            they are called.
    """
    head = " ".join(f"{name:>8s}" for name in names[:NUM_PARAMETERS])
    labels = "".join(f" {label:>13s}" for label in more)
    print(f" {head} | hypernetwork    fast phase    (ms){labels}")

    def row(title, of):
        rest = "".join(f" {of(e):13.7%}" for e, _ in more.values())
        print(
            f" {title} | {of(before):11.4%} {of(after):13.6%} "
            f"({of(milliseconds):6.1f}){rest}"
        )

    for i, m in enumerate(mu[:NUM_ROWS]):
        row(
            " ".join(f"{v:8.4g}" for v in m[:NUM_PARAMETERS]),
            lambda figures, i=i: figures[i],
        )
    if len(mu) > NUM_ROWS:
        print(f" ... and {len(mu) - NUM_ROWS} more")
    row("mean".rjust(len(head)), np.mean)
    row("max".rjust(len(head)), np.max)
    for label, (_, ms) in more.items():
        print(f"{label}: {np.mean(ms):.1f} ms")


def summary(
    before, after, milliseconds, offline_seconds: float, norm: str = "L1"
) -> dict:
    """The figures that `compare` keeps.

    Args:
        before: Relative errors of the hypernetwork, shape (n,).
        after: Those after the fast phase, shape (n,).
        milliseconds: Time of the fast phase for each mu, shape (n,).
        offline_seconds: Time of training and reduction together.
        norm: Norm of the errors.
    """
    return {
        "norm": norm,
        "num_mu": len(before),
        "before_mean": float(np.mean(before)),
        "before_max": float(np.max(before)),
        "after_mean": float(np.mean(after)),
        "after_max": float(np.max(after)),
        "worst_ratio": float(np.max(np.asarray(after) / np.asarray(before))),
        "milliseconds": float(np.mean(milliseconds)),
        "offline_seconds": float(offline_seconds),
    }


def tell(name: str, **figures) -> None:
    """Prints figures, numbers and lists or dictionaries of them, and keeps them."""

    def text(value):
        if isinstance(value, dict):
            return ", ".join(f"{key} {text(v)}" for key, v in value.items())
        if isinstance(value, list):
            return ", ".join(map(text, value))
        return f"{value:.6g}" if isinstance(value, float) else str(value)

    print()
    for key, value in figures.items():
        print(f"{key.replace('_', ' ')}: {text(value)}")
    keep(name, **figures)


def keep(name: str, **figures) -> None:
    """Writes figures to results/NAME.json, and the number of cores they took."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count()
    path = Path("results") / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**figures, "cores": cores}, indent=2) + "\n")


def picture(
    compared: Comparison, *panels, which=None, times=(None,), geom=None
) -> None:
    """Draws solution and error, in a row for each component; writes results/NAME.png.

    Args:
        compared: From `compare`.
        *panels: Functions of axes, each of which draws one more panel.
        which: Number of the mu that is drawn, or several of them, with rows of their
            own. By default the worst one.
        times: Times, with rows of their own; only the points at this time (the last
            coordinate) are drawn there. ``None`` is all times.
        geom: As in ``lrnr.plot.solution``.
    """
    which = compared.worst if which is None else which
    some, components = np.atleast_1d(which), range(len(compared.components))
    rows = list(itertools.product(some, components, times))
    # Two panels for a row; what else there is comes beside it, if there is one row.
    count = 2 * len(rows) + len(panels)
    columns = min(3, count) if len(rows) == 1 else 2
    lines = -(-count // columns)
    size = (4.4 * columns, 3.4 * lines)
    plt.rc("axes", titlesize="small")  # so that four parameters fit above a panel
    fig, axes = plt.subplots(lines, columns, figsize=size, layout="constrained")
    axes = np.ravel(axes)
    for j, (i, component, t) in enumerate(rows):
        x = compared.points[i]
        shown = slice(None) if t is None else np.isclose(x[:, -1], t)
        lrnr.plot.solution(
            compared.solutions[i],
            x[shown],
            np.reshape(compared.exact[i], (len(x), -1))[shown],
            component,
            geom,
            axes[2 * j : 2 * j + 2],
            compared.components[component],
        )
    for ax, draw in zip(axes[2 * len(rows) : count], panels, strict=True):
        draw(ax)
    for ax in axes[count:]:
        ax.remove()
    Path("results").mkdir(exist_ok=True)
    fig.savefig(f"results/{compared.name}.png", dpi=120)
