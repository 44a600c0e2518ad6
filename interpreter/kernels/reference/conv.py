"""CONV_2D: windows are gathered as rows, each row meets each filter."""

from __future__ import annotations

from typing import Union

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.finish import make_finish
from xlite.interpreter.kernels.reference.popcount import xor_dot
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.interpreter.kernels.reference.windows import Geometry, conv_geometry, gather
from xlite.schema.bits import pack_bits, unpack_bits, unpack_signs
from xlite.schema.types import Conv2DOptions, DType, OpKind, TensorType


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type = spec.inputs[0], spec.inputs[1]
    options = spec.op.options
    assert x_type is not None
    assert filter_type is not None
    assert isinstance(options, Conv2DOptions)
    x, filters = buffers.inputs[0], buffers.inputs[1]
    assert x is not None
    assert filters is not None
    out = buffers.outputs[0]
    finish = make_finish(spec, buffers)
    geometry = conv_geometry(options, filter_type.shape[1:3], spec.outputs[0].shape[1:3])
    kind = _BitAccumulator if x_type.dtype is DType.BIT else _FloatAccumulator
    accumulate: Union[_BitAccumulator, _FloatAccumulator] = kind(geometry, options, x_type, filter_type, filters)
    out_h, out_w = geometry.output

    def step() -> None:
        for start, stop in slices(out_h, out_w * accumulate.bytes_a_pixel):
            for sample in range(len(x)):
                acc = accumulate(x[sample], (start, stop))
                finish(acc, out[sample, start:stop].reshape(len(acc), -1))

    return step


class _BitAccumulator:
    """Dot products of bits: each window is packed again as one row, as the filters are."""

    def __init__(self, geometry: Geometry, options: Conv2DOptions, x: TensorType, kernel: TensorType, filters):
        self._geometry, self._filters = geometry, filters
        self._groups, self._depth = options.groups, kernel.shape[3]
        self._shape = x.shape[1:]
        self._pad = 1 if options.pad_value < 0 else 0
        # a zero is no bit: where windows reach into zeros, the mask leaves those elements out of the count
        self._masked = options.pad_value == 0 and geometry.sees_padding(*self._shape[:2])
        self.bytes_a_pixel = 2 * geometry.taps * self._shape[2] + 4 * kernel.shape[0]

    def __call__(self, image: np.ndarray, rows: tuple[int, int]) -> np.ndarray:
        """uint32 (H, W, words) -> int32 (pixels of the rows, filters)."""
        bits = unpack_bits(image, self._shape[2])
        windows = gather(bits, self._geometry, rows, self._pad)
        pixels = windows.shape[0] * windows.shape[1]
        mask = self._mask(rows, pixels) if self._masked else None
        acc = np.empty((pixels, len(self._filters)), np.int32)
        length = self._geometry.taps * self._depth
        per_group = len(self._filters) // self._groups
        for group in range(self._groups):
            first = group * self._depth
            packed = pack_bits(windows[..., first : first + self._depth].reshape(pixels, length))
            base = group * per_group
            for start, stop in slices(per_group, pixels * packed.shape[1] * 8):
                block = slice(base + start, base + stop)
                acc[:, block] = xor_dot(packed, self._filters[block], mask, length)
        return acc

    def _mask(self, rows: tuple[int, int], pixels: int) -> np.ndarray:
        """One row a pixel, bit 1 where the window sees a real element."""
        real = np.ones((*self._shape[:2], 1), np.uint8)
        windows = gather(real, self._geometry, rows, 0)
        spread = np.broadcast_to(windows, (*windows.shape[:4], self._depth))
        return pack_bits(spread.reshape(pixels, -1))


class _FloatAccumulator:
    """Sums of products in float32; the filters may be bits."""

    def __init__(self, geometry: Geometry, options: Conv2DOptions, x: TensorType, kernel: TensorType, filters):
        self._geometry, self._type, self._filters = geometry, kernel, filters
        self._groups = options.groups
        self.bytes_a_pixel = 4 * (geometry.taps * x.shape[3] + kernel.shape[0])

    def __call__(self, image: np.ndarray, rows: tuple[int, int]) -> np.ndarray:
        """float32 (H, W, C) -> float32 (pixels of the rows, filters)."""
        windows = gather(image, self._geometry, rows, 0)
        pixels = windows.shape[0] * windows.shape[1]
        count, depth = self._type.shape[0], self._type.shape[3]
        acc = np.empty((pixels, count), np.float32)
        per_group = count // self._groups
        length = self._geometry.taps * depth
        for group in range(self._groups):
            columns = windows[..., group * depth : (group + 1) * depth].reshape(pixels, length)
            base = group * per_group
            for start, stop in slices(per_group, 5 * length if self._type.dtype is DType.BIT else 0):
                block = slice(base + start, base + stop)
                acc[:, block] = columns @ rows_as_float(self._filters[block], self._type).T
        return acc


def rows_as_float(filters: np.ndarray, type_: TensorType) -> np.ndarray:
    """Some filters of a filter tensor as float32 (filters, elements of one)."""
    if type_.dtype is not DType.BIT:
        return filters.reshape(len(filters), -1)
    shape = (len(filters), *type_.shape[1:])
    return unpack_signs(filters, shape, type_.packed_axes).reshape(len(filters), -1).astype(np.float32)


KERNELS = (Kernel("np_conv_2d", "numpy", OpKind.CONV_2D, _prepare),)
