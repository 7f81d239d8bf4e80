"""A meta phase that is killed at a random moment, resumed, and compared.

``trials`` runs this file as a script: the same one before and after each kill, as a
user would. The problem is tiny, and has what a state can forget: IC, loss weights,
regularization, decay of the learning rate, batches, resampled points and mu.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ITERATIONS, EVERY = 600, 20
_SECONDS = 600  # A process that takes longer has failed.


def trials(
    count: int, seed: int = 0, workers: int = 2, iterations: int = ITERATIONS
) -> dict:
    """Kills ``count`` trainings by SIGKILL, runs each again, and compares.

    Args:
        count: Number of trials.
        seed: Of the moments at which the trainings are killed.
        workers: Number of trials at once.
        iterations: Number of steps of each training.

    Returns:
        ``kill_resume_trials`` and ``kill_resume_identical``, the numbers of trials and
        of those that end with the weights and the history of the training that was not
        killed, to the bit; ``kill_resume_most_steps_lost``, to compare with
        ``kill_resume_interval``, the steps between two checkpoints; and
        ``kill_resume_steps``, at which they were killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        start = time.monotonic()
        unbroken = _start(folder / "unbroken", iterations)
        _wait_for_second_checkpoint(unbroken, folder / "unbroken")
        start = time.monotonic()
        _finish(unbroken)
        seconds = time.monotonic() - start
        expected = _result(folder / "unbroken")

        moments = [random.Random(seed + i).uniform(0, seconds) for i in range(count)]
        with ThreadPoolExecutor(workers) as pool:
            outcomes = list(
                pool.map(
                    lambda i: _trial(folder / str(i), iterations, moments[i], expected),
                    range(count),
                )
            )
    return {
        "kill_resume_trials": count,
        "kill_resume_identical": sum(identical for identical, _, _ in outcomes),
        "kill_resume_most_steps_lost": max(lost for _, lost, _ in outcomes),
        "kill_resume_interval": EVERY,
        "kill_resume_steps": [step for _, _, step in outcomes],
    }


def _trial(
    folder: Path, iterations: int, moment: float, expected
) -> tuple[bool, int, int]:
    """One kill; whether the end is the same, the steps lost, the step of the kill."""
    while True:
        process = _start(folder, iterations)
        _wait_for_second_checkpoint(process, folder)
        time.sleep(moment)
        process.kill()
        process.wait(_SECONDS)
        if not (folder / "result.npz").exists():
            break
        # It was faster than that this time: again, with an earlier moment.
        moment /= 2
        for file in folder.iterdir():
            file.unlink()
    killed_at = int((folder / "step").read_text())
    _finish(_start(folder, iterations))
    resumed_at = int((folder / "began").read_text())
    result = _result(folder)
    identical = sorted(result) == sorted(expected) and all(
        result[name].dtype == expected[name].dtype
        and np.array_equal(result[name], expected[name])
        for name in expected
    )
    return identical, killed_at - resumed_at, killed_at


def _start(folder: Path, iterations: int) -> subprocess.Popen:
    folder.mkdir(exist_ok=True)
    root = Path(__file__).resolve().parent.parent
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    with open(folder / "output", "a") as output:
        return subprocess.Popen(
            [sys.executable, __file__, folder, str(iterations)],
            env={**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=output,
            stderr=output,
        )


def _finish(process: subprocess.Popen) -> None:
    if process.wait(_SECONDS) != 0:
        folder = Path(process.args[-2])
        raise RuntimeError(f"The training failed: {(folder / 'output').read_text()}")


def _wait_for_second_checkpoint(process: subprocess.Popen, folder: Path) -> None:
    """The first one is of step 0, before TensorFlow has compiled the step."""
    file, end = folder / "checkpoint", time.monotonic() + _SECONDS
    first = None
    while process.poll() is None and time.monotonic() < end:
        if file.exists():
            inode = file.stat().st_ino
            first = first or inode
            if inode != first:
                return
        time.sleep(0.002)
    _finish(process)


def _result(folder: Path) -> dict:
    with np.load(folder / "result.npz") as file:
        return dict(file)


def _train(folder: Path, iterations: int) -> None:
    import deepxde_lrnr as lrnr
    import deepxde as dde

    first_steps = []  # Not an attribute, which a checkpoint would restore.

    class Record(dde.callbacks.Callback):
        """Says how far it is, and where this process began."""

        def on_batch_begin(self):
            if not first_steps:
                first_steps.append(self.model.train_state.step)
                (folder / "began").write_text(str(first_steps[0]))

        def on_epoch_end(self):
            temporary = folder / "step.tmp"
            temporary.write_text(str(self.model.train_state.step))
            temporary.replace(folder / "step")

    dde.config.set_random_seed(0)
    line = dde.geometry.Interval(0, 2)
    time_line = dde.geometry.GeometryXTime(line, dde.geometry.TimeDomain(0, 1))

    def pde(x, u, mu):
        u_t = dde.grad.jacobian(u, x, i=0, j=1)
        return u_t + mu[:, 0:1] * dde.grad.jacobian(u, x, i=0, j=0)

    ic = dde.icbc.IC(
        time_line, lambda x, mu: mu[:, 1:2] * np.sin(x[:, 0:1]), lambda _, on: on
    )
    problem = dde.data.TimePDE(
        time_line, pde, ic, 48, 0, 16, train_distribution="pseudo", num_test=20
    )
    space = lrnr.ParameterSpace(a=(1, 3), b=(0.5, 2))
    data = lrnr.data.ParametricPDE(problem, space, 24)
    net = lrnr.nn.HyperLRNR(
        [2, 12, 12, 1],
        "tanh",
        "Glorot normal",
        {"orthogonality": 1e-3, "sparsity": 1e-3},
        rank=3,
        parameter_space=space,
        hypernetwork=(16,),
    )
    model = lrnr.Model(data, net)
    decay = ("cosine", iterations, 0.01)
    model.compile("adam", lr=3e-3, decay=decay, loss_weights=[1, 10, 1])
    history, state = model.train(
        iterations=iterations,
        batch_size=(5, 16),
        display_every=30,
        callbacks=[
            lrnr.callbacks.Checkpoint(folder / "checkpoint", every=EVERY),
            dde.callbacks.PDEPointResampler(period=7, bc_points=True),
            lrnr.callbacks.ParameterResampler(period=11),
            Record(),
        ],
    )
    temporary = folder / "result.tmp.npz"
    np.savez(
        temporary,
        *model.net.get_weights(),
        steps=history.steps,
        loss_train=history.loss_train,
        loss_test=history.loss_test,
        best_step=state.best_step,
        generator=np.random.get_state()[1],
    )
    temporary.replace(folder / "result.npz")


if __name__ == "__main__":
    _train(Path(sys.argv[1]), int(sys.argv[2]))
