"""Python's slicing of tensors, x[:, 1:3, ..., 0], as files of Keras 2 and 3 write it down."""

from __future__ import annotations

from typing import Any

from xlite.converter.graph import Value
from xlite.converter.lowering.context import Context
from xlite.converter.lowering.movement import reshaped, reversed_axis, sliced_axes

_ELLIPSIS, _NEW = "...", "new"


def indexed(ctx: Context, x: Value, key: Any) -> Value:
    """``x[key]``: slices, whole numbers, new axes and an ellipsis; the batch is taken whole."""
    entries = [_entry(ctx, item) for item in (key if isinstance(key, list) else [key])]
    rank = len(x.type.shape)
    named = sum(1 for entry in entries if entry not in (_ELLIPSIS, _NEW))
    missing = [slice(None)] * (rank - named)
    at = entries.index(_ELLIPSIS) if _ELLIPSIS in entries else len(entries)
    entries[at : at + 1] = missing
    kept: list[int] = []  # the shape behind it
    ranges: list[tuple[int, int, int]] = []
    backwards: list[int] = []
    for entry in entries:
        if entry == _NEW:
            kept.append(1)
            continue
        extent = x.type.shape[len(ranges)]
        begin, size, stride = _range(ctx, entry, extent, len(ranges))
        if stride < 0:
            backwards.append(len(ranges))
            begin, stride = begin + (size - 1) * stride, -stride
        ranges.append((begin, size, stride))
        if isinstance(entry, slice):
            kept.append(size)
    _check_batch(ctx, entries, ranges, rank, x.type.shape[0])
    y = sliced_axes(ctx, x, ranges)
    for axis in backwards:
        y = reversed_axis(ctx, y, axis)
    if len(kept) < 2:
        raise ctx.unsupported("leaves nothing but the batch axis", "keep an axis of extent 1 behind it")
    return reshaped(ctx, y, kept[1:])


def _entry(ctx: Context, item: Any) -> Any:
    if item is None:
        return _NEW
    if isinstance(item, dict):
        class_name = item.get("class_name")
        if class_name == "__ellipsis__":
            return _ELLIPSIS
        limits = item["config"] if class_name == "__slice__" else item  # Keras 3 and Keras 2
        if isinstance(limits, dict) and set(limits) >= {"start", "stop", "step"}:
            parts = [limits[key] for key in ("start", "stop", "step")]
            if all(part is None or isinstance(part, int) for part in parts):
                return slice(*parts)
    if isinstance(item, int) and not isinstance(item, bool):
        return item
    raise ctx.unsupported("is indexed by something that is computed", "index it by numbers and slices")


def _range(ctx: Context, entry: Any, extent: int, axis: int) -> tuple[int, int, int]:
    if isinstance(entry, slice):
        found = range(*entry.indices(extent))
        if len(found) == 0:
            raise ctx.error(f"takes none of the {extent} elements of axis {axis}", "take at least one")
        return found.start, len(found), found.step
    if not -extent <= entry < extent:
        raise ctx.error(f"takes element {entry} of the {extent} of axis {axis}", "take one that is there")
    return entry % extent, 1, 1


def _check_batch(
    ctx: Context, entries: list[Any], ranges: list[tuple[int, int, int]], rank: int, batch: int
) -> None:
    if len(ranges) > rank:
        raise ctx.error(f"has more indices than the {rank} axes of the tensor", "take some away")
    if entries[0] != slice(None) or ranges[0] != (0, batch, 1):
        raise ctx.unsupported("takes part of the batch", "start the index with a colon, as in x[:, 0]")
