"""Elements moved and nothing computed: what layers and operations on shapes share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.schema.types import (
    ConcatenateOptions,
    OpKind,
    PadOptions,
    ReshapeOptions,
    SliceOptions,
    TileOptions,
    TransposeOptions,
)

MOST_PARTS = 512  # into which one tensor is taken apart: steps of TimeDistributed, elements that are reversed


def reshaped(ctx: Context, x: Value, shape: Sequence[int]) -> Value:
    """``x`` with another shape behind the batch axis; ``x`` itself where it has that shape."""
    if x.type.shape[1:] == tuple(shape):
        return x
    return ctx.add(OpKind.RESHAPE, [x], ReshapeOptions(tuple(shape)))


def transposed(ctx: Context, x: Value, order: Sequence[int]) -> Value:
    """``x`` with its axes in another order, the batch first; ``x`` itself where that is its order.

    An order that moves nothing but axes of extent 1 becomes a RESHAPE, which is free.
    """
    order = tuple(int(i) for i in order)
    if order == tuple(range(len(order))):
        return x
    if order[0] != 0:
        raise ctx.unsupported("moves the batch axis", "keep it first")
    long = [i for i in order if i == 0 or x.type.shape[i] != 1]
    if long == sorted(long):
        return reshaped(ctx, x, [x.type.shape[i] for i in order[1:]])
    return ctx.add(OpKind.TRANSPOSE, [x], TransposeOptions(order))


def sliced(ctx: Context, x: Value, axis: int, begin: int, size: int, stride: int = 1) -> Value:
    """``size`` elements of one axis from ``begin`` on; ``x`` itself where that is all of it."""
    entries = [(0, extent, 1) for extent in x.type.shape]
    entries[axis] = (begin, size, stride)
    return sliced_axes(ctx, x, entries)


def sliced_axes(ctx: Context, x: Value, entries: Sequence[tuple[int, int, int]]) -> Value:
    """(begin, size, stride) for every axis, of which the batch's is its whole."""
    if all(size == extent for (_, size, _), extent in zip(entries, x.type.shape)):
        return x
    if min(size for _, size, _ in entries) < 1:
        raise ctx.error(f"leaves nothing of a tensor of shape {x.type.shape[1:]}", "cut less of it")
    begin, size, stride = zip(*entries)
    return ctx.add(OpKind.SLICE, [x], SliceOptions(begin, size, stride))


def joined(ctx: Context, parts: Sequence[Value], axis: int) -> Value:
    return parts[0] if len(parts) == 1 else ctx.add(OpKind.CONCATENATE, list(parts), ConcatenateOptions(axis))


def reversed_axis(ctx: Context, x: Value, axis: int) -> Value:
    """The elements of one axis in reverse order, one slice each."""
    extent = x.type.shape[axis]
    if extent > MOST_PARTS:
        raise ctx.unsupported(f"reverses {extent} elements", f"reverse {MOST_PARTS} at most")
    return joined(ctx, [sliced(ctx, x, axis, i, 1) for i in reversed(range(extent))], axis)


def repeated(ctx: Context, x: Value, axis: int, times: int) -> Value:
    """Every element of an axis ``times`` times in a row."""
    if times == 1:
        return x
    shape = x.type.shape
    before, after = math.prod(shape[1 : axis + 1]), math.prod(shape[axis + 1 :])
    column = reshaped(ctx, x, (before, 1, after))
    tiled = ctx.add(OpKind.TILE, [column], TileOptions((1, 1, times, 1)))
    return reshaped(ctx, tiled, [extent * times if i == axis else extent for i, extent in enumerate(shape)][1:])


def tiled(ctx: Context, x: Value, multiples: Sequence[int]) -> Value:
    """The whole of every axis, the batch's 1 included, so many times in a row."""
    if all(m == 1 for m in multiples):
        return x
    return ctx.add(OpKind.TILE, [x], TileOptions(tuple(int(m) for m in multiples)))


def padded(ctx: Context, x: Value, pads: Sequence[Sequence[int]], value: float = 0.0) -> Value:
    """(before, after) for every axis, batch included; ``x`` itself where nothing is padded."""
    flat = tuple(int(p) for pair in pads for p in pair)
    return ctx.add(OpKind.PAD, [x], PadOptions(flat, float(value))) if any(flat) else x


def blocks_to_space(ctx: Context, x: Value, block: int) -> Value:
    """TensorFlow's depth_to_space on images: channel (i * block + j) * depth + d goes to row i, column j."""
    _, height, width, channels = x.type.shape
    depth = channels // (block * block)
    apart = reshaped(ctx, x, (height, width, block, block, depth))
    return reshaped(ctx, transposed(ctx, apart, (0, 1, 3, 2, 4, 5)), (height * block, width * block, depth))


def space_to_blocks(ctx: Context, x: Value, block: int) -> Value:
    """TensorFlow's space_to_depth, the inverse."""
    _, height, width, channels = x.type.shape
    high, wide = height // block, width // block
    apart = reshaped(ctx, x, (high, block, wide, block, channels))
    return reshaped(ctx, transposed(ctx, apart, (0, 1, 3, 2, 4, 5)), (high, wide, block * block * channels))
