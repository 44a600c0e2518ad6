"""Conv3D, plain and quantized."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activated
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.conv import bias_of, kernel_and_bias
from xlite.converter.lowering.geometry import padding, sizes, spans, window_fields
from xlite.converter.lowering.movement import padded
from xlite.converter.lowering.quantizers import quantized_input, quantized_kernel
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import Conv3DOptions, OpKind


def options_3d(strides: Sequence[int], dilation: Sequence[int], edges: Sequence[int]) -> dict[str, Any]:
    """The options of a convolution; ``edges`` are front, back, top, bottom, left, right."""
    return {
        **window_fields("stride_d stride_h stride_w", strides),
        **window_fields("dilation_d dilation_h dilation_w", dilation),
        **window_fields("pad_front pad_back pad_top pad_bottom pad_left pad_right", edges),
    }


@lowering("Conv3D", "Convolution3D", "QuantConv3D", "xlite>QuantConv3D", "Larq>QuantConv3D")
def conv_3d(ctx: Context, x: Value) -> Value:
    """Keras's kernel (KD, KH, KW, I / groups, O) becomes the file's (O, KD, KH, KW, I / groups)."""
    ctx.channels_last()
    config = ctx.config
    kernel, bias = kernel_and_bias(ctx)
    groups, filters = int(config.get("groups", 1)), int(config["filters"])
    taps = sizes(config["kernel_size"], 3)
    ctx.check_shape("kernel", kernel, (*taps, x.type.shape[-1] // groups, filters))
    kernel = quantized_kernel(ctx, kernel)
    x = quantized_input(ctx, x)
    strides, dilation = (sizes(config.get(key, 1), 3) for key in ("strides", "dilation_rate"))
    pads = padding(ctx, x, spans(taps, dilation), strides)
    value = float(config.get("pad_values") or 0.0)
    if value != 0.0:
        x, pads = padded(ctx, x, ((0, 0), *pads, (0, 0)), value), ((0, 0),) * 3
    options = Conv3DOptions(groups=groups, **options_3d(strides, dilation, [p for axis in pads for p in axis]))
    inputs = [x, ctx.constant("kernel", kernel.transpose(4, 0, 1, 2, 3)), None, bias_of(ctx, bias, filters), None]
    return activated(ctx, ctx.add(OpKind.CONV_3D, inputs, options))
