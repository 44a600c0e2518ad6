"""Convolutions of one and three dimensions, transposed, separable and scaled ones: each is its Keras namesake on
quantized values, comes back from a file, and runs from a packed file as Keras runs it."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from xlite import layers, quantizers  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402

pytestmark = pytest.mark.keras
kl = keras.layers


def draw(*shape, seed=0):
    """Sixteenths, zeros of both signs among them: sums of a few are exact."""
    x = np.round(np.random.default_rng(seed).normal(0, 0.7, shape) * 16).astype(np.float32) / 16
    x.flat[::13] = 0.0
    x.flat[5::13] = -0.0
    return x


def sign(x):
    return np.where(x < 0, np.float32(-1), np.float32(1))


def value(x):
    return keras.ops.convert_to_numpy(x)


def built(layer, shape):
    layer.build((None, *shape))
    layer.set_weights([draw(*w.shape, seed=i) for i, w in enumerate(layer.weights)])
    return layer


BOTH = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
ALL = {
    "input_quantizer": "ste_sign",
    "depthwise_quantizer": "ste_sign",
    "intermediate_quantizer": "ste_sign",
    "pointwise_quantizer": "ste_sign",
}
# our class, Keras's, input shape, arguments, quantizers
KINDS = [
    *(
        (layers.QuantConv1D, kl.Conv1D, (11, 6), {"filters": 4, "kernel_size": 3, **more}, BOTH)
        for more in (
            {},
            {"padding": "same", "strides": 2},
            {"padding": "causal", "dilation_rate": 2},
            {"padding": "same", "groups": 2, "activation": "relu"},
        )
    ),
    *(
        (layers.QuantConv3D, kl.Conv3D, (4, 5, 6, 4), {"filters": 4, "kernel_size": (2, 3, 2), **more}, BOTH)
        for more in ({}, {"padding": "same", "strides": 2}, {"padding": "same", "use_bias": False})
    ),
    *(
        (
            layers.QuantConv2DTranspose,
            kl.Conv2DTranspose,
            (4, 5, 6),
            {"filters": 3, "kernel_size": 3, **more},
            BOTH,
        )
        for more in (
            {},
            {"padding": "same", "strides": 2},
            {"strides": 2, "output_padding": 1, "activation": "relu"},
        )
    ),
    (
        layers.QuantConv3DTranspose,
        kl.Conv3DTranspose,
        (2, 3, 2, 4),
        {"filters": 3, "kernel_size": 2, "strides": 2},
        BOTH,
    ),
    *(
        (layers.QuantSeparableConv1D, kl.SeparableConv1D, (11, 6), {"filters": 4, "kernel_size": 3, **more}, ALL)
        for more in ({}, {"padding": "same", "depth_multiplier": 2}, {"dilation_rate": 2})
    ),
    *(
        (layers.QuantSeparableConv2D, kl.SeparableConv2D, (7, 8, 6), {"filters": 4, "kernel_size": 3, **more}, ALL)
        for more in ({}, {"padding": "same", "strides": 2, "depth_multiplier": 2}, {"use_bias": False})
    ),
    (
        layers.QuantConv2D,
        kl.Conv2D,
        (7, 8, 12),
        {"filters": 6, "kernel_size": 3, "groups": 3, "padding": "same"},
        BOTH,
    ),
]
NAMES = [f"{kind[0].__name__}-{i}" for i, kind in enumerate(KINDS)]


@pytest.mark.parametrize(("quantized", "plain", "shape", "arguments", "kinds"), KINDS, ids=NAMES)
def test_without_quantizers_a_layer_is_its_keras_layer(quantized, plain, shape, arguments, kinds):
    x = draw(2, *shape, seed=5)
    np.testing.assert_array_equal(
        value(built(quantized(**arguments), shape)(x)), value(built(plain(**arguments), shape)(x))
    )


@pytest.mark.parametrize(("quantized", "plain", "shape", "arguments", "kinds"), KINDS, ids=NAMES)
def test_with_signs_a_layer_is_its_keras_layer_on_signs(quantized, plain, shape, arguments, kinds):
    x = draw(2, *shape, seed=5)
    ours, theirs = built(quantized(**arguments, **kinds), shape), built(plain(**arguments), shape)
    theirs.set_weights([w if w.ndim == 1 else sign(w) for w in ours.get_weights()])
    outputs = ours(x)
    assert outputs.shape == ours.compute_output_shape(x.shape)
    if "intermediate_quantizer" not in kinds:
        np.testing.assert_array_equal(value(outputs), value(theirs(sign(x))))
        return
    ours.intermediate_quantizer = None
    np.testing.assert_array_equal(value(ours(x)), value(theirs(sign(x))))


def test_the_intermediate_quantizer_stands_between_the_halves():
    layer = built(layers.QuantSeparableConv2D(4, 3, padding="same", pad_values=1.0, **ALL), (6, 5, 3))
    first = layers.QuantDepthwiseConv2D(
        3,
        padding="same",
        pad_values=1.0,
        use_bias=False,
        input_quantizer="ste_sign",
        depthwise_quantizer="ste_sign",
    )
    second = layers.QuantConv2D(4, 1, **BOTH)
    first.build((None, 6, 5, 3))
    second.build((None, 6, 5, 3))
    depthwise, pointwise, bias = layer.get_weights()
    first.set_weights([depthwise])
    second.set_weights([pointwise, bias])
    x = draw(2, 6, 5, 3, seed=3)
    np.testing.assert_array_equal(value(layer(x)), value(second(first(x))))


@pytest.mark.parametrize("pad_values", [0.0, 1.0, -1.0])
@pytest.mark.parametrize("padding", ["same", "causal"])
def test_conv_1d_pads_the_signs_with_what_it_is_told(padding, pad_values):
    layer = built(layers.QuantConv1D(3, 4, padding=padding, pad_values=pad_values, **BOTH), (9, 5))
    plain = built(kl.Conv1D(3, 4), (9, 5))
    kernel, bias = layer.get_weights()
    plain.set_weights([sign(kernel), bias])
    x = draw(2, 9, 5, seed=4)
    widths = (3, 0) if padding == "causal" else (1, 2)
    padded = np.pad(sign(x), ((0, 0), widths, (0, 0)), constant_values=np.float32(pad_values))
    np.testing.assert_array_equal(value(layer(x)), value(plain(padded)))


def test_conv_3d_pads_with_what_it_is_told():
    layer = built(layers.QuantConv3D(3, 3, padding="same", pad_values=-1.0, **BOTH), (3, 4, 5, 2))
    plain = built(kl.Conv3D(3, 3), (3, 4, 5, 2))
    kernel, bias = layer.get_weights()
    plain.set_weights([sign(kernel), bias])
    x = draw(2, 3, 4, 5, 2, seed=4)
    padded = np.pad(sign(x), ((0, 0), *((1, 1),) * 3, (0, 0)), constant_values=np.float32(-1))
    np.testing.assert_array_equal(value(layer(x)), value(plain(padded)))


def test_a_layer_as_quantizer_trains_its_own_weights():
    class Shifted(kl.Layer):
        def build(self, shape):
            self.shift = self.add_weight(shape=(), name="shift")

        def call(self, x):
            return quantizers.ste_sign(x - self.shift)

    layer = layers.QuantConv1D(3, 2, input_quantizer=Shifted(), kernel_quantizer="ste_sign")
    model = keras.Sequential([keras.Input((6, 4)), layer, kl.Flatten()])
    assert any("shift" in weight.path for weight in model.trainable_weights)
    assert np.abs(value(model(draw(2, 6, 4))) % 1).max() == 0


@pytest.mark.parametrize("kernel_quantizer", ["ste_sign", "ste_tern"])
def test_quantize_kernels_turns_kernel_quantizers_off_and_on(kernel_quantizer):
    layer = built(
        layers.QuantConv2D(3, 3, kernel_quantizer=kernel_quantizer, input_quantizer="ste_sign"), (5, 5, 4)
    )
    x = draw(2, 5, 5, 4, seed=2)
    quantized = value(layer(x))
    layer.quantize_kernels = False
    plain = built(kl.Conv2D(3, 3), (5, 5, 4))
    np.testing.assert_array_equal(value(layer(x)), value(plain(sign(x))))
    layer.quantize_kernels = True
    np.testing.assert_array_equal(value(layer(x)), quantized)
    assert "quantize_kernels" not in layer.get_config()


# -- XNOR-Net's scales ----------------------------------------------------------------------------------------


def expected_scaled(layer, x, strides, same):
    """Equation 11 of arXiv 1603.05279 by the plainest loops."""
    kernel, bias = (w.astype(np.float64) for w in layer.get_weights())
    size = kernel.shape[0]
    magnitude = np.abs(x.astype(np.float64)).mean(axis=-1)
    signs = sign(x).astype(np.float64)
    if same:
        total = [max((-(-n // strides) - 1) * strides + size - n, 0) for n in x.shape[1:3]]
        pads = [(t // 2, t - t // 2) for t in total]
        magnitude = np.pad(magnitude, ((0, 0), *pads))
        signs = np.pad(signs, ((0, 0), *pads, (0, 0)))
    rows, columns = ((n - size) // strides + 1 for n in signs.shape[1:3])
    alpha = np.abs(kernel).mean(axis=(0, 1, 2))
    out = np.empty((len(x), rows, columns, kernel.shape[-1]))
    for i in range(rows):
        for j in range(columns):
            at = np.s_[:, i * strides : i * strides + size, j * strides : j * strides + size]
            dots = np.tensordot(signs[at], sign(kernel).astype(np.float64), 3)
            out[:, i, j] = dots * alpha * magnitude[at].mean(axis=(1, 2))[:, None]
    return out + bias


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("strides", [1, 2])
def test_scaled_convolution_is_the_papers_equation(same, strides):
    layer = layers.ScaledBinaryConv2D(
        4, 3, strides=strides, padding="same" if same else "valid", scale_inputs=True
    )
    built(layer, (7, 8, 5))
    x = draw(2, 7, 8, 5, seed=8)
    np.testing.assert_allclose(value(layer(x)), expected_scaled(layer, x, strides, same), rtol=1e-5, atol=1e-5)


def test_scaled_convolution_without_input_scale_is_a_quantized_convolution():
    x = draw(2, 6, 6, 5, seed=8)
    ours = built(layers.ScaledBinaryConv2D(4, 3), (6, 6, 5))
    plain = built(
        layers.QuantConv2D(4, 3, input_quantizer="ste_sign", kernel_quantizer="magnitude_aware_sign"), (6, 6, 5)
    )
    np.testing.assert_array_equal(value(ours(x)), value(plain(x)))


def test_the_input_scale_is_a_constant_for_the_gradient():
    tf = pytest.importorskip("tensorflow")
    layer = built(layers.ScaledBinaryConv2D(4, 2, scale_inputs=True, use_bias=False), (3, 3, 2))
    x = np.full((1, 3, 3, 2), 2.0, np.float32)  # outside of the sign's window: no gradient but through K
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        outputs = layer(tensor)
    np.testing.assert_array_equal(tape.gradient(outputs, tensor), np.zeros_like(x))


@pytest.mark.parametrize(
    "arguments", [{"groups": 2}, {"dilation_rate": 2}, {"data_format": "channels_first"}], ids=str
)
def test_input_scale_refuses_what_it_cannot_do(arguments):
    with pytest.raises(TrainingError, match=r"'early'.*scale_inputs"):
        layers.ScaledBinaryConv2D(4, 3, scale_inputs=True, name="early", **arguments)
    layers.ScaledBinaryConv2D(4, 3, **arguments)


def test_input_scale_needs_extents_only_with_strides():
    inputs = keras.Input((None, None, 2))
    layers.ScaledBinaryConv2D(3, 3, padding="same", scale_inputs=True)(inputs)
    with pytest.raises(TrainingError, match="known input height and width"):
        layers.ScaledBinaryConv2D(3, 3, strides=2, padding="same", scale_inputs=True)(inputs)


# -- files ----------------------------------------------------------------------------------------------------


def models():
    for (quantized, _, shape, arguments, kinds), name in zip(KINDS, NAMES):
        yield pytest.param(shape, lambda q=quantized, a=arguments, k=kinds: q(**a, **k), id=name)
    for padding in ("valid", "same"):
        make = lambda p=padding: layers.ScaledBinaryConv2D(  # noqa: E731
            4, 3, padding=p, strides=2, scale_inputs=True, activation="relu"
        )
        yield pytest.param((9, 8, 5), make, id=f"ScaledBinaryConv2D-{padding}")


@pytest.mark.parametrize(("shape", "make"), list(models()))
def test_a_saved_layer_comes_back_packs_and_runs_as_keras_runs_it(shape, make, tmp_path):
    model = keras.Sequential([keras.Input(shape), make()])
    model.set_weights([draw(*w.shape, seed=i) for i, w in enumerate(model.weights)])
    x = draw(4, *shape, seed=9)
    outputs = model.predict(x, verbose=0)
    for path in (tmp_path / "model.h5", tmp_path / "model.keras"):
        model.save(path)
        loaded = keras.saving.load_model(path)
        assert loaded.layers[0].get_config() == model.layers[0].get_config()
        np.testing.assert_array_equal(loaded.predict(x, verbose=0), outputs)
        result = xlite.convert(path, strict=True)
        assert result.report.macs.keys() <= {"bitxbit"}
        assert xlite.verify(model, result.data, x).ok
        got = np.concatenate([xlite.Interpreter(result.data)(x[i : i + 1]) for i in range(len(x))])
        np.testing.assert_allclose(got, outputs, rtol=1e-5, atol=1e-5)
