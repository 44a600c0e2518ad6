"""DEPTHWISE_CONV_2D: each channel of the input has filters of its own; output channel ``c * M + m``."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.reference.finish import make_finish
from xlite.interpreter.kernels.reference.slicing import slices
from xlite.interpreter.kernels.reference.windows import conv_geometry, gather
from xlite.schema.bits import unpack_signs
from xlite.schema.types import Conv2DOptions, DType, OpKind


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type = spec.inputs[0], spec.inputs[1]
    options = spec.op.options
    x, filters = buffers.inputs[0], buffers.inputs[1]
    assert x_type is not None
    assert filter_type is not None
    assert x is not None
    assert filters is not None
    assert isinstance(options, Conv2DOptions)
    out = buffers.outputs[0]
    finish = make_finish(spec, buffers)
    kernel_h, kernel_w, channels = filter_type.shape
    geometry = conv_geometry(options, (kernel_h, kernel_w), spec.outputs[0].shape[1:3])
    out_h, out_w = geometry.output
    multiplier = channels // x_type.shape[3]
    dtype = np.int32 if x_type.dtype is DType.BIT else np.float32

    def step() -> None:
        taps = unpack_signs(filters, filter_type.shape) if filter_type.dtype is DType.BIT else filters
        for start, stop in slices(out_h, 12 * out_w * channels):
            for sample in range(len(x)):
                image = unpack_signs(x[sample], x_type.shape[1:]) if dtype is np.int32 else x[sample]
                windows = gather(image, geometry, (start, stop), options.pad_value)
                acc = np.zeros((stop - start, out_w, channels), dtype)
                for i in range(kernel_h):
                    for j in range(kernel_w):
                        # int8 products of signs cannot overflow
                        acc += np.repeat(windows[:, :, i, j], multiplier, axis=-1) * taps[i, j]
                finish(acc.reshape(-1, channels), out[sample, start:stop].reshape(-1, out.shape[-1]))

    return step


KERNELS = (Kernel("np_depthwise_conv_2d", "numpy", OpKind.DEPTHWISE_CONV_2D, _prepare),)
