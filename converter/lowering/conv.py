"""Conv2D and DepthwiseConv2D, plain and quantized."""

from __future__ import annotations

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activated
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.geometry import Pads, padding, pair, spans
from xlite.converter.lowering.quantizers import quantized_input, quantized_kernel
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import Conv2DOptions, OpKind, PadOptions


@lowering("Conv2D", "Convolution2D", "QuantConv2D", "xlite>QuantConv2D", "Larq>QuantConv2D")
def conv_2d(ctx: Context, x: Value) -> Value:
    """Keras's kernel (KH, KW, I / groups, O) becomes the file's (O, KH, KW, I / groups)."""
    ctx.channels_last()
    kernel, bias = _kernel_and_bias(ctx)
    groups = int(ctx.config.get("groups", 1))
    filters = int(ctx.config["filters"])
    ctx.check_shape("kernel", kernel, (*pair(ctx.config["kernel_size"]), x.type.shape[-1] // groups, filters))
    kernel = quantized_kernel(ctx, kernel)
    x, options = _window(ctx, quantized_input(ctx, x), kernel, groups)
    filters_first = ctx.constant("kernel", kernel.transpose(3, 0, 1, 2))
    y = ctx.add(OpKind.CONV_2D, [x, filters_first, None, _bias(ctx, bias, filters), None], options)
    return activated(ctx, y)


@lowering("DepthwiseConv2D", "QuantDepthwiseConv2D", "xlite>QuantDepthwiseConv2D", "Larq>QuantDepthwiseConv2D")
def depthwise_conv_2d(ctx: Context, x: Value) -> Value:
    """Keras's kernel (KH, KW, C, M) becomes (KH, KW, C * M), output channel c * M + m."""
    ctx.channels_last()
    kernel, bias = _kernel_and_bias(ctx)
    channels, multiplier = x.type.shape[-1], int(ctx.config.get("depth_multiplier", 1))
    ctx.check_shape("kernel", kernel, (*pair(ctx.config["kernel_size"]), channels, multiplier))
    for key in ("depthwise_quantizer", "kernel_quantizer"):
        kernel = quantized_kernel(ctx, kernel, key)
    x, options = _window(ctx, quantized_input(ctx, x), kernel, 1)
    flat = ctx.constant("kernel", kernel.reshape((*kernel.shape[:2], channels * multiplier)))
    y = ctx.add(OpKind.DEPTHWISE_CONV_2D, [x, flat, None, _bias(ctx, bias, channels * multiplier), None], options)
    return activated(ctx, y)


def _kernel_and_bias(ctx: Context) -> tuple[np.ndarray, np.ndarray | None]:
    if ctx.config.get("use_bias", True):
        kernel, bias = ctx.weights("kernel", "bias")
        return kernel, bias
    return ctx.weights("kernel")[0], None


def _bias(ctx: Context, bias: np.ndarray | None, channels: int) -> Value | None:
    if bias is None:
        return None
    ctx.check_shape("bias", bias, (channels,))
    return ctx.constant("bias", bias)


def _window(ctx: Context, x: Value, kernel: np.ndarray, groups: int) -> tuple[Value, Conv2DOptions]:
    """The input, padded here where the padding is not zero, and the convolution's options."""
    strides = pair(ctx.config.get("strides", 1))
    dilation = pair(ctx.config.get("dilation_rate", 1))
    pads = padding(ctx, x, spans(kernel.shape[:2], dilation), strides)
    value = float(ctx.config.get("pad_values") or 0.0)
    if value != 0.0:
        x, pads = _padded(ctx, x, pads, value), ((0, 0), (0, 0))
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


def _padded(ctx: Context, x: Value, pads: Pads, value: float) -> Value:
    (top, bottom), (left, right) = pads
    if not any((top, bottom, left, right)):
        return x
    return ctx.add(OpKind.PAD, [x], PadOptions((0, 0, top, bottom, left, right, 0, 0), value))
