"""CONV_2D and CONV_3D: windows are gathered as rows, each row meets each filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.finish import make_finish
from xlite.interpreter.kernels.reference.gather import gather_bits, gather_floats, real_elements
from xlite.interpreter.kernels.reference.integers import exact_dot, is_exact, numbers
from xlite.interpreter.kernels.reference.popcount import both, xor_dot
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.interpreter.kernels.reference.weights import kept_bits, rows_as_float
from xlite.interpreter.kernels.reference.windows import ConvOptions, Geometry, Tile, conv_geometry, inside
from xlite.schema.bits import pack_bits
from xlite.schema.types import Conv2DOptions, Conv3DOptions, DType, OpKind, TensorType


@dataclass(frozen=True)
class _Conv:
    """What does not change from run to run."""

    x: TensorType
    kernel: TensorType
    filters: np.ndarray
    mask: Optional[np.ndarray]
    options: ConvOptions
    geometry: Geometry

    @property
    def depth(self) -> int:
        """Channels that one filter reads."""
        return self.kernel.shape[-1]

    @property
    def length(self) -> int:
        return self.geometry.taps * self.depth

    def groups(self, plane: int = 0) -> Iterator[tuple[slice, int, int]]:
        """Of each group: its channels in a plane of x, its first filter and the end of its filters."""
        groups = self.options.groups
        each = len(self.filters) // groups
        for g in range(groups):
            start = (plane * groups + g) * self.depth
            yield slice(start, start + self.depth), g * each, (g + 1) * each


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type, options = spec.inputs[0], spec.inputs[1], spec.op.options
    x, filters, out = buffers.inputs[0], buffers.inputs[1], buffers.outputs[0]
    assert x_type is not None
    assert filter_type is not None
    assert x is not None
    assert filters is not None
    assert isinstance(options, (Conv2DOptions, Conv3DOptions))
    window, image_shape, out_shape = filter_type.shape[1:-1], x_type.shape[1:-1], spec.outputs[0].shape[1:-1]
    geometry = conv_geometry(options, window, image_shape, out_shape)
    conv = _Conv(x_type, filter_type, filters, buffers.inputs[5], options, geometry)
    accumulate = _accumulator(x_type, filter_type)
    finish = make_finish(spec, buffers)
    bytes_a_pixel = 4 * (geometry.taps * x_type.shape[-1] + len(filters))

    def step() -> None:
        for tile in geometry.tiles(bytes_a_pixel):
            for image, whole in zip(x, out):
                target = whole[inside(tile)]
                acc = accumulate(conv, image, tile)
                finish(acc.reshape(*target.shape[:-1], -1), target)

    return step


def _accumulator(x: TensorType, kernel: TensorType) -> Callable[[_Conv, np.ndarray, Tile], np.ndarray]:
    if is_exact(x, kernel):
        return _integer_tile
    return _bit_tile if x.dtype is DType.BIT else _float_tile


def _bit_tile(conv: _Conv, image: np.ndarray, tile: Tile) -> np.ndarray:
    """Dot products of bits, each window packed again as one row, as the filters are: uint32 (*image, words) ->
    int32 (pixels of the tile, filters)."""
    pad = conv.options.pad_value
    windows = gather_bits(conv.geometry, image, tile, conv.x.shape[-1], int(pad < 0))
    real = real_elements(conv.geometry, tile, conv.depth) if pad == 0 else None
    pixels = windows.size // (conv.geometry.taps * conv.x.shape[-1])
    acc = np.zeros((pixels, len(conv.filters)), np.int32)
    for plane in range(conv.options.planes):
        for channels, first, last in conv.groups(plane):
            packed = pack_bits(windows[..., channels].reshape(pixels, conv.length))
            for start, stop in slices(last - first, 8 * packed.size):
                block = slice(first + start, first + stop)
                acc[:, block] += _block_dot(conv, packed, block, real) << plane
    return acc


def _block_dot(conv: _Conv, packed: np.ndarray, block: slice, real: Optional[np.ndarray]) -> np.ndarray:
    """Packed windows (p, w) with some filters (q, w) -> int32 (p, q)."""
    kept = kept_bits(None if conv.mask is None else conv.mask[block], conv.length)
    counted = both(
        None if real is None else real[:, np.newaxis, :], None if kept is None else kept[np.newaxis, :, :]
    )
    return xor_dot(packed[:, np.newaxis, :], conv.filters[np.newaxis, block, :], counted, conv.length)


def _float_tile(conv: _Conv, image: np.ndarray, tile: Tile) -> np.ndarray:
    """Sums of products in float32, the filters floats or bits: float32 (*image, C) -> float32 (pixels of the tile,
    filters)."""
    windows = gather_floats(conv.geometry, image, tile)
    pixels = windows.size // (conv.geometry.taps * image.shape[-1])
    acc = np.empty((pixels, len(conv.filters)), np.float32)
    unpacked_bytes = 6 * conv.length if conv.kernel.dtype is DType.BIT else 0
    for channels, first, last in conv.groups():
        seen = windows[..., channels].reshape(pixels, conv.length)
        for start, stop in slices(last - first, unpacked_bytes):
            block = slice(first + start, first + stop)
            mask = None if conv.mask is None else conv.mask[block]
            acc[:, block] = seen @ rows_as_float(conv.filters[block], mask, conv.kernel).T
    return acc


def _integer_tile(conv: _Conv, image: np.ndarray, tile: Tile) -> np.ndarray:
    """Dot products of integers: a part of x, of int8, uint8 or bits -> int32 (pixels of the tile, filters)."""
    values = numbers(image, conv.x, conv.options)
    windows = gather_floats(conv.geometry, values, tile, conv.options.pad_value)
    pixels = windows.size // (conv.geometry.taps * values.shape[-1])
    acc = np.empty((pixels, len(conv.filters)), np.int32)
    for channels, first, last in conv.groups():
        seen = windows[..., channels].reshape(pixels, conv.length)
        for start, stop in slices(last - first, 12 * conv.length):
            block = slice(first + start, first + stop)
            mask = None if conv.mask is None else conv.mask[block]
            acc[:, block] = exact_dot(seen, conv.filters[block], mask, conv.kernel)
    return acc


KERNELS = (
    Kernel("np_conv_2d", "numpy", OpKind.CONV_2D, _prepare),
    Kernel("np_conv_3d", "numpy", OpKind.CONV_3D, _prepare),
)
