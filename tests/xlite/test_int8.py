"""The int8 fake quantizers: closed forms of values and gradients, save and load, and what the converter makes of
them."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from tests.xlite.test_quantizers import gradient  # noqa: E402
from xlite import layers, quantizers  # noqa: E402
from xlite.interpreter import Interpreter  # noqa: E402
from xlite.schema.errors import ConversionError, TrainingError  # noqa: E402

F = np.float32


def kernel_levels(w):
    largest = np.abs(w).max(axis=tuple(range(w.ndim - 1)), keepdims=True)
    scale = np.where(largest > 0, largest, F(1)) / F(127)
    return np.round(w / scale) * scale


def input_levels(x, low, high):
    scale = (F(high) - F(low)) / F(255)
    zero = np.round(-F(low) / scale)
    value = (np.clip(np.round(x / scale) + zero, 0, 255) - zero) * scale
    return value, (x >= (0 - zero) * scale) & (x <= (255 - zero) * scale)


@pytest.mark.parametrize("compiled", ["eager", "graph"])
@pytest.mark.parametrize("shape", [(9,), (37, 5), (3, 3, 8, 6), (3, 3, 4, 2)])
def test_kernels_take_steps_of_the_largest_weight(shape, compiled):
    rng = np.random.default_rng(len(shape))
    w = rng.normal(size=shape).astype(F)
    w[..., 0] *= 0  # a filter of zeros
    upstream = rng.normal(size=shape).astype(F)
    outputs, slope = gradient(quantizers.Int8(), w, upstream, compiled)
    np.testing.assert_array_equal(outputs, kernel_levels(w))
    np.testing.assert_array_equal(slope, upstream)
    assert np.abs(outputs - w).max() <= np.abs(w).max() / 127 / 2 * 1.001


RANGES = [(-1.0, 1.0), (0.0, 6.0), (-3.0, 0.0), (-0.3, 2.7)]


@pytest.mark.parametrize("compiled", ["eager", "graph"])
@pytest.mark.parametrize(("low", "high"), RANGES)
def test_inputs_take_256_levels_with_zero_among_them(low, high, compiled):
    rng = np.random.default_rng(0)
    x = rng.uniform(low - 1, high + 1, (50, 40)).astype(F)
    x[0, :6] = 0.0, -0.0, low, high, 1e30, -1e30
    upstream = rng.normal(size=x.shape).astype(F)
    outputs, slope = gradient(quantizers.Int8Input(low, high), x, upstream, compiled)
    expected, inside = input_levels(x, low, high)
    np.testing.assert_array_equal(outputs, expected)
    np.testing.assert_array_equal(slope, upstream * inside)
    assert (outputs[0, :2] == 0).all()
    assert len(np.unique(outputs)) <= 256
    step = (high - low) / 255
    assert (
        np.abs(outputs - np.clip(x, low, high)).max() <= step * 1.001
    )  # half a step, and half that levels moved by


def test_inputs_are_quantized_in_a_functional_model_that_is_saved(tmp_path):
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, quantizers.int8_input(image, -0.5, 1.0))
    model.save(tmp_path / "model.keras")
    x = np.random.default_rng(3).uniform(-1, 2, (2, 4, 4, 3)).astype(F)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(loaded(x)), input_levels(x, -0.5, 1.0)[0])


@pytest.mark.parametrize("ends", [(0.5, 1), (-1, -0.5), (0, 0), (1, -1), (float("nan"), 1), (-1, float("inf"))])
def test_ranges_without_zero_are_refused(ends):
    with pytest.raises(TrainingError, match="give a range with 0 in it"):
        quantizers.Int8Input(*ends)
    with pytest.raises(TrainingError, match="give a range with 0 in it"):
        layers.Int8Range(*ends)


def test_by_name_and_back():
    assert isinstance(quantizers.get("int8"), quantizers.Int8)
    made = quantizers.get(quantizers.serialize(quantizers.Int8Input(-0.5, 2.0)))
    assert (made.low, made.high) == (-0.5, 2.0)
    assert isinstance(quantizers.get(quantizers.int8), quantizers.Int8)
    assert isinstance(quantizers.get(quantizers.int8_input), quantizers.Int8Input)


# -- a learned range -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_the_ends_learn_from_what_lies_beyond(low, high):
    tf = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(1)
    x = rng.uniform(low - 1, high + 1, (20, 30)).astype(F)
    upstream = rng.normal(size=x.shape).astype(F)
    layer = layers.Int8Range(low, high)
    layer.build(x.shape)
    with tf.GradientTape() as tape:
        value = tf.constant(x)
        tape.watch(value)
        outputs = layer(value)
    slope, by_low, by_high = tape.gradient(
        outputs, [value, layer.low.value, layer.high.value], output_gradients=tf.constant(upstream)
    )
    expected, inside = input_levels(x, low, high)
    np.testing.assert_array_equal(outputs.numpy(), expected)
    np.testing.assert_array_equal(slope.numpy(), upstream * inside)
    sums = {"low": upstream[~inside & (x < 0)].sum(), "high": upstream[~inside & (x > 0)].sum()}
    for name, found, end in (("low", by_low, low), ("high", by_high, high)):
        if end != 0:  # an end that is held at 0 may have a gradient of either kind
            np.testing.assert_allclose(found.numpy(), sums[name], rtol=1e-5)


def test_ends_that_crossed_are_put_right():
    layer = layers.Int8Range(-1.0, 1.0)
    layer.build((1, 3))
    layer.low.assign(0.5)
    layer.high.assign(-2.0)
    assert np.isfinite(np.asarray(layer(np.array([[-1.0, 0.0, 1.0]], F)))).all()


# -- through files and the converter -------------------------------------------------------------------------


def network(first, last_input="ste_sign"):
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3), name="image"),
            *first,
            keras.layers.BatchNormalization(name="norm"),
            layers.QuantConv2D(
                32, 3, input_quantizer="ste_sign", kernel_quantizer="ste_sign", use_bias=False, name="middle"
            ),
            keras.layers.BatchNormalization(name="middle_norm"),
            keras.layers.Flatten(name="flatten"),
            layers.QuantDense(10, input_quantizer=last_input, kernel_quantizer="int8", name="scores"),
        ]
    )
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            n = layer.gamma.shape[0]
            layer.set_weights([rng.normal(size=n), rng.normal(size=n), rng.normal(size=n), rng.uniform(0.5, 9, n)])
    return model


def stem(**quantized):
    return layers.QuantConv2D(16, 3, padding="same", name="stem", **quantized)


NETWORKS = {
    "fixed": lambda: network([stem(input_quantizer=quantizers.Int8Input(-2.0, 3.0), kernel_quantizer="int8")]),
    "by name": lambda: network([stem(input_quantizer="int8_input", kernel_quantizer="int8")]),
    "learned": lambda: network([layers.Int8Range(-2.0, 3.0, name="range"), stem(kernel_quantizer="int8")]),
    "binary": lambda: network([layers.Int8Range(-2.0, 3.0, name="range"), stem(kernel_quantizer="ste_sign")]),
}


@pytest.mark.parametrize("suffix", ["h5", "keras"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_with_int8_ends_runs_in_integers(name, suffix, tmp_path):
    model = NETWORKS[name]()
    path = tmp_path / f"model.{suffix}"
    model.save(path)
    x = np.random.default_rng(1).normal(size=(8, 12, 12, 3)).astype(F) * 2
    again = keras.saving.load_model(path)
    np.testing.assert_array_equal(np.asarray(again(x)), np.asarray(model(x)))
    result = xlite.convert(path, strict=True)
    kinds = [node.kind.name for node in result.graph.nodes]
    assert kinds == ["QUANTIZE", "CONV_2D", "CONV_2D", "RESHAPE", "DENSE"]
    packed = [
        (node.inputs[0].type.dtype.short, node.inputs[1].type.dtype.short)
        for node in result.graph.nodes[1:]
        if len(node.inputs) > 1
    ]
    assert packed == [("u8", "bit" if name == "binary" else "i8"), ("bit", "bit"), ("bit", "i8")]
    rows = {row.name: row.status for row in result.report.layers}
    assert (rows["stem"], rows["scores"]) == ("packed" if name == "binary" else "int8", "int8")
    found = xlite.verify(model, result.data, x)
    assert found.ok
    scores = Interpreter(result.data)(x)
    same = [i for i in range(len(x)) if i not in {flip.sample for flip in found.flips}]
    expected = np.asarray(model(x))
    np.testing.assert_allclose(scores[same], expected[same], rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert len(same) >= 6


def test_without_a_range_the_converter_refuses_inputs(tmp_path):
    model = network([stem(input_quantizer="int8", kernel_quantizer="int8")])
    with pytest.raises(ConversionError, match="'int8', whose scale would follow each batch; use 'int8_input'"):
        xlite.convert(model)


def test_kernels_that_are_int8_take_a_byte_a_weight():
    model = keras.Sequential([keras.Input((64,)), layers.QuantDense(40, kernel_quantizer="int8", name="dense")])
    result = xlite.convert(model)
    (row,) = [row for row in result.report.layers if row.name == "dense"]
    assert row.status == "weights packed"
    assert row.bytes_after == 64 * 40 + 2 * 4 * 40
    assert result.report.information_bytes == row.bytes_after
    x = np.random.default_rng(2).normal(size=(5, 64)).astype(F)
    np.testing.assert_allclose(Interpreter(result.data)(x), np.asarray(model(x)), rtol=1e-5, atol=1e-5)
