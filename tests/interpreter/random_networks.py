"""Random networks over every op of the format, for tests that hold for any of them.

Values stay finite: what would overflow or leave the domain of a function is bounded before, since one NaN would
make everything behind it equal to itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tests.interpreter.making import activation_of
from tests.interpreter.networks import BIT, F32, I8, I32, SAME_3, U8, Builder
from xlite.schema.contracts import ContractError
from xlite.schema.types import (
    RANGES,
    Activation,
    ActivationKind,
    ActivationOptions,
    ConcatenateOptions,
    Conv2DOptions,
    Conv3DOptions,
    DenseOptions,
    DType,
    Model,
    OpKind,
    PadOptions,
    PlanesKind,
    PlanesOptions,
    Pool2DOptions,
    Pool3DOptions,
    QuantizeOptions,
    ReduceKind,
    ReduceOptions,
    ReshapeOptions,
    ResizeOptions,
    SliceOptions,
    TileOptions,
    TransposeOptions,
)

Maker = Callable[[Builder, int, Sequence[int], random.Random], int]
LARGEST = 6000  # elements of one tensor


def random_network(seed: int, ops: int = 12) -> Model:
    """A random graph with branches, residual adds and bit paths: every built-in op can appear. Shapes stay
    small; some tensors are read by several ops, and one to three are graph outputs."""
    chooser = random.Random(seed)
    b = Builder(seed)
    alive = [b.input((6, 6, 5))]
    if chooser.random() < 0.3:
        alive.append(b.input((6, 6, 33), BIT))
    while len(b.ops) < ops:
        x = chooser.choice(alive[-4:] if chooser.random() < 0.8 else alive)
        known = len(b.tensors), len(b.ops)
        try:
            y = chooser.choice(_makers(b, x))(b, x, alive, chooser)
            if b.type(y).elements > LARGEST:
                raise ContractError("too large for a test")
        except ContractError:  # this op does not take this tensor: try another
            del b.tensors[known[0] :], b.ops[known[1] :]
            continue
        alive.append(y)
    outputs = {alive[-1], *chooser.sample(alive, chooser.randint(0, 2))} - set(b.inputs)
    return b.model(sorted(outputs))


def _makers(b: Builder, x: int) -> list[Maker]:
    type_ = b.type(x)
    rank = len(type_.shape)
    if type_.dtype is I32:
        return [_flattened, _embedding, _dequantize]
    makers: list[Maker] = [_reshape, _concat, _pad, _dense, _dense, _transpose, _slice, _tile]
    if type_.dtype is F32:
        makers += [_add, _add, _pairwise, _pairwise, _elementwise, _elementwise, _elementwise]
        makers += [_sign, _sign, _planes, _reduce, _quantize]
    elif type_.dtype is BIT:
        makers += [_unpack, _from_planes]
    else:
        return [*makers, _dequantize, _dequantize, *([_conv, _depthwise, _pool] if rank == 4 else [])]
    if rank == 4:
        makers += [_conv, _conv, _depthwise, _pool, _volume, _volume, _locally_connected, _resize]
    if rank == 5:
        makers += [_conv_3d, _conv_3d, _conv_3d_transpose, *[_pool_3d] * 4]
    return makers


def _output(b: Builder, x: int, chooser: random.Random) -> DType:
    return F32 if b.type(x).dtype is F32 else chooser.choice([F32, F32, I32, BIT, BIT])


def _bits(b: Builder, x: int, chooser: random.Random) -> bool:
    """Whether a filter for ``x`` is one of bits."""
    return b.type(x).dtype is BIT or chooser.random() < 0.5


def _weights(b: Builder, x: int, shape, packed: int, bits: bool, chooser: random.Random, options) -> int:
    """A filter that ``x`` can have, of bits or not."""
    takes_bytes = (
        hasattr(options, "input_zero_point") and options.planes == 1 and packed in (1, 3) and len(shape) < 6
    )
    if (
        takes_bytes
        and (b.type(x).dtype in RANGES or chooser.random() < 0.2)
        and not (bits and chooser.random() < 0.7)
    ):
        return b.bytes(*shape)
    return b.bits(shape, packed) if bits else b.floats(*shape)


# -- with a filter -------------------------------------------------------------------------------------------


def _filtered(b: Builder, kind: OpKind, x: int, shape, packed: int, channels: int, chooser, options) -> int:
    """Any op with a filter of this shape; bit filters now and then with a mask."""
    bits = _bits(b, x, chooser)
    out = _output(b, x, chooser)
    weights = _weights(b, x, shape, packed, bits, chooser, options)
    bits = b.type(weights).dtype is BIT
    mask = b.bits(shape, packed) if bits and chooser.random() < 0.3 else None
    if b.type(x).dtype in RANGES:
        options = replace(options, input_zero_point=chooser.choice([0, 3, 128]))
    return b.op(kind, [*b._filtered(x, weights, channels, out), mask], replace(options, output_dtype=out))


def _conv(b: Builder, x: int, alive, chooser) -> int:
    options = Conv2DOptions(**(SAME_3 if chooser.random() < 0.8 else {}))
    if b.type(x).dtype is BIT:
        options = replace(options, pad_value=chooser.choice([0, 1, -1]))
    depth = b.type(x).shape[3]
    filters = chooser.choice([3, depth, 33])
    if b.type(x).dtype is BIT and depth % 2 == 0 and chooser.random() < 0.3:
        options, depth = replace(options, planes=2), depth // 2
    return _filtered(b, OpKind.CONV_2D, x, (filters, 3, 3, depth), 3, filters, chooser, options)


def _depthwise(b: Builder, x: int, alive, chooser) -> int:
    channels = b.type(x).shape[3] * chooser.choice([1, 2])
    if channels > 80:
        raise ContractError("too many channels for a test")
    options = Conv2DOptions(**SAME_3)
    return _filtered(b, OpKind.DEPTHWISE_CONV_2D, x, (3, 3, channels), 1, channels, chooser, options)


def _dense(b: Builder, x: int, alive, chooser) -> int:
    units, features, options = chooser.choice([4, 32, 35]), b.type(x).shape[-1], DenseOptions()
    if b.type(x).dtype is BIT and features % 2 == 0 and chooser.random() < 0.3:
        options, features = replace(options, planes=2), features // 2
    return _filtered(b, OpKind.DENSE, x, (units, features), 1, units, chooser, options)


def _locally_connected(b: Builder, x: int, alive, chooser) -> int:
    _, height, width, depth = b.type(x).shape
    if height < 3 or width < 3:
        raise ContractError("too small for the window")
    shape = (height - 1, width - 2, 3, 2, 3, depth)
    return _filtered(b, OpKind.LOCALLY_CONNECTED_2D, x, shape, 3, 3, chooser, Conv2DOptions())


def _conv_3d(b: Builder, x: int, alive, chooser) -> int:
    _, *extents, depth = b.type(x).shape
    taps = [min(extent, chooser.choice([1, 2])) for extent in extents]
    options = Conv3DOptions(pad_front=taps[0] - 1, stride_w=chooser.choice([1, 2]))
    return _filtered(b, OpKind.CONV_3D, x, (5, *taps, depth), 4, 5, chooser, options)


def _conv_3d_transpose(b: Builder, x: int, alive, chooser) -> int:
    _, d, h, w, depth = b.type(x).shape
    options = Conv3DOptions(stride_h=2, output_d=d, output_h=(h - 1) * 2 + 2, output_w=w + 1)
    return _filtered(b, OpKind.CONV_3D_TRANSPOSE, x, (4, 1, 2, 2, depth), 4, 4, chooser, options)


# -- element by element --------------------------------------------------------------------------------------


def _sign(b: Builder, x: int, alive, chooser) -> int:
    return b.op(OpKind.SIGN, (x,))


def _unpack(b: Builder, x: int, alive, chooser) -> int:
    return b.op(OpKind.UNPACK, (x,))


def _planes(b: Builder, x: int, alive, chooser) -> int:
    kind = chooser.choice(list(PlanesKind))
    return b.op(OpKind.BIT_PLANES, (x,), PlanesOptions(kind, 2 if kind is PlanesKind.DOREFA else 1))


def _from_planes(b: Builder, x: int, alive, chooser) -> int:
    return b.op(OpKind.FROM_PLANES, (x,), PlanesOptions(PlanesKind.DOREFA, chooser.choice([1, 2, 3])))


def _add(b: Builder, x: int, alive, chooser) -> int:
    return b.op(OpKind.ADD, (x, _like(b, x, alive, chooser)))


def _like(b: Builder, x: int, alive, chooser) -> int:
    """A tensor of the same type, perhaps ``x`` itself."""
    return chooser.choice([t for t in alive if b.type(t) == b.type(x)])


def _pairwise(b: Builder, x: int, alive, chooser) -> int:
    """Factors and divisors are bounded: between -1 and 1, and above 0.3."""
    kind = chooser.choice([OpKind.SUBTRACT, OpKind.MULTIPLY, OpKind.DIVIDE, OpKind.MAXIMUM, OpKind.MINIMUM])
    bound = {OpKind.MULTIPLY: _unit, OpKind.DIVIDE: _positive}.get(kind, lambda b, y: y)
    if chooser.random() < 0.6:
        y = bound(b, _like(b, x, alive, chooser))
        return b.op(kind, (x, y))
    shape = tuple(chooser.choice([1, extent]) for extent in b.type(x).shape[1:])
    constant = b.const(b.rng.uniform(0.5, 2.0, (1, *shape)).astype(np.float32))
    if kind in (OpKind.SUBTRACT, OpKind.DIVIDE) and chooser.random() < 0.5:
        return b.op(kind, (constant, bound(b, x)))
    return b.op(kind, (x, constant))


def _unit(b: Builder, x: int) -> int:
    return b.activation(x, ActivationKind.HARD_TANH)


def _positive(b: Builder, x: int) -> int:
    return b.activation(_unit(b, x), ActivationKind.SOFTPLUS)


# What an activation needs of its input to stay finite.
_DOMAIN = {
    ActivationKind.LOG: _positive,
    ActivationKind.SQRT: _positive,
    ActivationKind.RSQRT: _positive,
    ActivationKind.EXP: _unit,
    ActivationKind.SQUARE: _unit,
}


def _elementwise(b: Builder, x: int, alive, chooser) -> int:
    pick = chooser.randrange(4)
    if pick == 0:
        return b.batch_norm(x)
    if pick <= 1:
        kind = chooser.choice([k for k in ActivationKind if k is not ActivationKind.NONE])
        x = _DOMAIN.get(kind, lambda b, y: y)(b, x)
        return b.op(OpKind.ACTIVATION, (x,), ActivationOptions(activation_of(kind, chooser)))
    if pick == 2:
        return b.op(OpKind.SOFTMAX, (x,))
    shape = b.type(x).shape[1:]
    return b.op(OpKind.PRELU, (x, b.floats(*(1,) * (len(shape) - 1), shape[-1])))


def _quantize(b: Builder, x: int, alive, chooser) -> int:
    dtype = chooser.choice([I8, U8])
    return b.op(OpKind.QUANTIZE, (x,), QuantizeOptions(dtype, 0.25, 100 if dtype is U8 else -5))


def _dequantize(b: Builder, x: int, alive, chooser) -> int:
    """Into numbers about as large as those that floats have elsewhere."""
    integers = b.type(x).dtype
    return b.op(OpKind.DEQUANTIZE, (x,), QuantizeOptions(F32, 1e-3 if integers is I32 else 0.25))


# -- windows -------------------------------------------------------------------------------------------------


def _pool(b: Builder, x: int, alive, chooser) -> int:
    options = Pool2DOptions(2, 2, chooser.choice([1, 2]), 1, 0, 1, 1, 0)
    type_ = b.type(x)
    if type_.dtype is BIT:
        flip = chooser.choice([None, b.bits((type_.shape[3],))])
        return b.op(OpKind.MAX_POOL_2D, (x, flip), options)
    if type_.dtype is not F32 or chooser.random() < 0.5:
        return b.op(OpKind.MAX_POOL_2D, (x, None), options)
    return b.op(OpKind.AVERAGE_POOL_2D, (x,), options)


def _pool_3d(b: Builder, x: int, alive, chooser) -> int:
    options = Pool3DOptions(1, 2, 2, 1, chooser.choice([1, 2]), 1, 0, 0, 0, 1, 1, 0)
    return b.op(chooser.choice([OpKind.MAX_POOL_3D, OpKind.AVERAGE_POOL_3D]), (x,), options)


def _resize(b: Builder, x: int, alive, chooser) -> int:
    return b.op(OpKind.RESIZE_BILINEAR_2D, (x,), ResizeOptions(chooser.randint(1, 8), chooser.randint(1, 8)))


# -- shapes --------------------------------------------------------------------------------------------------


def _concat(b: Builder, x: int, alive, chooser) -> int:
    type_ = b.type(x)
    others = [t for t in alive if b.type(t).dtype is type_.dtype and b.type(t).shape[:-1] == type_.shape[:-1]]
    parts = [x, *chooser.sample(others, min(len(others), 2))]
    if sum(b.type(t).shape[-1] for t in parts) > 150:
        raise ContractError("too wide for a test")
    return b.op(OpKind.CONCATENATE, parts, ConcatenateOptions(-1))


def _reshape(b: Builder, x: int, alive, chooser) -> int:
    shape = b.type(x).shape[1:]
    if len(shape) == 3:
        return b.op(OpKind.RESHAPE, (x,), ReshapeOptions((shape[1], shape[0], shape[2])))
    if len(shape) == 4:
        return b.op(OpKind.RESHAPE, (x,), ReshapeOptions((shape[0] * shape[1], *shape[2:])))
    return b.op(OpKind.RESHAPE, (x,), ReshapeOptions((1, *shape) if len(shape) < 3 else shape))


def _volume(b: Builder, x: int, alive, chooser) -> int:
    """An image as a volume of some depth."""
    height, width, channels = b.type(x).shape[1:]
    depth = chooser.choice([d for d in (1, 2, 3, 4) if height % d == 0])
    return b.op(OpKind.RESHAPE, (x,), ReshapeOptions((depth, height // depth, width, channels)))


def _flattened(b: Builder, x: int, alive, chooser) -> int:
    return b.op(OpKind.RESHAPE, (x,), ReshapeOptions((b.type(x).elements,)))


def _embedding(b: Builder, x: int, alive, chooser) -> int:
    """Integers of a convolution as row numbers: many are out of range, and clamped."""
    if len(b.type(x).shape) > 4:
        raise ContractError("too many axes for a test")
    return b.op(OpKind.EMBEDDING, (x, b.floats(7, 3)))


def _pad(b: Builder, x: int, alive, chooser) -> int:
    type_ = b.type(x)
    if max(type_.shape) > 40:
        raise ContractError("too large for a test")
    paddings = [0, 0] + [chooser.randint(0, 1) for _ in range(2 * (len(type_.shape) - 1))]
    return b.op(OpKind.PAD, (x,), PadOptions(tuple(paddings), chooser.choice([1.0, -1.0])))


def _transpose(b: Builder, x: int, alive, chooser) -> int:
    axes = list(range(1, len(b.type(x).shape)))
    chooser.shuffle(axes)
    return b.op(OpKind.TRANSPOSE, (x,), TransposeOptions((0, *axes)))


def _slice(b: Builder, x: int, alive, chooser) -> int:
    entries = [(0, 1, 1)]
    for extent in b.type(x).shape[1:]:
        stride = chooser.choice([1, 1, 2])
        begin = chooser.randrange(min(extent, 3))
        entries.append((begin, max(1, (extent - begin - chooser.randint(0, 1)) // stride), stride))
    return b.op(OpKind.SLICE, (x,), SliceOptions(*zip(*entries)))


def _tile(b: Builder, x: int, alive, chooser) -> int:
    multiples = [chooser.choice([1, 1, 2]) for _ in b.type(x).shape[1:]]
    return b.op(OpKind.TILE, (x,), TileOptions((1, *multiples)))


def _reduce(b: Builder, x: int, alive, chooser) -> int:
    kind = chooser.choice(list(ReduceKind))
    rank = len(b.type(x).shape)
    axes = tuple(sorted(chooser.sample(range(1, rank), chooser.randint(1, rank - 1))))
    x = _unit(b, x) if kind is ReduceKind.PROD else x
    return b.op(OpKind.REDUCE, (x,), ReduceOptions(kind, axes, len(axes) == rank - 1 or chooser.random() < 0.5))


# Where the last digit of a float decides about a whole step.
JUMPS = {ActivationKind[name] for name in ("ROUND", "FLOOR", "SIGN", "THRESHOLD", "HARD_SHRINK", "RELU")}


def jumps(op, types) -> bool:
    """Whether an op over floats has steps: its output may differ where its input differs in the last digit."""
    if types[op.inputs[0]].dtype is not F32:
        return False
    activation = getattr(op.options, "activation", Activation())
    return op.kind in (OpKind.SIGN, OpKind.BIT_PLANES, OpKind.QUANTIZE) or activation.kind in JUMPS
