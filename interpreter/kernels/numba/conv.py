"""CONV_2D, a few output rows at a time: gather windows, multiply by the filters, finish."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.numba.bit_gemm import add_plane, as_wide, dot_rows, fits_wide, wide_words, widen
from xlite.interpreter.kernels.numba.bit_windows import (
    Geometry,
    gather_bits,
    geometry_of,
    remove_outside,
    sees_zeros,
    tap_sums,
)
from xlite.interpreter.kernels.numba.finish import make_finish, takes_filter
from xlite.interpreter.kernels.numba.float_windows import gather_floats, unpack_rows
from xlite.interpreter.kernels.numba.jit import constant
from xlite.interpreter.kernels.numba.scratch import Part, carve, total
from xlite.schema.types import Conv2DOptions, DType, OpKind, TensorType

_CHUNK_BYTES = 1 << 18  # of gathered windows and of accumulators: half of a small second-level cache
_FILTER_BYTES = 1 << 18  # of bit filters as floats


@dataclass(frozen=True)
class _Shape:
    """The sizes that all parts of one convolution share."""

    x: TensorType
    filters: TensorType
    options: Conv2DOptions
    geometry: Geometry
    rows: int  # output rows of all samples
    out_w: int

    @property
    def taps(self) -> int:
        return self.filters.shape[1] * self.filters.shape[2]

    @property
    def depth(self) -> int:
        """Channels that one filter reads."""
        return self.filters.shape[3]

    @property
    def length(self) -> int:
        return self.taps * self.depth

    @property
    def per_group(self) -> int:
        return self.filters.shape[0] // self.options.groups

    def chunk_rows(self, bytes_a_pixel: int) -> int:
        """Output rows that are computed at a time."""
        return min(self.rows, max(1, _CHUNK_BYTES // (bytes_a_pixel * self.out_w)))

    def chunks(self, rows_each: int) -> list[tuple[int, int]]:
        return [(start, min(start + rows_each, self.rows)) for start in range(0, self.rows, rows_each)]


def _shape(spec: OpSpec) -> _Shape:
    x, filters, options, y = spec.inputs[0], spec.inputs[1], spec.op.options, spec.outputs[0]
    assert x is not None
    assert filters is not None
    assert isinstance(options, Conv2DOptions)
    geometry = geometry_of(spec, filters.shape[1], filters.shape[2])
    return _Shape(x, filters, options, geometry, y.shape[0] * y.shape[1], y.shape[2])


def _takes_bit(spec: OpSpec) -> bool:
    return takes_filter(spec) and spec.inputs[0] is not None and spec.inputs[0].dtype is DType.BIT


def _takes_float(spec: OpSpec) -> bool:
    return takes_filter(spec) and spec.inputs[0] is not None and spec.inputs[0].dtype is DType.FLOAT32


# -- bits ----------------------------------------------------------------------------------------------------


def _bit_parts(spec: OpSpec) -> list[Part]:
    """windows, filters, tap sums, accumulators, those of one plane where there are more."""
    s = _shape(spec)
    filters = s.filters.shape[0]
    narrow = s.filters.storage_shape[1]
    words = wide_words(narrow)
    pixels = s.chunk_rows(8 * words + 4 * filters) * s.out_w
    sums = s.taps if sees_zeros(spec) else 0
    accumulators = 0 if s.options.output_dtype is DType.INT32 else pixels
    return [
        Part((pixels, words), np.uint64),
        Part((0 if fits_wide(narrow) else filters, words), np.uint64),
        Part((sums, filters), np.int32),
        Part((accumulators, filters), np.int32),
        Part((pixels if s.options.planes > 1 else 0, filters), np.int32),
    ]


def _prepare_bit(spec: OpSpec, buffers: Buffers) -> Step:
    s = _shape(spec)
    x, filters = buffers.inputs[0], buffers.inputs[1]
    assert x is not None
    assert filters is not None
    windows, wide, sums, scratch, one_plane = carve(buffers.workspace, _bit_parts(spec))
    finish = make_finish(spec, buffers)
    pixels = s.rows * s.out_w
    out = buffers.outputs[0].reshape(pixels, -1)
    halves, narrow = windows.view(np.uint32), constant(filters)
    weights = constant(wide if len(wide) else as_wide(filters))
    pad = int(s.options.pad_value < 0)
    groups = [(g * s.depth, g * s.per_group, (g + 1) * s.per_group) for g in range(s.options.groups)]
    channels = s.depth * s.options.groups
    higher = range(1, s.options.planes)
    work = []
    for first_row, last_row in s.chunks(len(windows) // s.out_w):
        start, stop = first_row * s.out_w, last_row * s.out_w
        block = out[start:stop]
        acc = block if s.options.output_dtype is DType.INT32 else scratch[: len(block)]
        work.append((start, stop, acc, block))

    def step() -> None:
        if len(wide):
            widen(narrow, wide)
        if sums.size:
            tap_sums(narrow, s.taps, s.depth, sums)
            np.multiply(sums, 2**s.options.planes - 1, out=sums)  # every plane sees them
        for start, stop, acc, block in work:
            count = stop - start
            for channel, first, last in groups:
                gather_bits(x, halves, channel, s.depth, pad, s.geometry, start, stop)
                dot_rows(windows, count, weights, first, last, s.length, acc, 0)
            for plane in higher:
                part = one_plane[:count]
                for channel, first, last in groups:
                    gather_bits(x, halves, plane * channels + channel, s.depth, pad, s.geometry, start, stop)
                    dot_rows(windows, count, weights, first, last, s.length, part, 0)
                add_plane(acc, part, plane)
            if sums.size:
                remove_outside(acc, sums, s.geometry, start, stop)
            finish(acc, count, block, 0)

    return step


# -- floats --------------------------------------------------------------------------------------------------


def _float_parts(spec: OpSpec) -> list[Part]:
    """windows, filters as floats, accumulators."""
    s = _shape(spec)
    block = _filter_block(s)
    pixels = s.chunk_rows(4 * (s.length + block)) * s.out_w
    return [
        Part((pixels if _needs_gather(s) else 0, s.length), np.float32),
        Part((block if s.filters.dtype is DType.BIT else 0, s.length), np.float32),
        Part((pixels, block), np.float32),
    ]


def _filter_block(s: _Shape) -> int:
    """Filters that are multiplied at a time: those of a group, or fewer where they must be unpacked."""
    if s.filters.dtype is not DType.BIT:
        return s.per_group
    return min(s.per_group, max(1, _FILTER_BYTES // (4 * s.length)))


def _needs_gather(s: _Shape) -> bool:
    """A 1x1 window with stride 1 reads the image as it lies."""
    o = s.options
    plain = s.taps == 1 and (o.stride_h, o.stride_w, o.groups) == (1, 1, 1)
    return not (plain and o.pad_top == o.pad_bottom == o.pad_left == o.pad_right == 0)


def _prepare_float(spec: OpSpec, buffers: Buffers) -> Step:
    s = _shape(spec)
    x, filters = buffers.inputs[0], buffers.inputs[1]
    assert x is not None
    assert filters is not None
    windows, unpacked, scratch = carve(buffers.workspace, _float_parts(spec))
    finish = make_finish(spec, buffers)
    gathers = _needs_gather(s)
    flat = x.reshape(-1, s.x.shape[3])
    out = buffers.outputs[0].reshape(s.rows * s.out_w, -1)
    rows = filters if s.filters.dtype is DType.BIT else filters.reshape(len(filters), -1)
    narrow, block = constant(rows), scratch.shape[1]
    blocks = []
    for g in range(s.options.groups):
        for first in range(g * s.per_group, (g + 1) * s.per_group, block):
            blocks.append((g * s.depth, first, min(first + block, (g + 1) * s.per_group)))
    work = []
    accumulators = scratch.reshape(-1)
    for start, stop in s.chunks(len(scratch) // s.out_w):
        first, last = start * s.out_w, stop * s.out_w
        work.append(
            (start, stop, last - first, windows[: last - first] if gathers else flat[first:last], out[first:last])
        )

    def step() -> None:
        for channel, first, last in blocks:
            if unpacked.size:
                unpack_rows(narrow, first, last, s.length, unpacked)
                weights = unpacked[: last - first]
            else:
                weights = narrow[first:last]
            for start, stop, count, columns, target in work:
                if gathers:
                    gather_floats(x, columns, channel, s.depth, s.geometry, start, stop)
                acc = accumulators[: count * (last - first)].reshape(count, last - first)
                np.dot(columns, weights.T, out=acc)
                finish(acc, count, target, first)

    return step


def _bit_workspace(spec: OpSpec) -> int:
    return total(_bit_parts(spec))


def _float_workspace(spec: OpSpec) -> int:
    return total(_float_parts(spec))


KERNELS = (
    Kernel("nb_conv_2d_bit", "numba", OpKind.CONV_2D, _prepare_bit, _takes_bit, _bit_workspace),
    Kernel("nb_conv_2d_f32", "numba", OpKind.CONV_2D, _prepare_float, _takes_float, _float_workspace),
)
