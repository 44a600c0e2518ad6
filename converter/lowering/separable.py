"""SeparableConv1D and SeparableConv2D: a depthwise convolution and a 1x1 convolution of its channels."""

from __future__ import annotations

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activated
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.conv import bias_of, depthwise, without_height
from xlite.converter.lowering.geometry import sizes
from xlite.converter.lowering.quantizers import quantized_input, quantized_kernel
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import Conv2DOptions, OpKind

_2D = ("SeparableConv2D", "SeparableConvolution2D")
_1D = ("SeparableConv1D", "SeparableConvolution1D")


@lowering(*_2D, "QuantSeparableConv2D", "xlite>QuantSeparableConv2D", "Larq>QuantSeparableConv2D")
def separable_conv_2d(ctx: Context, x: Value) -> Value:
    return _separable(ctx, x, 2)


@lowering(*_1D, "QuantSeparableConv1D", "xlite>QuantSeparableConv1D", "Larq>QuantSeparableConv1D")
def separable_conv_1d(ctx: Context, x: Value) -> Value:
    return _separable(ctx, x, 1)


def _separable(ctx: Context, x: Value, axes: int) -> Value:
    """Strides and dilation belong to the depthwise half; bias and activation come behind the other."""
    ctx.channels_last()
    filters, multiplier = int(ctx.config["filters"]), int(ctx.config.get("depth_multiplier", 1))
    channels = x.type.shape[-1]
    roles = ["depthwise_kernel", "pointwise_kernel"] + ["bias"] * bool(ctx.config.get("use_bias", True))
    first, second, *bias = ctx.weights(*roles)
    ctx.check_shape(roles[0], first, (*sizes(ctx.config["kernel_size"], axes), channels, multiplier))
    ctx.check_shape(roles[1], second, (*(1,) * axes, channels * multiplier, filters))
    first = quantized_kernel(ctx, first, "depthwise_quantizer")
    second = quantized_kernel(ctx, second, "pointwise_quantizer")
    y = depthwise(ctx, quantized_input(ctx, x), first, None)
    y = quantized_input(ctx, y, "intermediate_quantizer")
    pointwise = ctx.constant("pointwise_kernel", second.reshape(1, 1, -1, filters).transpose(3, 0, 1, 2))
    inputs = [y, pointwise, None, bias_of(ctx, bias[0] if bias else None, filters), None]
    return without_height(ctx, activated(ctx, ctx.add(OpKind.CONV_2D, inputs, Conv2DOptions())), axes)
