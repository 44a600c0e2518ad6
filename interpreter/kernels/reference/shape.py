"""CONCATENATE, RESHAPE and PAD. Bits move as whole words where rows allow it, else one by one."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.schema.bits import pack_bits, unpack_bits
from xlite.schema.contracts.infer import same_rows
from xlite.schema.types import ConcatenateOptions, DType, OpKind, PadOptions, TensorType


def _concatenate(spec: OpSpec, buffers: Buffers) -> Step:
    options = spec.op.options
    assert isinstance(options, ConcatenateOptions)
    y_type, y = spec.outputs[0], buffers.outputs[0]
    axis = options.axis % len(y_type.shape)
    parts = [(x, t) for x, t in zip(buffers.inputs, spec.inputs) if x is not None and t is not None]
    by_bit = y_type.dtype is DType.BIT and axis == len(y_type.shape) - 1

    out = y.reshape(-1, y.shape[-1])
    rows = [(x.reshape(len(out), -1), t.shape[-1]) for x, t in parts] if by_bit else []

    def step_bits() -> None:
        for start, stop in slices(len(out), 3 * y_type.shape[-1]):
            bits = [unpack_bits(x[start:stop], count) for x, count in rows]
            np.copyto(out[start:stop], pack_bits(np.concatenate(bits, axis=-1)))

    def step() -> None:
        np.concatenate([x for x, _ in parts], axis=axis, out=y)

    return step_bits if by_bit else step


def _reshape(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, y_type = spec.inputs[0], spec.outputs[0]
    x, y = buffers.inputs[0], buffers.outputs[0]
    assert x is not None
    assert x_type is not None
    if same_rows(x_type, y_type):
        flat_x, flat_y = x.reshape(-1), y.reshape(-1)
        return lambda: np.copyto(flat_y, flat_x)

    def step() -> None:
        for source, target in zip(x, y):
            bits = unpack_bits(source, x_type.shape[-1])
            np.copyto(target, pack_bits(bits.reshape(y_type.shape[1:])))

    return step


def _pad(spec: OpSpec, buffers: Buffers) -> Step:
    options = spec.op.options
    assert isinstance(options, PadOptions)
    x_type, y_type = spec.inputs[0], spec.outputs[0]
    x, y = buffers.inputs[0], buffers.outputs[0]
    assert x is not None
    assert x_type is not None
    inside = _inside(options, x_type)
    bits = x_type.dtype is DType.BIT

    def step() -> None:
        for source, target in zip(x, y):
            if bits:
                padded = np.full(y_type.shape[1:], options.value < 0, np.uint8)
                padded[inside] = unpack_bits(source, x_type.shape[-1])
                np.copyto(target, pack_bits(padded))
            else:
                target.fill(options.value)
                target[inside] = source

    return step


def _inside(options: PadOptions, x: TensorType) -> tuple[slice, ...]:
    """Where the input lies in the output, without the batch axis."""
    before = options.paddings[2::2]
    return tuple(slice(start, start + size) for start, size in zip(before, x.shape[1:]))


KERNELS = (
    Kernel("np_concatenate", "numpy", OpKind.CONCATENATE, _concatenate),
    Kernel("np_reshape", "numpy", OpKind.RESHAPE, _reshape),
    Kernel("np_pad", "numpy", OpKind.PAD, _pad),
)
