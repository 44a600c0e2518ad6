"""Random weights: the same for a seed, and nothing in the network degenerate under them."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from tests.xlite.zoo.networks import SMALL  # noqa: E402
from xlite import zoo  # noqa: E402
from xlite.zoo.random_weights import pictures  # noqa: E402

pytestmark = pytest.mark.keras


def small(name, seed):
    return zoo.randomize(getattr(zoo, name)(**SMALL[name]), seed)


def test_a_seed_gives_the_same_weights():
    first, second, other = small("keyword_net", 7), small("keyword_net", 7), small("keyword_net", 8)
    for a, b in zip(first.get_weights(), second.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    differ = [not np.array_equal(a, b) for a, b in zip(first.get_weights(), other.get_weights())]
    assert all(differ)


@pytest.mark.parametrize("name", ["birealnet18", "tiny_vgg", "binary_alexnet"])
def test_signs_are_mixed_before_every_binary_layer(name):
    """On images that the statistics were not taken from; without them whole layers see one sign."""
    model = small(name, 1)
    images = pictures(model.input_shape[1:], 4, np.random.default_rng(5))
    binary = [layer for layer in model.layers if getattr(layer, "input_quantizer", None) is not None]
    assert binary
    inputs = keras.Model(model.input, [layer.input for layer in binary])(images, training=False)
    for layer, value in zip(binary, inputs):
        share = np.mean(keras.ops.convert_to_numpy(value) < 0)
        assert 0.1 < share < 0.9, layer.name
        kernel = keras.ops.convert_to_numpy(layer.kernel)
        assert 0.4 < np.mean(kernel < 0) < 0.6, layer.name


def test_batch_norms_have_gammas_of_both_signs_and_variances_above_zero():
    model = small("tiny_quicknet", 1)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    gammas = np.concatenate([keras.ops.convert_to_numpy(layer.gamma) for layer in norms if layer.scale])
    assert 0.3 < np.mean(gammas < 0) < 0.7
    assert np.abs(gammas).min() >= 0.5
    for layer in norms:
        assert keras.ops.convert_to_numpy(layer.moving_variance).min() > 0
        assert layer.momentum > 0  # as it was


@pytest.mark.parametrize("name", ["birealnet18", "xnornet", "binary_alexnet"])
def test_images_differ_in_their_class(name):
    """With a last bias, without one, and with a batch norm behind."""
    model = small(name, 2)
    images = pictures(model.input_shape[1:], 16, np.random.default_rng(6))
    outputs = keras.ops.convert_to_numpy(model(images, training=False))
    assert np.isfinite(outputs).all()
    assert len(set(outputs.argmax(1))) >= 3


def test_a_sequential_model_is_filled_too():
    layers = [keras.Input((6,)), keras.layers.Dense(5), keras.layers.BatchNormalization(), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    images = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    found = keras.ops.convert_to_numpy(zoo.randomize(model, seed=1, images=images)(images, training=False))
    np.testing.assert_allclose(found.std(0), 1.5, rtol=0.01)


def test_fixed_layers_stay():
    model = small("tiny_quicknet", 3)
    blurs = [layer for layer in model.layers if not layer.trainable]
    assert len(blurs) == 2
    for layer in blurs:
        np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.kernel).sum((0, 1)), 1.0)


def test_pictures_are_in_range_and_differ():
    found = pictures((20, 30, 3), 3, np.random.default_rng(0))
    assert found.shape == (3, 20, 30, 3)
    assert found.dtype == np.float32
    assert np.abs(found).max() <= 1
    assert np.array_equal(found * 64, np.round(found * 64))
    assert pictures((49, 40), 2, np.random.default_rng(0)).shape == (2, 49, 40)
