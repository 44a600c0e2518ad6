"""MAX_POOL_2D of floats and of bits, AVERAGE_POOL_2D."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.interpreter.kernels.reference.windows import Geometry, gather, pool_geometry
from xlite.schema.types import DType, OpKind, Pool2DOptions

_ALL_ONES = np.uint32(0xFFFFFFFF)


def _prepare_max(spec: OpSpec, buffers: Buffers) -> Step:
    x, flip = buffers.inputs
    assert x is not None
    y = buffers.outputs[0]
    geometry = _geometry(spec)
    bits = spec.outputs[0].dtype is DType.BIT

    def step() -> None:
        for start, stop in slices(geometry.output[0], _bytes_a_row(x, geometry)):
            for image, out in zip(x, y):
                if bits:
                    out[start:stop] = _max_of_bits(image, flip, geometry, (start, stop))
                else:
                    out[start:stop] = gather(image, geometry, (start, stop), -np.inf).max(axis=(2, 3))

    return step


def _max_of_bits(image: np.ndarray, flip, geometry: Geometry, rows: tuple[int, int]) -> np.ndarray:
    """The maximum of +1 and -1 is -1 (bit 1) only where all are: the AND of the bits. A channel that ``flip``
    marks takes the minimum instead, which is the maximum of the negated channel, negated. Padding is all ones,
    so that it never decides."""
    if flip is not None:
        image = image ^ flip
    found = np.bitwise_and.reduce(gather(image, geometry, rows, _ALL_ONES), axis=(2, 3))
    return found if flip is None else found ^ flip


def _prepare_average(spec: OpSpec, buffers: Buffers) -> Step:
    x, y = buffers.inputs[0], buffers.outputs[0]
    assert x is not None
    geometry = _geometry(spec)
    real = np.ones((*x.shape[1:3], 1), np.float32)
    counts = gather(real, geometry, (0, geometry.output[0]), 0).sum(axis=(2, 3))

    def step() -> None:
        for start, stop in slices(geometry.output[0], _bytes_a_row(x, geometry)):
            for image, out in zip(x, y):
                total = gather(image, geometry, (start, stop), 0).sum(axis=(2, 3))
                np.divide(total, counts[start:stop], out=out[start:stop])

    return step


def _geometry(spec: OpSpec) -> Geometry:
    options = spec.op.options
    assert isinstance(options, Pool2DOptions)
    return pool_geometry(options, spec.outputs[0].shape[1:3])


def _bytes_a_row(x: np.ndarray, geometry: Geometry) -> int:
    """Of the padded rows that one output row needs, and of the output row."""
    return 4 * x.shape[3] * (geometry.stride[0] * (x.shape[2] + geometry.kernel[1]) + geometry.output[1])


KERNELS = (
    Kernel("np_max_pool_2d", "numpy", OpKind.MAX_POOL_2D, _prepare_max),
    Kernel("np_average_pool_2d", "numpy", OpKind.AVERAGE_POOL_2D, _prepare_average),
)
