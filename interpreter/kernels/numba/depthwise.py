"""DEPTHWISE_CONV_2D: bits are unpacked to integers once, then every tap is a multiply-add over the channels."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.numba.bit_windows import geometry_of
from xlite.interpreter.kernels.numba.finish import make_finish, takes_filter
from xlite.interpreter.kernels.numba.float_windows import unpack_rows
from xlite.interpreter.kernels.numba.jit import constant, kernel
from xlite.interpreter.kernels.numba.scratch import Part, carve, total
from xlite.schema.types import Conv2DOptions, DType, OpKind, TensorType

_CHUNK_BYTES = 1 << 18  # of accumulators


@kernel
def depthwise(x, n, taps, pad, acc, geometry, start, stop):  # type: ignore[no-untyped-def]
    """Accumulators of output rows ``start`` to ``stop`` of one sample.

    x: (N, H, W, C) float32, int8 signs or int16 sums of planes, of which sample ``n`` counts. taps: (KH*KW, C*M)
    float32 or int8.
    pad: what lies outside the image. acc: (pixels, C*M) float32 or int32.
    """
    (
        height,
        width,
        channels,
        kernel_h,
        kernel_w,
        stride_h,
        stride_w,
        dilation_h,
        dilation_w,
        top,
        left,
        _,
        out_w,
    ) = geometry
    multiplier = acc.shape[1] // channels
    at = 0
    for r in range(start, stop):
        y0 = r * stride_h - top
        for column in range(out_w):
            row = acc[at]
            row[:] = 0
            at += 1
            for i in range(kernel_h):
                y = y0 + i * dilation_h
                for j in range(kernel_w):
                    xx = column * stride_w - left + j * dilation_w
                    tap = taps[i * kernel_w + j]
                    if y < 0 or y >= height or xx < 0 or xx >= width:
                        if pad != 0:
                            for o in range(row.size):
                                row[o] += pad * tap[o]
                    elif multiplier == 1:
                        pixel = x[n, y, xx]
                        for o in range(row.size):
                            row[o] += pixel[o] * tap[o]
                    else:
                        for c in range(channels):
                            value = x[n, y, xx, c]
                            for o in range(c * multiplier, (c + 1) * multiplier):
                                row[o] += value * tap[o]


@kernel
def unpack_signs(words, out):  # type: ignore[no-untyped-def]
    """Bits as +1 and -1: uint32 (rows, words) -> int8 (rows, channels)."""
    channels = out.shape[1]
    for p in range(words.shape[0]):
        for w in range(words.shape[1]):
            word = words[p, w]
            base = 32 * w
            for b in range(min(32, channels - base)):
                out[p, base + b] = 1 - 2 * np.int8((word >> np.uint32(b)) & np.uint32(1))


@kernel
def unpack_planes(words, planes, out):  # type: ignore[no-untyped-def]
    """The sum of 2^p times plane p as +1 and -1: uint32 (rows, words of all planes) -> int16 (rows, channels)."""
    channels = out.shape[1]
    for p in range(words.shape[0]):
        for c in range(channels):
            total = 0
            for plane in range(planes):
                bit = plane * channels + c
                digit = np.int64((words[p, bit // 32] >> np.uint32(bit % 32)) & np.uint32(1))
                total += (1 - 2 * digit) << plane
            out[p, c] = total


def _types(spec: OpSpec) -> tuple[TensorType, TensorType, Conv2DOptions]:
    x, filters, options = spec.inputs[0], spec.inputs[1], spec.op.options
    assert x is not None
    assert filters is not None
    assert isinstance(options, Conv2DOptions)
    return x, filters, options


def _parts(spec: OpSpec) -> list[Part]:
    """x as integers (one sample), filters as signs or floats, accumulators."""
    x, filters, options = _types(spec)
    y = spec.outputs[0]
    bits = x.dtype is DType.BIT
    rows = max(1, min(y.shape[1], _CHUNK_BYTES // (4 * y.shape[2] * y.shape[3])))
    own = bits and options.output_dtype is not DType.INT32  # else the output holds the accumulators
    unpacks = filters.dtype is DType.BIT
    taps, planes = filters.shape[0] * filters.shape[1], options.planes
    return [
        Part((1, *x.shape[1:3], x.shape[3] // planes) if bits else (0,), np.int8 if planes == 1 else np.int16),
        Part((taps if unpacks else 0, filters.shape[2]), np.int8 if bits else np.float32),
        Part((rows * y.shape[2] if own else 0, y.shape[3]), np.int32),
    ]


def _workspace(spec: OpSpec) -> int:
    return total(_parts(spec))


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    x_type, filter_type, options = _types(spec)
    x, filters = buffers.inputs[0], buffers.inputs[1]
    assert x is not None
    assert filters is not None
    bits = x_type.dtype is DType.BIT
    integers, unpacked, scratch = carve(buffers.workspace, _parts(spec))
    finish = make_finish(spec, buffers)
    geometry = geometry_of(spec, *filter_type.shape[:2])
    words = constant(filters.reshape(-1, filters.shape[-1]))
    taps = constant(unpacked if len(unpacked) else words)
    samples, out_h, out_w, channels = spec.outputs[0].shape
    out = buffers.outputs[0].reshape(samples, out_h, out_w, -1)
    rows = len(scratch) // out_w if len(scratch) else out_h
    pad = options.pad_value * (2**options.planes - 1) if bits else np.float32(0)
    chunks = [(start, min(start + rows, out_h)) for start in range(0, out_h, rows)]

    def unpack_x(packed: np.ndarray, values: np.ndarray) -> None:
        if options.planes == 1:
            unpack_signs(packed, values)
        else:
            unpack_planes(packed, options.planes, values)

    def unpack_taps() -> None:
        if bits:
            unpack_signs(words, unpacked)
        elif len(unpacked):
            unpack_rows(words, 0, len(words), channels, unpacked)

    def step() -> None:
        unpack_taps()
        for sample in range(samples):
            source, index = x, sample
            if bits:
                unpack_x(x[sample].reshape(-1, x.shape[3]), integers.reshape(-1, integers.shape[-1]))
                source, index = integers, 0
            for start, stop in chunks:
                target = out[sample, start:stop].reshape((stop - start) * out_w, -1)
                acc = scratch[: len(target)] if len(scratch) else target
                depthwise(source, index, taps, pad, acc, geometry, start, stop)
                finish(acc, len(target), target, 0)

    return step


KERNELS = (Kernel("nb_depthwise_conv_2d", "numba", OpKind.DEPTHWISE_CONV_2D, _prepare, takes_filter, _workspace),)
