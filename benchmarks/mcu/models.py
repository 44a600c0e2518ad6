"""The networks of the table: the demo with bytes in, the same architecture in float32, a binary VGG."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.interpreter.networks import SAME_3, U8, Builder
from xlite.schema.types import (
    Activation,
    ActivationKind,
    ActivationOptions,
    Conv2DOptions,
    DenseOptions,
    DType,
    Model,
    Op,
    OpKind,
    Pool2DOptions,
    ReshapeOptions,
)

RELU = Activation(ActivationKind.RELU)

_FILTERED = {OpKind.CONV_2D, OpKind.DENSE}
_SAME = {OpKind.MAX_POOL_2D, OpKind.RESHAPE, OpKind.SOFTMAX}
_GONE = {OpKind.UNPACK, OpKind.QUANTIZE, OpKind.DEQUANTIZE}


def vgg() -> Model:
    """Six binary convolutions of 64 to 256 channels on a 32 x 32 x 3 image of bytes, and ten classes."""
    b = Builder(1)
    x = b.input((32, 32, 3), U8, "image")
    for channels in (64, 128, 256):
        for _ in range(2):
            x = b.conv(x, channels, out=DType.BIT, pad_value=0 if b.type(x).dtype is U8 else 1, **SAME_3)
        x = b.op(OpKind.MAX_POOL_2D, (x, None), Pool2DOptions(2, 2, 2, 2))
    flat = b.op(OpKind.RESHAPE, (x,), ReshapeOptions((4 * 4 * 256,)))
    return b.model([b.dense(flat, 10, out=DType.INT32)])


def float_twin(model: Model) -> Model | None:
    """The same architecture in float32: every binary layer becomes a float one with ReLU in place of the sign and
    batch normalisation folded into filters and biases. Weights are random. None for a network with ops of which
    that is not said here."""
    b = Builder(2)
    made = {}
    for tensor in model.inputs:
        made[tensor] = b.input(model.tensors[tensor].type.shape[1:])
    for op in model.ops:
        x = made.get(op.inputs[0])
        if x is None:
            return None
        if op.kind in _FILTERED:
            y = _filtered(b, model, op, x)
        elif op.kind in _GONE or op.kind is OpKind.BATCH_NORM:
            y = x
        elif op.kind is OpKind.SIGN:
            y = b.op(OpKind.ACTIVATION, (x,), ActivationOptions(RELU))
        elif op.kind in _SAME:
            y = b.op(op.kind, (x, None) if op.kind is OpKind.MAX_POOL_2D else (x,), op.options)
        else:
            return None
        made[op.outputs[0]] = y
    return b.model([made[tensor] for tensor in model.outputs])


def _filtered(b: Builder, model: Model, op: Op, x: int) -> int:
    """A convolution or dense layer of floats. Its activation stays where it has one, and is ReLU for bits."""
    options = op.options
    assert isinstance(options, (Conv2DOptions, DenseOptions))
    bits = options.output_dtype is DType.BIT
    options = replace(
        options,
        output_dtype=DType.FLOAT32,
        activation=RELU if bits else options.activation,
        planes=1,
        input_multiplier=1,
        input_zero_point=0,
        **({"pad_value": 0} if isinstance(options, Conv2DOptions) else {}),
    )
    shape = model.tensors[op.inputs[1]].type.shape
    weights = b.rng.normal(size=shape) / np.sqrt(np.prod(shape[1:]))
    bias = b.rng.normal(size=shape[0]).astype(np.float32)
    return b.op(op.kind, (x, b.const(weights.astype(np.float32)), None, b.const(bias), None), options)
