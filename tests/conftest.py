"""What every test starts from: TensorFlow quiet, a fixed seed, DeepXDE's defaults."""

import os
import random
import sys
from pathlib import Path

# All of these are read when TensorFlow, Matplotlib and DeepXDE are imported. The
# backend is forced, so that a contributor's own choice does not matter here.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["MPLBACKEND"] = "Agg"
os.environ["DDE_BACKEND"] = "tensorflow"

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

# DeepXDE makes its initializers when it is imported, and each of them then draws a seed
# for good from Python's generator: seeded later, each run would have another FNN.
random.seed(0)

import deepxde as dde
import pytest


@pytest.fixture(autouse=True)
def _same_start_for_every_test():
    start_afresh()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    """A model trained for a whole module is the same whichever tests are selected."""
    if fixturedef.scope != "function":
        start_afresh()


def start_afresh():
    """Undoes what an earlier test set in DeepXDE, and seeds."""
    if dde.config.default_float() != "float32":
        dde.config.set_default_float("float32")
    # Keras takes the default float of the first layer for all that follow, unless they
    # name theirs. Setting it here makes that so in a single selected test as well.
    dde.backend.tf.keras.config.set_dtype_policy("float32")
    if dde.config.autodiff != "reverse":
        dde.config.set_default_autodiff("reverse")
    dde.config.set_random_seed(0)
