"""Pooling over windows and over the whole image, in one, two and three dimensions."""

from __future__ import annotations

import math
from typing import Any

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.geometry import image_extents, padding, sizes
from xlite.converter.lowering.movement import reshaped
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import OpKind, Pool2DOptions, Pool3DOptions

_OPS = {
    "Max": (OpKind.MAX_POOL_2D, OpKind.MAX_POOL_3D),
    "Average": (OpKind.AVERAGE_POOL_2D, OpKind.AVERAGE_POOL_3D),
}


def _names(prefix: str, longer: str, shorter: str) -> list[str]:
    return [f"{prefix}{name}{axes}D" for name in (longer, shorter) for axes in (1, 2, 3)]


@lowering(*_names("", "MaxPooling", "MaxPool"))
def max_pooling(ctx: Context, x: Value) -> Value:
    return windows(ctx, x, "Max", int(ctx.layer.class_name[-2]))


@lowering(*_names("", "AveragePooling", "AvgPool"))
def average_pooling(ctx: Context, x: Value) -> Value:
    return windows(ctx, x, "Average", int(ctx.layer.class_name[-2]))


@lowering(*_names("Global", "MaxPooling", "MaxPool"))
def global_max_pooling(ctx: Context, x: Value) -> Value:
    return _global(ctx, x, "Max")


@lowering(*_names("Global", "AveragePooling", "AvgPool"))
def global_average_pooling(ctx: Context, x: Value) -> Value:
    return _global(ctx, x, "Average")


def windows(ctx: Context, x: Value, kind: str, axes: int) -> Value:
    """``kind`` ("Max" or "Average") over the windows that the configuration's pool_size, strides and padding
    describe."""
    ctx.channels_last()
    window = sizes(ctx.config["pool_size"], axes)
    given: Any = ctx.config.get("strides")
    strides = window if given is None else sizes(given, axes)
    return _pool(ctx, x, kind, window, strides, padding(ctx, x, window, strides))


def _global(ctx: Context, x: Value, kind: str) -> Value:
    """One window over the whole image."""
    extents = image_extents(ctx, x, int(ctx.layer.class_name[-2]))
    y = _pool(ctx, x, kind, extents, (1,) * len(extents), ((0, 0),) * len(extents))
    return y if ctx.config.get("keepdims") else reshaped(ctx, y, (math.prod(y.type.shape[1:]),))


def _pool(ctx: Context, x: Value, kind: str, window: tuple, strides: tuple, pads: tuple) -> Value:
    flat, deep = _OPS[kind]
    edges = [p for axis in pads for p in axis]
    if len(window) == 3:
        return ctx.add(deep, [x], Pool3DOptions(*window, *strides, *edges))
    if len(window) == 1:  # an image of height 1
        y = _pool(
            ctx, reshaped(ctx, x, (1, *x.type.shape[1:])), kind, (1, *window), (1, *strides), ((0, 0), *pads)
        )
        return reshaped(ctx, y, y.type.shape[2:])
    inputs: list[Value | None] = [x, None] if kind == "Max" else [x]
    return ctx.add(flat, inputs, Pool2DOptions(*window, *strides, *edges))
