"""The newer quantizers against their closed forms: exact levels, published gradients, round trips, and that what
packs gives what Keras gives."""

from __future__ import annotations

import json

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from xlite import layers, quantizers  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402

pytestmark = pytest.mark.keras

SHAPES = [(9,), (37, 5), (3, 3, 4, 2)]


def draw(*shape, seed=0):
    x = np.random.default_rng(seed).normal(0, 0.7, shape).astype(np.float32)
    edges = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5], np.float32)[: x.size]
    x.flat[: len(edges)] = edges
    return x


def sign(x):
    return np.where(x < 0, np.float32(-1), np.float32(1))


def gradient(function, x, upstream, compiled=False):
    """(outputs, ``d sum(function(x) * upstream) / d x``) from TensorFlow."""
    tf = pytest.importorskip("tensorflow")

    def run(value):
        with tf.GradientTape() as tape:
            tape.watch(value)
            outputs = function(value)
        return outputs, tape.gradient(outputs, value, output_gradients=tf.constant(upstream))

    outputs, slope = (tf.function(run) if compiled else run)(tf.constant(x))
    return outputs.numpy(), slope.numpy()


def swish_slope(x, beta):
    """The derivative of 2 s(b) (1 + b (1 - s(b))) - 1, s the logistic function, b = beta x, by small
    differences."""

    def forward(x):
        b = beta * x
        s = 1 / (1 + np.exp(-b))
        return 2 * s * (1 + b * (1 - s)) - 1

    x = x.astype(np.float64)
    return (forward(x + 1e-6) - forward(x - 1e-6)) / 2e-6


def annealed_slope(x, t):
    x = x.astype(np.float64)
    return max(1 / t, 1) * t * (1 - np.tanh(t * x) ** 2)


def window(x, clip=1.0):
    return np.ones_like(x) if clip is None else (np.abs(x) <= clip).astype(np.float32)


def tern(x, threshold):
    return np.where(x >= threshold, 1, np.where(x <= -threshold, -1, 0)).astype(np.float32)


def twn(x):
    return tern(x, np.float32(0.7) * np.abs(x).mean(dtype=np.float64).astype(np.float32))


PLAIN = [
    *((quantizers.SwishSign(b), sign, lambda x, b=b: swish_slope(x, b)) for b in (1.0, 5.0, 10.0)),
    *((quantizers.AnnealedSign(t), sign, lambda x, t=t: annealed_slope(x, t)) for t in (0.1, 1.0, 10.0)),
    (quantizers.SteHeaviside(), lambda x: (x > 0).astype(np.float32), window),
    (quantizers.SteHeaviside(0.3), lambda x: (x > 0).astype(np.float32), lambda x: window(x, 0.3)),
    (quantizers.SteTern(), lambda x: tern(x, np.float32(0.05)), window),
    (quantizers.SteTern(0.5, clip_value=None), lambda x: tern(x, np.float32(0.5)), lambda x: window(x, None)),
    (quantizers.SteTern(ternary_weight_networks=True, clip_value=0.6), twn, lambda x: window(x, 0.6)),
    (quantizers.NoOp(), lambda x: x, np.ones_like),
]


def _named(value):
    """An id that is the same in every process: not the address of a function."""
    return getattr(value, "__name__", "function") if callable(value) and "0x" in repr(value) else repr(value)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("quantizer", "forward", "factor"), PLAIN, ids=_named)
def test_forward_is_exact_and_gradient_is_the_published_one(quantizer, forward, factor, compiled):
    x, upstream = draw(20, 30), np.random.default_rng(1).normal(size=(20, 30)).astype(np.float32)
    outputs, slope = gradient(quantizer, x, upstream, compiled)
    np.testing.assert_array_equal(outputs, forward(x))
    np.testing.assert_allclose(slope, upstream * factor(x), rtol=2e-5, atol=2e-5)


def xnor_slope(x, upstream, clip, clipped_alpha):
    """The exact derivative of alpha * sign(w): alpha g_i in the window, and every weight's part in alpha."""
    axes = tuple(range(x.ndim - 1))
    w = np.clip(x, -1, 1) if clipped_alpha else x
    alpha = np.abs(w).mean(axis=axes, keepdims=True, dtype=np.float64)
    n = x.size // x.shape[-1]
    shared = sign(x) / n * (upstream * sign(x)).sum(axis=axes, keepdims=True, dtype=np.float64)
    if clipped_alpha:
        return window(x) * (alpha * upstream + shared)
    return alpha * window(x, clip) * upstream + shared


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("quantizer", "clip", "clipped_alpha"),
    [
        (quantizers.XnorWeightScale(), 1.0, True),
        (quantizers.MagnitudeAwareSign(differentiate_alpha=True), 1.0, False),
        (quantizers.MagnitudeAwareSign(0.4, differentiate_alpha=True), 0.4, False),
        (quantizers.MagnitudeAwareSign(None, differentiate_alpha=True), None, False),
    ],
    ids=_named,
)
def test_scaled_signs_are_differentiated_through_alpha(quantizer, clip, clipped_alpha, shape, compiled):
    x, upstream = draw(*shape, seed=3), np.random.default_rng(4).normal(size=shape).astype(np.float32)
    outputs, slope = gradient(quantizer, x, upstream, compiled)
    axes = tuple(range(x.ndim - 1))
    levels = np.abs(outputs)
    np.testing.assert_array_equal(levels, np.broadcast_to(levels.max(axis=axes, keepdims=True), shape))
    np.testing.assert_array_equal(outputs, levels * sign(x))
    w = np.clip(x, -1, 1) if clipped_alpha else x
    expected = np.abs(w).mean(axis=axes, keepdims=True, dtype=np.float64)
    np.testing.assert_allclose(levels, np.broadcast_to(expected, shape), rtol=1e-6)
    np.testing.assert_allclose(slope, xnor_slope(x, upstream, clip, clipped_alpha), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["swish_sign", "annealed_sign", "ste_heaviside", "ste_tern"])
def test_not_a_number_and_infinities_do_not_poison_the_gradient(name):
    x = np.array([np.nan, np.inf, -np.inf, 0.5], np.float32)
    outputs, slope = gradient(quantizers.get(name), x, np.ones(4, np.float32))
    assert outputs[1] == 1
    assert outputs[2] == (0 if name == "ste_heaviside" else -1)
    np.testing.assert_array_equal(slope[:3], 0)
    assert slope[3] != 0


def test_a_compiled_step_reads_the_temperature_of_the_moment():
    tf = pytest.importorskip("tensorflow")
    quantizer = quantizers.AnnealedSign(1.0)

    @tf.function
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = quantizer(x)
        return tape.gradient(y, x)

    x = tf.constant([0.5, -0.2])
    for t in (1.0, 4.0, 0.25):
        quantizer.temperature = t
        np.testing.assert_allclose(slope(x), annealed_slope(x.numpy(), t), rtol=1e-5)
    assert quantizer.get_config() == {"temperature": 0.25}


ROUND_TRIPS = [
    quantizers.SwishSign(3.0),
    quantizers.AnnealedSign(2.0),
    quantizers.XnorWeightScale(),
    quantizers.MagnitudeAwareSign(0.5, differentiate_alpha=True),
    quantizers.SteHeaviside(None),
    quantizers.SteTern(0.1, clip_value=2.0),
    quantizers.SteTern(ternary_weight_networks=True),
    quantizers.NoOp(1),
]


@pytest.mark.parametrize("quantizer", ROUND_TRIPS, ids=_named)
def test_config_round_trip_through_json(quantizer):
    restored = quantizers.get(json.loads(json.dumps(quantizers.serialize(quantizer))))
    assert type(restored) is type(quantizer)
    assert restored.get_config() == quantizer.get_config()


def test_configs_of_older_files_are_read():
    old = {
        "registered_name": "xlite>MagnitudeAwareSign",
        "class_name": "MagnitudeAwareSign",
        "config": {"clip_value": 0.5},
    }
    assert quantizers.get({"module": "xlite.quantizers", **old}).differentiate_alpha is False


@pytest.mark.parametrize("alias", ["swish_sign", "xnor_weight_scale", "ste_heaviside", "ste_tern", "no_op"])
def test_alias_function_and_class_mean_the_same(alias):
    expected = type(quantizers.get(alias))
    for spelling in (getattr(quantizers, alias), expected, expected.__name__, f"xlite>{expected.__name__}"):
        assert type(quantizers.get(spelling)) is expected
    x = draw(5, 4)
    np.testing.assert_array_equal(getattr(quantizers, alias)(x), quantizers.get(alias)(x))


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (quantizers.SwishSign, {"beta": 0}),
        (quantizers.SwishSign, {"beta": float("nan")}),
        (quantizers.AnnealedSign, {"temperature": -1.0}),
        (quantizers.AnnealedSign, {"temperature": float("inf")}),
        (quantizers.SteHeaviside, {"clip_value": 0}),
        (quantizers.SteTern, {"threshold_value": 0}),
        (quantizers.SteTern, {"clip_value": -1}),
        (quantizers.NoOp, {"precision": 0}),
    ],
)
def test_options_out_of_range_are_refused(kind, arguments):
    with pytest.raises(TrainingError, match=f"{kind.__name__} got {next(iter(arguments))}"):
        kind(**arguments)


def test_a_temperature_out_of_range_is_refused_later_too():
    quantizer = quantizers.AnnealedSign()
    with pytest.raises(TrainingError, match="temperature"):
        quantizer.temperature = 0
    assert quantizer.temperature == 0.1


@pytest.mark.parametrize("extension", ["h5", "keras"])
@pytest.mark.parametrize(
    ("of_input", "of_kernel"),
    [
        ("swish_sign", "xnor_weight_scale"),
        ("annealed_sign", "annealed_sign"),
        ("ste_heaviside", "swish_sign"),
        ("ste_sign", "ste_tern"),
        ("ste_sign", quantizers.SteTern(ternary_weight_networks=True)),
        ("ste_sign", quantizers.MagnitudeAwareSign(differentiate_alpha=True)),
    ],
    ids=str,
)
def test_what_is_saved_packs_and_gives_what_keras_gives(of_input, of_kernel, extension, tmp_path):
    kinds = {"input_quantizer": of_input, "kernel_quantizer": of_kernel}
    model = keras.Sequential(
        [
            keras.Input((7, 6, 33)),
            layers.QuantConv2D(8, 3, padding="same", **kinds),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            layers.QuantDense(5, **kinds),
        ]
    )
    for seed, weight in enumerate(model.weights):
        weight.assign(
            np.abs(draw(*weight.shape, seed=seed)) + 0.5 if "var" in weight.name else draw(*weight.shape)
        )
    path = tmp_path / f"model.{extension}"
    model.save(path)
    result = xlite.convert(path, strict=True)
    assert all(key.startswith("bitx") for key in result.report.macs)
    assert xlite.verify(model, result.data, draw(8, 7, 6, 33, seed=9)).ok


SYMBOLIC = ["ste_sign", "approx_sign", "swish_sign", "ste_heaviside", "ste_tern", "dorefa", "magnitude_aware_sign"]


@pytest.mark.parametrize("alias", [*SYMBOLIC, "xnor_weight_scale", "layer_scaled_sign", "int8"])
def test_a_quantizer_called_on_a_symbolic_tensor_is_the_same_and_is_saved(alias, tmp_path):
    quantizer = quantizers.get(alias)
    inputs = keras.Input((30,))
    model = keras.Model(inputs, quantizer(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x, upstream = draw(20, 30), np.random.default_rng(1).normal(size=(20, 30)).astype(np.float32)
    expected = gradient(quantizer, x, upstream)
    for found in (gradient(model, x, upstream), gradient(again, x, upstream)):
        np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-5, atol=1e-5)


# How often a training step goes through an array of the input's size: forward, then backward. A ReLU takes 2.
PASSES = [
    (quantizers.SteSign(), 8),
    (quantizers.SteSign(None), 7),
    (quantizers.ApproxSign(), 12),
    (quantizers.SteHeaviside(), 6),
    (quantizers.AnnealedSign(2.0), 13),
    (quantizers.DoReFa(2), 10),
]


@pytest.mark.parametrize(("quantizer", "most"), PASSES, ids=_named)
def test_a_step_goes_through_memory_no_more_often_than_it_has_to(quantizer, most):
    tf = pytest.importorskip("tensorflow")

    @tf.function
    def step(x, upstream):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = quantizer(x)
        return outputs, tape.gradient(outputs, x, output_gradients=upstream)

    whole = tf.TensorSpec((40, 30), tf.float32)
    graph = step.get_concrete_function(whole, whole).graph
    waiting, needed = [output.op for output in graph.outputs], {}
    while waiting:
        op = waiting.pop()
        if op.name not in needed:
            needed[op.name] = op
            waiting += [value.op for value in op.inputs]
    free = ("Placeholder", "Identity", "IdentityN", "StopGradient", "PreventGradient")
    passes = [
        op.type
        for op in needed.values()
        if op.type not in free and any(output.shape == whole.shape for output in op.outputs)
    ]
    assert 2 < len(passes) <= most, passes
