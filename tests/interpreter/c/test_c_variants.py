"""Kernels that are compiled once more for this machine's instruction set, and kernels that share their work among
threads: the results are those of the portable one on one thread, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interpreter.c.grid import BIT, F32, draw, kernel_for, make_case
from tests.interpreter.c.test_c_tiles import prepared
from tests.interpreter.cases import FAMILIES
from tests.interpreter.cases import make_case as random_case
from xlite.interpreter.kernels import c as backend
from xlite.interpreter.kernels.c.library import ISA_ENVIRONMENT, PORTABLE, load
from xlite.schema.types import (
    Activation,
    ActivationKind,
    ActivationOptions,
    ConcatenateOptions,
    Conv2DOptions,
    OpKind,
    Pool2DOptions,
)

RNG = np.random.default_rng(0)
RELU = Activation(ActivationKind.RELU, alpha=0.25, max_value=1.5)


def result(case, threads: int) -> np.ndarray:
    step, output = prepared(case, kernel_for(case.spec), threads)
    step()
    return output


def variants() -> list[str]:
    """Kernels that the library has for the instruction set in use alone."""
    library = load()
    return [k.name for k in backend.KERNELS if library.kernel(k.name) != library.address(k.name)]


@pytest.mark.skipif("avx2" not in (load().isas() if backend.available() else ()), reason="no AVX2 here")
def test_the_instruction_set_has_kernels_of_its_own(monkeypatch):
    assert {"xl_sign_f32_b", "xl_add_f32", "xl_max_pool2d_f32", "xl_depthwise_conv2d_f32_b_f32"} <= {*variants()}
    monkeypatch.setenv(ISA_ENVIRONMENT, PORTABLE)
    assert variants() == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_variants_give_the_same_bits(family, monkeypatch):
    for seed in range(25):
        case = random_case(family, seed)
        own = result(case, 1)
        with monkeypatch.context() as forced:
            forced.setenv(ISA_ENVIRONMENT, PORTABLE)
            portable = result(case, 1)
        assert own.tobytes() == portable.tobytes(), str(case.op)


def image(channels: int, dtype=F32, batch: int = 2) -> np.ndarray:
    """More than one thread's worth, and lines and rows that the threads cannot share evenly."""
    return draw(RNG, (batch, 37, 29, channels), dtype)


def pool(kind: OpKind, dtype) -> object:
    options = Pool2DOptions(3, 3, stride_h=2, stride_w=2, pad_top=1, pad_bottom=1, pad_left=1, pad_right=1)
    return make_case(kind, (image(67, dtype),), (dtype,), options)


def depthwise(dtype, multiplier: int) -> object:
    filters = draw(RNG, (3, 3, 40 * multiplier), dtype)
    options = Conv2DOptions(stride_h=2, pad_top=1, pad_bottom=1, pad_left=1, pad_right=1, activation=RELU)
    scale, bias = draw(RNG, (40 * multiplier,), F32), draw(RNG, (40 * multiplier,), F32)
    values = (image(40), filters, scale, bias, None)
    return make_case(OpKind.DEPTHWISE_CONV_2D, values, (F32, dtype), options)


CASES = {
    "batch_norm": make_case(
        OpKind.BATCH_NORM, (image(67), draw(RNG, (67,), F32), draw(RNG, (67,), F32)), (F32,) * 3
    ),
    "sign": make_case(OpKind.SIGN, (image(67),), (F32,)),
    "unpack": make_case(OpKind.UNPACK, (image(67, BIT),), (BIT,)),
    "activation": make_case(OpKind.ACTIVATION, (image(67),), (F32,), ActivationOptions(RELU)),
    "add": make_case(OpKind.ADD, (image(67), image(67)), (F32, F32)),
    "maximum": make_case(OpKind.MAXIMUM, (image(67), image(67)), (F32, F32)),
    "multiply by a scalar": make_case(OpKind.MULTIPLY, (image(67), draw(RNG, (1, 1, 1, 1), F32)), (F32, F32)),
    "subtract by channel": make_case(OpKind.SUBTRACT, (image(67), draw(RNG, (1, 1, 1, 67), F32)), (F32, F32)),
    "max_pool": pool(OpKind.MAX_POOL_2D, F32),
    "max_pool of bits": pool(OpKind.MAX_POOL_2D, BIT),
    "average_pool": pool(OpKind.AVERAGE_POOL_2D, F32),
    "concatenate": make_case(OpKind.CONCATENATE, (image(40), image(3)), (F32, F32), ConcatenateOptions(3)),
    "depthwise": depthwise(F32, 1),
    "depthwise with a multiplier": depthwise(F32, 2),
    "depthwise of bits": depthwise(BIT, 1),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_any_number_of_threads_gives_the_same(case):
    expected = result(case, 1)
    for threads in (2, 3):
        np.testing.assert_array_equal(result(case, threads).view(np.uint32), expected.view(np.uint32))
