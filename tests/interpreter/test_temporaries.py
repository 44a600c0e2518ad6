"""The numpy backend has no workspace: what it allocates while it runs must stay small whatever the options say."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tests.interpreter.networks import BIT, F32, I32, SAME_3, Builder
from xlite.interpreter import Interpreter
from xlite.interpreter.kernels.reference.slicing import BUDGET
from xlite.schema.types import (
    Activation,
    ActivationKind,
    ActivationOptions,
    Conv2DOptions,
    Conv3DOptions,
    OpKind,
    PadOptions,
    PlanesKind,
    PlanesOptions,
    Pool2DOptions,
    Pool3DOptions,
    ReduceKind,
    ReduceOptions,
    ResizeOptions,
    TileOptions,
)

FAR = 1 << 16  # the largest stride, dilation and padding of the format
FAR_CONV = {f"{what}_{axis}": FAR for what in ("stride", "dilation") for axis in "hw"}
FAR_CONV.update(dict.fromkeys(SAME_3, FAR))
FAR_3D = {f"{what}_{axis}": FAR for what in ("stride", "dilation") for axis in "dhw"}
PADS_3D = dict.fromkeys(("pad_front", "pad_back", "pad_top", "pad_bottom", "pad_left", "pad_right"), FAR)
FAR_CONV_3D = Conv3DOptions(**FAR_3D, **PADS_3D)
FAR_TRANSPOSE = Conv3DOptions(**FAR_3D, **PADS_3D, output_d=1, output_h=1, output_w=1)
FAR_POOL_3D = Pool3DOptions(FAR, FAR, FAR, 1, 1, 1, FAR - 1, 0, FAR - 1, 0, FAR - 1, 0)
FAR_POOL = Pool2DOptions(FAR, FAR, 1, 1, FAR - 1, 0, FAR - 1, 0)


def image(b: Builder, dtype=F32, channels=48) -> int:
    return b.input((150, 150, channels), dtype)


def two_planes(b: Builder) -> int:
    """Ternary filters over two planes of 24 channels."""
    filters, mask = (b.bits((40, 3, 3, 24), 3) for _ in range(2))
    return b.op(
        OpKind.CONV_2D, (image(b, BIT), filters, None, None, None, mask), Conv2DOptions(planes=2, **SAME_3)
    )


def transposed(b: Builder, dtype) -> int:
    x = b.input((1, 75, 75, 48), dtype)
    filters = b.floats(40, 1, 2, 2, 48) if dtype is F32 else b.bits((40, 1, 2, 2, 48), 4)
    options = Conv3DOptions(stride_h=2, stride_w=2, output_d=1, output_h=150, output_w=150)
    return b.op(OpKind.CONV_3D_TRANSPOSE, (x, filters), options)


def local(b: Builder, dtype) -> int:
    x, shape = b.input((40, 40, 16), dtype), (38, 38, 8, 3, 3, 16)
    return b.op(
        OpKind.LOCALLY_CONNECTED_2D, (x, b.floats(*shape) if dtype is F32 else b.bits(shape, 3)), Conv2DOptions()
    )


# name -> a function that adds ops to a builder and returns the output
LARGE = {
    "conv f32": lambda b: b.conv(image(b), 40, bit_filter=False, **SAME_3),
    "conv f32 x bit": lambda b: b.conv(image(b), 40, **SAME_3),
    "conv bit": lambda b: b.conv(image(b, BIT), 200, out=BIT, **SAME_3),
    "conv i32": lambda b: b.conv(image(b, BIT), 40, out=I32, groups=2, **SAME_3),
    "depthwise": lambda b: b.depthwise(image(b, BIT), 2, **SAME_3),
    "dense": lambda b: b.dense(image(b, BIT), 200, out=BIT),
    "wide dense": lambda b: b.dense(b.input((40_000,)), 300),
    "sign": lambda b: b.op(OpKind.SIGN, (image(b),)),
    "unpack": lambda b: b.op(OpKind.UNPACK, (image(b, BIT),)),
    "activation": lambda b: b.activation(image(b), alpha=0.1),
    "max pool": lambda b: b.op(OpKind.MAX_POOL_2D, (image(b), None), Pool2DOptions(3, 3, 2, 2, 1, 1, 1, 1)),
    "average pool": lambda b: b.op(OpKind.AVERAGE_POOL_2D, (image(b),), Pool2DOptions(150, 150)),
    "two planes": lambda b: two_planes(b),
    "planes": lambda b: b.op(OpKind.BIT_PLANES, (image(b),), PlanesOptions(PlanesKind.DOREFA, 8)),
    "from planes": lambda b: b.op(OpKind.FROM_PLANES, (image(b, BIT),), PlanesOptions(PlanesKind.DOREFA, 8)),
    "gelu": lambda b: b.op(OpKind.ACTIVATION, (image(b),), ActivationOptions(Activation(ActivationKind.GELU))),
    "transposed": lambda b: transposed(b, F32),
    "transposed bits": lambda b: transposed(b, BIT),
    "local": lambda b: local(b, F32),
    "local bits": lambda b: local(b, BIT),
    "multiply": lambda b: b.op(OpKind.MULTIPLY, (image(b), b.floats(1, 1, 150, 1))),
    "reduce": lambda b: b.op(OpKind.REDUCE, (image(b),), ReduceOptions(ReduceKind.MEAN, (1, 2))),
    "resize": lambda b: b.op(OpKind.RESIZE_BILINEAR_2D, (image(b),), ResizeOptions(200, 200)),
    "tile": lambda b: b.op(OpKind.TILE, (image(b),), TileOptions((1, 2, 1, 1))),
    "pad": lambda b: b.op(OpKind.PAD, (image(b),), PadOptions((0, 0, 1, 1, 1, 1, 0, 0))),
}
EXTREME = {
    "conv f32": lambda b: b.conv(b.input((1, 1, 3)), 4, bit_filter=False, **FAR_CONV),
    "conv f32 x bit": lambda b: b.conv(b.input((1, 1, 3)), 4, **FAR_CONV),
    "conv bit": lambda b: b.conv(b.input((1, 1, 3), BIT), 4, out=BIT, **FAR_CONV),
    "depthwise": lambda b: b.depthwise(b.input((1, 1, 3)), bit_filter=False, **FAR_CONV),
    "max pool": lambda b: b.op(OpKind.MAX_POOL_2D, (b.input((1, 1, 3)), None), FAR_POOL),
    "max pool 3d": lambda b: b.op(OpKind.MAX_POOL_3D, (b.input((1, 1, 1, 3)),), FAR_POOL_3D),
    "average pool 3d": lambda b: b.op(OpKind.AVERAGE_POOL_3D, (b.input((1, 1, 1, 3)),), FAR_POOL_3D),
    "conv 3d": lambda b: b.op(OpKind.CONV_3D, (b.input((1, 1, 1, 3)), b.floats(4, 3, 3, 3, 3)), FAR_CONV_3D),
    "transposed": lambda b: b.op(
        OpKind.CONV_3D_TRANSPOSE, (b.input((1, 1, 1, 3)), b.floats(4, 3, 3, 3, 3)), FAR_TRANSPOSE
    ),
    "max pool bit": lambda b: b.op(OpKind.MAX_POOL_2D, (b.input((1, 1, 3), BIT), None), FAR_POOL),
    "average pool": lambda b: b.op(OpKind.AVERAGE_POOL_2D, (b.input((1, 1, 3)),), FAR_POOL),
}


def temporaries(build) -> int:
    """Bytes that one run allocates at its peak, on top of the arena."""
    b = Builder()
    interpreter = Interpreter(b.model([build(b)]), backend="numpy", memory_limit="64MiB")
    interpreter.allocate_tensors()
    interpreter.invoke()
    tracemalloc.start()
    try:
        interpreter.invoke()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", LARGE)
def test_temporaries_of_large_tensors(name):
    assert temporaries(LARGE[name]) < 6 * BUDGET


@pytest.mark.parametrize("name", EXTREME)
def test_extreme_windows_take_no_memory(name):
    assert temporaries(EXTREME[name]) < BUDGET // 4


@pytest.mark.parametrize("name", EXTREME)
def test_extreme_windows_give_one_element(name):
    b = Builder()
    model = b.model([EXTREME[name](b)])
    x = np.ones(model.tensors[model.inputs[0]].type.shape[1:])
    assert np.isfinite(Interpreter(model, backend="numpy")(x)).all()
