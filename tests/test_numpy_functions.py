"""Operations in NumPy are those of TensorFlow, and a file can ask for nothing worse."""

import json
import re
import warnings

import deepxde_lrnr  # noqa: F401  (chooses the backend)
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.io import numpy_functions
from deepxde_lrnr.io.functions import trace
from deepxde_lrnr.io.numpy_functions import NotInNumPy
from deepxde_lrnr.io.numpy_operations import ENTRYWISE
from deepxde_lrnr.io.numpy_shapes import SHAPING
from deepxde_lrnr.io.numpy_sums import SUMS
from deepxde_lrnr.io.programs import OPERATIONS as LISTED
from hypothesis import given, settings
from hypothesis import strategies as st
from test_functions import FUNCTIONS, HUGE, X, const, node, program

OPERATIONS = numpy_functions.OPERATIONS
RNG = np.random.default_rng(0)


def same(kind, arguments, attributes=None, rtol=1e-13):
    """Calls both; the results have the same shapes, types and values."""
    attributes = attributes or {}
    of_tensorflow = {k: _dtype(v, tf.as_dtype) for k, v in attributes.items()}
    tensors = {k: tf.nest.map_structure(tf.constant, v) for k, v in arguments.items()}
    expected = getattr(tf.raw_ops, kind)(**tensors, **of_tensorflow)
    operation = OPERATIONS[kind]
    of_numpy = {k: _dtype(v, np.dtype) for k, v in attributes.items()}
    ours = {k: _arrays(v) for k, v in arguments.items()}
    if operation.entries is not None:
        bound = operation.entries(**ours, **of_numpy)
        assert bound >= max(np.size(v) for v in tf.nest.flatten(expected))
    with np.errstate(all="ignore"):
        found = operation.run(**ours, **of_numpy)
    expected = tf.nest.flatten(expected)
    found = found if isinstance(found, list) else [found]
    for f, e in zip(map(np.asarray, found), expected, strict=True):
        e = e.numpy()
        assert f.shape == e.shape and f.dtype == e.dtype
        tolerance = 2e-6 if e.dtype == np.float32 else rtol
        np.testing.assert_allclose(f, e, rtol=tolerance, atol=tolerance)


def _dtype(value, convert):
    return convert(value["dtype"]) if isinstance(value, dict) else value


def _arrays(value):
    if isinstance(value, list):
        return [np.asarray(v) for v in value]
    return np.asarray(value)


# Where functions of one number are defined.
DOMAINS = {
    "Acos": (-1, 1),
    "Acosh": (1, 5),
    "Asin": (-1, 1),
    "Atanh": (-0.99, 0.99),
    "Digamma": (0.5, 5),
    "Erfinv": (-0.99, 0.99),
    "Lgamma": (0.1, 5),
    "Log": (0.01, 5),
    "Log1p": (-0.9, 5),
    "Rsqrt": (0.01, 5),
    "Sqrt": (0, 5),
    "Tan": (-1.5, 1.5),
}
BOOLEAN = {"LogicalNot", "LogicalAnd", "LogicalOr", "All", "Any"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", sorted({*ENTRYWISE} - {"TruncateDiv"}))
def test_entry_by_entry(kind, dtype):
    names = OPERATIONS[kind].arguments
    low, high = DOMAINS.get(kind, (-3, 3))
    # 0 and a half are where rounding and branches are.
    special = [v for v in (0.0, 0.5, 1.0, -0.5, 1.5, 2.5) if low <= v <= high]
    v = np.append(RNG.uniform(low, high, 38), special).astype(dtype)
    v = np.resize(v, (2, 3, 7))
    w = RNG.uniform(0.2, 3, (3, 1)).astype(dtype)
    if kind in BOOLEAN:
        v, w = v > 0, w > 1
    attributes = {}
    if kind == "Cast":
        for target in ("int32", "float32", "float64", "bool"):
            same(kind, {"x": v}, {"DstT": {"dtype": target}})
        return
    if kind == "Pow":
        v = np.abs(v)
    if kind in ("Igamma", "Igammac", "Zeta"):
        first, second = ("a", "x") if kind != "Zeta" else ("x", "q")
        arguments = {first: w + (1 if kind == "Zeta" else 0), second: np.abs(v) + 0.1}
        rtol = 1e-12
        same(kind, arguments, rtol=rtol)
        return
    if kind == "LeakyRelu":
        attributes = {"alpha": 0.25}
    if kind in ("Select", "SelectV2"):
        first, second = ("x", "y") if kind == "Select" else ("t", "e")
        same(kind, {"condition": v > 0, first: v, second: -v})
        rows = {"condition": v[:, 0, 0] > 0, first: v, second: -v}
        if kind == "Select":
            same(kind, rows)
        else:
            same(kind, {"condition": v > 0, first: w, second: v})
        return
    if kind == "ClipByValue":
        low, high = np.array(-1, dtype), np.array(0.7, dtype)
        same(kind, {"t": v, "clip_value_min": low, "clip_value_max": high})
        return
    for name in ("input", "features"):
        if name in names:
            same(kind, {name: v}, attributes)
            return
    arguments = {"x": v}
    if "y" in names:
        arguments["y"] = np.where(w < 1, 0, w) if "No" in kind else w
        if kind[0] == "X":
            arguments["x"] = np.where(v > 2, 0, v)
    # Series of special functions end at other places.
    rtol = 1e-12 if kind.startswith(("Bessel", "Digamma", "Lgamma", "Erf")) else 1e-13
    same(kind, arguments, attributes, rtol)


@pytest.mark.parametrize(
    "kind",
    ["Add", "AddV2", "Sub", "Mul", "Maximum", "Minimum", "FloorDiv", "FloorMod"]
    + ["Div", "TruncateDiv", "TruncateMod", "Mod", "Less", "Equal", "NotEqual"]
    + ["SquaredDifference"],
)
def test_integers_are_integers(kind):
    x = np.array([[-7, -3, 0, 3, 7]], "int32")
    same(kind, {"x": x, "y": np.array([[2], [3], [-2]], "int32")})


def matrix(*shape, dtype="float64"):
    return RNG.standard_normal(shape).astype(dtype)


I32 = np.int32
A = matrix(4, 3)
B = matrix(2, 4, 3)
CASES = [
    *(
        (k, {"input": B, "axis": np.array(a, I32)}, {"keep_dims": d})
        for d in (0, 1)
        for a in ([0], [1, -1], 2, [])
        for k in ("Sum", "Mean", "Max", "Min", "Prod", "EuclideanNorm")
    ),
    *((k, {"input": B > 0, "axis": [1]}, {"keep_dims": True}) for k in ("All", "Any")),
    ("Sum", {"input": np.ones((3, 2), I32), "axis": [0]}, {}),
    ("Prod", {"input": np.full((3, 2), 2, I32), "axis": [0]}, {}),
    ("L2Loss", {"t": B}, {}),
    ("ArgMax", {"input": B, "dimension": 1}, {}),
    ("ArgMin", {"input": B, "dimension": -1}, {"output_type": {"dtype": "int32"}}),
    ("Softmax", {"logits": A}, {}),
    ("LogSoftmax", {"logits": A}, {}),
    ("Cumsum", {"x": B, "axis": 1}, {}),
    ("Cumsum", {"x": B, "axis": -1}, {"reverse": True}),
    ("Cumprod", {"x": B, "axis": 0}, {}),
    ("ReverseV2", {"tensor": B, "axis": [0, -1]}, {}),
    ("Roll", {"input": B, "shift": [1, -2], "axis": [1, 2]}, {}),
    ("AddN", {"inputs": [A, 2 * A, A**2]}, {}),
    ("MatMul", {"a": A, "b": matrix(3, 5)}, {}),
    ("MatMul", {"a": A, "b": matrix(5, 4)}, {"transpose_a": True, "transpose_b": True}),
    ("BatchMatMulV2", {"x": B, "y": matrix(3, 2)}, {}),
    ("BatchMatMulV2", {"x": B, "y": matrix(2, 4, 5)}, {"adj_x": True}),
    (
        "BatchMatMulV3",
        {"x": B, "y": matrix(6, 3)},
        {"adj_y": True, "Tout": {"dtype": "float64"}},
    ),
    ("Cross", {"a": A, "b": matrix(4, 3)}, {}),
    ("BiasAdd", {"value": B, "bias": matrix(3)}, {}),
    ("Einsum", {"inputs": [A, matrix(5, 3)]}, {"equation": "ij,kj->ik"}),
    ("Einsum", {"inputs": [B]}, {"equation": "ijk->kj"}),
    ("Shape", {"input": B}, {}),
    ("Shape", {"input": B}, {"out_type": {"dtype": "int64"}}),
    ("ShapeN", {"input": [A, B]}, {}),
    ("Size", {"input": B}, {}),
    ("Rank", {"input": B}, {}),
    ("Reshape", {"tensor": B, "shape": [-1, 6]}, {}),
    ("Squeeze", {"input": matrix(1, 3, 1)}, {}),
    ("Squeeze", {"input": matrix(1, 3, 1)}, {"axis": [-1]}),
    ("ExpandDims", {"input": B, "axis": -1}, {}),
    ("Transpose", {"x": B, "perm": [2, 0, 1]}, {}),
    ("ConcatV2", {"values": [A, A], "axis": -1}, {}),
    ("Pack", {"values": [A, 2 * A]}, {"axis": -1}),
    ("Unpack", {"value": B}, {"num": 4, "axis": 1}),
    ("Split", {"axis": 1, "value": B}, {"num_split": 2}),
    ("SplitV", {"value": B, "size_splits": [1, -1], "axis": 1}, {"num_split": 2}),
    ("Slice", {"input": B, "begin": [0, 1, 0], "size": [2, -1, 2]}, {}),
    ("GatherV2", {"params": B, "indices": [[0, 3], [2, 2]], "axis": 1}, {}),
    ("GatherNd", {"params": B, "indices": [[0, 3], [1, 2]]}, {}),
    ("GatherNd", {"params": B, "indices": [[0, 3, 1], [1, 2, 0]]}, {}),
    ("Tile", {"input": A, "multiples": [2, 3]}, {}),
    ("BroadcastTo", {"input": matrix(3), "shape": [2, 4, 3]}, {}),
    ("Fill", {"dims": [2, 3], "value": 1.5}, {}),
    ("Range", {"start": 1.0, "limit": 3.0, "delta": 0.25}, {}),
    ("Range", {"start": 5, "limit": -3, "delta": -2}, {}),
    ("LinSpace", {"start": 0.0, "stop": 3.0, "num": 7}, {}),
    (
        "OneHot",
        {"indices": [[0, 2], [5, 1]], "depth": 3, "on_value": 2.0, "off_value": -1.0},
        {},
    ),
    ("Pad", {"input": A, "paddings": [[1, 0], [0, 2]]}, {}),
    (
        "PadV2",
        {"input": A, "paddings": [[1, 0], [0, 2]], "constant_values": np.array(7.0)},
        {},
    ),
]


def typed(value):
    """Integers of 32 bits, as TensorFlow takes Python's."""
    if isinstance(value, list) and isinstance(value[0], np.ndarray):
        return value
    array = np.asarray(value)
    if isinstance(value, np.ndarray):
        return array
    return array.astype({"i": I32, "f": np.float32}[array.dtype.kind])


@pytest.mark.parametrize("kind, arguments, attributes", CASES)
def test_sums_and_shapes(kind, arguments, attributes):
    attributes = {k: bool(v) if k == "keep_dims" else v for k, v in attributes.items()}
    same(kind, {k: typed(v) for k, v in arguments.items()}, attributes)


def test_every_operation_is_one_that_a_file_may_have_and_is_compared():
    assert set(OPERATIONS) <= LISTED
    compared = {kind for kind, *_ in CASES} | set(ENTRYWISE) | {"StridedSlice"}
    assert set(SUMS) | set(SHAPING) <= compared


@st.composite
def slices(draw):
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    count = draw(st.integers(1, len(shape)))
    limit = st.integers(-5, 5)
    begin = [draw(st.integers(-n, n - 1)) for n in shape[:count]]
    end = [draw(limit) for _ in range(count)]
    strides = [draw(st.sampled_from([-2, -1, 1, 2])) for _ in range(count)]
    masks = {
        name: draw(st.integers(0, 2**count - 1))
        for name in ("begin_mask", "end_mask", "new_axis_mask", "shrink_axis_mask")
    }
    masks["ellipsis_mask"] = draw(st.sampled_from([0, *(1 << i for i in range(count))]))
    # TensorFlow wants a positive stride where an axis goes.
    for i in range(count):
        if masks["shrink_axis_mask"] >> i & 1:
            strides[i] = 1
    return shape, begin, end, strides, masks


@settings(max_examples=150, deadline=None)
@given(slices())
def test_parts_are_those_of_tensorflow(given):
    shape, begin, end, strides, masks = given
    arguments = {
        "input": np.arange(np.prod(shape), dtype=float).reshape(shape),
        **{
            name: np.array(v, I32)
            for name, v in (("begin", begin), ("end", end), ("strides", strides))
        },
    }
    try:
        tf.raw_ops.StridedSlice(**arguments, **masks)
    except (tf.errors.OpError, ValueError):
        return
    same("StridedSlice", arguments, masks)


def stored(function, dtype, *shapes):
    """Through JSON, as in a file."""
    written, constants = trace(function, shapes or [(None, 2)], dtype)
    columns = [n for _, n in shapes] or [2]
    return numpy_functions.rebuild(
        json.loads(json.dumps(written)), constants, columns, dtype
    )


def gelu(x):
    return tf.nn.gelu(x) + tf.math.softplus(x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", [*FUNCTIONS[:-1], gelu])
def test_functions_as_users_write_them(function, dtype):
    x = X.astype(dtype)
    found = stored(function, dtype)(x)
    assert found.dtype == dtype
    rtol = 1e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(found, function(tf.constant(x)), rtol, rtol)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_any_number_of_rows_and_several_arguments(rows, seed):
    def transform(mu, x, y):
        inside = tf.where(x[:, :1] > mu[:, 1:2], x[:, :1] * y, tf.exp(-y))
        return tf.concat([inside, tf.reduce_sum(mu, 1, keepdims=True) * x[:, 1:]], 1)

    again = stored(transform, "float64", (None, 3), (None, 2), (None, 1))
    rng = np.random.default_rng(seed)
    arguments = [rng.standard_normal((rows, n)) for n in (3, 2, 1)]
    expected = transform(*map(tf.constant, arguments))
    np.testing.assert_allclose(again(*arguments), expected, 1e-13, 1e-13)


def test_what_only_tensorflow_knows_is_named():
    with pytest.raises(NotInNumPy, match="it uses MatrixDiagV3, which only TensorFlow"):
        stored(lambda x: tf.linalg.matvec(tf.linalg.diag(x), x), "float64")
    with pytest.raises(NotInNumPy, match="bfloat16"):
        stored(lambda x: tf.cast(tf.cast(x, tf.bfloat16), x.dtype), "float64")


def test_no_warning_of_what_is_not_finite():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = stored(tf.math.log, "float64", (None, 1))(np.array([[-1.0], [0.0]]))
    assert np.isnan(found[0, 0]) and found[1, 0] == -np.inf


# Made up


@pytest.mark.parametrize(
    "nodes",
    [
        [["PyFunc", "y", {"input": [[0, 0]]}, {"token": "x"}]],
        [["__class__", "y", {}, {}]],
        [["Sin", "y", {"x": [1, 0]}, {}]],
        [["Sin", "y", {"y": [0, 0]}, {}]],
        [["Sin", "y", {"x": [0, 0]}, {"function": 3}]],
        [["Cast", "y", {"x": [0, 0]}, {"DstT": {"dtype": "object"}}]],
        [["Cast", "y", {"x": [0, 0]}, {"DstT": {"dtype": "U9"}}]],
        [["Cast", "y", {"x": [0, 0]}, {"DstT": {"dtype": "f8,f8"}}]],
        [["Sin", "y", [0, 0], {}]],
        [["Const", "y", "missing", {}]],
    ],
)
def test_a_file_cannot_ask_for_anything_else(nodes):
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        numpy_functions.rebuild(program(*nodes), {}, [2], "float32")


def run(written, **constants):
    constants = {name: np.asarray(value) for name, value in constants.items()}
    written = json.loads(json.dumps(written))
    function = numpy_functions.rebuild(written, constants, [2], "float32")
    return function(np.ones((100_000, 2), "float32"))


@pytest.mark.parametrize("bad, size", HUGE)
def test_no_memory_is_taken_for_what_no_row_of_points_needs(bad, size, most_memory):
    consts = [const("size"), const("zero"), const("one"), const("zeros")]
    constants = {"zero": np.float32(0), "one": np.float32(1), "zeros": [0]}
    size = np.asarray(size, None if isinstance(size, (int, list)) else "float32")
    with most_memory(2**28), pytest.raises(NotInNumPy):
        run(program(*consts, bad), size=size, **constants)


@pytest.mark.parametrize("kind", ["ConcatV2", "Pack", "Einsum"])
def test_many_of_the_same_are_not_put_together(kind, most_memory):
    names = "abcdefghijklmnop"
    arguments, attributes = {
        "ConcatV2": ({"values": [[0, 0]] * 16_000, "axis": [1, 0]}, {}),
        "Pack": ({"values": [[0, 0]] * 16_000}, {}),
        "Einsum": (
            {"inputs": [[0, 0]] * 8},
            {"equation": f"{','.join(re.findall('..', names))}->{names}"},
        ),
    }[kind]
    with most_memory(2**28), pytest.raises(NotInNumPy):
        run(
            program(const("zero"), node(kind, arguments, **attributes)),
            zero=np.int32(0),
        )


def test_results_together_are_bounded(most_memory):
    """Each would fit."""
    grown = [node("Tile", {"input": [0, 0], "multiples": [1, 0]})] * 4000
    written = program(const("many"), *grown)
    with most_memory(2**28), pytest.raises(NotInNumPy, match="together"):
        run(written, many=np.array([1, 4000], I32))


@pytest.fixture
def most_memory():
    """Context in which NumPy may take so many bytes more at once, and no others."""
    import contextlib
    import tracemalloc

    @contextlib.contextmanager
    def limited(size):
        tracemalloc.start()
        try:
            yield
            assert tracemalloc.get_traced_memory()[1] < size
        finally:
            tracemalloc.stop()

    return limited
