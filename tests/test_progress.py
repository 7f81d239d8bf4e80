"""Progress bars: of the meta phase, beside DeepXDE's table, of reduction and sweeps."""

import io
import re
import sys
import time

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import pytest
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.fast_phase import LeastSquares
from deepxde_lrnr.offline import reduce

SPACE = lrnr.ParameterSpace(a=(1, 3))
LINE = dde.geometry.Interval(0, 2)


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def lines(self):
        """What is seen in the end: a carriage return goes back and overwrites."""
        screen = []
        for line in self.getvalue().split("\n"):
            seen = ""
            for part in line.split("\r"):
                seen = part + seen[len(part) :]
            screen.append(seen.rstrip())
        return screen


class Slow(dde.callbacks.Callback):
    """So that the bar, which is drawn at most ten times a second, is seen."""

    def on_batch_begin(self):
        time.sleep(0.12)


def train(*callbacks, plain=False, iterations=4, **kwargs):
    dde.config.set_random_seed(0)
    if plain:
        problem = dde.data.PDE(LINE, lambda x, u: u - 1, [], 12, 2)
        net = lrnr.nn.LRNR([1, 8, 8, 1], "tanh", "Glorot normal", rank=2)
        model = dde.Model(problem, net)
    else:
        problem = dde.data.PDE(LINE, lambda x, u, mu: u - mu, [], 12, 2)
        net = lrnr.nn.HyperLRNR(
            [1, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE
        )
        model = lrnr.Model(lrnr.data.ParametricPDE(problem, SPACE, 4), net)
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(
        iterations=iterations, display_every=2, callbacks=[Slow(), *callbacks], **kwargs
    )


def show_on_terminal(monkeypatch):
    """To be called in the test: pytest has a file of its own in each phase."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_a_terminal_shows_steps_losses_and_the_time_left(monkeypatch):
    # As much as 80 columns leave to 10000/20000 steps.
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setenv("LINES", "24")
    terminal = show_on_terminal(monkeypatch)
    train()
    number = r"\d\.\d+e[+-]\d+"
    bar = rf"3/4 \[\d+:\d+<\d+:\d+, loss {number}, test {number}\]"
    assert re.search(rf"Meta phase: .*{bar}", terminal.getvalue())
    assert terminal.lines() == [""]  # It is gone when it is done.


def test_the_table_stays_as_it_is(monkeypatch, capsys):
    train()
    expected = [line.rstrip() for line in capsys.readouterr().out.split("\n")]
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    train()
    seen = terminal.lines()
    assert terminal.getvalue().count("Meta phase") > 2

    def without_times(lines):
        return [line for line in lines if "took" not in line]

    assert without_times(seen) == without_times(expected)
    assert any(line.startswith("4  ") for line in seen)


def test_a_pipe_and_a_quiet_training_show_no_bar(monkeypatch):
    terminal = show_on_terminal(monkeypatch)
    train(verbose=0)
    assert terminal.getvalue() == ""
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    train(lrnr.callbacks.Progress())
    assert pipe.getvalue() == ""
    train(lrnr.callbacks.Progress(disable=False))
    assert "Meta phase" in pipe.getvalue()


def test_a_users_own_bar_is_the_only_one(monkeypatch):
    terminal = show_on_terminal(monkeypatch)
    train(lrnr.callbacks.Progress(disable=True))
    assert "Meta phase" not in terminal.getvalue()


def test_a_plain_model_has_a_bar_on_demand(monkeypatch):
    terminal = show_on_terminal(monkeypatch)
    train(plain=True)
    assert terminal.getvalue() == ""
    train(lrnr.callbacks.Progress(), plain=True)
    assert re.search(r"Meta phase: 3step", terminal.getvalue())


def test_a_resumed_training_begins_where_it_was(monkeypatch, tmp_path):
    terminal = show_on_terminal(monkeypatch)

    def checkpoint():
        return lrnr.callbacks.Checkpoint(tmp_path / "file")

    train(checkpoint())
    terminal.truncate(0)
    train(checkpoint(), iterations=8)
    steps = re.findall(r"(\d+)/8 \[", terminal.getvalue())
    assert steps[0] == "4" and steps[-1] == "8"


def test_no_bar_is_left_after_an_error(monkeypatch):
    terminal = show_on_terminal(monkeypatch)

    class Stop(dde.callbacks.Callback):
        def on_epoch_end(self):
            if self.model.train_state.step == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(Stop())
    assert "Meta phase" in terminal.getvalue()
    assert terminal.lines() == [""]


# Reduction, sweeps

TIME = dde.geometry.TimeDomain(0, 1)
SOLVER = LeastSquares(3)


@pytest.fixture
def _slow(monkeypatch):
    """Each layer takes long enough to be seen; XLA does not compile for seconds."""

    def slow(*args, **kwargs):
        time.sleep(0.12)
        return original(*args, **kwargs)

    original = reduce.reduce_layer
    monkeypatch.setattr(reduce, "reduce_layer", slow)
    monkeypatch.setattr(Compiled, "uses_xla", False)


def test_the_bar_of_a_reduction_has_sizes_and_residuals_and_goes(_slow, monkeypatch):
    terminal = show_on_terminal(monkeypatch)
    fast = families.decay(TIME, SPACE, method="fitted", points=None, rank=None)
    text = terminal.getvalue()
    assert re.search(r"Reduction: \d+size \[\d+:\d+", text)
    # The sizes that were tried, as in the report.
    size, ratio = re.search(r"(\d+) neurons: residual (\S+?)\]", text).groups()
    assert re.search(f"{size} neurons a layer: .*residual {ratio}", str(fast.report()))
    assert terminal.lines() == [""]


def test_the_bar_of_a_sweep_has_the_largest_residual(_slow, monkeypatch):
    fast = families.decay(TIME, SPACE)
    solve = fast.solve
    # The bar is not drawn more often than ten times a second.
    monkeypatch.setattr(fast, "solve", lambda *args: time.sleep(0.2) or solve(*args))
    terminal = show_on_terminal(monkeypatch)
    result = lrnr.sweep(fast, SPACE.sample(6, "Halton"), solver=SOLVER, chunk_size=3)
    text = terminal.getvalue()
    assert re.search(r"Sweep: +50%.* 3/6 \[\d+:\d+<\d+:\d+", text)
    assert f"largest residual {result.residual[:3].max():.2e}" in text
    last = [line for line in terminal.lines() if line][-1]
    assert "6/6" in last and f"largest residual {result.residual.max():.2e}" in last


def test_reduction_and_sweeps_are_quiet_in_a_pipe_and_when_told(_slow, monkeypatch):
    mus = SPACE.sample(6, "Halton")
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    lrnr.sweep(families.decay(TIME, SPACE), mus, solver=SOLVER, chunk_size=3)
    assert pipe.getvalue() == ""
    terminal = show_on_terminal(monkeypatch)
    fast = families.decay(TIME, SPACE, verbose=0)
    lrnr.sweep(fast, mus, solver=SOLVER, chunk_size=3, verbose=0)
    assert terminal.getvalue() == ""
