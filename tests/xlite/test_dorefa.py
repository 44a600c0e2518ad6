"""DoReFa-Net's quantizers: exact levels, gradients in closed form, round trips, and what the converter makes of
them."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import xlite  # noqa: E402
from xlite import layers, quantizers  # noqa: E402
from xlite.schema.errors import TrainingError  # noqa: E402

pytestmark = pytest.mark.keras


def gradient(function, x):
    """(outputs, d sum(outputs) / d x), from TensorFlow."""
    tf = pytest.importorskip("tensorflow")
    value = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(value)
        outputs = function(value)
    return outputs.numpy(), tape.gradient(outputs, value).numpy()


def draw(*shape, seed=0):
    return np.random.default_rng(seed).normal(0.3, 0.6, shape).astype(np.float32)


@pytest.mark.parametrize("bits", range(1, 9))
def test_activations_round_to_equal_steps_and_pass_gradients_inside(bits):
    x = np.concatenate([draw(500), np.array([0.0, -0.0, 1.0, np.nextafter(np.float32(1), np.float32(2))])])
    x = x.astype(np.float32)
    outputs, slope = gradient(quantizers.DoReFa(bits), x)
    steps = np.float32(2**bits - 1)
    np.testing.assert_array_equal(outputs, np.round(np.clip(x, 0, 1) * steps) / steps)
    np.testing.assert_array_equal(slope, ((x >= 0) & (x <= 1)).astype(np.float32))
    assert len(np.unique(outputs)) <= 2**bits


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_weights_have_levels_from_minus_one_to_one_and_the_gradient_of_tanh(bits):
    w = draw(3, 3, 5, 7, seed=bits) - np.float32(0.3)
    outputs, slope = gradient(quantizers.DoReFa(bits, mode="weights"), w)
    steps = 2**bits - 1
    levels = (outputs + 1) / 2 * steps
    np.testing.assert_allclose(levels, np.round(levels), atol=1e-4)
    assert outputs.min() == -1
    assert np.abs(outputs).max() == 1
    limited = np.tanh(w.astype(np.float64))
    largest = np.abs(limited).max()
    inner = np.abs(limited) < largest * 0.999  # the largest one's own gradient also flows through the maximum
    np.testing.assert_allclose(slope[inner], ((1 - limited**2) / largest)[inner], rtol=1e-4)


def test_weights_that_are_all_zero_stay_finite():
    outputs, slope = gradient(quantizers.DoReFa(2, mode="weights"), np.zeros((3, 4), np.float32))
    assert np.isfinite(outputs).all()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("shape", [(9,), (37, 5), (3, 3, 4, 2)])
def test_layer_scaled_sign_has_one_level_for_the_whole_kernel(shape):
    w = draw(*shape, seed=2)
    w.flat[:2] = 0.0, -0.0
    outputs, slope = gradient(quantizers.LayerScaledSign(), w)
    level = np.abs(outputs).max()
    np.testing.assert_array_equal(outputs, np.where(w < 0, -level, level))
    np.testing.assert_allclose(level, np.abs(w).mean(dtype=np.float64), rtol=1e-6)
    np.testing.assert_array_equal(slope, 1)


@pytest.mark.parametrize(
    "quantizer",
    [quantizers.DoReFa(), quantizers.DoReFa(3), quantizers.DoReFa(1, "weights"), quantizers.LayerScaledSign()],
    ids=repr,
)
def test_round_trips(quantizer):
    again = quantizers.get(quantizers.serialize(quantizer))
    assert type(again) is type(quantizer)
    assert again.get_config() == quantizer.get_config()


@pytest.mark.parametrize("alias", ["dorefa", "layer_scaled_sign"])
def test_alias_function_and_class_mean_the_same(alias):
    expected = type(quantizers.get(alias))
    for spelling in (getattr(quantizers, alias), expected, expected.__name__, f"xlite>{expected.__name__}"):
        assert type(quantizers.get(spelling)) is expected
    x = draw(5, 4)
    np.testing.assert_array_equal(getattr(quantizers, alias)(x), quantizers.get(alias)(x))


@pytest.mark.parametrize("arguments", [{"k_bit": 0}, {"k_bit": 9}, {"k_bit": 2.5}, {"mode": "both"}], ids=str)
def test_what_makes_no_sense_is_refused(arguments):
    with pytest.raises(TrainingError, match=next(iter(arguments))):
        quantizers.DoReFa(**arguments)


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_layers_with_them_pack_and_give_what_keras_gives(bits, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((9, 8, 5)),
            layers.QuantConv2D(
                6, 3, input_quantizer=quantizers.DoReFa(bits), kernel_quantizer="layer_scaled_sign"
            ),
            keras.layers.Flatten(),
            layers.QuantDense(
                4, input_quantizer=quantizers.DoReFa(bits), kernel_quantizer=quantizers.DoReFa(1, "weights")
            ),
        ]
    )
    for seed, weight in enumerate(model.weights):
        weight.assign(draw(*weight.shape, seed=seed) - 0.3)
    model.save(tmp_path / "model.keras")
    result = xlite.convert(tmp_path / "model.keras", strict=True)
    assert set(result.report.macs) == {"bitxbit"}
    assert xlite.verify(model, result.data, draw(8, 9, 8, 5, seed=9)).ok
