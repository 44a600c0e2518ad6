"""Activations, merges, layers on shapes, normalizations and embeddings against Keras."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")
pytestmark = pytest.mark.keras

from tests.converter.evaluate import evaluate  # noqa: E402
from tests.converter.lowering.checking import check, one  # noqa: E402
from xlite.converter.frontend import read  # noqa: E402
from xlite.converter.lowering import lower  # noqa: E402
from xlite.schema.errors import ConversionError  # noqa: E402
from xlite.schema.types import DType  # noqa: E402

L = keras.layers

ACTIVATIONS = [
    "celu",
    "elu",
    "selu",
    "softplus",
    "softsign",
    "squareplus",
    "soft_shrink",
    "sparse_plus",
    "silu",
    "swish",
    "gelu",
    "glu",
    "tanh_shrink",
    "sparse_sigmoid",
    "exponential",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "hard_shrink",
    "mish",
    "log_softmax",
    "log_sigmoid",
    "relu6",
    "leaky_relu",
]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    one(L.Activation(name), (4, 3, 6))
    one(L.Dense(6, activation=name), (5,))


def test_every_activation_of_keras_is_known():
    """But 'threshold', which takes arguments and so cannot be named, and 'sparsemax', which is refused."""
    from xlite.converter.lowering.activations import _ACTIVATIONS

    theirs = {function.__name__ for function in keras.src.activations.ALL_OBJECTS}
    assert theirs - {"threshold"} <= set(_ACTIVATIONS)
    with pytest.raises(ConversionError, match="sparsemax"):
        one(L.Activation("sparsemax"))


def test_layers_of_activation():
    one(L.ELU(alpha=0.7))
    one(L.Dense(4, activation=L.ELU(alpha=0.3)))


@pytest.mark.parametrize("axis", [1, 2, 3, -2, (1, 2), (1, 3)])
def test_softmax_over_any_axis(axis):
    one(L.Softmax(axis=axis), (4, 3, 5))


def two(make, *shapes):
    inputs = [keras.Input(shape) for shape in shapes]
    return check(keras.Model(inputs, make(inputs)))


@pytest.mark.parametrize("layer", [L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum])
@pytest.mark.parametrize("shapes", [((4, 3), (4, 3)), ((4, 3), (1, 3)), ((4, 1), (1, 3)), ((5,), (4, 3, 5))])
def test_merge(layer, shapes):
    two(layer(), *shapes)


@pytest.mark.parametrize("layer", [L.Add, L.Multiply, L.Average, L.Maximum, L.Minimum])
def test_merge_of_three(layer):
    two(layer(), (4, 3), (4, 3), (1, 3))


@pytest.mark.parametrize("axis", [1, 2, 3, -1, -2])
def test_concatenate(axis):
    two(L.Concatenate(axis=axis), (3, 3, 3), (3, 3, 3))


def test_shapes():
    one(L.Permute((2, 1)), (4, 3))
    one(L.Permute((3, 1, 2)), (4, 3, 2))
    one(L.Permute((2, 3, 1)), (4, 1, 2))
    one(L.RepeatVector(4), (3,))
    one(L.ZeroPadding1D(2), (4, 3))
    one(L.ZeroPadding1D((1, 2)), (4, 3))
    one(L.ZeroPadding3D(((1, 0), (2, 3), (0, 1))), (2, 3, 2, 2))
    one(L.ZeroPadding3D((1, 0, 2)), (2, 3, 2, 2))
    one(L.Cropping1D(1), (4, 3))
    one(L.Cropping1D((0, 2)), (4, 3))
    one(L.Cropping2D(((1, 0), (2, 1))), (5, 6, 3))
    one(L.Cropping2D((1, 2)), (5, 6, 3))
    one(L.Cropping3D((1, 0, 1)), (3, 2, 4, 2))
    one(L.Cropping1D(0), (4, 3))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [2, (1, 3), (3, 2)])
def test_up_sampling(interpolation, size):
    one(L.UpSampling2D(size, interpolation=interpolation), (3, 4, 2))


def test_other_up_sampling():
    one(L.UpSampling1D(3), (4, 2))
    one(L.UpSampling3D((2, 1, 3)), (2, 3, 2, 2))
    one(L.Resizing(5, 7), (3, 4, 2))
    one(L.Resizing(6, 4, interpolation="nearest"), (3, 4, 2))


@pytest.mark.parametrize("axis", [-1, 1, (1, 2), (1, 2, 3)])
@pytest.mark.parametrize("options", [{}, {"center": False}, {"scale": False, "epsilon": 0.1}], ids=str)
def test_layer_normalization(axis, options):
    one(L.LayerNormalization(axis=axis, **options), (3, 4, 5))


def test_other_normalizations():
    one(L.LayerNormalization(rms_scaling=True), (4, 6))
    one(L.RMSNormalization(), (4, 6))
    one(L.GroupNormalization(groups=2), (3, 4, 6))
    one(L.GroupNormalization(groups=-1), (3, 4, 6))
    one(L.GroupNormalization(groups=3, axis=2, center=False), (3, 6, 4))
    one(L.UnitNormalization(), (3, 5))
    one(L.UnitNormalization(axis=(1, 2)), (3, 5))


def test_unit_normalization_of_next_to_nothing():
    model = keras.Sequential([keras.Input((3,)), L.UnitNormalization()])
    x = np.array([[1e-8, 2e-8, -2e-8], [1e-6, 0, 0]], np.float32)
    np.testing.assert_allclose(evaluate(lower(read(model)), x)[0], model.predict_on_batch(x), rtol=1e-5)


@pytest.mark.parametrize("axis", [-1, 1, None, (1, 2)])
@pytest.mark.parametrize("invert", [False, True])
def test_normalization(axis, invert):
    rng = np.random.default_rng(0)
    shape = {-1: (5,), 1: (4,), None: (1,), (1, 2): (4, 5)}[axis]
    mean, variance = rng.normal(size=shape), rng.uniform(0.1, 2, shape)
    if axis is None:
        mean, variance = float(mean[0]), float(variance[0])
    one(L.Normalization(axis=axis, mean=mean, variance=variance, invert=invert), (4, 5))


def test_adapted_normalization():
    layer = L.Normalization()
    layer.adapt(np.random.default_rng(0).normal(3, 2, (20, 4, 5)).astype(np.float32))
    model = keras.Sequential([keras.Input((4, 5)), layer])
    x = np.random.default_rng(1).normal(3, 2, (2, 4, 5)).astype(np.float32)
    np.testing.assert_allclose(evaluate(lower(read(model)), x)[0], model.predict_on_batch(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["int32", "float32"])
@pytest.mark.parametrize("shape", [(4,), (3, 2)])
def test_embedding(dtype, shape):
    inputs = keras.Input(shape, dtype=dtype)
    model = keras.Model(inputs, L.Dense(3)(L.Embedding(7, 5)(inputs)))
    x = np.random.default_rng(0).integers(0, 7, (2, *shape)).astype(dtype)
    source = read(model)
    graph = lower(source)
    np.testing.assert_allclose(evaluate(graph, x)[0], model.predict_on_batch(x), rtol=1e-5, atol=1e-6)
    assert graph.inputs[0].type.dtype is (DType.INT32 if dtype == "int32" else DType.FLOAT32)
    assert not source.notes


def test_an_integer_input_that_is_computed_with_is_float():
    inputs = keras.Input((4,), dtype="int32")
    model = keras.Model(inputs, [L.Flatten()(L.Embedding(7, 5)(inputs)), L.Rescaling(0.5)(inputs)])
    source = read(model)
    assert lower(source).inputs[0].type.dtype is DType.FLOAT32
    assert len(source.notes) == 1


def test_masks_are_refused():
    with pytest.raises(ConversionError, match="without masks"):
        one(L.Embedding(7, 5, mask_zero=True), (4,))
    with pytest.raises(ConversionError, match="without masks"):
        one(L.Masking(), (4, 3))
