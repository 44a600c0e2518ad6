"""Group convolutions that a Keras model spells out, from the live model to the outputs of every backend."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras", reason="the networks are built in Keras")
pytestmark = pytest.mark.keras

import xlite  # noqa: E402
from tests.golden import stored  # noqa: E402
from tests.golden.record import outputs_of, randomize, sixteenths  # noqa: E402
from xlite import layers as xl  # noqa: E402
from xlite.interpreter.backends import available_backends  # noqa: E402
from xlite.schema.types import OpKind  # noqa: E402

L = keras.layers


def groups(x, count: int, make: Callable[[int], Callable], split: Callable = keras.ops.split):
    parts = split(x, count, axis=-1)
    return L.Concatenate()([make(i)(part) for i, part in enumerate(parts)])


def indexed(x, count: int, axis: int):
    size = x.shape[axis] // count
    return [x[..., i * size : (i + 1) * size] for i in range(count)]


def converted(model: keras.Model) -> xlite.converter.ConversionResult:
    """The conversion, once every backend has given Keras's outputs."""
    rng = np.random.default_rng(model.count_params())
    randomize(model, rng)
    x = sixteenths(rng.normal(size=(2, *model.input_shape[1:])))
    wanted = outputs_of(model, [x])[0]
    result = xlite.convert(model, strict=True)
    for backend in available_backends():
        got = xlite.Interpreter(result.data, backend=backend)(x)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=stored.RELATIVE * np.abs(wanted).max())
    return result


def kinds(result: xlite.converter.ConversionResult) -> list[OpKind]:
    return [node.kind for node in result.graph.nodes]


QUANTIZED = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign", "use_bias": False}


def test_a_stem_of_float_groups_and_a_block_of_binary_ones():
    x = keras.Input((8, 8, 8))
    y = groups(x, 4, lambda i: L.Conv2D(16, 3, padding="same", use_bias=False, name=f"stem{i}"))
    y = L.ReLU()(L.BatchNormalization()(y))
    y = groups(y, 2, lambda i: xl.QuantConv2D(16, 3, padding="same", name=f"block{i}", **QUANTIZED))
    y = xl.QuantConv2D(8, 3, name="last", **QUANTIZED)(L.BatchNormalization()(y))
    result = converted(keras.Model(x, y))
    assert kinds(result) == [OpKind.CONV_2D, OpKind.SIGN, OpKind.CONV_2D, OpKind.CONV_2D]
    rows = {row.name: row for row in result.report.layers}
    for i in range(4):
        assert (rows[f"stem{i}"].status, rows[f"stem{i}"].parameters) == ("float", 3 * 3 * 2 * 16)
    for i in range(2):
        assert (rows[f"block{i}"].status, rows[f"block{i}"].precision) == ("packed", "bitxbit -> bit")
    names = {name for op in result.model.ops for name in op.name.split("+")}
    assert {*(f"stem{i}" for i in range(4)), "block0", "block1", "last"} <= names
    assert all(row.status in ("float", "packed", "fused", "-") for row in result.report.layers)


def test_the_summary_gives_every_group_its_part():
    x = keras.Input((6, 6, 4))
    model = keras.Model(x, groups(x, 2, lambda i: L.Conv2D(3, 3, name=f"conv{i}")))
    found = xlite.summary(model, verbose=False)
    layers = [layer for layer in found.layers if layer.name.startswith("conv")]
    assert [layer.parameters for layer in layers] == [3 * 3 * 2 * 3 + 3] * 2
    assert [layer.bits for layer in layers] == [{32: 3 * 3 * 2 * 3 + 3}] * 2
    assert [layer.macs for layer in layers] == [{"f32xf32": 4 * 4 * 3 * 3 * 2 * 3}] * 2
    assert found.macs == {"f32xf32": 2 * 4 * 4 * 3 * 3 * 2 * 3}


@pytest.mark.parametrize("split", [keras.ops.split, indexed])
@pytest.mark.parametrize(
    ("shape", "make", "expected"),
    [
        ((9, 6), lambda i: L.Conv1D(4, 3, padding="causal", activation="relu"), ["conv_2d"]),
        ((7, 6, 6), lambda i: L.Conv2D(4, 3, strides=2, padding="same", activation="relu"), ["conv_2d"]),
        ((7, 6, 6), lambda i: L.Conv2DTranspose(4, 2, strides=2), ["conv_3d_transpose"]),
        ((7, 6, 6), lambda i: L.DepthwiseConv2D(3, depth_multiplier=2), ["depthwise_conv_2d"]),
        ((7, 6, 6), lambda i: L.SeparableConv2D(4, 3), ["depthwise_conv_2d", "conv_2d"]),
        ((4, 5, 6, 6), lambda i: L.Conv3D(4, 2, dilation_rate=(1, 2, 1)), ["conv_3d"]),
        (
            (7, 6, 6),
            lambda i: lambda x: L.Conv2D(2, 1)(L.ReLU()(L.BatchNormalization()(L.Conv2D(4, 3)(x)))),
            ["conv_2d", "batch_norm", "activation", "conv_2d"],
        ),
    ],
)
def test_every_kind_of_branch(shape, make, expected, split):
    x = keras.Input(shape)
    result = converted(keras.Model(x, groups(x, 3, make, split)))
    assert [kind.name.lower() for kind in kinds(result) if kind is not OpKind.RESHAPE] == expected


def test_a_convolution_that_branches_share_is_kept_once():
    x = keras.Input((6, 6, 4))
    shared = L.Conv2D(3, 3)
    result = converted(keras.Model(x, groups(x, 2, lambda i: shared)))
    assert kinds(result).count(OpKind.CONV_2D) == 2
    assert result.report.constant_bytes == 4 * shared.count_params()
