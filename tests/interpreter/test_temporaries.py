"""The numpy backend has no workspace: what it allocates while it runs must stay small whatever the options say."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tests.interpreter.networks import BIT, F32, I32, SAME_3, Builder
from xlite.interpreter import Interpreter
from xlite.interpreter.kernels.reference.slicing import BUDGET
from xlite.schema.types import OpKind, PadOptions, Pool2DOptions

FAR = 1 << 16  # the largest stride, dilation and padding of the format
FAR_CONV = {f"{what}_{axis}": FAR for what in ("stride", "dilation") for axis in "hw"}
FAR_CONV.update(dict.fromkeys(SAME_3, FAR))
FAR_POOL = Pool2DOptions(FAR, FAR, 1, 1, FAR - 1, 0, FAR - 1, 0)


def image(b: Builder, dtype=F32, channels=48) -> int:
    return b.input((150, 150, channels), dtype)


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
    "pad": lambda b: b.op(OpKind.PAD, (image(b),), PadOptions((0, 0, 1, 1, 1, 1, 0, 0))),
}
EXTREME = {
    "conv f32": lambda b: b.conv(b.input((1, 1, 3)), 4, bit_filter=False, **FAR_CONV),
    "conv f32 x bit": lambda b: b.conv(b.input((1, 1, 3)), 4, **FAR_CONV),
    "conv bit": lambda b: b.conv(b.input((1, 1, 3), BIT), 4, out=BIT, **FAR_CONV),
    "depthwise": lambda b: b.depthwise(b.input((1, 1, 3)), bit_filter=False, **FAR_CONV),
    "max pool": lambda b: b.op(OpKind.MAX_POOL_2D, (b.input((1, 1, 3)), None), FAR_POOL),
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
    assert np.isfinite(Interpreter(model, backend="numpy")(np.ones((1, 1, 3)))).all()
