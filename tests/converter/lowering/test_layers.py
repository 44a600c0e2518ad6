"""Every lowered layer and option against Keras: the graph by the oracle, Keras on the same input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from tests.converter.evaluate import evaluate  # noqa: E402
from tests.converter.lowering.against_keras import check, one  # noqa: E402
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
