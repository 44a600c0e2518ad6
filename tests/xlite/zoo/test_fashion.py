"""The demo network: its shape, its float twin, and that it learns what can be learnt in seconds."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from xlite import layers  # noqa: E402
from xlite.zoo import fashion  # noqa: E402

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


def test_network_learns():
    """Two classes, bright above or bright below, under noise: a network that trains at all tells them apart.
    Enough steps for the batch norms' moving averages to arrive."""
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, 320)
    images = rng.uniform(0, 0.5, (320, 28, 28, 1)).astype(np.float32)
    images[labels == 0, :14] += 0.35
    images[labels == 1, 14:] += 0.35
    keras.utils.set_random_seed(1)
    model = fashion.fashion_net(SMALL, classes=2)
    model.compile(
        keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    model.fit(images[:256], labels[:256], batch_size=8, epochs=8, verbose=0)
    assert model.evaluate(images[256:], labels[256:], verbose=0)[1] > 0.9
