"""Windows of a bit image as rows of bits, and what zero padding takes back.

A window's row is KH*KW*I contiguous bits, as a filter's is. Bits outside the image are gathered as ``pad_value``,
0 counting as +1 (a clear bit); the dot product then holds the sum of the filter's taps that lie outside, which
:func:`remove_outside` subtracts again. That is exact, and only pixels at the border pay for it.
"""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import OpSpec
from xlite.interpreter.kernels.numba.jit import kernel, popcount
from xlite.schema.types import Conv2DOptions

# A geometry is a tuple of ints, in this order (numba passes it as registers):
# height, width, channels, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left, out_h, out_w
Geometry = tuple[int, ...]


def geometry_of(spec: OpSpec, kernel_h: int, kernel_w: int) -> Geometry:
    """The geometry of a convolution with this window. The channels are those of one plane of x."""
    x, o = spec.inputs[0], spec.op.options
    assert x is not None
    assert isinstance(o, Conv2DOptions)
    window = (kernel_h, kernel_w, o.stride_h, o.stride_w, o.dilation_h, o.dilation_w)
    return (*x.shape[1:3], x.shape[3] // o.planes, *window, o.pad_top, o.pad_left, *spec.outputs[0].shape[1:3])


def sees_zeros(spec: OpSpec) -> bool:
    """Whether this is a convolution some of whose windows reach into padding with zeros."""
    x, filters, o, y = spec.inputs[0], spec.inputs[1], spec.op.options, spec.outputs[0]
    assert x is not None
    assert filters is not None
    if not isinstance(o, Conv2DOptions) or o.pad_value != 0:
        return False
    bottom = (y.shape[1] - 1) * o.stride_h - o.pad_top + (filters.shape[1] - 1) * o.dilation_h
    right = (y.shape[2] - 1) * o.stride_w - o.pad_left + (filters.shape[2] - 1) * o.dilation_w
    return o.pad_top > 0 or o.pad_left > 0 or bottom >= x.shape[1] or right >= x.shape[2]


@kernel
def gather_bits(x, rows, first, depth, pad, geometry, start, stop):  # type: ignore[no-untyped-def]
    """Writes the windows of output pixels ``start`` to ``stop`` (counted through all samples) to ``rows``.

    x: uint32 (N, H, W, words). rows: uint32 (pixels, words), cleared here. first, depth: the channels of one
    group. pad: 1 where padding is -1.
    """
    height, width, _, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left, out_h, out_w = (
        geometry
    )
    whole_words = depth % 32 == 0 and first % 32 == 0
    for at in range(stop - start):
        r, column = (start + at) // out_w, (start + at) % out_w
        n, y0 = r // out_h, (r % out_h) * stride_h - top
        row = rows[at]
        row[:] = 0
        bit = 0
        for i in range(kernel_h):
            y = y0 + i * dilation_h
            for j in range(kernel_w):
                xx = column * stride_w - left + j * dilation_w
                if y < 0 or y >= height or xx < 0 or xx >= width:
                    if pad:
                        _append_ones(row, bit, depth)
                elif whole_words:
                    source = x[n, y, xx]
                    for w in range(depth // 32):
                        row[bit // 32 + w] = source[first // 32 + w]
                else:
                    _append(row, bit, x[n, y, xx], first, depth)
                bit += depth


@kernel
def cut_rows(rows, first, depth, out):  # type: ignore[no-untyped-def]
    """Bits ``first`` to ``first + depth`` of every row: uint32 (p, words) -> uint32 (p, words), the rest zero."""
    for p in range(rows.shape[0]):
        out[p, :] = 0
        _append(out[p], 0, rows[p], first, depth)


@kernel
def _append(row, bit, source, first, count):  # type: ignore[no-untyped-def]
    """Copies ``count`` bits of ``source`` from bit ``first`` on to ``row``, which is clear from bit ``bit`` on."""
    done = 0
    while done < count:
        inside = (first + done) % 32
        take = min(32 - inside, count - done)
        piece = (np.uint64(source[(first + done) // 32]) >> np.uint64(inside)) & _low(take)
        _put(row, bit + done, piece)
        done += take


@kernel
def _append_ones(row, bit, count):  # type: ignore[no-untyped-def]
    done = 0
    while done < count:
        take = min(32, count - done)
        _put(row, bit + done, _low(take))
        done += take


@kernel
def _put(row, bit, piece):  # type: ignore[no-untyped-def]
    """Ors up to 32 bits into ``row``, over the edge of a word where they reach it."""
    shifted = piece << np.uint64(bit % 32)
    row[bit // 32] |= np.uint32(shifted & np.uint64(0xFFFFFFFF))
    over = np.uint32(shifted >> np.uint64(32))
    if over:
        row[bit // 32 + 1] |= over


@kernel
def _low(count):  # type: ignore[no-untyped-def]
    """``count`` low bits set, 0 to 32."""
    return (np.uint64(1) << np.uint64(count)) - np.uint64(1)


@kernel
def tap_sums(filters, taps, depth, sums):  # type: ignore[no-untyped-def]
    """The sum of every filter's signs in every tap: uint32 (o, words) -> int32 (taps, o)."""
    for o in range(filters.shape[0]):
        for tap in range(taps):
            ones = np.int64(0)
            done = 0
            while done < depth:
                bit = tap * depth + done
                take = min(32 - bit % 32, depth - done)
                piece = (np.uint64(filters[o, bit // 32]) >> np.uint64(bit % 32)) & _low(take)
                ones += np.int64(popcount(piece))
                done += take
            sums[tap, o] = depth - 2 * ones


@kernel
def remove_outside(acc, sums, geometry, start, stop):  # type: ignore[no-untyped-def]
    """Subtracts from each of the output pixels ``start`` to ``stop`` the taps that lie outside the image."""
    height, width, _, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left, out_h, out_w = (
        geometry
    )
    down, right = (kernel_h - 1) * dilation_h, (kernel_w - 1) * dilation_w
    r, column = start // out_w % out_h, start % out_w - 1
    for at in range(stop - start):
        column += 1
        if column == out_w:
            column, r = 0, (r + 1) % out_h
        y0, x0 = r * stride_h - top, column * stride_w - left
        if y0 >= 0 and x0 >= 0 and y0 + down < height and x0 + right < width:
            continue
        row = acc[at]
        for i in range(kernel_h):
            y = y0 + i * dilation_h
            for j in range(kernel_w):
                xx = x0 + j * dilation_w
                if y < 0 or y >= height or xx < 0 or xx >= width:
                    tap = sums[i * kernel_w + j]
                    for o in range(row.size):
                        row[o] -= tap[o]
