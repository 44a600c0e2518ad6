"""Layers that move elements and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.geometry import pair
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import OpKind, PadOptions, ReshapeOptions


@lowering("Flatten")
def flatten(ctx: Context, x: Value) -> Value:
    ctx.channels_last()
    return reshaped(ctx, x, (math.prod(x.type.shape[1:]),))


@lowering("Reshape")
def reshape(ctx: Context, x: Value) -> Value:
    return reshaped_to(ctx, x, ctx.config["target_shape"])


def reshaped_to(ctx: Context, x: Value, target: Sequence[int]) -> Value:
    """``x`` with the shape ``target`` behind the batch axis, where one -1 stands for what is left."""
    shape = [int(size) for size in target]
    elements = math.prod(x.type.shape[1:])
    if shape.count(-1) == 1:
        rest = math.prod(size for size in shape if size != -1)
        if rest:
            shape[shape.index(-1)] = elements // rest
    if math.prod(shape) != elements:
        raise ctx.error(
            f"reshapes {x.type.shape[1:]} to {tuple(target)}, which has other elements",
            "give it a shape with as many",
        )
    return reshaped(ctx, x, tuple(shape))


def reshaped(ctx: Context, x: Value, shape: tuple[int, ...]) -> Value:
    """``x`` with another shape behind the batch axis; ``x`` itself where it has that shape."""
    if x.type.shape[1:] == shape:
        return x
    return ctx.add(OpKind.RESHAPE, [x], ReshapeOptions(shape))


@lowering("ZeroPadding2D")
def zero_padding_2d(ctx: Context, x: Value) -> Value:
    ctx.channels_last()
    given = ctx.config.get("padding", 1)
    height, width = given if isinstance(given, (list, tuple)) else (given, given)
    (top, bottom), (left, right) = pair(height), pair(width)
    return ctx.add(OpKind.PAD, [x], PadOptions((0, 0, top, bottom, left, right, 0, 0), 0.0))
