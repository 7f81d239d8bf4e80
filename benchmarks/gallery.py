"""Runs the examples; writes examples/README.md, the gallery, from their figures.

python benchmarks/gallery.py                    # every example, then the page
python benchmarks/gallery.py burgers wave       # these alone, then the page
python benchmarks/gallery.py --collect burgers  # takes what a run left in results/
python benchmarks/gallery.py --page             # the page, from the figures there are
python benchmarks/gallery.py --quick burgers    # short, into a temporary folder
"""

import argparse
import ast
import difflib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from _harness import percent, table
from deepxde_lrnr._atomic import write_atomically
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
MAX_PICTURE = 150_000  # bytes
COMMAND = "python examples/{}.py"


@dataclass(frozen=True)
class Example:
    """An example of the gallery; its title and text are those of its docstring.

    Attributes:
        name: Of the script.
        teaches: What it is there for.
        reference: What its errors are measured against.
        floor: The mean relative error after the fast phase that it must not exceed.
        differs_from: A script whose differences from this one are kept in NAME.diff.
    """

    name: str
    teaches: str
    reference: str
    floor: float | None = None
    differs_from: str | None = None


STRANG = "Strang splitting, Fourier in x"
# In the order of the page: one entry for each example.
GALLERY = (
    Example(
        "diffusion_reaction",
        "how little of a DeepXDE script changes",
        "exact",
        5e-4,
        differs_from="diffusion_reaction_single",
    ),
    Example("convection", "the simplest family", "exact", 1e-5),
    Example(
        "convection_diffusion_reaction", "three parameters, exact constraints", STRANG
    ),
    Example(
        "convection_diffusion_reaction_loss_terms",
        "IC and BC as loss terms",
        STRANG,
        1e-5,
    ),
    Example("burgers", "a logarithmic axis, a moving front", "Cole-Hopf", 3e-5),
    Example(
        "wave", "second order in time, two conditions at t = 0", "d'Alembert", 4e-4
    ),
    Example("advected_pulse", "parameters of the initial condition", "exact", 2e-3),
    Example("kovasznay", "three unknowns, steady Navier-Stokes", "exact", 1e-5),
    Example(
        "poisson_source",
        "a disk with a hole, a moving source",
        "spectral elements",
        5e-5,
    ),
    Example("helmholtz", "a wave number that varies", "spectral elements", 5e-5),
    Example("ellipse", "a geometry that depends on mu", "exact", 5e-6),
    Example(
        "channel",
        "a bump of any height and place, a thermal layer",
        "spectral elements",
        1e-4,
    ),
    Example("lotka_volterra", "ordinary differential equations", "scipy, DOP853", 1e-6),
    Example("allen_cahn", "sharp interfaces", "spectral in space", 1e-4),
    Example("fitzhugh_nagumo", "two coupled unknowns", "spectral in space", 3e-5),
    Example("inverse", "a fit in the reduced basis, and a posterior", STRANG),
    Example("design", "a functional minimised over the box", STRANG),
    Example("uncertainty", "100,000 Monte Carlo draws", STRANG),
    Example(
        "darcy",
        "a random field as a parameter of 16 numbers, Sobol indices",
        "spectral elements",
        5e-3,
    ),
    Example("drop_in_burgers", "LRNR for FNN in a script for one mu", "Cole-Hopf"),
)
# Scripts that stand beside an example.
BESIDE = {e.differs_from for e in GALLERY} - {None}
HEAD = """# Gallery

Each section is an example that runs as it stands and ends in errors against a reference
solution, for parameters that were not trained on. `python benchmarks/gallery.py` runs
all of them and writes this page. Offline is training and reduction, once for the whole
box; online is `fast.solve` for one mu. Mean, maximum and the worst ratio are over all
new mu; the scripts print the first of them. The floor is the mean error after the fast
phase that the example must not exceed. The environment variable `DEEPXDE_LRNR_QUICK=1`
makes an example short. Scripts that are not below have not been measured with the
present fast phase yet.

Two notebooks read more slowly: [a first family](first_family.ipynb), and
[an inverse problem](inverse_problem.ipynb), whose posterior a reduced basis samples by
solving 3,721 mu.
"""


def main():
    names = [e.name for e in GALLERY]
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0],
        epilog=__doc__.partition("\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[[], *names], default=[])
    parser.add_argument(
        "--collect", action="store_true", help="take results/NAME.json, NAME.png"
    )
    parser.add_argument("--page", action="store_true", help="only write the page")
    parser.add_argument("--quick", action="store_true", help="short forms, for a test")
    arguments = parser.parse_args()
    place = Place()
    if arguments.quick:
        folder = Path(tempfile.mkdtemp(prefix="deepxde_lrnr-"))
        place = Place(folder / "gallery.json", folder / "README.md", folder)
    failed = []
    if arguments.collect:
        if not arguments.names:
            parser.error("--collect needs the names of the examples to take.")
        for name in arguments.names:
            collect(name, Path("results"), place)
    elif not arguments.page:
        chosen = arguments.names or names
        failed = [n for n in chosen if not run(n, place, arguments.quick)]
    write_page(place)
    print(f"Written: {place.page}")
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


@dataclass(frozen=True)
class Place:
    """Where the figures, the page, the pictures and the differences are written."""

    figures: Path = ROOT / "benchmarks" / "results" / "gallery.json"
    page: Path = EXAMPLES / "README.md"
    diffs: Path = EXAMPLES

    @property
    def pictures(self) -> Path:
        return self.page.parent / "pictures"

    def load(self) -> dict:
        """The figures of each example."""
        return json.loads(self.figures.read_text()) if self.figures.exists() else {}


def run(name: str, place: Place, quick: bool) -> bool:
    """Runs an example in a process of its own; tells whether it succeeded."""
    print(f"=== {name}", flush=True)
    start = time.perf_counter()
    quick_form = {"DEEPXDE_LRNR_QUICK": "1"} if quick else {}
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.run(
            [sys.executable, EXAMPLES / f"{name}.py"],
            cwd=folder,
            env={**os.environ, "MPLBACKEND": "Agg", **quick_form},
        )
        seconds = time.perf_counter() - start
        if process.returncode == 0:
            collect(name, Path(folder) / "results", place)
    print(f"=== {name}: {seconds:.0f} s, status {process.returncode}", flush=True)
    return process.returncode == 0


def collect(name: str, results: Path, place: Place) -> None:
    """Takes the figures and the picture that a run left in ``results``."""
    figures = json.loads((results / f"{name}.json").read_text())
    place.pictures.mkdir(parents=True, exist_ok=True)
    shrink(results / f"{name}.png", place.pictures / f"{name}.webp")
    everything = {**place.load(), name: figures}
    order = [e.name for e in GALLERY if e.name in everything]
    text = json.dumps({n: everything[n] for n in order}, indent=2) + "\n"
    place.figures.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(place.figures, text.encode())


def shrink(source: Path, target: Path) -> None:
    """Writes a picture in true colour, lossy, of at most ``MAX_PICTURE`` bytes."""
    with Image.open(source) as image:
        whole = image.convert("RGB")
    for width in (1000, 800, 600, 400):
        picture = whole.copy()
        picture.thumbnail((width, width), Image.Resampling.LANCZOS)
        picture.save(target, quality=90, method=6)
        if target.stat().st_size <= MAX_PICTURE:
            return


def write_page(place: Place) -> None:
    """Writes the page and the differences from the figures there are."""
    figures = place.load()
    measured = [e for e in GALLERY if e.name in figures]
    for example in GALLERY:
        if example.differs_from:
            (place.diffs / f"{example.name}.diff").write_text(difference(example))
    parts = [HEAD, overview(measured, figures)]
    parts += [section(example, figures[example.name]) for example in measured]
    place.page.write_text("\n".join(parts))


def overview(examples, figures: dict) -> str:
    """The table of the examples that end in errors before and after the fast phase."""
    columns = [
        "example",
        "norm",
        "new mu",
        "mean before",
        "mean after",
        "max before",
        "max after",
        "worst after / before",
        "floor",
        "offline s",
        "online ms",
    ]
    rows = []
    for e in examples:
        f = figures[e.name]
        if "after_mean" not in f:
            continue
        keys = ("before_mean", "after_mean", "before_max", "after_max")
        row = [f"[{e.name}](#{e.name})", f["norm"], f["num_mu"]]
        row += [percent(f[k]) for k in keys]
        row += [f"{f['worst_ratio']:.2f}", floor_met(e, f)]
        rows.append([*row, f"{f['offline_seconds']:.0f}", f"{f['milliseconds']:.1f}"])
    return table(columns, rows)


def floor_met(example: Example, figures: dict) -> str:
    """The floor, and whether the mean error after the fast phase is below it."""
    if example.floor is None:
        return "-"
    met = figures["after_mean"] <= example.floor
    return f"{100 * example.floor:g} %" + ("" if met else ", NOT met")


def section(example: Example, figures: dict) -> str:
    """The part of the page on one example."""
    name = example.name
    docstring = ast.get_docstring(ast.parse((EXAMPLES / f"{name}.py").read_text()))
    title, _, text = docstring.partition("\n")
    title = title.rstrip(".")
    source = f"[{name}.py]({name}.py)"
    lines = [
        f'<a id="{name}"></a>\n\n## {title}',
        f"{source}: {example.teaches}. Reference: {example.reference}.",
        f"```bash\n{COMMAND.format(name)}\n```",
        text.strip("\n"),
        f"![{title}](pictures/{name}.webp)",
        TEXTS.get(name, errors_text)(figures),
    ]
    if example.differs_from:
        lines.append(
            f"From [{example.differs_from}.py]({example.differs_from}.py), for one mu, "
            f"to this script ([{name}.diff]({name}.diff)):\n\n"
            f"```diff\n{difference(example)}```"
        )
    if "cores" in figures:
        lines.append(f"*Measured on {figures['cores']} cores.*")
    return "\n\n".join(lines) + "\n"


def difference(example: Example) -> str:
    """The unified diff from the script that it changes to the example."""
    names = [f"{example.differs_from}.py", f"{example.name}.py"]
    old, new = ((EXAMPLES / n).read_text().splitlines(keepends=True) for n in names)
    return "".join(difflib.unified_diff(old, new, *names))


def errors_text(f: dict) -> str:
    return (
        f"{f['norm']} relative error for {f['num_mu']} mu: mean "
        f"{percent(f['before_mean'])} by the hypernetwork, {percent(f['after_mean'])} "
        f"after the fast phase; max {percent(f['before_max'])} and "
        f"{percent(f['after_max'])}."
    )


def inverse_text(f: dict) -> str:
    rows = [[f"error bar of {n}", f"{100 * c:.1f} %"] for n, c in f["coverage"].items()]
    rows.append(["ellipsoid", f"{100 * f['ellipsoid']:.1f} %"])
    return (
        f"Of {f['trials']} experiments, share with the truth within "
        f"{100 * f['level']:.0f} % (by chance +- {100 * f['by_chance']:.1f} %):\n\n"
        + table(["within", "measured"], rows)
        + f"\nThe largest error is {f['largest_error']:.2f} standard deviations. "
        f"{f['reference_fits']} fits with the reference solver as forward model differ "
        f"by at most {f['largest_shift']:.4f} of them. A fit takes "
        f"{f['milliseconds']:.0f} ms in the basis (median; floor 100 ms), "
        f"{f['reference_milliseconds']:.0f} ms with the reference solver. The "
        f"posterior of {f['draws']} draws, effective sample size "
        f"{f['sample_size']:.0f}, takes "
        f"{f['posterior_seconds']:.1f} s; its means differ from the reference solver's "
        f"by at most {f['mean_shift']:.3f} standard deviations, and those by at most "
        f"{percent(f['spread_difference'])}. Offline {f['offline_seconds']:.0f} s."
    )


def design_text(f: dict) -> str:
    rows = [
        [label, *(f"{m:.5f}" for m in f[mu]), f"{f[value]:.7f}"]
        for label, mu, value in (
            ("reduced basis", "mu", "value"),
            ("reference solver", "reference_mu", "reference_value"),
        )
    ]
    return (
        table(["minimum", *f["names"], "J"], rows)
        + f"\nBy the reference solver, J at our mu is above its minimum by "
        f"{f['loss']:.1e} of it. {f['starts']} starts end within "
        f"{f['starts_apart']:.1e} of the sides of the box. Gradients differ from "
        f"differences by at most {f['gradient_error']:.1e}. From a start: "
        f"{f['solves']:.0f} solves, {f['milliseconds']:.0f} ms; the reference solver "
        f"without derivatives {f['reference_solves']:.0f} solves, "
        f"{f['reference_milliseconds']:.0f} ms. Offline {f['offline_seconds']:.0f} s."
    )


def uncertainty_text(f: dict) -> str:
    rows = [
        [f"the same {f['reference_draws']} draws", percent(f["paired"])],
        [f"{f['draws']} draws", percent(f["few"])],
    ]
    return (
        "Largest difference, over x and five quantiles, from the quantiles of the "
        f"reference solver's {f['reference_draws']} draws, relative to the range of "
        "u(x, 1):\n\n"
        + table(["our quantiles", "difference"], rows)
        + f"\nThe standard error of the latter is {percent(f['sampling'])}; the rest "
        f"is that of the few draws. {f['draws']} draws are solved in "
        f"{f['seconds']:.1f} s, {f['draws'] / f['seconds']:.0f} a second, "
        f"{f['in_basis']} of them in the basis; the largest estimated error is "
        f"{percent(f['estimate'])}. The reference solver takes "
        f"{f['reference_seconds']:.1f} s for {f['reference_draws']}. Offline "
        f"{f['offline_seconds']:.0f} s."
    )


def darcy_text(f: dict) -> str:
    rows = [
        [f"k_{i}", f"{f['first'][i]:.3f}", f"{f['total'][i]:.3f}"]
        for i in sorted(range(len(f["total"])), key=lambda i: -f["total"][i])
        if f["total"][i] > 0.01
    ]
    return (
        f"The modes have {percent(f['explained_variance'])} of the variance. "
        + errors_text(f)
        + f" The error estimated at these draws has the mean "
        f"{percent(f['estimated_mean'])}.\n\n"
        f"Sobol indices of u(1/4, 1/4), from {f['draws']} draws, "
        f"those above 0.01 (95 % of estimates are within {f['confidence']:.3f}):\n\n"
        + table(["number", "alone", "with the others"], rows)
        + f"\nFor the same {f['reference_draws']} draws by finite elements the mean of "
        f"u differs by {percent(f['mean_error'])} in L2, its variance by "
        f"{percent(f['variance_error'])}, and the indices by at most "
        f"{f['index_error']:.1e}. {f['draws']} draws take {f['seconds']:.1f} s; "
        f"{f['reference_draws']} by finite elements {f['reference_seconds']:.1f} s."
    )


def drop_in_text(f: dict) -> str:
    rows = [
        [name, f[name]["parameters"], percent(f[name]["error"])]
        for name in ("FNN", "LRNR")
    ]
    return table(["network", "parameters", "L2 relative error"], rows).strip()


TEXTS = {
    "inverse": inverse_text,
    "design": design_text,
    "uncertainty": uncertainty_text,
    "darcy": darcy_text,
    "drop_in_burgers": drop_in_text,
}


if __name__ == "__main__":
    main()
