"""What a saved model is, in words; nothing is built and nothing executed."""

from __future__ import annotations

import re

from ..io.container import Content, FileFormatError
from ..io.kinds import FAST_MODEL
from ..io.sizes import Sizes, below
from ..parameters import ParameterSpace


def describe(content: Content) -> str:
    """Lines of text on a file of a model or of a reduced model.

    Raises:
        FileFormatError: If it holds something else.
    """
    header, arrays = content.header, content.arrays
    versions = ", ".join(f"{name} {v}" for name, v in content.versions.items())
    lines = [("kind", content.kind), ("format", content.format), ("versions", versions)]
    if "parameter_space" not in header:
        return _aligned(lines)
    try:
        lines += _common(header, arrays)
        lines += _fast(header, arrays) if content.kind == FAST_MODEL else _full(header)
    # Not damaged, but made up.
    except Exception as error:
        raise FileFormatError(f"The file is not well-formed: {error!r}.") from error
    return _aligned(lines)


def _aligned(lines) -> str:
    width = max(len(name) for name, _ in lines) + 2
    return "\n".join(f"{name + ':':{width}}{text}" for name, text in lines)


def _bounds(axis) -> list[str]:
    """One line; for a vector with bounds that differ one for each entry."""
    columns = list(zip(axis.columns, axis.low, axis.high, strict=True))
    power = ""
    if axis.size is not None and len(set(axis.low)) == len(set(axis.high)) == 1:
        columns, power = [(axis.name, axis.low[0], axis.high[0])], f"^{axis.size}"
    return [
        f"{name} in [{low:g}, {high:g}]{power}" + " (log)" * axis.log
        for name, low, high in columns
    ]


def _common(header, arrays) -> list:
    space = ParameterSpace.from_dict(header["parameter_space"])
    lines = [("dtype", header["dtype"])]
    lines += [("parameter", text) for axis in space.axes for text in _bounds(axis)]
    sides = zip(arrays["problem/low"], arrays["problem/high"], strict=True)
    box = " x ".join(f"[{low:g}, {high:g}]" for low, high in sides)
    lines.append(("bounding box", box))
    full = "full" if "full_size" in header else "weights"
    lines.append(("network", _sizes(below(arrays, full), space)))
    for name in ("feature_transform", "output_transform"):
        program = header["functions"][name]
        if program is not None:
            text = f"has to be passed again: {program.get('missing')}"
            text = text if "missing" in program else f"{len(program['nodes'])} steps"
            lines.append((name.replace("_", " "), text))
    lines.append(("loss weights", header["loss_weights"]))
    return lines


def _sizes(weights, space) -> str:
    sizes = Sizes.of(weights, space.dim)
    layers = " - ".join(map(str, (sizes.features, *sizes.widths, sizes.outputs)))
    number = sum(w.size for w in weights.values())
    inner = "dense"
    if any(sizes.ranks):
        ranks = ", ".join(map(str, sizes.ranks))
        inner = f"ranks {ranks}, {sizes.num_inner} coefficients"
    return f"{layers}, {inner}, {number} weights in all"


def _full(header) -> list:
    trained = f"{header['iterations']} iterations" if header["trained"] else "no"
    return [
        ("trained", trained),
        ("to train or reduce", "load_model(file, data), data being the ParametricPDE"),
    ]


def _fast(header, arrays) -> list:
    space = ParameterSpace.from_dict(header["parameter_space"])
    lines = [("reduced", _sizes(below(arrays, "reduced"), space))]
    for i, layer in enumerate(header["layers"]):
        text = (
            f"{layer['modes']} modes, {len(arrays[f'layer_{i}/indices'])} neurons, "
            f"error {layer['error_values']:.1e} (values) "
            f"{layer['error_derivatives']:.1e} (derivatives)"
        )
        lines.append((f"layer {i}", text))
    points = [len(arrays["points/pde"])]
    points += [
        len(arrays[f"points/condition_{j}"]) for j in range(len(header["conditions"]))
    ]
    names = ["pde", *header["conditions"]]
    text = ", ".join(f"{n} of {name}" for name, n in zip(names, points, strict=True))
    lines.append(("points", text))
    unknowns = sum(
        len(a) for n, a in arrays.items() if re.fullmatch(r"reduced/b_\d+", n)
    )
    random = len(arrays["random/shifts"])
    outputs = len(arrays["reduced/b_out"])
    text = f"{outputs * (unknowns + random + 1)} unknowns"
    if random:
        text += f", {random} random features"
    lines.append(("trial space", text))
    for line in header["choice"]:
        lines.append(("compared", line))
    expansion = header["expansion"]
    if expansion is None:
        text = "not looked at yet"
    elif expansion["indices"] is None:
        text = "not taken pointwise"
    else:
        order = max(map(sum, expansion["indices"]))
        text = f"derivatives up to order {order}"
    lines.append(("residual", text))
    conditions = ", ".join(header["conditions"]) or "none"
    lines.append(("to predict", "nothing but this file"))
    text = f"the ParametricPDE; dimension {len(arrays['problem/low'])}, IC/BC: "
    lines.append(("to solve", text + conditions))
    return lines
