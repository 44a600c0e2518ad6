"""The demo network: its shape, its float twin, its recipe on data that a network can learn in seconds."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite import layers  # noqa: E402
from xlite.zoo import datasets, fashion  # noqa: E402

SMALL = fashion.Widths(stem=4, first=8, second=8, third=8, dense=16)


def test_network_is_binary_between_a_float_first_and_a_float_last_layer():
    net = fashion.fashion_net()
    weighted = [k for k in net.layers if isinstance(k, (keras.layers.Conv2D, keras.layers.Dense))]
    binary = [k for k in weighted if isinstance(k, (layers.QuantConv2D, layers.QuantDense))]
    assert weighted[1:-1] == binary
    assert sum(isinstance(k, layers.QuantConv2D) for k in binary) >= 2
    assert sum(isinstance(k, layers.QuantDense) for k in binary) >= 1
    assert any(k.padding == "same" and k.pad_values == 0 for k in binary if isinstance(k, layers.QuantConv2D))
    for layer in binary:
        assert layer.input_quantizer is not None
        assert layer.kernel_quantizer is not None
        assert not layer.use_bias
    assert net.input_shape == (None, 28, 28, 1)
    assert net.output_shape == (None, 10)


def test_float_twin_has_the_same_weights_and_no_quantizer():
    net, twin = fashion.fashion_net(SMALL), fashion.fashion_float_twin(SMALL)
    assert [w.shape for w in net.weights] == [w.shape for w in twin.weights]
    assert not any(type(k).__module__.startswith("xlite") for k in twin.layers)
    relus = [k for k in twin.layers if isinstance(k, keras.layers.Activation)]
    assert len(relus) == sum(k.name.endswith("_norm") for k in net.layers)


def test_recipe_learns():
    """Two classes, bright above or bright below, under noise: a network that trains at all tells them apart.
    Enough steps for the batch norms' moving averages to arrive."""
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, 320, dtype=np.uint8)
    images = rng.integers(0, 120, (320, 28, 28))
    images[:, :14] += np.where(labels == 0, 90, 0)[:, None, None]
    images[:, 14:] += np.where(labels == 1, 90, 0)[:, None, None]
    images = images.astype(np.uint8)
    data = datasets.ImageSet(images[:256], labels[:256], images[256:], labels[256:], source="made up")
    keras.utils.set_random_seed(1)
    model = fashion.fashion_net(SMALL, classes=2)
    accuracy = fashion.train(model, data, fashion.Recipe(epochs=8, batch_size=8), verbose=0)
    probabilities = model.predict(datasets.to_float(data.test_images), verbose=0)
    assert accuracy == np.mean(probabilities.argmax(1) == data.test_labels)
    assert accuracy > 0.9
