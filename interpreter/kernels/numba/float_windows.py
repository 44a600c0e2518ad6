"""Windows of a float image as rows, and bit filters as floats, for the matrix product that numpy's BLAS does."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.numba.jit import kernel


@kernel
def gather_floats(x, rows, first, depth, geometry, start, stop):  # type: ignore[no-untyped-def]
    """Writes the windows of output rows ``start`` to ``stop`` (counted through all samples) to ``rows``, with
    zeros outside the image.

    x: float32 (N, H, W, C). rows: float32 (pixels, KH*KW*depth). first, depth: the channels of one group.
    """
    height, width, _, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left, out_h, out_w = (
        geometry
    )
    at = 0
    for r in range(start, stop):
        n, y0 = r // out_h, (r % out_h) * stride_h - top
        for column in range(out_w):
            row = rows[at]
            at += 1
            k = 0
            for i in range(kernel_h):
                y = y0 + i * dilation_h
                for j in range(kernel_w):
                    xx = column * stride_w - left + j * dilation_w
                    if y < 0 or y >= height or xx < 0 or xx >= width:
                        for c in range(depth):
                            row[k + c] = 0
                    else:
                        for c in range(depth):
                            row[k + c] = x[n, y, xx, first + c]
                    k += depth


@kernel
def unpack_rows(words, first, last, length, out):  # type: ignore[no-untyped-def]
    """Rows ``first`` to ``last`` of bits as +1 and -1: uint32 (o, words) -> float32 (rows, length)."""
    for o in range(first, last):
        row = out[o - first]
        for w in range((length + 31) // 32):
            word = words[o, w]
            base = 32 * w
            for b in range(min(32, length - base)):
                row[base + b] = np.float32(1) - np.float32(2) * np.float32((word >> np.uint32(b)) & np.uint32(1))
