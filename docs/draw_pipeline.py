"""Draws the pipeline, docs/pictures/pipeline.svg: `python docs/draw_pipeline.py`."""

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

# What the user has and gets, and the step to the next.
OBJECTS = [
    ("dde.data.PDE", "your own problem"),
    ("ParametricPDE", "with a ParameterSpace"),
    ("Model", "HyperLRNR: M neurons a layer"),
    ("FastModel", "FastLRNR: few neurons a layer"),
    ("Solution", "for each new mu"),
    ("u(x; mu)", "at any points"),
]
STEPS = [
    ("", ""),
    ("train", "meta phase,\nonce"),
    ("reduce", "reduction, once"),
    ("solve", "fast phase,\nmilliseconds"),
    ("predict", ""),
]
WIDTH, HEIGHT, GAP, ROW = 2.5, 0.9, 1.2, 2.1
COLOUR, GREY = "#335577", "#444444"


def draw() -> plt.Figure:
    """Two rows of three boxes, read as lines of text are."""
    fig, ax = plt.subplots(figsize=(9.6, 3.3))
    places = [(i % 3 * (WIDTH + GAP), -(i // 3) * ROW) for i in range(len(OBJECTS))]
    for i, ((x, y), (name, note)) in enumerate(zip(places, OBJECTS, strict=True)):
        box = FancyBboxPatch(
            (x, y),
            WIDTH,
            HEIGHT,
            boxstyle="round,pad=0.06",
            facecolor="#f4f4f4" if i in (0, 5) else "#e3edf7",
            edgecolor=COLOUR,
        )
        ax.add_patch(box)
        write(ax, x + WIDTH / 2, y + 0.6, name, family="monospace", size=11)
        write(ax, x + WIDTH / 2, y + 0.2, note, size=8, color=GREY)
    for i, (name, note) in enumerate(STEPS):
        (x, y), (next_x, next_y) = places[i], places[i + 1]
        if y == next_y:
            way = [(x + WIDTH + 0.1, y + HEIGHT / 2), (next_x - 0.1, y + HEIGHT / 2)]
        else:  # to the beginning of the next row
            x, next_x = x + WIDTH / 2, next_x + WIDTH / 2
            middle = (y + next_y + HEIGHT) / 2
            way = [(x, y - 0.06), (x, middle), (next_x, middle)]
            way.append((next_x, next_y + HEIGHT + 0.1))
        ax.plot(*zip(*way[:-1], strict=True), color=COLOUR, lw=1.3)
        style = {"arrowstyle": "-|>", "color": COLOUR, "lw": 1.3, "shrinkA": 0}
        ax.annotate("", way[-1], way[-2], arrowprops={**style, "shrinkB": 0})
        (x, y), (next_x, next_y) = way[-2:] if len(way) == 2 else way[1:3]
        write(ax, (x + next_x) / 2, y + 0.2, name, family="monospace", size=10)
        below = y - 0.14
        write(ax, (x + next_x) / 2, below, note, size=8, color=GREY, va="top")
    ax.set(xlim=(-0.2, 3 * WIDTH + 2 * GAP + 0.2), ylim=(-ROW - 0.2, HEIGHT + 0.2))
    ax.set_aspect("equal")
    ax.axis("off")
    return fig


def write(ax, x, y, text, va="center", **style) -> None:
    ax.text(x, y, text, ha="center", va=va, **style)


def save(path) -> None:
    """Writes an SVG whose text is text, and which is the same in every run."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "pipeline"}):
        fig = draw()
        fig.savefig(path, bbox_inches="tight", metadata={"Date": None})
        plt.close(fig)


if __name__ == "__main__":
    default = Path(__file__).parent / "pictures" / "pipeline.svg"
    save(sys.argv[1] if len(sys.argv) > 1 else default)
