"""Reliability: damage is found, and what is interrupted goes on.

A reduced model is saved. Single bytes of the file are changed, at places spread over
all of it, and it is cut off at lengths spread over all of them; every such file is
loaded. None may be accepted.

A meta phase is killed at a random moment and run again. It must end with the weights
and the loss history of one that was not killed, to the bit.

Worker processes are killed in the middle of a sweep; its result must be that of one
machine all the same. Sweeps with one worker and with two are timed.

Every public function is called with values that its arguments must not have: of wrong
types and shapes, NaN, empty, huge, negative. It must raise an error that its
docstring lists and that names the argument.

One process solves ten thousand times. Its memory must not grow, and nothing may be
traced anew.

python benchmarks/reliability.py --json benchmarks/results/reliability.json
"""

import sys
import tempfile
from pathlib import Path

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
from _bad_inputs import ROWS as BAD_INPUTS
from _bad_inputs import bad_inputs
from _harness import results_of, run, table
from _kill_resume import trials
from _memory import ROWS as MEMORY
from _memory import memory_of_solves
from _sweep_reliability import ROWS as SWEEPS
from _sweep_reliability import sweep_reliability

# Number of files with a changed byte, and of those cut off; the second is for a test.
NUM_CHANGED, NUM_CUT = (2000, 20), (1000, 10)
# Number of trainings that are killed, and of their steps.
NUM_KILLED, NUM_STEPS = (20, 1), (600, 120)
# Number of bad inputs of each public function.
NUM_BAD = (300, 3)
# Numbers of solves of one mu, and of several.
NUM_SOLVES, NUM_MIXED = (10_000, 40), (2_000, 20)


def compute(quick: bool, names=None) -> dict:
    """Each group of keys comes from one function; they share nothing."""
    return results_of(GROUPS, quick, names)


def describe(results: dict) -> str:
    rows = [[text, results[key]] for key, text in ROWS.items() if key in results]
    return table(["", "measured"], rows)


def corrupt_files(quick: bool) -> dict:
    """Damaged files of a reduced model that ``load_fast`` accepts."""
    num_changed, num_cut = (n[quick] for n in (NUM_CHANGED, NUM_CUT))
    rng = np.random.default_rng(0)
    accepted = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fast.npz"
        _reduced_model().save(path)
        data = path.read_bytes()
        files = []
        for place in np.linspace(0, len(data) - 1, num_changed).astype(int):
            damaged = bytearray(data)
            damaged[place] ^= int(rng.integers(1, 256))
            files.append(bytes(damaged))
        lengths = np.linspace(0, len(data) - 1, num_cut).astype(int)
        files += [data[:length] for length in lengths]
        for damaged in files:
            path.write_bytes(damaged)
            try:
                lrnr.load_fast(path)
                accepted += 1
            except lrnr.FileFormatError:
                pass
        # The file itself is a good one: what is refused is refused for its damage.
        path.write_bytes(data)
        lrnr.load_fast(path)
    return {"corrupt_files_tried": len(files), "corrupt_files_accepted": accepted}


def _reduced_model():
    """A small reduced model with transforms; how well it is trained is no matter."""
    dde.config.set_random_seed(0)
    geom = dde.geometry.GeometryXTime(
        dde.geometry.Interval(0, 1), dde.geometry.TimeDomain(0, 1)
    )

    def pde(x, u, mu):
        u_xx = dde.grad.hessian(u, x, i=0, j=0)
        return dde.grad.jacobian(u, x, i=0, j=1) - mu[:, 0:1] * u_xx

    space = lrnr.ParameterSpace(nu=(0.1, 1, "log"))
    problem = dde.data.TimePDE(geom, pde, [], num_domain=64)
    data = lrnr.data.ParametricPDE(problem, space, num_parameters=16)
    net = lrnr.nn.HyperLRNR(
        [2, 16, 16, 1], "tanh", "Glorot normal", rank=4, parameter_space=space
    )
    net.apply_output_transform(
        lambda inputs, u: inputs[1][:, 0:1] * (1 - inputs[1][:, 0:1]) * u
    )
    model = lrnr.Model(data, net)
    model.compile("adam", lr=1e-3, verbose=0)
    model.train(iterations=10, batch_size=8, display_every=10**9, verbose=0)
    return model.reduce(points=64, rank=4, random_features=8, num_parameters=16)


def killed_trainings(quick: bool) -> dict:
    """Trainings that were killed, and how many end as the one that was not."""
    return trials(NUM_KILLED[quick], iterations=NUM_STEPS[quick])


def refused_inputs(quick: bool) -> dict:
    """Bad inputs of public functions, and those that are not refused as documented."""
    return bad_inputs(NUM_BAD[quick])


def consecutive_solves(quick: bool) -> dict:
    """Growth of memory over many solves, and functions traced meanwhile."""
    x = np.random.default_rng(0).uniform(0, 1, (50, 2))
    numbers = (NUM_SOLVES[quick], NUM_MIXED[quick])
    return memory_of_solves(_reduced_model(), x, *numbers)


# The sweeps first, in a process that has done nothing else.
GROUPS = (
    sweep_reliability,
    consecutive_solves,
    corrupt_files,
    refused_inputs,
    killed_trainings,
)
ROWS = {
    "corrupt_files_tried": "damaged files loaded",
    "corrupt_files_accepted": "damaged files accepted",
    "kill_resume_trials": "trainings killed and resumed",
    "kill_resume_identical": "of them, equal to the one not killed, to the bit",
    "kill_resume_most_steps_lost": "most steps lost",
    "kill_resume_interval": "steps between two checkpoints",
    **SWEEPS,
    **BAD_INPUTS,
    **MEMORY,
}


if __name__ == "__main__":
    run(sys.modules[__name__])
