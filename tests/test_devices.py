"""On two devices a training is the one on one device, up to rounding.

TensorFlow must be told of logical devices before it starts, hence other processes.
"""

import subprocess
import sys
import textwrap

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf

# The script's beginning: `model_for(strategy, ...)` and two devices.
SETUP = """
import sys
import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert two.num_replicas_in_sync == 2
SPACE = lrnr.ParameterSpace(a=(1, 3), b=(0.5, 2))
TIME = dde.geometry.GeometryXTime(
    dde.geometry.Interval(0, 2), dde.geometry.TimeDomain(0, 1)
)


def pde(x, u, mu):
    u_x = dde.grad.jacobian(u, x, i=0, j=0)
    return dde.grad.jacobian(u, x, i=0, j=1) + mu[:, 0:1] * u_x


def model_for(strategy, optimizer="adam", weights=None, **kwargs):
    dde.config.set_random_seed(0)
    bcs = [
        dde.icbc.IC(TIME, lambda x, mu: mu[:, 1:2] * x[:, :1], lambda _, on: on),
        dde.icbc.PeriodicBC(TIME, 0, lambda _, on: on),
        dde.icbc.PointSetBC(np.array([[0.5, 0.5]]), np.array([[1.0]])),
        # Its function gets the points as a NumPy array.
        dde.icbc.OperatorBC(TIME, lambda x, u, X: u - X[:, :1], lambda _, on: on),
    ]
    problem = dde.data.TimePDE(TIME, pde, bcs, 16, 8, 8, train_distribution="uniform")
    data = lrnr.data.ParametricPDE(problem, SPACE, 12)
    net = lrnr.nn.HyperLRNR(
        [2, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE,
        regularization={"orthogonality": 0.1, "sparsity": 0.1}, hypernetwork=(8,),
    )
    model = lrnr.Model(data, net, strategy=strategy)
    if callable(optimizer):
        with model.scope():
            optimizer = optimizer()
    lr = 1e-2 if isinstance(optimizer, str) else None
    decay = ("cosine", 20, 0.1) if lr else None
    model.compile(
        optimizer, lr=lr, decay=decay, loss_weights=[1, 10, 1, 2, 0.5, 3], verbose=0,
        **kwargs,
    )
    return model


def train(model, iterations=8, **kwargs):
    np.random.seed(1)  # The same batches.
    arguments = {"batch_size": (6, 10), "display_every": 4, "verbose": 0} | kwargs
    return model.train(iterations, **arguments)

"""


def run(script):
    script = SETUP + textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer, iterations",
    [
        ("'adam'", 8),
        # The norm of the whole gradient is clipped, not that of each share.
        ("lambda: tf.keras.optimizers.Adam(1e-2, global_clipnorm=0.05)", 8),
        # One step: in the null space of a gradient its basis is arbitrary, and decided
        # by rounding.
        ("lambda: lrnr.optimizers.SOAP(1e-2, epsilon=1e-3)", 1),
    ],
)
def test_two_devices_train_as_one_does(optimizer, iterations):
    run(
        f"""
        dde.config.set_default_float("float64")
        one, other = model_for(None, {optimizer}), model_for(two, {optimizer})
        start = one.net.get_weights()
        other.net.set_weights(start)
        train(one, {iterations})
        train(other, {iterations})
        change = [abs(a - b).max() for a, b in zip(start, one.net.get_weights())]
        assert max(change) > 5e-3
        for a, b in zip(one.net.get_weights(), other.net.get_weights()):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-8)
        for name in ("loss_train", "loss_test"):
            a, b = (np.array(getattr(m.losshistory, name)) for m in (one, other))
            np.testing.assert_allclose(a, b, rtol=1e-5)

        value = other.net.stack.W_in.value
        copies = other.strategy.experimental_local_results(value)
        assert [c.device[-5:] for c in copies] == ["CPU:0", "CPU:1"]
        np.testing.assert_array_equal(*[c.numpy() for c in copies])
        mu, x = SPACE.sample(3), np.array([[0.1, 0.2], [1.5, 0.8]])
        np.testing.assert_allclose(one.predict(x, mu), other.predict(x, mu), atol=1e-6)
        """
    )


@pytest.mark.slow
def test_all_that_belongs_to_a_training_works_on_two_devices():
    """Checkpoints, resampling, the whole batch, the reduction, and the watch."""
    run(
        """
        import tempfile
        path = tempfile.mkdtemp() + "/checkpoint"

        def script(iterations):
            model = model_for(two)
            callbacks = [
                dde.callbacks.PDEPointResampler(period=2),
                lrnr.callbacks.AdaptiveSampler(3, num_points=4),
                lrnr.callbacks.Checkpoint(path, every=3),
            ]
            train(model, iterations, callbacks=callbacks, batch_size=None)
            return model

        script(4)
        resumed = script(8)
        import os
        os.remove(path)
        unbroken = script(8)
        for a, b in zip(resumed.net.get_weights(), unbroken.net.get_weights()):
            np.testing.assert_array_equal(a, b)
        fast = resumed.reduce()
        assert np.isfinite(fast.solve([2, 1]).predict([[0.5, 0.5]])).all()

        class Spoil(dde.callbacks.Callback):
            def on_epoch_end(self):
                self.model.net.stack.b_out.assign([np.nan])

        before = resumed.net.get_weights()
        try:
            train(resumed, 4, callbacks=[Spoil()])
        except lrnr.DivergenceError:
            pass
        else:
            raise AssertionError
        assert all(np.isfinite(w).all() for w in resumed.net.get_weights())
        """
    )


@pytest.mark.slow
def test_what_does_not_fit_the_devices_is_named():
    run(
        """
        def message(function, *args, **kwargs):
            try:
                function(*args, **kwargs)
            except ValueError as error:
                return str(error)
            raise AssertionError("nothing raised")

        model = model_for(two)
        assert "7 mu, which 2 devices" in message(train, model, batch_size=7)
        assert "L-BFGS works on one device" in message(model.compile, "L-BFGS")
        outside = tf.keras.optimizers.Adam(1e-3)
        assert "optimizer has variables from outside" in message(model.compile, outside)
        speed = dde.Variable(1.0)
        assert "external_trainable_variables has" in message(
            model.compile, "adam", 1e-3, external_trainable_variables=speed
        )
        built = model_for(None)
        again = lrnr.Model(built.data, built.net, strategy=two)
        assert "net has variables from outside" in message(again.compile, "adam", 1e-3)
        """
    )


def compiled(strategy):
    dde.config.set_random_seed(0)
    line = dde.geometry.Interval(0, 2)
    space = lrnr.ParameterSpace(a=(1, 3))
    problem = dde.data.PDE(line, lambda x, u, mu: u - mu[:, 0:1] * x, [], 12, 2)
    net = lrnr.nn.HyperLRNR(
        [1, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=space
    )
    data = lrnr.data.ParametricPDE(problem, space, 4)
    model = lrnr.Model(data, net, strategy=strategy)
    model.compile("adam", lr=1e-2, verbose=0)
    return model


def test_one_device_of_a_strategy_trains_as_without():
    weights = []
    for strategy in (None, tf.distribute.MirroredStrategy(["CPU:0"])):
        model = compiled(strategy)
        model.train(5, batch_size=2, verbose=0)
        weights.append(model.net.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_a_strategy_is_one_of_tensorflow():
    with pytest.raises(TypeError, match="strategy is 'GPU'; it must be"):
        compiled("GPU")
