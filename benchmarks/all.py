"""Runs every benchmark; writes docs/results.md, its pictures, and README's figures.

python benchmarks/all.py                   # benchmarks/results, docs/results.md
python benchmarks/all.py fast_phase peers  # these alone, then the page
python benchmarks/all.py example           # the main job of README.md
python benchmarks/all.py --page            # the page, from the results there are
python benchmarks/all.py --quick           # tiny sizes, into a temporary folder
"""

import argparse
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _harness import table

HERE = Path(__file__).resolve().parent
# In the order of the page.
BENCHMARKS = (
    "peers",
    "backprop_time",
    "backprop_scaling",
    "accuracy_steps",
    "fast_phase",
    "reduced_basis",
    "networks",
    "steady",
    "limits",
    "scaling",
    "drop_in",
    "polish",
    "low_rank_structure",
    "eim_errors",
    "sampling_points",
    "adaptive_sampling",
    "ablation",
    "meta_optimizer",
    "meta_step_time",
    "reliability",
)
# README's main job; what it prints is kept as it is.
EXAMPLE = "convection_diffusion_reaction"
HEAD = """# Results

Each section is what one command printed; `python benchmarks/all.py` runs all of them
and writes this page. Errors are L1 relative errors on 256 x 101 points against a
reference solution, for parameters not trained on, unless a section says otherwise.
Times are ratios, or taken in one run on the machine named below each section. A section
that is missing has not been measured since what it measures changed.
"""
NOT_MEASURED = "*Not measured since the code behind it changed: `python {}`.*"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", choices=[[], "example", *BENCHMARKS], default=[]
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, for a test")
    parser.add_argument("--page", action="store_true", help="only write the page")
    arguments = parser.parse_args()
    results, page = HERE / "results", HERE.parent / "docs" / "results.md"
    if arguments.quick:
        folder = Path(tempfile.mkdtemp(prefix="deepxde_lrnr-"))
        results, page = folder / "results", folder / "docs" / "results.md"
    if not arguments.page:
        # The short form of the main job is a test of its own.
        everything = BENCHMARKS if arguments.quick else ("example", *BENCHMARKS)
        names = arguments.names or everything

        def one(name):
            what = run_example if name == "example" else measure
            what(name, results, arguments.quick)

        # Nothing is measured with --quick: two at a time, the longest one first.
        if arguments.quick:
            names = sorted(names, key=lambda name: name != "reliability")
        with ThreadPoolExecutor(2 if arguments.quick else 1) as pool:
            list(pool.map(one, names))
    write_page(results, page)
    print(f"Written: {page}")
    if not arguments.quick:
        write_readme(results, HERE.parent / "README.md")


def measure(name: str, results: Path, quick: bool) -> None:
    """Runs one benchmark in a process of its own."""
    start = time.perf_counter()
    print(f"=== {name}", flush=True)
    command = [sys.executable, HERE / f"{name}.py", "--json", results / f"{name}.json"]
    subprocess.run(command + ["--quick"] * quick, check=True)
    print(f"=== {name}: {time.perf_counter() - start:.0f} s", flush=True)


def run_example(name: str, results: Path, quick: bool) -> None:
    """Runs the main job; keeps its last lines, from the table of errors on."""
    print(f"=== {name}", flush=True)
    results.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        printed = subprocess.run(
            [sys.executable, HERE.parent / "examples" / f"{EXAMPLE}.py"],
            check=True,
            cwd=folder,  # its picture is not wanted here
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **({"DEEPXDE_LRNR_QUICK": "1"} if quick else {})},
        ).stdout
    table = printed[printed.rindex("L1 relative error") :].rstrip()
    (results / f"{EXAMPLE}.txt").write_text(table + "\n")
    print(table, flush=True)


def write_page(results: Path, page: Path) -> None:
    """Writes the page from the results that are there."""
    sections = [HEAD]
    pictures = page.parent / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    for name in BENCHMARKS:
        if (results / f"{name}.json").exists():
            sections.append(section(name, results, pictures))
    page.write_text("\n".join(sections))


def section(name: str, results: Path, pictures: Path) -> str:
    """The part of the page on one benchmark."""
    benchmark = importlib.import_module(name)
    values = json.loads((results / f"{name}.json").read_text())
    title, _, description = benchmark.__doc__.strip().partition("\n")
    title = title.rstrip(".")
    # The last paragraph is the command.
    description = description.strip().rpartition("\n\n")[0]
    text = f"## {title}\n\n```bash\npython benchmarks/{name}.py\n```\n\n"
    text += description + "\n\n"
    if (results / f"{name}.png").exists():
        shutil.copy(results / f"{name}.png", pictures / f"{name}.png")
    if hasattr(benchmark, "draw"):
        text += f"![{title}](pictures/{name}.png)\n\n"
    text += benchmark.describe(values).strip() + "\n\n"
    machine = values["environment"]
    text += (
        f"*{values['seconds']:.0f} s in all; {machine['cores']} cores "
        f"({machine['machine']}), load {machine['load']:.1f}, Python "
        f"{machine['python']}, DeepXDE {machine['deepxde']}, TensorFlow "
        f"{machine['tensorflow']}.*\n"
    )
    return text


def write_readme(results: Path, readme: Path) -> None:
    """Writes the figures of README.md, which stand between comments."""
    readme.write_text(filled(readme.read_text(), results))


def filled(text: str, results: Path) -> str:
    """``text`` with what stands between ``<!-- NAME -->`` and ``<!-- end -->`` anew."""

    def block(match):
        return f"{match[1]}\n{BLOCKS[match[2]](results).strip()}\n{match[3]}"

    pattern = r"(<!-- ([a-z_]+) -->)\n.*?\n(<!-- end -->)"
    return re.sub(pattern, block, text, flags=re.DOTALL)


def _load(results: Path, name: str) -> dict:
    return json.loads((results / f"{name}.json").read_text())


def example_block(results: Path) -> str:
    path = results / f"{EXAMPLE}.txt"
    if not path.exists():
        return NOT_MEASURED.format(f"examples/{EXAMPLE}.py")
    return "```\n" + path.read_text() + "```"


def picture_block(results: Path) -> str:
    """The figure of README's first screen, nothing where it has not been measured."""
    if not (results / "peers.json").exists():
        return ""
    peers = importlib.import_module("peers")
    names = ", ".join(peers.measured_families(_load(results, "peers")))
    return (
        "Mean error against the time that a new parameter takes, ours in red, for\n"
        "equal offline time ([who is who, and all figures](docs/results.md)):\n\n"
        f"![Error against online time: ours and the peers, on {names}]"
        "(docs/pictures/peers.png)"
    )


def peers_block(results: Path) -> str:
    if not (results / "peers.json").exists():
        return NOT_MEASURED.format("benchmarks/peers.py")
    return importlib.import_module("peers").in_words(_load(results, "peers"))


# What is measured, by which benchmark, and where it is in its results.
SPEED = (
    (
        "one gradient step at 12 points, M = 4,000: LRNR over FastLRNR (paper: 36)",
        "backprop_time",
        ("ratio_12",),
    ),
    ("the same, LRNR at 1,000 points", "backprop_time", ("ratio_1000",)),
    ("milliseconds of the fast phase, default", "fast_phase", ("solve_ms",)),
    ("the same, in a reduced basis", "reduced_basis", ("solve_ms",)),
    ("the same, all neurons", "fast_phase", ("accurate", "solve_ms")),
    ("the same, the paper's", "fast_phase", ("paper", "solve_ms")),
    (
        "a solve over its least squares problems by LAPACK alone",
        "fast_phase",
        ("solve_over_qr",),
    ),
    (
        "1,000 mu one after the other over all at once",
        "fast_phase",
        ("batch_over_single",),
    ),
    (
        "seconds of reduction and first solve, after training",
        "fast_phase",
        ("first_solve_s",),
    ),
    (
        "a step of the meta phase over the same written by hand",
        "meta_step_time",
        ("ratio",),
    ),
)


def speed_block(results: Path) -> str:
    rows, missing = [], []
    for what, name, keys in SPEED:
        if not (results / f"{name}.json").exists():
            missing.append(name)
            continue
        value = _load(results, name)
        for key in keys:
            value = value[key]
        rows.append([what, f"`benchmarks/{name}.py`", value])
    text = table(["", "command", "measured"], rows)
    for name in dict.fromkeys(missing):
        text += "\n" + NOT_MEASURED.format(f"benchmarks/{name}.py") + "\n"
    return text


BLOCKS = {
    "example": example_block,
    "peers": peers_block,
    "picture": picture_block,
    "speed": speed_block,
}


if __name__ == "__main__":
    main()
