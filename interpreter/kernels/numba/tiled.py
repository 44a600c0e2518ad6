"""CONV_2D and DENSE of bits in register tiles, with filters that are packed when a network is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Optional

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.numba.bit_tiles import (
    MOST,
    PIXELS,
    TILE_COUNTS,
    dot_tiles,
    pack_rows,
    packed_bytes,
)
from xlite.interpreter.kernels.numba.bit_windows import (
    Geometry,
    gather_bits,
    geometry_of,
    remove_outside,
    sees_zeros,
    tap_sums,
)
from xlite.interpreter.kernels.numba.finish import make_finish
from xlite.interpreter.kernels.numba.jit import constant
from xlite.interpreter.kernels.numba.scratch import ALIGNMENT, Part, aligned_bytes, carve, total
from xlite.interpreter.kernels.numba.threads import Threads
from xlite.schema.types import Conv2DOptions, DenseOptions, DType, OpKind

_CHUNK_BYTES = 1 << 18  # of accumulators and gathered windows of one thread
_FEWEST_CHANNELS = 12  # a block has 32 channels whether they are there or not
_MOST_PADDING = 8  # times the image; where a file asks for more, windows are gathered
_PIECES = 3  # for each of several threads, which do not begin at the same time
_CONSUMED = (1, 5)  # slots: filter and mask, which a run reads in their packed form alone
_THREADS_FROM = 1 << 23  # binary products: waking a thread takes as long as some millions

Job = Callable[[], None]
Finish = Callable[[np.ndarray, int, np.ndarray, int], Any]


@dataclass(frozen=True)
class _Image:
    """A bit image as the tiles read it, of whole bytes a pixel. Where it is ``padded`` that is a copy."""

    height: int
    width: int
    pixel_bytes: int
    padded: bool


@dataclass(frozen=True)
class _Sizes:
    """What a convolution and a dense layer have in common. ``image`` is None where windows are gathered: bit by
    bit into rows, for channels that are no whole bytes. ``geometry`` is None for a dense layer, whose rows are
    windows as they lie. A run computes the ``pixels`` of one image, all of the batch where there is none."""

    filters: int
    groups: int
    taps: int
    depth: int
    planes: int
    copies: int  # of filters: two where a mask makes them ternary
    runs: int
    pixels: int
    threads: int
    geometry: Optional[Geometry]
    image: Optional[_Image]

    @property
    def length(self) -> int:
        return self.taps * self.depth

    @property
    def row_bytes(self) -> int:
        return -(-self.length // 8)

    @property
    def gathers(self) -> bool:
        return self.geometry is not None and self.image is None

    @property
    def row_words(self) -> int:
        return -(-self.length // 32)

    @property
    def chunk(self) -> int:
        """Pixels that a thread computes at a time, in whole tiles."""
        pixel_bytes = 4 * self.filters + (4 * self.row_words * self.planes if self.gathers else 0)
        tiles = -(-self.pixels // PIXELS)
        most = max(1, _CHUNK_BYTES // (pixel_bytes * PIXELS))
        pieces = max(-(-tiles // most), _PIECES * self.threads if self.threads > 1 else 1)
        return min(self.pixels, -(-tiles // pieces) * PIXELS)


def _sizes(spec: OpSpec) -> _Sizes:
    x, filters, options, y = spec.inputs[0], spec.inputs[1], spec.op.options, spec.outputs[0]
    assert x is not None
    assert filters is not None
    copies = 1 if len(spec.inputs) < 6 or spec.inputs[5] is None else 2
    products = y.elements * (filters.elements // filters.shape[0])
    threads = spec.threads if products >= _THREADS_FROM else 1
    if isinstance(options, DenseOptions):
        rows = x.elements // x.shape[-1]
        shape = (filters.shape[0], 1, 1, filters.shape[1], options.planes, copies)
        return _Sizes(*shape, 1, rows, threads, None, None)
    assert isinstance(options, Conv2DOptions)
    count, kernel_h, kernel_w, depth = filters.shape
    samples, out_h, out_w, _ = y.shape
    geometry = geometry_of(spec, kernel_h, kernel_w)
    image = None
    if depth % 8 == 0:
        height = (out_h - 1) * options.stride_h + (kernel_h - 1) * options.dilation_h + 1
        width = (out_w - 1) * options.stride_w + (kernel_w - 1) * options.dilation_w + 1
        padded = options.pad_top > 0 or options.pad_left > 0 or height > x.shape[1] or width > x.shape[2]
        pixel_bytes = 4 * x.storage_shape[3]
        if not padded:
            height, width = x.shape[1:3]
        far = height * width > _MOST_PADDING * x.shape[1] * x.shape[2] or height * width * pixel_bytes >= 2**31
        image = None if far else _Image(height, width, pixel_bytes, padded)
    runs, pixels = (1, samples * out_h * out_w) if image is None else (samples, out_h * out_w)
    shape = (count, options.groups, kernel_h * kernel_w, depth, options.planes, copies)
    return _Sizes(*shape, runs, pixels, threads, geometry, image)


# -- what is kept -----------------------------------------------------------------------------------------------


def _kept(spec: OpSpec) -> list[Part]:
    """Filters; where a window's bytes lie; the sums of the filters' taps, for padding with zeros."""
    s = _sizes(spec)
    filters = s.groups * s.copies * packed_bytes(s.filters // s.groups, s.row_bytes)
    sums = s.taps if sees_zeros(spec) else 0
    return [
        Part((filters,), np.uint8),
        Part((s.row_bytes,), np.int32),
        Part((sums, s.filters), np.int32),
    ]


def pack(spec: OpSpec, inputs: Sequence[Optional[np.ndarray]]) -> list[np.ndarray]:
    """The arrays of :func:`_kept`."""
    s = _sizes(spec)
    filters = inputs[1]
    assert filters is not None
    mask = inputs[5] if len(inputs) > 5 else None
    packed, offsets, sums = carve(aligned_bytes(total(_kept(spec))), _kept(spec))
    # A zero weight's bit is counted as set and as clear, which is 1 whatever x is: so both counts together are
    # twice those of the other weights and the number of zeros.
    copies = [filters] if mask is None else [filters & ~mask, filters | mask]
    each = packed.reshape(s.groups, s.copies, -1)
    for g, per_group in enumerate(np.arange(s.filters).reshape(s.groups, -1)):
        for copy, rows in enumerate(copies):
            pack_rows(rows[per_group].view(np.uint8)[:, : s.row_bytes], each[g, copy])
    offsets[...] = np.arange(s.row_bytes) if s.image is None else _image_offsets(s, s.image)
    if sums.size:
        parts = np.zeros((s.copies, *sums.shape), np.int32)
        for rows, part in zip(copies, parts):
            tap_sums(constant(rows), s.taps, s.depth, part)
        # the mean of the copies is the sum without the zeros; every plane sees it
        sums[...] = parts.sum(axis=0) // s.copies * (2**s.planes - 1)
    return [constant(packed), constant(offsets), constant(sums)]


def _image_offsets(s: _Sizes, image: _Image) -> np.ndarray:
    assert s.geometry is not None
    _, _, _, kernel_h, kernel_w, _, _, dilation_h, dilation_w, *_ = s.geometry
    pixels = np.arange(kernel_h)[:, None] * dilation_h * image.width + np.arange(kernel_w) * dilation_w
    offsets: np.ndarray = (pixels.reshape(-1, 1) * image.pixel_bytes + np.arange(s.depth // 8)).reshape(-1)
    return offsets


# -- running ----------------------------------------------------------------------------------------------------


def _thread_parts(spec: OpSpec) -> list[Part]:
    """Of one thread: where a tile's pixels begin, its counts, accumulators, windows."""
    s = _sizes(spec)
    accumulators = 0 if spec.outputs[0].dtype is DType.INT32 else s.chunk
    return [
        Part((PIXELS,), np.int64),
        Part((TILE_COUNTS,), np.uint16),
        Part((accumulators, s.filters), np.int32),
        Part((s.planes, s.chunk, s.row_words) if s.gathers else (0,), np.uint32),
    ]


def _image_part(spec: OpSpec) -> Part:
    image = _sizes(spec).image
    if image is None or not image.padded:
        return Part((0,), np.uint8)
    return Part((image.height, image.width, image.pixel_bytes), np.uint8)


def _parts(spec: OpSpec) -> list[Part]:
    return [_image_part(spec), *_thread_parts(spec) * _sizes(spec).threads]


def _prepare(spec: OpSpec, buffers: Buffers) -> Step:
    s = _sizes(spec)
    image, *scratch = carve(buffers.workspace, _parts(spec))
    each = len(_thread_parts(spec))
    make_job = partial(_job, spec, s, buffers, pack(spec, buffers.inputs), make_finish(spec, buffers), image)
    own = [scratch[i : i + each] for i in range(0, len(scratch), each)]  # of each thread
    runs: list[tuple[Optional[Job], list[list[Job]]]] = []
    for run in range(s.runs):
        spans = [(first, min(first + s.chunk, s.pixels)) for first in range(0, s.pixels, s.chunk)]
        pieces = [[make_job(parts, run, first, last) for parts in own] for first, last in spans]
        runs.append((_padding(spec, buffers, run, image) if image.size else None, pieces))
    threads = buffers.threads if isinstance(buffers.threads, Threads) else None

    def step() -> None:
        for pad, pieces in runs:
            if pad is not None:
                pad()
            if threads is not None and len(pieces) > 1:
                threads.run(pieces)
            else:
                for piece in pieces:
                    piece[0]()

    return step


def _padding(spec: OpSpec, buffers: Buffers, run: int, image: np.ndarray) -> Job:
    """Copies one image of x into the larger one with padding; zeros count as +1 at first."""
    x, options = buffers.inputs[0], spec.op.options
    assert x is not None
    assert isinstance(options, Conv2DOptions)
    inside = image[options.pad_top :, options.pad_left :][: x.shape[1], : x.shape[2]]
    source = x[run].view(np.uint8)[: inside.shape[0], : inside.shape[1]]
    value = 255 if options.pad_value < 0 else 0

    def pad() -> None:
        image[...] = value
        inside[...] = source

    return pad


def _place(spec: OpSpec, s: _Sizes, x: np.ndarray, run: int, first: int, group: int) -> tuple[int, ...]:
    """Where :func:`dot_tiles` finds the pixels of one group."""
    options = spec.op.options
    if isinstance(options, DenseOptions):
        return first, s.pixels, 0, 4 * x.shape[-1], 0, s.depth // 8
    if s.image is None:
        return 0, s.chunk, 0, 4 * s.row_words, 0, 4 * s.chunk * s.row_words
    assert isinstance(options, Conv2DOptions)
    base = 0 if s.image.padded else run * x[0].nbytes
    line, pixel = s.image.width * s.image.pixel_bytes, s.image.pixel_bytes
    slice_bytes = s.depth // 8
    steps = (spec.outputs[0].shape[2], options.stride_h * line, options.stride_w * pixel)
    return first, *steps, base + group * slice_bytes, s.groups * slice_bytes


def _job(
    spec: OpSpec,
    s: _Sizes,
    buffers: Buffers,
    kept: list[np.ndarray],
    finish: Finish,
    image: np.ndarray,
    scratch: list[np.ndarray],
    run: int,
    first: int,
    last: int,
) -> Job:
    """Computes the pixels ``first`` to ``last`` of a run."""
    x = buffers.inputs[0]
    assert x is not None
    starts, counts, accumulators, windows = scratch
    filters, offsets, sums = kept
    out = buffers.outputs[0].reshape(s.runs * s.pixels, -1)[run * s.pixels + first : run * s.pixels + last]
    acc = accumulators[: last - first] if accumulators.size else out
    read = constant((windows if windows.size else image if image.size else x).reshape(-1).view(np.uint8))
    per_group, sign = s.filters // s.groups, 2**s.planes - 1
    calls = []
    for g in range(s.groups):
        at = g * s.copies * packed_bytes(per_group, s.row_bytes)
        sizes = (at, per_group, s.copies, g * per_group, s.planes, s.length * sign, 2 // s.copies)
        slices = [(windows[p], (p * s.groups + g) * s.depth) for p in range(s.planes)] if windows.size else []
        calls.append((_place(spec, s, x, run, first, g), sizes, slices))
    pad = int(isinstance(spec.op.options, Conv2DOptions) and spec.op.options.pad_value < 0)

    def job() -> None:
        for place, sizes, slices in calls:
            for rows, channel in slices:
                gather_bits(x, rows, channel, s.depth, pad, s.geometry, first, last)
            dot_tiles(read, offsets, filters, acc, starts, counts, place, sizes)
        if sums.size:
            remove_outside(acc, sums, s.geometry, first, last)
        finish(acc, last - first, out, 0)

    return job


# -- kernels ----------------------------------------------------------------------------------------------------


def _takes(spec: OpSpec) -> bool:
    dtypes = tuple(t.dtype for t in spec.inputs[:2] if t is not None)
    if dtypes != (DType.BIT, DType.BIT):
        return False
    s = _sizes(spec)
    rows_are_bytes = s.geometry is not None or s.planes == 1 or s.depth % 8 == 0
    counted = s.length * (2**s.planes - 1) * s.copies
    packed, _, sums = (part.nbytes for part in _kept(spec))
    small = sums <= 4 * packed + 2**14  # windows of many taps and few channels
    worth = s.filters // s.groups >= _FEWEST_CHANNELS or s.copies > 1
    return rows_are_bytes and counted <= MOST and small and worth


def _workspace(spec: OpSpec) -> int:
    return total(_parts(spec))


def _prepacked(spec: OpSpec) -> int:
    return total(_kept(spec)) + ALIGNMENT


KERNELS = (
    Kernel("nb_tiled_conv_2d_bit", "numba", OpKind.CONV_2D, _prepare, _takes, _workspace, _prepacked, _CONSUMED),
    Kernel("nb_tiled_dense_bit", "numba", OpKind.DENSE, _prepare, _takes, _workspace, _prepacked, _CONSUMED),
)
