"""Quantized layers equal their Keras namesakes on quantized inputs and kernels, take the same arguments, and
come back from files."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite import constraints, layers  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402

_SEPARABLE = dict.fromkeys(
    ("input_quantizer", "depthwise_quantizer", "intermediate_quantizer", "pointwise_quantizer")
)
_BOTH = {"input_quantizer": None, "kernel_quantizer": None}
PAIRS = [
    (layers.QuantDense, keras.layers.Dense, _BOTH),
    (layers.QuantConv1D, keras.layers.Conv1D, {**_BOTH, "pad_values": 0.0}),
    (layers.QuantConv2D, keras.layers.Conv2D, {**_BOTH, "pad_values": 0.0}),
    (layers.QuantConv3D, keras.layers.Conv3D, {**_BOTH, "pad_values": 0.0}),
    (layers.QuantConv2DTranspose, keras.layers.Conv2DTranspose, _BOTH),
    (layers.QuantConv3DTranspose, keras.layers.Conv3DTranspose, _BOTH),
    (layers.QuantSeparableConv1D, keras.layers.SeparableConv1D, {**_SEPARABLE, "pad_values": 0.0}),
    (layers.QuantSeparableConv2D, keras.layers.SeparableConv2D, {**_SEPARABLE, "pad_values": 0.0}),
    (
        layers.QuantDepthwiseConv2D,
        keras.layers.DepthwiseConv2D,
        {"input_quantizer": None, "depthwise_quantizer": None, "pad_values": 0.0},
    ),
    (
        layers.ScaledBinaryConv2D,
        keras.layers.Conv2D,
        {
            "input_quantizer": "ste_sign",
            "kernel_quantizer": "magnitude_aware_sign",
            "pad_values": 0.0,
            "scale_inputs": False,
        },
    ),
]


def sign(x):
    return np.where(x < 0, np.float32(-1), np.float32(1))


def magnitude_aware_sign(w):
    return np.mean(np.abs(w), axis=tuple(range(w.ndim - 1)), keepdims=True).astype(np.float32) * sign(w)


NUMPY = {None: lambda x: x, "ste_sign": sign, "approx_sign": sign, "magnitude_aware_sign": magnitude_aware_sign}


def features(*shape, seed=0):
    x = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    x.flat[::17] = 0.0
    x.flat[5::17] = -0.0
    return x


def twins(quantized, plain, kernel_quantizer, x):
    """Both layers built for x, the plain one holding the quantized one's weights after quantization."""
    quantized.build(x.shape)
    plain.build(x.shape)
    weights = [np.random.default_rng(i).normal(0, 0.7, w.shape).astype(np.float32) for i, w in
               enumerate(quantized.weights)]  # fmt: skip
    quantized.set_weights(weights)
    plain.set_weights([NUMPY[kernel_quantizer](weights[0]), *weights[1:]])


@pytest.mark.parametrize(("quantized", "plain", "extra"), PAIRS, ids=lambda p: getattr(p, "__name__", ""))
def test_constructor_is_keras_constructor_plus_quantizers(quantized, plain, extra):
    ours = dict(inspect.signature(quantized.__init__).parameters)
    added = {name: ours.pop(name).default for name in extra}
    theirs = inspect.signature(plain.__init__).parameters
    assert list(ours.values()) == list(theirs.values())
    assert added == extra
    assert str(inspect.signature(quantized)).startswith("(filters" if "filters" in theirs else "(")


@pytest.mark.parametrize(("quantized", "plain", "extra"), PAIRS, ids=lambda p: getattr(p, "__name__", ""))
def test_constructor_passes_on_what_keras_takes_by_position_and_by_name(quantized, plain, extra):
    """Every argument that has a default of Keras's, given by name; the first ones by position."""
    required = [p for p in inspect.signature(plain.__init__).parameters.values() if p.name != "self"]
    given = [3 for p in required if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    named = {p.name: p.default for p in required if p.default is not p.empty}
    config = quantized(*given, **named, name="same").get_config()
    theirs = plain(*given, **named, name="same").get_config()
    assert {name: config[name] for name in theirs} == theirs
    assert set(config) - set(theirs) == set(extra)
    with pytest.raises((TypeError, ValueError), match="surely_unknown"):
        quantized(*given, surely_unknown=1)


@pytest.mark.parametrize("kernel_quantizer", [None, "ste_sign", "approx_sign", "magnitude_aware_sign"])
@pytest.mark.parametrize("input_quantizer", [None, "ste_sign"])
@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"activation": "relu"}], ids=str)
@pytest.mark.parametrize("shape", [(4, 33), (2, 3, 7)], ids=str)
def test_dense_is_keras_dense_on_quantized_values(shape, options, input_quantizer, kernel_quantizer):
    x = features(*shape)
    quantized = layers.QuantDense(5, input_quantizer=input_quantizer, kernel_quantizer=kernel_quantizer, **options)
    plain = keras.layers.Dense(5, **options)
    twins(quantized, plain, kernel_quantizer, x)
    np.testing.assert_allclose(quantized(x), plain(NUMPY[input_quantizer](x)), rtol=1e-5, atol=1e-5)


CONVOLUTIONS = [
    {"strides": s, "dilation_rate": d, "kernel_size": k, "padding": p}
    for s, d, k, p in itertools.product((1, 2, (2, 3)), (1, 2, (1, 3)), (1, 3, (2, 5)), ("valid", "same"))
    if s == 1 or d == 1
]


@pytest.mark.parametrize("options", CONVOLUTIONS[::2], ids=str)
@pytest.mark.parametrize("pad_values", [0.0, 1.0, -1.0])
def test_conv2d_is_keras_conv2d_on_quantized_and_padded_values(options, pad_values):
    x = features(2, 9, 14, 4)
    kinds = {"input_quantizer": "ste_sign", "kernel_quantizer": "magnitude_aware_sign"}
    quantized = layers.QuantConv2D(6, groups=2, pad_values=pad_values, **kinds, **options)
    plain = keras.layers.Conv2D(6, groups=2, **{**options, "padding": "valid"})
    padded = sign(x)
    if options["padding"] == "same":
        padded = tensorflow_same(padded, options, pad_values)
    quantized.build(x.shape)
    plain.build(padded.shape)
    kernel = np.random.default_rng(2).normal(0, 0.7, quantized.kernel.shape).astype(np.float32)
    bias = np.arange(6, dtype=np.float32)
    quantized.set_weights([kernel, bias])
    plain.set_weights([magnitude_aware_sign(kernel), bias])
    outputs = quantized(x)
    assert outputs.shape == quantized.compute_output_shape(x.shape)
    np.testing.assert_allclose(outputs, plain(padded), rtol=1e-5, atol=1e-5)


# TensorFlow's depthwise convolution takes equal strides only.
@pytest.mark.parametrize("options", [o for o in CONVOLUTIONS if o["strides"] != (2, 3)][1::3], ids=str)
@pytest.mark.parametrize("pad_values", [0.0, 1.0, -1.0])
def test_depthwise_is_keras_depthwise_on_quantized_and_padded_values(options, pad_values):
    x = features(2, 9, 14, 3)
    kinds = {"input_quantizer": "approx_sign", "depthwise_quantizer": "ste_sign"}
    quantized = layers.QuantDepthwiseConv2D(depth_multiplier=2, pad_values=pad_values, **kinds, **options)
    plain = keras.layers.DepthwiseConv2D(depth_multiplier=2, **{**options, "padding": "valid"})
    padded = sign(x)
    if options["padding"] == "same":
        padded = tensorflow_same(padded, options, pad_values)
    quantized.build(x.shape)
    plain.build(padded.shape)
    kernel = np.random.default_rng(2).normal(size=quantized.kernel.shape).astype(np.float32)
    bias = np.arange(6, dtype=np.float32)
    quantized.set_weights([kernel, bias])
    plain.set_weights([sign(kernel), bias])
    outputs = quantized(x)
    assert outputs.shape == quantized.compute_output_shape(x.shape)
    np.testing.assert_array_equal(outputs, plain(padded))


def tensorflow_same(x, options, value):
    """x padded with ``value`` by the widths that TensorFlow's "same" uses, found from TensorFlow itself: a
    convolution whose kernel has a single 1 at one corner reads the padding's width off its output."""
    kernel = np.broadcast_to(options["kernel_size"], 2)
    strides = np.broadcast_to(options["strides"], 2)
    dilation = np.broadcast_to(options["dilation_rate"], 2)
    height, width = x.shape[1:3]
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1).astype(np.float32) + 1
    before = []
    for axis in range(2):
        # The window's first tap at the first output position that is inside the image tells its offset.
        probe = np.zeros((*kernel, 1, 1), np.float32)
        probe[0, 0, 0, 0] = 1
        seen = keras.ops.convert_to_numpy(
            keras.ops.conv(
                grid[None, ..., axis : axis + 1],
                probe,
                strides=tuple(int(s) for s in strides),
                padding="same",
                dilation_rate=tuple(int(d) for d in dilation),
            )
        )[0, ..., 0].max(axis=1 - axis)
        first = int(np.argmax(seen > 0))
        before.append(first * int(strides[axis]) - (int(seen[first]) - 1))
    widths = [(0, 0)]
    for axis, size in enumerate((height, width)):
        out = -(-size // int(strides[axis]))
        reach = (int(kernel[axis]) - 1) * int(dilation[axis]) + 1
        total = max((out - 1) * int(strides[axis]) + reach - size, 0)
        widths.append((before[axis], total - before[axis]))
    return np.pad(x, [*widths, (0, 0)], constant_values=np.float32(value))


@pytest.mark.parametrize(
    ("quantized", "plain", "arguments"),
    [
        (layers.QuantDense, keras.layers.Dense, {"units": 4, "activation": "tanh"}),
        (layers.QuantConv2D, keras.layers.Conv2D, {"filters": 4, "kernel_size": 3, "padding": "same"}),
        (layers.QuantConv2D, keras.layers.Conv2D, {"filters": 4, "kernel_size": 3, "strides": 2, "groups": 2}),
        (
            layers.QuantDepthwiseConv2D,
            keras.layers.DepthwiseConv2D,
            {"kernel_size": 3, "activation": "relu", "padding": "same", "depth_multiplier": 2},
        ),
    ],
)
def test_without_quantizers_a_layer_is_its_keras_layer(quantized, plain, arguments):
    x = features(2, 8, 8, 8)
    ours, theirs = quantized(**arguments), plain(**arguments)
    twins(ours, theirs, None, x)
    np.testing.assert_array_equal(ours(x), theirs(x))


@pytest.mark.parametrize("layer", [layers.QuantConv2D(4, 3), layers.QuantDepthwiseConv2D(3)], ids=repr)
def test_pad_values_is_a_float_in_the_config(layer):
    config = type(layer).from_config({**layer.get_config(), "pad_values": 1}).get_config()
    assert config["pad_values"] == 1.0
    assert isinstance(config["pad_values"], float)


@pytest.mark.parametrize(
    "arguments", [(layers.QuantConv2D, 2, 3), (layers.QuantDepthwiseConv2D, 3)], ids=lambda a: a[0].__name__
)
def test_channels_first_is_refused_only_where_padding_needs_it(arguments):
    kind, *sizes = arguments
    kind(*sizes, data_format="channels_first", padding="same")
    with pytest.raises(TrainingError, match=r"'early'.*channels_last"):
        kind(*sizes, data_format="channels_first", padding="same", pad_values=1.0, name="early")


def test_unknown_height_pads_with_stride_one_and_is_refused_with_more():
    inputs = keras.Input((None, None, 2))
    x = features(1, 7, 5, 2)
    free = keras.Model(inputs, layers.QuantConv2D(3, 3, padding="same", pad_values=1.0)(inputs))
    fixed_inputs = keras.Input((7, 5, 2))
    fixed = keras.Model(fixed_inputs, layers.QuantConv2D(3, 3, padding="same", pad_values=1.0)(fixed_inputs))
    fixed.set_weights(free.get_weights())
    np.testing.assert_array_equal(free(x), fixed(x))
    with pytest.raises(TrainingError, match=r"known input height and width"):
        layers.QuantConv2D(3, 3, strides=2, padding="same", pad_values=1.0)(inputs)


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_same_padding_yields_the_ceiling_of_size_by_stride(size, kernel, stride, dilation):
    before, after = layers.same_padding(size, kernel, stride, dilation)
    reach = (kernel - 1) * dilation + 1
    assert (size + before + after - reach) // stride + 1 == -(-size // stride)
    assert 0 <= after - before <= 1
    assert layers.same_padding(None, kernel, 1, dilation) == layers.same_padding(size, kernel, 1, dilation)
    if stride > 1:
        assert layers.same_padding(None, kernel, stride, dilation) is None


def sequential():
    kinds = {"input_quantizer": "ste_sign", "kernel_quantizer": "magnitude_aware_sign"}
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.QuantConv2D(
                6, 3, padding="same", pad_values=-1.0, kernel_constraint=constraints.weight_clip(0.5), **kinds
            ),
            layers.QuantDepthwiseConv2D(
                3, strides=2, input_quantizer="approx_sign", depthwise_quantizer="ste_sign"
            ),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            layers.QuantDense(5, **kinds),
        ]
    )


def functional():
    inputs = keras.Input((8, 8, 3))
    shared = layers.QuantConv2D(3, 3, padding="same", input_quantizer="ste_sign", kernel_quantizer="ste_sign")
    x = keras.layers.Add()([inputs, shared(inputs)])
    x = keras.layers.Concatenate()([shared(x), x])
    inner_inputs = keras.Input((8, 8, 6))
    inner = keras.Model(inner_inputs, layers.QuantConv2D(4, 3, kernel_quantizer="approx_sign")(inner_inputs))
    return keras.Model(inputs, inner(x))


@pytest.mark.parametrize("extension", ["h5", "keras"])
@pytest.mark.parametrize("build", [sequential, functional])
def test_models_come_back_from_files_without_custom_objects(tmp_path, build, extension):
    model = build()
    model.compile("adam", keras.losses.MeanSquaredError(), run_eagerly=True)
    x = features(4, 8, 8, 3)
    model.fit(x, np.zeros((4, *model.output_shape[1:]), np.float32), verbose=0)
    path = tmp_path / f"model.{extension}"
    model.save(path)
    loaded = keras.saving.load_model(path)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    for ours, theirs in zip(loaded.layers, model.layers):
        assert type(ours) is type(theirs)
        if type(ours).__module__.startswith("xlite.layers"):
            assert ours.get_config() == theirs.get_config()
    loaded.compile("sgd", "mse", run_eagerly=True)
    loaded.fit(x, np.zeros((4, *model.output_shape[1:]), np.float32), verbose=0)


def test_import_of_layers_alone_is_enough_to_load(tmp_path):
    import subprocess
    import sys

    path = tmp_path / "model.h5"
    sequential().save(path)
    code = f"import keras, xlite.layers; keras.saving.load_model({str(path)!r}, compile=False); print('loaded')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "loaded", done.stderr


@pytest.mark.parametrize("jit_compile", [False, True])
def test_kernels_learn_and_stay_within_their_constraint(jit_compile):
    model = sequential()
    model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=jit_compile)
    before = [np.array(w) for w in model.get_weights()]
    x = features(16, 8, 8, 3)
    model.fit(x, np.ones((16, 5), np.float32), epochs=2, batch_size=8, verbose=0)
    for layer in model.layers:
        for weight in layer.trainable_weights:
            assert np.any(weight.numpy() != next(w for w in before if w.shape == weight.shape)), weight.path
    assert np.abs(model.layers[0].kernel.numpy()).max() <= 0.5


def test_mixed_precision_keeps_binary_values_exact():
    binary = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
    layer = layers.QuantDense(3, use_bias=False, dtype="mixed_float16", **binary)
    outputs = np.asarray(layer(features(5, 40)))
    assert outputs.dtype == np.float16
    np.testing.assert_array_equal(outputs % 2, np.zeros_like(outputs))  # 40 terms of +-1 add up to an even sum


def test_weight_clip():
    clip = constraints.weight_clip(0.25)
    w = np.array([-2, -0.25, -0.0, 0.1, 0.3], np.float32)
    np.testing.assert_array_equal(clip(w), np.clip(w, -0.25, 0.25))
    assert constraints.WeightClip.from_config(clip.get_config()).clip_value == 0.25
    with pytest.raises(TrainingError, match="above 0"):
        constraints.WeightClip(-1)
