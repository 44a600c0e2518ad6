"""DEPTHWISE_CONV_2D: each channel of the input has filters of its own; output channel ``c * M + m``."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.finish import make_finish
from xlite.interpreter.kernels.reference.windows import conv_geometry
from xlite.schema.bits import unpack_signs
from xlite.schema.types import Conv2DOptions, DType, OpKind


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type, options = spec.inputs[0], spec.inputs[1], spec.op.options
    x, filters, out = buffers.inputs[0], buffers.inputs[1], buffers.outputs[0]
    assert x_type is not None
    assert filter_type is not None
    assert x is not None
    assert filters is not None
    assert isinstance(options, Conv2DOptions)
    filter_h, filter_w, channels = filter_type.shape
    _, height, width, depth = x_type.shape
    _, out_h, out_w, _ = spec.outputs[0].shape
    geometry = conv_geometry(options, (filter_h, filter_w), (height, width), (out_h, out_w))
    finish = make_finish(spec, buffers)
    bits = x_type.dtype is DType.BIT

    def values(image: np.ndarray) -> np.ndarray:
        """Part of an image as numbers, every channel once for each of its filters."""
        numbers = unpack_signs(image, (*image.shape[:2], depth)) if bits else image
        return np.repeat(numbers, channels // depth, axis=-1)

    def taps() -> np.ndarray:
        return unpack_signs(filters, filter_type.shape) if filter_type.dtype is DType.BIT else filters

    def step() -> None:
        weights = taps()
        # what a pixel would hold if every tap saw padding; each tap that sees the image puts that right
        padding = options.pad_value * weights.sum(axis=(0, 1), dtype=np.int32) if bits else np.float32(0)
        for rows, columns in geometry.tiles(16 * channels):
            for image, target in zip(x, out):
                tile = target[slice(*rows), slice(*columns)]
                acc = np.empty((*tile.shape[:2], channels), np.int32 if bits else np.float32)
                acc[...] = padding
                for tap in geometry.visible_taps(rows, columns):
                    # signs are int8: the difference is at most 2 and the product at most 2, so nothing overflows
                    seen = values(image[tap.inputs]) - np.int8(options.pad_value)
                    acc[tap.outputs] += seen * weights[tap.row, tap.column]
                finish(acc, tile)

    return step


KERNELS = (Kernel("np_depthwise_conv_2d", "numpy", OpKind.DEPTHWISE_CONV_2D, _prepare),)
