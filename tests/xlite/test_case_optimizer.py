"""CaseOptimizer: every variable is trained by its own optimizer, as if that one were alone."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite import layers  # noqa: E402
from xlite.optimizers import Bop, CaseOptimizer, binary_kernels  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402

pytestmark = pytest.mark.keras


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@keras.saving.register_keras_serializable(package="test_case")
def is_bias(variable):
    return variable.path.endswith("bias")


def network():
    stack = [
        keras.Input((5,)),
        layers.QuantDense(6, input_quantizer="ste_sign", kernel_quantizer="ste_sign", name="binary"),
        keras.layers.Dense(2, name="last"),
    ]
    model = keras.Sequential(stack)
    for seed, weight in enumerate(model.weights):
        weight.assign(draw(*weight.shape, seed=seed))
    model.layers[0].kernel.assign(np.where(draw(5, 6) < 0, -1, 1).astype(np.float32))
    return model


def test_each_variable_moves_as_under_its_own_optimizer_alone():
    values = {name: draw(4, 3, seed=i) for i, name in enumerate(("kernel", "bias", "other"))}
    gradients = draw(6, 3, 4, 3, seed=9)
    makers = {
        "kernel": lambda: keras.optimizers.Adam(0.1),
        "bias": lambda: keras.optimizers.SGD(0.3, momentum=0.9),
        "other": lambda: keras.optimizers.RMSprop(0.05),
    }
    together = [keras.Variable(value, name=name) for name, value in values.items()]
    case = CaseOptimizer(
        (lambda v: v.path.endswith("kernel"), makers["kernel"]()),
        (is_bias, makers["bias"]()),
        default=makers["other"](),
    )
    for step in gradients:
        case.apply([keras.ops.convert_to_tensor(g) for g in step], together)
    for index, (name, value) in enumerate(values.items()):
        alone, optimizer = keras.Variable(value), makers[name]()
        for step in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(step[index])], [alone])
        np.testing.assert_allclose(together[index], alone, rtol=1e-6)
    assert int(case.iterations) == 6


@pytest.mark.parametrize("run_eagerly", [True, False])
def test_bop_for_binary_kernels_and_adam_for_the_rest(run_eagerly):
    keras.utils.set_random_seed(1)
    model = network()
    case = CaseOptimizer((binary_kernels(model), Bop(0.5, 1e-4)), default=keras.optimizers.Adam(0.02))
    model.compile(case, "mse", run_eagerly=run_eagerly, jit_compile=False)
    before = [np.array(w) for w in model.get_weights()]
    history = model.fit(draw(64, 5), draw(64, 2), epochs=6, verbose=0).history["loss"]
    assert history[-1] < history[0]
    after = model.get_weights()
    assert set(np.unique(after[0])) == {-1.0, 1.0}
    assert all(np.any(a != b) for a, b in zip(before, after))


def test_the_learning_rate_is_the_defaults():
    case = CaseOptimizer((is_bias, "sgd"), default=keras.optimizers.Adam(0.02))
    assert float(case.learning_rate) == pytest.approx(0.02)
    case.learning_rate = 0.5
    assert float(case.optimizers[-1].learning_rate) == 0.5
    assert float(case.optimizers[0].learning_rate) == pytest.approx(0.01)


def test_a_saved_model_goes_on_where_it_stopped(tmp_path):
    x, y = draw(32, 5), draw(32, 2)

    def fresh():
        keras.utils.set_random_seed(1)
        model = network()
        case = CaseOptimizer((binary_kernels(model), Bop(0.2, 1e-3)), (is_bias, "sgd"), default="adam")
        model.compile(case, "mse", jit_compile=False)
        return model

    through = fresh()
    through.fit(x, y, epochs=4, shuffle=False, verbose=0)
    model = fresh()
    model.fit(x, y, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [type(o).__name__ for o in loaded.optimizer.optimizers] == ["Bop", "SGD", "Adam"]
    loaded.fit(x, y, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(loaded.get_weights(), through.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(TrainingError, match="pairs"):
        CaseOptimizer(Bop(), default="adam")
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name="plain")
    with pytest.raises(TrainingError, match="'plain' has no layer with a kernel quantizer"):
        binary_kernels(plain)


def test_a_float_layer_of_the_same_name_is_named():
    """Names of layers are unlike within a model, and not within the models that are nested in it."""
    one, two = network(), keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="binary")], name="two")
    image = keras.Input((5,))
    with pytest.raises(TrainingError, match=r"'two/binary/kernel' of model 'both' is float.*another name"):
        binary_kernels(keras.Model(image, two(one(image)), name="both"))
    assert binary_kernels(one).names == ["binary/kernel"]
