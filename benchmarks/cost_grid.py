"""Ops of many kinds and sizes, each with an input of its own, in one file: what costs are measured on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.interpreter.networks import BIT, F32, I32, SAME_3, U8, Builder
from xlite.schema.types import (
    ActivationKind,
    ConcatenateOptions,
    Conv2DOptions,
    DenseOptions,
    Model,
    OpKind,
    PadOptions,
    Pool2DOptions,
    QuantizeOptions,
    ReduceKind,
    ReduceOptions,
    ReshapeOptions,
)

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Sizes:
    """At least two of everything, so that a call, an element and a multiply-accumulate can be told apart. bits,
    floats: images of 3x3 convolutions, which keep their channels; stems: of 7x7 ones with a stride of two; pixels:
    of 1x1 ones; features: of dense layers, with their units; images: of all else."""

    bits: tuple[Shape, ...]
    floats: tuple[Shape, ...]
    stems: tuple[Shape, ...]
    pixels: Shape
    depthwise: tuple[Shape, ...]
    bit_features: tuple[tuple[int, int], ...]
    float_features: tuple[tuple[int, int], ...]
    images: tuple[Shape, ...]
    classes: tuple[int, ...] = (10, 1000)


LARGE = Sizes(
    bits=((14, 14, 256), (28, 28, 128), (28, 28, 64), (6, 6, 256)),
    floats=((32, 32, 3), (16, 16, 32), (8, 8, 64)),
    stems=((112, 112, 3), (48, 48, 3)),
    pixels=(14, 14, 64),
    depthwise=((14, 14, 64), (14, 14, 256)),
    bit_features=((4096, 256), (1024, 1024)),
    float_features=((2048, 10), (512, 100)),
    images=((28, 28, 64), (14, 14, 128)),
)
# Each op within 12 KiB of RAM and 128 KiB of flash: for the smallest of the microcontrollers.
SMALL = Sizes(
    bits=((8, 8, 128), (8, 8, 32), (4, 4, 64)),
    floats=((12, 12, 3), (8, 8, 8), (4, 4, 16)),
    stems=((15, 15, 3), (11, 11, 3)),
    pixels=(6, 6, 16),
    depthwise=((8, 8, 8), (4, 4, 16)),
    bit_features=((2048, 64), (512, 256)),
    float_features=((256, 10), (64, 64)),
    images=((8, 8, 12), (4, 4, 24)),
    classes=(10, 100),
)


def grid(sizes: Sizes = LARGE) -> Model:
    """Every output is an output of the model, so that the planner keeps each."""
    b = Builder(0)
    parts = (_convolutions, _depthwise, _dense, _integers, _floats, _bits, _shapes)
    return b.model([output for part in parts for output in part(b, sizes)])


def alone(model: Model, index: int) -> Model:
    """One op of a model as a model."""
    op = model.ops[index]
    used = [t for t in (*op.inputs, *op.outputs) if t >= 0]
    place = {tensor: i for i, tensor in enumerate(used)} | {-1: -1}
    tensors = [model.tensors[t] for t in used]
    inputs, outputs = tuple(place[t] for t in op.inputs), tuple(place[t] for t in op.outputs)
    given = tuple(i for i in inputs if i >= 0 and not tensors[i].is_constant)
    return Model(tensors, [replace(op, inputs=inputs, outputs=outputs)], given, outputs)


def _convolutions(b: Builder, sizes: Sizes) -> Iterator[int]:
    for i, shape in enumerate(sizes.bits):
        for out in (BIT, F32, I32)[: 3 if i else 1]:
            yield b.conv(b.input(shape, BIT), shape[-1], out=out, pad_value=1, **SAME_3)
    first = sizes.bits[0]
    yield b.conv(b.input(first, BIT), first[-1], kernel=1, out=BIT)
    for shape in sizes.floats:
        for bit_filter in (False, True):
            yield b.conv(b.input(shape), max(16, shape[-1]), bit_filter=bit_filter, **SAME_3)
    for bit_filter in (False, True):
        yield b.conv(b.input(sizes.pixels), sizes.pixels[-1], kernel=1, bit_filter=bit_filter)


def _depthwise(b: Builder, sizes: Sizes) -> Iterator[int]:
    for shape in sizes.depthwise:
        yield b.depthwise(b.input(shape, BIT), out=BIT)
        yield b.depthwise(b.input(shape))
        yield b.depthwise(b.input(shape), bit_filter=False)


def _dense(b: Builder, sizes: Sizes) -> Iterator[int]:
    for features, units in sizes.bit_features:
        yield b.dense(b.input((features,), BIT), units, out=BIT)
    for features, units in sizes.float_features:
        yield b.dense(b.input((features,)), units, bit_filter=False)
        yield b.dense(b.input((features,)), units)


def _integers(b: Builder, sizes: Sizes) -> Iterator[int]:
    """Bytes as images, as filters or as both."""
    for x, bytes_filter in ((U8, True), (U8, False), (BIT, True), (F32, True)):
        for height, width, depth in sizes.floats:
            channels = max(16, depth)
            shape = (channels, 3, 3, depth)
            kernel = b.bytes(*shape) if bytes_filter else b.bits(shape, 3)
            inputs = b._filtered(b.input((height, width, depth), x), kernel, channels, F32)
            yield b.op(OpKind.CONV_2D, inputs, Conv2DOptions(**SAME_3))
        for features, units in sizes.float_features:
            kernel = b.bytes(units, features) if bytes_filter else b.bits((units, features))
            inputs = b._filtered(b.input((features,), x), kernel, units, F32)
            yield b.op(OpKind.DENSE, inputs, DenseOptions())
    for shape, channels in zip(sizes.stems, (64, 32)):
        for kernel in (b.bytes(channels, 7, 7, shape[-1]), b.bits((channels, 7, 7, shape[-1]), 3)):
            inputs = b._filtered(b.input(shape, U8), kernel, channels, F32)
            yield b.op(OpKind.CONV_2D, inputs, Conv2DOptions(stride_h=2, stride_w=2))
    for shape in sizes.depthwise:
        inputs = b._filtered(b.input(shape, U8), b.bytes(3, 3, shape[-1]), shape[-1], F32)
        yield b.op(OpKind.DEPTHWISE_CONV_2D, inputs, Conv2DOptions())
    for shape in sizes.images:
        yield b.op(OpKind.QUANTIZE, (b.input(shape),), QuantizeOptions(U8, 0.1, 3))
        yield b.op(OpKind.DEQUANTIZE, (b.input(shape, U8),), QuantizeOptions(F32, 0.1, 3))
        yield b.op(OpKind.MAX_POOL_2D, (b.input(shape, U8), None), Pool2DOptions(2, 2, 2, 2))


def _floats(b: Builder, sizes: Sizes) -> Iterator[int]:
    for shape in sizes.images:
        yield b.op(OpKind.SIGN, (b.input(shape),))
        yield b.batch_norm(b.input(shape))
        yield b.activation(b.input(shape))
        yield b.activation(b.input(shape), ActivationKind.SIGMOID)
        yield b.op(OpKind.PRELU, (b.input(shape), b.floats(1, 1, shape[-1])))
        for kind in (OpKind.ADD, OpKind.SUBTRACT, OpKind.MULTIPLY, OpKind.DIVIDE, OpKind.MAXIMUM, OpKind.MINIMUM):
            yield b.op(kind, (b.input(shape), b.input(shape)))
        yield b.op(OpKind.MAX_POOL_2D, (b.input(shape), None), Pool2DOptions(2, 2, 2, 2))
        yield b.op(OpKind.AVERAGE_POOL_2D, (b.input(shape),), Pool2DOptions(2, 2, 2, 2))
        yield b.op(OpKind.REDUCE, (b.input(shape),), ReduceOptions(ReduceKind.MEAN, (1, 2)))
    for classes in sizes.classes:
        yield b.op(OpKind.SOFTMAX, (b.input((classes,)),))


def _bits(b: Builder, sizes: Sizes) -> Iterator[int]:
    for shape in sizes.images:
        yield b.op(OpKind.UNPACK, (b.input(shape, BIT),))
        yield b.op(OpKind.MAX_POOL_2D, (b.input(shape, BIT), None), Pool2DOptions(2, 2, 2, 2))


def _shapes(b: Builder, sizes: Sizes) -> Iterator[int]:
    for shape in sizes.images:
        for dtype in (F32, BIT):
            flat = (shape[0] * shape[1] * shape[2],)
            yield b.op(OpKind.RESHAPE, (b.input(shape, dtype),), ReshapeOptions(flat))
            yield b.op(OpKind.CONCATENATE, (b.input(shape, dtype), b.input(shape, dtype)), ConcatenateOptions(3))
            padding = PadOptions((0, 0, 1, 1, 1, 1, 0, 0), -1.0)
            yield b.op(OpKind.PAD, (b.input(shape, dtype),), padding)
