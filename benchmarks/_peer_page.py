"""What is said and drawn of the peers, from their figures."""

from __future__ import annotations

from _harness import percent, table
from _peer_claims import (
    OURS,
    PAPER,
    first_claim,
    measured,
    recommended,
    refuting,
    second_claim,
    third_claim,
    winners,
)
from _peer_families import FAMILY_OF
from matplotlib.figure import Figure

# The smallest online time that is drawn: those that only predict stand there. And the
# smallest error.
LEFT_MS, LOWEST = 0.01, 1e-10
# Those whose sizes are points of one curve.
CURVES = ("classical", "pyMOR")
COLUMNS = ("peer", "offline s", "online ms", "mean", "max", "outside", "unknowns")
COLUMNS += ("MB", "mu")
COMMAND = "python benchmarks/peers.py --only {} --json benchmarks/results/peers.json"


def families(results) -> dict:
    """Figures of the peers of each family that has been measured."""
    return {n: results[n]["peers"] for n in FAMILY_OF if n in results}


def describe(results) -> str:
    """Claims, then a table for each family."""
    text = claims(results) + "\n"
    missing = [name for name in FAMILY_OF if name not in results]
    if 0 < len(missing) < len(FAMILY_OF):
        text += f"\nNot measured yet: {', '.join(missing)}.\n"
    for family, peers in families(results).items():
        rows = sorted(peers.items(), key=lambda item: item[1].get("mean", float("inf")))
        text += f"\n**{family}**: {results[family]['norm']} errors; {setting(peers)}.\n"
        text += f"`{COMMAND.format(family)}`\n\n"
        text += table(list(COLUMNS), [_row(name, p) for name, p in rows])
        text += "\n" + which_network(peers) + "\n"
        failed = [f"`{n}`: {p['failed']}" for n, p in peers.items() if "failed" in p]
        if failed:
            text += "\nFailed: " + "; ".join(failed) + "\n"
    return text


def _row(name: str, p: dict) -> list:
    if "failed" in p:
        return [name, "-", "failed", *["-"] * (len(COLUMNS) - 3)]
    errors = [percent(p[key]) for key in ("mean", "max", "outside")]
    mu = "{} + {}".format(*p["num_mu"])
    figures = [p["unknowns"], p["memory_mb"], mu]
    return [name, p["offline_s"], p["online_ms"], *errors, *figures]


def setting(peers: dict) -> str:
    """Whether one is faster and more accurate than ours, in a few words."""
    found = ", ".join(f"`{name}`" for name in refuting(peers))
    return f"faster and more accurate than a setting of ours: {found or 'none'}"


def claims(results) -> str:
    """The claims, each with what holds of it."""
    parts = families(results)
    if not parts:
        return ""
    judged = first_claim(parts), second_claim(parts), third_claim(parts)
    listed = [f"{i}. {claim}" for i, claim in enumerate(judged, start=1)]
    return "\n".join(listed) + "\n\n" + recommended(parts) + "\n"


def which_network(peers: dict) -> str:
    """The most accurate network after each kind of work."""
    found = [f"{stage}: {network}" for stage, network in winners(peers).items()]
    return "Most accurate network, " + ("; ".join(found) or "none") + "."


def in_words(results) -> str:
    """A line for each family, then the claims."""
    lines = []
    for family, peers in families(results).items():
        known = measured(peers)
        own = [n for n in ("ours_basis", "ours", "ours_accurate") if n in known]
        figures = ", ".join(
            f"`{n}` {percent(known[n]['mean'])} in {known[n]['online_ms']:.3g} ms"
            for n in own
        )
        others = {
            n: p
            for n, p in known.items()
            if own
            and n not in (*OURS, PAPER)
            and p["online_ms"] <= known[own[-1]]["online_ms"]
        }
        line = f"- {family}: {figures}"
        if others:
            name = min(others, key=lambda n: others[n]["mean"])
            line += (
                f"; of the others up to that time `{name}` is the most accurate, "
                f"{percent(others[name]['mean'])} in "
                f"{others[name]['online_ms']:.3g} ms"
            )
        lines.append(line + ".")
    return "\n".join(lines) + "\n\n" + claims(results)


def draw(results) -> Figure:
    """Error against online time, a panel for each family."""
    parts = families(results)
    columns = min(3, max(1, len(parts)))
    rows = -(-max(1, len(parts)) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.9 * rows + 1.2), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    styles = _styles(parts)
    for panel in axes.flat[len(parts) :]:
        panel.set_visible(False)
    handles = {}
    for panel, (family, peers) in zip(axes.flat, parts.items(), strict=False):
        for label, points in _series(measured(peers)).items():
            x = [max(p["online_ms"], LEFT_MS) for p in points]
            y = [max(p["mean"], LOWEST) for p in points]
            (handles[label],) = panel.loglog(x, y, **styles[label])
        panel.axvline(1, color="0.8", zorder=0)
        panel.set(title=family, xlabel="online, ms", ylabel="mean relative error")
        panel.grid(alpha=0.25)
    order = [label for label in styles if label in handles]
    figure.legend(
        [handles[label] for label in order],
        order,
        loc="outside lower center",
        ncols=6,
        fontsize=8,
    )
    return figure


def _series(peers: dict) -> dict:
    """Figures by their label in the legend, the fastest first."""
    series = {}
    for name, peer in peers.items():
        series.setdefault(_label(name), []).append(peer)
    return {n: sorted(s, key=lambda p: p["online_ms"]) for n, s in series.items()}


def _label(name: str) -> str:
    first = name.partition(" ")[0]
    return first if first in CURVES else name


def _styles(parts: dict) -> dict:
    """Ours in red, others in a colour and with a marker of their own."""
    labels = list(
        dict.fromkeys(_label(name) for peers in parts.values() for name in peers)
    )
    markers = dict(zip((*OURS, PAPER), "voD*X", strict=True))
    styles, number = {}, 0
    for label in sorted(labels, key=lambda name: name not in markers):
        if label in markers:
            big = 14 if label == "ours_basis" else 8
            own = {"marker": markers[label], "markersize": big, "zorder": 3}
            styles[label] = {"color": "tab:red", "linestyle": "none"} | own
        elif label in CURVES:
            line = "-" if label == "classical" else "--"
            styles[label] = {"color": "black", "linestyle": line, "marker": "."}
        else:
            styles[label] = {
                "color": f"C{(0, 1, 2, 4, 5, 6, 8, 9)[number % 8]}",
                "marker": "os^Pd<>p"[(number // 8 + number) % 8],
                "linestyle": "none",
                "alpha": 0.8,
            }
            number += 1
    return styles
