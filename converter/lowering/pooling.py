"""Pooling over windows and over the whole image."""

from __future__ import annotations

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.geometry import padding, pair
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import OpKind, Pool2DOptions, ReshapeOptions


@lowering("MaxPooling2D", "MaxPool2D")
def max_pooling_2d(ctx: Context, x: Value) -> Value:
    return _pool(ctx, x, OpKind.MAX_POOL_2D)


@lowering("AveragePooling2D", "AvgPool2D")
def average_pooling_2d(ctx: Context, x: Value) -> Value:
    return _pool(ctx, x, OpKind.AVERAGE_POOL_2D)


@lowering("GlobalMaxPooling2D", "GlobalMaxPool2D")
def global_max_pooling_2d(ctx: Context, x: Value) -> Value:
    return _global(ctx, x, OpKind.MAX_POOL_2D)


@lowering("GlobalAveragePooling2D", "GlobalAvgPool2D")
def global_average_pooling_2d(ctx: Context, x: Value) -> Value:
    return _global(ctx, x, OpKind.AVERAGE_POOL_2D)


def _pool(ctx: Context, x: Value, kind: OpKind) -> Value:
    ctx.channels_last()
    window = pair(ctx.config["pool_size"])
    given = ctx.config.get("strides")
    strides = window if given is None else pair(given)
    (top, bottom), (left, right) = padding(ctx, x, window, strides)
    options = Pool2DOptions(
        window_h=window[0],
        window_w=window[1],
        stride_h=strides[0],
        stride_w=strides[1],
        pad_top=top,
        pad_bottom=bottom,
        pad_left=left,
        pad_right=right,
    )
    return ctx.add(kind, _pool_inputs(kind, x), options)


def _global(ctx: Context, x: Value, kind: OpKind) -> Value:
    """One window over the whole image."""
    ctx.channels_last()
    if len(x.type.shape) != 4:
        raise ctx.error(
            f"has an input of {len(x.type.shape)} axes", "give it images of (batch, height, width, channels)"
        )
    _, height, width, channels = x.type.shape
    y = ctx.add(kind, _pool_inputs(kind, x), Pool2DOptions(window_h=height, window_w=width))
    return y if ctx.config.get("keepdims") else ctx.add(OpKind.RESHAPE, [y], ReshapeOptions((channels,)))


def _pool_inputs(kind: OpKind, x: Value) -> list[Value | None]:
    return [x, None] if kind is OpKind.MAX_POOL_2D else [x]
