"""CONV_3D_TRANSPOSE: every element of x adds the filter to the output around its place.

That is a convolution read backwards: where a convolution's output i sees element ``i * stride + tap * dilation -
before``, here element i of x adds to that element of the output. So the same geometry serves, with x as its output
and a tile of the output as its image.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional, Union

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.finish import make_finish
from xlite.interpreter.kernels.reference.planes import plane_values
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.interpreter.kernels.reference.weights import signs
from xlite.interpreter.kernels.reference.windows import Axis, Geometry, Tile, extents_of, inside, tiles
from xlite.schema.types import Conv3DOptions, DType, OpKind, TensorType


@dataclass(frozen=True)
class _Transpose:
    """What does not change from run to run."""

    x: TensorType
    kernel: TensorType
    filters: np.ndarray
    mask: Optional[np.ndarray]
    options: Conv3DOptions

    def geometry(self, tile: Tile) -> Geometry:
        """From x to a tile of the output."""
        o = self.options
        steps = (
            (o.stride_d, o.dilation_d, o.pad_front),
            (o.stride_h, o.dilation_h, o.pad_top),
            (o.stride_w, o.dilation_w, o.pad_left),
        )
        given = zip(tile, self.kernel.shape[1:4], steps, self.x.shape[1:4])
        return Geometry(
            tuple(
                Axis(stop - start, taps, stride, dilation, before + start, size)
                for (start, stop), taps, (stride, dilation, before), size in given
            )
        )

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Channels of x and the filters that read them, some filters of a group at a time."""
        groups, depth = self.options.groups, self.kernel.shape[4]
        each = len(self.filters) // groups
        unpacked = 12 * math.prod(self.kernel.shape[1:])
        for g in range(groups):
            for start, stop in slices(each, unpacked):
                yield slice(g * depth, (g + 1) * depth), slice(g * each + start, g * each + stop)

    def weights(self, block: slice) -> np.ndarray:
        """Of some filters: float32 as they are, bits as float64 (whose sums of integers are exact)."""
        filters = self.filters[block]
        if self.kernel.dtype is not DType.BIT:
            return filters
        mask = None if self.mask is None else self.mask[block]
        dtype = np.float64 if self.x.dtype is DType.BIT else np.float32
        return signs(filters, mask, (len(filters), *self.kernel.shape[1:]), self.kernel.packed_axes, dtype)


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type, options = spec.inputs[0], spec.inputs[1], spec.op.options
    x, filters, out = buffers.inputs[0], buffers.inputs[1], buffers.outputs[0]
    assert x_type is not None
    assert filter_type is not None
    assert x is not None
    assert filters is not None
    assert isinstance(options, Conv3DOptions)
    transpose = _Transpose(x_type, filter_type, filters, buffers.inputs[5], options)
    finish = make_finish(spec, buffers)
    extents, channels = spec.outputs[0].shape[1:4], spec.outputs[0].shape[4]
    bytes_a_pixel = 4 * channels + 16 * x_type.shape[-1]

    def step() -> None:
        for tile in tiles(extents, bytes_a_pixel):
            for image, whole in zip(x, out):
                acc = np.zeros(
                    (*extents_of(tile), channels), np.int32 if x_type.dtype is DType.BIT else np.float32
                )
                _add_up(transpose, image, tile, acc)
                finish(acc, whole[inside(tile)])

    return step


def _add_up(t: _Transpose, image: np.ndarray, tile: Tile, acc: np.ndarray) -> None:
    """Adds what the image (*image, C or words) contributes to a tile of the output, (*tile, O)."""
    geometry = t.geometry(tile)
    every = [(0, axis.output) for axis in geometry.axes]
    for channels, block in t.blocks():
        weights = t.weights(block)
        for tap in geometry.visible_taps(tuple(every)):
            seen = _values(t, image[tap.outputs])[..., channels]
            of_tap: tuple[Union[slice, int], ...] = (slice(None), *tap.index)
            products = seen @ weights[of_tap].T
            part = acc[tap.inputs][..., block]
            part += products.astype(acc.dtype)


def _values(t: _Transpose, part: np.ndarray) -> np.ndarray:
    if t.x.dtype is not DType.BIT:
        return part
    planes = t.options.planes
    return plane_values(part, t.x.shape[-1] // planes, planes).astype(np.float64)


KERNELS = (Kernel("np_conv_3d_transpose", "numpy", OpKind.CONV_3D_TRANSPOSE, _prepare),)
