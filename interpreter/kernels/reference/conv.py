"""CONV_2D: windows are gathered as rows, each row meets each filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.finish import make_finish
from xlite.interpreter.kernels.reference.popcount import xor_dot
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.interpreter.kernels.reference.windows import Geometry, Span, conv_geometry
from xlite.schema.bits import pack_bits, unpack_bits, unpack_signs
from xlite.schema.types import Conv2DOptions, DType, OpKind, TensorType


@dataclass(frozen=True)
class _Conv:
    """What does not change from run to run."""

    x: TensorType
    kernel: TensorType
    filters: np.ndarray
    options: Conv2DOptions
    geometry: Geometry

    @property
    def depth(self) -> int:
        """Channels that one filter reads."""
        return self.kernel.shape[3]

    @property
    def length(self) -> int:
        return self.geometry.taps * self.depth

    def groups(self) -> Iterator[tuple[slice, int, int]]:
        """Of each group: its channels, its first filter and the end of its filters."""
        each = len(self.filters) // self.options.groups
        for g in range(self.options.groups):
            yield slice(g * self.depth, (g + 1) * self.depth), g * each, (g + 1) * each


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type, options = spec.inputs[0], spec.inputs[1], spec.op.options
    x, filters, out = buffers.inputs[0], buffers.inputs[1], buffers.outputs[0]
    assert x_type is not None
    assert filter_type is not None
    assert x is not None
    assert filters is not None
    assert isinstance(options, Conv2DOptions)
    _, filter_h, filter_w, _ = filter_type.shape
    _, height, width, channels = x_type.shape
    _, out_h, out_w, _ = spec.outputs[0].shape
    geometry = conv_geometry(options, (filter_h, filter_w), (height, width), (out_h, out_w))
    conv = _Conv(x_type, filter_type, filters, options, geometry)
    accumulate = _bit_tile if x_type.dtype is DType.BIT else _float_tile
    finish = make_finish(spec, buffers)
    bytes_a_pixel = 4 * (geometry.taps * channels + len(filters))

    def step() -> None:
        for rows, columns in geometry.tiles(bytes_a_pixel):
            for image, target in zip(x, out):
                tile = target[slice(*rows), slice(*columns)]
                acc = accumulate(conv, image, rows, columns)
                finish(acc.reshape(*tile.shape[:2], -1), tile)

    return step


def _bit_tile(conv: _Conv, image: np.ndarray, rows: Span, columns: Span) -> np.ndarray:
    """Dot products of bits, each window packed again as one row, as the filters are: uint32 (H, W, words) ->
    int32 (pixels of the tile, filters)."""
    windows = _windows(conv, rows, columns, np.uint8, conv.options.pad_value < 0)
    for tap in conv.geometry.visible_taps(rows, columns):
        windows[tap.place] = unpack_bits(image[tap.inputs], conv.x.shape[3])
    mask = _mask(conv, rows, columns)
    acc = np.empty((windows.shape[0] * windows.shape[1], len(conv.filters)), np.int32)
    for channels, first, last in conv.groups():
        packed = pack_bits(windows[..., channels].reshape(len(acc), conv.length))
        for start, stop in slices(last - first, 8 * packed.size):
            block = slice(first + start, first + stop)
            acc[:, block] = xor_dot(packed, conv.filters[block], mask, conv.length)
    return acc


def _mask(conv: _Conv, rows: Span, columns: Span) -> Optional[np.ndarray]:
    """A zero is no bit: where windows reach into padding with zeros, bit 1 marks the real elements of every
    window, the only ones that count. None where all do."""
    if conv.options.pad_value != 0 or not conv.geometry.sees_padding():
        return None
    real = np.zeros((rows[1] - rows[0], columns[1] - columns[0], *conv.kernel.shape[1:]), bool)
    for tap in conv.geometry.visible_taps(rows, columns):
        real[tap.place] = True
    return pack_bits(real.reshape(-1, conv.length))


def _float_tile(conv: _Conv, image: np.ndarray, rows: Span, columns: Span) -> np.ndarray:
    """Sums of products in float32, the filters floats or bits: float32 (H, W, C) -> float32 (pixels of the tile,
    filters)."""
    windows = _windows(conv, rows, columns, np.float32, 0)
    for tap in conv.geometry.visible_taps(rows, columns):
        windows[tap.place] = image[tap.inputs]
    acc = np.empty((windows.shape[0] * windows.shape[1], len(conv.filters)), np.float32)
    unpacked_bytes = 5 * conv.length if conv.kernel.dtype is DType.BIT else 0
    for channels, first, last in conv.groups():
        seen = windows[..., channels].reshape(len(acc), conv.length)
        for start, stop in slices(last - first, unpacked_bytes):
            block = slice(first + start, first + stop)
            acc[:, block] = seen @ rows_as_float(conv.filters[block], conv.kernel).T
    return acc


def _windows(conv: _Conv, rows: Span, columns: Span, dtype: type, pad: int) -> np.ndarray:
    """(rows, columns, kernel height, kernel width, channels) of padding."""
    shape = (rows[1] - rows[0], columns[1] - columns[0], *conv.kernel.shape[1:3], conv.x.shape[3])
    return np.full(shape, pad, dtype)


def rows_as_float(filters: np.ndarray, type_: TensorType) -> np.ndarray:
    """Some filters of a filter tensor as float32 (filters, elements of one)."""
    if type_.dtype is not DType.BIT:
        return filters.reshape(len(filters), -1)
    shape = (len(filters), *type_.shape[1:])
    return unpack_signs(filters, shape, type_.packed_axes).reshape(len(filters), -1).astype(np.float32)


KERNELS = (Kernel("np_conv_2d", "numpy", OpKind.CONV_2D, _prepare),)
