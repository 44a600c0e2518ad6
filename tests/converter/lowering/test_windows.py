"""Convolutions of every dimension, transposed and separable, and pooling, against Keras."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from tests.converter.evaluate import evaluate  # noqa: E402
from tests.converter.lowering.checking import inputs_of, one, seeded  # noqa: E402
from xlite.converter.frontend import read  # noqa: E402
from xlite.converter.lowering import lower  # noqa: E402

L = keras.layers
STEPS = ({}, {"strides": 2}, {"dilation_rate": 2})
SHAPES = {1: (9, 4), 2: (7, 6, 4), 3: (5, 6, 4, 4)}


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize("step", STEPS, ids=str)
@pytest.mark.parametrize("taps", [1, 3, 4])
def test_conv_1d(padding, step, taps):
    one(L.Conv1D(3, taps, padding=padding, **step), (11, 4))


def test_conv_1d_options():
    one(L.Conv1D(6, 3, groups=2, activation="relu"), (9, 4))
    one(L.Conv1D(6, 3, use_bias=False, activation="softmax"), (9, 4))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("step", [*STEPS, {"strides": (1, 2, 3)}], ids=str)
def test_conv_3d(padding, step):
    one(L.Conv3D(3, (2, 3, 1), padding=padding, **step), SHAPES[3])
    one(L.Conv3D(6, 2, groups=2, padding=padding, use_bias=False, activation="relu", **step), SHAPES[3])


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("taps", "strides"), [*itertools.product((1, 2, 3, 4, 5), (1, 2, 3))])
def test_conv_2d_transpose(padding, taps, strides):
    one(L.Conv2DTranspose(3, taps, strides=strides, padding=padding), (4, 5, 2))


@pytest.mark.parametrize(
    ("padding", "taps", "extra"),  # TensorFlow refuses an even window without output padding
    [
        (p, t, e)
        for p, t, e in itertools.product(("valid", "same"), (3, 4), (0, 1, 2))
        if (p, t, e) != ("same", 4, 0)
    ],
)
def test_output_padding(padding, taps, extra):
    one(L.Conv2DTranspose(3, taps, strides=3, padding=padding, output_padding=extra), (4, 5, 2))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_conv_2d_transpose_options(padding):
    one(L.Conv2DTranspose(3, (2, 3), strides=(3, 1), padding=padding, activation="tanh"), (4, 5, 2))


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_dilated_conv_2d_transpose(padding):
    """TensorFlow has none on the CPU; a window with zeros between its taps is the same."""
    dilated = L.Conv2DTranspose(3, 3, dilation_rate=2, padding=padding)
    spread = L.Conv2DTranspose(3, 5, padding=padding)
    shape = (4, 5, 2)
    models = [seeded(keras.Sequential([keras.Input(shape), layer])) for layer in (dilated, spread)]
    kernel, bias = dilated.get_weights()
    wide = np.zeros((5, 5, 3, 2), np.float32)
    wide[::2, ::2] = kernel
    spread.set_weights([wide, bias])
    (x,) = inputs_of(models[0])
    (got,) = evaluate(lower(read(models[0])), x)
    np.testing.assert_allclose(got, models[1].predict_on_batch(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 2, 3])
def test_other_transposes(padding, strides):
    one(L.Conv1DTranspose(3, 4, strides=strides, padding=padding), (5, 2))
    one(L.Conv3DTranspose(3, (2, 3, 1), strides=strides, padding=padding), (2, 3, 2, 2))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("step", STEPS, ids=str)
@pytest.mark.parametrize("multiplier", [1, 3])
def test_separable(padding, step, multiplier):
    options = {"padding": padding, "depth_multiplier": multiplier, **step}
    one(L.SeparableConv2D(5, 3, activation="relu", **options), SHAPES[2])
    one(L.SeparableConv1D(5, 3, use_bias=False, **options), SHAPES[1])
    one(L.DepthwiseConv1D(3, **options), SHAPES[1])


@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "strides"), [(2, None), (3, 1), (3, 2), (2, 3)])
def test_pooling(kind, axes, padding, size, strides):
    pool = getattr(L, f"{kind}Pooling{axes}D")
    one(pool(size, strides=strides, padding=padding), SHAPES[axes])


@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("keepdims", [True, False])
def test_global_pooling(kind, axes, keepdims):
    one(getattr(L, f"Global{kind}Pooling{axes}D")(keepdims=keepdims), SHAPES[axes])
