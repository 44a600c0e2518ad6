"""LOCALLY_CONNECTED_2D: windows are gathered as rows, each row meets the filters of its own pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.finish import make_finish
from xlite.interpreter.kernels.reference.gather import gather_bits, gather_floats, real_elements
from xlite.interpreter.kernels.reference.popcount import both, xor_dot
from xlite.interpreter.kernels.reference.weights import kept_bits, signs
from xlite.interpreter.kernels.reference.windows import Geometry, Tile, conv_geometry, inside
from xlite.schema.bits import pack_bits
from xlite.schema.types import Conv2DOptions, DType, OpKind, TensorType


@dataclass(frozen=True)
class _Local:
    """What does not change from run to run."""

    x: TensorType
    kernel: TensorType
    filters: np.ndarray
    mask: Optional[np.ndarray]
    options: Conv2DOptions
    geometry: Geometry

    @property
    def depth(self) -> int:
        return self.kernel.shape[5]

    @property
    def length(self) -> int:
        return self.geometry.taps * self.depth


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type, options = spec.inputs[0], spec.inputs[1], spec.op.options
    x, filters, out = buffers.inputs[0], buffers.inputs[1], buffers.outputs[0]
    assert x_type is not None
    assert filter_type is not None
    assert x is not None
    assert filters is not None
    assert isinstance(options, Conv2DOptions)
    geometry = conv_geometry(options, filter_type.shape[3:5], x_type.shape[1:3], spec.outputs[0].shape[1:3])
    local = _Local(x_type, filter_type, filters, buffers.inputs[5], options, geometry)
    accumulate = _bit_tile if x_type.dtype is DType.BIT else _float_tile
    finish = make_finish(spec, buffers)
    bytes_a_pixel = 8 * local.length * (options.planes + filter_type.shape[2])

    def step() -> None:
        for tile in geometry.tiles(bytes_a_pixel):
            for image, whole in zip(x, out):
                target = whole[inside(tile)]
                finish(accumulate(local, image, tile).reshape(*target.shape[:2], -1), target)

    return step


def _of_tile(array: np.ndarray, tile: Tile) -> np.ndarray:
    """The filters, or their mask, of the pixels of a tile: (OH, OW, O, ...) -> (pixels, O, ...)."""
    part = array[inside(tile)]
    return part.reshape(-1, *part.shape[2:])


def _bit_tile(local: _Local, image: np.ndarray, tile: Tile) -> np.ndarray:
    """uint32 (H, W, words) -> int32 (pixels of the tile, filters of one)."""
    pad, depth, length = local.options.pad_value, local.depth, local.length
    windows = gather_bits(local.geometry, image, tile, local.x.shape[3], int(pad < 0))
    filters = _of_tile(local.filters, tile)
    real = real_elements(local.geometry, tile, depth) if pad == 0 else None
    kept = None if local.mask is None else kept_bits(_of_tile(local.mask, tile), length)
    counted = both(None if real is None else real[:, np.newaxis, :], kept)
    acc = np.zeros(filters.shape[:2], np.int32)
    for plane in range(local.options.planes):
        seen = windows[..., plane * depth : (plane + 1) * depth]
        packed = pack_bits(seen.reshape(len(filters), length))
        acc += xor_dot(packed[:, np.newaxis, :], filters, counted, length) << plane
    return acc


def _float_tile(local: _Local, image: np.ndarray, tile: Tile) -> np.ndarray:
    """float32 (H, W, C) -> float32 (pixels of the tile, filters of one)."""
    filters = _of_tile(local.filters, tile)
    if local.kernel.dtype is DType.BIT:
        mask = None if local.mask is None else _of_tile(local.mask, tile)
        filters = signs(filters, mask, (*filters.shape[:2], *local.kernel.shape[3:]), 3, np.float32)
    rows = gather_floats(local.geometry, image, tile).reshape(len(filters), local.length, 1)
    return np.matmul(filters.reshape(*filters.shape[:2], local.length), rows)[..., 0]


KERNELS = (Kernel("np_locally_connected_2d", "numpy", OpKind.LOCALLY_CONNECTED_2D, _prepare),)
