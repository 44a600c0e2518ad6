"""Random chains of layers over tall images: what row bands are for."""

from __future__ import annotations

import random

import numpy as np

from tests.interpreter.networks import BIT, F32, Builder
from xlite.schema.contracts import ContractError
from xlite.schema.types import (
    Activation,
    ActivationKind,
    ActivationOptions,
    Conv2DOptions,
    Model,
    OpKind,
    PlanesKind,
    PlanesOptions,
    Pool2DOptions,
)


def random_chain(seed: int, ops: int = 8) -> Model:
    """Convolutions, pools and element-wise ops one after the other; windows of any height, stride and padding."""
    chooser = random.Random(seed)
    b = Builder(seed)
    x = b.input((chooser.randint(13, 29), chooser.randint(3, 6), chooser.choice([1, 3, 5])))
    while len(b.ops) < ops:
        known = len(b.tensors), len(b.ops)
        try:
            y = chooser.choice(_makers(b, x))(b, x, chooser)
            if min(b.type(y).shape[1:3]) < 2:
                raise ContractError("too small for what follows")
        except ContractError:
            del b.tensors[known[0] :], b.ops[known[1] :]
            continue
        x = y
    return b.model([x])


def _makers(b: Builder, x: int):
    if b.type(x).dtype is BIT:
        return [_conv, _conv, _depthwise, _max_pool, _unpack]
    return [
        _conv,
        _depthwise,
        _max_pool,
        _average_pool,
        _norm,
        _activation,
        _prelu,
        _binary,
        _sign,
        _sign,
        _planes,
    ]


def _window(chooser: random.Random) -> dict:
    size, dilation = chooser.choice([1, 2, 3, 3, 5]), chooser.choice([1, 1, 1, 2])
    span = (size - 1) * dilation + 1
    return {
        "kernel": size,
        "stride_h": chooser.choice([1, 1, 2, 3]),
        "dilation_h": dilation,
        "pad_top": chooser.randint(0, span - 1),
        "pad_bottom": chooser.randint(0, span - 1),
        "pad_left": size - 1,
    }


def _conv(b: Builder, x: int, chooser: random.Random) -> int:
    bits = b.type(x).dtype is BIT
    out = chooser.choice([BIT, BIT, F32]) if bits else F32
    window = _window(chooser)
    if bits:
        window["pad_value"] = chooser.choice([0, 1, -1])
    return b.conv(x, chooser.choice([3, 32, 35]), out=out, bit_filter=bits or chooser.random() < 0.5, **window)


def _depthwise(b: Builder, x: int, chooser: random.Random) -> int:
    bits = b.type(x).dtype is BIT
    out = chooser.choice([BIT, F32]) if bits else F32
    return b.depthwise(x, 1, out=out, bit_filter=bits, pad_top=chooser.randint(0, 2), pad_left=2)


def _pool(kind: OpKind, inputs, b: Builder, chooser: random.Random) -> int:
    height = chooser.choice([2, 2, 3])
    options = Pool2DOptions(height, 1, chooser.randint(1, height), 1, chooser.randint(0, 1), chooser.randint(0, 1))
    return b.op(kind, inputs, options)


def _max_pool(b: Builder, x: int, chooser: random.Random) -> int:
    return _pool(OpKind.MAX_POOL_2D, (x, None), b, chooser)


def _average_pool(b: Builder, x: int, chooser: random.Random) -> int:
    return _pool(OpKind.AVERAGE_POOL_2D, (x,), b, chooser)


def _norm(b: Builder, x: int, chooser: random.Random) -> int:
    return b.batch_norm(x)


def _activation(b: Builder, x: int, chooser: random.Random) -> int:
    kind = chooser.choice([ActivationKind.RELU, ActivationKind.TANH, ActivationKind.HARD_TANH])
    return b.op(OpKind.ACTIVATION, (x,), ActivationOptions(Activation(kind)))


def _prelu(b: Builder, x: int, chooser: random.Random) -> int:
    return b.op(OpKind.PRELU, (x, b.floats(1, 1, b.type(x).shape[-1])))


def _binary(b: Builder, x: int, chooser: random.Random) -> int:
    kind = chooser.choice([OpKind.ADD, OpKind.MULTIPLY, OpKind.MAXIMUM])
    constant = b.const(np.float32(b.rng.uniform(0.5, 1.5, (1, 1, 1, b.type(x).shape[-1]))))
    return b.op(kind, (x, constant))


def _sign(b: Builder, x: int, chooser: random.Random) -> int:
    return b.op(OpKind.SIGN, (x,))


def _unpack(b: Builder, x: int, chooser: random.Random) -> int:
    return b.op(OpKind.UNPACK, (x,))


def _planes(b: Builder, x: int, chooser: random.Random) -> int:
    planes = b.op(OpKind.BIT_PLANES, (x,), PlanesOptions(PlanesKind.DOREFA, 2))
    depth = b.type(x).shape[-1]
    filters = b.bits((5, 3, 3, depth), 3)
    options = Conv2DOptions(pad_top=1, pad_left=1, pad_right=1, output_dtype=F32, planes=2)
    return b.op(OpKind.CONV_2D, (planes, filters, None, None, None), options)
