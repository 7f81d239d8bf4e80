"""The command line: the library's results in files, and one line for each mistake."""

import os
import re
import subprocess
import sys

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.cli import commands as command
from deepxde_lrnr.cli.names import may_define
from deepxde_lrnr.cli.problem_import import import_problem
from deepxde_lrnr.io import container, kinds
from deepxde_lrnr.sweeps import stores
from deepxde_lrnr.sweeps import sweep as sweeps
from deepxde_lrnr.sweeps.stores import GridStore

PROBLEM = """
import deepxde_lrnr as lrnr
import deepxde as dde
import beside

TIME = dde.geometry.TimeDomain(0, 1)
GEOMETRY = dde.geometry.GeometryXTime(dde.geometry.Interval(-1, 2), TIME)
SPACE = lrnr.ParameterSpace(k=(0.5, 3), a=(0.5, 1.5, "log"))

def decay(x, u, mu):
    return dde.grad.jacobian(u, x, i=0, j=1) + beside.ONE * mu[:, 0:1] * u

def make():
    ic = dde.icbc.IC(GEOMETRY, lambda x, mu: mu[:, 1:2], lambda _, on: on)
    problem = dde.data.TimePDE(GEOMETRY, decay, [ic], 20, 0, 4)
    return lrnr.data.ParametricPDE(problem, SPACE, 16)

data = make()
text = "no problem"

def broken():
    raise KeyError("no such thing")
"""
MU, GRID = "a=1.2, k=0.8", "4x3"
POINTS = np.stack(
    np.meshgrid(np.linspace(-1, 2, 4), np.linspace(0, 1, 3), indexing="ij"), -1
).reshape(-1, 2)


@pytest.fixture(scope="module", autouse=True)
def _process():
    """XLA compiles for seconds; a command may put folders before sys.path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compiled, "uses_xla", False)
        patch.setattr(sys, "path", list(sys.path))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command")
    (folder / "problem.py").write_text(PROBLEM)
    (folder / "beside.py").write_text("ONE = 1\n")
    (folder / "mus.csv").write_text("a, k\n1.2,0.8\n0.7,2.5\n\n1,1\n")
    return folder


@pytest.fixture(scope="module")
def problem(folder):
    return f"{folder / 'problem.py'}:make"


@pytest.fixture(scope="module")
def fast(folder, problem):
    data = import_problem(problem)
    net = lrnr.nn.HyperLRNR(
        [2, 8, 8, 1],
        "tanh",
        "Glorot normal",
        rank=2,
        bias_rank=1,
        parameter_space=data.parameter_space,
        hypernetwork=(8,),
    )
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=3, batch_size=4, display_every=10**9, verbose=0)
    model.save(folder / "model.npz")
    fast = model.reduce(points=24, method="eim", rank=2, num_parameters=12)
    fast.solve([1, 1])
    fast.save(folder / "fast.npz")
    return fast


@pytest.fixture
def run(folder, fast, tmp_path, capsys):
    """Runs a command; its exit code, and what it says."""

    def run(name, file, *arguments, out=tmp_path / "out.npz", **options):
        line = [name, str(folder / file), *arguments]
        if name != "info":
            line += ["--out", str(out)]
            options = {"grid": GRID, **options}
        for key, value in options.items():
            if value is not None:
                line += [f"--{key}", str(value)]
        try:
            code = command.main(line)
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        result = None
        if code == 0 and name != "info":
            with np.load(out, allow_pickle=False) as archive:
                result = dict(archive)
        return code, said.out, said.err, result

    return run


def test_info_says_what_a_fast_model_is(run):
    code, text, said, _ = run("info", "fast.npz")
    assert (code, said) == (0, "")
    for line in (
        "kind:.*fast model",
        "format:.*1",
        "versions:.*deepxde_lrnr .*tensorflow",
        "dtype:.*float32",
        r"parameter:.*k in \[0.5, 3\]",
        r"parameter:.*a in \[0.5, 1.5\] \(log\)",
        r"bounding box:.*\[-1, 2\] x \[0, 1\]",
        "network:.*2 - 8 - 8 - 1, ranks 2, 4 coefficients",
        "reduced:",
        r"layer 1:.*2 modes, 2 neurons, error .*\(derivatives\)",
        r"points:.*24 of pde, 16 of bcs\[0\] \(IC\)",
        "trial space:.*5 unknowns",
        "residual:.*derivatives up to order 1",
        r"to solve:.*ParametricPDE; dimension 2, IC/BC: bcs\[0\] \(IC\)",
    ):
        assert re.search(line, text), line


def test_info_says_what_a_model_is(run):
    code, text, _, _ = run("info", "model.npz")
    assert code == 0
    assert re.search("kind: +model", text) and "3 iterations" in text


@pytest.mark.parametrize("file", ["fast.npz", "model.npz"])
def test_predict_is_the_trained_networks_solution(run, fast, file):
    code, text, said, result = run("predict", file, mu=MU)
    assert code == 0 and "trained network" in text
    assert said.count("\n") == 1 and "note: u is the trained network's" in said
    assert result["u"].shape == (4, 3, 1)
    expected = fast.predict(POINTS, {"a": 1.2, "k": 0.8})
    np.testing.assert_allclose(
        result["u"].reshape(-1, 1), expected, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(result["axis_0"], np.linspace(-1, 2, 4))
    np.testing.assert_array_equal(result["axis_1"], np.linspace(0, 1, 3))
    assert result["mu"].tolist() == [0.8, 1.2]
    assert result["parameters"].tolist() == ["k", "a"]
    assert result["status"] == "trained network"


@pytest.mark.parametrize("name", ["make", "data"])
def test_solve_with_the_problem_is_the_fast_phase(run, fast, folder, name):
    file = folder / "problem.py"
    code, text, said, result = run("solve", "fast.npz", mu=MU, problem=f"{file}:{name}")
    assert (code, said) == (0, "")
    expected = fast.solve([0.8, 1.2])
    np.testing.assert_array_equal(result["u"].reshape(-1, 1), expected.predict(POINTS))
    assert result["status"] == expected.status and expected.status in text
    assert result["residual"] == expected.residual < result["initial_residual"]


def test_solve_without_the_problem_says_that_it_does_not(run):
    code, text, said, result = run("solve", "fast.npz", mu=MU)
    assert code == 0 and "note: u is the trained network's prediction" in said
    assert result["status"] == "trained network" and "trained network" in text
    assert "residual" not in result


def test_a_sweep_solves_every_line_of_the_table(run, fast, folder, problem):
    mus = folder / "mus.csv"
    code, _, said, result = run("sweep", "fast.npz", mus=mus, problem=problem)
    assert (code, said) == (0, "")
    assert result["mu"].tolist() == [[0.8, 1.2], [2.5, 0.7], [1, 1]]
    assert result["u"].shape == (3, 4, 3, 1)
    expected = fast.solve(result["mu"])
    # Batches of other sizes round otherwise.
    u = expected.predict(POINTS)
    np.testing.assert_allclose(result["u"].reshape(3, -1, 1), u, rtol=1e-12)
    np.testing.assert_allclose(result["residual"], expected.residual, rtol=1e-9)
    assert result["status"].tolist() == expected.status.tolist()
    code, _, said, result = run("sweep", "fast.npz", mus=mus)
    assert code == 0 and "trained network" in said
    assert result["status"].tolist() == ["trained network"] * 3


KEYS = {"u", "axis_0", "axis_1", "mu", "parameters", "status"}
SOLVED = {"residual", "initial_residual", "estimated_error", "steps", "method"}


def test_files_have_the_arrays_that_are_documented_and_no_others(run, folder, problem):
    mus = folder / "mus.csv"
    assert run("predict", "fast.npz", mu=MU)[3].keys() == KEYS
    assert run("sweep", "model.npz", mus=mus)[3].keys() == KEYS
    solved = run("solve", "fast.npz", mu=MU, problem=problem)[3]
    assert solved.keys() == KEYS | SOLVED
    swept = run("sweep", "fast.npz", mus=mus, problem=problem)[3]
    assert swept.keys() == KEYS | SOLVED


def test_solving_goes_on_until_a_tolerance_holds(run, fast, folder, problem):
    mus, tolerance = folder / "mus.csv", 1e-14
    options = {"problem": problem, "tolerance": tolerance}
    swept = run("sweep", "fast.npz", mus=mus, **options)[3]
    expected = fast.solve(swept["mu"], tolerance=tolerance)
    assert swept["method"].tolist() == expected.method.tolist()
    assert swept["status"].tolist() == expected.status.tolist()
    # An estimate that is rounding varies; but it was made.
    assert np.isfinite(swept["estimated_error"]).all()
    solved = run("solve", "fast.npz", mu=MU, **options)[3]
    assert np.isfinite(solved["estimated_error"]) and solved["method"] != ""


@pytest.mark.parametrize("text", ["0", "-1e-3", "nan", "little"])
def test_a_tolerance_is_a_positive_number(run, problem, text):
    line = [f"--tolerance={text}"]
    code, _, said, _ = run("solve", "fast.npz", *line, mu=MU, problem=problem)
    assert code == 2 and "not a number > 0" in said


def test_a_tolerance_needs_the_problem(run):
    code, _, said, _ = run("solve", "fast.npz", mu=MU, tolerance=1e-3)
    assert code == 2 and "--problem" in said


@pytest.mark.parametrize("with_problem", [True, False])
@pytest.mark.parametrize("suffix", ["npz", "zarr"])
def test_a_sweep_is_that_of_the_library_in_chunks(
    run, folder, problem, tmp_path, monkeypatch, with_problem, suffix
):
    """Whatever the chunks and the store: the same arrays."""
    if suffix == "zarr":
        zarr = pytest.importorskip("zarr")
    problem = problem if with_problem else None
    mus, out = folder / "mus.csv", tmp_path / f"all.{suffix}"
    *_, whole = run("sweep", "fast.npz", mus=mus, problem=problem)
    calls, rows = [], []
    original, write = lrnr.sweep, GridStore.write
    monkeypatch.setattr(
        sweeps, "sweep", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    monkeypatch.setattr(
        GridStore, "write", lambda *a: rows.append(len(a[2]["values"])) or write(*a)
    )
    # So that two mu at the 12 points fill a chunk.
    monkeypatch.setattr(stores, "_MAX_VALUES", 24)
    line = ["sweep", folder / "fast.npz", "--mus", mus, "--grid", GRID, "--out", out]
    line += ["--problem", problem] if with_problem else []
    assert command.main([str(part) for part in line]) == 0
    assert len(calls) == with_problem and rows == [2, 1]
    assert sorted(os.listdir(tmp_path)) == sorted(["out.npz", out.name])
    stored = np.load(out) if suffix == "npz" else zarr.open_group(out, mode="r")
    assert set(stored) == whole.keys()
    for name, array in whole.items():
        found = stored[name][:] if np.ndim(array) else stored[name][()]
        if array.dtype.kind == "f":
            np.testing.assert_allclose(found, array, rtol=1e-3, atol=1e-5)
        else:
            assert found.tolist() == array.tolist()
    if suffix == "zarr":
        assert stored["u"].chunks == (2, 4, 3, 1)
        assert command.main([str(part) for part in line]) == 1  # it is there


@pytest.mark.parametrize(
    "apart",
    [
        ["--mu", "a=1.2", "k=0.8"],
        ["--mu", "k=0.8", "a=1.2"],
        ["--mu", "a=1.2,", "k=0.8"],
        ["--mu=a=1.2", "k=0.8"],
        ["--mu", "a=1.2,k=0.8"],
    ],
)
def test_parameters_may_be_written_apart(folder, fast, tmp_path, apart):
    out, file = tmp_path / "out.npz", str(folder / "fast.npz")
    rest = ["--grid", GRID, "--out", str(out)]
    # Also before the file, which is no parameter.
    for line in ([file, *apart, *rest], [*apart, file, *rest], [*rest, *apart, file]):
        assert command.main(["predict", *line]) == 0
        with np.load(out) as result:
            assert result["mu"].tolist() == [0.8, 1.2]


def test_a_name_of_another_form_is_the_same_parameter(run, tmp_path):
    wide = "\N{FULLWIDTH LATIN SMALL LETTER A}"  # NFKC: a
    assert run("predict", "fast.npz", mu=f"{wide}=1,k=1")[3]["mu"].tolist() == [1, 1]
    (tmp_path / "mus.csv").write_text(f"{wide},k\n1,2\n", encoding="utf-8")
    *_, result = run("sweep", "fast.npz", mus=tmp_path / "mus.csv")
    assert result["mu"].tolist() == [[2, 1]]


def test_a_checkpoint_is_no_model(run, tmp_path, folder, problem):
    container.write(tmp_path / "c.npz", kinds.CHECKPOINT, {"settings": {}}, {})
    for name, options in (
        ("predict", {"mu": MU}),
        ("solve", {"mu": MU, "problem": problem}),
        ("sweep", {"mus": folder / "mus.csv"}),
    ):
        code, _, said, _ = run(name, tmp_path / "c.npz", **options)
        assert code == 1 and said.count("\n") == 1
        assert "c.npz holds a checkpoint of a meta phase, not a model" in said


def test_a_made_up_header_is_one_line(run, tmp_path):
    for header in ({}, {"dtype": "float32", "parameter_space": []}):
        container.write(tmp_path / "made_up.npz", kinds.MODEL, header, {})
        code, _, said, _ = run("predict", tmp_path / "made_up.npz", mu=MU)
        assert code == 1 and "made_up.npz is not well-formed" in said
        assert said.count("\n") == 1


def test_a_name_that_the_file_lacks_is_found_without_running_it(run, tmp_path):
    path = tmp_path / "harmful.py"
    path.write_text("import os\nos.mkdir('executed')\nmake = 3\n")
    code, _, said, _ = run("solve", "fast.npz", mu=MU, problem=f"{path}:maek")
    assert code == 2 and "harmful.py has no maek (it was not run)" in said
    assert not os.path.exists("executed")


DEFINED = [
    "data = 1",
    "data: int = 1",
    "first, (*data, last) = 1, 2, 3",
    "for data in range(3): pass",
    "for first, data in []: pass",
    "with open('x') as data: pass",
    "import data",
    "import data.inner",
    "import numpy as data",
    "from numpy import sin as data",
    "from numpy import *",
    "def data(): pass",
    "async def data(): pass",
    "class data: pass",
    "if (data := 3): pass",
    "[data := i for i in range(3)]",
    "def f():\n    global data\n    data = 1\nf()",
    "class A:\n    global data\n    data = 1",
    "try:\n    pass\nexcept OSError:\n    data = 1",
    "match [1, 2]:\n    case [1, data]: pass",
    "match [1, 2]:\n    case [1, *data]: pass",
    "match {}:\n    case {'a': 1, **data}: pass",
    "if True:\n    while True:\n        data = 1\n        break",
    "globals()['da' + 'ta'] = 1",
    "vars().update(data=1)",
    "exec('data = 1')",
    "def __getattr__(name): return 1",
    "import sys\nsetattr(sys.modules[__name__], 'data', 1)",
    "import sys\nsys.modules[__name__].data = 1",
]
LACKING = [
    "",
    "Data = 1",
    "print(data)",
    "def f(data):\n    data = 1\n    return data",
    "class A:\n    data = 1",
    "[data for data in range(3)]",
    "f = lambda data: data",
    "a.data = 1",
    "'data'",
    "import numpy.data as other",
    "from data import other",
]


@pytest.mark.parametrize("code", DEFINED)
def test_names_that_may_be_there_are_not_refused(code):
    assert may_define(code, "data")


@pytest.mark.parametrize("code", LACKING)
def test_names_that_cannot_be_there_are_known(code):
    assert not may_define(code, "data")


def test_mu_outside_the_box_is_a_warning(run):
    code, _, said, _ = run("predict", "fast.npz", mu="a=1,k=9")
    assert code == 0
    assert re.search("^warning: .*k.*9", said, re.MULTILINE)


def test_double_precision_is_set_by_the_file(folder, fast, run, tmp_path):
    dde.config.set_default_float("float64")
    space = fast.parameter_space
    net = lrnr.nn.HyperLRNR(
        [2, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=space
    )
    model = lrnr.Model(import_problem(f"{folder / 'problem.py'}:make"), net)
    model.save(tmp_path / "double.npz")
    expected = model.predict(POINTS, [0.8, 1.2])
    dde.config.set_default_float("float32")
    code, _, _, result = run("predict", tmp_path / "double.npz", mu=MU)
    assert code == 0 and result["u"].dtype == np.float64
    np.testing.assert_array_equal(result["u"].reshape(-1, 1), expected)


# Mistakes


@pytest.mark.parametrize(
    "options, message",
    [
        ({"mu": "a=1"}, "--mu lacks k"),
        ({"mu": "a=1,k=2,b=3"}, "--mu has unknown b"),
        ({"mu": "a=1,a=2,k=1"}, "--mu has a twice"),
        ({"mu": "a=1,k=x"}, "--mu has 'k=x'; it must be e.g. k=1.75,a=1"),
        ({"mu": "a=1,k=nan"}, "--mu.*k = nan, which is not finite"),
        ({"mu": "a=-1,k=1"}, "--mu.*a = -1.*positive"),
        ({"mu": ""}, "--mu has ''"),
        ({"grid": "4"}, "--grid is '4'; it must have 2 numbers"),
        ({"grid": "4x1"}, "--grid is '4x1'.*at least 2 each"),
        ({"grid": "4x-3"}, "--grid is '4x-3'; it must be e.g. 256x101"),
        ({"grid": None}, "required: --grid"),
        ({"mu": None}, "required: --mu"),
        ({"out": "missing/out.npz"}, "--out is missing/out.npz.* no folder"),
        ({"out": "out.zarr"}, "--out is out.zarr; one solution goes to an .npz file"),
        (
            {"problem": "problem.py"},
            "--problem is 'problem.py'; it must be module:name",
        ),
        ({"problem": "missing.py:data"}, "no file missing.py"),
        ({"problem": "{file}:missing"}, "problem.py has no missing"),
        ({"problem": "{file}:text"}, "is a str; it must be a ParametricPDE"),
    ],
)
def test_wrong_usage_has_exit_code_2_and_a_message(run, folder, options, message):
    options = {"mu": MU, **options}
    if "problem" in options:
        file = folder / "problem.py"
        options["problem"] = options["problem"].format(file=file)
    code, text, said, _ = run("solve", "fast.npz", **options)
    assert code == 2 and text == ""
    assert re.search(message, said) and "Traceback" not in said


def test_failures_have_exit_code_1_and_one_line(run, folder, tmp_path, problem):
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes((folder / "fast.npz").read_bytes()[:-100])
    foreign = tmp_path / "foreign.npz"
    np.savez(foreign, x=np.zeros(2))
    broken = f"{folder / 'problem.py'}:broken"
    for command_, file, options, message in (
        ("info", damaged, {}, "error: .*damaged.npz is truncated"),
        ("info", foreign, {}, "error: .*foreign.npz is not a file of"),
        ("info", "missing.npz", {}, "error: .*No such file.*missing.npz"),
        ("predict", damaged, {"mu": MU}, "damaged.npz is truncated"),
        ("solve", "model.npz", {"mu": MU, "problem": problem}, "holds a model, which"),
        (
            "solve",
            "fast.npz",
            {"mu": MU, "problem": broken},
            "broken: KeyError: 'no su",
        ),
        ("solve", "fast.npz", {"mu": MU, "problem": "no_module:x"}, "ModuleNotFound"),
    ):
        code, text, said, _ = run(command_, file, **options)
        assert code == 1 and text == ""
        assert said.count("\n") == 1 and re.search(message, said), said


@pytest.mark.parametrize(
    "table, message",
    [
        ("", "has the columns none; its first line must name the parameters: k, a"),
        ("k,a\n", "no mu below its header"),
        ("k,b\n1,2\n", "has the columns k, b"),
        ("k,a,k\n1,2,3\n", "has the columns k, a, k"),
        ("k,a\n1,1\n1\n", "line 3 has 1 values, not 2"),
        ("k,a\n1,x\n", "line 2, a is 'x'; it must be a finite number"),
        ("k,a\n1,1\nnan,1\n", "line 3, k is 'nan'"),
        ("k,a\n1,-1\n", "positive"),
        (None, "No such file"),
    ],
)
def test_tables_that_do_not_fit_are_refused(run, tmp_path, table, message):
    path = tmp_path / "table.csv"
    if table is not None:
        path.write_text(table)
    code, _, said, _ = run("sweep", "fast.npz", mus=path)
    assert code == 1 and re.search(f"table.csv.*{message}|{message}.*table.csv", said)
    assert said.count("\n") == 1


def test_a_failure_leaves_the_file_that_was_there(run, tmp_path, monkeypatch):
    out = tmp_path / "out.npz"
    out.write_bytes(b"before")
    monkeypatch.setattr(
        "os.replace", lambda *args: (_ for _ in ()).throw(OSError(28, ""))
    )
    code, _, said, _ = run("predict", "fast.npz", mu=MU, out=out)
    monkeypatch.undo()
    assert code == 1 and "unchanged" in said and out.read_bytes() == b"before"


def test_info_of_other_kinds_says_at_least_the_kind(run, tmp_path):
    container.write(tmp_path / "other.npz", "checkpoint", {}, {})
    code, text, _, _ = run("info", tmp_path / "other.npz")
    assert code == 0 and re.search("kind: +checkpoint", text)


@pytest.mark.slow
def test_it_runs_as_a_module(folder, fast, tmp_path):
    out = tmp_path / "out.npz"
    line = [sys.executable, "-m", "deepxde_lrnr", "predict", folder / "fast.npz"]
    line += ["--mu", MU, "--grid", GRID, "--out", out]
    ended = subprocess.run(line, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "status: trained network: 1" in ended.stdout
    np.testing.assert_allclose(
        np.load(out)["u"].reshape(-1, 1),
        fast.predict(POINTS, [0.8, 1.2]),
        rtol=1e-5,
        atol=1e-6,
    )
    line[3] = "info"
    assert (
        subprocess.run(line[:4] + [tmp_path / "no"], capture_output=True).returncode
        == 1
    )


@pytest.mark.skipif(os.name != "posix", reason="another kind of pipes")
def test_a_reader_may_have_seen_enough(folder):
    """``info file | head -3``: no word about a broken pipe."""
    reading, writing = os.pipe()
    os.close(reading)
    line = [sys.executable, "-m", "deepxde_lrnr", "info", folder / "fast.npz"]
    ended = subprocess.run(line, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert ended.returncode == 1 and ended.stderr == ""
