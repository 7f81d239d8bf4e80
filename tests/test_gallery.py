"""The gallery shows every example, with the figures that its runs left."""

import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
MAX_LINES = 70
# Those that need more, and what for. None may grow.
LONGER = {
    "drop_in_burgers": (76, "two networks, neither of which has a fast phase"),
    "poisson_source": (79, "features and a boundary of two circles"),
    "helmholtz": (83, "a singular corner, and a docstring that says where it holds"),
    "kovasznay": (84, "three equations, and conditions on three unknowns"),
    "uncertainty": (86, "quantiles by the reference solver, and how they vary"),
    "convection_diffusion_reaction": (95, "three fast phases, all kinds of pictures"),
    "fitzhugh_nagumo": (103, "Nagumo's front, on which features and output are built"),
    "channel": (106, "a flow in a geometry that depends on mu"),
    "design": (133, "two minimisations, and a check of gradients"),
    "darcy": (152, "a random field, Sobol indices, both by two methods"),
    "inverse": (153, "fits, error bars and a posterior, all by two methods"),
}


@pytest.fixture(scope="module")
def gallery():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("gallery")


@pytest.fixture
def place(gallery, tmp_path):
    return gallery.Place(tmp_path / "gallery.json", tmp_path / "README.md", tmp_path)


@pytest.fixture
def made_up(gallery, tmp_path, monkeypatch):
    """A gallery of two scripts, the second of which fails."""
    folder = tmp_path / "examples"
    folder.mkdir()
    keep = (
        "import json, os\n"
        "import matplotlib.pyplot as plt\n"
        "os.makedirs('results')\n"
        "json.dump(dict(norm='L1', num_mu=3, before_mean=.02, after_mean=.012,"
        " before_max=.03, after_max=.02, worst_ratio=.9, milliseconds=5.,"
        " offline_seconds=60.),"
        " open('results/first.json', 'w'))\n"
        "plt.savefig('results/first.png')\n"
    )
    (folder / "first.py").write_text('"""A title.\n\nA text.\n"""\n' + keep)
    (folder / "second.py").write_text('"""Another title."""\nraise SystemExit(3)\n')
    monkeypatch.setattr(gallery, "EXAMPLES", folder)
    entries = (
        gallery.Example("second", "nothing", "exact"),
        gallery.Example("first", "something", "exact", 0.01),
    )
    monkeypatch.setattr(gallery, "GALLERY", entries)


def test_every_example_has_an_entry(gallery):
    modules = {"family", "reference", "report"}
    scripts = {p.stem for p in EXAMPLES.glob("*.py")} - modules - gallery.BESIDE
    scripts = {s for s in scripts if not s.startswith("reference_")}
    names = [e.name for e in gallery.GALLERY]
    assert len(set(names)) == len(names)
    assert scripts == set(names)


def test_examples_are_short_enough_to_copy(gallery):
    for example in gallery.GALLERY:
        lines = len((EXAMPLES / f"{example.name}.py").read_text().splitlines())
        most, _ = LONGER.get(example.name, (MAX_LINES, ""))
        assert lines <= most, f"{example.name}.py has {lines} lines; at most {most}."
        assert example.name not in LONGER or lines > MAX_LINES


def test_figures_are_printed_and_kept(tmp_path, monkeypatch, capsys):
    import report

    monkeypatch.chdir(tmp_path)
    figures = {"draws": 7, "mean_error": 1 / 3, "mu": [1.5, 2.0], "share": {"nu": 0.5}}
    report.tell("made_up", **figures)
    lines = ["draws: 7", "mean error: 0.333333", "mu: 1.5, 2", "share: nu 0.5"]
    assert capsys.readouterr().out.split("\n")[1:-1] == lines
    kept = json.loads((tmp_path / "results" / "made_up.json").read_text())
    assert kept.pop("cores") > 0 and kept == figures


def test_the_page_says_what_the_figures_say(gallery, tmp_path):
    page = EXAMPLES / "README.md"
    again = gallery.Place(page=tmp_path / "README.md", diffs=tmp_path)
    gallery.write_page(again)
    assert again.page.read_text() == page.read_text()
    pictures = re.findall(r"\]\((pictures/.*?)\)", page.read_text())
    assert len(pictures) == len(again.load())
    for picture in pictures:
        assert 1_000 < (EXAMPLES / picture).stat().st_size <= gallery.MAX_PICTURE


def test_differences_are_those_of_the_scripts(gallery):
    compared = [e for e in gallery.GALLERY if e.differs_from]
    assert compared
    for example in compared:
        kept = (EXAMPLES / f"{example.name}.diff").read_text()
        assert kept == gallery.difference(example)


def test_the_problem_itself_changes_in_a_few_lines(gallery):
    (example,) = [e for e in gallery.GALLERY if e.name == "diffusion_reaction"]
    text = (EXAMPLES / f"{example.differs_from}.py").read_text()
    removed = set(re.findall(r"^-(?!--)(.*)$", gallery.difference(example), re.M))
    # From the geometry to the end of training.
    problem = text[text.index("geom =") : text.index("seconds =")].splitlines()
    lines = [line for line in problem if line.strip()]
    changed = [line for line in lines if line in removed]
    assert 0 < len(changed) < len(lines) / 2
    # The geometry, the derivatives and the source are as they were.
    assert not re.search(r"dde\.(geometry|grad)|tf\.", "\n".join(changed))


def test_figures_of_a_run_are_kept_and_those_of_a_failed_one_are_not(
    gallery, place, made_up
):
    assert not gallery.run("second", place, quick=True)
    assert place.load() == {}
    assert gallery.run("first", place, quick=True)
    figures = place.load()
    assert figures["first"]["after_mean"] == 0.012
    assert not gallery.run("second", place, quick=True)
    assert place.load() == figures
    gallery.write_page(place)
    page = place.page.read_text()
    assert "## A title\n" in page and "A text." in page and "second" not in page
    assert "python examples/first.py" in page
    assert "1.20 %" in page and "1 %, NOT met" in page
    assert (place.pictures / "first.webp").exists()


def test_figures_stand_in_the_order_of_the_gallery(gallery, place, made_up, tmp_path):
    from PIL import Image

    for name in ("first", "second"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"of": name}))
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
        gallery.collect(name, tmp_path, place)
    assert list(place.load().items()) == [
        ("second", {"of": "second"}),
        ("first", {"of": "first"}),
    ]


def test_pictures_become_small(gallery, tmp_path):
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (400, 1200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    assert (tmp_path / "large.png").stat().st_size > gallery.MAX_PICTURE
    gallery.shrink(tmp_path / "large.png", tmp_path / "small.png")
    assert (tmp_path / "small.png").stat().st_size <= gallery.MAX_PICTURE
    with Image.open(tmp_path / "small.png") as image:
        assert image.width >= 400
