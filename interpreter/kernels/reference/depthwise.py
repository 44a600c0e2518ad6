"""DEPTHWISE_CONV_2D: each channel of the input has filters of its own; output channel ``c * M + m``."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.finish import make_finish
from xlite.interpreter.kernels.reference.integers import numbers
from xlite.interpreter.kernels.reference.planes import plane_values
from xlite.interpreter.kernels.reference.weights import signs
from xlite.interpreter.kernels.reference.windows import conv_geometry, inside
from xlite.schema.types import Conv2DOptions, DType, OpKind


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type, options = spec.inputs[0], spec.inputs[1], spec.op.options
    x, filters, mask, out = buffers.inputs[0], buffers.inputs[1], buffers.inputs[5], buffers.outputs[0]
    assert x_type is not None
    assert filter_type is not None
    assert x is not None
    assert filters is not None
    assert isinstance(options, Conv2DOptions)
    filter_h, filter_w, channels = filter_type.shape
    depth = x_type.shape[3] // options.planes
    geometry = conv_geometry(options, (filter_h, filter_w), x_type.shape[1:3], spec.outputs[0].shape[1:3])
    finish = make_finish(spec, buffers)
    dtype = np.float32 if x_type.dtype is DType.FLOAT32 else np.int32

    def values(image: np.ndarray) -> np.ndarray:
        """Part of an image as numbers, every channel once for each of its filters."""
        if x_type.dtype is DType.BIT:
            seen = plane_values(image, depth, options.planes)
        else:
            seen = image if x_type.dtype is DType.FLOAT32 else numbers(image, x_type, options)
        return np.repeat(seen.astype(dtype, copy=False), channels // depth, axis=-1)

    def taps() -> np.ndarray:
        rows = signs(filters, mask, filter_type.shape, 1) if filter_type.dtype is DType.BIT else filters
        return rows.astype(dtype, copy=False)

    def step() -> None:
        weights = taps()
        # what a pixel would hold if every tap saw padding; each tap that sees the image puts that right
        outside = options.pad_value * (2**options.planes - 1)
        padding = outside * weights.sum(axis=(0, 1), dtype=dtype)
        for tile in geometry.tiles(16 * channels):
            for image, whole in zip(x, out):
                target = whole[inside(tile)]
                acc = np.empty((*target.shape[:2], channels), dtype)
                acc[...] = padding
                for tap in geometry.visible_taps(tile):
                    acc[tap.outputs] += (values(image[tap.inputs]) - dtype(outside)) * weights[tap.index]
                finish(acc, target)

    return step


KERNELS = (Kernel("np_depthwise_conv_2d", "numpy", OpKind.DEPTHWISE_CONV_2D, _prepare),)
