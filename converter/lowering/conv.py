"""Conv1D, Conv2D, DepthwiseConv1D and DepthwiseConv2D, plain and quantized. One dimension runs as images of height
1: the reshapes there and back cost nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activated
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.geometry import padding, sizes, spans
from xlite.converter.lowering.movement import padded, reshaped
from xlite.converter.lowering.quantizers import quantized_input, quantized_kernel
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import Conv2DOptions, OpKind


@lowering("Conv2D", "Convolution2D", "QuantConv2D", "xlite>QuantConv2D", "Larq>QuantConv2D")
def conv_2d(ctx: Context, x: Value) -> Value:
    return _conv(ctx, x, 2)


@lowering("Conv1D", "Convolution1D", "QuantConv1D", "xlite>QuantConv1D", "Larq>QuantConv1D")
def conv_1d(ctx: Context, x: Value) -> Value:
    return _conv(ctx, x, 1)


def _conv(ctx: Context, x: Value, axes: int) -> Value:
    kernel, bias = kernel_and_bias(ctx)
    y = convolved(ctx, x, axes, kernel, bias_of(ctx, bias, int(ctx.config["filters"])))
    return without_height(ctx, activated(ctx, y), axes)


def convolved(ctx: Context, x: Value, axes: int, kernel: np.ndarray, bias: Value | None) -> Value:
    """Keras's kernel (KH, KW, I / groups, O) becomes the file's (O, KH, KW, I / groups)."""
    ctx.channels_last()
    groups = int(ctx.config.get("groups", 1))
    taps = sizes(ctx.config["kernel_size"], axes)
    ctx.check_shape("kernel", kernel, (*taps, x.type.shape[-1] // groups, int(ctx.config["filters"])))
    kernel = quantized_kernel(ctx, kernel)
    x, options = window(ctx, quantized_input(ctx, x), taps, groups)
    kernel = kernel.reshape((1,) * (2 - axes) + kernel.shape)
    inputs = [x, ctx.constant("kernel", kernel.transpose(3, 0, 1, 2)), None, bias, None]
    return ctx.add(OpKind.CONV_2D, inputs, options)


@lowering("DepthwiseConv2D", "QuantDepthwiseConv2D", "xlite>QuantDepthwiseConv2D", "Larq>QuantDepthwiseConv2D")
def depthwise_conv_2d(ctx: Context, x: Value) -> Value:
    return _depthwise(ctx, x, 2)


@lowering("DepthwiseConv1D")
def depthwise_conv_1d(ctx: Context, x: Value) -> Value:
    return _depthwise(ctx, x, 1)


def _depthwise(ctx: Context, x: Value, axes: int) -> Value:
    ctx.channels_last()
    kernel, bias = kernel_and_bias(ctx)
    channels, multiplier = x.type.shape[-1], int(ctx.config.get("depth_multiplier", 1))
    ctx.check_shape("kernel", kernel, (*sizes(ctx.config["kernel_size"], axes), channels, multiplier))
    for key in ("depthwise_quantizer", "kernel_quantizer"):
        kernel = quantized_kernel(ctx, kernel, key)
    y = depthwise(ctx, quantized_input(ctx, x), kernel, bias_of(ctx, bias, channels * multiplier))
    return without_height(ctx, activated(ctx, y), axes)


def depthwise(ctx: Context, x: Value, kernel: np.ndarray, bias: Value | None) -> Value:
    """Keras's kernel (KH, KW, C, M) becomes (KH, KW, C * M), output channel c * M + m."""
    taps = kernel.shape[:-2]
    x, options = window(ctx, x, taps, 1)
    flat = ctx.constant("kernel", kernel.reshape((*((1,) * (2 - len(taps))), *taps, -1)))
    return ctx.add(OpKind.DEPTHWISE_CONV_2D, [x, flat, None, bias, None], options)


def kernel_and_bias(ctx: Context) -> tuple[np.ndarray, np.ndarray | None]:
    if ctx.config.get("use_bias", True):
        kernel, bias = ctx.weights("kernel", "bias")
        return kernel, bias
    return ctx.weights("kernel")[0], None


def bias_of(ctx: Context, bias: np.ndarray | None, channels: int) -> Value | None:
    if bias is None:
        return None
    ctx.check_shape("bias", bias, (channels,))
    return ctx.constant("bias", bias)


def window(ctx: Context, x: Value, taps: Sequence[int], groups: int) -> tuple[Value, Conv2DOptions]:
    """The input, with a height of 1 where it has none and padded here where the padding is not zero, and the
    convolution's options."""
    strides = sizes(ctx.config.get("strides", 1), len(taps))
    dilation = sizes(ctx.config.get("dilation_rate", 1), len(taps))
    pads = padding(ctx, x, spans(taps, dilation), strides)
    if len(taps) == 1:
        x = reshaped(ctx, x, (1, *x.type.shape[1:]))
        strides, dilation, pads = (1, *strides), (1, *dilation), ((0, 0), *pads)
    value = float(ctx.config.get("pad_values") or 0.0)
    if value != 0.0:
        x, pads = padded(ctx, x, ((0, 0), *pads, (0, 0)), value), ((0, 0), (0, 0))
    (top, bottom), (left, right) = pads
    options = Conv2DOptions(
        stride_h=strides[0],
        stride_w=strides[1],
        dilation_h=dilation[0],
        dilation_w=dilation[1],
        pad_top=top,
        pad_bottom=bottom,
        pad_left=left,
        pad_right=right,
        groups=groups,
    )
    return x, options


def without_height(ctx: Context, x: Value, axes: int) -> Value:
    """``x`` without the height of 1 that one-dimensional layers run with."""
    return x if axes == 2 else reshaped(ctx, x, x.type.shape[2:])
