"""LocallyConnected1D and LocallyConnected2D, plain and quantized: a filter of its own for every output.

Keras 2 keeps the weights in one of three layouts, by ``implementation``; for images of (H, W, C), outputs of
(OH, OW, O) and windows of (KH, KW):

    1   (OH * OW, KH * KW * C, O)
    2   (H, W, C, OH, OW, O), with weights that no window reaches
    3   those of (OH, OW, O, KH, KW, C) in this order whose tap lies inside the image

The file's is (OH, OW, O, KH, KW, C). A tap outside the image meets a zero there; its weight is a copy of a
neighbour's, so that a filter of two levels stays one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activated
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.conv import kernel_and_bias
from xlite.converter.lowering.geometry import image_extents, sizes
from xlite.converter.lowering.movement import reshaped
from xlite.converter.lowering.quantizers import quantized_input, quantized_kernel
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import Conv2DOptions, OpKind

_1D = ("QuantLocallyConnected1D", "xlite>QuantLocallyConnected1D", "Larq>QuantLocallyConnected1D")
_2D = ("QuantLocallyConnected2D", "xlite>QuantLocallyConnected2D", "Larq>QuantLocallyConnected2D")


@lowering("LocallyConnected1D", *_1D)
def locally_connected_1d(ctx: Context, x: Value) -> Value:
    return _locally_connected(ctx, x, 1)


@lowering("LocallyConnected2D", *_2D)
def locally_connected_2d(ctx: Context, x: Value) -> Value:
    return _locally_connected(ctx, x, 2)


class _Axis:
    """One axis of the image: the taps of every window.

    Unlike a convolution, ``same`` puts half of the window, rounded down, before the image whatever the stride.
    """

    def __init__(self, extent: int, taps: int, stride: int, same: bool):
        self.extent, self.taps, self.stride = extent, taps, stride
        self.before = taps // 2 if same else 0
        self.outputs = -(-extent // stride) if same else (extent - taps) // stride + 1
        self.after = max(0, (self.outputs - 1) * stride - self.before + taps - extent)
        starts = np.arange(self.outputs) * stride - self.before
        self.positions = starts[:, None] + np.arange(taps)  # of each tap in the image: (outputs, taps)

    @property
    def inside(self) -> np.ndarray:
        return (self.positions >= 0) & (self.positions < self.extent)

    @property
    def nearest(self) -> np.ndarray:
        """The positions, those outside the image moved to its edge."""
        return np.clip(self.positions, 0, self.extent - 1)


def _locally_connected(ctx: Context, x: Value, axes: int) -> Value:
    config = ctx.config
    extents = image_extents(ctx, x, axes)
    taps, strides = (sizes(config.get(key, 1), axes) for key in ("kernel_size", "strides"))
    same = str(config.get("padding", "valid")).lower() == "same"
    lines = [_Axis(*line, same) for line in zip(extents, taps, strides)]
    if any(line.outputs < 1 for line in lines):
        raise ctx.error(f"has windows of {taps} on an input of {extents}", "give it a smaller kernel_size")
    lines = [_Axis(1, 1, 1, False)] * (2 - axes) + lines
    kernel, bias = kernel_and_bias(ctx)
    filters = int(config["filters"])
    kernel = _in_file_layout(ctx, kernel, lines, axes, x.type.shape[-1], filters)
    x = quantized_input(ctx, x)
    high, wide = lines
    options = Conv2DOptions(
        stride_h=high.stride,
        stride_w=wide.stride,
        pad_top=high.before,
        pad_bottom=high.after,
        pad_left=wide.before,
        pad_right=wide.after,
    )
    x = reshaped(ctx, x, (high.extent, wide.extent, x.type.shape[-1]))
    y = ctx.add(OpKind.LOCALLY_CONNECTED_2D, [x, ctx.constant("kernel", kernel)], options)
    y = reshaped(ctx, y, (*(line.outputs for line in lines[2 - axes :]), filters))
    return activated(ctx, _with_bias(ctx, y, bias))


def _with_bias(ctx: Context, y: Value, bias: np.ndarray | None) -> Value:
    """The bias has the output's whole shape."""
    if bias is None:
        return y
    ctx.check_shape("bias", bias, y.type.shape[1:])
    return ctx.add(OpKind.ADD, [y, ctx.constant("bias", bias[None])])


def _in_file_layout(
    ctx: Context, kernel: np.ndarray, lines: Sequence[_Axis], axes: int, channels: int, filters: int
) -> np.ndarray:
    """The kernel behind its quantizer, which sees it as Keras keeps it."""
    high, wide = lines
    outputs, taps = high.outputs * wide.outputs, high.taps * wide.taps
    implementation = int(ctx.config.get("implementation", 1))
    if implementation == 1:
        ctx.check_shape("kernel", kernel, (outputs, taps * channels, filters))
        rows = quantized_kernel(ctx, kernel).transpose(0, 2, 1)
        return rows.reshape(high.outputs, wide.outputs, filters, high.taps, wide.taps, channels)
    if implementation == 2:
        extents, ends = ([getattr(line, key) for line in lines[2 - axes :]] for key in ("extent", "outputs"))
        ctx.check_shape("kernel", kernel, (*extents, channels, *ends, filters))
        return _from_dense(quantized_kernel(ctx, kernel), high, wide, channels, filters)
    if implementation == 3:
        inside = high.inside[:, None, :, None] & wide.inside[None, :, None, :]
        ctx.check_shape("kernel", kernel, (int(inside.sum()) * channels * filters,))
        return _from_sparse(quantized_kernel(ctx, kernel), inside, high, wide, channels, filters)
    raise ctx.unsupported(f"has implementation={implementation}", "use 1, 2 or 3")


def _from_dense(kernel: np.ndarray, high: _Axis, wide: _Axis, channels: int, filters: int) -> np.ndarray:
    kernel = kernel.reshape(high.extent, wide.extent, channels, high.outputs, wide.outputs, filters)
    out_h, out_w, tap_h, tap_w = np.ogrid[: high.outputs, : wide.outputs, : high.taps, : wide.taps]
    found = kernel[high.nearest[out_h, tap_h], wide.nearest[out_w, tap_w], :, out_h, out_w, :]
    return found.transpose(0, 1, 5, 2, 3, 4)  # from (OH, OW, KH, KW, C, O)


def _from_sparse(
    kernel: np.ndarray, inside: np.ndarray, high: _Axis, wide: _Axis, channels: int, filters: int
) -> np.ndarray:
    """``inside``: (OH, OW, KH, KW)."""
    shape = (high.outputs, wide.outputs, filters, high.taps, wide.taps, channels)
    full = np.zeros(shape, np.float32)
    full[np.broadcast_to(inside[:, :, None, :, :, None], shape)] = kernel
    first_h, first_w = (line.positions[:, :1] for line in (high, wide))
    out_h, out_w, tap_h, tap_w = np.ogrid[: high.outputs, : wide.outputs, : high.taps, : wide.taps]
    near_h = (high.nearest - first_h)[out_h, tap_h]
    near_w = (wide.nearest - first_w)[out_w, tap_w]
    return full[out_h, out_w, :, near_h, near_w, :].transpose(0, 1, 4, 2, 3, 5)  # from (OH, OW, KH, KW, O, C)
