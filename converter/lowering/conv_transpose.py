"""Transposed convolutions in one, two and three dimensions: one op, with extents of 1 in front."""

from __future__ import annotations

from typing import NamedTuple

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activated
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.conv import bias_of, kernel_and_bias
from xlite.converter.lowering.conv_3d import options_3d
from xlite.converter.lowering.geometry import image_extents, sizes, spans, window_fields
from xlite.converter.lowering.movement import reshaped
from xlite.converter.lowering.quantizers import quantized_input, quantized_kernel
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import Conv3DOptions, OpKind


@lowering("Conv1DTranspose", "Convolution1DTranspose")
def conv_1d_transpose(ctx: Context, x: Value) -> Value:
    return _conv_transpose(ctx, x, 1)


@lowering(
    "Conv2DTranspose",
    "Convolution2DTranspose",
    "QuantConv2DTranspose",
    "xlite>QuantConv2DTranspose",
    "Larq>QuantConv2DTranspose",
)
def conv_2d_transpose(ctx: Context, x: Value) -> Value:
    return _conv_transpose(ctx, x, 2)


@lowering(
    "Conv3DTranspose",
    "Convolution3DTranspose",
    "QuantConv3DTranspose",
    "xlite>QuantConv3DTranspose",
    "Larq>QuantConv3DTranspose",
)
def conv_3d_transpose(ctx: Context, x: Value) -> Value:
    return _conv_transpose(ctx, x, 3)


def _conv_transpose(ctx: Context, x: Value, axes: int) -> Value:
    """Keras's kernel (KD, KH, KW, O, I) becomes (O, KD, KH, KW, I)."""
    config, extents = ctx.config, image_extents(ctx, x, axes)
    kernel, bias = kernel_and_bias(ctx)
    filters = int(config["filters"])
    taps = sizes(config["kernel_size"], axes)
    ctx.check_shape("kernel", kernel, (*taps, filters, x.type.shape[-1]))
    if float(config.get("pad_values") or 0.0) != 0.0:
        raise ctx.unsupported("pads a transposed convolution with other values than 0", "set pad_values=0")
    kernel = quantized_kernel(ctx, kernel)
    strides, dilation = (sizes(config.get(key, 1), axes) for key in ("strides", "dilation_rate"))
    extra = config.get("output_padding")
    extras = (None,) * axes if extra is None else sizes(extra, axes)
    lines = [_line(ctx, *axis) for axis in zip(extents, spans(taps, dilation), strides, extras)]
    lift = (1,) * (3 - axes)
    edges = [p for line in [_Line(1, 0, 0)] * len(lift) + lines for p in (line.before, line.after)]
    outputs = (*lift, *(line.output for line in lines))
    options = Conv3DOptions(
        **options_3d((*lift, *strides), (*lift, *dilation), edges),
        **window_fields("output_d output_h output_w", outputs),
    )
    deep = kernel.reshape(lift + kernel.shape).transpose(3, 0, 1, 2, 4)
    x = quantized_input(ctx, x)
    x = reshaped(ctx, x, lift + x.type.shape[1:])
    inputs = [x, ctx.constant("kernel", deep), None, bias_of(ctx, bias, filters), None]
    y = activated(ctx, ctx.add(OpKind.CONV_3D_TRANSPOSE, inputs, options))
    return reshaped(ctx, y, y.type.shape[1 + len(lift) :])


class _Line(NamedTuple):
    """One axis: the output's extent, and what is cut off before and after of the full output."""

    output: int
    before: int
    after: int


def _line(ctx: Context, size: int, span: int, stride: int, extra: int | None) -> _Line:
    """As TensorFlow has it: the input is what a convolution of this padding makes of the output, so that ``same``
    cuts off what that convolution would have padded."""
    kind = str(ctx.config.get("padding", "valid")).lower()
    full = (size - 1) * stride + span
    if kind == "valid":
        output = full + (max(stride - span, 0) if extra is None else extra)
        cut = 0
    elif kind == "same":
        output = size * stride if extra is None else (size - 1) * stride + span % 2 + extra
        cut = max(full - output, 0)
    else:
        raise ctx.unsupported(f"has padding='{kind}'", "use 'same' or 'valid'")
    return _Line(output, cut // 2, cut - cut // 2)
