"""CaseOptimizer: every variable is trained by its own optimizer, as if that one were alone."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite import layers, quantizers  # noqa: E402
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


MORE = {
    "int8": "int8",
    "dorefa1": quantizers.DoReFa(1, "weights"),
    "dorefa2": quantizers.DoReFa(2, "weights"),
    "dorefa8": quantizers.DoReFa(8, "weights"),
    "activations1": quantizers.DoReFa(1, "activations"),
    "tern": "ste_tern",
    "heaviside": "ste_heaviside",
    "no_op": "no_op",
    "own_sign": lambda w: 0.3 * quantizers.ste_sign(w),
    "own_alpha": lambda w: keras.ops.mean(keras.ops.abs(w), axis=0) * quantizers.ste_sign(w),
    "own_steps": lambda w: keras.ops.round(w * 3) / 3,
    **{name: name for name in ("ste_sign", "approx_sign", "swish_sign", "annealed_sign", "magnitude_aware_sign",
                               "xnor_weight_scale", "layer_scaled_sign")},
}  # fmt: skip
SIGNS = {"dorefa1", "own_sign", "own_alpha"} | {name for name in MORE if name.endswith(("_sign", "_scale"))}


def test_only_quantizers_of_two_levels_of_opposite_sign_count_as_binary():
    stack = [layers.QuantDense(6, kernel_quantizer=value, name=name) for name, value in MORE.items()]
    model = keras.Sequential([keras.Input((6,)), *stack])
    kernels = [layer.kernel for layer in stack]
    for seed, kernel in enumerate(kernels):
        kernel.assign(draw(6, 6, seed=seed))
    assert binary_kernels(model).names == sorted(f"{name}/kernel" for name in SIGNS)
    ladder = np.linspace(-1.2, 1.2, 37, dtype=np.float32)[:, None]
    for name, value in MORE.items():  # what they say of themselves is what they give
        levels = np.unique(quantizers.get(value)(ladder))
        assert (name in SIGNS) == (len(levels) <= 2 and levels[0] == -levels[-1]), name
    kernels[list(MORE).index("no_op")].assign(np.where(draw(6, 6) < 0, -1, 1))
    assert "no_op/kernel" in binary_kernels(model).names


def test_a_half_of_a_separable_convolution_and_single_weights_are_looked_at_alone():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.QuantSeparableConv2D(
                4, 3, depthwise_quantizer="int8", pointwise_quantizer="ste_sign", name="separable"
            ),
            layers.QuantDepthwiseConv2D(1, depthwise_quantizer=lambda w: 1.0 * w, name="single"),
            layers.QuantDepthwiseConv2D(3, depthwise_quantizer="ste_sign", name="depthwise"),
        ]
    )
    assert binary_kernels(model).names == ["depthwise/kernel", "separable/pointwise_kernel"]


def test_int8_first_and_last_layers_go_on_learning_beside_bop():
    names = ("stem", "binary", "head")
    kinds = ("int8", "ste_sign", "int8")
    model = keras.Sequential(
        [
            keras.Input((5,)),
            *(layers.QuantDense(4, kernel_quantizer=k, name=n) for n, k in zip(names, kinds)),
        ]
    )
    model.get_layer("binary").kernel.assign(np.where(draw(4, 4) < 0, -1, 1))
    case = CaseOptimizer((binary_kernels(model), Bop(0.5, 0)), default=keras.optimizers.Adam(0.02))
    model.compile(case, "mse", run_eagerly=True, jit_compile=False)
    before = {name: np.abs(model.get_layer(name).kernel) for name in names}
    model.fit(draw(16, 5), draw(16, 4), batch_size=8, verbose=0)
    moved = {name: bool(np.any(np.abs(model.get_layer(name).kernel) != before[name])) for name in names}
    assert moved == {"stem": True, "binary": False, "head": True}


def test_a_float_layer_of_the_same_name_is_named():
    """Names of layers are unlike within a model, and not within the models that are nested in it."""
    one, two = network(), keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="binary")], name="two")
    image = keras.Input((5,))
    with pytest.raises(TrainingError, match=r"'two/binary/kernel' of model 'both' is not binary.*another name"):
        binary_kernels(keras.Model(image, two(one(image)), name="both"))
    assert binary_kernels(one).names == ["binary/kernel"]
