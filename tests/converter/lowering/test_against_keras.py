"""Every lowered layer and option against Keras: the graph evaluated in numpy, Keras run on the same input."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from tests.converter.evaluate import evaluate  # noqa: E402
from tests.converter.lowering.checking import check, inputs_of, one, seeded  # noqa: E402
from xlite import layers as xl  # noqa: E402
from xlite.converter.frontend import read  # noqa: E402
from xlite.converter.lowering import lower  # noqa: E402
from xlite.quantizers import ApproxSign, MagnitudeAwareSign, SteSign  # noqa: E402

L = keras.layers


PADDING = ("valid", "same")


@pytest.mark.parametrize(
    ("padding", "strides", "kernel", "dilation"),
    [
        (p, s, k, d)
        for p, s, k, d in itertools.product(PADDING, (1, 2, 3), (1, 2, 3, (2, 5)), (1, 2, (1, 2)))
        if s == 1 or d == 1
    ],
)
def test_conv(padding, strides, kernel, dilation):
    one(L.Conv2D(4, kernel, strides=strides, padding=padding, dilation_rate=dilation), (9, 10, 3))


@pytest.mark.parametrize("strides", [(1, 2), (2, 1)])
def test_conv_strides_differ(strides):
    one(L.Conv2D(4, 3, strides=strides, padding="same", use_bias=False), (9, 10, 3))


@pytest.mark.parametrize("groups", [2, 3])
def test_conv_groups(groups):
    one(L.Conv2D(6, 3, groups=groups, padding="same"), (5, 5, 6))


@pytest.mark.parametrize(
    ("padding", "strides", "dilation", "multiplier"),
    [(p, s, d, m) for p, s, d, m in itertools.product(PADDING, (1, 2, 3), (1, 2), (1, 3)) if s == 1 or d == 1],
)
def test_depthwise(padding, strides, dilation, multiplier):
    one(
        L.DepthwiseConv2D(
            (3, 2), strides=strides, padding=padding, dilation_rate=dilation, depth_multiplier=multiplier
        )
    )


@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 3, 6), (2, 2, 2, 6)])
@pytest.mark.parametrize("bias", [True, False])
def test_dense(shape, bias):
    one(L.Dense(5, use_bias=bias), shape)


QUANTIZERS = {
    "ste": SteSign(1.3),
    "approx": ApproxSign(),
    "magnitude": MagnitudeAwareSign(),
    "alias": "ste_sign",
    "none": None,
}


@pytest.mark.parametrize("kernel", list(QUANTIZERS))
@pytest.mark.parametrize("given", ["ste", "approx", "none"])
@pytest.mark.parametrize("pad", [0.0, 1.0, -1.0, 0.25])
def test_quant_conv(kernel, given, pad):
    layer = xl.QuantConv2D(
        4,
        3,
        strides=2,
        padding="same",
        pad_values=pad,
        input_quantizer=QUANTIZERS[given],
        kernel_quantizer=QUANTIZERS[kernel],
    )
    graph = one(layer, (7, 6, 5))
    marked = graph.layers[1].marked
    assert set(marked) == {
        key for key, q in (("input_quantizer", given), ("kernel_quantizer", kernel)) if q != "none"
    }
    assert ("PAD" in [node.kind.name for node in graph.nodes]) == (pad != 0)


@pytest.mark.parametrize("pad", [0.0, 1.0, -1.0])
@pytest.mark.parametrize("dilation", [1, 2])
def test_quant_conv_dilated(pad, dilation):
    layer = xl.QuantConv2D(
        4, 3, padding="same", pad_values=pad, dilation_rate=dilation, groups=2, input_quantizer="ste_sign"
    )
    one(layer, (7, 6, 6))


def test_pad_values_do_nothing_where_nothing_is_padded():
    graph = one(xl.QuantConv2D(4, 3, padding="valid", pad_values=1.0, input_quantizer="ste_sign"))
    assert "PAD" not in [node.kind.name for node in graph.nodes]


@pytest.mark.parametrize("kernel", list(QUANTIZERS))
@pytest.mark.parametrize("pad", [0.0, 1.0])
@pytest.mark.parametrize("multiplier", [1, 2])
def test_quant_depthwise(kernel, pad, multiplier):
    layer = xl.QuantDepthwiseConv2D(
        3,
        padding="same",
        pad_values=pad,
        depth_multiplier=multiplier,
        input_quantizer="ste_sign",
        depthwise_quantizer=QUANTIZERS[kernel],
    )
    graph = one(layer)
    assert ("depthwise_quantizer" in graph.layers[1].marked) == (kernel != "none")


@pytest.mark.parametrize("kernel", list(QUANTIZERS))
@pytest.mark.parametrize("shape", [(9,), (4, 9)])
def test_quant_dense(kernel, shape):
    one(xl.QuantDense(4, input_quantizer="ste_sign", kernel_quantizer=QUANTIZERS[kernel]), shape)


ACTIVATIONS = ["linear", "relu", "relu6", "leaky_relu", "sigmoid", "tanh", "hard_tanh", "softmax", SteSign()]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_activation_of_each_layer(activation):
    stack = [
        L.Conv2D(4, 2, activation=activation),
        L.DepthwiseConv2D(2, activation=activation),
        L.Activation(activation),
        L.Flatten(),
        L.Dense(6, activation=activation),
    ]
    if not isinstance(activation, str):  # sums next to a sign may round over it, alone they are exact
        stack = [L.Activation(activation)]
    check(keras.Sequential([keras.Input((5, 5, 3)), *stack]))


@pytest.mark.parametrize("slope", [0.0, 0.25])
@pytest.mark.parametrize("limit", [None, 6.0, 1.5])
@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_relu(slope, limit, threshold):
    one(L.ReLU(max_value=limit, negative_slope=slope, threshold=threshold))


@pytest.mark.parametrize("slope", [0.0, 0.25])
def test_relu_exactly_at_its_threshold(slope):
    """Keras gives 0 there, and what lies a float32 above it passes."""
    model = keras.Sequential([keras.Input((3,)), L.ReLU(negative_slope=slope, threshold=0.5)])
    x = np.array([[0.5, np.nextafter(np.float32(0.5), np.float32(1)), 0.75]], np.float32)
    got = evaluate(lower(read(model)), x)[0]
    np.testing.assert_allclose(got, model.predict_on_batch(x), rtol=1e-6, atol=1e-7)


def test_layers_of_activation():
    one(L.LeakyReLU(negative_slope=0.1))
    one(L.LeakyReLU())
    one(L.Softmax())
    one(L.Softmax(axis=3))
    one(L.PReLU())
    one(L.PReLU(shared_axes=[1, 2]))
    one(L.PReLU(shared_axes=[1, 2, 3]))
    one(L.Dense(4, activation=L.LeakyReLU(negative_slope=0.1)))
    one(L.Dense(4, activation=L.ReLU(max_value=1.0)))


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("shape", [(5,), (3, 5), (4, 3, 5)])
def test_batch_norm(center, scale, shape):
    one(L.BatchNormalization(center=center, scale=scale, epsilon=0.01), shape)


@pytest.mark.parametrize("pool", [L.MaxPooling2D, L.AveragePooling2D])
@pytest.mark.parametrize("padding", PADDING)
@pytest.mark.parametrize(("size", "strides"), [(2, None), (3, 1), (3, 2), (2, 3), ((1, 3), (2, 1))])
def test_pooling(pool, padding, size, strides):
    one(pool(size, strides=strides, padding=padding))


@pytest.mark.parametrize("pool", [L.GlobalMaxPooling2D, L.GlobalAveragePooling2D])
@pytest.mark.parametrize("keepdims", [True, False])
def test_global_pooling(pool, keepdims):
    one(pool(keepdims=keepdims))


def test_shapes():
    one(L.Flatten())
    one(L.Flatten(), (6,))
    one(L.Reshape((-1, 5)))
    one(L.Reshape((6, 35)))
    one(L.Reshape((7, 6, 5)))
    one(L.ZeroPadding2D(1))
    one(L.ZeroPadding2D((1, 2)))
    one(L.ZeroPadding2D(((1, 0), (2, 3))))
    one(L.Rescaling(1 / 255.0, -1.0))
    one(L.Rescaling([1.0, 2.0, 3.0], [0.5, 0.25, 0.125]), (4, 4, 3))


TRAINING_ONLY = [
    L.Dropout(0.5),
    L.SpatialDropout2D(0.5),
    L.AlphaDropout(0.5),
    L.GaussianDropout(0.5),
    L.GaussianNoise(0.5),
    L.ActivityRegularization(0.1),
    L.Identity(),
    L.RandomFlip(),
    L.RandomRotation(0.2),
    L.RandomTranslation(0.1, 0.1),
    L.RandomZoom(0.2),
    L.RandomContrast(0.2),
    L.RandomBrightness(0.2),
]


@pytest.mark.parametrize("layer", TRAINING_ONLY, ids=lambda layer: type(layer).__name__)
def test_what_trains_only(layer):
    graph = check(keras.Sequential([keras.Input((6, 6, 3)), layer, L.ReLU()]))
    assert len(graph.nodes) == 1
    assert [row.class_name for row in graph.layers][1] == type(layer).__name__


def test_merges():
    a, b = keras.Input((4, 3), name="a"), keras.Input((4, 3), name="b")
    wide = L.Dense(5)(b)
    outputs = [
        L.Add()([a, b]),
        L.Add()([a, b, a, a]),
        L.Concatenate()([a, wide, b]),
        L.Concatenate(axis=1)([a, b]),
    ]
    check(keras.Model([a, b], outputs))


# -- whole models ----------------------------------------------------------------------------------------------


def test_outputs_that_are_inputs_or_equal():
    x = keras.Input((4,), name="x")
    y = L.ReLU()(x)
    graph = check(keras.Model(x, [x, y, y, L.Dropout(0.5)(y)]))
    assert len(set(graph.outputs)) == 4
    assert not set(graph.outputs) & set(graph.inputs)
    check(keras.Sequential([keras.Input((3,)), L.Dropout(0.5)]))


def test_values_are_named_after_the_layer_they_equal():
    x = keras.Input((6, 6, 3), name="image")
    shared = L.Conv2D(3, 3, padding="same", activation="relu", name="conv")
    y = shared(shared(x))
    model = keras.Model(x, L.Activation(SteSign(), name="bits")(y))
    graph = lower(read(model))
    names = [node.output.name for node in graph.nodes]
    assert names == ["conv/conv_2d", "conv", "conv/conv_2d", "conv:1", "conv:1:sign", "bits"]
    assert {node.layers for node in graph.nodes} == {("conv",), ("bits",)}
    kernels = [node.inputs[1] for node in graph.nodes if node.kind.name == "CONV_2D"]
    assert kernels[0] is kernels[1], "a shared layer has its weights once"
    assert [row.parameters for row in graph.layers] == [0, 3 * 3 * 3 * 3 + 3, 0]


def nested_model():
    """Two inputs, three outputs, a layer called three times, nested models called twice, models in models."""
    deep_in = keras.Input((6, 6, 3), name="deep_in")
    deep = keras.Model(deep_in, L.Conv2D(2, 1, name="point")(deep_in), name="deep")
    inner_in = [keras.Input((6, 6, 2), name="p"), keras.Input((6, 6, 2), name="q")]
    joined = L.Concatenate(name="joined")(inner_in)
    half = L.Conv2D(3, 3, padding="same", name="conv")(joined)
    half = L.BatchNormalization(name="norm")(half)
    inner = keras.Model(inner_in, [deep(half), half], name="inner")
    chain = keras.Sequential(
        [L.Conv2D(2, 1, name="conv"), L.BatchNormalization(name="norm"), L.ReLU(name="relu")], name="chain"
    )
    a, b = keras.Input((6, 6, 2), name="a"), keras.Input((6, 6, 2), name="b")
    shared = L.Conv2D(2, 1, name="shared")
    s, t = shared(a), shared(b)
    u, v = inner([s, t])
    w, z = inner([t, shared(s)])
    total = chain(L.Add(name="total")([u, w]))
    return keras.Model([a, b], [chain(total), v, L.Concatenate(name="last")([z, total])], name="outer")


@pytest.mark.parametrize("form", ["live", "h5", "keras"])
def test_nested_models_in_every_form(form, tmp_path):
    model = seeded(nested_model())
    xs = inputs_of(model)
    expected = model.predict_on_batch(xs)
    source = model
    if form != "live":
        source = tmp_path / f"model.{form}"
        model.save(source)
    read_model = read(source)
    assert read_model.keras_version == keras.__version__
    assert {"inner/deep/point", "inner/conv", "chain/conv", "shared"} <= {
        layer.name for layer in read_model.layers
    }
    for mine, theirs in zip(evaluate(lower(read_model), *xs), expected):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


def test_layers_of_one_name_inside_a_nested_model(tmp_path):
    """In a .h5 file all weights of ``both`` lie in one group, told apart by the chains' names."""
    chains = [keras.Sequential([L.Dense(4, name="mix"), L.ReLU()], name=name) for name in ("second", "first")]
    x = keras.Input((4,), name="x")
    both = keras.Model(x, chains[0](chains[1](x)), name="both")
    y = keras.Input((4,), name="y")
    found = check_files(keras.Model(y, both(y)), tmp_path)
    assert {"both/first/mix", "both/second/mix"} <= {layer.name for layer in found.layers}


@pytest.mark.parametrize("form", ["h5", "keras"])
def test_files_give_the_same_program_as_the_live_model(form, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(8, 3, padding="same", use_bias=False),
            L.BatchNormalization(),
            L.Dropout(0.3),
            xl.QuantConv2D(8, 3, padding="same", input_quantizer="ste_sign", kernel_quantizer=SteSign(1.25)),
            L.MaxPooling2D(),
            L.PReLU(shared_axes=[1, 2]),
            xl.QuantDepthwiseConv2D(3, input_quantizer=ApproxSign(), depthwise_quantizer="magnitude_aware_sign"),
            L.Flatten(),
            xl.QuantDense(5, input_quantizer="ste_sign", kernel_quantizer="approx_sign", activation="softmax"),
        ]
    )
    graph = check(model)
    path = tmp_path / f"model.{form}"
    model.save(path)
    other = lower(read(path))
    assert other.text() == graph.text()
    assert [(r.name, r.parameters) for r in other.layers] == [(r.name, r.parameters) for r in graph.layers]
    for mine, theirs in zip(other.values(), graph.values()):
        if theirs.is_constant:
            np.testing.assert_array_equal(mine.data, theirs.data)


def test_a_sequential_that_was_built_by_its_first_batch(tmp_path):
    model = keras.Sequential([L.Conv2D(4, 3), L.Flatten(), L.Dense(2)])
    model(np.zeros((1, 6, 6, 3), np.float32))
    seeded(model)
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32)
    got = evaluate(lower(read(tmp_path / "m.keras")), x)[0]
    np.testing.assert_allclose(got, model.predict_on_batch(x), rtol=1e-5, atol=1e-5)


def test_inputs_and_outputs_as_dicts():
    inputs = {"right": keras.Input((3,), name="right"), "left": keras.Input((4,), name="left")}
    outputs = {"y": L.Dense(2)(inputs["right"]), "x": L.Dense(2)(inputs["left"])}
    model = seeded(keras.Model(inputs, outputs))
    graph = lower(read(model))
    xs = inputs_of(model)  # model.inputs are flat, in the order of the sorted keys
    expected = model.predict_on_batch(dict(zip(sorted(inputs), xs)))
    assert [value.name for value in graph.inputs] == ["left", "right"]
    for key, mine in zip(sorted(outputs), evaluate(graph, *xs)):
        np.testing.assert_allclose(mine, expected[key], rtol=1e-5, atol=1e-5)


def test_a_nested_model_that_takes_a_dict():
    parts = {"p": keras.Input((3,), name="p"), "q": keras.Input((4,), name="q")}
    inner = keras.Model(parts, L.Concatenate()([parts["q"], parts["p"]]), name="inner")
    a, b = keras.Input((3,), name="a"), keras.Input((4,), name="b")
    check(keras.Model([a, b], L.Dense(2)(inner({"q": b, "p": a}))))


def test_a_layer_in_two_models(tmp_path):
    """Keras writes its weights once into a .keras file."""
    common = L.Dense(4, name="common")
    x = keras.Input((4,), name="x")
    inner = keras.Model(x, common(x), name="inner")
    y = keras.Input((4,), name="y")
    model = check_files(keras.Model(y, common(inner(y))), tmp_path)
    assert sum(layer.name.endswith("common") for layer in model.layers) == 2


def check_files(model, folder):
    seeded(model)
    xs = inputs_of(model)
    expected = keras.tree.flatten(model.predict_on_batch(xs if len(xs) > 1 else xs[0]))
    for form in ("h5", "keras"):
        path = folder / f"m.{form}"
        model.save(path)
        found = read(path)
        for mine, theirs in zip(evaluate(lower(found), *xs), expected):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())
    return found


def test_mixed_precision_is_computed_in_float32_and_noted(tmp_path):
    model = keras.Sequential([keras.Input((6,)), L.Dense(4, dtype="mixed_float16"), L.Dense(3, dtype="bfloat16")])
    seeded(model)
    model.save(tmp_path / "m.h5")
    model.save(tmp_path / "m.keras")
    kernels = [np.asarray(w).astype(np.float32) for w in model.get_weights()]
    for source in (tmp_path / "m.h5", tmp_path / "m.keras", model):
        found = read(source)
        assert len(found.notes) == 2
        assert "mixed_float16" in found.notes[0]
        weights = [w for layer in found.layers for w in layer.weights]
        for mine, theirs in zip(weights, kernels):
            assert mine.dtype == np.float32
            np.testing.assert_array_equal(mine, theirs)


def test_batch_norm_constants_are_grouped_as_in_tensorflow():
    """Each within two units in the last place: TensorFlow's rsqrt is approximate, by the machine."""
    import tensorflow as tf

    rng = np.random.default_rng(3)
    gamma, beta, mean = rng.normal(size=(3, 500)).astype(np.float32)
    variance = rng.gamma(1, 1, 500).astype(np.float32)
    layer = L.BatchNormalization(epsilon=1e-3)
    model = keras.Sequential([keras.Input((500,)), layer])
    layer.set_weights([gamma, beta, mean, variance])
    node = lower(read(model)).nodes[0]
    inverse = tf.math.rsqrt(tf.constant(variance) + 1e-3) * gamma
    offset = (beta - mean * inverse).numpy()
    scale = inverse.numpy()
    assert (np.abs(node.constant(1) - scale) <= 4 * np.spacing(np.abs(scale))).all()
    slack = 4 * np.spacing(np.abs(mean * scale)) + np.spacing(np.abs(offset))
    assert (np.abs(node.constant(2) - offset) <= slack).all()
