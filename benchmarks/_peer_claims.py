"""What is claimed of our networks beside the peers, judged by the numbers.

A peer's figures are a dictionary with ``online_ms`` and ``mean``, the mean error; those
of a family, dictionaries by the names of the peers. One that failed has neither.
"""

from __future__ import annotations

OURS = ("hypernetwork", "ours", "ours_accurate", "ours_basis")
# With our network, and the fast phase of the paper.
PAPER = "paper"
BASIS, BELOW_MS = "ours_basis", 1.0
# Trial spaces with as many unknowns, trained and not; by how much training should pay,
# and on which families.
UNTRAINED = {"ours": "random", "ours_accurate": "random_accurate"}
PAYS, PAYS_ON = 3.0, ("burgers", "allen_cahn", "kovasznay")
# Networks after the same work, for the question which one to take.
STAGES = {
    "as trained": {
        "hypernetwork": "HyperLRNR",
        "fnn": "FNN",
        "deeponet": "DeepONet",
    },
    "least squares, all hidden states": {
        "ours_accurate": "HyperLRNR",
        "fnn_states": "FNN",
        "deeponet_states": "DeepONet",
    },
    "least squares, what reduce() keeps": {
        "ours": "HyperLRNR",
        "fnn_fast": "FNN",
        "deeponet_fast": "DeepONet",
        "untrained": "no training",
    },
    "reduced basis": {
        "ours_basis": "HyperLRNR",
        "fnn_basis": "FNN",
        "deeponet_basis": "DeepONet",
        "untrained_basis": "no training",
    },
}


def measured(peers: dict) -> dict:
    """Those that did not fail, and whose error is a number."""
    return {n: p for n, p in peers.items() if p.get("mean", float("nan")) >= 0}


def better(one: dict, other: dict) -> bool:
    """Whether one is both faster online and more accurate."""
    return one["online_ms"] < other["online_ms"] and one["mean"] < other["mean"]


def as_good(one: dict, other: dict) -> bool:
    """Whether one is neither slower nor less accurate."""
    return one["online_ms"] <= other["online_ms"] and one["mean"] <= other["mean"]


def refuting(peers: dict) -> dict[str, str]:
    """Peers that are faster and more accurate than a setting of ours.

    One to which another setting of ours is as good in both does not count.

    Returns:
        For each the most accurate of our settings that it is better than.
    """
    peers, found = measured(peers), {}
    ours = {name: peers[name] for name in OURS if name in peers}
    for name, peer in peers.items():
        worse = [n for n, own in ours.items() if better(peer, own)]
        matched = any(as_good(own, peer) for own in ours.values())
        if name not in (*OURS, PAPER) and worse and not matched:
            found[name] = min(worse, key=lambda n: ours[n]["mean"])
    return found


def best_below(peers: dict, milliseconds: float = BELOW_MS) -> str | None:
    """The most accurate of those that take less, ``None`` if none does."""
    quick = {n: p for n, p in measured(peers).items() if p["online_ms"] < milliseconds}
    return min(quick, key=lambda n: quick[n]["mean"], default=None)


def gains(peers: dict) -> dict[str, float]:
    """By how much the trained trial spaces are more accurate at equal unknowns."""
    peers = measured(peers)
    return {
        ours: peers[other]["mean"] / peers[ours]["mean"]
        for ours, other in UNTRAINED.items()
        if ours in peers and other in peers
    }


def winners(peers: dict) -> dict[str, str]:
    """For each of ``STAGES`` the network with the smallest error."""
    peers, found = measured(peers), {}
    for stage, names in STAGES.items():
        known = [name for name in names if name in peers]
        if len(known) > 1:
            found[stage] = names[min(known, key=lambda name: peers[name]["mean"])]
    return found


def first_claim(families: dict) -> str:
    """Nobody is both faster online and more accurate than ours."""
    against = {}
    for family, peers in families.items():
        parts = [
            f"`{name}` ({_factor(peers, name, ours)})"
            for name, ours in refuting(peers).items()
        ]
        if parts:
            against[family] = ", ".join(parts)
    return _judged(
        "Nobody is both faster online and more accurate than ours", families, against
    )


def second_claim(families: dict) -> str:
    """With the reduced basis ours is the most accurate of all below 1 ms."""
    against = {}
    for family, peers in families.items():
        best, basis = best_below(peers), measured(peers).get(BASIS)
        if best == BASIS:
            continue
        if basis is None:
            against[family] = "there is no basis"
        elif basis["online_ms"] >= BELOW_MS:
            against[family] = f"the basis takes {basis['online_ms']:.3g} ms"
            if best is not None:
                against[family] += f"; the best below is `{best}`"
        else:
            against[family] = f"`{best}` ({_factor(peers, best, BASIS)})"
    return _judged(
        "With the reduced basis ours is the most accurate of all below "
        f"{BELOW_MS:g} ms",
        families,
        against,
    )


def third_claim(families: dict) -> str:
    """Training pays at equal unknowns."""
    against, ratios = {}, []
    judged = {n: p for n, p in families.items() if n in PAYS_ON and gains(p)}
    for family, peers in families.items():
        found = gains(peers)
        if found:
            listed = ", ".join(f"{gain:.2g} (`{n}`)" for n, gain in found.items())
            ratios.append(f"{family} {listed}")
        small = [n for n, gain in found.items() if not gain >= PAYS]
        if family in judged and small:
            against[family] = ", ".join(f"`{n}` {found[n]:.2g} times" for n in small)
    text = _judged(
        f"At equal unknowns the trained space is at least {PAYS:g} times more accurate "
        "than the untrained one",
        judged,
        against,
    )
    return text + f" So many times more accurate: {'; '.join(ratios) or '-'}."


def recommended(families: dict) -> str:
    """Which network to take: the one that is ahead most often after a solve."""
    counts, ahead = {}, []
    for family, peers in families.items():
        for stage, network in winners(peers).items():
            if stage != "as trained":
                counts[network] = counts.get(network, 0) + 1
        basis = winners(peers).get("reduced basis")
        if basis is not None:
            ahead.append(f"{family} {basis}")
    if not counts:
        return ""
    ordered = sorted(counts, key=counts.get, reverse=True)
    listed = ", ".join(f"{network} {counts[network]}" for network in ordered)
    return (
        "Inside our own machinery the smallest mean error, over families and the three "
        f"ways to solve, has so often: {listed}. Recommended: {ordered[0]}. In a "
        f"reduced basis: {', '.join(ahead) or '-'}."
    )


def _judged(claim: str, families: dict, against: dict[str, str]) -> str:
    """A claim, with the families on which it holds, and those on which it does not."""
    holds = [family for family in families if family not in against]
    text = f"*{claim}*: "
    text += f"holds on {', '.join(holds)}" if holds else "holds on no family"
    if against:
        parts = (f"{family}: {why}" for family, why in against.items())
        text += f"; does not hold on {'; '.join(parts)}"
    return text + "."


def _factor(peers: dict, name: str, ours: str) -> str:
    one, own = peers[name], peers[ours]
    share = one["mean"] / own["mean"] if own["mean"] else float("inf")
    return (
        f"{share:.2g} times the error of `{ours}` in "
        f"{one['online_ms'] / own['online_ms']:.2g} times its time"
    )
