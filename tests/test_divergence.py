"""A training that diverges stops, says where, and leaves finite weights."""

import deepxde_lrnr as lrnr
import deepxde as dde
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._deepxde import iterations
from deepxde_lrnr.training import divergence

SPACE = lrnr.ParameterSpace(a=(0, 1), b=(1, 2))
LINE = dde.geometry.Interval(0, 2)
LEFT = "bcs[0] (DirichletBC)"


def decay(x, u, mu):
    return dde.grad.jacobian(u, x) + mu[:, 0:1] * u


def compiled(pde=decay, value=lambda x, mu: mu[:, 1:2], optimizer="adam", **kwargs):
    dde.config.set_random_seed(0)
    conditions = []
    if value is not None:
        left = dde.icbc.DirichletBC(LINE, value, lambda x, on: on and x[0] < 1)
        conditions = [left]
    problem = dde.data.PDE(LINE, pde, conditions, 12, 2)
    data = lrnr.data.ParametricPDE(problem, SPACE, 16, num_test=4)
    net = lrnr.nn.HyperLRNR(
        [1, 8, 8, 1], "tanh", "Glorot normal", rank=2, parameter_space=SPACE, **kwargs
    )
    model = lrnr.Model(data, net)
    lr = None if optimizer == "L-BFGS" else 1e-2
    model.compile(optimizer, lr=lr, verbose=0)
    # That would call the functions of the problem, whose calls are counted here.
    model._is_examined = True
    return model


def train(model, iterations=20, **kwargs):
    arguments = {"batch_size": (8, 4), "display_every": 1000, "verbose": 0} | kwargs
    return model.train(iterations=iterations, **arguments)


def without_value_from(step, calls):
    """A value function that is NaN for a > 1/2 in the batches from ``step`` on."""

    def value(x, mu):
        calls.append(mu)
        values = mu[:, 1:2].copy()
        # Before the first step DeepXDE takes a batch, and the points of the test.
        if len(calls) >= step + 2:
            values[mu[:, 0] > 0.5] = np.nan
        return values

    return value


def are_finite(model):
    return all(np.isfinite(w).all() for w in model.net.get_weights())


@pytest.mark.parametrize("bytes_kept", [0, 2**26])
def test_step_loss_and_mu_are_named_and_the_weights_are_those_before(
    monkeypatch, bytes_kept
):
    monkeypatch.setattr(divergence, "_BYTES", bytes_kept)
    before = compiled()
    train(before, iterations=12)
    calls = []
    model = compiled(value=without_value_from(13, calls))
    with pytest.raises(lrnr.DivergenceError) as caught:
        train(model)
    error = caught.value
    assert error.step == 13
    assert error.losses == [LEFT]
    batch = calls[13 + 1]
    np.testing.assert_array_equal(error.mu, batch[batch[:, 0] > 0.5])
    first = error.mu[0]
    message = str(error)
    assert f"diverged at step 13: the loss of {LEFT} is not finite" in message
    assert f"a = {first[0]:.6g}, b = {first[1]:.6g}" in message
    assert "back at its weights after step 12" in message
    for ours, theirs in zip(
        model.net.get_weights(), before.net.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert model.train_state.step == iterations(model.train_state) == 12
    assert model.opt.iterations.numpy() == 12
    assert model.losshistory.steps == [0]


def test_the_model_remains_usable():
    model = compiled(value=without_value_from(5, []))
    with pytest.raises(lrnr.DivergenceError):
        train(model)
    assert np.isfinite(model.reduce().solve([0.2, 1.5]).predict([[0.5]])).all()
    with pytest.raises(lrnr.DivergenceError, match="at step 4: "):
        train(model)  # At once, since the batch before the first step has no value.


def test_a_gradient_without_a_value_is_found():
    """The root of 0 is 0, but its derivative infinite; times 0 that is NaN."""

    def root(x, u, mu):
        return [u, 1 + tf.sqrt(tf.nn.relu(mu[:, 0:1] - 0.5) * tf.square(u))]

    model = compiled(root, value=None)
    start = None

    class Start(dde.callbacks.Callback):
        def on_train_begin(self):
            nonlocal start
            start = self.model.net.get_weights()

    with pytest.raises(lrnr.DivergenceError) as caught:
        train(model, callbacks=[Start()])
    assert caught.value.step == 1
    assert caught.value.losses == ["pde[1]"]
    assert len(caught.value.mu) and np.all(caught.value.mu[:, 0] <= 0.5)
    assert "the gradient of the loss of pde[1]" in str(caught.value)
    for ours, theirs in zip(model.net.get_weights(), start, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_before_the_first_step():
    def pde(x, u, mu):
        return u + tf.math.log(mu[:, 0:1] - 0.5)

    model = compiled(pde, regularization={"orthogonality": 1e-3})
    with pytest.raises(lrnr.DivergenceError, match="step 0: the loss of pde") as caught:
        train(model)
    assert np.all(caught.value.mu[:, 0] <= 0.5)
    assert model.losshistory.steps == []


def test_a_loss_of_the_test_counts_too():
    def value(x, mu):
        calls.append(mu)
        return np.full((len(x), 1), np.inf if len(calls) == 2 else 1)

    calls = []
    model = compiled(value=value)
    with pytest.raises(lrnr.DivergenceError, match=r"4 mu of the test") as caught:
        train(model)
    np.testing.assert_array_equal(caught.value.mu, model.data.test_mu)


def test_weights_that_someone_else_spoiled_are_restored():
    class Spoil(dde.callbacks.Callback):
        def on_epoch_end(self):
            if self.model.train_state.step == 7:
                self.model.net.stack.b_out.assign([np.nan])

    model = compiled()
    with pytest.raises(lrnr.DivergenceError) as caught:
        train(model, callbacks=[Spoil()])
    # The steps themselves are good, and repeated; what followed them is not.
    assert are_finite(model)
    assert caught.value.step >= 7


def test_no_checkpoint_of_a_diverged_training(tmp_path):
    path = tmp_path / "checkpoint"
    model = compiled(value=without_value_from(5, []))
    with pytest.raises(lrnr.DivergenceError, match="step 5"):
        train(model, callbacks=[lrnr.callbacks.Checkpoint(path, every=3)])
    again = compiled()
    train(again, callbacks=[lrnr.callbacks.Checkpoint(path, every=3)])
    assert again.losshistory.steps == [0, 20]
    assert are_finite(again)


def test_lbfgs_that_diverges_leaves_the_weights_of_before():
    model = compiled(optimizer="L-BFGS")
    start = model.net.get_weights()
    step = model.train_step

    def spoiled(*args):
        result = step(*args)
        model.net.stack.b_out.assign([np.nan])
        return result

    model.train_step = spoiled
    old = dict(dde.optimizers.LBFGS_options)
    dde.optimizers.set_LBFGS_options(maxiter=3)
    try:
        with pytest.raises(lrnr.DivergenceError, match="weights are not finite at"):
            train(model, iterations=None)
    finally:
        dde.optimizers.config.LBFGS_options.update(old)
    for ours, theirs in zip(model.net.get_weights(), start, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_training_does_not_start_from_nan():
    model = compiled()
    model.net.stack.b_out.assign([np.nan])
    with pytest.raises(lrnr.DivergenceError, match="even before training"):
        train(model)
