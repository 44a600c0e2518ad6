"""RSign and RPReLU: closed forms, gradients of their own weights, round trips, and that signs of either pack."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from xlite import layers  # noqa: E402

pytestmark = pytest.mark.keras


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 0.7, shape).astype(np.float32)


def filled(layer, shape):
    layer.build((None, *shape))
    for seed, weight in enumerate(layer.weights):
        weight.assign(draw(*weight.shape, seed=10 + seed))
    return layer, [keras.ops.convert_to_numpy(weight) for weight in layer.weights]


def run(layer, x):
    """(outputs, gradients of their sum for the input and each weight), from TensorFlow."""
    tf = pytest.importorskip("tensorflow")
    value = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(value)
        outputs = layer(value)
    sources = [value, *(weight.value for weight in layer.trainable_weights)]
    return outputs.numpy(), [g.numpy() for g in tape.gradient(outputs, sources)]


@pytest.mark.parametrize("shape", [(6,), (5, 7), (4, 5, 3)])
def test_rsign_is_the_sign_of_the_shifted_input(shape):
    layer, (shift,) = filled(layers.RSign(), shape)
    x = draw(3, *shape)
    x[0] = shift  # exactly at the threshold: +1
    outputs, (by_input, by_shift) = run(layer, x)
    np.testing.assert_array_equal(outputs, np.where(x < shift, np.float32(-1), np.float32(1)))
    slope = np.maximum(2 - 2 * np.abs(x - shift), 0)
    np.testing.assert_allclose(by_input, slope, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(by_shift, -slope.reshape(-1, shape[-1]).sum(0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(6,), (5, 7), (4, 5, 3)])
def test_rprelu_is_a_prelu_between_two_shifts(shape):
    layer, (shift_in, alpha, shift_out) = filled(layers.RPReLU(), shape)
    x = draw(3, *shape)
    outputs, (by_input, by_in, by_alpha, by_out) = run(layer, x)
    y = x - shift_in
    np.testing.assert_allclose(outputs, np.where(y > 0, y, alpha * y) + shift_out, rtol=1e-6, atol=1e-6)
    slope = np.where(y > 0, 1, alpha)
    sums = [a.reshape(-1, shape[-1]).sum(0) for a in (-slope, np.minimum(y, 0), np.ones_like(y))]
    np.testing.assert_allclose(by_input, np.broadcast_to(slope, x.shape), rtol=1e-6)
    for found, expected in zip((by_in, by_alpha, by_out), sums):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", [layers.RSign("ones"), layers.RPReLU(0.1), layers.RPReLU("zeros")], ids=repr)
def test_configs_round_trip(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    for a, b in zip(filled_as_made(layer), filled_as_made(again)):
        np.testing.assert_array_equal(a, b)


def filled_as_made(layer):
    layer = type(layer).from_config(layer.get_config())
    layer.build((None, 4))
    return layer.get_weights()


@pytest.mark.parametrize("extension", ["h5", "keras"])
def test_convolutions_behind_one_rsign_pack_and_give_what_keras_gives(extension, tmp_path):
    x = image = keras.Input((6, 5, 40))
    signs = layers.RSign(name="signs")(x)
    both = [layers.QuantConv2D(8, 1, kernel_quantizer="ste_sign", name=f"conv{i}")(signs) for i in (0, 1)]
    x = layers.RPReLU(name="prelu")(keras.layers.Concatenate()(both))
    x = layers.QuantDense(3, kernel_quantizer="ste_sign", name="dense")(layers.RSign(name="again")(x))
    model = keras.Model(image, x)
    for seed, weight in enumerate(model.weights):
        weight.assign(draw(*weight.shape, seed=seed))
    path = tmp_path / f"model.{extension}"
    model.save(path)
    result = xlite.convert(path, strict=True)
    assert set(result.report.macs) == {"bitxbit"}
    assert xlite.verify(model, result.data, draw(8, 6, 5, 40, seed=3)).ok
