"""An interrupted meta phase goes on as if nothing had happened."""

import errno
import os
import random
import shutil
import sys
import time
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr.data.state import data_state, restore_data
from deepxde_lrnr.io import FileFormatError, container, tree

SPACE = lrnr.ParameterSpace(a=(1, 3), b=(0.5, 2))
LINE = dde.geometry.Interval(0, 2)
BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def pde(x, u, mu):
    return dde.grad.jacobian(u, x) + mu[:, 0:1] * u


def compiled(seed=0, space=SPACE, optimizer="adam", lr=1e-2, num_domain=24, **kwargs):
    """A model with all that draws at random."""
    dde.config.set_random_seed(seed)
    left = dde.icbc.DirichletBC(
        LINE, lambda x, mu: mu[:, 1:2], lambda x, on: on and np.isclose(x[0], 0)
    )
    problem = dde.data.PDE(LINE, pde, left, num_domain, 2, "pseudo", num_test=8)
    data = lrnr.data.ParametricPDE(problem, space, 13)
    net = lrnr.nn.HyperLRNR(
        [1, 8, 8, 1],
        "tanh",
        "Glorot normal",
        {"orthogonality": 1e-3},
        rank=2,
        parameter_space=space,
        hypernetwork=(8,),
    )
    model = lrnr.Model(data, net)
    model.compile(
        optimizer,
        lr=lr,
        decay=("cosine", 100, 0.1),
        loss_weights=[1, 10, 1],
        verbose=0,
        **kwargs,
    )
    return model


def train(model, *callbacks, iterations=20, **kwargs):
    arguments = {"batch_size": (4, 8), "display_every": 5, "verbose": 0} | kwargs
    return model.train(iterations=iterations, callbacks=callbacks, **arguments)


def checkpoint(folder, every=6):
    return lrnr.callbacks.Checkpoint(folder / "family.checkpoint", every=every)


def resamplers():
    return [
        dde.callbacks.PDEPointResampler(period=3),
        lrnr.callbacks.ParameterResampler(period=5),
        lrnr.callbacks.AdaptiveSampler(period=4, num_points=4, num_parameters=4),
    ]


class Interrupt(dde.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_batch_begin(self):
        if self.model.train_state.step == self.step:
            raise KeyboardInterrupt


class Nothing(Interrupt):
    def on_batch_begin(self):
        pass


Nothing.__name__ = "Interrupt"


def what_is_left(model):
    """All that two equal trainings have in common."""
    history, state = model.losshistory, model.train_state
    return {
        "steps": history.steps,
        "loss_train": history.loss_train,
        "loss_test": history.loss_test,
        "best_step": state.best_step,
        "best_loss_train": state.best_loss_train,
        "best_y": state.best_y,
        "y_pred_train": state.y_pred_train,
        "X_test": state.X_test[1],
        "mu_test": state.X_test[0],
        "train_mu": model.data.train_mu,
        "points": model.data.train_collocation.points,
        "draw": np.random.rand(3),
        **{f"weight {i}": w for i, w in enumerate(model.net.get_weights())},
        **{f"optimizer {i}": v.numpy() for i, v in enumerate(model.opt.variables)},
    }


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@pytest.mark.parametrize(
    "optimizer", ["adam", pytest.param("SOAP", marks=pytest.mark.slow)]
)
def test_resumed_training_is_the_unbroken_one_to_the_bit(tmp_path, optimizer):
    unbroken = compiled(optimizer=optimizer)
    train(unbroken, Nothing(15), *resamplers())
    expected = what_is_left(unbroken)

    broken = compiled(optimizer=optimizer)
    with pytest.raises(KeyboardInterrupt):
        # A checkpoint at 12 holds what the callbacks after it do at 12.
        train(broken, checkpoint(tmp_path), Interrupt(15), *resamplers())

    # Nothing of the script's own draws may remain.
    resumed = compiled(seed=1, optimizer=optimizer)
    train(resumed, checkpoint(tmp_path), Nothing(15), *resamplers())
    assert_same(what_is_left(resumed), expected)


def test_an_interrupted_model_itself_can_be_trained_on(tmp_path):
    """As in a notebook, where the cell of train() is run again."""
    unbroken = compiled()
    train(unbroken, Nothing(15), *resamplers())
    expected = what_is_left(unbroken)
    model = compiled()
    with pytest.raises(KeyboardInterrupt):
        train(model, checkpoint(tmp_path), Interrupt(15), *resamplers())
    train(model, checkpoint(tmp_path), Nothing(15), *resamplers())
    assert_same(what_is_left(model), expected)


def test_a_checkpoint_of_a_diverged_training_says_so(tmp_path):
    train(compiled(), checkpoint(tmp_path), iterations=2)
    path = tmp_path / "family.checkpoint"
    content = container.read_any(path)
    weights = next(a for a in content.arrays.values() if a.shape == (8, 2))
    weights[0, 0] = np.nan
    container.write(path, content.kind, content.header, content.arrays)
    with pytest.raises(FileFormatError, match="checkpoint of a training that diverged"):
        train(compiled(), checkpoint(tmp_path), iterations=2)


def test_without_the_file_an_interrupted_model_trains_from_where_it_is(tmp_path):
    model = compiled()
    with pytest.raises(KeyboardInterrupt):
        train(model, checkpoint(tmp_path), Interrupt(7))
    (tmp_path / "family.checkpoint").unlink()
    train(model, checkpoint(tmp_path), iterations=2)
    assert model.train_state.step == 9


def test_an_ended_training_is_not_repeated(tmp_path, capsys):
    first = compiled()
    train(first, checkpoint(tmp_path))
    expected = what_is_left(first)
    again = compiled(seed=1)
    again._train_step = None  # No step is taken.
    train(again, checkpoint(tmp_path), verbose=1)
    assert_same(what_is_left(again), expected)
    assert "Resumed at step 20 from" in capsys.readouterr().out
    assert again.predict([[0.5]], [2, 1]) == first.predict([[0.5]], [2, 1])


def test_more_iterations_go_on_from_the_end(tmp_path):
    train(compiled(), checkpoint(tmp_path), iterations=10)
    model = compiled()
    train(model, checkpoint(tmp_path))
    assert model.losshistory.steps == [0, 5, 10, 15, 20]
    assert model.opt.iterations.numpy() == 20


def test_fewer_iterations_than_done_are_refused(tmp_path):
    train(compiled(), checkpoint(tmp_path), iterations=10)
    with pytest.raises(ValueError, match="iterations is 5, but .* after 10 iterations"):
        train(compiled(), checkpoint(tmp_path), iterations=5)


def test_a_training_that_stopped_early_stays_stopped(tmp_path):
    model = compiled()
    train(model, dde.callbacks.EarlyStopping(min_delta=1e9), checkpoint(tmp_path))
    stopped = model.train_state.step
    assert stopped < 20
    again = compiled()
    train(again, dde.callbacks.EarlyStopping(min_delta=1e9), checkpoint(tmp_path))
    assert again.train_state.step == stopped


def test_two_trainings_each_with_its_own_file(tmp_path):
    def script(interrupt):
        model = compiled()
        train(model, lrnr.callbacks.Checkpoint(tmp_path / "first"), iterations=5)
        model.compile("adam", lr=1e-3, loss_weights=[1, 10, 1], verbose=0)
        second = lrnr.callbacks.Checkpoint(tmp_path / "second", every=3)
        train(model, second, interrupt, iterations=10)
        return model

    expected = what_is_left(script(Nothing(12)))
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(KeyboardInterrupt):
        script(Interrupt(12))
    assert_same(what_is_left(script(Nothing(12))), expected)


def test_external_variables_and_generators_are_restored(tmp_path):
    def script(value):
        speed = dde.Variable(value)
        model = compiled(external_trainable_variables=[speed])
        return model, speed

    model, speed = script(1.0)
    tf.random.set_global_generator(tf.random.Generator.from_seed(5))
    random.seed(7)
    train(model, checkpoint(tmp_path), iterations=6)
    speed_then = speed.numpy()
    expected = random.random(), float(tf.random.get_global_generator().uniform([]))
    model, speed = script(2.0)
    tf.random.get_global_generator().reset_from_seed(8)
    train(model, checkpoint(tmp_path), iterations=6)
    assert speed.numpy() == speed_then
    drawn = random.random(), float(tf.random.get_global_generator().uniform([]))
    assert drawn == expected


def test_state_of_callbacks_is_not_their_configuration(tmp_path):
    class Counter(dde.callbacks.Callback):
        def __init__(self, period):
            super().__init__()
            self.period = period
            self.count, self.names, self.compiled = 0, ["a", (1, None)], None
            self.last = {"loss": float("inf"), "at": np.float32(3)}

        def on_epoch_end(self):
            self.count += self.period
            self.compiled = pde

    first = Counter(2)
    train(compiled(), first, checkpoint(tmp_path), iterations=6)
    second = Counter(10)
    train(compiled(), second, checkpoint(tmp_path), iterations=8)
    assert (second.count, second.period) == (2 * 6 + 10 * 2, 10)
    assert second.names == ["a", (1, None)]
    assert second.last == {"loss": float("inf"), "at": 3}


def test_callbacks_begin_with_the_resumed_model_and_only_once(tmp_path):
    class Diary(dde.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.entries = []

        def on_train_begin(self):
            losses.append(np.sum(self.model.train_state.loss_train))
            self.entries.append("begin")

        def on_epoch_end(self):
            self.entries.append(int(self.model.train_state.step))

    losses = []
    first = compiled()
    train(first, Diary(), checkpoint(tmp_path), iterations=3)
    diary = Diary()
    train(compiled(seed=1), diary, checkpoint(tmp_path), iterations=4)
    assert losses[1] == np.sum(first.train_state.loss_train) != losses[0]
    # As if there had been one training.
    assert diary.entries == ["begin", 1, 2, 3, 4]


def test_the_time_between_two_runs_does_not_count(tmp_path):
    timer = dde.callbacks.Timer(10)
    train(compiled(), timer, checkpoint(tmp_path), iterations=6)
    elapsed = time.time() - timer.t_start
    later = dde.callbacks.Timer(10)
    with pytest.MonkeyPatch.context() as patch:
        now = time.time
        patch.setattr(time, "time", lambda: now() + 1e6)
        train(compiled(), later, checkpoint(tmp_path), iterations=8)
        assert time.time() - later.t_start < elapsed + 100


def test_points_of_a_cloud_are_drawn_on(tmp_path):
    cloud = dde.geometry.PointCloud(np.arange(12.0)[:, None])
    problem = dde.data.PDE(cloud, pde, [], 5, 0)
    data = lrnr.data.ParametricPDE(problem, SPACE, 6)
    before = data_state(data)
    generator = np.random.get_state()

    def draw():
        points = []
        for _ in range(4):
            data.resample_train_points()
            points.append(data.train_collocation.points)
        return points

    expected = draw()
    restore_data(data, before)
    np.random.set_state(generator)
    np.testing.assert_array_equal(draw(), expected)


# Errors


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path):
    """The weights of then are what a new run begins with."""
    callback = checkpoint(tmp_path)
    model = compiled()
    replace, calls = os.replace, []

    def full(*args):
        calls.append(args)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(OSError) as error:
            train(model, callback)
    assert error.value.errno == errno.ENOSPC
    message = str(error.value)
    assert "no checkpoint of step 12" in message and "No space left" in message
    assert "that of step 6 is still there" in message and callback.path in message
    assert [p.name for p in tmp_path.iterdir()] == ["family.checkpoint"]
    again = compiled(seed=1)
    train(again, checkpoint(tmp_path))
    assert again.losshistory.steps == [0, 5, 10, 15, 20]


def test_a_folder_that_is_not_there_is_named_before_the_first_step(tmp_path):
    model = compiled()
    with pytest.raises(FileNotFoundError, match="no checkpoint of step 0.*there is no"):
        train(model, lrnr.callbacks.Checkpoint(tmp_path / "missing" / "file"))
    assert model.train_state.step == 0


@pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX")
@pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_without_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError, match="no checkpoint of step 0"):
            train(compiled(), checkpoint(tmp_path))
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"lr": 1e-3}, "optimizer, learning_rate, .* was 0.01, and is 0.001"),
        (
            {"space": lrnr.ParameterSpace(a=(1, 4), b=(0.5, 2))},
            "parameter space, high was",
        ),
        ({"num_domain": 30}, "points of the problem, num_domain was 24, and is 30"),
    ],
)
def test_the_checkpoint_of_another_training_is_refused(one_checkpoint, change, message):
    with pytest.raises(ValueError, match=f"another training: {message}"):
        train(compiled(**change), one_checkpoint)


def test_other_arguments_of_train_are_refused(one_checkpoint):
    with pytest.raises(ValueError, match=r"batch_size was \[4, 8\], and is \[4, 9\]"):
        train(compiled(), one_checkpoint, batch_size=(4, 9))
    with pytest.raises(ValueError, match="callbacks was .*, and is .*Timer"):
        train(compiled(), one_checkpoint, dde.callbacks.Timer(1))


def test_a_second_training_needs_a_second_file(tmp_path):
    model = compiled()
    train(model, checkpoint(tmp_path), iterations=6)
    with pytest.raises(ValueError, match="train.. begins was 0, and is 6.*its own"):
        train(model, checkpoint(tmp_path), iterations=6)


def test_a_damaged_checkpoint_is_refused(one_checkpoint):
    data = bytearray(Path(one_checkpoint.path).read_bytes())
    data[len(data) // 2] ^= 1
    Path(one_checkpoint.path).write_bytes(data)
    model = compiled()
    with pytest.raises(FileFormatError, match="damaged"):
        train(model, one_checkpoint)
    assert model.train_state.step == 0


def test_there_is_one_checkpoint_in_a_training(tmp_path):
    with pytest.raises(ValueError, match="callbacks has 2 Checkpoints"):
        train(compiled(), checkpoint(tmp_path), checkpoint(tmp_path))


@pytest.mark.parametrize("every", [0, 2.5, "daily"])
def test_every_is_a_number_of_steps(every):
    with pytest.raises(ValueError, match=f"every is {every!r}; it must be"):
        lrnr.callbacks.Checkpoint("file", every=every)


def test_a_plain_model_cannot_be_resumed(tmp_path):
    problem = dde.data.PDE(
        dde.geometry.Interval(0, 1), lambda x, u: u - 1, [], num_domain=4
    )
    model = dde.Model(problem, dde.nn.FNN([1, 4, 1], "tanh", "Glorot normal"))
    model.compile("adam", lr=1e-3, verbose=0)
    with pytest.raises(TypeError, match="Checkpoint needs a deepxde_lrnr.Model"):
        model.train(iterations=1, callbacks=[checkpoint(tmp_path)], verbose=0)


@pytest.fixture(scope="module")
def _checkpoint_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoint")
    train(compiled(), checkpoint(folder), iterations=2)
    return folder / "family.checkpoint"


@pytest.fixture
def one_checkpoint(_checkpoint_file, tmp_path):
    shutil.copy(_checkpoint_file, tmp_path)
    return checkpoint(tmp_path)


# Values in a file


@pytest.mark.parametrize(
    "value",
    [
        None,
        [True, 1, 2**80, 0.1, -float("inf"), "text", []],
        (1, (2, [3, ()])),
        {"a": {"array": (), "": [None]}, "float": 1e-300},
        [np.float32(1.5), np.arange(3), np.zeros((2, 0)), np.array(2.5)],
        [np.ones(3, "f"), np.zeros(3, "f")],
        [np.ones(3, "f"), np.zeros(2, "f")],
        [[np.ones(2), np.ones(2)], []],
    ],
)
def test_values_come_back_as_they_were(value):
    def same(first, second):
        assert type(first) is type(second)
        if isinstance(first, dict):
            assert first.keys() == second.keys()
            first, second = list(first.values()), list(second.values())
        if isinstance(first, (list, tuple)):
            assert len(first) == len(second)
            for one, other in zip(first, second, strict=True):
                same(one, other)
        elif isinstance(first, np.ndarray):
            assert first.dtype == second.dtype
            np.testing.assert_array_equal(first, second)
        else:
            assert first == second

    same(tree.unpack(*tree.pack(value)), value)


@pytest.mark.parametrize("value", [print, {1: 2}, [object()], np.array(["a"])])
def test_other_values_are_refused(value):
    with pytest.raises(TypeError, match="cannot be written to a file"):
        tree.pack(value)


# A kill


@pytest.mark.alone
@pytest.mark.slow
def test_killed_trainings_end_as_the_others(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import _kill_resume

    found = _kill_resume.trials(2, seed=int(time.time()))
    assert found["kill_resume_identical"] == found["kill_resume_trials"] == 2, found
    assert found["kill_resume_most_steps_lost"] <= found["kill_resume_interval"], found
