"""Pools in 2D and 3D: the maximum of floats, integers or bits, the average. Padding is never read, which is what
it means to a pool."""

from __future__ import annotations

from typing import Callable

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.windows import Geometry, Tile, extents_of, inside, pool_geometry
from xlite.schema.types import RANGES, DType, OpKind, Pool2DOptions, Pool3DOptions

_ALL_ONES = np.uint32(0xFFFFFFFF)


def _prepare_max(spec: OpSpec, buffers: Buffers) -> Step:
    """The maximum of +1 and -1 is -1 (bit 1) only where all are: the AND of the bits. A channel that ``flip``
    marks takes the minimum instead, which is the maximum of the negated channel, negated."""
    x = buffers.inputs[0]
    flip = buffers.inputs[1] if len(buffers.inputs) > 1 else None  # in 2D alone
    assert x is not None
    y, geometry = buffers.outputs[0], _geometry(spec)
    bits = spec.outputs[0].dtype is DType.BIT
    turn = np.uint32(0) if flip is None else flip
    lowest = RANGES[spec.outputs[0].dtype][0] if spec.outputs[0].dtype in RANGES else -np.inf

    def both(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a & (b ^ turn)

    def step() -> None:
        for tile in geometry.tiles(4 * x.shape[-1]):
            for image, whole in zip(x, y):
                target = whole[inside(tile)]
                if bits:
                    target[...] = _ALL_ONES
                    _reduce(geometry, image, tile, target, both)
                    target ^= turn
                else:
                    target[...] = lowest
                    _reduce(geometry, image, tile, target, np.maximum)

    return step


def _prepare_average(spec: OpSpec, buffers: Buffers) -> Step:
    x, y = buffers.inputs[0], buffers.outputs[0]
    assert x is not None
    geometry = _geometry(spec)
    ones = np.ones((*x.shape[1:-1], 1), np.float32)

    def step() -> None:
        for tile in geometry.tiles(4 * x.shape[-1]):
            count = np.zeros((*extents_of(tile), 1), np.float32)
            _reduce(geometry, ones, tile, count, np.add)
            for image, whole in zip(x, y):
                target = whole[inside(tile)]
                target[...] = 0
                _reduce(geometry, image, tile, target, np.add)
                np.divide(target, count, out=target)

    return step


def _reduce(
    geometry: Geometry,
    image: np.ndarray,
    tile: Tile,
    target: np.ndarray,
    combine: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> None:
    """Combines every tap's view of the image (*image, C) into the target (*tile, C)."""
    for tap in geometry.visible_taps(tile):
        target[tap.outputs] = combine(target[tap.outputs], image[tap.inputs])


def _geometry(spec: OpSpec) -> Geometry:
    x, options = spec.inputs[0], spec.op.options
    assert x is not None
    assert isinstance(options, (Pool2DOptions, Pool3DOptions))
    return pool_geometry(options, x.shape[1:-1], spec.outputs[0].shape[1:-1])


KERNELS = (
    Kernel("np_max_pool_2d", "numpy", OpKind.MAX_POOL_2D, _prepare_max),
    Kernel("np_average_pool_2d", "numpy", OpKind.AVERAGE_POOL_2D, _prepare_average),
    Kernel("np_max_pool_3d", "numpy", OpKind.MAX_POOL_3D, _prepare_max),
    Kernel("np_average_pool_3d", "numpy", OpKind.AVERAGE_POOL_3D, _prepare_average),
)
