"""One op at a time, with random options at the edges of their ranges, and a way to run one kernel on it.

Values are logical: float32 or int32 arrays, int8 +1 and -1 for bits.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec
from xlite.schema.bits import pack_signs, unpack_signs
from xlite.schema.contracts import infer
from xlite.schema.types import (
    Activation,
    ActivationKind,
    ActivationOptions,
    ConcatenateOptions,
    Conv2DOptions,
    DenseOptions,
    DType,
    Op,
    OpKind,
    Options,
    PadOptions,
    Pool2DOptions,
    ReshapeOptions,
    TensorType,
)

F32, I32, BIT = DType.FLOAT32, DType.INT32, DType.BIT
CHANNELS = (1, 3, 31, 32, 33, 64, 70)
GUARD = 64  # bytes around a kernel's memory that it must leave alone


@dataclass(frozen=True)
class Case:
    op: Op
    types: tuple[TensorType | None, ...]
    values: tuple[np.ndarray | None, ...]
    output: TensorType

    @property
    def spec(self) -> OpSpec:
        return OpSpec(self.op, self.types, (self.output,))


class _Maker:
    """Random values and the case they make."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)
        self.rng = np.random.default_rng(seed)
        self.types: list[TensorType | None] = []
        self.values: list[np.ndarray | None] = []

    def add(self, shape: Sequence[int], dtype: DType, packed_axes: int = 1) -> None:
        shape = tuple(shape)
        if dtype is BIT:
            value = self.rng.choice(np.array([-1, 1], np.int8), size=shape)
        elif dtype is I32:
            value = self.rng.integers(-20, 21, size=shape).astype(np.int32)
        else:
            value = self.rng.normal(size=shape).astype(np.float32)
        self.give(value, dtype, packed_axes)

    def give(self, value: np.ndarray | None, dtype: DType = F32, packed_axes: int = 1) -> None:
        self.types.append(None if value is None else TensorType(value.shape, dtype, packed_axes))
        self.values.append(value)

    def case(self, kind: OpKind, options: Options | None = None) -> Case:
        (output,) = infer(kind, self.types, options)
        op = Op(kind, tuple(range(len(self.types))), (len(self.types),), options, "op")
        return Case(op, tuple(self.types), tuple(self.values), output)

    def activation(self) -> Activation:
        kind = self.pick.choice(list(ActivationKind))
        if kind is not ActivationKind.RELU:
            return Activation(kind)
        top = self.pick.choice([6.0, float("inf")])
        return Activation(kind, self.pick.choice([0.0, 0.25]), top, self.pick.choice([0.0, 0.5, -1.0]))

    def dtypes(self) -> tuple[DType, DType, DType]:
        """Of x, filter and output."""
        return self.pick.choice(
            [(F32, F32, F32), (F32, BIT, F32), (BIT, BIT, F32), (BIT, BIT, I32), (BIT, BIT, BIT), (BIT, BIT, BIT)]
        )

    def finish(self, channels: int, x: DType, filters: DType, out: DType, length: int) -> Activation:
        """Scale, bias and threshold, some of them absent; returns the activation."""
        floats = out is F32
        if floats and filters is BIT and self.pick.random() < 0.7:
            self.add((channels,), F32)
        else:
            self.give(None)
        if floats and self.pick.random() < 0.7:
            self.add((channels,), F32)
        else:
            self.give(None)
        if out is BIT:
            threshold = self.rng.integers(-length // 3 - 1, length // 3 + 2, size=channels).astype(np.int32)
            threshold[:: max(1, channels // 3)] = self.pick.choice([-(2**31), 2**31 - 1, 0])
            self.give(threshold, I32)
        else:
            self.give(None)
        return self.activation() if floats else Activation()

    def window(self, bits: bool) -> dict:
        """Stride, dilation and padding of a convolution."""
        pads = [self.pick.choice([0, 0, 1, 2]) for _ in range(4)]
        names = ("pad_top", "pad_bottom", "pad_left", "pad_right")
        return {
            "stride_h": self.pick.choice([1, 1, 2, 3]),
            "stride_w": self.pick.choice([1, 1, 2]),
            "dilation_h": self.pick.choice([1, 1, 2]),
            "dilation_w": self.pick.choice([1, 1, 3]),
            "pad_value": self.pick.choice([0, 0, 1, -1]) if bits else 0,
            **dict(zip(names, pads)),
        }


def conv_2d(seed: int) -> Case:
    m = _Maker(seed)
    x, filters, out = m.dtypes()
    groups = m.pick.choice([1, 1, 1, 2, 3])
    depth, per_group = m.pick.choice(CHANNELS), m.pick.choice([1, 3, 5, 32, 33])
    kernel_h, kernel_w = m.pick.choice([(1, 1), (3, 3), (3, 2), (1, 5)])
    m.add((m.pick.choice([1, 2]), m.pick.randint(5, 9), m.pick.randint(13, 16), depth * groups), x)
    m.add((per_group * groups, kernel_h, kernel_w, depth), filters, 3 if filters is BIT else 1)
    activation = m.finish(per_group * groups, x, filters, out, kernel_h * kernel_w * depth)
    window = m.window(x is BIT)
    return m.case(OpKind.CONV_2D, Conv2DOptions(output_dtype=out, activation=activation, groups=groups, **window))


def depthwise_conv_2d(seed: int) -> Case:
    m = _Maker(seed)
    x, filters, out = m.dtypes()
    channels, multiplier = m.pick.choice(CHANNELS), m.pick.choice([1, 1, 2, 3])
    kernel_h, kernel_w = m.pick.choice([(1, 1), (3, 3), (2, 4)])
    m.add((m.pick.choice([1, 2]), m.pick.randint(5, 9), m.pick.randint(10, 13), channels), x)
    m.add((kernel_h, kernel_w, channels * multiplier), filters)
    activation = m.finish(channels * multiplier, x, filters, out, kernel_h * kernel_w)
    options = Conv2DOptions(output_dtype=out, activation=activation, **m.window(x is BIT))
    return m.case(OpKind.DEPTHWISE_CONV_2D, options)


def dense(seed: int) -> Case:
    m = _Maker(seed)
    x, filters, out = m.dtypes()
    features, units = m.pick.choice((*CHANNELS, 257)), m.pick.choice(CHANNELS)
    m.add((m.pick.choice([1, 3]), *m.pick.choice([(), (4,), (2, 3)]), features), x)
    m.add((units, features), filters)
    return m.case(OpKind.DENSE, DenseOptions(out, m.finish(units, x, filters, out, features)))


def max_pool_2d(seed: int) -> Case:
    m = _Maker(seed)
    dtype = m.pick.choice([F32, BIT, BIT])
    options = _pool(m, dtype)
    if dtype is BIT and m.pick.random() < 0.6:
        m.add((m.types[0].shape[3],), BIT)
    else:
        m.give(None)
    return m.case(OpKind.MAX_POOL_2D, options)


def average_pool_2d(seed: int) -> Case:
    m = _Maker(seed)
    return m.case(OpKind.AVERAGE_POOL_2D, _pool(m, F32))


def _pool(m: _Maker, dtype: DType) -> Pool2DOptions:
    height, width = m.pick.randint(4, 8), m.pick.randint(4, 8)
    m.add((m.pick.choice([1, 2]), height, width, m.pick.choice(CHANNELS)), dtype)
    window_h, window_w = m.pick.choice([(1, 1), (2, 2), (3, 2), (height, width)])
    pads = [m.pick.randint(0, side - 1) for side in (window_h, window_h, window_w, window_w)]
    return Pool2DOptions(window_h, window_w, m.pick.choice([1, 2, 3]), m.pick.choice([1, 2]), *pads)


def _shape(m: _Maker) -> tuple[int, ...]:
    return m.pick.choice([1, 3]), *m.pick.choice([(), (5,), (4, 3)]), m.pick.choice(CHANNELS)


def _floats(m: _Maker) -> None:
    """x with values that activations and signs treat apart."""
    m.add(_shape(m), F32)
    flat = m.values[0].reshape(-1)
    flat[:: max(1, flat.size // 5)] = m.pick.choice([0.0, -0.0, 100.0, -100.0, 0.5])


def batch_norm(seed: int) -> Case:
    m = _Maker(seed)
    _floats(m)
    channels = m.types[0].shape[-1]
    m.add((channels,), F32)
    m.add((channels,), F32)
    return m.case(OpKind.BATCH_NORM)


def sign(seed: int) -> Case:
    m = _Maker(seed)
    _floats(m)
    m.values[0].reshape(-1)[:3] = [np.nan, -np.inf, np.inf][: m.values[0].size]
    return m.case(OpKind.SIGN)


def unpack(seed: int) -> Case:
    m = _Maker(seed)
    m.add(_shape(m), BIT)
    return m.case(OpKind.UNPACK)


def activation(seed: int) -> Case:
    m = _Maker(seed)
    _floats(m)
    chosen = m.activation()
    while chosen.kind is ActivationKind.NONE:
        chosen = m.activation()
    return m.case(OpKind.ACTIVATION, ActivationOptions(chosen))


def prelu(seed: int) -> Case:
    m = _Maker(seed)
    _floats(m)
    shape = m.types[0].shape[1:]
    full, channel = shape, (*(1,) * (len(shape) - 1), shape[-1])
    m.add(m.pick.choice([full, channel, channel, (*shape[:-1], 1)]), F32)
    return m.case(OpKind.PRELU)


def softmax(seed: int) -> Case:
    m = _Maker(seed)
    _floats(m)
    return m.case(OpKind.SOFTMAX)


def add(seed: int) -> Case:
    m = _Maker(seed)
    _floats(m)
    m.add(m.types[0].shape, F32)
    return m.case(OpKind.ADD)


def concatenate(seed: int) -> Case:
    m = _Maker(seed)
    dtype, rank = m.pick.choice([F32, BIT, BIT]), m.pick.choice([2, 3, 4])
    axis = m.pick.choice([-1, -1, m.pick.randint(1, rank - 1)])
    shape = [m.pick.choice([1, 2]), *[m.pick.randint(2, 4) for _ in range(rank - 2)], m.pick.choice(CHANNELS)]
    aligned = m.pick.random() < 0.3
    for _ in range(m.pick.choice([1, 2, 3])):
        size = m.pick.choice((32, 64) if aligned else CHANNELS) if axis in (-1, rank - 1) else m.pick.randint(1, 3)
        m.add([size if i == axis % rank else d for i, d in enumerate(shape)], dtype)
    return m.case(OpKind.CONCATENATE, ConcatenateOptions(axis))


def reshape(seed: int) -> Case:
    m = _Maker(seed)
    channels = m.pick.choice([2, 32, 40, 64, 96])
    m.add((m.pick.choice([1, 2]), 3, 4, channels), m.pick.choice([F32, I32, BIT, BIT]))
    shapes = [(12 * channels,), (4, 3, channels), (3, 4 * channels), (channels, 12), (2, 6, channels // 2, 2)]
    return m.case(OpKind.RESHAPE, ReshapeOptions(m.pick.choice(shapes)))


def pad(seed: int) -> Case:
    m = _Maker(seed)
    dtype, rank = m.pick.choice([F32, BIT, BIT]), m.pick.choice([2, 3, 4])
    m.add((2, *[m.pick.randint(1, 4) for _ in range(rank - 2)], m.pick.choice(CHANNELS)), dtype)
    paddings = [0, 0] + [m.pick.choice([0, 1, 2]) for _ in range(2 * (rank - 1))]
    if m.pick.random() < 0.5:
        paddings[-2:] = [0, 0]
    value = m.pick.choice([1.0, -1.0]) if dtype is BIT else m.pick.choice([0.0, 2.5, -1.0])
    return m.case(OpKind.PAD, PadOptions(tuple(paddings), value))


FAMILIES = (
    conv_2d,
    depthwise_conv_2d,
    dense,
    batch_norm,
    sign,
    unpack,
    activation,
    prelu,
    softmax,
    max_pool_2d,
    average_pool_2d,
    add,
    concatenate,
    reshape,
    pad,
)


def make_case(family, seed: int) -> Case:
    """A case whose options fit its shapes: tries seeds from ``seed * 1000`` on."""
    from xlite.schema.contracts import ContractError

    for attempt in range(seed * 1000, seed * 1000 + 50):
        try:
            return family(attempt)
        except ContractError:  # a window larger than its image, and the like
            continue
    raise AssertionError(f"{family.__name__} makes no valid case")


# -- running one kernel --------------------------------------------------------------------------------------


def run_kernel(kernel: Kernel, case: Case, alias: int | None = None) -> np.ndarray:
    """The kernel's output as a logical array. All memory starts as garbage, is no larger than the kernel asked
    for, and is guarded on both sides. alias: the slot whose memory the output takes over."""
    spec = case.spec
    blocks: list[np.ndarray] = []
    inputs = []
    for slot, (value, type_) in enumerate(zip(case.values, case.types)):
        if value is None or type_ is None:
            inputs.append(None)
            continue
        stored = pack_signs(value, type_.packed_axes) if type_.dtype is BIT else value
        array = _guarded(type_, blocks)
        array[...] = stored
        array.flags.writeable = slot == 0 or case.op.kind in (OpKind.ADD, OpKind.CONCATENATE)
        inputs.append(array)
    output = _guarded(case.output, blocks) if alias is None else inputs[alias].reshape(case.output.storage_shape)
    workspace = _guarded(TensorType((kernel.workspace(spec),), DType.UINT8), blocks)
    step = kernel.prepare(spec, Buffers(tuple(inputs), (output,), workspace))
    step()
    _check_guards(blocks)
    if alias is None:
        first = output.copy()
        step()  # a second run must not depend on what the first left behind
        np.testing.assert_array_equal(output, first)
    if case.output.dtype is not BIT:
        return output.copy()
    logical = unpack_signs(output, case.output.shape)
    np.testing.assert_array_equal(output, pack_signs(logical), "unused bits must be zero")
    return logical


def _guarded(type_: TensorType, blocks: list[np.ndarray]) -> np.ndarray:
    size = type_.nbytes
    block = np.full(size + 3 * GUARD, 0xA5, np.uint8)
    start = GUARD + (-(block.ctypes.data + GUARD) % GUARD)
    blocks.append(block[:start])
    blocks.append(block[start + size :])
    return block[start : start + size].view(type_.dtype.numpy).reshape(type_.storage_shape)


def _check_guards(blocks: Sequence[np.ndarray]) -> None:
    assert all((block == 0xA5).all() for block in blocks), "a kernel wrote outside its memory"
