"""Names on Keras's side are those that the converter gives tensors."""

from __future__ import annotations

import numpy as np
import pytest

import xlite
from xlite.schema.errors import InputError

pytestmark = pytest.mark.keras


@pytest.fixture
def keras():
    import keras

    keras.utils.set_random_seed(3)
    return keras


def checked(model, **options):
    result = xlite.verify(model, xlite.convert(model).data, samples=4, backend="numpy", **options)
    assert result.ok, result
    return {check.name for check in result.tensors}, result


def test_sequential(keras):
    from xlite.layers import QuantConv2D, QuantDense

    binary = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign"}
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3), name="image"),
            keras.layers.Conv2D(16, 3, name="first"),
            keras.layers.BatchNormalization(name="norm"),
            QuantConv2D(40, 3, padding="same", name="second", **binary),
            keras.layers.BatchNormalization(name="norm2"),
            keras.layers.Flatten(name="flat"),
            QuantDense(5, name="last", **binary),
        ]
    )
    names, result = checked(model)
    assert {"first", "norm", "norm:sign", "norm2:sign", "last"} <= names
    assert result.unmatched == ["second"]  # it lives in a threshold


def test_nested_and_shared_layers(keras):
    block = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(6, activation="tanh", name="inside")], name="block"
    )
    shared = keras.layers.Dense(6, name="twice")
    x = keras.Input((6,), name="x")
    y = shared(x)
    y = keras.layers.ReLU(name="relu")(y)
    y = block(y)
    y = shared(y)
    model = keras.Model(x, keras.layers.Softmax(name="soft")(y))
    names, result = checked(model)
    assert {"relu", "block/inside", "twice:1", "soft"} <= names
    assert result.unmatched == ["twice"]  # its first call has the ReLU fused into it


def test_several_inputs_and_outputs(keras):
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    total = keras.layers.Add(name="total")([a, b])
    model = keras.Model(
        [a, b], [keras.layers.Dense(3, name="left")(total), keras.layers.Dense(4, name="right")(total)]
    )
    _, result = checked(model)
    assert [output.name for output in result.outputs] == ["left", "right"]


def test_the_model_is_as_before_afterwards(keras):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="only")])
    before = model(np.ones((1, 4), np.float32)).numpy()
    checked(model)
    assert "call" not in vars(model.layers[0])
    np.testing.assert_array_equal(model(np.ones((1, 4), np.float32)).numpy(), before)


def test_another_number_of_inputs_is_refused(keras):
    one = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    a, b = keras.Input((4,)), keras.Input((4,))
    two = keras.Model([a, b], keras.layers.Add()([a, b]))
    with pytest.raises(InputError, match="2 inputs"):
        xlite.verify(two, xlite.convert(one).data)


@pytest.mark.parametrize("gamma", [-1.0, 1.0])
def test_a_batch_norm_that_cancels_its_terms_counts_by_its_terms(keras, gamma):
    """Where mean and beta are huge and the output is small, rounding is that of the huge terms."""
    from xlite.layers import QuantConv2D

    norm = keras.layers.BatchNormalization(name="norm", epsilon=0.0)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Conv2D(8, 3, name="first"),
            norm,
            QuantConv2D(4, 3, input_quantizer="ste_sign", kernel_quantizer="ste_sign", name="second"),
        ]
    )
    channels = np.ones(8, np.float32)
    norm.set_weights([gamma * channels, 0 * channels, 1000 * gamma * channels * 0, channels])
    checked(model)
    from xlite.verification.keras_source import _largest_terms

    norm.set_weights([2 * gamma * channels, 5 * channels, -300 * channels, 4 * channels])
    (terms,) = _largest_terms(norm)
    np.testing.assert_allclose(terms, 2 * 300 / 2 + 5, rtol=1e-6)
