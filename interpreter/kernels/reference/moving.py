"""TRANSPOSE, SLICE and TILE. Bits move as whole words where their rows stay whole, else one by one."""

from __future__ import annotations

from typing import Callable

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.schema.bits import pack_bits, unpack_bits
from xlite.schema.types import DType, OpKind, SliceOptions, TensorType, TileOptions, TransposeOptions

# One sample's elements (without the batch axis) -> the output's, as a view where that can be
Move = Callable[[np.ndarray], np.ndarray]


def _step(spec: OpSpec, buffers: Buffers, move: Move, whole_rows: bool) -> Step:
    """whole_rows: the last axis stays as it is, so that it may be moved in words as well as in elements."""
    x_type = spec.inputs[0]
    x, y = buffers.inputs[0], buffers.outputs[0]
    assert x_type is not None
    assert x is not None
    by_bit = x_type.dtype is DType.BIT and not whole_rows
    channels = x_type.shape[-1]

    def step() -> None:
        for source, target in zip(x, y):
            if by_bit:
                np.copyto(target, pack_bits(move(unpack_bits(source, channels))))
            else:
                np.copyto(target, move(source))

    return step


def _transpose(spec: OpSpec, buffers: Buffers) -> Step:
    options = spec.op.options
    assert isinstance(options, TransposeOptions)
    order = [axis - 1 for axis in options.permutation[1:]]
    whole_rows = not order or order[-1] == len(order) - 1
    return _step(spec, buffers, lambda sample: sample.transpose(order), whole_rows)


def _slice(spec: OpSpec, buffers: Buffers) -> Step:
    options, x_type = spec.op.options, spec.inputs[0]
    assert isinstance(options, SliceOptions)
    assert x_type is not None
    axes = zip(options.begin[1:], options.size[1:], options.stride[1:])
    part = tuple(slice(begin, begin + (size - 1) * stride + 1, stride) for begin, size, stride in axes)
    whole_rows = options.size[-1] == x_type.shape[-1]
    if whole_rows:
        part = part[:-1]
    return _step(spec, buffers, lambda sample: sample[part], whole_rows)


def _tile(spec: OpSpec, buffers: Buffers) -> Step:
    options, x_type = spec.op.options, spec.inputs[0]
    assert isinstance(options, TileOptions)
    assert x_type is not None
    multiples = options.multiples[1:]
    if x_type.dtype is DType.BIT and multiples[-1:] != (1,):
        return _step(spec, buffers, lambda sample: np.tile(sample, multiples), False)
    return _tile_whole(buffers, x_type, options.multiples)


def _tile_whole(buffers: Buffers, x_type: TensorType, multiples: tuple[int, ...]) -> Step:
    """Broadcasts into the output, seen with an axis (multiple, extent) for each of its axes: no copy is made."""
    x = buffers.inputs[0]
    assert x is not None
    split = [part for multiple, extent in zip(multiples, x.shape) for part in (multiple, extent)]
    target = buffers.outputs[0].reshape(split)
    source = x.reshape([part for extent in x.shape for part in (1, extent)])
    return lambda: np.copyto(target, source)


KERNELS = (
    Kernel("np_transpose", "numpy", OpKind.TRANSPOSE, _transpose),
    Kernel("np_slice", "numpy", OpKind.SLICE, _slice),
    Kernel("np_tile", "numpy", OpKind.TILE, _tile),
)
