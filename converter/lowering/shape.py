"""Layers that move elements and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.geometry import image_extents, pair
from xlite.converter.lowering.movement import padded, reshaped, sliced_axes, tiled, transposed
from xlite.converter.lowering.registry import lowering


@lowering("Flatten")
def flatten(ctx: Context, x: Value) -> Value:
    ctx.channels_last()
    return reshaped(ctx, x, (math.prod(x.type.shape[1:]),))


@lowering("Reshape")
def reshape(ctx: Context, x: Value) -> Value:
    return to_shape(ctx, x, ctx.config["target_shape"])


def to_shape(ctx: Context, x: Value, wanted: Sequence[int]) -> Value:
    """``x`` with another shape behind the batch axis, one entry of which may be -1."""
    target = [int(size) for size in wanted]
    elements = math.prod(x.type.shape[1:])
    if target.count(-1) == 1:
        rest = math.prod(size for size in target if size != -1)
        if rest:
            target[target.index(-1)] = elements // rest
    if math.prod(target) != elements:
        raise ctx.error(
            f"reshapes {x.type.shape[1:]} to {tuple(wanted)}, which has other elements",
            "give it a shape with as many",
        )
    return reshaped(ctx, x, tuple(target))


@lowering("Permute")
def permute(ctx: Context, x: Value) -> Value:
    return transposed(ctx, x, (0, *ctx.config["dims"]))


@lowering("RepeatVector")
def repeat_vector(ctx: Context, x: Value) -> Value:
    return tiled(ctx, reshaped(ctx, x, (1, *x.type.shape[1:])), (1, int(ctx.config["n"]), 1))


@lowering("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D")
def zero_padding(ctx: Context, x: Value) -> Value:
    return padded(ctx, x, ((0, 0), *_edges(ctx, x, "padding", 1), (0, 0)))


@lowering("Cropping1D", "Cropping2D", "Cropping3D")
def cropping(ctx: Context, x: Value) -> Value:
    entries = [(0, extent, 1) for extent in x.type.shape]
    for axis, (before, after) in enumerate(_edges(ctx, x, "cropping", 1 if len(entries) == 3 else 0), 1):
        entries[axis] = (before, x.type.shape[axis] - before - after, 1)
    return sliced_axes(ctx, x, entries)


def _edges(ctx: Context, x: Value, key: str, default: int) -> list[tuple[int, int]]:
    """(before, after) of every axis of an image, given once for all, once an axis, or in full; in 1D the two
    entries are before and after."""
    axes = len(image_extents(ctx, x, int(ctx.layer.class_name[-2])))
    given: Any = ctx.config.get(key, default)
    if not isinstance(given, (list, tuple)):
        given = [given] * axes
    elif axes == 1 and len(given) == 2 and not isinstance(given[0], (list, tuple)):
        given = [given]
    return [pair(entry) for entry in given]
