"""Cases on a grid: every number of channels, kernel size and dtype combination, the rest drawn at random; and the
kernel for a case."""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Iterator

import numpy as np

from tests.interpreter.making import BIT, F32, I8, I32, PAIRS_OF_INTEGERS, U8, Case, activation_of
from xlite.interpreter.kernels import c as backend
from xlite.interpreter.kernels.base import Kernel, OpSpec
from xlite.schema.contracts import ContractError, infer
from xlite.schema.types import (
    RANGES,
    Activation,
    ActivationKind,
    Conv2DOptions,
    DenseOptions,
    DType,
    Op,
    OpKind,
    Options,
    TensorType,
)

# Set in runs under a sanitizer. They give every array memory that ends where it does, since only accesses outside
# of what was allocated are seen, and draw fewer cases, since they are slow.
EXACT = "XLITE_TEST_EXACT_MEMORY"

CHANNELS = (1, 3, 31, 32, 33, 64, 65)
KERNELS = (1, 2, 3, 5)
# x, filter, output
DTYPES = ((BIT, BIT, BIT), (BIT, BIT, I32), (BIT, BIT, F32), (F32, BIT, F32), (F32, F32, F32), (F32, I8, F32))
DTYPES += tuple((x, w, out) for x, w in PAIRS_OF_INTEGERS[:-1] for out in (BIT, I32, F32))
NEVER, ALWAYS = -(2**31), 2**31 - 1


def kernels_for(spec: OpSpec) -> list[Kernel]:
    """The C kernels for this op: one in register tiles or by look-up, where there are, and the portable one."""
    found = [k for k in _of_kind(spec.kind) if k.supports(spec)]
    others = sum("_tiled_" in k.name or "_lookup_" in k.name for k in found)
    assert len(found) - 1 == others, "the conditions of two kernels overlap"
    return found


@functools.cache
def _of_kind(kind: OpKind) -> list[Kernel]:
    return [k for k in backend.KERNELS if k.kind is kind]


def kernel_for(spec: OpSpec) -> Kernel:
    """The portable one, which every machine has."""
    return kernels_for(spec)[-1]


def make_case(kind: OpKind, values, dtypes, options: Options | None = None, packed_axes=()) -> Case:
    """values: logical arrays, None where absent; dtypes: one a value, but for trailing absent ones; packed_axes:
    (slot, axes) where it is not 1."""
    packing = dict(packed_axes)
    dtypes = (*dtypes, *[F32] * (len(values) - len(dtypes)))
    given = enumerate(zip(values, dtypes))
    types = tuple(None if v is None else TensorType(v.shape, d, packing.get(i, 1)) for i, (v, d) in given)
    (output,) = infer(kind, types, options)
    op = Op(kind, tuple(range(len(types))), (len(types),), options, "op")
    return Case(op, types, tuple(values), output)


def draw(rng: np.random.Generator, shape, dtype: DType) -> np.ndarray:
    if dtype is BIT:
        return rng.choice(np.array([-1, 1], np.int8), size=shape)
    if dtype in RANGES:
        low, high = RANGES[dtype]
        return rng.integers(low, high + 1, size=shape).astype(dtype.numpy)
    return rng.normal(size=shape).astype(np.float32)


def filtered(kind: OpKind, channels: int, kernel: int, dtypes, seed: int) -> Iterator[Case]:
    """Some valid cases of CONV_2D, DEPTHWISE_CONV_2D or DENSE; ``channels`` are those of a group."""
    pick, rng = random.Random(repr((kind, channels, kernel, dtypes, seed))), np.random.default_rng(seed)
    for _ in range(1 if EXACT in os.environ else 3):
        try:
            yield _filtered(kind, channels, kernel, dtypes, pick, rng)
        except ContractError:  # the window does not fit into the image
            continue


def _filtered(kind: OpKind, channels: int, kernel: int, dtypes, pick: random.Random, rng) -> Case:
    x, filters, out = dtypes
    groups, outputs = 1, pick.choice((1, 4, 31, 32, 37, 64))
    planes = pick.choice((1, 1, 2, 3)) if x is filters is BIT else 1
    batch, height, width = pick.choice((1, 3)), pick.randint(4, 7), pick.randint(4, 12)
    kernel_w = pick.choice((kernel, kernel, pick.choice(KERNELS)))
    if kind is OpKind.CONV_2D:
        groups = pick.choice((1, 1, 2, 3))
        outputs, shapes = outputs * groups, ((batch, height, width, planes * channels * groups),)
        shapes += ((outputs, kernel, kernel_w, channels),)
    elif kind is OpKind.DEPTHWISE_CONV_2D:
        outputs = channels * pick.choice((1, 1, 2, 3))
        shapes = ((batch, height, width, planes * channels), (kernel, kernel_w, outputs))
    else:
        shapes = ((batch, kernel, planes * channels), (outputs, channels))
    length = kernel * kernel_w * channels
    largest = {U8: 255, I8: 255}.get(x, 1) * (128 if filters is I8 else 1)
    extras = _extras(pick, rng, outputs, length * (2**planes - 1) * largest, out)
    mask = draw(rng, shapes[1], BIT) if filters is BIT and pick.random() < 0.4 else None
    values = (draw(rng, shapes[0], x), draw(rng, shapes[1], filters), *extras, mask)
    options = _options(kind, pick, groups, planes, dtypes)
    packing = ((1, 3), (5, 3)) if kind is OpKind.CONV_2D and filters is BIT else ()
    return make_case(kind, values, (x, filters, F32, F32, I32, BIT), options, packing)


def _extras(pick: random.Random, rng, outputs: int, length: int, out: DType) -> tuple:
    """Scale, bias and threshold."""
    if out is I32:
        return None, None, None
    if out is BIT:
        threshold = rng.integers(-length - 1, length + 3, size=outputs) // pick.choice((1, 4))
        threshold[rng.random(outputs) < 0.1] = NEVER
        threshold[rng.random(outputs) < 0.1] = ALWAYS
        return None, None, threshold.astype(np.int32)
    scale = draw(rng, (outputs,), F32) if pick.random() < 0.7 else None
    return scale, draw(rng, (outputs,), F32) if pick.random() < 0.7 else None, None


def _options(kind: OpKind, pick: random.Random, groups: int, planes: int, dtypes) -> Options:
    x, _, out = dtypes
    activation = activation_of(pick.choice(list(ActivationKind)), pick) if out is F32 else Activation()
    numbers = pick.choice([(1, 0), (1, 127), (2, 255)]) if x in (I8, U8) else (1, 0)
    if kind is OpKind.DENSE:
        return DenseOptions(out, activation, planes, *numbers)
    return Conv2DOptions(
        stride_h=pick.choice((1, 1, 2, 3)),
        stride_w=pick.choice((1, 1, 2)),
        dilation_h=pick.choice((1, 1, 2)),
        dilation_w=pick.choice((1, 1, 2)),
        pad_top=pick.choice((0, 1, 2, 6)),
        pad_bottom=pick.choice((0, 1, 2)),
        pad_left=pick.choice((0, 1, 3)),
        pad_right=pick.choice((0, 1, 6)),
        pad_value=pick.choice((0, 0, 1, -1)) if x is BIT else 0,
        groups=groups,
        output_dtype=out,
        activation=activation,
        planes=planes,
        input_multiplier=numbers[0],
        input_zero_point=numbers[1],
    )
