"""Networks of others with mu as further inputs: trained, reduced and solved."""

import deepxde_lrnr as lrnr
import deepxde as dde
import families
import numpy as np
import pytest
import tensorflow as tf
from deepxde_lrnr._tracing import Compiled
from deepxde_lrnr.cli.info import _sizes
from deepxde_lrnr.fast_phase.trial_space import TrialSpace
from deepxde_lrnr.io import container
from deepxde_lrnr.io.kinds import FAST_MODEL
from deepxde_lrnr.io.sizes import below
from deepxde_lrnr.nn import FastLRNR, Parametric
from deepxde_lrnr.offline import reduce_model
from deepxde_lrnr.offline.layers import as_layers
from deepxde_lrnr.taylor.jets import MultiIndices
from deepxde_lrnr.taylor.precision import Precision

SPACE = lrnr.ParameterSpace(k=(0.5, 2), a=(0.5, 1.5, "log"))
MU = np.array([[0.7, 0.6], [1.3, 1.0], [1.9, 1.4]])
TIME = dde.geometry.TimeDomain(0, 1)
T = np.linspace(0, 1, 21)[:, None]
GLOROT = "Glorot normal"


@pytest.fixture(autouse=True)
def _without_xla(monkeypatch):
    """It compiles for longer than anything here computes."""
    monkeypatch.setattr(Compiled, "uses_xla", False)


class Products(dde.nn.NN):
    """A network of one's own, of rows (mu, x)."""

    def __init__(self, outputs=1):
        super().__init__()
        self.of_mu = tf.keras.layers.Dense(8, "tanh")
        self.of_x = tf.keras.layers.Dense(8, "tanh")
        self.last = tf.keras.layers.Dense(outputs)

    def call(self, inputs, training=False):
        mu, x = inputs
        return self.last(self.of_mu(mu) * self.of_x(x))


def deeponet(strategy, sizes=(12, 12), outputs=2, kind=dde.nn.DeepONet, act="tanh"):
    branch, trunk = sizes
    return kind(
        [2, 10, branch], [1, 12, trunk], act, GLOROT, outputs, strategy, ["l2", 1e-6]
    )


# For one component and for two.
NETWORKS = {
    "FNN": lambda n: dde.nn.FNN([3, 12, 12, n], "tanh", GLOROT),
    "FNN of one layer": lambda n: dde.nn.FNN([3, 20, n], "sin", GLOROT),
    "FNN with dropout": lambda n: dde.nn.FNN(
        [3, 12, 12, n], "swish", GLOROT, dropout_rate=0.1
    ),
    "PFNN": lambda n: dde.nn.PFNN([3, 12, [9] * n, n], "tanh", GLOROT),
    "LRNR": lambda n: lrnr.nn.LRNR([3, 12, 12, n], "tanh", GLOROT),
    "DeepONet": lambda n: (
        deeponet(None, outputs=1) if n == 1 else deeponet("independent")
    ),
    "Cartesian": lambda n: deeponet(
        None if n == 1 else "split_both",
        outputs=n,
        kind=dde.nn.DeepONetCartesianProd,
        act={"branch": "relu", "trunk": "sin"},
    ),
}
FOR_SYSTEMS = NETWORKS | {
    "split branch": lambda n: deeponet("split_branch", (24, 12)),
    "split trunk": lambda n: deeponet("split_trunk", (12, 24)),
}


def growth(t, u, mu):
    return dde.grad.jacobian(u, t) - mu[:, 0:1] * u


def oscillator(t, y, mu):
    k = mu[:, 0:1]
    return [
        dde.grad.jacobian(y, t, i=0) - k * y[:, 1:],
        dde.grad.jacobian(y, t, i=1) + k * y[:, :1],
    ]


def on_initial(t, on):
    return on


def growth_data():
    ic = dde.icbc.IC(TIME, lambda t, mu: mu[:, 1:2], on_initial)
    return lrnr.data.ParametricPDE(dde.data.PDE(TIME, growth, ic, 32, 2), SPACE, 32)


def oscillator_data():
    ics = [
        dde.icbc.IC(TIME, lambda t: 0, on_initial, component=0),
        dde.icbc.IC(TIME, lambda t: 1, on_initial, component=1),
    ]
    problem = dde.data.PDE(TIME, oscillator, ics, 32, 2)
    return lrnr.data.ParametricPDE(problem, SPACE, 32)


def model_of(net, data=None, iterations=15, **compiled):
    model = lrnr.Model(data or growth_data(), net)
    model.compile("adam", lr=1e-2, verbose=0, **compiled)
    model.train(iterations=iterations, batch_size=8, verbose=0, display_every=1000)
    return model


def grown(mu=MU):
    return mu[:, 1:, None] * np.exp(mu[:, :1, None] * T)


def turned():
    angle = MU[:, :1, None] * T
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=2)


@pytest.fixture(scope="module")
def fnn():
    return model_of(Parametric(NETWORKS["FNN"](1), SPACE))


@pytest.fixture(scope="module")
def operator():
    return model_of(Parametric(NETWORKS["DeepONet"](1), SPACE))


@pytest.mark.parametrize("name", ["FNN", "DeepONet", "Cartesian"])
def test_a_linear_family_is_exact_after_the_solve(name):
    model = model_of(Parametric(NETWORKS[name](1), SPACE))
    assert model.predict(T, MU).shape == grown().shape
    fast = model.reduce(rank=9, random_features=32, verbose=0)
    solution = fast.solve(MU)
    np.testing.assert_allclose(solution.predict(T), grown(), rtol=1e-6)
    assert np.all(solution.error < 1e-5) and set(solution.status) == {"converged"}
    trained = np.abs(model.predict(T, MU) - grown()).max(axis=(1, 2))
    assert np.all(np.abs(solution.predict(T) - grown()).max(axis=(1, 2)) < trained)


@pytest.mark.parametrize(
    "name",
    [
        "DeepONet",
        "PFNN",
        "split branch",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("FNN of one layer", "FNN with dropout", "LRNR", "split trunk")
        ),
    ],
)
def test_a_system(name):
    model = model_of(Parametric(FOR_SYSTEMS[name](2), SPACE), oscillator_data())
    solution = model.reduce(rank=9, random_features=32, verbose=0).solve(MU)
    np.testing.assert_allclose(solution.predict(T), turned(), atol=1e-6)


def with_weights(name, outputs=2):
    """A Parametric with transforms, random weights and biases."""
    net = Parametric(FOR_SYSTEMS[name](outputs), SPACE)
    net.apply_feature_transform(lambda x, mu: tf.sin(x + mu[:, :1]))
    net.apply_output_transform(lambda inputs, y: inputs[0][:, 1:] + inputs[1] * y)
    net((MU.astype("f4"), np.repeat(T, 3, axis=0).astype("f4")))
    rng = np.random.default_rng(0)
    net.set_weights([0.5 * rng.standard_normal(w.shape) for w in net.get_weights()])
    return net


@pytest.mark.parametrize("name", FOR_SYSTEMS)
def test_the_layers_read_are_the_network_and_jets_are_those_of_autodiff(name):
    net = with_weights(name)
    copy = as_layers(net, T)
    rows = np.repeat(T, 3, axis=0)
    mu, x = tf.constant(MU, "float32"), tf.constant(rows, "float32")
    np.testing.assert_allclose(copy((mu, x)), net((mu, x)), rtol=2e-5, atol=2e-5)
    full = FastLRNR(copy)
    full._output_transform = None
    space, indices = TrialSpace(full, Precision(full)), MultiIndices([(3,)])
    found = space.at_points(indices, T[:4])(MU[:1])
    readouts = np.random.default_rng(1).standard_normal((1, space.size))
    expected = families.taylor_by_autodiff(
        lambda x: space.evaluate(MU[:1], x, readouts), T[:4], indices.indices
    )
    combined = readouts.reshape(2, -1) @ found
    np.testing.assert_allclose(combined, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", FOR_SYSTEMS)
def test_the_start_is_the_network_itself(name):
    net = with_weights(name)
    full = FastLRNR(as_layers(net, T))
    space = TrialSpace(full, Precision(full))
    starts = np.stack([space.start(m) for m in MU])
    rows = np.repeat(T, 3, axis=0)
    found = space.evaluate(MU, rows, starts)
    expected = net((MU.astype("f4"), rows.astype("f4")))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    values = space.solution_values(MU, starts)([space.features(T, m[None]) for m in MU])
    one = (MU[:, 1:, None] + T * np.swapaxes(values, 1, 2)).transpose(1, 0, 2)
    np.testing.assert_allclose(one.reshape(-1, 2), found, rtol=1e-12)


def test_functions_of_a_trunk_do_not_depend_on_mu(operator):
    space = operator.reduce(rank=6, verbose=0).space
    jets = space.at_points(MultiIndices([(1,)]), T)
    assert jets(MU[:1]) is jets(MU[1:2])
    assert np.abs(space.start(MU[0]) - space.start(MU[1])).max() > 1e-3


def test_all_hidden_states_are_never_worse_than_the_network(fnn):
    fast = fnn.reduce(rank=12, random_features=0, verbose=0)
    assert fast.space.size == 25
    mu = SPACE.sample(20, "pseudo")
    solution = fast.solve(mu)
    assert np.all(solution.residual <= solution.initial_residual)
    errors = [
        np.abs(u - grown(mu)).max(axis=(1, 2))
        for u in (solution.predict(T), fnn.predict(T, mu))
    ]
    assert np.all(errors[0] < 1e-3 * errors[1])


def test_few_neurons_of_each_layer_are_a_smaller_network(fnn):
    """The dial: no neuron that is not kept is computed."""
    fast = fnn.reduce(rank=5, verbose=0)
    assert fast.reduced.stack.widths == (5, 5) and fast.space.size == 11
    assert fast.reduced.stack.W[0].shape == (5, 5)
    report = fast.report()
    assert report.fast_flops < report.flops / 3
    assert "widths" not in repr(fast) and str(report).startswith("layer")
    solution = fast.solve(MU)
    assert np.all(solution.residual < 0.1 * solution.initial_residual)
    # The maps are fitted: what is left out is nearly made up for.
    near = fast.reduced((MU.astype("f4"), np.repeat(T, 3, axis=0).astype("f4")))
    far = fast.full((MU.astype("f4"), np.repeat(T, 3, axis=0).astype("f4")))
    assert np.abs(near - far).max() < 0.05 * np.abs(far).max()


@pytest.mark.parametrize("method", ["eim", "qdeim"])
def test_neurons_may_be_selected_as_the_paper_does(fnn, method):
    fast = fnn.reduce(method=method, rank=8, points=60, verbose=0)
    solution = fast.solve(MU)
    assert np.all(solution.residual < 0.1 * solution.initial_residual)


@pytest.mark.parametrize("name", ["FNN", "DeepONet", "split branch"])
def test_a_selection_of_neurons_is_read_by_its_maps(name):
    """The trial space starts as the network of these neurons, whatever the maps are."""
    layers = as_layers(with_weights(name), T)
    rng = np.random.default_rng(0)
    # Of a DeepONet, for each neuron of the branches and for its bias.
    needed = {"FNN": 2, "DeepONet": 2 + 2 * 21, "split branch": 2 + 2 * 11}[name]
    chosen = [np.array([0, 2, 5, 7]), np.array([1, 3, 11])]
    maps = [rng.standard_normal(shape) for shape in ((3, 4), (needed, 3))]
    fast = FastLRNR(layers, chosen, maps)
    space = TrialSpace(fast, Precision(fast))
    rows = np.repeat(T, 3, axis=0)
    expected = fast((MU.astype("f4"), rows.astype("f4")))
    found = space.evaluate(MU, rows, np.stack([space.start(m) for m in MU]))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    bad = [maps[0], maps[1][:-1]]
    with pytest.raises(ValueError, match=r"maps\[1\] has shape"):
        FastLRNR(layers, chosen, bad)


# What every model can do


@pytest.mark.parametrize("kind", ["fnn", "operator"])
def test_a_file_gives_the_same_bits(kind, request, tmp_path):
    model = request.getfixturevalue(kind)
    fast = model.reduce(rank=7, random_features=16, verbose=0)
    fast.build_basis(1e-3, verbose=0)
    path = fast.save(tmp_path / "fast.npz")
    again, alone = lrnr.load_fast(path, model.data), lrnr.load_fast(path)
    one, other = fast.solve(MU), again.solve(MU)
    assert np.array_equal(one.coefficients, other.coefficients)
    assert np.array_equal(one.predict(T), other.predict(T))
    assert np.array_equal(fast.predict(T, MU), alone.predict(T, MU))
    np.testing.assert_allclose(one.predict(T), grown(), rtol=1e-2)
    surrogate = lrnr.load_surrogate(path)
    np.testing.assert_allclose(surrogate.predict(T, MU), grown(), rtol=1e-2)
    assert "dense" in describe(path)


def describe(path):
    _, arrays = container.read(path, FAST_MODEL)
    return _sizes(below(arrays, "full"), SPACE)


def test_a_sweep(operator):
    fast = operator.reduce(rank=7, random_features=16, verbose=0)
    mu = SPACE.sample(9, "Halton").astype(float)
    values = lrnr.sweep(fast, mu, T, chunk_size=4).values
    np.testing.assert_allclose(values, grown(mu), rtol=1e-4)


def test_operators_and_a_residual_in_a_prediction(fnn):
    dt = 1e-3
    u, slope = (fnn.predict(T[:-1] + shift, MU) for shift in (0, dt))
    residual = fnn.predict(T[:-1], MU, growth)
    expected = (slope - u) / dt - MU[:, :1, None] * u
    np.testing.assert_allclose(residual, expected, atol=2e-2)


@pytest.mark.parametrize("kind", ["FNN", "DeepONet"])
def test_an_interrupted_training_goes_on_to_the_bit(kind, tmp_path):
    def train(iterations, path):
        dde.config.set_random_seed(3)
        model = lrnr.Model(growth_data(), Parametric(NETWORKS[kind](1), SPACE))
        model.compile("adam", lr=1e-2, verbose=0)
        callback = lrnr.callbacks.Checkpoint(tmp_path / path, every=5)
        model.train(
            iterations=iterations,
            batch_size=8,
            callbacks=[callback],
            verbose=0,
            display_every=1000,
        )
        return model.net.get_weights()

    whole = train(20, "whole")
    train(10, "parts")
    for one, other in zip(train(20, "parts"), whole, strict=True):
        assert np.array_equal(one, other)


def test_lbfgs_and_resampled_parameters():
    model = lrnr.Model(growth_data(), Parametric(NETWORKS["DeepONet"](1), SPACE))
    model.compile("adam", lr=1e-2, verbose=0)
    resampler = lrnr.callbacks.AdaptiveSampler(5)
    model.train(iterations=12, verbose=0, display_every=1000, callbacks=[resampler])
    before = model.train_state.loss_train.sum()
    dde.optimizers.set_LBFGS_options(maxiter=30)
    model.compile("L-BFGS", verbose=0)
    model.train(verbose=0, display_every=1000)
    dde.optimizers.set_LBFGS_options()
    assert model.train_state.loss_train.sum() < before


def test_double_precision_whatever_keras_has_taken():
    dde.nn.FNN([1, 2, 1], "tanh", GLOROT)(tf.zeros((1, 1)))
    dde.config.set_default_float("float64")
    for name in ("FNN", "DeepONet"):
        model = model_of(Parametric(NETWORKS[name](1), SPACE), growth_data(), 2)
        assert {str(w.dtype) for w in model.net.weights} == {"float64"}
        fast = model.reduce(rank=12, verbose=0)
        start = fast.space.start(MU[0])[None]
        found = fast.space.evaluate(MU[:1], T, start)
        np.testing.assert_allclose(found, model.predict(T, MU[0]), rtol=1e-9)


def test_the_network_gets_scaled_mu_beside_the_features():
    """As the same FNN, called by hand."""
    inner = NETWORKS["FNN"](1)
    net = Parametric(inner, SPACE)
    inputs = tf.constant(MU, "float32"), tf.constant(T[:3], "float32")
    rows = tf.concat([SPACE.scale(inputs[0]), inputs[1]], axis=1)
    np.testing.assert_array_equal(net(inputs), inner(rows))
    # Point-major rows: every point with every mu.
    many = tf.constant(np.repeat(T, 3, axis=0), "float32")
    whole = np.asarray(net((inputs[0], many))).reshape(-1, 3)
    for i in range(3):
        one = np.asarray(net((inputs[0][i : i + 1], tf.constant(T, "float32"))))
        np.testing.assert_allclose(whole[:, i], one[:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("strategy", ["independent", "split_both", None])
def test_a_deeponet_is_deepxdes_own(strategy):
    outputs = 1 if strategy is None else 2
    inner = deeponet(strategy, outputs=outputs)
    net = Parametric(inner, SPACE)
    mu, x = tf.constant(MU, "float32"), tf.constant(T[:3], "float32")
    found = net((mu, x))
    np.testing.assert_allclose(found, inner((SPACE.scale(mu), x)), rtol=1e-5, atol=1e-6)
    # Its bias, a weight here.
    net.bias.assign(net.bias + 1.0)
    np.testing.assert_allclose(net((mu, x)), found + 1, rtol=1e-5)
    assert any(w is net.bias for w in net.trainable_variables)


def test_layers_of_equal_shape_start_with_other_numbers():
    net = Parametric(dde.nn.FNN([3, 8, 8, 8, 1], "tanh", GLOROT), SPACE)
    net((MU.astype("f4"), T[:3].astype("f4")))
    one, other = (np.asarray(d.kernel) for d in net.net.denses[1:3])
    assert np.abs(one - other).max() > 0.1


def test_a_regularization_of_the_network_is_part_of_the_loss():
    plain = dde.nn.FNN([3, 8, 1], "tanh", GLOROT)
    held = dde.nn.FNN([3, 8, 1], "tanh", GLOROT, ["l2", 1e-2])
    few, more = (
        model_of(Parametric(net, SPACE), iterations=1) for net in (plain, held)
    )
    assert len(more.losshistory.loss_train[-1]) == 1 + len(
        few.losshistory.loss_train[-1]
    )
    assert more.reduce(rank=4, verbose=0).solve(MU).residual.shape == (3,)


def test_weights_are_kept_in_a_file_of_their_own(fnn, tmp_path):
    path = fnn.save(str(tmp_path / "weights"))
    other = lrnr.Model(growth_data(), Parametric(NETWORKS["FNN"](1), SPACE))
    other.compile("adam", lr=1e-3, verbose=0)
    other.restore(path)
    np.testing.assert_array_equal(other.predict(T, MU), fnn.predict(T, MU))
    solution = other.reduce(rank=9, random_features=32, verbose=0).solve(MU)
    np.testing.assert_allclose(solution.predict(T), grown(), rtol=1e-6)
    with pytest.raises(ValueError, match="save_path is .*does not end in .npz"):
        fnn.save(tmp_path / "model.npz")


# What a user may do wrong


def test_a_network_of_ones_own_is_trained_and_not_reduced():
    model = model_of(Parametric(Products(), SPACE), iterations=150)
    losses = [loss.sum() for loss in model.losshistory.loss_train]
    assert losses[-1] < losses[0]
    assert np.isfinite(model.predict(T, MU)).all()
    with pytest.raises(TypeError, match="Products, whose hidden states cannot be"):
        model.reduce()


def test_a_subclass_that_computes_something_else_is_not_reduced():
    class Squared(dde.nn.FNN):
        def call(self, inputs, training=False):
            return super().call(inputs) ** 2 + 1

    class Twice(dde.nn.FNN):
        def call(self, inputs, training=False):
            y = super().call(inputs)
            return tf.concat([y, y], axis=1)

    for kind in (Squared, Twice):
        net = Parametric(kind([3, 8, 1], "tanh", GLOROT), SPACE)
        net((MU.astype("f4"), T[:3].astype("f4")))
        with pytest.raises(TypeError, match=f"a {kind.__name__}, does not compute"):
            reduce_model(growth_data(), net)


def test_a_network_without_hidden_layer_is_not_reduced():
    model = model_of(Parametric(dde.nn.FNN([3, 1], "tanh", GLOROT), SPACE), None, 2)
    with pytest.raises(TypeError, match="without a hidden layer"):
        model.reduce()


def test_what_needs_low_rank_is_refused(fnn, operator):
    fast = fnn.reduce(rank=4, verbose=0)
    with pytest.raises(ValueError, match="solver is Adam, .* are dense"):
        fast.solve(MU, lrnr.fast_phase.Adam(2))
    for model in (fnn, fast, operator):
        with pytest.raises(ValueError, match="only a HyperLRNR has coefficients"):
            lrnr.plot.coefficients(model)
    with pytest.raises(ValueError, match="rank is 13, larger than the narrowest"):
        fnn.reduce(rank=13)


def test_too_few_points_are_named_and_no_solver_that_does_not_fit(fnn):
    with pytest.raises(ValueError, match="11 unknowns .* with a smaller rank.$"):
        fnn.reduce(rank=5, points=6, verbose=0).solve(MU)


def refused():
    feature = dde.nn.FNN([3, 4, 1], "tanh", GLOROT)
    feature.apply_feature_transform(lambda x: x)
    output = deeponet(None, outputs=1)
    output.apply_output_transform(lambda x, y: y)
    own_branch = dde.nn.DeepONet((2, Products()), [1, 8, 8], "tanh", GLOROT)
    return {
        "a function": (lambda mu, x: x, TypeError, "net is .*must be a dde.nn.NN"),
        "a HyperLRNR": (
            lrnr.nn.HyperLRNR([1, 4, 4, 1], "tanh", GLOROT, None, 2, SPACE),
            TypeError,
            r"takes \(mu, x\) already",
        ),
        "fixed points": (
            dde.nn.PODDeepONet(np.ones((5, 3)), [2, 3], "tanh", GLOROT),
            TypeError,
            "PODDeepONet, which takes all mu at the same points",
        ),
        "features": (feature, ValueError, "net has a transform .*apply_feature_tr"),
        "outputs": (output, ValueError, "net has a transform .*apply_output_tr"),
        "a branch of one's own": (own_branch, TypeError, "a branch of its own"),
        "widths": (
            deeponet(None, (8, 9), outputs=1),
            ValueError,
            "branch with 8 outputs .* trunk with 9",
        ),
        "an activation": (
            deeponet(None, outputs=1, act=lambda v: tf.tanh(2 * v)),
            ValueError,
            "in its branch; it must be one of 'elu'",
        ),
    }


@pytest.mark.parametrize("name", refused())
def test_networks_that_are_refused(name):
    net, error, message = refused()[name]
    with pytest.raises(error, match=message):
        Parametric(net, SPACE)


def test_other_mistakes():
    with pytest.raises(TypeError, match="parameter_space is None"):
        Parametric(NETWORKS["FNN"](1), None)
    inner = NETWORKS["FNN"](1)
    net = Parametric(inner, SPACE)
    inner.apply_output_transform(lambda x, y: x[:, 1:] * y)
    with pytest.raises(ValueError, match="net has a transform of its own"):
        model_of(net)

    class Flat(Products):
        def call(self, inputs, training=False):
            return super().call(inputs)[:, 0]

    with pytest.raises(ValueError, match=r"net, a Flat, returned shape \(32,\)"):
        Parametric(Flat(), SPACE)((np.zeros((32, 2), "f4"), np.zeros((32, 1), "f4")))
    used = dde.nn.FNN([3, 4, 1], "tanh", GLOROT)
    used(tf.zeros((1, 3)))
    dde.config.set_default_float("float64")
    with pytest.raises(ValueError, match="net has weights in float32"):
        Parametric(used, SPACE)
    dde.config.set_default_float("float32")
    untrained = Parametric(NETWORKS["FNN"](1), SPACE)
    with pytest.warns(UserWarning, match="no weights before its first call"):
        assert untrained.num_trainable_parameters() == 0
    with pytest.raises(RuntimeError, match="needs a trained model"):
        lrnr.Model(growth_data(), untrained).reduce()
    with pytest.raises(TypeError, match=r"net is a FNN; .*lrnr.nn.Parametric\(net"):
        lrnr.Model(growth_data(), NETWORKS["FNN"](1))
