"""Images made larger."""

from __future__ import annotations

from collections.abc import Sequence

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.geometry import image_extents, sizes
from xlite.converter.lowering.movement import repeated
from xlite.converter.lowering.registry import lowering
from xlite.schema.types import OpKind, ResizeOptions


@lowering("UpSampling1D", "UpSampling2D", "UpSampling3D")
def up_sampling(ctx: Context, x: Value) -> Value:
    axes = int(ctx.layer.class_name[-2])
    extents = image_extents(ctx, x, axes)
    factors = sizes(ctx.config.get("size", 2), axes)
    return resized(
        ctx, x, [extent * f for extent, f in zip(extents, factors)], ctx.config.get("interpolation", "nearest")
    )


@lowering("Resizing")
def resizing(ctx: Context, x: Value) -> Value:
    image_extents(ctx, x, 2)
    for key in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"):
        if ctx.config.get(key):
            raise ctx.unsupported(f"has {key}=True", "resize without it")
    target = int(ctx.config["height"]), int(ctx.config["width"])
    return resized(ctx, x, target, ctx.config.get("interpolation", "bilinear"))


def resized(ctx: Context, x: Value, target: Sequence[int], interpolation: str) -> Value:
    """``x`` with other extents: any by bilinear interpolation of images, whole multiples by repeating elements."""
    extents = x.type.shape[1:-1]
    if tuple(target) == extents:
        return x
    if interpolation == "bilinear" and len(extents) == 2:
        return ctx.add(OpKind.RESIZE_BILINEAR_2D, [x], ResizeOptions(*(int(t) for t in target)))
    if interpolation != "nearest":
        raise ctx.unsupported(f"has interpolation='{interpolation}'", "use 'nearest' or 'bilinear'")
    if any(t % extent for t, extent in zip(target, extents)):
        raise ctx.unsupported(
            f"resizes {extents} to {tuple(target)} by the nearest element", "use a whole multiple, or 'bilinear'"
        )
    for axis in reversed(range(len(extents))):
        x = repeated(ctx, x, axis + 1, target[axis] // extents[axis])
    return x
