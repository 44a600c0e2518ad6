"""MAX_POOL_2D of floats and of bits, AVERAGE_POOL_2D. Padding is never read, which is what it means to a pool."""

from __future__ import annotations

from typing import Callable

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.windows import Geometry, Span, pool_geometry
from xlite.schema.types import DType, OpKind, Pool2DOptions

_ALL_ONES = np.uint32(0xFFFFFFFF)


def _prepare_max(spec: OpSpec, buffers: Buffers) -> Step:
    """The maximum of +1 and -1 is -1 (bit 1) only where all are: the AND of the bits. A channel that ``flip``
    marks takes the minimum instead, which is the maximum of the negated channel, negated."""
    x, flip = buffers.inputs
    assert x is not None
    y, geometry = buffers.outputs[0], _geometry(spec)
    bits = spec.outputs[0].dtype is DType.BIT
    turn = np.uint32(0) if flip is None else flip

    def both(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a & (b ^ turn)

    def step() -> None:
        for rows, columns in geometry.tiles(4 * x.shape[3]):
            for image, target in zip(x, y):
                tile = target[slice(*rows), slice(*columns)]
                if bits:
                    tile[...] = _ALL_ONES
                    _reduce(geometry, image, rows, columns, tile, both)
                    tile ^= turn
                else:
                    tile[...] = -np.inf
                    _reduce(geometry, image, rows, columns, tile, np.maximum)

    return step


def _prepare_average(spec: OpSpec, buffers: Buffers) -> Step:
    x, y = buffers.inputs[0], buffers.outputs[0]
    assert x is not None
    geometry = _geometry(spec)
    ones = np.ones((*x.shape[1:3], 1), np.float32)

    def step() -> None:
        for rows, columns in geometry.tiles(4 * x.shape[3]):
            count = np.zeros((rows[1] - rows[0], columns[1] - columns[0], 1), np.float32)
            _reduce(geometry, ones, rows, columns, count, np.add)
            for image, target in zip(x, y):
                tile = target[slice(*rows), slice(*columns)]
                tile[...] = 0
                _reduce(geometry, image, rows, columns, tile, np.add)
                np.divide(tile, count, out=tile)

    return step


def _reduce(
    geometry: Geometry,
    image: np.ndarray,
    rows: Span,
    columns: Span,
    tile: np.ndarray,
    combine: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> None:
    """Combines every tap's view of the image (H, W, C) into the tile (rows, columns, C)."""
    for tap in geometry.visible_taps(rows, columns):
        tile[tap.outputs] = combine(tile[tap.outputs], image[tap.inputs])


def _geometry(spec: OpSpec) -> Geometry:
    x, options = spec.inputs[0], spec.op.options
    assert x is not None
    assert isinstance(options, Pool2DOptions)
    _, height, width, _ = x.shape
    _, out_h, out_w, _ = spec.outputs[0].shape
    return pool_geometry(options, (height, width), (out_h, out_w))


KERNELS = (
    Kernel("np_max_pool_2d", "numpy", OpKind.MAX_POOL_2D, _prepare_max),
    Kernel("np_average_pool_2d", "numpy", OpKind.AVERAGE_POOL_2D, _prepare_average),
)
