"""MAX_POOL_2D of floats and of bits, AVERAGE_POOL_2D. Windows are cut at the image's border, which is what
padding means to a pool."""

from __future__ import annotations

import numpy as np

from xlite.interpreter.kernels.base import Buffers, Kernel, OpSpec, Step
from xlite.interpreter.kernels.numba.jit import choose, constant, kernel
from xlite.schema.types import DType, OpKind, Pool2DOptions

_NO_FLIP = constant(np.empty(0, np.uint32))


@kernel
def _span(index, stride, before, window, size):  # type: ignore[no-untyped-def]
    """First and last position, exclusive, of a window inside the image."""
    start = index * stride - before
    return max(start, 0), min(start + window, size)


@kernel
def max_pool(x, y, window_h, window_w, stride_h, stride_w, top, left):  # type: ignore[no-untyped-def]
    """float32 (N, H, W, C); a NaN stays, as in numpy."""
    for n in range(y.shape[0]):
        for i in range(y.shape[1]):
            y0, y1 = _span(i, stride_h, top, window_h, x.shape[1])
            for j in range(y.shape[2]):
                x0, x1 = _span(j, stride_w, left, window_w, x.shape[2])
                out = y[n, i, j]
                out[:] = x[n, y0, x0]
                for r in range(y0, y1):
                    for s in range(x0, x1):
                        pixel = x[n, r, s]
                        for c in range(out.size):
                            v, most = pixel[c], out[c]
                            out[c] = choose(v == v, choose(v > most, v, most), v)


@kernel
def max_pool_bits(x, y, flip, window_h, window_w, stride_h, stride_w, top, left):  # type: ignore[no-untyped-def]
    """uint32 (N, H, W, words): the maximum of signs is the AND of their bits; a channel that ``flip`` marks takes
    the minimum, their OR."""
    for n in range(y.shape[0]):
        for i in range(y.shape[1]):
            y0, y1 = _span(i, stride_h, top, window_h, x.shape[1])
            for j in range(y.shape[2]):
                x0, x1 = _span(j, stride_w, left, window_w, x.shape[2])
                for w in range(y.shape[3]):
                    every = x[n, y0, x0, w]
                    some = every
                    for r in range(y0, y1):
                        for s in range(x0, x1):
                            every &= x[n, r, s, w]
                            some |= x[n, r, s, w]
                    if flip.size:
                        every = (every & ~flip[w]) | (some & flip[w])
                    y[n, i, j, w] = every


@kernel
def average_pool(x, y, window_h, window_w, stride_h, stride_w, top, left):  # type: ignore[no-untyped-def]
    """float32 (N, H, W, C): the sum divided by the number of elements inside the image."""
    for n in range(y.shape[0]):
        for i in range(y.shape[1]):
            y0, y1 = _span(i, stride_h, top, window_h, x.shape[1])
            for j in range(y.shape[2]):
                x0, x1 = _span(j, stride_w, left, window_w, x.shape[2])
                out = y[n, i, j]
                out[:] = 0
                for r in range(y0, y1):
                    for s in range(x0, x1):
                        pixel = x[n, r, s]
                        for c in range(out.size):
                            out[c] += pixel[c]
                count = np.float32((y1 - y0) * (x1 - x0))
                for c in range(out.size):
                    out[c] /= count


def _window(spec: OpSpec) -> tuple[int, ...]:
    o = spec.op.options
    assert isinstance(o, Pool2DOptions)
    return o.window_h, o.window_w, o.stride_h, o.stride_w, o.pad_top, o.pad_left


def _prepare_max(spec: OpSpec, buffers: Buffers) -> Step:
    x, flip = buffers.inputs
    y, window = buffers.outputs[0], _window(spec)
    if spec.outputs[0].dtype is DType.BIT:
        flips = _NO_FLIP if flip is None else constant(flip)
        return lambda: max_pool_bits(x, y, flips, *window)
    return lambda: max_pool(x, y, *window)


def _prepare_average(spec: OpSpec, buffers: Buffers) -> Step:
    x, y, window = buffers.inputs[0], buffers.outputs[0], _window(spec)
    return lambda: average_pool(x, y, *window)


def _is_no_integer(spec: OpSpec) -> bool:
    return spec.outputs[0].dtype in (DType.FLOAT32, DType.BIT)


KERNELS = (
    Kernel("nb_max_pool_2d", "numba", OpKind.MAX_POOL_2D, _prepare_max, _is_no_integer),
    Kernel("nb_average_pool_2d", "numba", OpKind.AVERAGE_POOL_2D, _prepare_average),
)
