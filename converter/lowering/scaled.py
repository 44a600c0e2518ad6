"""XNOR-Net's binary convolution with the input's scale K (Rastegari et al. 2016, arXiv 1603.05279)."""

from __future__ import annotations

import numpy as np

from xlite.converter.graph import Value
from xlite.converter.lowering.activations import activated
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.conv import bias_of, convolved, kernel_and_bias
from xlite.converter.lowering.elementwise import applied, reduced
from xlite.converter.lowering.geometry import padding, sizes
from xlite.converter.lowering.movement import padded
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import ActivationKind, OpKind, Pool2DOptions, ReduceKind


@lowering("ScaledBinaryConv2D", "xlite>ScaledBinaryConv2D")
def scaled_binary_conv_2d(ctx: Context, x: Value) -> Value:
    """conv(sign(x), sign(W)) * K + bias, K the mean of |x| over channels and window, the padding's zeros
    counted."""
    kernel, bias = kernel_and_bias(ctx)
    if not ctx.config.get("scale_inputs"):
        return activated(ctx, convolved(ctx, x, 2, kernel, bias_of(ctx, bias, int(ctx.config["filters"]))))
    y = ctx.add(OpKind.MULTIPLY, [convolved(ctx, x, 2, kernel, None), _input_scale(ctx, x)])
    offset = bias_of(ctx, bias, y.type.shape[-1])
    if offset is not None:
        ones = ctx.constant("ones", np.ones(y.type.shape[-1], np.float32))
        y = ctx.add(OpKind.BATCH_NORM, [y, ones, offset])
    return activated(ctx, y)


def _input_scale(ctx: Context, x: Value) -> Value:
    window, strides = (sizes(ctx.config[key], 2) for key in ("kernel_size", "strides"))
    pads = padding(ctx, x, window, strides)
    magnitude = reduced(ctx, applied(ctx, x, ActivationKind.ABS), ReduceKind.MEAN, -1, True)
    magnitude = padded(ctx, magnitude, ((0, 0), *pads, (0, 0)))
    options = Pool2DOptions(window_h=window[0], window_w=window[1], stride_h=strides[0], stride_w=strides[1])
    return ctx.add(OpKind.AVERAGE_POOL_2D, [magnitude], options)
